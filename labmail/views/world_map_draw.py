"""The map as a drawing.

Towns stand in one row, clients beside their town, the DNS above.  Arrows run along streets: the
gaps between the columns, and a road below the towns for those that go further.  So no
arrow ever crosses a house.  Each end of an arrow has a door of its own, and the number of the
step hangs at the door where it starts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from labmail.views import palette
from labmail.views.paper import Dash, Paper, Point, broken, fit, measure
from labmail.views.spoken import Way
from labmail.views.world_map import Spot, Step, Town, WorldMap

MARGIN = 20.0
TITLE = 22.0
TOWN = 166.0
CLIENT = 116.0
STREET = 72.0
QUIET = 18.0
ROW = 16.5
LINE = 11.8
STEP = 9.0
NARROWEST = 560.0
DOOR = 15.5
MOST_STEPS = 24


@dataclass(slots=True)
class _House:
    """A host's box on the paper.  `column` counts from the left; the DNS is in none (-1)."""

    spot: Spot
    column: int
    x: float = 0.0
    y: float = 0.0
    wide: float = 0.0
    tall: float = 0.0

    @property
    def middle(self) -> float:
        return self.y + self.tall / 2


@dataclass(slots=True)
class _Column:
    """A town, or the clients beside one."""

    houses: list[_House]
    title: str = ""
    x: float = 0.0
    y: float = 0.0
    wide: float = 0.0
    tall: float = 0.0


@dataclass(frozen=True, slots=True)
class _Arrow:
    """Steps of the same kind between the same two houses share an arrow."""

    step: Step
    numbers: tuple[int, ...]


def drawn(world: WorldMap) -> Paper:
    """The map on paper."""
    return _Drawing(world).paper


