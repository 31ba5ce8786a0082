"""The queue at work: one transmission per domain, retries, expiry, notifications, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from labmail.queue.letter import NoSuchLetter
from labmail.queue.outcome import Outcome
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.events import (
    Accepted,
    Attempted,
    Bounced,
    Deferred,
    Dequeued,
    Queued,
    Relayed,
    SpoolTrouble,
)
from labmail.trace.parcel import Envelope, Parcel, Recipient

MINH, LAN, HOA = "minh@saigon.example", "lan@saigon.example", "hoa@alumni.example"
SON = "son@hanoi.example"


def files(bench: Any) -> list[str]:
    return sorted(entry.name for entry in bench.folder.iterdir())


# --- the straight way ------------------------------------------------------------------


def test_accepted_is_safe_before_it_is_said(bench: Any) -> None:
    queue_id = bench.accept(MINH)
    assert files(bench) == [f"{queue_id}.eml", f"{queue_id}.json"]
    accepted, queued = bench.of(Accepted, Queued)
    assert (accepted.queue_id, accepted.role, accepted.size) == (queue_id, "submission", 50)
    assert (accepted.parcel, accepted.host) == (1, "smtp.hanoi.example")
    assert queued.recipients == (MINH,)
    assert bench.sent == []


def test_one_transmission_for_each_domain_in_the_order_of_the_envelope(bench: Any) -> None:
    bench.accept(MINH, HOA, "LAN@SAIGON.example")
    bench.settle()
    assert bench.sent == [((MINH, "LAN@SAIGON.example"), 1), ((HOA,), 1)]
    assert [e.recipient for e in bench.of(Relayed)] == [MINH, "LAN@SAIGON.example", HOA]
    assert bench.kinds()[-1] == "Dequeued"
    assert files(bench) == [] and len(bench.queue) == 0


def test_the_bytes_and_parameters_travel_untouched(bench: Any) -> None:
    content = b"Subject: \xff\r\n\r\n.\r\n..\r\n"
    minh = Recipient(MINH, "NEVER", "rfc822;minh")
    bench.accept(minh, HOA, content=content, body="8BITMIME", envid="E1", ret="HDRS")
    bench.settle()
    first = bench.letters[0]
    assert first.content == content
    assert first.envelope == Envelope(SON, (minh,), "8BITMIME", ret="HDRS", envid="E1")


def test_an_envelope_that_cannot_be_kept_is_refused(bench: Any) -> None:
    for recipients in ((), ("a\r\nb@x.example",)):
        with pytest.raises(ValueError, match="envelope"):
            bench.accept(*recipients)
    assert files(bench) == [] and bench.kinds() == []


def test_own_mailboxes_are_no_hop(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = answer["delivered"]
    bench.accept(MINH)
    bench.settle()
    assert bench.kinds() == ["Accepted", "Queued", "Dequeued"]


def test_a_queue_id_can_be_named_before(bench: Any) -> None:
    """The Received field names the queue id, so it is drawn before the letter is accepted."""
    parcel = Parcel(1, Envelope.of(SON, [MINH]), b"Received: x\r\n\r\n")
    queue_id = bench.queue.fresh_id()
    assert bench.queue.accept(parcel, role="exchange", queue_id=queue_id) == queue_id
    with pytest.raises(FileExistsError):
        bench.queue.accept(parcel, role="exchange", queue_id=queue_id)
    assert len(bench.of(Accepted)) == 1


# --- not now -------------------------------------------------------------------------------


def test_deferred_waits_by_the_schedule(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = lambda a, n: answer["deferred" if n < 4 else "relayed"](a)
    bench.accept(MINH)
    bench.advance("3h")
    waits = [e.next_try - e.at for e in bench.of(Deferred)]
    assert waits == [timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2)]
    assert bench.queue.rows()[0].reason == "450 4.2.1 busy"
    bench.advance("1h")
    assert [e.outcome for e in bench.of(Attempted)] == ["deferred"] * 3 + ["relayed"]
    assert [e.number for e in bench.of(Attempted)] == [1, 2, 3, 4]


def test_recipients_fare_differently(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers |= {LAN: answer["deferred"], HOA: answer["refused"]}
    bench.accept(MINH, LAN, HOA, sender="")
    bench.settle()
    assert [(r.recipient, r.state) for r in bench.queue.rows()] == [
        (MINH, "relayed"),
        (LAN, "waiting"),
        (HOA, "bounced"),
    ]
    assert [e.outcome for e in bench.of(Attempted)] == ["mixed", "refused"]
    bench.advance("30m")
    assert bench.sent[-1] == ((LAN,), 2)


def test_an_attempt_that_raises_is_a_deferral(bench: Any) -> None:
    def broken(address: str, attempt: int) -> Outcome:
        raise ConnectionResetError("peer hung up")

    bench.answers[MINH] = broken
    bench.accept(MINH, LAN)
    bench.settle()
    assert [e.reason for e in bench.of(Deferred)] == [
        "local error: ConnectionResetError: peer hung up"
    ] * 2
    assert len(bench.queue) == 1


def test_silence_about_a_recipient_is_a_deferral(bench: Any) -> None:
    async def forgetful(parcel: Parcel, queue_id: str, attempt: int) -> list[Outcome]:
        return [Outcome(MINH, "relayed", "250 ok", "2.0.0"), Outcome("x@y", "refused", "", "")]

    bench.queue._transmit = forgetful
    bench.accept(MINH, LAN)
    bench.settle()
    assert [(e.recipient, e.reason) for e in bench.of(Deferred)] == [
        (LAN, "the attempt ended without a result")
    ]
    assert bench.of(Bounced) == []


def test_a_letter_whose_bytes_are_gone_is_kept_and_says_so(bench: Any) -> None:
    queue_id = bench.accept(MINH)
    (bench.folder / f"{queue_id}.eml").unlink()
    bench.settle()
    assert "FileNotFoundError" in bench.of(Deferred)[0].reason


def test_flush_tries_now(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = lambda a, n: answer["deferred" if n == 1 else "relayed"](a)
    one, two = bench.accept(MINH), bench.accept(MINH)
    bench.settle()
    bench.queue.flush(one)
    bench.settle()
    assert [row.queue_id for row in bench.queue.rows()] == [two]
    bench.queue.flush()
    bench.settle()
    assert len(bench.queue) == 0
    assert len(bench.agenda.upcoming()) == 0


def test_hold_and_release(bench: Any) -> None:
    queue_id = bench.accept(MINH)
    bench.queue.hold(queue_id)
    bench.queue.hold(queue_id)
    bench.queue.flush()
    bench.advance("6d")
    assert bench.sent == []
    bench.start()
    assert [row.state for row in bench.queue.resume()] == ["held"]
    bench.queue.release(queue_id)
    bench.settle()
    assert len(bench.sent) == 1
    assert [k for k in bench.kinds() if k in ("Held", "Released")] == ["Held", "Released"]


def test_an_unknown_letter_is_named(bench: Any) -> None:
    queue_id = bench.accept(MINH)
    for act in (bench.queue.hold, bench.queue.release, bench.queue.flush):
        with pytest.raises(NoSuchLetter, match=f"no letter 'X' in its queue; .*{queue_id}"):
            act("X")


# --- never ------------------------------------------------------------------------------------


def test_refused_tells_the_sender_once_for_all_recipients_of_an_attempt(
    bench: Any, answer: dict[str, Any]
) -> None:
    bench.answers |= {MINH: answer["refused"], LAN: answer["refused"]}
    bench.accept(MINH, LAN)
    bench.settle()
    assert [e.dsn for e in bench.of(Bounced)] == [2, 2]
    notice = bench.of(Accepted)[1]
    assert (notice.parcel, notice.role, notice.connection) == (2, "notification", None)
    assert notice.envelope == Envelope.of("", [SON])
    assert bench.sent[-1] == ((SON,), 1)
    assert bench.letters[-1].content.count(b"Final-Recipient:") == 2
    assert bench.kinds().index("Bounced") < bench.kinds().index("Accepted", 1)
    assert len(bench.queue) == 0


def test_given_up_after_five_days_and_not_before(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = answer["deferred"]
    bench.accept(MINH)
    bench.advance(timedelta(days=5) - timedelta(seconds=1))
    assert bench.of(Bounced) == []
    bench.advance("1s")
    (bounced,) = bench.of(Bounced)
    assert bounced.at == LAB_MORNING + timedelta(days=5)
    assert (bounced.status, bounced.dsn) == ("4.2.1", 2)
    assert bounced.reason == "not delivered within 5d; last: 450 4.2.1 busy"
    attempts = tuple(e.at for e in bench.of(Attempted) if e.parcel == 1)
    assert attempts == bench.schedule.tries(LAB_MORNING)
    assert b"Status: 4.2.1" in bench.letters[-1].content
    assert len(bench.queue) == 0


def test_the_null_reverse_path_is_never_bounced(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers |= {MINH: answer["refused"], HOA: answer["deferred"]}
    bench.accept(MINH, HOA, sender="")
    bench.advance("6d")
    assert [e.dsn for e in bench.of(Bounced)] == [None, None]
    assert len(bench.of(Accepted)) == 1


def test_a_notification_that_cannot_be_delivered_ends_there(
    bench: Any, answer: dict[str, Any]
) -> None:
    bench.answers |= {MINH: answer["refused"], SON: answer["refused"]}
    bench.accept(MINH)
    bench.settle()
    assert [(e.recipient, e.dsn) for e in bench.of(Bounced)] == [(MINH, 2), (SON, None)]
    assert len(bench.of(Accepted)) == 2 and len(bench.queue) == 0


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "DELAY"])
def test_who_asked_not_to_be_told_is_not(bench: Any, answer: dict[str, Any], notify: str) -> None:
    bench.answers |= {MINH: answer["refused"], LAN: answer["refused"]}
    bench.accept(Recipient(MINH, notify=notify), LAN)
    bench.settle()
    assert {e.recipient: e.dsn for e in bench.of(Bounced)} == {MINH: None, LAN: 2}
    assert MINH.encode() not in bench.letters[-1].content


def test_a_deferral_alone_tells_nobody(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = answer["deferred"]
    bench.accept(MINH)
    bench.advance("4d")
    assert len(bench.of(Accepted)) == 1


def test_late_letters_are_reported_once_where_the_host_does_so(
    benches: Callable[..., Any], answer: dict[str, Any]
) -> None:
    bench = benches(warn_after=timedelta(hours=4))
    bench.answers |= {MINH: answer["deferred"], LAN: answer["deferred"]}
    bench.accept(MINH, Recipient(LAN, notify="FAILURE"))
    bench.advance("3h")
    assert len(bench.of(Accepted)) == 1
    bench.advance("12h")
    assert len(bench.of(Accepted)) == 2
    assert b"Action: delayed" in bench.letters[-1].content or any(
        b"Action: delayed" in letter.content for letter in bench.letters
    )
    bench.start()
    bench.queue.resume()
    bench.advance("1d")
    assert len(bench.of(Accepted)) == 2


def test_success_is_reported_to_who_asked(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = answer["delivered"]
    bench.answers[LAN] = lambda a, n: Outcome(a, "relayed", "250 ok", "2.0.0", notifies=False)
    bench.accept(*(Recipient(r, notify="SUCCESS") for r in (MINH, LAN, HOA)))
    bench.settle()
    (notice,) = (letter for letter in bench.letters if letter.number == 2)
    assert b"Action: delivered" in notice.content and b"Action: relayed" in notice.content
    assert HOA.encode() not in notice.content  # relayed to a host that reports itself


def test_a_notification_that_cannot_be_kept_keeps_the_letter(
    bench: Any, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.answers |= {MINH: answer["refused"]}
    bench.accept(MINH, LAN)
    with monkeypatch.context() as patch:
        patch.setattr(bench.spool, "add", full)
        bench.settle()
    assert [e.recipient for e in bench.of(Relayed)] == [LAN]
    assert bench.of(Bounced) == []
    assert "the notification could not be kept" in bench.of(Deferred)[0].reason
    bench.advance("30m")
    assert [e.dsn is not None for e in bench.of(Bounced)] == [True]


def test_a_spool_that_cannot_be_written_is_recorded(
    bench: Any, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.answers[MINH] = answer["deferred"]
    bench.accept(MINH)
    with monkeypatch.context() as patch:
        patch.setattr(bench.spool, "update", full)
        bench.settle()
    assert "the new state could not be kept" in bench.of(SpoolTrouble)[0].problem
    assert bench.queue.rows()[0].attempts == 1
    bench.advance("30m")
    assert len(bench.of(Attempted)) == 2


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


# --- the host stops and starts --------------------------------------------------------------------


def test_a_restart_goes_on_where_it_was(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = answer["deferred"]
    queue_id = bench.accept(MINH, HOA)
    bench.settle()
    bench.queue.stop()
    bench.advance("1h")
    assert len(bench.sent) == 2
    bench.start()
    rows = bench.queue.resume()
    assert [(r.queue_id, r.recipient, r.state, r.attempts) for r in rows] == [
        (queue_id, MINH, "waiting", 1),
        (queue_id, HOA, "relayed", 1),
    ]
    assert bench.of(Queued)[-1].recipients == (MINH,)
    bench.answers.clear()
    bench.settle()
    assert bench.sent[2:] == [((MINH,), 2)]


def test_stopped_means_accepted_but_not_tried(bench: Any) -> None:
    bench.queue.stop()
    bench.accept(MINH)
    bench.advance("1d")
    assert bench.sent == []
    bench.queue.resume()
    bench.settle()
    assert len(bench.sent) == 1


def test_ids_that_begin_again_overwrite_nothing(bench: Any, answer: dict[str, Any]) -> None:
    bench.answers[MINH] = answer["deferred"]
    first = bench.accept(MINH)
    bench.settle()
    bench.ids.__init__("bench")
    bench.start()
    bench.queue.resume()
    second = bench.accept(HOA)
    assert first != second and len(bench.queue) == 2


def test_damage_is_recorded_and_the_others_go_on(bench: Any) -> None:
    one, two = bench.accept(MINH), bench.accept(HOA)
    bench.queue.stop()
    (bench.folder / f"{one}.json").write_bytes(b"{")
    bench.start()
    assert [row.queue_id for row in bench.queue.resume()] == [two]
    (trouble,) = bench.of(SpoolTrouble)
    assert trouble.queue_id == one
    assert "set aside as" in trouble.problem and "not a complete JSON text" in trouble.problem


def test_a_letter_found_settled_is_removed(bench: Any) -> None:
    queue_id = bench.accept(MINH)
    bench.queue.stop()
    state = bench.folder / f"{queue_id}.json"
    state.write_text(state.read_text().replace('"waiting"', '"relayed"'))
    bench.start()
    assert bench.queue.resume() == ()
    assert bench.of(Dequeued)[0].queue_id == queue_id
    assert files(bench) == []


def test_a_hop_that_took_it_just_before_the_crash_gets_it_again(bench: Any) -> None:
    """At least once: the crash falls between the other side's 250 and our writing it down."""
    bench.accept(MINH)

    async def cancelled(parcel: Parcel, queue_id: str, attempt: int) -> list[Outcome]:
        await bench.transmit(parcel, queue_id, attempt)
        bench.queue.stop()
        raise asyncio.CancelledError

    bench.queue._transmit = cancelled
    with pytest.raises(asyncio.CancelledError):
        bench.settle()
    bench.start()
    bench.queue.resume()
    bench.settle()
    assert [sent for sent, _ in bench.sent] == [(MINH,), (MINH,)]
    assert len(bench.queue) == 0


