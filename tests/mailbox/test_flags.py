"""Flags and their letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.mailbox.errors import MailboxError
from labmail.mailbox.flags import SYSTEM_FLAGS, check_keyword, flags_of, letters_of, spelled

KEYWORDS = ["$Forwarded", "work", "later"]


@given(st.frozensets(st.sampled_from([*sorted(SYSTEM_FLAGS), *KEYWORDS])))
def test_letters_mean_the_flags_they_were_made_from(flags: frozenset[str]) -> None:
    letters = letters_of(flags, KEYWORDS)
    assert flags_of(letters, KEYWORDS) == flags
    assert letters == "".join(sorted(letters))


def test_the_letters_are_those_of_maildir() -> None:
    assert letters_of(SYSTEM_FLAGS, []) == "DFRST"
    assert letters_of({"work", "\\Seen"}, KEYWORDS) == "Sb"
    assert flags_of("PSz9", KEYWORDS) == {"\\Seen"}


def test_case_does_not_tell_flags_apart() -> None:
    assert spelled(["\\SEEN", "WORK", "New"], KEYWORDS) == {"\\Seen", "work", "New"}
    assert spelled(["\\recent"], []) == frozenset()


@pytest.mark.parametrize("word", ["\\Foo", "", "a b", "a]", 'a"', "{", "é", "a\x7f"])
def test_what_is_no_keyword(word: str) -> None:
    with pytest.raises(MailboxError):
        check_keyword(word)
