from __future__ import annotations

import pytest

from labmail.smtp.parameters import (
    MailParameters,
    RcptParameters,
    mail_parameters,
    rcpt_parameters,
)
from labmail.smtp.replies import Refusal


def test_nothing_given():
    assert mail_parameters("") == MailParameters(None, "7BIT", False, None, None)
    assert rcpt_parameters("") == RcptParameters(None, None)


def test_everything_given():
    text = "size=10 body=8bitmime SMTPUTF8 ret=full envid=a+20b auth=<>"
    assert mail_parameters(text) == MailParameters(10, "8BITMIME", True, "FULL", "a+20b")
    text = "notify=success,delay orcpt=rfc822;a+40b"
    assert rcpt_parameters(text) == RcptParameters("SUCCESS,DELAY", "rfc822;a+40b")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SIZE=-1", 501),
        ("SIZE=" + "9" * 21, 501),
        ("BODY=BINARYMIME", 501),
        ("SMTPUTF8=1", 501),
        ("RET", 501),
        ("ENVID=" + "a" * 101, 501),
        ("ENVID=a=b", 501),
        ("NOTIFY=NEVER", 555),
        ("X", 555),
    ],
)
def test_mail_refuses(text, code):
    with pytest.raises(Refusal) as refused:
        mail_parameters(text)
    assert (refused.value.reply.code, refused.value.reply.enhanced) == (code, "5.5.4")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NOTIFY=", 501),
        ("NOTIFY=NEVER,NEVER", 501),
        ("NOTIFY=SUCCESS,SUCCESS", 501),
        ("NOTIFY=SUCCESS,", 501),
        ("NOTIFY=NEVER,SUCCESS", 501),
        ("ORCPT=rfc822", 501),
        ("ORCPT=rfc822;", 501),
        ("ORCPT=;a", 501),
        ("ORCPT=rfc822;a+zz", 501),
        ("SIZE=1", 555),
    ],
)
def test_rcpt_refuses(text, code):
    with pytest.raises(Refusal) as refused:
        rcpt_parameters(text)
    assert refused.value.reply.code == code
