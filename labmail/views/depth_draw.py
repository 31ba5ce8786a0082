"""Waiting letters as curves: over lab time, and over the minutes of a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labmail.views import palette
from labmail.views.paper import Dash, Paper, Point, measure
from labmail.views.spoken import moment

if TYPE_CHECKING:
    from labmail.views.depth import Forecasts, QueueDepth

MARGIN, LEFT, WIDE, HIGH = 18.0, 66.0, 620.0, 150.0
STYLES: tuple[tuple[str, Dash], ...] = (
    (palette.BLUE, "solid"),
    (palette.VERMILION, "dashed"),
    (palette.GREEN, "dotted"),
    (palette.PURPLE, "solid"),
    (palette.INK, "dashed"),
)
"""A colour and a line style for each curve, in order."""
PANEL = 54.0
POINTS = 620
"""A curve has no more points than the paper can show."""


class _Frame:
    """A panel with two axes; values from 0 to `top`."""

    def __init__(self, paper: Paper, y: float, high: float, top: float) -> None:
        self.paper, self._y, self._high = paper, y, high
        self.top = top or 1
        self.bottom = y + high

    def point(self, x: float, value: float) -> Point:
        return LEFT + WIDE * x, self.bottom - self._high * value / self.top

    def ground(self) -> None:
        ends = [(LEFT, self._y), (LEFT, self.bottom), (LEFT + WIDE, self.bottom)]
        self.paper.line(ends, palette.EDGE, 0.8)

    def number(self, value: float) -> None:
        x, y = self.point(0, value)
        self.paper.line([(x, y), (x + WIDE, y)], palette.FAINT, 0.6)
        self.paper.text(x - 5, y + 3, f"{value:,.0f}", 7.4, palette.SOFT, align="right")

    def tick(self, x: float, name: str = "") -> None:
        at = LEFT + WIDE * x
        self.paper.line([(at, self._y), (at, self.bottom)], palette.FAINT, 0.6)
        if name:
            self.paper.text(at, self.bottom + 12, name, 7.6, palette.SOFT, align="center")


def depth_drawn(depth: QueueDepth) -> Paper:
    """The queue depth on paper."""
    paper = Paper(LEFT + WIDE + 30, HIGH + 104)
    paper.text(MARGIN, 26, depth.title, 11, bold=True)
    if depth.span is None:
        return paper
    since = f"from {moment(depth.span.start)}"
    paper.text(MARGIN + measure(depth.title, 11, bold=True) + 10, 26, since, 8.3, palette.SOFT)
    most = max(depth.most(host) for host in depth.steps)
    frame = _Frame(paper, 44, HIGH, most * 1.08)
    for when, name in depth.span.ticks():
        frame.tick(depth.span.place(when), name)
    for value in _round_numbers(most):
        frame.number(value)
    frame.ground()
    for i, (host, steps) in enumerate(depth.steps.items()):
        points, before = [frame.point(0, 0)], 0
        for at, count in steps:
            x = depth.span.place(at)
            points += [frame.point(x, before), frame.point(x, count)]
            before = count
        points.append(frame.point(1, before))
        colour, dash = STYLES[i % len(STYLES)]
        paper.line(points, colour, 1.8, dash)
        _legend(paper, i, host, frame.bottom + 34)
    return paper


def forecasts_drawn(forecasts: Forecasts) -> Paper:
    """The forecasts on paper: waiting letters above, attempts of each schedule below."""
    panels = len(forecasts.forecasts)
    paper = Paper(LEFT + WIDE + 30, 44 + HIGH + 46 + panels * (PANEL + 26) + 20)
    paper.text(MARGIN, 26, forecasts.title, 11, bold=True)
    most = max(max(f.waiting) for f in forecasts.forecasts.values())
    frame = _Frame(paper, 44, HIGH, most * 1.08)
    _away(forecasts, frame)
    for value in _round_numbers(most):
        frame.number(value)
    frame.ground()
    for i, forecast in enumerate(forecasts.forecasts.values()):
        colour, dash = STYLES[i % len(STYLES)]
        paper.line(_curve(frame, forecast.waiting, forecasts.minutes), colour, 1.8, dash)
    paper.text(LEFT, frame.bottom + 16, "letters that wait", 8.3, palette.SOFT)
    y = frame.bottom + 46
    for i, (name, forecast) in enumerate(forecasts.forecasts.items()):
        small = _Frame(paper, y, PANEL, forecasts.peak * 1.08)
        _away(forecasts, small, names=i == panels - 1)
        small.ground()
        _attempts(small, forecast.attempts, forecasts.minutes, STYLES[i % len(STYLES)][0])
        words = f"at most {forecasts.attempts_after(forecast):,} attempts a minute after it is back"
        _legend(paper, i, f"{name}: {words}", y - 6, x=LEFT)
        y += PANEL + 26
    paper.text(
        LEFT, y + 4, "hours from the beginning; grey: the destination is away", 7.6, palette.SOFT
    )
    return paper


def _away(forecasts: Forecasts, frame: _Frame, *, names: bool = False) -> None:
    """The outage as a shade, and a hairline each few hours."""
    minutes, outage = forecasts.minutes, forecasts.outage
    if outage:
        (x1, y1) = frame.point(outage.begins / minutes, frame.top)
        (x2, y2) = frame.point(min(1, outage.ends / minutes), 0)
        frame.paper.box(x1, y1, x2 - x1, y2 - y1, palette.SHADE)
    step = next(s for s in (60, 120, 240, 480, 720, 1440, 2880) if minutes / s <= 10 or s == 2880)
    for minute in range(0, minutes + 1, step):
        frame.tick(minute / minutes, f"{minute // 60} h" if names else "")


def _curve(frame: _Frame, values: Sequence[int], minutes: int) -> list[Point]:
    stride = max(1, len(values) // POINTS)
    picked = [*range(0, len(values), stride), len(values) - 1]
    return [frame.point(i / minutes, values[i]) for i in picked]


def _attempts(frame: _Frame, values: Sequence[int], minutes: int, colour: str) -> None:
    """The most attempts of each stretch, filled: a spike of one minute stays a spike."""
    stride = max(1, minutes // POINTS)
    points = [frame.point(0, 0)]
    for i in range(0, len(values), stride):
        high = max(values[i : i + stride])
        left, right = i / minutes, min(1, (i + stride) / minutes)
        points += [frame.point(left, high), frame.point(right, high)]
    points.append(frame.point(min(1, len(values) / minutes), 0))
    frame.paper.polygon(points, colour, colour, 0.6)


def _legend(paper: Paper, i: int, name: str, y: float, x: float = 0) -> None:
    colour, dash = STYLES[i % len(STYLES)]
    x = x or LEFT + 205 * i
    paper.line([(x, y - 3), (x + 24, y - 3)], colour, 2.2, dash)
    paper.text(x + 30, y, name, 8.0)


def _round_numbers(most: float) -> list[float]:
    """Two to five round values up to the most."""
    size = 1.0
    while most / size > 5:
        size *= 2 if f"{size:.0f}"[0] in "15" else 2.5
    return [size * n for n in range(int(most / size) + 1)]
