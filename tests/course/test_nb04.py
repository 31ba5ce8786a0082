"""Notebook 04: each exercise refuses what a person might plausibly do, and says why."""

from collections.abc import Callable
from typing import Any

import pytest

from labmail import Lab
from labmail.course import check, compare_copies, deck
from labmail.course.nb04 import (
    BOUNCES,
    DECK,
    FREMAN,
    HOA,
    LAN,
    MINH,
    NOBODY_HOME,
    REPLIES,
    SON,
    answer_the_quiz,
    dealt,
)


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


def without_to(lab: Lab) -> None:
    with lab.user(SON).smtp() as server:
        server.sendmail(SON, [MINH, HOA, LAN], "Subject: x\n\nhi\n")


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "Nothing lies in any mailbox yet"),
        (one_each, "It was to be one letter, handed in once"),
        (lambda lab: send(lab, MINH, HOA), "lies in 2 mailbox(es): hoa@saigon.example, minh"),
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
    import smtplib

    with smtplib.SMTP("smtp.hanoi.example") as server:
        server.sendmail(SON, [SON, LAN], "To: ai-do@hanoi.example\n\nhi\n")
    lab.settle()
    assert "lies in 2 mailbox(es)" in said("4.1")


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


# --- 4.4 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "feedback"),
    [
        (dict.fromkeys(DECK, ""), "Nothing is answered yet"),
        ({8: ""}, "Still open: 8"),
        ({1: "lan"}, "Card 1 was delivered, and it went otherwise. You read the sheet"),
        ({2: "lan"}, "Look at the envelope, at all of its lines"),
        ({3: "freman.alpha"}, "Is there an envelope in his mailbox?"),
        ({4: "son"}, "Does the author say where replies are wanted?"),
        ({5: "son"}, "A bounce comes from a server"),
        ({6: "lan"}, "A Return-Path that the sender writes is taken off"),
        ({6: "son"}, "Which side of the card does it know?"),
        ({7: "lan"}, "That is where a person's reply goes"),
        ({8: "son"}, "May a program answer here at all?"),
        ({8: "hoi@lists.example"}, "May a program answer here at all?"),
    ],
)
def test_eight_cards(lab: Lab, other: dict[int, str], feedback: str) -> None:
    answer = said("4.4", answer_the_quiz(lab) | other)
    assert answer.startswith("4.4 not yet")
    assert feedback in answer


def test_cards_may_be_answered_in_other_ways(lab: Lab) -> None:
    answer = {1: f"<{MINH}>", 2: [HOA, LAN], 6: "không ai", 8: "No one"}
    assert said("4.4", answer_the_quiz(lab) | answer).startswith("4.4 done")


def test_the_deck_shows_all_that_is_needed() -> None:
    text = deck().text().replace("\u00a0", " ")
    assert all(card.question.split()[0] in text for card in DECK.values())
    assert text.count("MAIL FROM:<") == len(DECK) == 8
    assert f"MAIL FROM:<{FREMAN}>" in text
    assert {len(dealt(n)) for n in DECK} == {0, 1, 2}
