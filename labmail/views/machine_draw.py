"""The state diagram as a drawing: a map of boxes and arrows, and the track of the token below it.

The longest way through the table is the main road, from left to right.  What leads on lies
on it; what leads back runs above it, the longer the higher, so that no two lines cross.
States beside the road stand below the one that leads to them, and states that nothing
leaves lie at the bottom, across all that lead there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labmail.views import palette
from labmail.views.machine import Fate, Machine, Move, StateDiagram, Step
from labmail.views.paper import Paper, broken, fit, measure

MARGIN = 18.0
WIDTH = 960.0
LANE = 24.0
SMALL = 9.4
"""Letters beside arrows, in boxes and in rows: 11 pixels where the sheet is 1,100 wide."""
PITCH = 12.0
"""From line to line of small letters."""
VISITED = "#e4f0f8"
USED = palette.BLUE
UNUSED = "#7f8a94"
NO = "#a84900"
IN_THE_BOXES = "small, in a box: what is allowed there and changes nothing"


def drawn(diagram: StateDiagram) -> Paper:
    """The map, and the track if there is a session."""
    plan = _Plan(diagram.machine)
    track = _track_height(diagram.steps)
    paper = Paper(WIDTH, plan.bottom + track + 14)
    _Map(diagram, plan, paper).draw()
    if diagram.steps:
        _Track(diagram, paper, plan.bottom + 16).draw()
    return paper


# --- where things lie -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def below(self) -> float:
        return self.y + self.height


def main_road(machine: Machine) -> list[str]:
    """The longest way from the first state that visits no state twice and ends in none that
    is the end of all."""
    onward: dict[str, list[str]] = {state: [] for state in machine.states}
    for move in machine.moves:
        if machine.table[move.target]:
            onward[move.source].append(move.target)

    def longest(road: list[str]) -> list[str]:
        further = [longest([*road, s]) for s in onward[road[-1]] if s not in road]
        return max([road, *further], key=len)

    return longest([machine.states[0]])


class _Plan:
    """Which box lies where."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.road = main_road(machine)
        self.ends = [s for s in machine.states if not machine.table[s]]
        self.beside = [s for s in machine.states if s not in (*self.road, *self.ends)]
        self.column = {state: i for i, state in enumerate(self.road)}
        self.back = sorted((m for m in machine.moves if self._leads_back(m)), key=self._span)
        self.lanes = _lanes([self._reach(m) for m in self.back])
        self._top = MARGIN + 24 + LANE * (max(self.lanes, default=-1) + 1) + 14
        self.boxes: dict[str, Box] = {}
        self._lay_road()
        self._lay_beside()
        self._lay_ends()
        self.bottom = max(box.below for box in self.boxes.values()) + 14

    def _leads_back(self, move: Move) -> bool:
        a, b = self.column.get(move.source, 99), self.column.get(move.target, 99)
        return 99 not in (a, b) and b != a + 1

    def _span(self, move: Move) -> int:
        return abs(self.column[move.source] - self.column[move.target])

    def _reach(self, move: Move) -> tuple[int, int]:
        a, b = self.column[move.source], self.column[move.target]
        return min(a, b), max(a, b)

    def _lay_road(self) -> None:
        column = (WIDTH - 2 * MARGIN) / len(self.road)
        gap = 64.0 if len(self.road) > 4 else 96.0
        wide = column - gap
        tall = 36.0 + PITCH * max(len(self.stays(s, wide)) for s in self.road) + 16
        for i, state in enumerate(self.road):
            x = MARGIN + i * column + gap / 2
            self.boxes[state] = Box(x, self._top, wide, tall)

    def stays(self, state: str, wide: float) -> list[str]:
        """The verbs that change nothing, in lines that fit the box."""
        verbs = " ".join(self.machine.staying(state))
        return broken(verbs, wide - 8, SMALL) if verbs else []

    def _lay_beside(self) -> None:
        for state in self.beside:
            leader = next(m.source for m in self.machine.moves if m.target == state)
            box = self.boxes[leader]
            self.boxes[state] = Box(box.x, box.below + 42, box.width - 16, 32.0)

    def _lay_ends(self) -> None:
        y = max(box.below for box in self.boxes.values()) + 30
        for state in self.ends:
            leaders = [self.boxes[m.source] for m in self.machine.moves if m.target == state]
            left = min(box.x for box in leaders)
            right = max(box.x + box.width for box in leaders)
            self.boxes[state] = Box(left, y, right - left, 30.0)


