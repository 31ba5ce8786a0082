"""Threads: by reference, in any order, with gaps and with circles."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter.threads import Card, Node, base_subject, card, thread


def of(name: str, *references: str, subject: str = "", day: int = 1) -> Card:
    return Card(name, references, subject, datetime(2026, 3, day, tzinfo=UTC), name)


def lines(roots: tuple[Node, ...]) -> list[str]:
    return [
        f"{'. ' * depth}{node.message_id}{'' if node.card else '?'}"
        for root in roots
        for depth, node in root.walk()
    ]


def test_a_tree_in_any_order() -> None:
    cards = [of("1"), of("2", "1", day=2), of("3", "1", "2", day=3), of("4", "1", day=4)]
    for order in (cards, cards[::-1], [cards[2], cards[0], cards[3], cards[1]]):
        assert lines(thread(order)) == ["1", ". 2", ". . 3", ". 4"]


def test_what_is_not_here_keeps_its_place() -> None:
    assert lines(thread([of("4", "1", "2", "3")])) == ["1?", ". 2?", ". . 3?", ". . . 4"]
    late = [of("a", "x", day=5), of("b", "x", day=2), of("c", day=3)]
    assert lines(thread(late)) == ["x?", ". b", ". a", "c"]


def test_circles_are_broken() -> None:
    assert lines(thread([of("1", "2"), of("2", "1")])) == ["2", ". 1"]
    assert lines(thread([of("1", "1")])) == ["1"]
    assert len(lines(thread([of("1", "2", "3"), of("2", "3", "1"), of("3", "1", "2")]))) == 3


def test_what_a_letter_says_of_itself_counts_more() -> None:
    """Another letter's References make 2 a child of 1; letter 2 itself names 0."""
    assert lines(thread([of("3", "1", "2"), of("2", "0")])) == ["0?", ". 2", ". . 3"]


def test_two_letters_of_one_name_are_both_kept() -> None:
    assert len(thread([of("1"), of("1")])) == 2
    assert len(thread([of(""), of("")])) == 2


def test_the_subject_joins_only_when_asked_to() -> None:
    cards = [of("1", subject="Lunch"), of("2", subject="Re: Lunch", day=2), of("3", subject="Tea")]
    assert lines(thread(cards)) == ["1", "3", "2"]
    assert lines(thread(cards, by_subject=True)) == ["1", ". 2", "3"]
    nameless = [of("1"), of("2")]
    assert len(thread(nameless, by_subject=True)) == 2


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: Lunch", "Lunch"),
        ("RE: re: Fwd:  Lunch", "Lunch"),
        ("[hoi] Re: [hoi] Lunch (fwd)", "Lunch"),
        ("Re[2]: Lunch", "Lunch"),
        ("[hoi]", "[hoi]"),
        ("Trả lời: Lunch", "Trả lời: Lunch"),
        ("Research", "Research"),
        ("", ""),
    ],
)
def test_base_subjects(subject: str, base: str) -> None:
    assert base_subject(subject) == base


def test_replies_are_told_by_their_subject() -> None:
    assert [of("1", subject=s).is_reply for s in ("Re: x", "[a] fwd: x", "x (fwd)", "x")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_the_card_of_a_letter() -> None:
    raw = (
        b"Message-ID: <3@x>\r\nIn-Reply-To: <2@x> <9@x>\r\nReferences: <1@x>\r\n <2@x>\r\n"
        b"Subject: =?utf-8?q?Ch=C3=A0o?=\r\nDate: Mon, 02 Mar 2026 09:00:00 +0700\r\n\r\n"
    )
    found = card(raw, "a")
    assert (found.message_id, found.references) == ("<3@x>", ("<1@x>", "<2@x>"))
    assert (found.subject, found.label) == ("Chào", "a")
    assert found.date == datetime(2026, 3, 2, 2, tzinfo=UTC)
    without = raw.replace(b"References", b"X-References")
    assert card(without).references == ("<2@x>",)  # of In-Reply-To the first name


@pytest.mark.parametrize("date", [b"", b"yesterday", b"Mon, 99 Mar 2026 09:00:00 +0700", b"\xff"])
def test_a_date_that_is_none(date: bytes) -> None:
    assert card(b"Date: " + date + b"\r\n\r\n").date is None


def test_a_long_conversation_needs_no_recursion() -> None:
    cards = [of(str(n), *([str(n - 1)] if n else [])) for n in range(5000)]
    depth = [depth for root in thread(cards) for depth, _ in root.walk()]
    assert max(depth) == 4999


ids = st.sampled_from("abcdef")


@given(st.lists(st.builds(lambda n, r: of(n, *r), ids, st.lists(ids, max_size=5)), max_size=12))
def test_every_letter_has_one_place(cards: list[Card]) -> None:
    nodes = [node for root in thread(cards) for _, node in root.walk()]
    assert sorted(id(n.card) for n in nodes if n.card) == sorted(id(c) for c in cards)
    assert len({node.message_id for node in nodes}) == len(nodes)


@given(st.binary(max_size=200))
def test_no_octets_raise(raw: bytes) -> None:
    thread([card(raw), card(b"References: " + raw), card(b"Date: " + raw)], by_subject=True)
