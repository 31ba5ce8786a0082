"""SEARCH: every key, alone and combined."""

from __future__ import annotations

import pytest

from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.opened import Opened
from labmail.imap.response import Refusal
from labmail.imap.search import KEYS, Key, Reader, every, run
from labmail.imap.selected import Selected
from tests.imap.house import House

EXAMPLES: dict[str, list[int]] = {
    "ALL": [1, 2, 3],
    "ANSWERED": [1],
    "UNANSWERED": [2, 3],
    "DELETED": [2],
    "UNDELETED": [1, 3],
    "DRAFT": [3],
    "UNDRAFT": [1, 2],
    "FLAGGED": [1],
    "UNFLAGGED": [2, 3],
    "SEEN": [3],
    "UNSEEN": [1, 2],
    "NEW": [1, 2],
    "RECENT": [1, 2, 3],
    "OLD": [],
    "KEYWORD $junk": [2],
    "UNKEYWORD $JUNK": [1, 3],
    "BCC x": [],
    "CC x": [],
    'FROM "sơn"': [1],
    "FROM ARRAKIS": [2],
    "TO minh@": [1, 2],
    "SUBJECT Note": [3],
    'SUBJECT "phở"': [1],
    "HEADER Message-ID hanoi": [1],
    'HEADER MIME-Version ""': [2],
    'BODY "chào minh"': [2],
    "BODY sand.png": [2],
    "TEXT seven": [1],
    "TEXT note": [3],
    "BEFORE 6-Jan-2026": [1, 2, 3],
    "BEFORE 5-Jan-2026": [],
    "ON 5-Jan-2026": [1, 2, 3],
    "SINCE 5-Jan-2026": [1, 2, 3],
    "SENTBEFORE 5-Jan-2026": [2],
    "SENTON 5-Jan-2026": [1],
    "SENTSINCE 4-Jan-2026": [1, 2],
    "LARGER 196": [1, 2],
    "SMALLER 41": [3],
    "NOT SEEN": [1, 2],
    "OR SEEN DELETED": [2, 3],
    "UID 2:9": [2, 3],
    "2:*": [2, 3],
    "1,3 UNSEEN": [1],
    "(SEEN)": [3],
    "NOT (SEEN DRAFT) NOT 1": [2],
    "OR (TEXT seven) OR DRAFT KEYWORD $Junk": [1, 2, 3],
    "CHARSET utf-8 ALL": [1, 2, 3],
}


@pytest.fixture
def selected(house: House) -> Selected:
    selected = Selected(house.inbox, read_only=False)
    house.inbox.set_flags(1, {"\\Answered", "\\Flagged"})
    house.inbox.set_flags(2, {"\\Deleted", "$Junk"})
    house.inbox.set_flags(3, {"\\Seen", "\\Draft"})
    return selected


def program(text: str, selected: Selected) -> Key:
    raw = text.encode()
    if not raw.isascii():  # quoted strings are 7-bit: send it as a literal
        before, word, after = raw.split(b'"')
        raw = before + b"{%d+}\r\n" % len(word) + word + after
    return Reader(Decoder(b" " + raw), selected).program()


@pytest.mark.parametrize(("text", "uids"), EXAMPLES.items())
def test_keys(text: str, uids: list[int], selected: Selected) -> None:
    assert [one.message.uid for one in run(program(text, selected), selected)] == uids


def test_every_key_has_an_example() -> None:
    assert set(KEYS) <= {text.split()[0] for text in EXAMPLES}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NONSENSE",
        "OR SEEN",
        "NOT",
        "()",
        "(SEEN",
        "SEEN ",
        "FROM",
        "ON yesterday",
        "LARGER -1",
        "9",
        "UID x",
        "CHARSET UTF-8",
        "(" * 60 + "SEEN" + ")" * 60,
        "NOT " * 60 + "SEEN",
    ],
)
def test_what_is_no_search(text: str, selected: Selected) -> None:
    with pytest.raises(NotGrammar):
        program(text, selected)


def test_an_unknown_charset(selected: Selected) -> None:
    with pytest.raises(Refusal) as refusal:
        program("CHARSET KOI8-R ALL", selected)
    assert refusal.value.answer.code == "BADCHARSET (US-ASCII UTF-8)"


def test_a_string_that_is_not_of_its_charset(selected: Selected) -> None:
    dec = Decoder(b" CHARSET US-ASCII TEXT {2+}\r\n\xc6\xb0")
    with pytest.raises(NotGrammar, match="must be ASCII"):
        Reader(dec, selected).program()


def test_what_is_cheap_is_asked_first(selected: Selected) -> None:
    asked: list[str] = []

    def key(name: str, answer: bool, opens: bool) -> Key:
        def matches(opened: Opened) -> bool:
            asked.append(name)
            return answer

        return Key(matches, opens)

    combined = every([key("dear", True, True), key("cheap", False, False)])
    assert combined.opens
    assert run(combined, selected) == []
    assert set(asked) == {"cheap"}


def test_what_is_gone_does_not_match(selected: Selected) -> None:
    selected.mailbox.expunge([1], how="test")
    assert [one.message.uid for one in run(program("ALL", selected), selected)] == [2, 3]
