"""Fetch items: reading what is asked for."""

from __future__ import annotations

import pytest

from labmail.imap.fetch import ITEMS, MACROS, SECTIONS, Item, read_items
from labmail.imap.grammar import Decoder, NotGrammar


def items(text: str) -> list[Item]:
    dec = Decoder(text.encode())
    found = read_items(dec)
    dec.expect_end()
    return found


def labels(text: str) -> list[bytes]:
    return [item.label for item in items(text)]


@pytest.mark.parametrize("name", [*ITEMS, *SECTIONS])
def test_every_item_alone_and_in_a_list(name: str) -> None:
    assert labels(name) == labels(f"({name.lower()})") == [name.encode()]


@pytest.mark.parametrize("name", MACROS)
def test_macros_stand_alone(name: str) -> None:
    assert [label.decode() for label in labels(name)] == list(MACROS[name])
    with pytest.raises(NotGrammar):
        items(f"(UID {name})")


def test_peek_is_not_in_the_answer_but_in_the_record() -> None:
    (peek,) = items("BODY.PEEK[1.TEXT]<0.5>")
    assert (peek.label, peek.asked, peek.sees) == (
        b"BODY[1.TEXT]<0>",
        "BODY.PEEK[1.TEXT]<0>",
        False,
    )


@pytest.mark.parametrize(
    ("text", "sees"),
    [
        ("BODY[]", True),
        ("BODY.PEEK[]", False),
        ("RFC822", True),
        ("RFC822.HEADER", False),
        ("RFC822.TEXT", True),
        ("ENVELOPE", False),
        ("BODY", False),
    ],
)
def test_what_sets_seen(text: str, sees: bool) -> None:
    assert [item.sees for item in items(text)] == [sees]


def test_each_item_once() -> None:
    assert labels("(FLAGS UID FLAGS)") == [b"FLAGS", b"UID"]
    assert [item.sees for item in items("(BODY[] BODY.PEEK[])")] == [True]


@pytest.mark.parametrize(
    "text", ["", "()", "FLAGS UID", "(FLAGS  UID)", "BODY.PEEK", "NONSENSE", "(FLAGS", "FLAGS[]"]
)
def test_what_is_no_item(text: str) -> None:
    with pytest.raises(NotGrammar):
        items(text)
