"""Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3).

IMAP is older than UTF-8 everywhere, so a mailbox called "Thư đã gửi" travels as
``Th&AbA- &AREA4w- g&Hu0-i``.  Printable ASCII stands for itself, ``&-`` for an
ampersand; everything else is a run of UTF-16 in base64 between ``&`` and ``-``,
with ``,`` in place of ``/`` (a slash could be the hierarchy separator) and without
padding.

Each name has exactly one encoding.  `decode` therefore refuses what `encode` would
not have written: ASCII in base64, two runs where one would do, bits left over.
"""

from __future__ import annotations

import binascii
import re

_PIECE = re.compile(r"&([^-]*)-|([^&]+)")
_RUN = re.compile(r"[\x20-\x7e]+|[^\x20-\x7e]+")


class BadEncoding(ValueError):
    """A name is not modified UTF-7."""


def encode(name: str) -> bytes:
    """The name as it goes on the wire: ``"Đồ án"`` → ``b"&ARAe0w- &AOE-n"``."""
    return b"".join(_encode_run(run) for run in _RUN.findall(name))


def decode(wire: bytes) -> str:
    """The name that was meant.

    Raises `BadEncoding` if the bytes are not what `encode` writes for any name.
    """
    try:
        text = wire.decode("ascii")
        name = "".join(_decode_piece(piece) for piece in _pieces(text))
        if encode(name) == wire:
            return name
    except (UnicodeError, binascii.Error) as error:
        raise BadEncoding(f"{wire!r} is not modified UTF-7 (RFC 3501 §5.1.3)") from error
    raise BadEncoding(f"{wire!r} is not the one way to write {name!r} (RFC 3501 §5.1.3)")


def _encode_run(run: str) -> bytes:
    if " " <= run[0] <= "~":
        return run.replace("&", "&-").encode("ascii")
    base64 = binascii.b2a_base64(run.encode("utf-16-be"), newline=False)
    return b"&" + base64.rstrip(b"=").replace(b"/", b",") + b"-"


def _pieces(text: str) -> list[re.Match[str]]:
    pieces = list(_PIECE.finditer(text))
    if sum(len(piece[0]) for piece in pieces) != len(text):
        raise BadEncoding(f"{text!r} has an & without its - (RFC 3501 §5.1.3)")
    return pieces


def _decode_piece(piece: re.Match[str]) -> str:
    shifted, plain = piece[1], piece[2]
    if shifted is None:
        return str(plain)
    if not shifted:
        return "&"
    padded = shifted.replace(",", "/") + "=" * (-len(shifted) % 4)
    return binascii.a2b_base64(padded).decode("utf-16-be")
