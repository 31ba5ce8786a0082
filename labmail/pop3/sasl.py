"""AUTH PLAIN taken apart (RFC 4616): three texts, one NUL between each, in base64.

    authorization identity  NUL  authentication identity  NUL  password

The first says as whom one wants to act; nobody here may act as somebody else,
so it is empty or the same as the second.
"""

from __future__ import annotations

import base64
import binascii


class BadCredentials(ValueError):
    """The client's response is not what PLAIN asks for; the message says why."""


def credentials(response: bytes) -> tuple[str, str]:
    """User and password from a response in base64.  Raises BadCredentials."""
    try:
        message = base64.b64decode(response, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise BadCredentials("that is no UTF-8 text in base64 (RFC 4648 §4)") from None
    parts = message.split("\0")
    if len(parts) != 3:
        raise BadCredentials("PLAIN takes three texts with one NUL between each (RFC 4616 §2)")
    authorization, user, password = parts
    if not user or not password:
        raise BadCredentials("user name and password must not be empty (RFC 4616 §2)")
    if authorization not in ("", user):
        raise BadCredentials("nobody may act as somebody else here")
    return user, password
