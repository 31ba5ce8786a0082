"""Letters that have to wait: greylisting, a pool of senders, a postmaster at the queue, a power
cut; what is told, and that nothing is lost."""

import smtplib
from datetime import timedelta

import pytest

from labmail import Lab
from labmail.queue.letter import NoSuchLetter
from labmail.trace.events import (
    Accepted,
    Attempted,
    Bounced,
    Connected,
    Deferred,
    Delivered,
    Greylisted,
    Relayed,
)
from labmail.trace.recorder import Trace

HANOI, MX1, MX2 = "smtp.hanoi.example", "mx1.saigon.example", "mx2.saigon.example"
SON, MINH = "son@hanoi.example", "minh@saigon.example"
POOL = ("192.0.2.201", "192.0.2.202", "192.0.2.203", "192.0.2.204")


def send(lab: Lab, to: str = MINH) -> None:
    lab.user(SON).send(to, "Chào", "…")
    lab.settle()


def tries(trace: Trace) -> list[tuple[str, str]]:
    return [(f"{e.at:%H:%M}", e.outcome) for e in trace.of(Attempted) if e.host == HANOI]


def only_mx1(lab: Lab) -> None:
    lab.dns.edit("saigon.example", "MX 20 mx2.saigon.example.", "")


# --- greylisting ----------------------------------------------------------------------------------


def test_a_stranger_comes_again_and_is_known(lab: Lab) -> None:
    only_mx1(lab)
    lab.host(MX1).greylist(after="5m")
    with lab.record() as trace:
        send(lab)
        lab.advance("1h")
        send(lab)
    assert tries(trace) == [("09:00", "deferred"), ("09:30", "relayed"), ("10:00", "relayed")]
    assert trace.of(Deferred)[0].reason.startswith("450 4.7.1 <minh@saigon.example>: greylisted")
    assert [e.why for e in trace.of(Greylisted)] == [
        "seen for the first time",
        "came again in time",
        "known",
    ]
    assert trace.of(Greylisted)[0].again == trace.of(Deferred)[0].at + timedelta(minutes=5)


def test_users_of_the_host_and_unknown_recipients_are_not_greylisted(lab: Lab) -> None:
    lab.host(MX1).greylist()
    with lab.record() as trace:
        lab.user(MINH).send("hoa@saigon.example", "Chào", "…")
        send(lab, "khong.co@saigon.example")
    assert trace.of(Delivered)[0].account == "hoa@saigon.example"
    assert trace.of(Bounced)[0].status == "5.1.1"
    assert trace.of(Greylisted) == ()


def test_a_script_that_never_comes_again_never_arrives(lab: Lab) -> None:
    lab.host(MX1).greylist()
    with smtplib.SMTP(MX1, 25) as client, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.sendmail("robot@hanoi.example", MINH, b"Subject: x\r\n\r\n.\r\n")
    assert refused.value.recipients[MINH][0] == 450
    lab.advance("1d")
    assert lab.box(MINH).rows == ()


def arrival(lab: Lab, bits: int) -> tuple[str, int]:
    """When a letter of a pool of four machines arrives, and at which attempt."""
    only_mx1(lab)
    lab.host(HANOI).send_from(*POOL)
    lab.host(MX1).greylist(after="5m", bits=bits)
    with lab.record() as trace:
        send(lab)
        lab.advance("1d")
    (delivered,) = trace.of(Delivered)
    return f"{delivered.at:%H:%M}", len(trace.of(Attempted))


def test_a_pool_is_a_new_stranger_each_time(lab: Lab) -> None:
    assert arrival(lab, bits=32) == ("16:30", 5)


def test_a_pool_is_one_caller_when_its_network_is_compared(lab: Lab) -> None:
    assert arrival(lab, bits=24) == ("09:30", 2)


def test_a_pool_calls_from_each_of_its_addresses_under_one_name(lab: Lab) -> None:
    lab.host(HANOI).send_from(*POOL[:2])
    lab.host(MX1).answer("RCPT", "450 4.2.1 Not now", times=2)
    lab.host(MX2).stop()
    with lab.record() as trace:
        send(lab)
        lab.advance("4h")
    calls = [e.connection.client for e in trace.of(Connected) if e.connection.service == "smtp"]
    assert [c.ip for c in calls] == [*POOL[:2], POOL[0]]
    assert {c.name for c in calls} == {HANOI}
    lab.host(HANOI).send_from()
    with lab.record() as trace:
        send(lab)
    (call,) = (e for e in trace.of(Connected) if e.connection.service == "smtp")
    assert call.connection.client.ip == "192.0.2.25"


def test_addresses_of_others_are_not_lent(lab: Lab) -> None:
    with pytest.raises(ValueError, match="is the address of mx1"):
        lab.host(HANOI).send_from("198.51.100.25")


