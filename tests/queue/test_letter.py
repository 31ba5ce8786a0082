"""Letters and copies: states, grouping, what may not enter the queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labmail.queue.letter import NEXT, Letter, State, check_envelope
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.parcel import Envelope, Parcel, Recipient


def letter(*recipients: str) -> Letter:
    parcel = Parcel(1, Envelope.of("son@hanoi.example", recipients), b"x\r\n")
    return Letter.fresh("Q1", parcel, "submission", LAB_MORNING)


def test_only_waiting_copies_have_a_way_out() -> None:
    assert set(NEXT) == set(State)
    assert [state for state in State if NEXT[state]] == [State.WAITING]


def test_domains_are_grouped_in_the_order_of_the_envelope() -> None:
    made = letter("a@X.example", "b@y.example", "c@x.example")
    assert made.domains == ("x.example", "y.example")
    assert [c.address for c in made.waiting("x.example")] == ["a@X.example", "c@x.example"]


def test_a_recipient_named_twice_gets_one_copy() -> None:
    made = letter("a@x.example", "b@x.example", "a@x.example")
    assert made.envelope.addresses == ("a@x.example", "b@x.example")


def test_a_letter_is_settled_when_no_copy_waits() -> None:
    made = letter("a@x.example", "b@x.example")
    done = made.with_copies(replace(c, state=State.RELAYED) for c in made.copies[:1])
    assert not done.settled
    assert done.with_copies(replace(c, state=State.BOUNCED) for c in made.copies[1:]).settled


def test_rows_of_a_held_letter() -> None:
    row = replace(letter("a@x.example"), held=True).rows()[0]
    assert (row.state, row.next_try, row.sender) == ("held", None, "son@hanoi.example")


@pytest.mark.parametrize("bad", ["a\r\nBcc: b@x.example", "a\0@x.example", "a\x7f@x.example"])
def test_control_characters_are_refused_wherever_they_stand(bad: str) -> None:
    good = Recipient("a@x.example")
    for envelope in (
        Envelope(bad, (good,)),
        Envelope("", (Recipient(bad),)),
        Envelope("", (Recipient("a@x.example", notify=bad),)),
        Envelope("", (Recipient("a@x.example", orcpt=bad),)),
        Envelope("", (good,), envid=bad),
        Envelope("", (good,), ret=bad),
    ):
        with pytest.raises(ValueError, match="control character"):
            check_envelope(envelope)


def test_an_envelope_without_recipients_is_refused() -> None:
    with pytest.raises(ValueError, match="RCPT TO is missing"):
        check_envelope(Envelope("son@hanoi.example", ()))
