r"""Lenient servers, and what two of them make possible together (SMTP smuggling)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail import Lab
from labmail.smtp.lenient import LenientDotReader, leniencies, mended
from labmail.trace.events import Accepted, Bounced, Delivered, WorkFailed

RECEIVER, SENDER = frozenset({"receiver"}), frozenset({"sender"})
SMUGGLED = (
    b"Subject: one\r\n\r\nhello%bMAIL FROM:<lan@hanoi.example>\r\n"
    b"RCPT TO:<minh@saigon.example>\r\nDATA\r\nSubject: two\r\n\r\nboo\r\n.\r\n"
)
ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n"]
MX1, HANOI = "mx1.saigon.example", "smtp.hanoi.example"


def read(*pieces: bytes) -> tuple[LenientDotReader, bytes | None]:
    reader, rest = LenientDotReader(1000), None
    for piece in pieces:
        rest = reader.feed(piece)
    return reader, rest


# --- where a lenient receiver sees the end ------------------------------------------------


@pytest.mark.parametrize("end", [*ENDS, b"\r\n.\r\n"])
def test_every_mixture_of_line_ends_ends_a_letter(end: bytes):
    reader, rest = read(b"a\n..b" + end + b"rest\n")
    assert rest == b"rest\n"
    assert reader.content == b"a\r\n.b" + (b"\r\n")
    assert reader.octets == len(b"a\n..b" + end)


@pytest.mark.parametrize("first", [b".\n", b".\r\n"])
def test_an_empty_letter(first: bytes):
    reader, rest = read(first)
    assert (reader.content, rest, reader.size) == (b"", b"", 0)


@pytest.mark.parametrize("noise", [b"\r.\r", b"\n.x\n", b"\n..\n", b"x.\n", b"\n.\r"])
def test_what_ends_no_letter_even_here(noise: bytes):
    _, rest = read(b"a" + noise + b"b")
    assert rest is None


def test_a_lone_cr_is_no_line_end_here_either():
    reader, _ = read(b"a\rb\n.\n")
    assert reader.has_bare_newline


@given(st.lists(st.sampled_from([b"a", b".", b"\r", b"\n", b"\r\n"]), max_size=30), st.data())
def test_it_does_not_matter_how_the_octets_are_cut(parts: list[bytes], data: Any):
    octets = b"".join(parts) + b"\r\n.\r\nrest"
    whole = LenientDotReader(1000)
    rest = whole.feed(octets)
    assert rest is not None
    cut = data.draw(st.integers(0, len(octets) - len(rest)))
    pieces = LenientDotReader(1000)
    first = pieces.feed(octets[:cut])
    last = pieces.feed(octets[cut:]) if first is None else first + octets[cut:]
    assert last == rest
    assert (pieces.content, pieces.octets, pieces.size) == (whole.content, whole.octets, whole.size)


def test_lines_are_mended():
    assert mended(b"a\nb\r\nc\n\n\rd") == b"a\r\nb\r\nc\r\n\r\n\rd"


def test_a_role_that_there_is_not():
    assert leniencies(["sender", "receiver"]) == SENDER | RECEIVER
    with pytest.raises(ValueError, match="there is no 'kind'"):
        leniencies(["kind"])


# --- in a session -----------------------------------------------------------------------


def test_commands_may_end_with_lf(play):
    async def story(session):
        await session.greet()
        assert (await session.send(b"EHLO x\n")).startswith(b"250-")
        assert (await session.send(b"NOOP\nNOOP\r\n")) == b"250 2.0.0 Ok\r\n" * 2
        assert (await session.send(b"NOOP\rNOOP\r\n")).startswith(b"500 5.5.2")

    play(story, lenient=RECEIVER)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("lenient", "letters"), [(RECEIVER, 2), (frozenset(), 0), (SENDER, 1)])
def test_one_letter_or_two(play, box, end, lenient, letters):
    async def story(session):
        await session.letter(SMUGGLED % end)
        assert (await session.send(b"NOOP\r\n")).startswith(b"250")

    play(story, lenient=lenient)
    assert len(box.letters) == letters


def test_a_lenient_receiver_stores_cr_lf_and_a_lenient_sender_what_it_got(play, box):
    async def story(session):
        await session.letter(b"Subject: x\n\n..a\nb\r\n.\r\n")

    play(story, lenient=RECEIVER)
    play(story, lenient=SENDER)
    bodies = [content.partition(b"+0000\r\n")[2] for _, content, _ in box.letters]
    assert bodies == [b"Subject: x\r\n\r\n.a\r\nb\r\n", b"Subject: x\n\n..a\nb\r\n"]


def test_the_second_letter_is_another_letter(play, box):
    async def story(session):
        await session.letter(SMUGGLED % b"\n.\n")

    play(story, lenient=RECEIVER)
    assert [client.parcel for _, _, client in box.letters] == [7, None]


# --- between two hosts --------------------------------------------------------------------


def smuggle(lab: Lab, end: bytes) -> Any:
    """Sơn hands in one letter that holds another."""
    with lab.record() as trace:
        with lab.user("son@hanoi.example").smtp() as server:
            server.mail("son@hanoi.example")
            server.rcpt("minh@saigon.example")
            server.docmd("DATA")
            server.send(SMUGGLED % end)
            server.getreply()
        lab.settle()
    assert trace.of(WorkFailed) == ()
    return trace


def subjects(lab: Lab) -> list[str]:
    return [row.subject for row in lab.user("minh@saigon.example").inbox().rows]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n"])
def test_smuggling_takes_a_lenient_sender_and_a_lenient_receiver(lab: Lab, end: bytes) -> None:
    lab.host(HANOI).lenient("sender")
    lab.host(MX1).lenient("receiver")
    trace = smuggle(lab, end)
    assert [(e.host, e.parcel, e.envelope.reverse_path) for e in trace.of(Accepted)] == [
        (HANOI, 1, "son@hanoi.example"),
        (MX1, 1, "son@hanoi.example"),
        (MX1, 2, "lan@hanoi.example"),
    ]
    assert subjects(lab) == ["one", "two"]


def test_a_dot_behind_cr_lf_is_doubled_by_any_sender(lab: Lab) -> None:
    """So CR LF . LF smuggles nothing past a sender that doubles dots."""
    lab.host(HANOI).lenient("sender")
    lab.host(MX1).lenient("receiver")
    smuggle(lab, b"\r\n.\n")
    assert subjects(lab) == ["one"]


def test_a_strict_receiver_refuses_and_the_sender_hears_of_it(lab: Lab) -> None:
    lab.host(HANOI).lenient("sender")
    trace = smuggle(lab, b"\n.\n")
    assert [e.status for e in trace.of(Bounced)] == ["5.5.2"]
    assert subjects(lab) == []


def test_a_strict_sender_never_takes_it(lab: Lab) -> None:
    lab.host(MX1).lenient("receiver")
    trace = smuggle(lab, b"\n.\n")
    assert trace.of(Accepted, Delivered) == ()


def test_a_host_says_that_it_is_lenient_and_heals(lab: Lab) -> None:
    host = lab.host(MX1)
    host.lenient("receiver")
    assert repr(host).endswith("; lenient receiver")
    host.heal()
    assert "lenient" not in repr(host)
    with pytest.raises(ValueError, match="'sender' or as 'receiver'"):
        host.lenient("both")
    with pytest.raises(ValueError, match="'sender' or as 'receiver'"):
        host.lenient()
