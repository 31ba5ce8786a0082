"""So many conversations with one domain at a time, no more.

A thousand letters for one domain must not open a thousand connections to it,
and a domain that does not answer must not stop the letters for all others.  So
each domain has a lane with so many places, and who finds it full stands in
line.  Nobody waits *inside* an attempt: a line is a list of names, it costs no
task and no connection.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Lane:
    taken: int = 0
    line: deque[str] = field(default_factory=deque)


class Lanes:
    """Lanes by domain; a lane exists while it is in use."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._lanes: dict[str, _Lane] = {}

    def __len__(self) -> int:
        """How many lanes are in use."""
        return len(self._lanes)

    def take(self, domain: str, queue_id: str) -> bool:
        """Take a place for this letter; False when there is none and it stands in line."""
        lane = self._lanes.setdefault(domain, _Lane())
        if lane.taken < self._places:
            lane.taken += 1
            return True
        if queue_id not in lane.line:
            lane.line.append(queue_id)
        return False

    def leave(self, domain: str) -> None:
        """Give a place back."""
        self._lanes[domain].taken -= 1
        self._close_unused(domain)

    def maybe_next(self, domain: str) -> str | None:
        """The letter at the head of the line, if there is a place for it now."""
        lane = self._lanes.get(domain)
        if lane is None or not lane.line or lane.taken >= self._places:
            return None
        following = lane.line.popleft()
        self._close_unused(domain)
        return following

    def _close_unused(self, domain: str) -> None:
        lane = self._lanes[domain]
        if not lane.taken and not lane.line:
            del self._lanes[domain]
