"""What a journey costs: connections, questions, waits.

Lab time stands still while letters move, so seconds on this machine's clock would say
something about this machine and nothing about mail.  What can be counted is counted: hosts
that held the letter, connections opened, questions put to the DNS, replies waited for.
Each of them costs a trip through the network in the world outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor

from labmail.course.notice import Bars, Table
from labmail.trace.events import Accepted, Connected, Delivered, LookedUp, Relayed, Reply
from labmail.trace.recorder import Trace

SMTP_SERVICES = frozenset({"smtp", "submission", "submissions"})
ACCESS_SERVICES = frozenset({"pop3", "pop3s", "imap", "imaps"})


@dataclass(frozen=True, slots=True)
class Effort:
    """What happened in a trace, counted."""

    letters: int
    hosts: int
    connections: int
    access_connections: int
    relays: int
    questions: int
    replies: int


def effort(trace: Trace) -> Effort:
    """Count the work of the mail in this trace.  `questions` are those that mail servers
    put to the DNS and had to wait for (what they remembered is free)."""
    services = Counter(e.connection.service for e in trace.of(Connected))
    servers = {e.host for e in trace.of(Accepted)}
    return Effort(
        letters=len(trace.of(Delivered)),
        hosts=len(servers),
        connections=sum(services[s] for s in SMTP_SERVICES),
        access_connections=sum(services[s] for s in ACCESS_SERVICES),
        relays=len(trace.of(Relayed)),
        questions=sum(e.host in servers and e.server != "cache" for e in trace.of(LookedUp)),
        replies=sum(e.connection.service in SMTP_SERVICES for e in trace.of(Reply)),
    )


_ROWS = (
    ("letters in mailboxes", "letters"),
    ("mail servers that held them", "hosts"),
    ("connections by SMTP", "connections"),
    ("connections to POP3 or IMAP", "access_connections"),
    ("hand-overs from server to server", "relays"),
    ("questions of mail servers to the DNS", "questions"),
    ("SMTP replies waited for", "replies"),
)


def side_by_side(traces: Mapping[str, Trace]) -> Table:
    """Several traces, counted, one column each."""
    counted = [effort(trace) for trace in traces.values()]
    rows = [(words, *(str(getattr(e, name)) for e in counted)) for words, name in _ROWS]
    numbers = range(1, len(counted) + 1)
    return Table("Counted", ("", *traces), rows, right=tuple(numbers))


def delays(trace: Trace, account: str = "") -> dict[int, timedelta]:
    """Lab time between the first server's "250" and the mailbox, for each letter that was
    delivered (to this account)."""
    taken: dict[int, Accepted] = {}
    for accepted in trace.of(Accepted):
        if accepted.parcel is not None:
            taken.setdefault(accepted.parcel, accepted)
    return {
        e.parcel: e.at - taken[e.parcel].at
        for e in trace.of(Delivered)
        if e.parcel is not None and e.parcel in taken and account in ("", e.account)
    }


def delay_bars(trace: Trace, account: str = "") -> Bars:
    """How many letters (to this account) took how long in lab time, shortest first."""
    found = Counter(delays(trace, account).values())
    counts = {_length(delay): found[delay] for delay in sorted(found)}
    to = f" to {account}" if account else ""
    return Bars(f"{found.total()} letters{to}: lab time from the first 250 to the mailbox", counts)


def fair_range(draws: int) -> tuple[int, int]:
    """How often a fair coin shows heads: 95 of 100 series of so many draws lie between these.

    The spread of a sum of `draws` coins is √draws / 2, and 1.96 spreads to either side hold
    95 % of the normal curve, which is close for a hundred draws and more.
    """
    middle, spread = draws / 2, 1.96 * draws**0.5 / 2
    return ceil(middle - spread), floor(middle + spread)


def share_bars(counts: Mapping[str, int], what: str) -> Bars:
    """How often each host was chosen, beside what chance would do."""
    drawn = sum(counts.values())
    low, high = fair_range(drawn)
    note = f"If a fair coin decided, 95 of 100 such series would show {low} to {high} for each."
    ordered = {name: counts[name] for name in sorted(counts)}
    return Bars(f"{drawn:,} {what}", ordered, note, of="times")


def _length(delay: timedelta) -> str:
    hours, minutes = divmod(int(delay.total_seconds()) // 60, 60)
    if not delay:
        return "at once"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
