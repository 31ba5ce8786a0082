"""Transfer encodings: how octets travel through a channel made for lines of ASCII (RFC 2045 §6).

    7bit              ASCII in lines of at most 998; what mail has always carried
    8bit              the same lines with octets above 127 (needs 8BITMIME, RFC 6152)
    quoted-printable  ``=C3=A0`` for what is not ASCII: readable, dear for Vietnamese
    base64            four characters for three octets: unreadable, the same price for all
    binary            no lines at all: SMTP without BINARYMIME cannot carry it

Sizes are those of the wire: every line ends in CRLF.
"""

from __future__ import annotations

import binascii
import quopri
import re
from dataclasses import dataclass

from labmail.letter.words import from_base64

MAX_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""
BASE64_LINE = 76
"""Characters of a line of base64 or quoted-printable (RFC 2045 §6.7, §6.8)."""

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_NO_LETTER = re.compile(rb"[^A-Za-z0-9+/=]+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\r\n \t]")


def undone(content: bytes, encoding: str) -> bytes:
    """The octets behind a transfer encoding.  Never raises; an unknown one leaves them as
    they are (RFC 2045 §6.4)."""
    if encoding == "base64":
        return from_base64(content)
    return quopri.decodestring(content) if encoding == "quoted-printable" else content


def lines_in_crlf(octets: bytes) -> bytes:
    """The same lines, each ended by CRLF and by nothing else (RFC 5321 §2.3.8)."""
    return _LINE_END.sub(b"\r\n", octets)


def as_base64(octets: bytes) -> bytes:
    """Lines of 76 characters (RFC 2045 §6.8)."""
    size = BASE64_LINE // 4 * 3
    chunks = (octets[at : at + size] for at in range(0, len(octets), size))
    return b"".join(binascii.b2a_base64(chunk, newline=False) + b"\r\n" for chunk in chunks)


def as_quoted_printable(octets: bytes) -> bytes:
    """Text lines as quoted-printable, CRLF kept as line ends (RFC 2045 §6.7)."""
    plain = lines_in_crlf(octets).replace(b"\r\n", b"\n")
    return quopri.encodestring(plain).replace(b"\n", b"\r\n")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one transfer encoding makes of the octets.

    `fits` says whether the wire may carry the result, `why` what is in the way.
    """

    encoding: str
    octets: int
    wire: int
    fits: bool = True
    why: str = ""

    @property
    def growth(self) -> float:
        """How many octets travel for each octet of the content."""
        return self.wire / self.octets if self.octets else 1.0


def costs(content: str | bytes) -> tuple[Cost, ...]:
    """What a text (as UTF-8) or a file costs as 7bit, 8bit, quoted-printable and base64.

    The lines of a text end in CRLF before it is encoded (RFC 2045 §6.8); a file is taken
    octet for octet.
    """
    text = isinstance(content, str)
    octets = lines_in_crlf(content.encode("utf-8")) if isinstance(content, str) else content
    size = len(octets)
    quoted = as_quoted_printable(octets) if text else _file_as_quoted_printable(octets)
    seven, eight = _obstacle(octets, seven_bit=True), _obstacle(octets, seven_bit=False)
    return (
        Cost("7bit", size, size, not seven, seven),
        Cost("8bit", size, size, not eight, eight),
        Cost("quoted-printable", size, len(quoted)),
        Cost("base64", size, len(as_base64(octets))),
    )


def cost(content: str | bytes, encoding: str) -> Cost:
    """What one encoding costs; KeyError for one that is not known."""
    return {each.encoding: each for each in costs(content)}[encoding]


def _file_as_quoted_printable(octets: bytes) -> bytes:
    """Line ends of a file are octets like others: they are encoded too (RFC 2045 §6.7)."""
    return binascii.b2a_qp(octets, istext=False).replace(b"\n", b"\r\n")


def best(text: str) -> str:
    """The encoding for a text on a wire of 7 bits: none if it needs none, else the cheaper."""
    seven, _, quoted, base64 = costs(text)
    if seven.fits:
        return "7bit"
    return "quoted-printable" if quoted.wire <= base64.wire else "base64"


def _obstacle(octets: bytes, *, seven_bit: bool) -> str:
    """Why octets cannot travel as they are; "" if they can (RFC 2045 §2.7, §2.8)."""
    if seven_bit and not octets.isascii():
        return "octets above 127"
    if b"\0" in octets:
        return "NUL"
    if _BARE.search(octets):
        return "a bare CR or LF"
    if longest_line(octets) > MAX_LINE:
        return f"a line of more than {MAX_LINE} octets"
    return ""


def longest_line(octets: bytes) -> int:
    """The length of the longest line, its CRLF not counted."""
    return max(map(len, octets.split(b"\r\n")), default=0)


def complaints(content: bytes, encoding: str) -> tuple[str, ...]:
    """What in a body does not fit its transfer encoding, in words."""
    said: list[str] = []
    if encoding not in ("7bit", "8bit", "binary", "quoted-printable", "base64"):
        said.append(f"nobody knows the transfer encoding {encoding} (RFC 2045 §6.4)")
    if encoding == "7bit" and not content.isascii():
        said.append("octets above 127, yet it says 7bit (RFC 2045 §2.7)")
    if encoding in ("base64", "quoted-printable") and not content.isascii():
        said.append(f"octets above 127 in {encoding} (RFC 2045 §6)")
    if encoding == "base64" and _NOT_BASE64.search(content):
        said.append("characters that are no base64 (RFC 2045 §6.8)")
    if encoding == "base64" and len(_NO_LETTER.sub(b"", content)) % 4:
        said.append("base64 that breaks off in the middle (RFC 2045 §6.8)")
    if encoding != "binary":
        said += line_complaints(content)
    return tuple(said)


def line_complaints(content: bytes) -> list[str]:
    """What is wrong with its lines."""
    said = []
    if _BARE.search(content):
        said.append("a bare CR or LF (RFC 5322 §2.3)")
    if b"\0" in content:
        said.append("a NUL octet (RFC 5322 §4)")
    if longest_line(content) > MAX_LINE:
        said.append(f"a line of more than {MAX_LINE} octets (RFC 5322 §2.1.1)")
    return said
