from __future__ import annotations

import re

import pytest

from labmail.smtp import replies
from labmail.smtp.replies import Reply

NAMED = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_enhanced_code_and_code_are_of_one_class(name):
    reply = NAMED[name]
    if reply.code == 354:
        assert reply.enhanced == ""
    else:
        assert re.fullmatch(rf"{reply.code // 100}\.\d+\.\d+", reply.enhanced)  # RFC 2034 §4


@pytest.mark.parametrize("name", sorted(NAMED))
def test_one_line_of_ascii(name):
    wire = bytes(NAMED[name])
    assert wire.isascii()
    assert wire.count(b"\r\n") == 1
    assert len(wire) <= 512  # RFC 5321 §4.5.3.1.5


def test_many_lines():
    assert bytes(replies.hello("a.example", ("SIZE 1", "HELP"))) == (
        b"250-a.example\r\n250-SIZE 1\r\n250 HELP\r\n"
    )


def test_each_line_bears_the_enhanced_code():
    assert bytes(Reply(214, "2.0.0", "a\nb")) == b"214-2.0.0 a\r\n214 2.0.0 b\r\n"


@pytest.mark.parametrize("text", ["a\rb", "a\0b", "a\x1bb"])
def test_no_control_characters(text):
    with pytest.raises(ValueError, match="control character"):
        Reply(250, "2.0.0", text)


def test_no_other_codes():
    with pytest.raises(ValueError, match="199"):
        Reply(199, "", "what")


def test_not_ascii_is_escaped():
    assert bytes(Reply(550, "5.1.1", "mình")) == b"550 5.1.1 m\\xecnh\r\n"


@pytest.mark.parametrize(
    ("code", "text", "enhanced", "words", "status"),
    [
        (550, "5.1.1 No such user", "5.1.1", "No such user", "5.1.1"),
        (550, "No such user", "", "No such user", "5.0.0"),
        (451, "4.3.0", "4.3.0", "", "4.3.0"),
        (250, "2.0.0 Ok\n2.0.0 really", "2.0.0", "Ok\nreally", "2.0.0"),
        (550, "bad\rtext", "", "bad text", "5.0.0"),
    ],
)
def test_heard(code, text, enhanced, words, status):
    reply = Reply.heard(code, text)
    assert (reply.enhanced, reply.text, reply.status) == (enhanced, words, status)


def test_classes():
    assert replies.OK.positive
    assert replies.NO_SPACE.temporary
    assert replies.TOO_BIG.permanent
    assert str(replies.TOO_BIG).startswith("552 5.3.4 ")
