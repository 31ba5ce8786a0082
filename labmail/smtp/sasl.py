"""AUTH PLAIN and AUTH LOGIN (RFC 4616; LOGIN was never more than a draft).

Both ask for things and make of the answers a user name and a password.  PLAIN
asks once, with an empty challenge, and gets ``authzid NUL user NUL password``;
LOGIN asks twice.  Neither protects the password: that is what TLS is for.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class BadResponse(ValueError):
    """This is not what the mechanism asks for."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """What to ask, one challenge after the other, and how to read the answers."""

    challenges: tuple[bytes, ...]
    read: Callable[[Sequence[bytes]], tuple[str, str]]


def _read_plain(responses: Sequence[bytes]) -> tuple[str, str]:
    fields = responses[0].split(b"\0")
    if len(fields) != 3:
        raise BadResponse("PLAIN needs authzid NUL user NUL password")
    authzid, user, password = map(_text, fields)
    if authzid not in ("", user):  # RFC 4616 §2: to act for somebody else; nobody may here
        raise BadResponse("acting for another user is not offered")
    return user, password


def _read_login(responses: Sequence[bytes]) -> tuple[str, str]:
    user, password = map(_text, responses)
    return user, password


MECHANISMS: dict[str, Mechanism] = {
    "PLAIN": Mechanism((b"",), _read_plain),
    "LOGIN": Mechanism((b"Username:", b"Password:"), _read_login),
}
"""{name as AUTH gives it: mechanism}"""


def decoded(response: bytes) -> bytes:
    """A response out of its base64; ``=`` alone is the empty one (RFC 4954 §4).

    Raises BadResponse.
    """
    if response == b"=":
        return b""
    try:
        return b64decode(response, validate=True)
    except binascii.Error as error:
        raise BadResponse("not base64") from error


def _text(field: bytes) -> str:
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadResponse("user name and password are UTF-8 (RFC 4616 §2)") from error
