"""The comparison of rows and files, without either."""

from __future__ import annotations

from dataclasses import replace

from labmail.mailbox.flags import INFO
from labmail.mailbox.maildir import Found
from labmail.mailbox.model import Message
from labmail.mailbox.reconcile import Plan, compare, hinted_uid
from tests.mailbox.place import NOON

NAME = "1.0a.mx,U=5,S=3"
ROW = Message(5, frozenset({"\\Seen"}), 3, NOON, None, f"m/cur/{NAME}{INFO}S")
FILE = Found("cur", f"{NAME}{INFO}S")


def test_what_agrees_needs_nothing() -> None:
    assert compare([ROW], [FILE], "m/", []) == Plan((), (), ())


def test_a_row_without_a_file_is_lost() -> None:
    assert compare([ROW], [], "m/", []).lost == (ROW,)


def test_files_without_rows_come_in_the_order_of_their_uids() -> None:
    second, foreign = Found("new", "1.0b.mx,U=12,S=3"), Found("new", "0.foreign")
    assert compare([], [foreign, second, FILE], "m/", []).new == (FILE, second, foreign)


def test_the_file_name_says_the_flags() -> None:
    file = Found("cur", f"{NAME}{INFO}FRa")
    [(before, after)] = compare([ROW], [file], "m/", ["work"]).changed
    assert before == ROW
    assert after == replace(
        ROW, file=f"m/{file.file}", flags=frozenset({"\\Flagged", "\\Answered", "work"})
    )


def test_a_file_that_only_moved_keeps_keywords_without_letter() -> None:
    keywords = [f"k{number}" for number in range(27)]
    row = replace(ROW, flags=frozenset({"k26"}), file=f"m/new/{NAME}")
    [(_, after)] = compare([row], [Found("cur", f"{NAME}{INFO}")], "m/", keywords).changed
    assert after.flags == {"k26"}
    [(_, after)] = compare([row], [Found("cur", f"{NAME}{INFO}S")], "m/", keywords).changed
    assert after.flags == {"k26", "\\Seen"}


def test_a_uid_is_taken_from_the_name_if_it_is_free() -> None:
    assert hinted_uid(FILE, 1, ()) == 5
    assert hinted_uid(FILE, 5, {4}) == 5
    assert hinted_uid(FILE, 6, ()) is None
    assert hinted_uid(FILE, 1, {5}) is None
    assert hinted_uid(Found("new", "foreign"), 1, ()) is None
    assert hinted_uid(Found("new", "1.0a.mx,U=4294967295,S=3"), 1, ()) is None
