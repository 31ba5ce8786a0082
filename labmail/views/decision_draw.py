"""The decision flow as a drawing: the question at the left, three fates at the right.

Ways that a letter took are strong and carry the letter's domain; the others are there, thin
and grey, as what could have happened.  The fates differ in colour, in the kind of line and
in their words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.views import palette
from labmail.views.chars import visible
from labmail.views.decision import Fate, Way
from labmail.views.paper import Dash, Paper, broken, fit, measure

if TYPE_CHECKING:
    from labmail.views.decision import Decision

MARGIN = 18.0
HEAD = 58.0
ROW = 33.0
GAP = 14.0
"""Room between the ways of one fate and those of the next."""
QUESTION, SAID, MEANS, LETTERS, FATE = 96.0, 142.0, 226.0, 170.0, 176.0
TRUNK = 34.0

_STYLES: dict[Fate, tuple[str, Dash]] = {
    Fate.CALL: (palette.GREEN, "solid"),
    Fate.WAIT: ("#b27a00", "dashed"),
    Fate.GIVE_UP: (palette.VERMILION, "dotted"),
}
_AFTER = {
    Fate.CALL: "250: handed over. 4yz, or nobody there: keep the letter. 5yz: give up.",
    Fate.WAIT: "Tried again by the timetable; after some days: give up.",
    Fate.GIVE_UP: "A known no stays a no. Nothing lies in a queue.",
}
"""What follows, in the words of each fate's box."""


def drawn(decision: Decision) -> Paper:
    """The flow on paper."""
    return _Drawing(decision).paper


class _Drawing:
    def __init__(self, decision: Decision) -> None:
        self._decision = decision
        self._rows: dict[Way, float] = {}
        y = HEAD
        for fate in Fate:
            for way in (w for w in Way if w.fate is fate):
                self._rows[way] = y + ROW / 2
                y += ROW
            y += GAP
        self._x_said = MARGIN + QUESTION + TRUNK
        self._x_means = self._x_said + SAID + 12
        self._x_letters = self._x_means + MEANS + 10
        self._x_fate = self._x_letters + LETTERS + 26
        self.paper = Paper(self._x_fate + FATE + MARGIN, y + MARGIN - GAP + 4)
        self._titles()
        ways = sorted(Way, key=lambda way: bool(decision.on(way)))  # the strong ones on top
        for way in ways:
            self._way(way)
        self._question(y - GAP)
        for fate in Fate:
            self._fate(fate)

    def _titles(self) -> None:
        title = "From the DNS's answer to the letter's fate"
        self.paper.text(MARGIN, MARGIN + 10, title, 11, bold=True)
        heads = (
            (self._x_said, "the DNS says"),
            (self._x_means, "that means"),
            (self._x_letters, "letters that went this way"),
            (self._x_fate, "so the sending server will"),
        )
        for x, words in heads:
            self.paper.text(x, HEAD - 12, words, 8.3, palette.TEAL, bold=True)

    def _question(self, bottom: float) -> None:
        middle = (HEAD + bottom) / 2
        self.paper.box(
            MARGIN, middle - 34, QUESTION, 68, palette.SHADE, palette.INK, radius=6, line=1.4
        )
        for n, line in enumerate(("MX records", "of the letter's", "domain?")):
            x = MARGIN + QUESTION / 2
            self.paper.text(x, middle - 9 + 14 * n, line, 9.4, align="center", bold=True)

    def _way(self, way: Way) -> None:
        taken = self._decision.on(way)
        colour, dash = _STYLES[way.fate]
        strong = bool(taken)
        line = colour if strong else palette.FAINT
        width = 2.4 if strong else 1.0
        y = self._rows[way]
        self._trunk(y, palette.INK if strong else palette.FAINT, 1.8 if strong else 1.0)
        ink = palette.INK if strong else palette.SOFT
        self.paper.box(
            self._x_said, y - 11, SAID, 22, palette.PAPER, line, radius=10, line=width * 0.7
        )
        middle = self._x_said + SAID / 2
        size = 8.6 if len(way.said) < 12 else 7.2
        self.paper.text(middle, y + 3, way.said, size, ink, align="center", bold=strong)
        self.paper.line([(self._x_said + SAID, y), (self._x_means - 3, y)], line, width)
        self.paper.text(self._x_means, y + 3, way.means, 8.8, ink, bold=strong)
        self._to_fate(way, y, line, width, dash if strong else "solid")
        domains = visible(", ".join(t.search.domain for t in taken))
        if domains:
            said = fit(domains, LETTERS - 8, 8.4, bold=True)
            self.paper.text(
                self._x_letters + 3, y + 3, said, 8.4, colour, bold=True, halo=palette.PAPER
            )

    def _trunk(self, y: float, colour: str, width: float) -> None:
        """From the question down or up to this row."""
        top, bottom = min(self._rows.values()), max(self._rows.values())
        start, x = (top + bottom) / 2, MARGIN + QUESTION + TRUNK / 2
        points = [(x - TRUNK / 2, start), (x, start), (x, y), (self._x_said, y)]
        self.paper.line(points, colour, width)

    def _to_fate(self, way: Way, y: float, colour: str, width: float, dash: Dash) -> None:
        start = self._x_means + measure(way.means, 8.8, bold=True) + 8
        self.paper.arrow([(start, y), (self._x_fate, y)], colour, width, dash)

    def _fate(self, fate: Fate) -> None:
        rows = [y for way, y in self._rows.items() if way.fate is fate]
        top, bottom = min(rows) - ROW / 2 + 2, max(rows) + ROW / 2 - 2
        reached = any(self._decision.on(way) for way in Way if way.fate is fate)
        colour, dash = _STYLES[fate]
        edge = colour if reached else palette.EDGE
        self.paper.box(
            self._x_fate, top, FATE, bottom - top, palette.SHADE, edge,
            radius=6, line=2.0 if reached else 1.0, dash=dash,
        )  # fmt: skip
        lines = broken(_AFTER[fate], FATE - 16, 7.8)
        y = (top + bottom) / 2 - 5.3 * len(lines) + 2
        self.paper.text(
            self._x_fate + 8, y, fate, 9.0, edge if reached else palette.SOFT, bold=True
        )
        for n, line in enumerate(lines):
            self.paper.text(self._x_fate + 8, y + 13 + 10.6 * n, line, 7.8, palette.INK)
