"""The attempts as a drawing: a row for each copy of a letter, lab time from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.trace.queues import Note
from labmail.views import palette
from labmail.views.attempts import MARKS, MEANING, Wait
from labmail.views.paper import Paper, fit, measure
from labmail.views.spoken import moment
from labmail.views.timeline import Span

if TYPE_CHECKING:
    from labmail.views.attempts import Attempts

MARGIN, NAMES, WIDE = 18.0, 178.0, 520.0
HEAD, ROW, FOOT = 44.0, 40.0, 48.0
COLOURS = {
    "○": "#b27a00",
    "●": palette.GREEN,
    "■": palette.VERMILION,
    "▲": palette.PURPLE,
}


def drawn(attempts: Attempts) -> Paper:
    """The attempts on paper."""
    return _Drawing(attempts).paper


class _Drawing:
    def __init__(self, attempts: Attempts) -> None:
        self._left = MARGIN + NAMES
        rows = len(attempts.waits)
        self._bottom = HEAD + ROW * rows
        more = 14 if attempts.more else 0
        self.paper = Paper(self._left + WIDE + 40, self._bottom + FOOT + more)
        self.paper.text(MARGIN, 26, attempts.title, 11, bold=True)
        if attempts.span is None:
            return
        title = measure(attempts.title, 11, bold=True)
        self.paper.text(
            MARGIN + title + 10, 26, f"from {moment(attempts.span.start)}", 8.3, palette.SOFT
        )
        self._axis(attempts.span)
        for i, wait in enumerate(attempts.waits):
            self._row(attempts, wait, HEAD + ROW * (i + 0.5), attempts.span)
        if attempts.more:
            words = f"and {attempts.more} more"
            self.paper.text(MARGIN, self._bottom + 8, words, 8.3, palette.SOFT)
        self._legend(attempts.used)

    def _x(self, place: float) -> float:
        return self._left + WIDE * place

    def _axis(self, whole: Span) -> None:
        for when, name in whole.ticks():
            x = self._x(whole.place(when))
            self.paper.line([(x, HEAD - 2), (x, self._bottom)], palette.FAINT, 0.8)
            self.paper.text(x, self._bottom + 13, name, 7.6, palette.SOFT, align="center")
        self.paper.line(
            [(self._left, self._bottom), (self._left + WIDE, self._bottom)], palette.EDGE, 0.8
        )

    def _row(self, attempts: Attempts, wait: Wait, y: float, whole: Span) -> None:
        self.paper.text(MARGIN, y - 2, f"letter {wait.parcel}", 8.8, bold=True)
        self.paper.text(MARGIN + 52, y - 2, fit(f"at {wait.host}", NAMES - 60, 7.6), 7.6)
        to = fit(f"for {wait.recipient}", NAMES - 8, 7.2)
        self.paper.text(MARGIN, y + 9, to, 7.2, palette.SOFT)
        x1 = self._x(whole.place(wait.arrived))
        x2 = self._x(whole.place(wait.left)) if wait.left else self._left + WIDE
        self.paper.box(x1, y - 4, max(x2 - x1, 1), 8, palette.SHADE, palette.EDGE, line=0.7)
        if wait.left is None:
            self.paper.head((x2 + 9, y), (1, 0), palette.EDGE, 8)
        for note in wait.marks:
            self._mark(note, self._x(whole.place(note.at)), y)
        words = fit(attempts.end(wait), WIDE - 4, 6.8)
        self.paper.text(self._left + 2, y + 16, words, 6.8, palette.SOFT, halo=palette.PAPER)

    def _mark(self, note: Note, x: float, y: float) -> None:
        sign = MARKS[note.what]
        self._sign(sign, x, y - 11 if sign == "▲" else y)

    def _sign(self, sign: str, x: float, y: float) -> None:
        colour = COLOURS[sign]
        if sign == "▲":
            self.paper.polygon([(x, y - 5), (x + 4.6, y + 3.5), (x - 4.6, y + 3.5)], colour)
        elif sign == "■":
            self.paper.box(x - 4.4, y - 4.4, 8.8, 8.8, colour, palette.PAPER, line=0.8)
        elif sign == "●":
            self.paper.dot(x, y, 4.8, colour, palette.PAPER)
        else:
            self.paper.dot(x, y, 3.8, palette.PAPER, colour)

    def _legend(self, used: set[str]) -> None:
        x, y = MARGIN + 6, self.paper.height - 14
        for sign, words in MEANING.items():
            if sign in used:
                self._sign(sign, x, y - 2.5)
                self.paper.text(x + 9, y, words, 7.6, palette.SOFT)
                x += measure(words, 7.6) + 30
