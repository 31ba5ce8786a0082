"""The ladder as a drawing.

Each row has its own height and its own label, set above the arrow and free to reach over
neighbouring lanes: since no two rows share a height, no two labels can meet.  Solid
blue pushes, dashed purple pulls, dotted teal asks the DNS; the dot sits at who opened.
"""

from __future__ import annotations

from collections.abc import Callable

from labmail.views import palette
from labmail.views.ladder_rows import Arrow, Fold, Kind, Mood, Note, Row, Rows, Rule
from labmail.views.paper import Dash, Paper, broken, fit, measure
from labmail.views.spoken import Way

_Mark = Callable[[float, float], None]

MARGIN = 18.0
HEAD = 46.0
LABEL = 9.2
LINE = 12.0
BAND = "#f7efc6"
_TALL = {"talk": 18.0, "hops": 31.0}

_TINT = {
    Mood.PLAIN: (palette.SHADE, palette.SOFT, "■"),
    Mood.GOOD: ("#e3f3ec", palette.GREEN, "✔"),
    Mood.WAIT: ("#fcf1d9", "#b27a00", "…"),
    Mood.BAD: ("#fbe6da", palette.VERMILION, "✘"),
}
_LETTERS = {
    Mood.PLAIN: palette.INK,
    Mood.GOOD: "#00664b",
    Mood.WAIT: "#8a5e00",
    Mood.BAD: "#a84900",
}


def drawn(rows: Rows, detail: str) -> Paper:
    """The rows on paper."""
    return _Drawing(rows, detail).paper


