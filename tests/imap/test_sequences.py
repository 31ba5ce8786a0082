"""Sets of messages: ranges, * and no work that was not asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.grammar import Decoder
from labmail.imap.sequences import STAR, SequenceSet


def of(text: str) -> SequenceSet:
    return Decoder(text.encode()).expect_sequence_set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", []),
        ("3", [3]),
        ("1:4294967295", [3, 5, 9]),
        ("9:4", [5, 9]),
        ("*", [9]),
        ("100:*", [9]),  # RFC 3501 §9: contains the last, whatever the order
        ("*:4", [5, 9]),
        ("5,3:5,3", [3, 5]),
    ],
)
def test_among(text: str, expected: list[int]) -> None:
    assert of(text).among([3, 5, 9]) == expected


def test_among_nothing() -> None:
    assert of("1:*").among([]) == []
    assert of("1:*").names_number_zero(0)
    assert not of("1:7").names_number_zero(0)


def test_highest() -> None:
    assert of("1:3,7").highest(9) == 7
    assert of("1:*").highest(9) == 9
    assert of("12:*").highest(9) == 12


number = st.integers(0, 12)


@given(st.lists(st.tuples(number, number), min_size=1), st.sets(st.integers(1, 12), min_size=1))
def test_as_if_it_were_written_out(ranges: list[tuple[int, int]], uids: set[int]) -> None:
    row = sorted(uids)
    last = row[-1]
    written: set[int] = set()
    for pair in ranges:
        low, high = sorted(last if n == STAR else n for n in pair)
        written |= set(range(low, high + 1))
    assert SequenceSet(tuple(ranges)).among(row) == [uid for uid in row if uid in written]
