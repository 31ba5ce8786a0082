"""Where the password is in a line."""

from __future__ import annotations

import pytest

from labmail.pop3.secrets import all_of, secrets_among, secrets_of


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (b"PASS tanstaaf", b"tanstaaf"),
        (b"pass two words", b"two words"),
        (b"PASS  ", b" "),
        (b"PASSword", b"word"),
        (b" PASS x", b"x"),
        (b"AUTH PLAIN AAAA", b"AAAA"),
        (b"auth\tplain\tAAAA", b"AAAA"),
    ],
)
def test_it_is_found(line: bytes, secret: bytes) -> None:
    [(start, end)] = secrets_of(line)
    assert line[start:end] == secret


@pytest.mark.parametrize("line", [b"", b"PASS", b"PASS ", b"USER minh", b"AUTH PLAIN", b"QUIT"])
def test_there_is_none(line: bytes) -> None:
    assert secrets_of(line) == ()


def test_an_answer_to_a_challenge_is_one_as_a_whole() -> None:
    assert all_of(b"AAAA") == ((0, 4),)
    assert all_of(b"") == ()


@pytest.mark.parametrize(
    ("lines", "span"),
    [
        (b"PASS nuoc", ((5, 9),)),
        (b"NOOP\r\nAUTH PLAIN AGE=\r\nNOOP", ((17, 27),)),
        (b"NOOP\r\nUSER minh", ()),
        (b"", ()),
    ],
)
def test_secrets_in_lines_that_nobody_took_apart(lines: bytes, span: object) -> None:
    assert secrets_among(lines) == span
