"""What is said in the clear before TLS begins.

The client says hello: which versions and ciphers it knows, and a random number.  The server
says hello: which of them it takes.  Everybody on the way reads that much (RFC 8446 §4.1), and
who only passes the records on learns from it what the two ends have agreed upon.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = 5  # of a record: type, version, length (RFC 8446 §5.1)
_BEFORE_RANDOM = _HEADER + 4 + 2  # of the message: type and length, then a version
_RANDOM = 32
_HANDSHAKE = b"\x16\x03"  # a record of the handshake, of any version of TLS
_CLIENT_HELLO, _SERVER_HELLO = b"\x01", b"\x02"
_SUPPORTED_VERSIONS = 43  # RFC 8446 §4.2.1
_VERSIONS = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the server has chosen."""

    version: str
    cipher: str


def is_client_hello(data: bytes) -> bool:
    """Whether a TLS session begins here.  No line of a mail protocol looks like this."""
    return _begins(data, _CLIENT_HELLO)


def client_random(data: bytes) -> bytes:
    """The random number in the client's hello, by which keys are noted (RFC 8446 §4.1.2)."""
    return data[_BEFORE_RANDOM : _BEFORE_RANDOM + _RANDOM]


def server_choice(data: bytes) -> Choice | None:
    """What the server's hello chooses (RFC 8446 §4.1.3); None for anything else."""
    end = _HEADER + int.from_bytes(data[3:_HEADER], "big")
    if not _begins(data, _SERVER_HELLO) or len(data) < end:
        return None
    at = _BEFORE_RANDOM + _RANDOM
    at += 1 + data[at]  # the session's id
    cipher = int.from_bytes(data[at : at + 2], "big")
    at += 2 + 1 + 2  # cipher, compression, length of the extensions
    said_last = dict(_extensions(data[at:end]))
    version = int.from_bytes(said_last.get(_SUPPORTED_VERSIONS, data[9:11]), "big")
    return Choice(
        _VERSIONS.get(version, f"version {version:#06x}"),
        _cipher_names().get(cipher, f"cipher {cipher:#06x}"),
    )


def _begins(data: bytes, message: bytes) -> bool:
    return data.startswith(_HANDSHAKE) and data[_HEADER : _HEADER + 1] == message


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        kind, size = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        yield kind, data[4 : 4 + size]
        data = data[4 + size :]


@functools.cache
def _cipher_names() -> dict[int, str]:
    """{number: name}, of all that this machine knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL")
    return {cipher["id"] & 0xFFFF: cipher["name"] for cipher in context.get_ciphers()}