# --- several at once (a live lab) -----------------------------------------------------


class Gate:
    """A transmit that lets nobody through until it is told to, and counts who is inside."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside: list[str] = []
        self.most: dict[str, int] = {}

    async def transmit(self, parcel: Parcel, queue_id: str, attempt: int) -> list[Outcome]:
        domain = parcel.envelope.recipients[0].domain
        self.inside.append(domain)
        self.most[domain] = max(self.most.get(domain, 0), self.inside.count(domain))
        await self.open.wait()
        self.inside.remove(domain)
        return [Outcome(a, "relayed", "250 ok", "2.0.0") for a in parcel.envelope.addresses]


async def turns(number: int = 60) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def live(bench: Any, story: Callable[[Gate], Any]) -> None:
    gate = Gate()
    bench.start(at_once=2)
    bench.queue._transmit = gate.transmit
    running = asyncio.create_task(bench.agenda.run_forever())
    await story(gate)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_domain_that_does_not_answer_stops_nobody_else(bench: Any) -> None:
    async def story(gate: Gate) -> None:
        dead = [bench.accept(MINH) for _ in range(40)]
        bench.accept(HOA)
        await turns()
        assert sorted(gate.inside) == ["alumni.example", "saigon.example", "saigon.example"]
        for queue_id in dead[2:9]:
            bench.queue.hold(queue_id)
        gate.open.set()
        await turns(400)
        assert len(bench.queue) == 7  # only those on hold are left
        assert gate.most == {"saigon.example": 2, "alumni.example": 1}

    bench.runner.run(live(bench, story))


def test_a_letter_under_way_is_not_tried_twice(bench: Any) -> None:
    async def story(gate: Gate) -> None:
        bench.accept(MINH)
        await turns()
        bench.queue.flush()
        bench.queue.resume()
        await turns()
        assert gate.inside == ["saigon.example"]
        gate.open.set()
        await turns()
        assert len(bench.queue) == 0 and len(bench.of(Relayed)) == 1

    bench.runner.run(live(bench, story))


def test_a_hold_during_an_attempt_counts_from_then_on(bench: Any) -> None:
    async def story(gate: Gate) -> None:
        queue_id = bench.accept(MINH, HOA)
        await turns()
        bench.queue.hold(queue_id)
        gate.open.set()
        await turns()
        assert len(bench.queue) == 0

    bench.runner.run(live(bench, story))


# --- the same story, told twice --------------------------------------------------------


def test_two_labs_tell_the_same_story(
    tmp_path: Path, benches: Callable[..., Any], answer: dict[str, Any]
) -> None:
    stories = []
    for _ in range(2):
        bench = benches()
        bench.answers |= {MINH: answer["refused"], HOA: answer["deferred"]}
        bench.accept(MINH, HOA, LAN)
        bench.advance("6d")
        stories.append((bench.trace.events(), [letter.content for letter in bench.letters]))
    assert stories[0] == stories[1]