def _lanes(reaches: Sequence[tuple[int, int]]) -> list[int]:
    """A lane for each reach, the shorter the lower, so that none runs into another."""
    lanes: list[int] = []
    for i, (low, high) in enumerate(reaches):
        taken = {
            lanes[j] for j, (a, b) in enumerate(reaches[:i]) if a < high and low < b
        }  # touching ends do not count
        lanes.append(next(n for n in range(len(reaches)) if n not in taken))
    return lanes


# --- the map ------------------------------------------------------------------------------------


class _Map:
    def __init__(self, diagram: StateDiagram, plan: _Plan, paper: Paper) -> None:
        self._diagram, self._plan, self._paper = diagram, plan, paper

    def draw(self) -> None:
        right = WIDTH - MARGIN
        self._paper.text(MARGIN, MARGIN + 8, self._diagram.title, 11.0, bold=True)
        self._paper.text(right, MARGIN + 8, IN_THE_BOXES, SMALL, palette.SOFT, align="right")
        for state in self._plan.machine.states:
            self._box(state)
        for move in self._ordered():
            self._move(move)

    def _ordered(self) -> list[Move]:
        """Arrows that were taken are drawn last, on top."""
        return sorted(self._plan.machine.moves, key=lambda m: bool(self._diagram.numbers(m)))

    def _box(self, state: str) -> None:
        box, seen = self._plan.boxes[state], self._diagram.visits(state)
        last = bool(self._diagram.steps) and self._diagram.steps[-1].after == state
        edge = USED if seen else palette.EDGE
        fill = VISITED if seen else palette.SHADE
        line = 2.0 if seen else 0.9
        self._paper.box(box.x, box.y, box.width, box.height, fill, edge, radius=7, line=line)
        if state in self._plan.ends:
            always = self._plan.machine.always
            words = f"{state}   ({always})" if always else state
            room = box.width - 40
            self._paper.text(
                box.middle, box.y + 19, fit(words, room, 9.5), 9.5, align="center", bold=False
            )
        else:
            self._inside(state, box)
        if last:
            self._paper.dot(box.x + 9, box.y + 10, 4.6, USED)

    def _inside(self, state: str, box: Box) -> None:
        middle, y = box.middle, box.y + 18
        size = 10.4 if measure(state, 10.4, bold=True) < box.width - 10 else SMALL
        self._paper.text(middle, y, state, size, align="center", bold=True)
        stays = self._plan.stays(state, box.width) if state in self._plan.road else []
        for i, line in enumerate(stays):
            y = box.y + 34 + PITCH * i
            self._paper.text(middle, y, line, SMALL, align="center")
        marks = [
            (mark, fate, self._diagram.numbers_at(state, fate))
            for mark, fate in (("○", Fate.STAYED), ("✘", Fate.REFUSED))
        ]
        said = [(f"{mark} {_listed(numbers)}", fate) for mark, fate, numbers in marks if numbers]
        x = middle - sum(measure(words, SMALL, bold=True) + 6 for words, _ in said) / 2
        for words, fate in said:
            colour = NO if fate is Fate.REFUSED else palette.INK
            self._paper.text(x, box.below - 6, words, SMALL, colour, bold=True)
            x += measure(words, SMALL, bold=True) + 8

    def _move(self, move: Move) -> None:
        plan = self._plan
        if move.target in plan.ends:
            self._to_the_end(move)
        elif move in plan.back:
            self._above(move, plan.lanes[plan.back.index(move)])
        elif move.target in plan.beside or move.source in plan.beside:
            self._beside(move)
        else:
            self._along(move)

    def _style(self, move: Move) -> tuple[str, float, str]:
        used = bool(self._diagram.numbers(move))
        plain = not self._diagram.steps
        colour = USED if used else palette.INK if plain else UNUSED
        return colour, 2.0 if used else 1.0, colour if used or plain else palette.SOFT

    def _words(self, move: Move) -> list[str]:
        spoken = [self._plan.machine.spoken(verb) for verb in move.verbs]
        return [*spoken, *([f"({move.note})"] if move.note else [])]

    def _along(self, move: Move) -> None:
        """On the main road."""
        a, b = self._plan.boxes[move.source], self._plan.boxes[move.target]
        colour, line, letters = self._style(move)
        y = a.y + a.height * 0.55
        start, end = a.x + a.width + 1, b.x - 1
        self._paper.arrow([(start, y), (end, y)], colour, line)
        words = self._words(move)
        for i, word in enumerate(reversed(words)):
            above = y - 5 - PITCH * i
            self._text((start + end) / 2, above, word, letters)
        self._badge((start + end) / 2, y + 14, move)

    def _above(self, move: Move, lane: int) -> None:
        """Back, over the road."""
        a, b = self._plan.boxes[move.source], self._plan.boxes[move.target]
        colour, line, letters = self._style(move)
        y = a.y - 16 - LANE * lane
        x1, x2 = self._port(move.source, move), self._port(move.target, move)
        self._paper.arrow([(x1, a.y - 1), (x1, y), (x2, y), (x2, b.y - 1)], colour, line)
        words = ", ".join(self._words(move))
        numbers = self._diagram.numbers(move)
        wide = measure(words, SMALL) + (_badge_width(numbers) + 6 if numbers else 0)
        left = (x1 + x2) / 2 - wide / 2
        self._paper.text(left, y - 4, words, SMALL, letters)
        if numbers:
            self._badge_at(left + measure(words, SMALL) + 6, y - 5, numbers)

    def _port(self, state: str, move: Move) -> float:
        """Where an arrow of the upper lanes touches its box: ordered so that none cross."""
        plan, here = self._plan, self._plan.column[state]

        def order(other: Move) -> tuple[int, int]:
            column = plan.column[other.target if other.source == state else other.source]
            span = abs(column - here)
            return (0, span) if column < here else (1, -span)

        touching = sorted((m for m in plan.back if state in (m.source, m.target)), key=order)
        box = plan.boxes[state]
        return box.x + box.width * (touching.index(move) + 1) / (len(touching) + 1)

    def _beside(self, move: Move) -> None:
        """Down to a state beside the road, or up again."""
        down = move.target in self._plan.beside
        upper = self._plan.boxes[move.source if down else move.target]
        lower = self._plan.boxes[move.target if down else move.source]
        colour, line, letters = self._style(move)
        x = lower.x + (12 if down else 26)
        ends = [(x, upper.below + 1), (x, lower.y - 1)]
        self._paper.arrow(ends if down else ends[::-1], colour, line)
        word = " ".join(self._words(move))
        y = (upper.below + lower.y) / 2 + 3
        left = down and self._returns(move)  # the arrow up has the other side
        self._paper.text(
            x + (-5 if left else 5), y, word, SMALL, letters, align="right" if left else "left"
        )
        self._badge(x, y + 13, move)

    def _returns(self, move: Move) -> bool:
        return any(
            (m.source, m.target) == (move.target, move.source) for m in self._plan.machine.moves
        )

    def _to_the_end(self, move: Move) -> None:
        a, b = self._plan.boxes[move.source], self._plan.boxes[move.target]
        colour, line, letters = self._style(move)
        x = a.x + a.width - 8
        self._paper.arrow([(x, a.below + 1), (x, b.y - 1)], colour, line, dash="dashed")
        words = " ".join(self._words(move))
        self._paper.text(x + 5, b.y - 9, words, SMALL, letters)
        if numbers := self._diagram.numbers(move):
            self._badge_at(x + 9 + measure(words, SMALL), b.y - 9, numbers)

    def _text(self, x: float, y: float, word: str, colour: str) -> None:
        self._paper.text(x, y, word, SMALL, colour, align="center", halo=palette.PAPER)

    def _badge(self, x: float, y: float, move: Move) -> None:
        """The numbers of the steps that took this arrow, around x."""
        if numbers := self._diagram.numbers(move):
            self._badge_at(x - _badge_width(numbers) / 2, y, numbers)

    def _badge_at(self, x: float, y: float, numbers: Sequence[int]) -> None:
        wide = _badge_width(numbers)
        self._paper.box(x, y - 9.8, wide, 13, USED, radius=5.5)
        self._paper.text(
            x + wide / 2, y, _listed(numbers), SMALL, palette.PAPER, align="center", bold=True
        )


