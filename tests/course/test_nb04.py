"""Notebook 04: each exercise refuses what a person might plausibly do, and says why."""

import smtplib
from collections.abc import Callable
from typing import Any

import pytest

from labmail import Lab
from labmail.course import check, compare_copies, with_villain
from labmail.course.nb04 import BOUNCES, REPLIES
from labmail.course.quiz import HOA, LAN, MINH, NOBODY_HOME, SON


def said(key: str, answer: object = None) -> str:
    return " ".join(check(key, answer).text().split())


def send(lab: Lab, *recipients: str, sender: str = SON, **header: Any) -> None:
    """Sơn hands in a letter; header fields as `compose` has them, the rest by name."""
    son = lab.user(SON)
    known = {k: v for k, v in header.items() if k in ("to", "cc", "bcc", "reply_to")}
    letter = son.compose(**{"to": "ban-be@hanoi.example", "subject": "x", "text": "…"} | known)
    for name in header.keys() - known.keys():
        letter[name.replace("_", "-")] = header[name]
    with son.smtp() as server:
        server.sendmail(sender, recipients, letter.as_string())
    lab.settle()


# --- 4.1 ----------------------------------------------------------------------------------------


def one_each(lab: Lab) -> None:
    for person in (MINH, HOA, LAN):
        send(lab, person)


def with_an_invented_address(lab: Lab) -> None:
    """The bounce lies in a third box, and is no letter that anybody handed in."""
    send(lab, MINH, NOBODY_HOME, LAN)


def three_invented(lab: Lab) -> None:
    send(lab, "a@saigon.example", "b@saigon.example", "c@saigon.example")


def without_to(lab: Lab) -> None:
    with lab.user(SON).smtp() as server:
        server.sendmail(SON, [MINH, HOA, LAN], "Subject: x\n\nhi\n")


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "Nothing lies in any mailbox yet"),
        (one_each, "It was to be one letter, handed in once"),
        (lambda lab: send(lab, MINH, HOA), "lies in 2 mailbox(es): hoa@saigon.example, minh"),
        (with_an_invented_address, f"{LAN}, {MINH}. Refused: {NOBODY_HOME}. Choose people who"),
        (three_invented, "Nothing lies in any mailbox yet. Refused: a@saigon.example, b@"),
        (lambda lab: send(lab, SON, HOA, LAN), f"{SON} has a copy, and everybody can read that"),
        (without_to, "has no To: at all"),
        (lambda lab: send(lab, MINH, HOA, LAN, to=HOA), "hoa@saigon.example has a copy"),
        (lambda lab: send(lab, MINH, HOA, LAN, cc=[LAN]), "can read that address in Cc"),
        (lambda lab: send(lab, MINH, HOA, LAN, bcc=[MINH]), "can read that address in Bcc"),
    ],
)
def test_three_boxes(lab: Lab, wrong: Callable[[Lab], None], feedback: str) -> None:
    wrong(lab)
    answer = said("4.1")
    assert answer.startswith("4.1 not yet")
    assert feedback in answer


def test_three_boxes_by_the_other_door(lab: Lab) -> None:
    with smtplib.SMTP("smtp.hanoi.example") as server:
        server.sendmail(SON, [SON, LAN], "To: ai-do@hanoi.example\n\nhi\n")
    lab.settle()
    assert "lies in 2 mailbox(es)" in said("4.1")


def test_what_is_refused_at_the_door_is_told_too(lab: Lab) -> None:
    send(lab, MINH, "ai-do@hanoi.example", LAN)
    assert "Refused: ai-do@hanoi.example." in said("4.1")


def test_the_villain_comes_from_a_machine_of_his_own() -> None:
    with Lab(with_villain()) as lab:
        with lab.laptop("spam"), smtplib.SMTP("mx1.saigon.example") as server:
            server.sendmail("spam@spam.example", [MINH], f"From: {LAN}\nTo: {MINH}\n\nhi\n")
        lab.settle()
        letter = lab.user(MINH).peek(1)
    assert {name for name, value in letter.items() if "spam" in value} == {
        "Return-Path",
        "Received",
    }
    assert "[203.0.113.67]" in letter["Received"]


