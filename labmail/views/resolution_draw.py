"""The resolution tree as a drawing: three questions from left to right.

The way that was taken is a strong line.  What was tried in vain is dashed, what was not
needed is thin, what was left out is dotted, and each says so in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.views import palette
from labmail.views.chars import visible
from labmail.views.paper import Dash, Paper, broken, fit, measure
from labmail.views.resolution import SIGNS, Branch, call_words, said, who_knew
from labmail.views.searches import Call, Fate
from labmail.views.spoken import moment

if TYPE_CHECKING:
    from labmail.views.resolution import Resolution

MARGIN = 18.0
HEAD = 70.0
DOMAIN, HOST, ADDRESS, WORDS = 150.0, 196.0, 150.0, 196.0
GAP = 46.0
BOX = 40.0
ROW = 62.0

_STYLES: dict[Fate, tuple[str, float, Dash]] = {
    "took it": (palette.GREEN, 2.4, "solid"),
    "not now": ("#b27a00", 1.4, "dashed"),
    "refused": (palette.VERMILION, 1.4, "dashed"),
    "no connection": (palette.VERMILION, 1.4, "dashed"),
    "": (palette.EDGE, 0.9, "solid"),
}
"""Colour, width and kind of line for each thing that came of a call."""
_LEFT_OUT: tuple[str, float, Dash] = (palette.VERMILION, 1.0, "dotted")


def drawn(resolution: Resolution) -> Paper:
    """The tree on paper."""
    return _Drawing(resolution).paper


class _Drawing:
    def __init__(self, resolution: Resolution) -> None:
        self._tree = resolution
        self._x_host = MARGIN + DOMAIN + GAP
        self._x_address = self._x_host + HOST + GAP
        self._x_words = self._x_address + ADDRESS + GAP / 2
        width = self._x_words + WORDS + MARGIN
        rows = [max(1, len(b.calls)) for b in resolution.branches] or [1]
        self._notes = self._wrapped_notes(width - 2 * MARGIN)
        bottom = HEAD + ROW * sum(rows)
        self.paper = Paper(width, bottom + 12.0 * len(self._notes) + 22)
        self._titles()
        tops = [HEAD + ROW * sum(rows[:i]) for i in range(len(rows))]
        middles = [top + ROW * n / 2 - (ROW - BOX) / 2 for top, n in zip(tops, rows, strict=True)]
        self._root = (middles[0] + middles[-1]) / 2
        for branch, top, middle in zip(resolution.branches, tops, middles, strict=False):
            self._branch(branch, top, middle)
        self._domain()
        for n, line in enumerate(self._notes):
            self.paper.text(MARGIN, bottom + 10 + 12 * n, line, 8.4, bold=n == 0)

    def _wrapped_notes(self, room: float) -> list[str]:
        return [
            line for words in (self._tree.ending, self._tree.note) if words
            for line in broken(words, room, 8.4, bold=True)
        ]  # fmt: skip

    def _titles(self) -> None:
        search = self._tree.search
        self.paper.text(MARGIN, MARGIN + 10, self._tree.title, 11, bold=True)
        if search is None:
            return
        when = moment(search.routed.at)
        right = self.paper.width - MARGIN
        self.paper.text(right, MARGIN + 10, when, 8.3, palette.SOFT, align="right")
        heads = (
            (MARGIN, "the domain: which hosts?"),
            (self._x_host, "each host: which addresses?"),
            (self._x_address, "the addresses, best first"),
            (self._x_words, "what came of it"),
        )
        for x, words in heads:
            self.paper.text(x, HEAD - 16, words, 8.3, palette.TEAL, bold=True)

    # --- from left to right ----------------------------------------------------------------

    def _domain(self) -> None:
        search = self._tree.search
        if search is None:
            return
        lines = ["MX?", said(search.mx) if search.records == () else ""] if search.mx else []
        asked = " ".join(filter(None, lines))
        knew = who_knew(search.mx) if search.mx else ""
        self._box(MARGIN, self._root, DOMAIN, search.domain, asked, knew, palette.INK)

    def _branch(self, branch: Branch, top: float, middle: float) -> None:
        style = _LEFT_OUT if branch.left_out else _STYLES[_best(branch)]
        self._join(MARGIN + DOMAIN, self._root, self._x_host, middle, style)
        preference = "" if branch.preference is None else f"MX {branch.preference}"
        label = preference or "no MX: the domain itself"
        questions = "  ".join(
            f"{q.rtype}? {q.status if not q.answers else ''}".strip() for q in branch.questions
        )
        under = "left out" if branch.left_out and not branch.questions else questions
        self._box(self._x_host, middle, HOST, branch.host or ".", under, label, style[0], style[2])
        for n, (ip, call) in enumerate(branch.calls):
            self._address(branch, ip, call, top + ROW * n + BOX / 2, middle)
        if not branch.calls:
            self._words(self._x_address, middle, _why_none(branch), palette.VERMILION, 330)

    def _address(self, branch: Branch, ip: str, call: Call | None, y: float, middle: float) -> None:
        style = _STYLES[call.fate if call else ""]
        self._join(self._x_host + HOST, middle, self._x_address, y, style)
        lookup = next((q for q in branch.questions if ip in q.answers), None)
        knew = who_knew(lookup) if lookup else ""
        kind = lookup.rtype if lookup else ""
        self._box(self._x_address, y, ADDRESS, ip, kind, knew, style[0], style[2])
        colour = style[0] if call else palette.SOFT
        words = f"{SIGNS[call.fate if call else '']} {call_words(call)}"
        self._words(self._x_words, y, words, colour, WORDS)

    # --- pieces ----------------------------------------------------------------------------

    def _box(
        self, x: float, y: float, width: float, name: str, under: str, aside: str, colour: str,
        dash: Dash = "solid",
    ) -> None:  # fmt: skip
        """A box around its name, with a line under it and a word aside."""
        name, under = visible(name), visible(under)
        top = y - BOX / 2
        self.paper.box(x, top, width, BOX, palette.SHADE, colour, radius=5, line=1.3, dash=dash)
        size = 9.4
        while measure(name, size, bold=True) > width - 12 and size > 6.4:
            size -= 0.2
        said_name = fit(name, width - 12, size, bold=True)
        self.paper.text(x + 7, top + 16, said_name, size, bold=True)
        aside = fit(aside, width - 14, 7.4)
        room = width - 20 - measure(aside, 7.4)
        self.paper.text(x + 7, top + 31, fit(under, room, 7.6), 7.6, palette.TEAL)
        self.paper.text(x + width - 7, top + 31, aside, 7.4, palette.SOFT, align="right")

    def _join(
        self, x1: float, y1: float, x2: float, y2: float, style: tuple[str, float, Dash]
    ) -> None:
        colour, width, dash = style
        bend = x1 + (x2 - x1) * 0.45
        self.paper.arrow([(x1, y1), (bend, y1), (bend, y2), (x2, y2)], colour, width, dash)

    def _words(self, x: float, y: float, words: str, colour: str, room: float) -> None:
        lines = broken(words, room, 8.2, bold=True)[:3]
        top = y + 3 - 5.4 * (len(lines) - 1)
        for n, line in enumerate(lines):
            self.paper.text(x, top + 10.8 * n, line, 8.2, colour, bold=n == 0)


def _best(branch: Branch) -> Fate:
    """The fate of the host: of the address that took the letter, else of the first called."""
    fates: list[Fate] = [call.fate for _, call in branch.calls if call]
    return "took it" if "took it" in fates else fates[0] if fates else ""


def _why_none(branch: Branch) -> str:
    """Why a host has nothing to call."""
    if branch.host == "":
        return 'left out: "." is no host (null MX)'
    if branch.host.rpartition(".")[2].isdecimal():
        return "left out: an address is not the name of a host"
    states = dict.fromkeys(q.status for q in branch.questions if not q.answers)
    found = [answer for q in branch.questions for answer in q.answers]
    if any(answer.endswith(".") for answer in found):
        return "left out: the name is an alias (CNAME)"
    if found or not states:
        return "left out: it is ourselves, or no better than ourselves"
    return f"left out: {', '.join(states)}"
