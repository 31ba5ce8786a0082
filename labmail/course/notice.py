"""What the course says: notices, tables, bars and listings.

Each shows itself as text in a terminal and as HTML in a notebook, like every
view.  A notice never speaks by colour alone: its first words say how things stand.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from labmail.views import markup, palette
from labmail.views.chars import pad, text_table, width, wrap
from labmail.views.view import View

_COLUMNS = 92
"""How wide text is set: notebooks and terminals both show it without breaking it again."""


class Tone(Enum):
    """How a notice sounds: the colour of its edge.  The words say the same."""

    PLAIN = palette.EDGE
    GOOD = palette.GREEN
    OPEN = palette.ORANGE
    WRONG = palette.VERMILION


class Notice(View):
    """A title and a few lines.  A line that begins with a mark ("✔ ", "· ") hangs under it."""

    def __init__(self, title: str, lines: Sequence[str] = (), tone: Tone = Tone.PLAIN) -> None:
        self.title = title
        self.lines = tuple(lines)
        self.tone = tone

    def text(self) -> str:
        return "\n".join([*wrap(self.title, _COLUMNS), *(_hung(line) for line in self.lines)])

    def html(self) -> str:
        style = f"border-left:5px solid {self.tone.value};padding:2px 12px;margin:4px 0"
        title = markup.tag("div", markup.strong(self.title), style="font-size:14px")
        lines = [markup.tag("div", line, style=_hang(line)) for line in self.lines]
        return markup.page(markup.tag("div", title, *lines, style=style))


def _mark_width(line: str) -> int:
    """How many characters a mark and its space take at the beginning of a line; 0 if none."""
    head = line.split(" ", 1)[0]
    return len(head) + 1 if 0 < len(head) <= 3 and not head.isalpha() and " " in line else 0


def _hung(line: str) -> str:
    indent = "  " + " " * _mark_width(line)
    return textwrap.fill(
        line, _COLUMNS, initial_indent="  ", subsequent_indent=indent, break_on_hyphens=False
    )


def _hang(line: str) -> str:
    base = "font-size:13px;margin:2px 0"
    return base + (";padding-left:1.4em;text-indent:-1.4em" if _mark_width(line) else "")


class Table(View):
    """Rows under a head, with an optional line above and below.

    `right` lists the columns that hold numbers, `whole` those whose words stay on one
    line in a notebook; `limits` bounds columns in text.
    """

    def __init__(
        self,
        title: str,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        note: str = "",
        right: Sequence[int] = (),
        whole: Sequence[int] = (),
        limits: Sequence[int] = (),
    ) -> None:
        self.title, self.head, self.rows = title, tuple(head), tuple(map(tuple, rows))
        self.note, self._right, self._whole, self._limits = note, right, whole, limits

    def text(self) -> str:
        table = text_table(self.head, self.rows, right=self._right, limits=self._limits)
        return "\n\n".join(filter(None, [self.title, table, *self._note_lines()]))

    def _note_lines(self) -> list[str]:
        return ["\n".join(wrap(self.note, _COLUMNS))] if self.note else []

    def html(self) -> str:
        note = [markup.paragraph(markup.quiet(self.note))] if self.note else []
        table = markup.table(self.head, self.rows, right=self._right, whole=self._whole)
        return markup.page(markup.heading(self.title), table, *note)


class Bars(View):
    """How often each case occurred: one bar for each, its count beside it; `of` is what is
    counted."""

    def __init__(
        self, title: str, counts: Mapping[str, int], note: str = "", of: str = "letters"
    ) -> None:
        self.title, self.counts, self.note, self._of = title, dict(counts), note, of

    def text(self) -> str:
        names = max((width(name) for name in self.counts), default=0)
        digits = max((len(str(n)) for n in self.counts.values()), default=0)
        lines = [
            f"{pad(name, names, '>')}  {pad(str(n), digits, '>')}  {'█' * self._length(n)}".rstrip()
            for name, n in self.counts.items()
        ]
        return "\n".join([self.title, "", *lines, *(["", self.note] if self.note else [])])

    def _length(self, count: int, full: int = 50) -> int:
        """A bar's length; whatever occurred at all can be seen."""
        most = max(self.counts.values(), default=0)
        return max(1, round(full * count / most)) if count else 0

    def html(self) -> str:
        rows = [(name, str(n), self._bar(n)) for name, n in self.counts.items()]
        note = [markup.paragraph(markup.quiet(self.note))] if self.note else []
        return markup.page(
            markup.heading(self.title), markup.table(("", self._of, ""), rows, right=(0, 1)), *note
        )

    def _bar(self, count: int) -> markup.Html:
        size = f"width:{8 * self._length(count)}px;height:12px;margin-top:3px"
        return markup.tag("div", style=f"{size};background:{palette.BLUE}")


class Listing(View):
    """Source code, as it stands in the package."""

    def __init__(self, title: str, source: str) -> None:
        self.title = title
        self.source = source

    def text(self) -> str:
        return f"{self.title}\n\n{textwrap.indent(self.source, '    ')}"

    def html(self) -> str:
        return markup.page(markup.heading(self.title), markup.pre(self.source))


def show_source(thing: Callable[..., Any] | type) -> Listing:
    """The source of a function or class of the package: fetched from it, never pasted."""
    source = textwrap.dedent(inspect.getsource(thing)).rstrip()
    return Listing(f"{thing.__module__}.{thing.__qualname__}", source)
