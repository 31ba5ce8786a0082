"""The list of replies is complete, and each of them can be heard as it says."""

import unicodedata
from collections.abc import Iterator

import pytest

from labmail import Lab
from labmail.course import decoded, explain_code
from labmail.course.codes import ReplyCode, codes, known, provoke
from labmail.host import _relay_denied, _unknown_user
from labmail.smtp import replies
from labmail.smtp.replies import Reply

MADE = (
    replies.greeting("x"),
    replies.hello("x"),
    replies.queued("x"),
    replies.usage(("x",)),
    replies.challenge(b""),
    replies.trouble(OSError()),
    replies.bad_parameter("x"),
    replies.unknown_parameter("x"),
    _unknown_user("x"),
    _relay_denied("x"),
)
"""One of each kind of reply that is made by a function."""


@pytest.fixture(scope="module")
def world() -> Iterator[Lab]:
    with Lab(beside=True) as lab:
        yield lab


def answerable() -> set[tuple[int, str]]:
    """What the lab's servers can answer, beside what is planned."""
    constants = [reply for reply in vars(replies).values() if isinstance(reply, Reply)]
    return {(reply.code, reply.enhanced) for reply in (*constants, *MADE)}


def test_all_that_the_lab_can_answer_is_listed() -> None:
    listed = {row.key for row in codes()}
    assert answerable() <= listed
    assert listed - answerable() == {(450, "4.2.1")}, "only this one has to be planned"


def test_every_function_that_makes_a_reply_is_known_here() -> None:
    makers = {
        name
        for name, thing in vars(replies).items()
        if callable(thing) and getattr(thing, "__annotations__", {}).get("return") == "Reply"
    }
    assert makers == {
        *("greeting", "hello", "queued", "usage", "challenge", "trouble"),
        *("bad_parameter", "unknown_parameter"),
    }


@pytest.mark.parametrize("row", codes(), ids=lambda row: f"{row.code}-{row.enhanced}")
def test_each_can_be_heard_as_the_list_says(world: Lab, row: ReplyCode) -> None:
    session = provoke(world, row)
    last = session.replies[-1]
    assert known(last) is row, last
    heard = Reply.heard(int(last[:3]), last[4:].partition("\n")[0])
    assert (heard.code, heard.enhanced) == row.key
    assert "planned" not in repr(world.host(row.where.partition(":")[0]))


def test_rows_are_whole_and_in_nfc() -> None:
    assert len({row.key for row in codes()}) == len(codes()) > 40
    for row in codes():
        assert row.meaning and row.who_acts
        assert unicodedata.is_normalized("NFC", repr(row))


def test_a_reply_is_explained_digit_by_digit() -> None:
    said = explain_code("450 4.2.1 Mailbox busy").text()
    assert "4xx  not now" in said
    assert "x5x  about mail" in said
    assert "who acts: client: keep the letter" in said
    assert "x4x  not assigned" in explain_code("541").text()
    assert explain_code(450).text() == explain_code("450").text()
    assert "is no reply" in explain_code("hello").text()


def test_replies_beside_each_other() -> None:
    table = decoded(["550 5.1.1 no", "354 go", "what"])
    assert [row[0] for row in table.rows] == ["1", "2", "3"]
    assert table.rows[0][3] == "5.1.1 for good: no such mailbox"
    assert table.rows[2][2] == "–"
