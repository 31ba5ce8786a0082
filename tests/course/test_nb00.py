"""Notebook 00: each exercise refuses what a person might plausibly do, and says why."""

import smtplib
from collections.abc import Callable

import pytest

from labmail import Lab
from labmail.course import check

SON, MINH = "son@hanoi.example", "minh@saigon.example"
MX1, MX2 = "mx1.saigon.example", "mx2.saigon.example"


def send(lab: Lab, sender: str = SON, to: str = MINH, subject: str = "Cuối tuần") -> None:
    lab.user(sender).send(to=to, subject=subject, text="…")
    lab.settle()


def twice(lab: Lab) -> None:
    send(lab)
    send(lab)


def misspelt(lab: Lab) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(lab, to="minh@hanoi.example")


def with_sai_gon_shut(lab: Lab) -> None:
    lab.host(MX1).stop()
    lab.host(MX2).stop()
    send(lab)


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "No letter has been handed in"),
        (lambda lab: send(lab, sender="lan@hanoi.example"), "handed in, but by lan@hanoi.example"),
        (misspelt, "refused the recipient 'minh@hanoi.example'"),
        (lambda lab: send(lab, to="hoa@saigon.example"), "on its way to hoa@saigon.example"),
        (lambda lab: send(lab, to="minh@saigon.exmaple"), "on its way to minh@saigon.exmaple"),
        (twice, "2 new letters; one is asked for"),
        (with_sai_gon_shut, "waits in the queue of smtp.hanoi.example"),
        (lambda lab: send(lab, subject="Chào Minh"), "that one was mine"),
        (lambda lab: send(lab, subject=""), "has no subject"),
    ],
)
def test_a_letter_of_your_own(lab: Lab, wrong: Callable[[Lab], None], feedback: str) -> None:
    wrong(lab)
    said = check("0.1").text()
    assert said.startswith("0.1 not yet")
    assert feedback in flat(said)


def only_mx1(lab: Lab) -> None:
    lab.host(MX1).stop()
    send(lab)


def too_late(lab: Lab) -> None:
    send(lab)
    lab.host(MX1).stop()
    lab.host(MX2).stop()


def own_server(lab: Lab) -> None:
    lab.host("smtp.hanoi.example").stop()
    lab.host(MX1).stop()
    lab.host(MX2).stop()


def waited_too_long(lab: Lab) -> None:
    with_sai_gon_shut(lab)
    lab.advance("6d")


def dns_as_well(lab: Lab) -> None:
    lab.dig("smtp.hanoi.example")  # Sơn's laptop still remembers its own server
    lab.host("ns.lab").stop()
    with_sai_gon_shut(lab)


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "All hosts of saigon.example still take letters"),
        (only_mx1, "it waits at mx2.saigon.example"),
        (lambda lab: lab.host(MX1).stop(), "Its MX records name more hosts than one"),
        (lambda lab: lab.host(MX1).stop("imap"), "Something was stopped, but both hosts"),
        (too_late, "sent before the way was shut"),
        (own_server, "he cannot even hand the letter in"),
        (waited_too_long, "Too much lab time has passed"),
        (dns_as_well, "waits, but for another reason"),
    ],
)
def test_nobody_at_home(lab: Lab, wrong: Callable[[Lab], None], feedback: str) -> None:
    wrong(lab)
    said = check("0.2").text()
    assert said.startswith("0.2 not yet")
    assert feedback in flat(said)


def fresh_but_used(lab: Lab) -> None:
    lab.reset()
    send(lab)


def fresh_but_stopped(lab: Lab) -> None:
    lab.reset()
    lab.host(MX2).stop()


def fresh_but_stuck(lab: Lab) -> None:
    lab.reset()
    with_sai_gon_shut(lab)
    lab.host(MX1).start()
    lab.host(MX2).start()


def fresh_without_names(lab: Lab) -> None:
    lab.reset()
    lab.host("ns.lab").stop()


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "The lab's clock shows Tue 03 Mar 09:00"),
        (lambda lab: lab.host(MX1).start(), "It only moves forward"),
        (fresh_but_stopped, "mx2.saigon.example is not listening"),
        (fresh_without_names, "ns.lab is not listening"),
        (fresh_but_stuck, "in the queue of smtp.hanoi.example: left over"),
        (fresh_but_used, "old mail in the box of minh@saigon.example"),
    ],
)
def test_the_first_morning(
    staged: Callable[[str], Lab], wrong: Callable[[Lab], None], feedback: str
) -> None:
    wrong(staged("0.3"))
    said = check("0.3").text()
    assert said.startswith("0.3 not yet")
    assert feedback in flat(said)


def test_a_world_that_only_looks_fresh_is_told_apart(lab: Lab) -> None:
    server = lab.user(MINH).imap()
    server.create("Viec-nha")
    server.logout()
    assert "Something still differs" in check("0.3").text()


def flat(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())
