"""The state file: what goes in comes out, and damage is named."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.queue.letter import Copy, Letter, State
from labmail.queue.record import BadRecord, letter_from, text_of
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.parcel import Envelope, Parcel, Recipient

PRINTABLE = st.text(st.characters(exclude_categories=["Cc"]))
MAYBE = st.none() | PRINTABLE
MOMENTS = st.integers(0, 10**9).map(
    lambda s: LAB_MORNING + timedelta(seconds=s, microseconds=s % 7)
)
RECIPIENTS = st.builds(Recipient, PRINTABLE, MAYBE, MAYBE)
COPIES = st.builds(
    Copy,
    recipient=RECIPIENTS,
    next_try=MOMENTS,
    state=st.sampled_from(State),
    attempts=st.integers(0, 99),
    last_try=st.none() | MOMENTS,
    reply=st.text(),
    status=st.text(),
    to=st.text(),
    warned=st.booleans(),
)


@st.composite
def letters(draw: st.DrawFn) -> Letter:
    copies = tuple(draw(st.lists(COPIES, min_size=1, max_size=3)))
    people = tuple(copy.recipient for copy in copies)
    envelope = Envelope(
        draw(PRINTABLE), people, draw(PRINTABLE), draw(st.booleans()), draw(MAYBE), draw(MAYBE)
    )
    moment: datetime = draw(MOMENTS)
    return Letter("Q1", 7, "submission", moment, 9, envelope, copies, draw(st.booleans()))


def plain() -> Letter:
    parcel = Parcel(3, Envelope.of("sơn@hanoi.example", ["minh@saigon.example"]), b"x\r\n")
    return Letter.fresh("Q1", parcel, "submission", LAB_MORNING)


@given(letters())
def test_what_is_written_is_read_back(letter: Letter) -> None:
    assert letter_from(text_of(letter)) == letter


def test_people_can_read_it() -> None:
    assert '"reverse_path": "sơn@hanoi.example"' in text_of(plain()).decode()


@given(st.data())
def test_a_text_that_was_cut_off_is_never_half_a_letter(data: st.DataObject) -> None:
    text = text_of(plain())
    with pytest.raises(BadRecord):
        letter_from(text[: data.draw(st.integers(0, len(text) - 3))])


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(BadRecord):
        letter_from(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("parcel", "7"),
        ("size", True),
        ("arrived", "yesterday"),
        ("arrived", "2026-03-02T09:00:00"),
        ("recipients", None),
        ("recipients", [7]),
        ("recipients", []),
        ("held", "no"),
        ("reverse_path", "a\r\nb"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    record = json.loads(text_of(plain()))
    with pytest.raises(BadRecord):
        letter_from(json.dumps({**record, field: value}).encode())


def test_an_unknown_state_is_named() -> None:
    record = json.loads(text_of(plain()))
    record["recipients"][0]["state"] = "lost"
    with pytest.raises(BadRecord, match="'state' is 'lost'; expected one of waiting, relayed"):
        letter_from(json.dumps(record).encode())


def test_deeply_nested_text_is_refused() -> None:
    with pytest.raises(BadRecord):
        letter_from(b"[" * 100_000)


def test_half_a_surrogate_pair_survives() -> None:
    odd = replace(plain(), role="\udce1")
    assert letter_from(text_of(odd)) == odd
