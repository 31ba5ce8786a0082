from dataclasses import FrozenInstanceError

import pytest

from labmail.runtime.clock import Clock
from labmail.trace.events import (
    Accepted,
    Command,
    Connected,
    Connection,
    Delivered,
    Layer,
    Place,
    PostEvent,
    Reply,
    Sent,
    Side,
)
from labmail.trace.parcel import Envelope
from labmail.trace.recorder import Recorder, Trace, compact

LINE = Connection(
    1,
    "submission",
    Place("son-laptop.hanoi.example", "192.0.2.10", 49152),
    Place("smtp.hanoi.example", "192.0.2.25", 587),
)


def say(recorder: Recorder, data: bytes, offset: int, layer: Layer = Layer.OPEN) -> Sent:
    return recorder.emit(
        Sent, connection=LINE, sender=Side.CLIENT, layer=layer, offset=offset, data=data
    )


def test_events_are_numbered_dated_and_frozen() -> None:
    recorder = Recorder(Clock().now)
    first = recorder.emit(Connected, connection=LINE)
    second = say(recorder, b"EHLO", 0)
    assert (first.seq, second.seq) == (0, 1)
    assert first.at == Clock().now()
    with pytest.raises(FrozenInstanceError):
        first.seq = 9  # type: ignore[misc]


def test_a_secret_is_marked_in_every_piece_it_crosses() -> None:
    recorder = Recorder(Clock().now)
    for data, offset in ((b"AUTH PLAIN AGE", 0), (b"AYg==\r\n", 14), (b"MAIL", 21)):
        say(recorder, data, offset)
        recorder.pause()
    recorder.mark_secret(LINE, Side.CLIENT, 11, 19)
    sent = Trace(recorder).of(Sent)
    assert [e.secrets for e in sent] == [((11, 14),), ((0, 5),), ()]


def test_what_one_side_says_in_pieces_is_one_event_until_something_else_happens() -> None:
    recorder = Recorder(Clock().now)
    for offset, piece in ((0, b"MA"), (2, b"IL F"), (6, b"ROM")):
        say(recorder, piece, offset)
        assert Trace(recorder).said(LINE, "client") == b"MAIL FROM"[: offset + len(piece)]
    recorder.emit(Connected, connection=LINE)
    say(recorder, b"RCPT", 9)
    assert [e.data for e in Trace(recorder).of(Sent)] == [b"MAIL FROM", b"RCPT"]


def test_ciphertext_is_never_marked() -> None:
    recorder = Recorder(Clock().now)
    say(recorder, b"\x17\x03\x03", 0, Layer.CIPHER)
    say(recorder, b"secret", 0, Layer.INSIDE)
    recorder.mark_secret(LINE, Side.CLIENT, 0, 6)
    assert [e.secrets for e in Trace(recorder).of(Sent)] == [(), ((0, 6),)]


def test_a_trace_is_a_stretch_that_can_be_stopped() -> None:
    recorder = Recorder(Clock().now)
    say(recorder, b"before", 0)
    trace = Trace(recorder, recorder.pause())
    say(recorder, b"during", 6)
    trace.stop()
    say(recorder, b"after", 12)
    assert trace.said(LINE, "client") == b"during"
    assert [e.data for e in trace.earlier if isinstance(e, Sent)] == [b"before"]


def test_one_letter_is_followed_by_its_number() -> None:
    recorder = Recorder(Clock().now)
    common = {"recipient": "x@y.example", "account": "x@y.example", "mailbox": "INBOX", "uid": 1}
    for parcel in (7, 8):
        recorder.emit(
            Accepted,
            host="a",
            parcel=parcel,
            queue_id="Q",
            envelope=Envelope.of("s@a.example", ["x@y.example"]),
            size=1,
            role="exchange",
        )
    recorder.emit(Delivered, host="b", parcel=8, file="new/1", size=1, **common)
    trace = Trace(recorder)
    assert trace.parcels == (7, 8)
    assert [type(e) for e in trace.parcel(8)] == [Accepted, Delivered]
    assert len(trace.of(PostEvent)) == 3


def test_old_bytes_are_forgotten_when_the_memory_is_full() -> None:
    recorder = Recorder(Clock().now, max_bytes=1000)
    for n in range(30):
        say(recorder, b"x" * 100, n * 100)
        recorder.pause()
    events = recorder.events()
    assert len(recorder) == 30
    assert events[-1].seq == 29
    assert sum(len(e.data) for e in events if isinstance(e, Sent)) <= 1000
    recorder.mark_secret(LINE, Side.CLIENT, 0, 3000)  # of what is left, and nothing else
    assert all(isinstance(e, Sent) and e.secrets == ((0, 100),) for e in recorder.events())


def test_letters_to_several_people_are_split_by_recipient() -> None:
    envelope = Envelope.of("", ["a@x.example", "b@Y.example"])
    assert envelope.for_recipients(["b@Y.example"]).addresses == ("b@Y.example",)
    assert [r.domain for r in envelope.recipients] == ["x.example", "y.example"]


def test_what_holds_no_bytes_takes_memory_too() -> None:
    """A world that is only knocked at for weeks must not fill the machine."""
    recorder = Recorder(Clock().now, max_bytes=10_000)
    for _ in range(500):
        recorder.emit(Connected, connection=LINE)
    assert len(recorder) == 500
    assert len(recorder.events()) < 50


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Command, {"verb": "X", "line": b"x" * 4000, "state": "ready"}),
        (Reply, {"verb": "X", "code": "*", "lines": (b"x" * 2000,) * 2, "before": "", "after": ""}),
    ],
)
def test_what_was_said_is_counted_where_it_is_repeated(kind, fields) -> None:  # type: ignore[no-untyped-def]
    recorder = Recorder(Clock().now, max_bytes=20_000)
    for _ in range(10):
        recorder.emit(kind, connection=LINE, **fields)
    assert 0 < len(recorder.events()) < 6


def test_a_reader_holds_together_what_the_writer_forgets() -> None:
    """Another thread may look just when the oldest events go."""
    recorder = Recorder(Clock().now, max_bytes=100_000)
    seen = []

    class Reader(list):  # type: ignore[type-arg]
        """A list of events at whose every slice much happens elsewhere."""

        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            if isinstance(key, slice) and not seen:
                seen.append(key)
                for n in range(1000):
                    say(recorder, b"x", n)
                    recorder.emit(Connected, connection=LINE)
            return super().__getitem__(key)

    for _ in range(20):
        recorder.emit(Connected, connection=LINE)
    recorder._events = Reader(recorder._events)
    events = recorder.events(5, 15)
    assert seen
    assert [e.seq for e in events] == list(range(5, 15))
    assert recorder.events()[0].seq > 15


def test_bytes_that_are_kept_do_not_keep_what_they_were_read_into() -> None:
    read = b"NOOP\r\n"
    assert compact(read) == read
    assert compact(read) is not read
