import pytest

from labmail.runtime.clock import Clock
from labmail.trace.events import Accepted, Connection, Content, Layer, Place, Sent, Side
from labmail.trace.letters import Copy, card, copies, unstuffed
from labmail.trace.parcel import Envelope
from labmail.trace.recorder import Recorder, Trace

LINE = Connection(1, "smtp", Place("a", "192.0.2.1", 49152), Place("b", "192.0.2.2", 25))
ENVELOPE = Envelope.of("son@hanoi.example", ["minh@saigon.example"])
STUFFED = b"Subject: x\r\n\r\n..\r\n.end\r\n.\r\n"


def trace_of_a_letter() -> Trace:
    recorder = Recorder(Clock().now)
    said = b"DATA\r\n" + STUFFED
    recorder.emit(Sent, connection=LINE, sender=Side.CLIENT, layer=Layer.OPEN, offset=0, data=said)
    recorder.emit(Content, connection=LINE, sender=Side.CLIENT, offset=6, size=len(STUFFED))
    recorder.emit(
        Accepted,
        host="b",
        parcel=3,
        queue_id="Q",
        envelope=ENVELOPE,
        size=20,
        role="exchange",
        connection=LINE,
    )
    return Trace(recorder)


def test_the_letter_is_what_was_said_after_data() -> None:
    found = card(trace_of_a_letter(), 3)
    assert found.content == b"Subject: x\r\n\r\n.\r\nend\r\n"
    assert (found.envelope, found.where) == (ENVELOPE, "as b accepted it")


def test_a_letter_at_each_of_its_hops() -> None:
    trace = trace_of_a_letter()
    assert copies(trace, 3) == (Copy("a", "b", "exchange", b"Subject: x\r\n\r\n.\r\nend\r\n"),)
    assert copies(trace, 4) == ()


def test_a_hop_whose_bytes_are_gone_is_left_out() -> None:
    recorder = Recorder(Clock().now)
    common = {"host": "b", "parcel": 3, "queue_id": "Q", "envelope": ENVELOPE, "size": 20}
    recorder.emit(Accepted, **common, role="exchange", connection=LINE)
    recorder.emit(Accepted, **common, role="exchange", connection=None)
    assert copies(Trace(recorder), 3) == ()


def test_a_letter_that_was_never_there_is_named() -> None:
    with pytest.raises(LookupError, match="accepted by: b"):
        card(trace_of_a_letter(), 3, "c")
    with pytest.raises(LookupError, match="accepted by: nobody"):
        card(trace_of_a_letter(), 4)


@pytest.mark.parametrize(
    ("sent", "letter"),
    [(b".\r\n", b""), (b"a\r\n.\r\n", b"a\r\n"), (b"...\r\n.\r\n", b"..\r\n")],
)
def test_dots_that_were_doubled_for_the_way(sent: bytes, letter: bytes) -> None:
    assert unstuffed(sent) == letter


def test_a_trace_may_begin_in_the_middle_of_a_conversation() -> None:
    recorder = Recorder(Clock().now)
    where = {"connection": LINE, "sender": Side.CLIENT}
    greeting, said = b"EHLO a\r\n", b"DATA\r\n" + STUFFED
    recorder.emit(Sent, **where, layer=Layer.OPEN, offset=0, data=greeting)
    start = recorder.pause()
    recorder.emit(Sent, **where, layer=Layer.OPEN, offset=len(greeting), data=said)
    middle = recorder.pause()
    recorder.emit(Content, **where, offset=len(greeting) + 6, size=len(STUFFED))
    recorder.emit(
        Accepted,
        host="b",
        parcel=3,
        queue_id="Q",
        envelope=ENVELOPE,
        size=20,
        role="exchange",
        connection=LINE,
    )
    assert card(Trace(recorder, start), 3).content == b"Subject: x\r\n\r\n.\r\nend\r\n"
    with pytest.raises(LookupError, match="begins before the letter was sent"):
        card(Trace(recorder, middle), 3)
