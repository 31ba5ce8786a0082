"""The responder: seldom, to the right place, and marked, so that two of them never quarrel."""

import pytest

from labmail import Lab
from labmail.course import Responder
from labmail.trace.events import Delivered, FlagsChanged

SON, LAN, MINH = "son@hanoi.example", "lan@hanoi.example", "minh@saigon.example"


def receive(lab: Lab, subject: str = "Họp", sender: str = SON, **fields: str) -> None:
    son = lab.user(SON)
    letter = son.compose(MINH, subject, "…")
    for name, value in fields.items():
        letter[name.replace("_", "-")] = value
    with son.smtp() as server:
        server.send_message(letter, sender)
    lab.settle()


def responder(lab: Lab) -> Responder:
    return Responder(lab.user(MINH), "Tôi đi vắng.", lab.now)


def test_it_answers_the_return_path_and_marks_its_answer(lab: Lab) -> None:
    receive(lab, sender=LAN, Reply_To="hoa@saigon.example")
    table = responder(lab).run()
    lab.settle()
    assert [row[2] for row in table.rows] == [LAN]
    (answer,) = (e for e in lab.trace.of(Delivered) if e.account == LAN)
    letter = lab.user(LAN).read(answer.uid)
    assert letter["Auto-Submitted"] == "auto-replied"
    assert letter["Subject"] == "Auto: Họp"
    assert letter["Return-Path"] == "<>"
    assert letter["In-Reply-To"] == letter["References"] == lab.user(MINH).read(1)["Message-ID"]


def test_it_leaves_letters_unread(lab: Lab) -> None:
    receive(lab)
    responder(lab).run()
    assert lab.user(MINH).inbox().rows[0].flags == ()
    assert not lab.trace.of(FlagsChanged)


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ("", {}),
        (SON, {"Auto_Submitted": "auto-generated"}),
        (SON, {"List_Id": "<hoi.lists.example>"}),
        (SON, {"Precedence": "bulk"}),
        (MINH, {}),
    ],
)
def test_it_keeps_silent(lab: Lab, sender: str, fields: dict[str, str]) -> None:
    receive(lab, sender=sender, **fields)
    table = responder(lab).run()
    lab.settle()
    assert [row[2] for row in table.rows] == ["✘ nobody"]
    assert {e.account for e in lab.trace.of(Delivered)} == {MINH}


def test_it_tells_the_same_person_once_in_a_week(lab: Lab) -> None:
    away = responder(lab)
    for wait in ("0s", "6d", "2d"):
        lab.advance(wait)
        receive(lab)
        away.run()
    assert [bool(d.to) for d in away.decisions] == [True, False, True]
    assert "within the last 7 days" in away.decisions[1].because
    assert len(away.run().rows) == 3, "a letter is dealt with once"


def test_two_of_them_do_not_quarrel(lab: Lab) -> None:
    receive(lab)
    both = [responder(lab), Responder(lab.user(SON), "Tôi cũng vắng.", lab.now)]
    for _ in range(3):
        for one in both:
            one.run()
            lab.settle()
    assert [(d.to, len(r.decisions)) for r in both for d in r.decisions] == [(SON, 1), ("", 1)]
