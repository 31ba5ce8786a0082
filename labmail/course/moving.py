"""A day on which a domain moves to another machine, by a plan.

The world is that of the coffee house.  Its zone may be remembered for four hours, letters come
all day from two places, and whoever asks remembers.  A plan is a list of steps with times;
the day is lived through, and each letter is looked after.

What the plan has against it are not machines but memories: a resolver that was told
"mx1, for four hours" calls mx1 for four hours, whatever the zone says now (RFC 1034 §3.6).

The two resolvers asked two hours apart.  So while the zone says "four hours" there is no hour
in which both forget, and no plan that leaves the TTL alone can be lucky.  For the same reason
letters go on coming for four hours after the last step that a plan may have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from labmail.lab import Lab
from labmail.trace.events import Accepted, Attempted, Deferred, Delivered, LookedUp
from labmail.trace.recorder import Trace
from labmail.views.spoken import span

LONG_TTL = 14_400
"""How long the zone may be remembered at the beginning of the day: four hours."""
LONGEST_OVERLAP = timedelta(hours=1)
EVERY = timedelta(minutes=10)
"""How often somebody writes."""
HOURS = 12
"""How long a plan may be, from 09:00."""
NIGHT = timedelta(seconds=LONG_TTL)
"""How long letters still come afterwards: until the last old answer is forgotten."""
APART = timedelta(hours=2)
"""How long after Freman's server Sơn's asked, at 09:00."""

OLD, NEW = "mx1.caphe.example", "moi.caphe.example"
WRITERS = ("son@hanoi.example", "freman.alpha@arrakis.example")
OWNER = "chu@caphe.example"
ZONE = f"""\
$ORIGIN caphe.example.
$TTL {LONG_TTL}
@    SOA  ns.lab. hostmaster.caphe.example. 1 7200 900 1209600 300
     NS   ns.lab.
     MX   10 mx1.caphe.example.
mx1  A    203.0.113.91
moi  A    203.0.113.93
"""
"""The zone in the morning."""

ACTIONS = "'ttl 300' (seconds), 'mx moi', 'stop mx1'"
_ACTION = re.compile(r"ttl (\d{1,9})|mx (moi|mx1)|(stop|start) (mx1|moi)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
FIRST = datetime.min.replace(hour=9)
LAST = FIRST + timedelta(hours=HOURS)
LAST_LETTER = LAST + NIGHT


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how long after the beginning of the day, and what is done."""

    after: timedelta
    action: str


@dataclass(frozen=True, slots=True)
class Move:
    """What became of the letters of the day.

    `overlap` is how long the old machine still ran after the MX had changed, None where it was
    not so; `last_at` is where the last letter was put.
    """

    sent: int
    lost: int
    late: int
    first_trouble: str
    last_at: str
    old_is_off: bool
    overlap: timedelta | None


def read_plan(answer: object) -> tuple[tuple[Step, ...], str]:
    """The steps of a plan in order, and what is wrong with it ("" when it can be done)."""
    if not isinstance(answer, (list, tuple)) or not answer:
        return (), 'There are no steps yet: write lines such as ("10:30", "stop mx1").'
    steps = []
    for line in answer:
        if not isinstance(line, (list, tuple)) or len(line) != 2:
            return (), f"{line!r} is no step: write a time and what is done, in quotes."
        after, action = _after(str(line[0])), " ".join(str(line[1]).lower().split())
        if after is None:
            return (), f"{line[0]!r} is no time between 09:00 and {LAST:%H:%M}."
        if not _ACTION.fullmatch(action):
            return (), f"{line[1]!r} cannot be done here. What can: {ACTIONS}."
        steps.append(Step(after, action))
    return tuple(sorted(steps, key=lambda step: step.after)), ""


def _after(time: str) -> timedelta | None:
    found = _TIME.fullmatch(time.strip())
    if found is None or int(found[2]) > 59:
        return None
    after = timedelta(hours=int(found[1]) - 9, minutes=int(found[2]))
    return after if timedelta(0) <= after <= LAST - FIRST else None


