"""What one attempt did to each recipient, and what follows from it.

Whoever transmits a letter reports an `Outcome` for each recipient.  The queue
does not trust the report to be complete: `one_each` makes of it exactly one
outcome for each recipient that was tried, and silence means "not yet".  A copy
may be tried twice, it must not get lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from labmail.queue.letter import NEXT, Copy, State
from labmail.queue.schedule import Schedule, spell_duration

Result = Literal["relayed", "delivered", "deferred", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one recipient fared in one attempt.

    `reply` is the last word of the other side, or the error in plain words;
    `status` the enhanced status code (RFC 3463); `to` and `ip` name the next
    hop ("" if none was reached, or if the host delivered itself).  `notifies`
    is false when a letter was relayed to a host that does not offer DSN: then
    nobody further on reports success (RFC 3461 §5.2.2).
    """

    recipient: str
    result: Result
    reply: str
    status: str
    to: str = ""
    ip: str = ""
    notifies: bool = True


def failed_attempt(recipients: Iterable[str], error: Exception) -> tuple[Outcome, ...]:
    """The attempt itself broke: every recipient is deferred, the error is the reason."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # RFC 3463 §3.4: X.3.0, something is wrong with the mail system itself.
    return tuple(Outcome(r, "deferred", f"local error: {reason}", "4.3.0") for r in recipients)


def one_each(recipients: Sequence[str], reported: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Exactly one outcome for each recipient, in their order.

    What was reported about somebody else is left out; of two reports about the
    same recipient the first counts; no report is a deferral.
    """
    first: dict[str, Outcome] = {}
    for outcome in reported:
        first.setdefault(outcome.recipient, outcome)
    return tuple(
        first.get(r) or Outcome(r, "deferred", "the attempt ended without a result", "4.3.0")
        for r in recipients
    )


def settle(
    copy: Copy,
    outcome: Outcome,
    *,
    arrived: datetime,
    now: datetime,
    schedule: Schedule,
    lot: float = 0.5,
) -> Copy:
    """The copy after this outcome: settled, or waiting for its next try, drawn by `lot`."""
    attempts = copy.attempts + 1
    expired = outcome.result == "deferred" and schedule.expired(arrived, now, attempts)
    tried = replace(
        copy,
        state=NEXT[copy.state]["expired" if expired else outcome.result],
        attempts=attempts,
        last_try=now,
        reply=outcome.reply,
        status=outcome.status,
        to=outcome.to,
    )
    if expired:
        given_up = _given_up(outcome, schedule, young=now < schedule.expiry(arrived))
        return replace(tried, reply=given_up, status=_why(outcome))
    if tried.waiting:
        return replace(tried, next_try=schedule.next_try(arrived, attempts, now, lot))
    return tried


def put_off(copy: Copy, reason: str, *, arrived: datetime, schedule: Schedule) -> Copy:
    """A copy that was to be given up but cannot be yet: it waits once more, and says why."""
    assert copy.last_try is not None
    again = schedule.next_try(arrived, copy.attempts, copy.last_try)
    return replace(copy, state=State.WAITING, next_try=again, reply=reason, status="4.3.0")


def summary(outcomes: Sequence[Outcome]) -> str:
    """One word for the attempt as a whole: the result all share, else "mixed"."""
    results = {outcome.result for outcome in outcomes}
    return results.pop() if len(results) == 1 else "mixed"


def _why(outcome: Outcome) -> str:
    """The code for giving up: that of the actual trouble.  X.4.7, out of time, is only for where
    nothing better is known (RFC 3463 §3.5)."""
    return outcome.status if outcome.status not in ("", "4.0.0") else "4.4.7"


def _given_up(outcome: Outcome, schedule: Schedule, *, young: bool) -> str:
    within = spell_duration(schedule.lifetime)
    limit = f"after {schedule.most_tries} tries" if young else f"within {within}"
    return f"not delivered {limit}; last: {outcome.reply}"
