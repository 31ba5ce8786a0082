"""Replies: status, code in brackets, lines, and the dot."""

from __future__ import annotations

from labmail.pop3.replies import err, go_on, ok


def test_one_line() -> None:
    assert ok("fine").data == b"+OK fine\r\n"
    assert err("no").data == b"-ERR no\r\n"
    assert err("no", "IN-USE").data == b"-ERR [IN-USE] no\r\n"
    assert go_on().data == b"+ \r\n"


def test_more_lines_end_with_a_dot() -> None:
    assert ok("list", ["1 2", "2 3"]).data == b"+OK list\r\n1 2\r\n2 3\r\n.\r\n"
    assert ok("list", []).data == b"+OK list\r\n.\r\n"


def test_only_ok_is_positive() -> None:
    assert ok("fine").positive
    assert not err("no").positive
    assert not go_on().positive
