"""Lab time as a line: where a moment stands on it, and which moments are named.

`Span` is a stretch of lab time; `ticks` are round hours or days on it, not too many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

STEPS = tuple(
    timedelta(minutes=m) for m in (1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080)
)
"""How far named moments may be from each other."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`; never empty, so that every moment has a place."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, moments: list[datetime]) -> Span:
        """The shortest stretch that has all of these; raises ValueError when there are none."""
        start, end = min(moments), max(moments)
        return cls(start, max(end, start + timedelta(minutes=1)))

    def place(self, moment: datetime) -> float:
        """0 at the start, 1 at the end."""
        return (moment - self.start) / (self.end - self.start)

    @property
    def several_days(self) -> bool:
        return self.start.date() != self.end.date()

    def ticks(self, most: int = 9) -> Iterator[tuple[datetime, str]]:
        """Round moments, `most` of them or fewer, with their names."""
        length = self.end - self.start
        step = next((s for s in STEPS if length / s <= most), STEPS[-1])
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        moment = midnight + step * -((midnight - self.start) // step)
        while moment <= self.end:
            if moment >= self.start:
                yield moment, self.name(moment, whole_days=step >= timedelta(days=1))
            moment += step

    def name(self, moment: datetime, *, whole_days: bool = False) -> str:
        """ "09:30", or where the stretch has several days "Tue 09:30"."""
        if whole_days:
            return f"{moment:%a %d %b}".replace(" 0", " ")
        return f"{moment:%a %H:%M}" if self.several_days else f"{moment:%H:%M}"
