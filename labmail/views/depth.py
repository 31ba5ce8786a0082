"""How many letters wait: in a queue of this lab, and in a forecast of a million.

`QueueDepth` counts the letters of a trace over lab time.  `Forecasts` puts what several
schedules do beside each other (see `labmail.queue.simulation`): the letters that wait, and how
often the destination is tried, minute by minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from labmail.trace.queues import depths
from labmail.trace.recorder import Trace
from labmail.views.chars import pad, plural, text_table, width
from labmail.views.spoken import moment
from labmail.views.timeline import Span
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

_BLOCKS = "▁▂▃▄▅▆▇█"
_COLUMNS = 60


class Forecast(Protocol):
    """What is drawn of a `labmail.queue.simulation.Forecast`."""

    @property
    def waiting(self) -> Sequence[int]: ...
    @property
    def attempts(self) -> Sequence[int]: ...
    @property
    def expired(self) -> int: ...
    @property
    def peak(self) -> int: ...
    @property
    def empty_at(self) -> int: ...
    def waited(self, share: float) -> int: ...


class Outage(Protocol):
    """From minute `begins` to minute `ends` the destination is away."""

    @property
    def begins(self) -> int: ...
    @property
    def ends(self) -> int: ...


class QueueDepth(Picture):
    """The letters in the queue of each host over lab time; `hosts` picks some, in this order."""

    def __init__(self, trace: Trace, *hosts: str, title: str = "") -> None:
        began = {e.host for e in trace if hasattr(e, "queue_id") and hasattr(e, "host")}
        wanted = hosts or tuple(sorted(began))
        self.title = title or "Letters in the queue"
        last = trace.events[-1].at if trace.events else None
        self.steps = {host: steps for host in wanted if (steps := depths(trace, host))}
        every = [at for steps in self.steps.values() for at, _ in steps]
        self.span = Span.around([*every, *([last] if last else [])]) if every else None

    def most(self, host: str) -> int:
        """The most letters that lay there at a time."""
        return max(count for _, count in self.steps[host])

    def at(self, host: str, when: datetime) -> int:
        """How many letters lay there after all that happened at this moment."""
        return next((n for at, n in reversed(self.steps[host]) if at <= when), 0)

    def text(self) -> str:
        if self.span is None:
            return f"{self.title}\n(no letter lay in a queue)"
        lines = [f"{self.title}, {moment(self.span.start)} to {moment(self.span.end)}", ""]
        names = max(map(width, self.steps))
        for host in self.steps:
            top = self.most(host)
            now = self.at(host, self.span.end)
            lines.append(
                f"{pad(host, names)}  {spark(self._sampled(host))}  most {top}, at the end {now}"
            )
        ticks = ", ".join(name for _, name in self.span.ticks(6))
        lines += ["", f"Each sign is 1/{_COLUMNS} of the time; on the way: {ticks}."]
        return "\n".join(lines)

    def _sampled(self, host: str) -> list[float]:
        """The most letters in each part of the time."""
        assert self.span is not None
        length = (self.span.end - self.span.start) / _COLUMNS
        found = []
        for i in range(_COLUMNS):
            begin, end = self.span.start + length * i, self.span.start + length * (i + 1)
            inside = [n for at, n in self.steps[host] if begin <= at < end]
            found.append(float(max([self.at(host, begin), *inside])))
        return found

    def alt(self) -> str:
        told = [f"{h}: at most {plural(self.most(h), 'letter')}" for h in self.steps]
        return f"{self.title} over lab time. {'. '.join(told) or 'None'}."

    def draw(self) -> Paper:
        from labmail.views.depth_draw import depth_drawn

        return depth_drawn(self)


class Forecasts(Picture):
    """What several schedules do in the same trouble: {name: forecast}."""

    def __init__(
        self, forecasts: Mapping[str, Forecast], outage: Outage | None = None, title: str = ""
    ) -> None:
        self.forecasts = dict(forecasts)
        self.outage = outage
        self.title = title or "Letters waiting, and attempts a minute"
        self.minutes = max((len(f.waiting) for f in self.forecasts.values()), default=1)
        self.peak = max((f.peak for f in self.forecasts.values()), default=1)

    def attempts_after(self, forecast: Forecast) -> int:
        """The most attempts in a minute once the destination is back."""
        return max(forecast.attempts[self.outage.ends if self.outage else 0 :], default=0)

    def text(self) -> str:
        rows = [
            (
                name,
                f"{f.peak:,}",
                f"{self.attempts_after(f):,}",
                f"{sum(f.attempts):,}",
                _hours(f.waited(0.5)),
                _hours(f.empty_at),
                f"{f.expired:,}",
            )
            for name, f in self.forecasts.items()
        ]
        head = (
            "schedule",
            "most attempts a minute",
            "after it is back",
            "attempts in all",
            "half waited at most",
            "queue empty after",
            "given up",
        )
        table = text_table(head, rows, right=(1, 2, 3, 4, 5, 6))
        names = max(map(width, self.forecasts))
        bars = [
            f"{pad(n, names)}  {spark(_squeezed(f.attempts, self.minutes), self.peak)}"
            for n, f in self.forecasts.items()
        ]
        return "\n".join(
            [self.title, table, "", f"Attempts a minute, {_hours(self.minutes)}:", *bars]
        )

    def alt(self) -> str:
        told = [
            f"{name}: at most {self.attempts_after(f):,} attempts a minute after it is back, "
            f"queue empty after {_hours(f.empty_at)}"
            for name, f in self.forecasts.items()
        ]
        return f"{self.title}. {'. '.join(told)}."

    def draw(self) -> Paper:
        from labmail.views.depth_draw import forecasts_drawn

        return forecasts_drawn(self)


def spark(values: Sequence[float], top: float = 0) -> str:
    """Values as blocks of eight heights; whatever is more than nothing can be seen."""
    high = top or max(values, default=0) or 1

    def block(value: float) -> str:
        return _BLOCKS[min(7, max(0, round(8 * value / high) - 1))] if value > 0 else "·"

    return "".join(map(block, values))


def _squeezed(values: Sequence[int], length: int) -> list[float]:
    """The highest of each of `_COLUMNS` parts."""
    full = [*values, *[0] * (length - len(values))]
    edges = [len(full) * i // _COLUMNS for i in range(_COLUMNS + 1)]
    return [float(max(full[a : max(b, a + 1)])) for a, b in pairwise(edges)]


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"
