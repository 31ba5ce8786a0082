"""A queue read back from the trace is the queue as it was."""

from datetime import datetime, timedelta

import pytest

from labmail import Lab
from labmail.trace.queues import depths, queue_at, stays
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import QueueSnapshot

HANOI, MX1, MX2 = "smtp.hanoi.example", "mx1.saigon.example", "mx2.saigon.example"
SON, MINH, HOA = "son@hanoi.example", "minh@saigon.example", "hoa@saigon.example"


def open_rows(queue: QueueSnapshot) -> set[tuple[object, ...]]:
    return {
        (r.queue_id, r.recipient, r.state, r.attempts, r.next_try, r.reason, r.sender, r.parcel)
        for r in queue.rows
    }


@pytest.fixture
def seen(lab: Lab) -> list[tuple[datetime, str, QueueSnapshot]]:
    """A busy day; the queues as the lab itself showed them, every two hours."""
    lab.host(HANOI).queue.retry("standard", warn_after="3h", lifetime="10h")
    for mx in (MX1, MX2):
        lab.host(mx).answer("RCPT", "450 4.2.1 Full", recipient=MINH, times=9)
    lab.user(SON).send([MINH, HOA], "Chào", "…")
    lab.dns.fail("lists.example", "MX", "SERVFAIL")
    lab.user(SON).send("ai@lists.example", "Chờ", "…")
    lab.settle()
    lab.host(HANOI).queue.hold(lab.queue(HANOI).rows[0].queue_id)
    found = []
    for hour in range(0, 14, 2):
        if hour == 4:
            lab.host(HANOI).queue.release(lab.queue(HANOI).rows[0].queue_id)
        found += [(lab.now(), host, lab.queue(host)) for host in (HANOI, MX1, MX2)]
        lab.advance("2h")
    return found


def test_it_is_the_queue_that_the_lab_showed(
    lab: Lab, seen: list[tuple[datetime, str, QueueSnapshot]]
) -> None:
    waiting = 0
    for at, host, queue in seen:
        assert open_rows(queue_at(lab.trace, host, at)) == open_rows(queue), (at, host)
        waiting += len(queue.rows)
    assert waiting > 10


def test_the_depth_is_the_number_of_letters(
    lab: Lab, seen: list[tuple[datetime, str, QueueSnapshot]]
) -> None:
    steps = depths(lab.trace, HANOI)
    for at, host, queue in seen:
        if host == HANOI:
            count = next((n for when, n in reversed(steps) if when <= at), 0)
            assert count == len({row.queue_id for row in queue.rows})
    assert steps[-1][1] == 0


def test_a_stay_has_all_that_happened_to_the_letter(lab: Lab) -> None:
    lab.host(HANOI).queue.retry("standard", warn_after="1h", lifetime="4h")
    lab.dns.fail("lists.example", "MX", "SERVFAIL")
    lab.user(SON).send("ai@lists.example", "Chờ", "…")
    lab.advance("5h")
    first = next(s for s in stays(lab.trace, HANOI) if s.role == "submission")
    whats = [(n.at - first.arrived, n.what) for n in first.notes if n.what != "tried"]
    hour = timedelta(hours=1)
    assert whats == [
        (hour * 0, "deferred"),
        (hour * 0.5, "deferred"),
        (hour * 1.5, "deferred"),
        (hour * 1.5, "told"),
        (hour * 3.5, "deferred"),
        (hour * 4, "bounced"),
    ]
    assert first.left == first.arrived + 4 * hour
    assert len(first.attempts) == 5


def test_a_stretch_has_only_the_letters_that_something_happened_to(lab: Lab) -> None:
    lab.user(SON).send(MINH, "Trước", "…")
    lab.settle()
    with lab.record() as trace:
        lab.user(SON).send(HOA, "Sau", "…")
        lab.settle()
    assert {s.recipients for s in stays(trace)} == {(HOA,)}
    assert {s.recipients for s in stays(lab.trace)} == {(MINH,), (HOA,)}
    assert stays(Trace(lab.trace._recorder, 0, 0)) == ()