# --- 4.2 ----------------------------------------------------------------------------------------

READERS = (MINH, HOA, NOBODY_HOME)


def newsletter(
    lab: Lab, sender: str = BOUNCES, to: tuple[str, ...] = READERS, reply: bool = True, **more: Any
) -> None:
    send(lab, *to, sender=sender, **{"reply_to": REPLIES} | more)
    if reply:
        minh = lab.user(MINH)
        minh.reply(minh.read(1), "Hay!")
        lab.settle()


def from_the_bounce_box(lab: Lab) -> None:
    with lab.user(SON).smtp() as server:
        server.sendmail(BOUNCES, READERS, f"From: {BOUNCES}\nReply-To: {REPLIES}\n\nhi\n")
    lab.settle()


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "No newsletter has been handed in"),
        (lambda lab: newsletter(lab, sender=SON), f"The bounce went to {SON}. Which address do"),
        (lambda lab: newsletter(lab, sender=REPLIES), f"The bounce went to {REPLIES}"),
        (
            lambda lab: newsletter(lab, sender=SON, Return_Path=f"<{BOUNCES}>"),
            "You wrote a Return-Path into the letter, and the server took it off",
        ),
        (lambda lab: newsletter(lab, sender=SON, Errors_To=BOUNCES), f"went to {SON}"),
        (lambda lab: newsletter(lab, sender=""), "No bounce has been written"),
        (lambda lab: newsletter(lab, to=(MINH, HOA)), "No bounce has been written"),
        (lambda lab: newsletter(lab, to=(MINH, NOBODY_HOME)), f"{HOA} has no newsletter"),
        (lambda lab: newsletter(lab, reply=False), "Minh has not replied yet"),
        (lambda lab: newsletter(lab, reply_to=""), f"Minh's reply lies with {SON}"),
        (lambda lab: newsletter(lab, reply_to=BOUNCES), f"Minh's reply lies with {BOUNCES}"),
        (from_the_bounce_box, f"reads that it is From: {BOUNCES}"),
    ],
)
def test_a_newsletter(
    staged: Callable[[str], Lab], wrong: Callable[[Lab], None], feedback: str
) -> None:
    wrong(staged("4.2"))
    answer = said("4.2")
    assert answer.startswith("4.2 not yet")
    assert feedback in answer


# --- 4.3 ----------------------------------------------------------------------------------------


def leaky(lab: Lab) -> None:
    send(lab, MINH, LAN, HOA, to=MINH, cc=[LAN], bcc=[HOA])


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "No letter has reached minh@saigon.example, lan@hanoi.example"),
        (leaky, "can read Hoa's address in the letter, in Bcc"),
        (lambda lab: send(lab, MINH, LAN, to=MINH, cc=[LAN]), "No letter has reached hoa"),
        (
            lambda lab: send(lab, MINH, LAN, HOA, to=MINH, cc=[LAN, HOA]),
            "can read Hoa's address in the letter, in Cc",
        ),
        (
            lambda lab: [send(lab, person, to=person) for person in (MINH, LAN, HOA)],
            "no longer reads that Minh and Lan both have the letter",
        ),
        (
            lambda lab: (
                send(lab, MINH, LAN, to=MINH, cc=[LAN]),
                send(lab, HOA, to=MINH, cc=[LAN], bcc=[HOA]),
            ),
            "The copy of hoa@saigon.example still has a Bcc field",
        ),
    ],
)
def test_the_leak(lab: Lab, wrong: Callable[[Lab], object], feedback: str) -> None:
    wrong(lab)
    answer = said("4.3")
    assert answer.startswith("4.3 not yet")
    assert feedback in answer


def test_the_field_may_be_taken_off_by_hand(lab: Lab) -> None:
    send(lab, MINH, LAN, HOA, to=MINH, cc=[LAN])
    assert said("4.3").startswith("4.3 done")


def test_copies_are_compared(lab: Lab) -> None:
    leaky(lab)
    rows = compare_copies(lab, HOA).rows
    assert [(row[1], row[-1]) for row in rows] == [
        ("hoa", "yes, in Bcc"),
        ("lan", "✘ yes, in Bcc"),
        ("minh", "✘ yes, in Bcc"),
    ]
