"""The framer: any portions, every limit, and in step afterwards."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.framer import Frame, FrameLimits, Framer, GoAhead, Refused

LIMITS = FrameLimits(line=200, literal=50, total=100, literals=4, drain=1000)

Found = Frame | GoAhead | Refused


def frames(pieces: Iterable[bytes], limits: FrameLimits = LIMITS) -> list[Found]:
    framer = Framer(limits)
    found: list[Found] = []
    for piece in pieces:
        framer.feed(piece)
        while one := framer.next():
            found.append(one)
    return found


def each_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def refusal(data: bytes) -> Refused:
    """What is refused in these bytes; they are followed by a NOOP which is not."""
    *_, refused, noop = frames([data + b"A9 NOOP\r\n"])
    assert noop == Frame(b"A9 NOOP", len(data))
    assert isinstance(refused, Refused)
    assert not refused.fatal
    return refused


def test_lines() -> None:
    assert frames([b"A1 NOOP\r\nA2 NO", b"OP\r\n"]) == [Frame(b"A1 NOOP", 0), Frame(b"A2 NOOP", 9)]


def test_a_literal_is_waited_for() -> None:
    assert frames([b"A1 X {3}\r\n", b"a\r\n", b" y\r\n"]) == [
        GoAhead(3),
        Frame(b"A1 X {3}\r\na\r\n y", 0),
    ]


def test_a_non_synchronising_literal_is_not() -> None:
    assert frames([b"A1 X {3+}\r\nabc {0+}\r\n\r\n"]) == [Frame(b"A1 X {3+}\r\nabc {0+}\r\n", 0)]


def test_a_continuation_line_has_no_literals() -> None:
    framer = Framer(LIMITS)
    framer.feed(b"AG1 {3}\r\n")
    assert framer.next(continuation=True) == Frame(b"AG1 {3}", 0)


def test_what_was_discarded_still_counts() -> None:
    framer = Framer(LIMITS)
    framer.feed(b"A1 STARTTLS\r\nA2 LOGIN mallory x {9}\r\n12")
    assert framer.next() == Frame(b"A1 STARTTLS", 0)
    framer.discard()
    framer.feed(b"A3 NOOP\r\n")
    assert framer.next() == Frame(b"A3 NOOP", 39)


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (b"A1 " + b"x" * 300 + b"\r\n", "line"),
        (b"A1 X {51}\r\n", "literal"),
        (b"A1 X {51+}\r\n" + b"y" * 51 + b" z\r\n", "literal"),
        (b"A1 X {51+}\r\n" + b"\r\n" * 25 + b"y {7}\r\n", "literal"),
        (b"A1 X {40+}\r\n" + b"y" * 40 + b" {40+}\r\n" + b"y" * 40 + b" {40}\r\n", "command"),
        (b"A1 X" + b" {1+}\r\ny" * 5 + b"\r\n", "literals"),
        (b"A1 " + b"x" * 300 + b"{9+}\r\n123456789\r\n", "line"),
        (b"A1 NOOP\n", ""),
        (b"A1 X {3+}\nabc\r\n", ""),
    ],
)
def test_too_much_is_refused_and_the_next_command_is_not(data: bytes, limit: str) -> None:
    refused = refusal(data)
    assert refused.limit == limit
    assert refused.head.startswith(b"A1 ")
    assert (refused.offset, refused.end) == (0, len(data))


@pytest.mark.parametrize("data", [b"A1 X {2000+}\r\n", b"x" * 1400])
def test_what_cannot_even_be_thrown_away_is_fatal(data: bytes) -> None:
    assert [getattr(one, "fatal", None) for one in frames(each_byte(data))][:1] == [True]


def test_an_endless_line_is_not_kept() -> None:
    framer = Framer(LIMITS)
    for _ in range(20):
        framer.feed(b"x" * 49)
        framer.next()
    assert len(framer._buffer) + len(framer._kept) < 400


alphabet = st.sampled_from(
    [b"{", b"}", b"{3}", b"{3+}", b"{60+}", b"{60}", b"\r\n", b"\n", b"\r", b"a", b" ", b"\0", b"+"]
)
noise = st.lists(alphabet, max_size=40).map(b"".join)


@given(noise, st.data())
def test_portions_do_not_matter(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    whole = frames([data])
    assert frames(each_byte(data)) == whole
    assert frames([data[:cut], data[cut:]]) == whole


@given(st.binary(max_size=100).map(lambda b: b.replace(b"\n", b"").replace(b"{", b"")))
def test_in_step_after_any_line(line: bytes) -> None:
    assert frames([line + b"\r\nA9 NOOP\r\n"])[-1] == Frame(b"A9 NOOP", len(line) + 2)
