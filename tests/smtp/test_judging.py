"""Replies held against the grammar (RFC 5321 §4.2) and the lists of RFC 5321 §4.3.2."""

import pytest

from labmail.smtp import replies, states
from labmail.smtp.judging import REFUSAL, SUCCESS, finished, judge
from labmail.smtp.replies import Reply


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("hello",), "'hello': a reply begins with three digits"),
        (("",), "an empty line"),
        (("25 Ok",), "three digits"),
        (("650 Ok",), "200 to 559"),
        (("290 Ok",), "200 to 559"),
        (("250Ok",), "three digits"),
        (("250-a", "251 b"), "repeats the same number"),
        (("250-a",), "waits for a further line"),
        (("250 a", "250 b"), "the lines after it answer nothing"),
        (("250 " + "x" * 509,), "512 octets"),
        (("250 Vâng",), "ASCII"),
        (("250 5.1.1 Ok",), "250 and 5.1.1 contradict each other"),
        (("354 Go on",), "Here there is no more"),
    ],
)
def test_what_no_client_can_work_with(lines: tuple[str, ...], words: str) -> None:
    verdict = judge("ready", "MAIL", lines)
    assert verdict.worth == "wrong"
    assert words in verdict.words


@pytest.mark.parametrize(
    ("state", "verb", "reply", "worth"),
    [
        ("opening", "", "220 mx1 hello", "fits"),
        ("opening", "", "554 no", "fits"),
        ("opening", "", "250 hello", "unusual"),
        ("opening", "", "220", "unusual"),
        ("greeted", "EHLO", "250 mx1", "fits"),
        ("ready", "MAIL", "250 Ok", "fits"),
        ("ready", "MAIL", "251 Ok", "unusual"),
        ("ready", "MAIL", "421 bye", "fits"),
        ("mail", "RCPT", "550 5.1.1 no", "fits"),
        ("mail", "RCPT", "559 no", "unusual"),
        ("rcpt", "DATA", "354 go", "fits"),
        ("rcpt", "DATA", "250 thanks", "wrong"),
        ("data", ".", "250 mine", "fits"),
        ("data", ".", "354 more", "wrong"),
        ("ready", "QUIT", "221 bye", "fits"),
        ("ready", "QUIT", "250 bye", "unusual"),
        ("greeted", "MAIL", "250 Ok", "wrong"),
        ("greeted", "MAIL", "503 EHLO first", "fits"),
        ("ready", "HALLO", "250 Ok", "wrong"),
        ("ready", "HALLO", "500 what", "fits"),
    ],
)
def test_numbers(state: str, verb: str, reply: str, worth: str) -> None:
    assert judge(state, verb, (reply,)).worth == worth


def test_a_reply_is_over_at_the_first_line_without_a_dash() -> None:
    assert finished(("250-a", "250 b"))
    assert finished(("250",))
    assert not finished(("250-a",))
    assert not finished(())


def test_every_command_has_its_numbers() -> None:
    assert {*states.VERBS, "", "."} == set(SUCCESS)
    for verb in SUCCESS:
        assert all(code < 400 for code in SUCCESS[verb])
        assert all(code >= 400 for code in REFUSAL.get(verb, ()))


def test_what_the_lab_itself_answers_has_the_form() -> None:
    for reply in (r for r in vars(replies).values() if isinstance(r, Reply)):
        lines = tuple(bytes(reply).decode().removesuffix("\r\n").split("\r\n"))
        assert "digits" not in judge("ready", "NOOP", lines).words
