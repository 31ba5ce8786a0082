"""The ladder: a trace as a sequence diagram, one lane for each host.

In characters the lanes are narrow columns and what was said stands to the right of
them, so that nothing is cut and a diff of two ladders is a diff of two stories.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from labmail.trace.recorder import Trace
from labmail.views.chars import pad, plural, shorten
from labmail.views.ladder_rows import Arrow, Fold, Kind, Mood, Note, Row, Rows, Rule, ladder_rows
from labmail.views.spoken import Way, listed
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

_LONGEST = 110
_MARK = {Mood.PLAIN: "■", Mood.GOOD: "✔", Mood.WAIT: "…", Mood.BAD: "✘"}
_SHAFT = {
    Kind.OPEN: "═", Kind.HOP: "═", Kind.ASK: "·", Kind.ANSWER: "·", Kind.LOOKUP: "·",
    Kind.LETTER: "━", Kind.TLS: "≈", Kind.FAILED: "─",
}  # fmt: skip

KEY = "● who opened   ═▶ connection   ─▶ said   ━▶ letter   ·▶ DNS   ≈ TLS   ✘ no   … not now"


class Ladder(Picture):
    """The sequence diagram of a trace; `detail` is "talk" (every command and reply) or
    "hops" (one arrow per connection or lookup)."""

    def __init__(self, trace: Trace, detail: str = "talk") -> None:
        self._rows = ladder_rows(trace, detail)
        self._detail = detail

    @property
    def rows(self) -> Rows:
        return self._rows

    def alt(self) -> str:
        """The story in a sentence or two, from what was drawn."""
        lanes, arrows = self._rows.lanes, self._rows.arrows
        if not lanes:
            return "Ladder: nothing happened in this trace."
        told = [self._told(a) for a in arrows if a.kind in {Kind.OPEN, Kind.HOP, Kind.FAILED}]
        asked = sum(a.kind in {Kind.ASK, Kind.LOOKUP} for a in arrows)
        dns = f" {plural(asked, 'question')} to the DNS." if asked else ""
        ends = [
            r.label for r in self._rows.rows if isinstance(r, Note) and r.mood is not Mood.PLAIN
        ]
        end = f" Last: {ends[-1]}." if ends else ""
        return f"Ladder with {plural(len(lanes), 'lane')}: {listed(told, 6)}.{dns}{end}"

    def _told(self, arrow: Arrow) -> str:
        verb = {Kind.FAILED: "cannot open"}.get(arrow.kind, "opens")
        how = "" if arrow.way is Way.NONE else f" ({arrow.way})"
        return f"{arrow.source} {verb} a connection to {arrow.target}{how}"

    def text(self) -> str:
        """The ladder in characters."""
        return _Typed(self._rows).text()

    def draw(self) -> Paper:
        from labmail.views.ladder_draw import drawn

        return drawn(self._rows, self._detail)


class _Typed:
    """A ladder laid out in characters."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        count = len(rows.lanes)
        self._column = 16 if count <= 4 else 13 if count <= 6 else 10
        self._at = {name: i * self._column + self._column // 2 for i, name in enumerate(rows.lanes)}
        self._width = count * self._column

    def text(self) -> str:
        if not self._rows.rows:
            return "(nothing happened)"
        lines = [*self._heads(), *(line for row in self._rows.rows for line in self._line(row))]
        return "\n".join(line.rstrip() for line in [*lines, "", KEY])

    def _heads(self) -> list[str]:
        """The lanes' names, broken at dots to fit their columns, flush at the bottom."""
        names = [_broken(name, self._column - 1) for name in self._rows.lanes]
        tall = max((len(n) for n in names), default=0)
        filled = [[""] * (tall - len(n)) + n for n in names]
        return ["".join(pad(n[i], self._column, "^") for n in filled) for i in range(tall)]

    @cached_property
    def _rails(self) -> str:
        chars = [" "] * self._width
        for at in self._at.values():
            chars[at] = "│"
        return "".join(chars)

    def _line(self, row: Row) -> list[str]:
        match row:
            case Rule(label):
                return ["", f"── {label} ".ljust(max(self._width, 40), "─")]
            case Note(lane, label, mood):
                rails = self._put(self._rails, self._at[lane], _MARK[mood])
                return [f"{rails} {shorten(label, _LONGEST)}"]
            case Fold(source, target, count):
                rails = self._span(source, target, " ", "⋮", "⋮")
                return [f"{rails} ({count} lines folded)"]
            case Arrow():
                return [f"{self._arrow(row)} {self._label(row)}"]

    def _label(self, row: Arrow) -> str:
        if row.kind in {Kind.OPEN, Kind.HOP}:
            return f"#{row.number} {shorten(row.label, _LONGEST)}"
        return shorten(row.label, _LONGEST)

    def _arrow(self, row: Arrow) -> str:
        if row.source == row.target:
            return self._put(self._rails, self._at[row.source], "↺")
        opened = row.kind in {Kind.OPEN, Kind.HOP, Kind.LOOKUP}
        start = "●" if opened else "│"
        head = "✘" if row.kind is Kind.FAILED else ""
        return self._span(row.source, row.target, _SHAFT.get(row.kind, "─"), start, head)

    def _span(self, source: str, target: str, shaft: str, start: str, head: str) -> str:
        a, b = self._at[source], self._at[target]
        low, high = min(a, b), max(a, b)
        rails = self._rails[: low + 1] + shaft * (high - low - 1) + self._rails[high:]
        point = head or ("▶" if b > a else "◀")
        rails = self._put(rails, a, start)
        if head == "⋮":
            return self._put(rails, b, head)
        return self._put(rails, b - 1 if b > a else b + 1, point)

    def _put(self, line: str, at: int, char: str) -> str:
        return line[:at] + char + line[at + 1 :]


def _broken(name: str, columns: int) -> list[str]:
    """A host name in lines: broken before dots, cut where a label is too long."""
    lines = [""]
    for i, label in enumerate(name.split(".")):
        part = label if i == 0 else f".{label}"
        if lines[-1] and len(lines[-1]) + len(part) > columns:
            lines.append("")
        lines[-1] += part
    return [shorten(line, columns) for line in lines]
