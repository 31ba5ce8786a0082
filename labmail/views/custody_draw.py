"""The custody line as a drawing: time runs downwards, one column for each holder.

A solid bar is a promise that binds, a hollow one is only a copy in somebody's program.  The
words stand at the right, each at the height of its moment, so that bars and words never meet.
Rows are moments, not minutes: the lab time is written beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.views import palette
from labmail.views.custody import Holding, Mark
from labmail.views.paper import Paper, broken, fit, measure
from labmail.views.spoken import clock, moment

if TYPE_CHECKING:
    from labmail.views.custody import Custody

MARGIN = 18.0
TIME = 62.0
COLUMN = 72.0
HEAD = 58.0
LINE = 11.2
WORDS = 330.0
BAR = 13.0

_COLOUR = {
    Mark.WRITTEN: palette.SOFT,
    Mark.ACCEPTED: palette.BLUE,
    Mark.RELAYED: palette.BLUE,
    Mark.DEFERRED: "#b27a00",
    Mark.BOUNCED: palette.VERMILION,
    Mark.DELIVERED: palette.GREEN,
    Mark.STORED: palette.GREEN,
    Mark.FETCHED: palette.PURPLE,
    Mark.READ: palette.PURPLE,
    Mark.LEFT: palette.SOFT,
    Mark.REMOVED: palette.VERMILION,
}


def drawn(custody: Custody) -> Paper:
    """The custody line on paper."""
    return _Drawing(custody).paper


class _Drawing:
    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._names = list(dict.fromkeys(h.holder for h in custody.holdings))
        self._rows = [self._wrapped(m.words) for m in custody.moments]
        self._tops: list[float] = []
        y = MARGIN + HEAD
        for i, row in enumerate(self._rows):
            y += 15 if self._new_day(i) else 0
            self._tops.append(y)
            y += LINE * (len(row) + 1) + 10
        self._bottom = y + 4
        self._left = MARGIN + TIME
        self._words = self._left + COLUMN * len(self._names) + 16
        width = self._words + WORDS + MARGIN
        self.paper = Paper(max(width, 420), self._bottom + 30)
        self._heads()
        for holding in custody.holdings:
            self._bar(holding)
        for i in range(len(custody.moments)):
            self._moment(i)
        self._foot()

    def _wrapped(self, words: str) -> list[str]:
        return broken(words, WORDS - 6, 8.3)[:4]

    def _new_day(self, i: int) -> bool:
        moments = self._custody.moments
        return i > 0 and moments[i].at.date() != moments[i - 1].at.date()

    def _x(self, holder: str) -> float:
        return self._left + COLUMN * (self._names.index(holder) + 0.5)

    def _at(self, i: int) -> float:
        return self._tops[i] + 5

    def _heads(self) -> None:
        title = (
            f"Custody of letter {self._custody.parcel}" if self._custody.moments else "No letter"
        )
        self.paper.text(self._words, MARGIN + 12, title, 11, bold=True)
        if self._custody.moments:
            since = moment(self._custody.moments[0].at)
            self.paper.text(self._words, MARGIN + 27, f"from {since}", 8.3, palette.SOFT)
        for name in self._names:
            self._head(name)

    def _head(self, name: str) -> None:
        """A holder's name in short lines over its column, and a hairline down."""
        x = self._x(name)
        self.paper.line([(x, MARGIN + HEAD - 8), (x, self._bottom - 6)], palette.FAINT, 0.8)
        if " of " in name:
            box, _, account = name.partition(" of ")
            user, at, domain = account.partition("@")
            lines = [box, user, at + domain]
        else:
            host, dot, rest = name.partition(".")
            lines = [host, dot + rest]
        y = MARGIN + HEAD - 12 - 10 * (len(lines) - 1)
        for i, line in enumerate(lines):
            size = 8.2 if i == 0 else 6.8
            while measure(line, size, bold=i == 0) > COLUMN - 3 and size > 5.4:
                size -= 0.2
            said = fit(line, COLUMN - 2, size, bold=i == 0)
            colour = palette.INK if i == 0 else palette.SOFT
            self.paper.text(x, y + 10 * i, said, size, colour, align="center", bold=i == 0)

    def _bar(self, holding: Holding) -> None:
        x = self._x(holding.holder)
        top = self._at(holding.start)
        bottom = self._bottom - 8 if holding.end is None else self._at(holding.end)
        colour = _COLOUR[holding.marks[0][1]]
        if holding.promised:
            self.paper.box(x - BAR / 2, top, BAR, bottom - top, _pale(colour), colour, line=1.2)
        else:
            self.paper.box(
                x - BAR / 2, top, BAR, bottom - top, palette.PAPER, colour, line=1.2, dash="dashed"
            )
        if holding.end is None:
            self.paper.head((x, bottom + 7), (0, 1), colour, 8)

    def _moment(self, i: int) -> None:
        happened = self._custody.moments[i]
        y, x = self._at(i), self._x(happened.holder)
        colour = _COLOUR[happened.mark]
        first = self._custody.moments[0].at
        self._time(i, clock(happened.at, first), y)
        self.paper.line([(x, y), (self._words - 6, y)], colour, 0.8, "dotted")
        self.paper.dot(x, y, 4.2, colour, palette.PAPER)
        self.paper.text(self._words, y + 3, happened.mark, 8.6, colour, bold=True)
        who = measure(happened.mark, 8.6, bold=True) + 6
        holder = fit(happened.holder, WORDS - who, 8.3)
        self.paper.text(self._words + who, y + 3, holder, 8.3, palette.SOFT)
        for n, line in enumerate(self._rows[i]):
            self.paper.text(self._words, y + 3 + LINE * (n + 1), line, 8.3)

    def _time(self, i: int, said: str, y: float) -> None:
        """The lab time, where it differs from the row above."""
        moments = self._custody.moments
        if i and moments[i].at == moments[i - 1].at:
            return
        day, _, hour = said.rpartition(", ")
        self.paper.text(MARGIN, y + 3, hour, 8.3, bold=True)
        if day:
            self.paper.text(MARGIN, y - 8, day, 6.6, palette.SOFT)

    def _foot(self) -> None:
        y = self._bottom + 17
        width = self.paper.width
        self.paper.line([(MARGIN, y - 12), (width - MARGIN, y - 12)], palette.FAINT, 0.8)
        x = MARGIN + 2
        self.paper.box(x, y - 5, 16, 9, _pale(palette.BLUE), palette.BLUE, line=1.0)
        self.paper.text(x + 22, y + 2.5, "responsible: has said 250", 7.6, palette.SOFT)
        x += 22 + measure("responsible: has said 250", 7.6) + 18
        self.paper.box(x, y - 5, 16, 9, palette.PAPER, palette.SOFT, line=1.0, dash="dashed")
        self.paper.text(x + 22, y + 2.5, "holds it, nobody has promised", 7.6, palette.SOFT)
        x += 22 + measure("holds it, nobody has promised", 7.6) + 18
        self.paper.text(x, y + 2.5, "rows are moments, not minutes", 7.6, palette.SOFT)


_PALE = {
    palette.BLUE: "#cfe3f1",
    palette.GREEN: "#cfebe1",
    palette.SOFT: palette.SHADE,
}


def _pale(colour: str) -> str:
    return _PALE.get(colour, palette.SHADE)