@lru_cache(maxsize=8)
def moved(steps: tuple[Step, ...]) -> Move:
    """Live through the day, by this plan."""
    with Lab("caphe", beside=True) as lab:
        lab.dns.load(ZONE)
        begin = _everybody_has_asked(lab)
        for step in sorted([*steps, *_letters()], key=lambda step: step.after):
            lab.advance_to(begin + step.after)
            _do(lab, step.action)
        lab.advance("8h")
        old_is_off = not lab.host(OLD).running
        return _judged(lab.trace, steps, old_is_off)


def _everybody_has_asked(lab: Lab) -> datetime:
    """Let Freman write at 07:00 and Sơn at 09:00, when the day of the plan begins."""
    son, freman = WRITERS
    begin = lab.now() + timedelta(days=1)  # 09:00 again: the lab woke up too late for Freman
    lab.advance_to(begin - APART)
    _write(lab, freman)
    lab.advance_to(begin)
    _write(lab, son)
    return begin


def _letters() -> list[Step]:
    """The letters of the day: two from Sơn, then one from Freman.  Whatever the plan does at
    the same time comes first."""
    times = range(1, int((LAST_LETTER - FIRST) / EVERY) + 1)
    return [Step(EVERY * n, f"write {WRITERS[n % 3 == 1]}") for n in times]


def _write(lab: Lab, writer: str) -> None:
    lab.user(writer).send(to=OWNER, subject="Còn bàn không?", text="…")
    lab.settle()


def _do(lab: Lab, action: str) -> None:
    """Do one step: to the zone, to a machine, or write a letter."""
    verb, what = action.split()
    if verb == "write":
        _write(lab, what)
        return
    if verb in ("stop", "start"):
        getattr(lab.host(f"{what}.caphe.example"), verb)()
        return
    text = lab.dns.zone("caphe.example").text
    if verb == "ttl":
        changed = re.sub(r"\$TTL \d+", f"$TTL {what}", text)
    else:
        changed = re.sub(r"MX   10 \S+", f"MX   10 {what}.caphe.example.", text)
    lab.dns.load(re.sub(r"(caphe\.example\. )(\d+)( 7200)", _next_serial, changed))


def _next_serial(found: re.Match[str]) -> str:
    return f"{found[1]}{int(found[2]) + 1}{found[3]}"


def _judged(trace: Trace, steps: Iterable[Step], old_is_off: bool) -> Move:
    taken = {e.parcel: e.at for e in trace.of(Accepted) if e.role == "submission"}
    arrived = {e.parcel: e for e in trace.of(Delivered) if e.account == OWNER}
    late = [p for p, e in arrived.items() if p in taken and e.at > taken[p]]
    last = arrived.get(list(taken)[-1])
    return Move(
        sent=len(taken),
        lost=len(set(taken) - set(arrived)),
        late=len(late),
        first_trouble=_trouble(trace),
        last_at=last.host if last else "",
        old_is_off=old_is_off,
        overlap=_overlap(steps),
    )


def _overlap(steps: Iterable[Step]) -> timedelta | None:
    """From the last change of the MX to the end of the old machine."""
    changed = [s.after for s in steps if s.action == "mx moi"]
    stopped = [s.after for s in steps if s.action == "stop mx1"]
    if not changed or not stopped or stopped[-1] < changed[-1]:
        return None
    return stopped[-1] - changed[-1]


def _trouble(trace: Trace) -> str:
    """The first letter that had to wait, and what its server still believed."""
    deferred = next(iter(trace.of(Deferred)), None)
    if deferred is None:
        return ""
    asked = [
        e
        for e in trace.of(LookedUp)
        if e.parcel == deferred.parcel and e.rtype == "MX" and e.seq < deferred.seq
    ]
    when = f"{deferred.at:%H:%M}"
    called = next((e.to for e in trace.of(Attempted) if e.parcel == deferred.parcel), "")
    if asked and asked[-1].server == "cache":
        left = span(asked[-1].ttl or 0)
        return (
            f"The first: at {when} {deferred.host} called {called}, for it remembered the old "
            f"answer for {left} more."
        )
    return f"The first: at {when} {deferred.host} called {called}, and nobody was there."