class _Drawing:
    def __init__(self, rows: Rows, detail: str) -> None:
        self._rows = rows
        self._tall = _TALL[detail]
        count = max(len(rows.lanes), 1)
        self._width = min(960.0, max(600.0, 152.0 * count + 2 * MARGIN))
        self._gap = (self._width - 2 * MARGIN) / count
        self._x = {n: MARGIN + (i + 0.5) * self._gap for i, n in enumerate(rows.lanes)}
        self._top = MARGIN + HEAD
        heights = [self._height(row) for row in rows.rows]
        self._bottom = self._top + sum(heights) + 12
        twice = self._bottom > 800  # a long ladder names its lanes below as well
        self.paper = Paper(self._width, self._bottom + (76 if twice else 34))
        self._lanes()
        self._heads(MARGIN - 6)
        if twice:
            self._heads(self._bottom)
            self._bottom += 42
        self._tls_bands(heights)
        y = self._top
        for row, height in zip(rows.rows, heights, strict=True):
            y += height
            self._row(row, y - 5)
        self._legend(self._bottom + 17)

    def _height(self, row: Row) -> float:
        if isinstance(row, Rule):
            return 24.0
        if isinstance(row, Note):
            return 8.5 + LINE * len(self._note_lines(row)[0])
        if isinstance(row, Arrow) and row.kind is Kind.OPEN:
            return max(self._tall, 25.0)
        return self._tall

    def _lanes(self) -> None:
        for x in self._x.values():
            self.paper.line([(x, MARGIN + 30), (x, self._bottom)], palette.FAINT, 1.2)

    def _heads(self, y: float) -> None:
        """The hosts' names in boxes: the host in bold, its domain below."""
        wide = min(self._gap - 8, 132)
        for name, x in self._x.items():
            self.paper.box(
                x - wide / 2, y, wide, 36, palette.SHADE, palette.EDGE, radius=5, line=0.8
            )
            first, dot, rest = name.partition(".")
            self._centred(x, y + (15 if rest else 21), first, 9.0, wide - 8, bold=True)
            self._centred(x, y + 28, dot + rest, 7.6, wide - 8, palette.SOFT)

    def _centred(
        self, x: float, y: float, text: str, size: float, room: float,
        colour: str = palette.INK, bold: bool = False,
    ) -> None:  # fmt: skip
        """Text around x, smaller or cut where there is no room."""
        while measure(text, size, bold=bold) > room and size > 6.5:
            size -= 0.5
        said = fit(text, room, size, bold=bold)
        self.paper.text(x, y, said, size, colour, align="center", bold=bold)

    def _tls_bands(self, heights: list[float]) -> None:
        """A pale band behind all that crossed inside TLS."""
        y = self._top
        for row, height in zip(self._rows.rows, heights, strict=True):
            if isinstance(row, Arrow) and (row.inside or row.kind is Kind.TLS):
                a, b = sorted((self._x[row.source], self._x[row.target]))
                self.paper.box(a + 1, y + 0.2, b - a - 2, height, BAND)
            y += height

    def _row(self, row: Row, y: float) -> None:
        if isinstance(row, Rule):
            self._rule(row, y)
        elif isinstance(row, Note):
            self._note(row, y)
        elif isinstance(row, Fold):
            self._fold(row, y)
        elif row.source == row.target:
            self._note(Note(row.source, row.label, row.mood), y)
        else:
            self._arrow(row, y)

    def _rule(self, row: Rule, y: float) -> None:
        ends = [(MARGIN, y - 4), (self._width - MARGIN, y - 4)]
        self.paper.line(ends, palette.EDGE, 0.7, "dotted")
        middle = self._width / 2
        self.paper.text(
            middle, y - 1, row.label, 8.3, palette.SOFT, align="center", bold=True,
            halo=palette.PAPER,
        )  # fmt: skip

    def _note(self, row: Note, y: float) -> None:
        """A pill whose mark sits on the lane; its words go to the side that has room."""
        fill, edge, mark = _TINT[row.mood]
        lines, right = self._note_lines(row)
        x = self._x[row.lane]
        wide = max(measure(line, LABEL) for line in lines) + 27
        left = x - 9 if right else x + 9 - wide
        tall = LINE * len(lines) + 3.5
        top = y + 4 - tall
        self.paper.box(left, top, wide, tall, fill, edge, radius=4, line=0.8)
        self.paper.text(x, top + 10.2, mark, LABEL, edge, bold=True, align="center")
        for i, line in enumerate(lines):
            at = top + 10.2 + i * LINE
            self.paper.text(x + 11 if right else left + 7, at, line, LABEL, _LETTERS[row.mood])

    def _note_lines(self, row: Note) -> tuple[list[str], bool]:
        """The note's words in lines, and whether they stand to the right of the lane."""
        x, need = self._x[row.lane], measure(row.label, LABEL) + 27
        to_right, to_left = self._width - MARGIN - x + 9, x + 9 - MARGIN
        right = need <= to_right or to_right >= to_left
        return broken(row.label, (to_right if right else to_left) - 27, LABEL)[:3], right

    def _fold(self, row: Fold, y: float) -> None:
        middle = (self._x[row.source] + self._x[row.target]) / 2
        label = f"⋮  {row.count} lines folded  ⋮"
        self.paper.text(middle, y - 3, label, 7.6, palette.SOFT, align="center", halo=palette.PAPER)

    def _arrow(self, row: Arrow, y: float) -> None:
        a, b = self._x[row.source], self._x[row.target]
        colour, width, dash = _stroke(row)
        out = 1 if b > a else -1
        opened = row.kind in {Kind.OPEN, Kind.HOP, Kind.LOOKUP, Kind.FAILED}
        self._arrow_label(row, (a + b) / 2, y - (7.5 if self._has_letter(row) else 4.4))
        if row.kind is Kind.TLS:
            self.paper.line([(a + out, y - 1.3), (b - out, y - 1.3)], colour, 1.0)
            self.paper.line([(a + out, y + 1.3), (b - out, y + 1.3)], colour, 1.0)
        elif row.kind is Kind.FAILED:
            self._broken_arrow(a, b, y, colour)
        else:
            size = 7.5 if width > 1.5 else 6.0
            self.paper.arrow([(a, y), (b - out * 0.8, y)], colour, width, dash, size)
        if opened:
            self.paper.dot(a, y, 3.2, colour, palette.PAPER)
        if row.way is not Way.NONE and row.kind in {Kind.HOP, Kind.LETTER}:
            towards = out if row.kind is Kind.LETTER or row.way is Way.PUSH else -out
            self.paper.letter((a + b) / 2, y, colour, towards)

    def _has_letter(self, row: Arrow) -> bool:
        return row.way is not Way.NONE and row.kind in {Kind.HOP, Kind.LETTER}

    def _broken_arrow(self, a: float, b: float, y: float, colour: str) -> None:
        """An arrow that did not arrive."""
        out = 1 if b > a else -1
        end = b - out * 9
        self.paper.line([(a, y), (end, y)], colour, 1.3, "dashed")
        for slope in (-1, 1):
            self.paper.line(
                [(end - 3.5, y - slope * 3.5), (end + 3.5, y + slope * 3.5)], colour, 1.8
            )

    def _arrow_label(self, row: Arrow, middle: float, y: float) -> None:
        strong = row.kind in {Kind.OPEN, Kind.HOP, Kind.LETTER}
        label = f"#{row.number} {row.label}" if row.kind in {Kind.OPEN, Kind.HOP} else row.label
        label = fit(label, self._width - 2 * MARGIN - 8, LABEL, bold=strong)
        wide = measure(label, LABEL, bold=strong)
        left = self._kept_in(middle - wide / 2, wide)
        self._halo(row, left, wide, y)
        self.paper.text(left, y, label, LABEL, _LETTERS[row.mood], bold=strong)

    def _halo(self, row: Arrow, left: float, wide: float, y: float) -> None:
        """A patch under a label, so that lanes do not cross the letters; TLS's band goes on."""
        top, tall = y - LABEL * 0.84, LABEL * 1.08
        self.paper.box(left - 2.5, top, wide + 5, tall, palette.PAPER)
        if row.inside or row.kind is Kind.TLS:
            a, b = sorted((self._x[row.source] + 1, self._x[row.target] - 1))
            start, end = max(a, left - 2.5), min(b, left + wide + 2.5)
            self.paper.box(start, top, end - start, tall, BAND)

    def _kept_in(self, left: float, wide: float) -> float:
        return max(MARGIN, min(left, self._width - MARGIN - wide))

    def _legend(self, y: float) -> None:
        self.paper.line([(MARGIN, y - 14), (self._width - MARGIN, y - 14)], palette.FAINT, 0.8)
        x = MARGIN + 4
        for draw, label in self._key():
            draw(x, y)
            self.paper.text(x + 34, y + 3, label, 7.6, palette.SOFT)
            x += 34 + measure(label, 7.6) + 16

    def _key(self) -> list[tuple[_Mark, str]]:
        """Only what this drawing uses is explained."""
        arrows = self._rows.arrows
        kinds, ways = {a.kind for a in arrows}, {a.way for a in arrows}
        entries = [
            (bool(kinds & {Kind.OPEN, Kind.HOP, Kind.LOOKUP}), self._mark_opened, "who opened"),
            (Way.PUSH in ways, self._mark_push, "push: the opener gives"),
            (Way.PULL in ways, self._mark_pull, "pull: the opener takes"),
            (bool(kinds & {Kind.ASK, Kind.LOOKUP}), self._mark_dns, "DNS"),
            (Kind.TLS in kinds, self._mark_tls, "inside TLS"),
        ]
        return [(mark, label) for used, mark, label in entries if used]

    def _mark_opened(self, x: float, y: float) -> None:
        self.paper.line([(x + 4, y), (x + 28, y)], palette.INK, 1.8)
        self.paper.dot(x + 4, y, 3.2, palette.INK, palette.PAPER)

    def _mark_push(self, x: float, y: float) -> None:
        self.paper.arrow([(x, y), (x + 28, y)], palette.BLUE, 1.8, "solid")
        self.paper.letter(x + 11, y, palette.BLUE)

    def _mark_pull(self, x: float, y: float) -> None:
        self.paper.arrow([(x + 28, y), (x, y)], palette.PURPLE, 1.8, "dashed")
        self.paper.letter(x + 17, y, palette.PURPLE)

    def _mark_dns(self, x: float, y: float) -> None:
        self.paper.arrow([(x + 4, y), (x + 28, y)], palette.TEAL, 1.2, "dotted")

    def _mark_tls(self, x: float, y: float) -> None:
        self.paper.box(x + 2, y - 5, 26, 10, BAND, palette.FAINT)


def _stroke(row: Arrow) -> tuple[str, float, Dash]:
    """Colour, width and dash of an arrow."""
    if row.kind in {Kind.ASK, Kind.ANSWER, Kind.LOOKUP}:
        return palette.TEAL, 1.2, "dotted"
    if row.kind in {Kind.OPEN, Kind.HOP}:
        return {
            Way.PUSH: (palette.BLUE, 1.9, "solid"),
            Way.PULL: (palette.PURPLE, 1.9, "dashed"),
            Way.NONE: (palette.SOFT, 1.6, "solid"),
        }[row.way]  # type: ignore[return-value]
    if row.kind is Kind.LETTER:
        return (palette.BLUE if row.way is Way.PUSH else palette.PURPLE), 1.9, "solid"
    if row.kind is Kind.TLS:
        return ("#a08600" if row.mood is Mood.PLAIN else palette.VERMILION), 1.0, "solid"
    if row.mood is Mood.BAD or row.kind is Kind.FAILED:
        return palette.VERMILION, 1.2, "solid"
    if row.mood is Mood.WAIT:
        return "#b27a00", 1.2, "solid"
    return (palette.INK if row.kind is Kind.COMMAND else palette.SOFT), 0.9, "solid"