def _listed(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))


def _badge_width(numbers: Sequence[int]) -> float:
    return max(14.0, measure(_listed(numbers), SMALL, bold=True) + 8)


# --- the track of the token -----------------------------------------------------------------------

ROW = 20.0
SAID, ANSWERED = 224.0, 272.0


def _track_height(steps: Sequence[Step]) -> float:
    return 40 + ROW * len(steps) + 22 if steps else 0.0


class _Track:
    """One row for each step; the token moves from column to column."""

    def __init__(self, diagram: StateDiagram, paper: Paper, top: float) -> None:
        self._diagram, self._paper, self._top = diagram, paper, top
        seen = [state for step in diagram.steps for state in (step.before, step.after)]
        known = [s for s in diagram.machine.states if s in seen]
        shown = list(dict.fromkeys([*known, *seen]))
        left = MARGIN + 22 + SAID + ANSWERED
        gap = (WIDTH - MARGIN - left) / len(shown)
        self._x = {state: left + gap * (i + 0.5) for i, state in enumerate(shown)}
        self._gap = gap
        self._rows = top + 40

    def draw(self) -> None:
        self._heads()
        bottom = self._rows + ROW * len(self._diagram.steps) - 4
        for x in self._x.values():
            self._paper.line([(x, self._top + 32), (x, bottom)], palette.FAINT, 1.0)
        self._token()
        for i, step in enumerate(self._diagram.steps):
            self._row(step, self._rows + ROW * i)
        key = (
            "● the reply moved the session   ○ a yes that changes nothing   "
            "✘ refused, nothing moved"
        )
        self._paper.text(MARGIN, bottom + 17, key, SMALL, palette.SOFT)

    def _heads(self) -> None:
        y = self._top + 26
        self._paper.line(
            [(MARGIN, self._top), (WIDTH - MARGIN, self._top)], palette.FAINT, 0.8, "dotted"
        )
        self._paper.text(MARGIN + 22, y, "the client says", SMALL, palette.SOFT)
        self._paper.text(MARGIN + 22 + SAID, y, "the server answers", SMALL, palette.SOFT)
        for state, x in self._x.items():
            lines = broken(state, self._gap - 2, SMALL, bold=True)[:2]
            for i, line in enumerate(reversed(lines)):
                self._paper.text(x, y - PITCH * i, line, SMALL, align="center", bold=True)

    def _token(self) -> None:
        """The way of the token, as one line with corners."""
        first = self._diagram.steps[0].before
        points = [(self._x[first], self._rows - 4)]
        for i, step in enumerate(self._diagram.steps):
            y = self._rows + ROW * i + 5
            points += [(points[-1][0], y), (self._x[step.after], y)]
        self._paper.line(points, "#a9cfe6", 2.4)

    def _row(self, step: Step, y: float) -> None:
        base, colour = y + 8, palette.INK if step.yes else NO
        said = step.said or self._diagram.machine.spoken(step.verb)
        quiet = not step.said
        self._paper.text(
            MARGIN + 14, base, str(step.number), SMALL, palette.SOFT, align="right", bold=True
        )
        self._paper.text(
            MARGIN + 22, base, fit(said, SAID - 10, SMALL, mono=not quiet), SMALL,
            palette.SOFT if quiet else palette.INK, mono=not quiet,
        )  # fmt: skip
        self._paper.text(
            MARGIN + 22 + SAID, base, fit(step.reply, ANSWERED - 8, SMALL, mono=True), SMALL,
            colour, mono=True,
        )  # fmt: skip
        x = self._x[step.after]
        if step.fate is Fate.MOVED:
            self._paper.dot(x, y + 5, 5.0, USED)
        elif step.fate is Fate.STAYED:
            self._paper.dot(x, y + 5, 4.2, palette.PAPER, USED)
        else:
            self._cross(x, y + 5)

    def _cross(self, x: float, y: float) -> None:
        self._paper.dot(x, y, 5.6, palette.PAPER)
        for sign in (-1, 1):
            ends = [(x - 3.8, y - 3.8 * sign), (x + 3.8, y + 3.8 * sign)]
            self._paper.line(ends, palette.VERMILION, 2.2)
