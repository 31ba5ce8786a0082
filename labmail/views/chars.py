"""Text as characters in a terminal: what may be printed, how wide it is, how it is laid out.

Nothing that came over a wire is printed as it is.  A subject may hold a terminal's
escape sequence, a reply may hold a carriage return that overwrites the line before,
a name may hold a mark that turns the reading direction round.  `visible` turns every
such character into a visible escape; every view passes what it shows through it.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

MASK = "••••••••"
"""Stands for a secret of any length: how long a password is, is nobody's business."""

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def visible(text: str) -> str:
    """The same text with everything that steers a terminal or hides from the eye spelled
    out: ``\\x1b``, ``\\r``, ``\\u202e``.  Letters of all languages stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _UNPRINTABLE else _escape(c) for c in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def decoded(data: bytes) -> str:
    """Bytes of a line as text: UTF-8 where it is, ``\\xNN`` where it is not; nothing hidden."""
    return visible(data.decode("utf-8", "backslashreplace"))


def hidden(data: bytes, secrets: Sequence[tuple[int, int]], show: bool = False) -> bytes:
    """The bytes with each secret span replaced by `MASK` unless `show`."""
    if show or not secrets:
        return data
    parts, position = [], 0
    for start, end in sorted(secrets):
        parts.append(data[position : max(start, position)])
        if end > position:
            parts.append(MASK.encode())
        position = max(position, end)
    return b"".join(parts) + data[position:]


def masked(data: bytes, secrets: Sequence[tuple[int, int]], show: bool = False) -> str:
    """A line as text, with its secrets hidden unless `show`."""
    return decoded(hidden(data, secrets, show))


def width(text: str) -> int:
    """How many terminal columns the text takes."""
    return sum(_char_width(c) for c in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, columns: int, align: str = "<") -> str:
    """Fill with spaces to `columns`: "<" text left, ">" right, "^" in the middle."""
    room = max(0, columns - width(text))
    left = {"<": 0, ">": room, "^": room // 2}[align]
    return " " * left + text + " " * (room - left)


def shorten(text: str, columns: int) -> str:
    """Cut to `columns` with an ellipsis where it is longer."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for char in text:
        used += _char_width(char)
        if used > columns - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def shorten_middle(text: str, columns: int) -> str:
    """Cut out the middle: for file names, whose end says as much as their beginning."""
    if width(text) <= columns:
        return text
    head = (columns - 1) * 2 // 3
    return text[:head] + "…" + text[-(columns - 1 - head) :]


def wrap(text: str, columns: int) -> list[str]:
    """Break into lines of at most `columns`; at least one line."""
    return textwrap.wrap(text, columns, break_on_hyphens=False) or [""]


def plural(count: int, one: str, many: str = "") -> str:
    """``plural(1, "letter")`` → "1 letter"; thousands are grouped."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def text_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    limits: Sequence[int] = (),
) -> str:
    """A table in characters.  Columns listed in `right` are flush right; `limits` gives the
    most columns each may take (0: no limit), longer cells are wrapped."""
    bound = [*limits, *[0] * (len(head) - len(limits))]
    cells = [[wrap(c, b) if b else [c] for c, b in zip(row, bound, strict=True)] for row in rows]
    widths = [
        max([width(title), *(width(line) for row in cells for line in row[i])])
        for i, title in enumerate(head)
    ]

    def line(parts: Sequence[str]) -> str:
        aligned = (
            pad(part, w, ">" if i in right else "<")
            for i, (part, w) in enumerate(zip(parts, widths, strict=True))
        )
        return "  ".join(aligned).rstrip()

    out = [line(head), "  ".join("─" * w for w in widths)]
    for row in cells:
        for i in range(max(len(cell) for cell in row)):
            out.append(line([cell[i] if i < len(cell) else "" for cell in row]))
    return "\n".join(out)
