import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from labmail.runtime.clock import Clock
from labmail.trace import capture as capture_module
from labmail.trace.capture import capture
from labmail.trace.events import (
    Accepted,
    Closed,
    Connected,
    ConnectFailed,
    Connection,
    Datagram,
    Layer,
    Place,
    Sent,
    Side,
    TlsStarted,
)
from labmail.trace.packets import Flag
from labmail.trace.parcel import Envelope, Recipient
from labmail.trace.recorder import Recorder, Trace

SON = Place("son-laptop.hanoi.example", "192.0.2.10", 49152)
HANOI = Place("smtp.hanoi.example", "192.0.2.25", 587)
LINE = Connection(1, "submission", SON, HANOI)
CLIENT, SERVER = Side.CLIENT, Side.SERVER


class Story:
    """Events on one connection, told in few words."""

    def __init__(self, line: Connection = LINE) -> None:
        self.clock = Clock()
        self.recorder = Recorder(self.clock.now)
        self.trace = Trace(self.recorder)
        self._line = line
        self._said = {(side, layer): 0 for side in Side for layer in Layer}

    def open(self) -> None:
        self.recorder.emit(Connected, connection=self._line)

    def say(self, sender: Side, data: bytes, layer: Layer = Layer.OPEN) -> None:
        offset = self._said[sender, layer]
        self._said[sender, layer] += len(data)
        about = {"connection": self._line, "sender": sender, "layer": layer}
        self.recorder.emit(Sent, **about, offset=offset, data=data)

    def close(self, by: Side = CLIENT, reason: str = "") -> None:
        self.recorder.emit(Closed, connection=self._line, by=by, reason=reason)


@dataclass
class Segment:
    """One TCP segment, as it is read from a capture."""

    port: int
    seq: int
    ack: int
    flags: Flag
    data: bytes
    at: int
    remark: str