class _Drawing:
    def __init__(self, world: WorldMap) -> None:
        self._world = world
        self._steps = world.steps[:MOST_STEPS]
        near, self._far = self._near_and_far()
        self._columns = self._laid_in_columns(near)
        self._houses = {h.spot.name: h for c in self._columns for h in c.houses}
        self._dns = [_House(s, -1) for s in world.resolvers[:1]]
        self._houses |= {h.spot.name: h for h in self._dns}
        self._arrows = self._grouped()
        self._dns_street = self._street_of_dns()
        self._doors = self._count_doors()
        self._roads = sum(self._far_apart(a.step) for a in self._arrows)
        self._place()
        self._size_paper()
        self._draw()

    # --- where things stand -----------------------------------------------------------

    def _near_and_far(self) -> tuple[list[Town], list[Town]]:
        """Towns on the route, in the order in which it reaches them; and the others."""
        order = dict.fromkeys(
            self._world.home(n) for s in self._steps for n in (s.source, s.target)
        )
        towns = {t.domain: t for t in self._world.towns}
        near = [towns[d] for d in order if d in towns][:5] or list(towns.values())
        return near, [t for t in self._world.towns if t not in near]

    def _laid_in_columns(self, near: list[Town]) -> list[_Column]:
        columns: list[_Column] = []
        clients = {c.name: c for c in self._world.clients}
        for i, town in enumerate(near):
            own = [clients.pop(n) for n in list(clients) if self._world.home(n) == town.domain]
            beside = [_Column([_House(c, 0) for c in own])] if own else []
            house = _Column([_House(h, 0) for h in town.hosts], town.domain)
            columns += [*beside, house] if i == 0 else [house, *beside]
        if clients:
            columns.insert(0, _Column([_House(c, 0) for c in clients.values()]))
        for number, column in enumerate(columns):
            for house_ in column.houses:
                house_.column = number
        return columns

    def _grouped(self) -> list[_Arrow]:
        groups: dict[Step, list[int]] = {}
        for number, step in enumerate(self._steps, 1):
            known = step.source in self._houses and step.target in self._houses
            if known and step.source != step.target:
                idle = step.lookup or (step.way is Way.NONE and not step.failed)
                same = replace(step, words="") if idle else step
                groups.setdefault(same, []).append(number)
        return [_Arrow(step, tuple(numbers)) for step, numbers in groups.items()]

    def _street_of_dns(self) -> int:
        """The DNS stands above the street to the right of who asks first (0: after the first
        column)."""
        askers = [self._houses[a.step.source] for a in self._arrows if a.step.lookup]
        askers.sort(key=lambda house: not house.spot.up)  # servers first
        column = askers[0].column if askers else (len(self._columns) - 1) // 2
        return max(0, min(column, len(self._columns) - 2))

    def _side(self, at: _House, other: _House) -> str:
        """Which side of a house an arrow to or from another house uses."""
        if other.column == -1:
            return "right" if at.column <= self._dns_street else "left"
        if at.column == other.column:
            return "right"
        return "right" if other.column > at.column else "left"

    def _count_doors(self) -> dict[tuple[str, str], list[tuple[int, str]]]:
        """{(house, side): [(step, "source" or "target"), …]}: the doors each side needs."""
        doors: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for i, arrow in enumerate(self._arrows):
            step = arrow.step
            a, b = self._houses[step.source], self._houses[step.target]
            if a.column != -1:
                doors.setdefault((step.source, self._side(a, b)), []).append((i, "source"))
            if b.column != -1:
                doors.setdefault((step.target, self._side(b, a)), []).append((i, "target"))
        return doors

    def _far_apart(self, step: Step) -> bool:
        a, b = self._houses[step.source].column, self._houses[step.target].column
        return -1 not in (a, b) and abs(a - b) > 1

    def _place(self) -> None:
        self._top = MARGIN + 6 + (70.0 if self._dns else 0.0)
        in_row = len(self._columns) if self._arrows else min(3, len(self._columns))
        street = STREET if self._arrows else QUIET
        x, y, self._right = MARGIN + 8, self._top, 0.0
        for start in range(0, len(self._columns), max(in_row, 1)):
            row = self._columns[start : start + in_row]
            tall = max(self._tall(c) for c in row) + TITLE + 14
            for column in row:
                column.x, column.y, column.tall = x, y, tall
                column.wide = TOWN if column.title else CLIENT
                x += column.wide + street
                self._place_houses(column)
            self._right = max(self._right, x - street + 8 + MARGIN)
            x, y = MARGIN + 8, y + tall + 14
        self._ground = y - 14 if self._columns else y
        middle = self._dns_middle()
        for house in self._dns:
            house.x, house.wide = middle - 62, 124.0
            house.y, house.tall = MARGIN - 2, 46.0

    def _place_houses(self, column: _Column) -> None:
        """One below the other, in the middle of the column's height."""
        y = column.y + TITLE + (column.tall - TITLE - 14 - self._tall(column)) / 2 + 3
        inset = 12.0 if column.title else 0.0
        for house in column.houses:
            house.x, house.wide = column.x + inset, column.wide - 2 * inset
            house.y, house.tall = y, self._house_tall(house)
            y += house.tall + 14

    def _dns_middle(self) -> float:
        if len(self._columns) < 2 or not self._arrows:
            return self._right / 2
        column = self._columns[self._dns_street]
        return column.x + column.wide + STREET / 2

    def _house_tall(self, house: _House) -> float:
        sides = (len(self._doors.get((house.spot.name, s), ())) for s in ("left", "right"))
        return max(46.0 if house.spot.role != "client" else 38.0, DOOR * max(sides) + 8)

    def _tall(self, column: _Column) -> float:
        return sum(self._house_tall(h) + 14 for h in column.houses) - 14

    def _size_paper(self) -> None:
        road = 12.0 * self._roads + (8 if self._roads else 0)
        far = 34.0 if self._far else 0.0
        self._far_top = self._ground + road + 14
        self._list_top = self._far_top + far + (14 if self._steps else 0)
        shown = len(self._steps) + (len(self._world.steps) > MOST_STEPS)
        width = max(self._right, NARROWEST)
        more_lines = sum(len(self._lines(step)) - 1 for step in self._steps)
        self._shift = (width - self._right) / 2
        for house in self._houses.values():
            house.x += self._shift
        for column in self._columns:
            column.x += self._shift
        self.paper = Paper(
            width, self._list_top + ROW * shown + LINE * more_lines + (26 if shown else 6)
        )

    # --- drawing ----------------------------------------------------------------------

    def _draw(self) -> None:
        for column in self._columns:
            if column.title:
                self._town(column)
        for house in self._houses.values():
            self._house(house)
        self._far_towns()
        for i, arrow in enumerate(self._arrows):
            self._arrow(i, arrow.step)
        for i, arrow in enumerate(self._arrows):
            self._badges(i, arrow)
        self._list()

    def _town(self, column: _Column) -> None:
        top = column.y
        self.paper.box(
            column.x, top, column.wide, column.tall, "#f4f1e4", "#b9b29b", radius=10, line=1.1
        )
        title = fit(column.title, column.wide - 16, 10, bold=True)
        middle = column.x + column.wide / 2
        self.paper.text(middle, top + 17, title, 10, align="center", bold=True)

    def _house(self, house: _House) -> None:
        spot = house.spot
        client = spot.role == "client" or not house_is_server(spot)
        edge = palette.EDGE if spot.up or client else palette.VERMILION
        fill = "#ffffff" if spot.up or client else "#fbe6da"
        dash: Dash = "solid" if spot.up or client else "dashed"
        radius = 15 if client else 4
        self.paper.box(
            house.x, house.y, house.wide, house.tall, fill, edge, radius=radius, dash=dash
        )
        x, y = house.x + house.wide / 2, house.middle
        dns = house.column == -1
        first = f"DNS: {spot.name}" if dns else spot.name.partition(".")[0]
        self._centred(x, y - 4 if not client else y - 1, first, 9.0, house.wide - 14, bold=True)
        if spot.ip:
            self._centred(x, y + 7 if not client else y + 10, spot.ip, 8.0, house.wide - 12)
        if not client:
            words = " ".join(_short_services(spot.services)) if spot.up else "stopped"
            self._centred(x, y + 17, words, 7.4, house.wide - 6)

    def _centred(
        self, x: float, y: float, text: str, size: float, room: float, bold: bool = False
    ) -> None:
        colour = palette.INK if bold else palette.SOFT
        while measure(text, size, bold=bold) > room and size > 5.8:
            size -= 0.2
        said = fit(text, room, size, bold=bold)
        self.paper.text(x, y, said, size, colour, align="center", bold=bold)

    def _badges(self, i: int, arrow: _Arrow) -> None:
        """The numbers of the steps, outside the town's wall, on the arrow's first stretch."""
        a, b = self._houses[arrow.step.source], self._houses[arrow.step.target]
        x, y = self._door(i, "source", a, b)
        wall = 12.0 if a.column != -1 and self._columns[a.column].title else 0.0
        label = ", ".join(map(str, arrow.numbers[:3])) + (", …" if len(arrow.numbers) > 3 else "")
        half = max(6.8, measure(label, 7.6, bold=True) / 2 + 2.3)
        out = (wall + 6 + half) * (1 if self._side(a, b) == "right" else -1)
        self._badge(x + out, y, label, _stroke(arrow.step)[0])

    def _door(self, i: int, end: str, at: _House, other: _House) -> Point:
        side = self._side(at, other)
        doors = self._doors[at.spot.name, side]
        place = doors.index((i, end)) - (len(doors) - 1) / 2
        return at.x + (at.wide if side == "right" else 0), at.middle + DOOR * place

    def _street(self, at: _House, side: str) -> float:
        """The middle of the street on that side of a house's column."""
        column = self._columns[at.column]
        return column.x + column.wide + STREET / 2 if side == "right" else column.x - STREET / 2

    def _arrow(self, i: int, step: Step) -> None:
        a, b = self._houses[step.source], self._houses[step.target]
        colour, width, dash = _stroke(step)
        start = self._door(i, "source", a, b)
        lane = self._lane(i, step)
        if b.column == -1:
            points = self._to_dns(start, a, b, lane)
        elif self._far_apart(step):
            points = self._by_road(i, start, a, b, lane)
        else:
            end = self._door(i, "target", b, a)
            x = self._street(a, self._side(a, b)) + lane
            level = abs(start[1] - end[1]) < 1
            points = [start, end] if level else [start, (x, start[1]), (x, end[1]), end]
        if step.failed:
            self._cross(points, colour, width)
        else:
            self.paper.arrow(points, colour, width, dash, 7.0)

    def _lane(self, i: int, step: Step) -> float:
        """How far from the middle of the street an arrow turns.  Arrows that turn up turn in
        the order of their doors from above, those that turn down from below: so they
        do not cross each other."""
        a, b = self._houses[step.source], self._houses[step.target]
        side = self._side(a, b)
        doors = self._doors[step.source, side]
        rank = [d for d, end in doors if end == "source"].index(i)
        count = len(doors)
        if b.middle > a.middle:
            rank = count - 1 - rank
        out = 1 if side == "right" else -1
        return out * (10 + (rank - (count - 1) / 2) * min(7.0, 28.0 / count))

    def _to_dns(self, start: Point, a: _House, b: _House, lane: float) -> list[Point]:
        x = self._street(a, self._side(a, b)) + lane
        if b.x < x < b.x + b.wide:
            return [start, (x, start[1]), (x, b.y + b.tall)]
        side = b.x if x < b.x else b.x + b.wide
        return [start, (x, start[1]), (x, b.middle + lane), (side, b.middle + lane)]

    def _by_road(self, i: int, start: Point, a: _House, b: _House, lane: float) -> list[Point]:
        end = self._door(i, "target", b, a)
        number = sum(self._far_apart(arrow.step) for arrow in self._arrows[:i])
        y = self._ground + 9 + 12 * number
        x1 = self._street(a, self._side(a, b)) + lane
        x2 = self._street(b, self._side(b, a)) + lane
        return [start, (x1, start[1]), (x1, y), (x2, y), (x2, end[1]), end]

    def _cross(self, points: list[Point], colour: str, width: float) -> None:
        x, y = points[-1]
        x -= 9 if x > points[-2][0] else -9
        self.paper.line([*points[:-1], (x, y)], colour, width, "dashed")
        for slope in (-1, 1):
            self.paper.line([(x - 3.5, y - slope * 3.5), (x + 3.5, y + slope * 3.5)], colour, 1.8)

    def _badge(self, x: float, y: float, label: str, colour: str) -> None:
        wide = max(0.0, measure(label, 7.6, bold=True) - 9)
        self.paper.box(
            x - 6.8 - wide / 2, y - 6.8, 13.6 + wide, 13.6, palette.PAPER, colour,
            radius=6.7, line=1.2,
        )  # fmt: skip
        self.paper.text(x, y + 2.7, label, 7.6, colour, align="center", bold=True)

    def _far_towns(self) -> None:
        if not self._far:
            return
        x, y = MARGIN + 2, self._far_top
        self.paper.text(x, y + 14, "also here:", 7.8, palette.SOFT)
        x += measure("also here:", 7.8) + 10
        for town in self._far:
            wide = measure(town.domain, 7.8) + 16
            if x + wide > self.paper.width - MARGIN:
                self.paper.text(x, y + 14, "…", 9, palette.SOFT)
                return
            self.paper.box(x, y + 2, wide, 18, "#f4f1e4", "#b9b29b", radius=6, line=0.8)
            self.paper.text(x + wide / 2, y + 14, town.domain, 7.8, palette.SOFT, align="center")
            x += wide + 8

    def _lines(self, step: Step) -> list[str]:
        """A step in words, in as many lines as it needs."""
        words = step.words
        if step.source != step.target:
            words = f"{_short(step.source)} → {_short(step.target)}: {words}"
        return broken(words, max(self._right, NARROWEST) - 2 * MARGIN - 26, STEP)

    def _list(self) -> None:
        """The steps in words."""
        if not self._steps:
            return
        y = self._list_top
        width = self.paper.width
        self.paper.line([(MARGIN, y), (width - MARGIN, y)], palette.FAINT, 0.8)
        for number, step in enumerate(self._steps, 1):
            y += ROW
            self._badge(MARGIN + 8, y, str(number), _stroke(step)[0])
            for k, line in enumerate(self._lines(step)):
                y += LINE if k else 0
                self.paper.text(MARGIN + 22, y + 3, line, STEP)
        more = len(self._world.steps) - len(self._steps)
        if more:
            self.paper.text(MARGIN + 22, y + 16, f"… and {more} more steps", STEP, palette.SOFT)


def _short_services(services: tuple[str, ...]) -> list[str]:
    """ "imap imaps" → "imap(s)": a name with and without TLS is written once."""
    both = {s for s in services if f"{s}s" in services}
    return [
        f"{s}(s)" if s in both else s
        for s in services
        if s.removesuffix("s") not in both or s in both
    ]


def house_is_server(spot: Spot) -> bool:
    return spot.role not in {"laptop", "client", "phone", "desktop"}


def _short(name: str) -> str:
    return name.removesuffix(".example")


def _stroke(step: Step) -> tuple[str, float, Dash]:
    if step.source == step.target:
        return palette.GREEN if "delivered" in step.words else "#b27a00", 1.2, "solid"
    if step.failed:
        return palette.VERMILION, 1.3, "dashed"
    if step.lookup:
        return palette.TEAL, 1.3, "dotted"
    if step.way is Way.PULL:
        return palette.PURPLE, 1.8, "dashed"
    return (palette.BLUE if step.way is Way.PUSH else palette.SOFT), 1.8, "solid"