def test_a_greylist_is_remembered_by_a_checkpoint_and_can_be_switched_off(lab: Lab) -> None:
    only_mx1(lab)
    lab.host(MX1).greylist(after="5m")
    lab.host(HANOI).send_from(*POOL)
    lab.host(HANOI).queue.retry("postfix")
    send(lab)
    lab.checkpoint("put off")
    ends = []
    for _ in range(2):
        with lab.record() as trace:
            lab.advance("1h")
        ends.append([(e.at, type(e).__name__) for e in trace.of(Deferred, Delivered)])
        lab.rewind("put off")
    assert ends[0] == ends[1]
    assert "greylists strangers" in repr(lab.host(MX1))
    lab.host(MX1).greylist(None)
    assert "greylists" not in repr(lab.host(MX1))
    lab.advance("5m")
    assert len(lab.box(MINH).rows) == 1


# --- a postmaster at the queue ----------------------------------------------------------------


@pytest.fixture
def stuck(lab: Lab) -> list[str]:
    """Two letters that wait; their queue ids."""
    lab.host(MX1).stop()
    lab.host(MX2).stop()
    send(lab)
    send(lab, "hoa@saigon.example")
    return [row.queue_id for row in lab.queue(HANOI).rows]


def test_on_hold_nothing_is_tried_until_it_ends(lab: Lab, stuck: list[str]) -> None:
    queue = lab.host(HANOI).queue
    queue.hold(stuck[0])
    lab.host(MX1).start()
    lab.advance("6h")
    assert [(row.queue_id, row.state) for row in queue.now().rows] == [(stuck[0], "held")]
    queue.flush()
    assert "held" in repr(queue)
    queue.release(stuck[0])
    assert queue.now().rows == ()


def test_a_flush_tries_now_and_does_not_repair(lab: Lab, stuck: list[str]) -> None:
    queue = lab.host(HANOI).queue
    queue.flush()
    assert [row.attempts for row in queue.now().rows] == [2, 2]
    lab.host(MX1).start()
    queue.flush(stuck[1])
    assert [row.queue_id for row in queue.now().rows] == [stuck[0]]


def test_a_letter_that_is_given_up_is_told_to_its_sender(lab: Lab, stuck: list[str]) -> None:
    queue = lab.host(HANOI).queue
    queue.hold(stuck[0])
    with lab.record() as trace:
        queue.bounce(stuck[0])
    (bounced,) = trace.of(Bounced)
    assert (bounced.recipient, bounced.status) == (MINH, "5.0.0")
    assert bounced.reason == f"given up by the postmaster of {HANOI}"
    assert trace.of(Attempted) == ()
    assert b"given up by the postmaster" in lab.stored(SON)
    assert [row.queue_id for row in queue.now().rows] == [stuck[1]]


def test_what_is_not_there_is_named(lab: Lab, stuck: list[str]) -> None:
    for act in ("hold", "release", "flush", "bounce"):
        with pytest.raises(NoSuchLetter, match=f"NOSUCH.*{stuck[0]}, {stuck[1]}"):
            getattr(lab.host(HANOI).queue, act)("NOSUCH")


def test_the_schedule_of_one_host_is_changed(lab: Lab) -> None:
    queue = lab.host(HANOI).queue
    queue.retry("postfix", lifetime="1d", warn_after="4h")
    assert queue.schedule.first == timedelta(minutes=5)
    for mx in (MX1, MX2):
        lab.host(mx).stop()
    with lab.record() as trace:
        send(lab)
        lab.advance("2d")
    assert [time for time, _ in tries(trace)][:4] == ["09:00", "09:05", "09:15", "09:35"]
    (bounced,) = trace.of(Bounced)
    assert bounced.at - trace.of(Accepted)[0].at == timedelta(days=1)
    subjects = [row.subject for row in lab.box(SON).rows]
    assert len(subjects) == 2, "one word that it is late, one that it is given up"
    with pytest.raises(ValueError, match="not both"):
        queue.retry(queue.schedule, first="1h")


# --- a power cut ------------------------------------------------------------------------------


def test_an_unplugged_host_tries_nothing_and_loses_nothing(lab: Lab, stuck: list[str]) -> None:
    hanoi = lab.host(HANOI)
    hanoi.unplug()
    assert hanoi.running == ()
    lab.host(MX1).start()
    with lab.record() as dark:
        lab.advance("6h")
    assert dark.of(Attempted) == ()
    with lab.record() as again:
        hanoi.start()
        lab.settle()
    assert [e.recipient for e in again.of(Relayed)] == [MINH, "hoa@saigon.example"]
    assert len(lab.box(MINH).rows) == 1
    assert lab.queue(HANOI).rows == ()


def test_five_days_of_retries_behind_a_greylist_are_quick(lab: Lab) -> None:
    only_mx1(lab)
    lab.host(MX1).greylist(after="6d", window="10d")
    with lab.record() as trace:
        for _ in range(5):
            send(lab)
        lab.advance("6d")
    assert len(trace.of(Bounced)) == 5
    assert len(trace.of(Attempted)) > 150