def blocks(file: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, body) of each block; lengths are right at both ends."""
    while file:
        kind, size = struct.unpack_from("<II", file)
        assert struct.unpack_from("<I", file, size - 4)[0] == size
        yield kind, file[8 : size - 4]
        file = file[size:]


def segments(file: bytes) -> list[Segment]:
    """The TCP segments of a capture with IPv4 packets."""
    found = []
    for kind, body in blocks(file):
        if kind != 6:
            continue
        _, high, low, size, _ = struct.unpack_from("<IIIII", body)
        packet, options = body[20 : 20 + size], body[20 + size + -size % 4 :]
        remark = options[4 : 4 + struct.unpack_from("<H", options, 2)[0]] if options else b""
        source, _, seq, ack, words, flags = struct.unpack_from(">HHIIBB", packet, 20)
        data = packet[20 + (words >> 4) * 4 :]
        at = (high << 32) + low
        found.append(Segment(source, seq, ack, Flag(flags), data, at, remark.decode()))
    return found


def caught(story: Story) -> list[Segment]:
    return segments(capture((), story.trace))


def test_a_connection_opens_with_three_segments_and_closes_with_three() -> None:
    story = Story()
    story.open()
    story.close(CLIENT)
    first, second, third, *last = caught(story)
    assert [s.flags for s in (first, second, third)] == [Flag.SYN, Flag.SYN | Flag.ACK, Flag.ACK]
    assert first.seq != second.seq
    assert (second.ack, third.seq, third.ack) == (first.seq + 1, first.seq + 1, second.seq + 1)
    assert [(s.port, s.flags) for s in last] == [
        (49152, Flag.FIN | Flag.ACK),
        (587, Flag.FIN | Flag.ACK),
        (49152, Flag.ACK),
    ]
    assert last[2].ack == last[1].seq + 1  # FIN has a number as well


def test_every_byte_has_its_number_and_is_acknowledged() -> None:
    story = Story()
    story.open()
    said = {CLIENT: b"", SERVER: b""}
    for sender, data in (
        (SERVER, b"220 xin chao\r\n"),
        (CLIENT, b"DATA\r\n"),
        (SERVER, b"354 go on\r\n"),
        (CLIENT, b"a" * 10_000),
        (SERVER, b"250 OK\r\n"),
    ):
        story.say(sender, data)
        said[sender] += data
    story.close(SERVER)
    all_segments = caught(story)
    streams = {port: bytearray() for port in (49152, 587)}
    begin = {all_segments[0].port: all_segments[0].seq, 587: all_segments[1].seq}
    for segment in all_segments:
        stream = streams[segment.port]
        if segment.data:
            assert segment.seq == begin[segment.port] + 1 + len(stream)
            stream += segment.data
        if segment.flags != Flag.SYN:
            other = 49152 + 587 - segment.port
            finished = segment.ack - begin[other] - 1 - len(streams[other])
            assert finished in (0, 1)  # everything so far, and the FIN at last
    assert (streams[49152], streams[587]) == (said[CLIENT], said[SERVER])
    assert max(len(s.data) for s in all_segments) == 1460


def test_of_a_long_letter_every_second_segment_is_acknowledged() -> None:
    story = Story()
    story.open()
    story.say(CLIENT, bytes(1460 * 5 + 1))
    after = [(s.port, len(s.data), Flag.PSH in s.flags) for s in caught(story)[3:]]
    full, ack = (49152, 1460, False), (587, 0, False)
    assert after == [full, full, ack, full, full, ack, full, (49152, 1, True)]


def test_numbers_run_over_the_end_of_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "crc32", lambda _: (1 << 32) - 2)
    story = Story()
    story.open()
    story.say(CLIENT, b"QUIT\r\n")
    story.say(SERVER, b"221\r\n")
    quit_, bye = caught(story)[-2:]
    assert (quit_.seq, bye.ack) == ((1 << 32) - 1, 5)


def test_after_starttls_the_records_are_written_and_not_what_is_inside() -> None:
    story = Story()
    story.open()
    story.say(CLIENT, b"STARTTLS\r\n")
    story.say(SERVER, b"220 go\r\n")
    story.say(CLIENT, b"\x16\x03\x01 hello", Layer.CIPHER)
    story.recorder.emit(
        TlsStarted, connection=LINE, mode="starttls", version="TLSv1.3", cipher="X", keys="K 1 2\n"
    )
    story.say(CLIENT, b"\x17\x03\x03 sealed", Layer.CIPHER)
    story.say(CLIENT, b"AUTH PLAIN secret\r\n", Layer.INSIDE)
    file = capture((), story.trace)
    by_client = b"".join(s.data for s in segments(file) if s.port == 49152)
    assert by_client == b"STARTTLS\r\n\x16\x03\x01 hello\x17\x03\x03 sealed"
    kinds = [kind for kind, _ in blocks(file)]
    assert kinds[:4] == [0x0A0D0D0A, 1, 4, 10]  # the keys stand before the packets
    assert dict(blocks(file))[10][8:14] == b"K 1 2\n"
    assert story.trace.key_log == "K 1 2\n"


def test_times_are_lab_time_and_never_the_same() -> None:
    story = Story()
    story.open()
    story.clock.move_to(story.clock.now() + timedelta(microseconds=1))
    story.say(SERVER, b"220 xin chao\r\n")
    story.clock.move_to(story.clock.now() + timedelta(hours=4))
    story.close()
    times = [s.at for s in caught(story)]
    assert times[0] == int(Clock().now().timestamp()) * 1_000_000
    assert [b - a for a, b in itertools.pairwise(times)][:3] == [1, 1, 1]
    assert times[4] == times[0] + 4 * 3600 * 1_000_000 + 1
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("reason", "answers"),
    [
        ("connection refused", [(25, Flag.RST | Flag.ACK)]),
        ("no route to host", []),
        ("timed out", []),
    ],
)
def test_a_call_that_nobody_takes(reason: str, answers: list[tuple[int, Flag]]) -> None:
    story = Story()
    mx = Place("mx1.saigon.example", "198.51.100.25", 25)
    story.recorder.emit(ConnectFailed, client=SON, server=mx, reason=reason, parcel=7)
    syn, *rest = caught(story)
    assert (syn.flags, syn.remark) == (Flag.SYN, f"{reason}, parcel 7")
    assert [(s.port, s.flags) for s in rest] == answers
    assert all(s.ack == (syn.seq + 1) % (1 << 32) for s in rest)


def test_a_question_to_the_dns_and_its_answer() -> None:
    story = Story()
    ns = Place("ns.lab", "192.0.2.53", 53)
    for sender, data in ((CLIENT, b"question"), (SERVER, b"answer")):
        story.recorder.emit(Datagram, client=SON, server=ns, sender=sender, data=data)
    packets = [body[20:] for kind, body in blocks(capture((), story.trace)) if kind == 6]
    assert [packet[28:36].rstrip(b"\0") for packet in packets] == [b"question", b"answer"]
    assert packets[0][20:24] == packets[1][22:24] + packets[1][20:22]  # ports change places


def test_remarks_say_what_no_packet_says() -> None:
    story = Story()
    story.open()
    story.recorder.emit(
        Accepted,
        host=HANOI.name,
        parcel=3,
        queue_id="S34J2Q3T",
        envelope=Envelope("son@hanoi.example", (Recipient("minh@saigon.example"),)),
        size=1,
        role="submission",
        connection=LINE,
    )
    story.say(SERVER, b"250 OK\r\n")
    story.close(SERVER, "client was silent for too long")
    remarks = [(s.data, s.remark) for s in caught(story) if s.remark]
    assert remarks == [
        (b"", "#1 son-laptop.hanoi.example → smtp.hanoi.example:587"),
        (b"250 OK\r\n", "parcel 3, accepted as S34J2Q3T"),
        (b"", "client was silent for too long"),
    ]


def test_a_connection_that_began_before_is_written_from_its_beginning() -> None:
    story = Story()
    story.open()
    story.say(SERVER, b"220 xin chao\r\n")
    stretch = Trace(story.recorder, story.recorder.pause())
    nothing_yet = segments(capture(stretch.earlier, stretch))
    story.say(CLIENT, b"QUIT\r\n")
    whole = segments(capture(stretch.earlier, stretch))
    assert nothing_yet == []
    assert [s.data for s in whole if s.data] == [b"220 xin chao\r\n", b"QUIT\r\n"]
    assert whole[0].flags == Flag.SYN


def test_a_connection_whose_beginning_is_forgotten_begins_in_the_middle() -> None:
    story = Story()
    story.say(CLIENT, b"NOOP\r\n")
    story.say(SERVER, b"250 OK\r\n")
    first, second = caught(story)
    assert second.ack == first.seq + 6
    assert first.ack == second.seq


def test_the_same_story_makes_the_same_file(tmp_path: Path) -> None:
    files = []
    for name in "ab":
        story = Story()
        story.open()
        story.say(SERVER, b"220 xin chao\r\n")
        story.close()
        files.append(story.trace.to_pcapng(tmp_path / name).read_bytes())
    assert files[0] == files[1]
    assert len(segments(files[0])) == 7
