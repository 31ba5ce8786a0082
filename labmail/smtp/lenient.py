r"""A weakness, for lessons: servers that are lenient about line ends.

For decades servers took a lone LF for the end of a line, out of kindness to programs
that forget the CR, and passed letters on without looking at their line ends.  Each kindness
alone harms nobody.  Together they are *SMTP smuggling*, found in December 2023 in
some of the largest mail services::

    a user's letter             lenient sender                lenient receiver
    … LF . LF                   sees one letter, for only     sees its end here …
    MAIL FROM:<boss@…> CR LF    CR LF . CR LF ends one;       … and a second letter, which
    RCPT TO:<…> CR LF           passes every octet on         the sending host never judged:
    DATA CR LF …                as it came                    forged, from an honest address

Every host of the lab is strict, and a letter like this one is refused.  A lesson may
make single hosts lenient in one of two ways:

* a lenient *sender* takes letters with lone LF or CR from its clients, and relays the
  octets as they are (dots are doubled after CR LF only);
* a lenient *receiver* reads lines that end with LF, with or without a CR in front: in
  commands, in letters, and at their end.  It stores what it read with CR LF.  Like
  the servers of that time it does not mind a client that goes on before the 354.

The cure is in `dotreader`: only CR LF . CR LF ends a letter (RFC 5321 §4.1.1.4), and a
letter with lone CR or LF is refused.  Postfix calls it ``smtpd_forbid_bare_newline``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, get_args

from labmail.smtp.dotreader import DotReader

Leniency = Literal["sender", "receiver"]

_LONE_LF = re.compile(rb"(?<!\r)\n")
_END = re.compile(rb"\n\.\r?\n")


def leniencies(roles: Collection[str]) -> frozenset[Leniency]:
    """These roles, checked; raises ValueError when there is none, or one unknown."""
    known = {role: role for role in get_args(Leniency)}
    wrong = [repr(role) for role in roles if role not in known]
    if wrong or not roles:
        raise ValueError(
            "a host can be lenient as 'sender' or as 'receiver': say which"
            + (f" (there is no {', '.join(wrong)})" if wrong else "")
        )
    return frozenset(known[role] for role in roles)


def mended(data: bytes | bytearray) -> bytes:
    """The same lines, each ended by CR LF."""
    return _LONE_LF.sub(b"\r\n", data)


class LenientDotReader(DotReader):
    """Takes LF for the end of a line: so LF . LF, LF . CR LF and CR LF . LF end a letter too."""

    line_end = b"\n"

    @property
    def has_bare_newline(self) -> bool:
        """Whether a CR stood alone; a lone LF is as good as CR LF here."""
        return self._crs != self._pairs

    def _find_end(self, window: bytes) -> int:
        found = _END.search(window)
        return found.end() if found else -1

    def _lines(self) -> bytes:
        return mended(self._kept)
