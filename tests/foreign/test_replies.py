"""The lab and a real Postfix are told the same; do they answer alike?

Compared is what a client's program decides on: the first digit of the reply (RFC 5321 §4.2.1).
Where the two differ, `DIFFERENCES` says how, and why the lab answers as it does.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.foreign.postfix import LOOPBACK, Postfix

pytestmark = pytest.mark.foreign

EHLO, MAIL, RCPT = "EHLO son.example", "MAIL FROM:<son@hanoi.example>", "RCPT TO:<{user}>"
LETTER = "Subject: x\r\n\r\nxin chao\r\n."

DIALOGS: dict[str, list[str]] = {
    "a letter": [EHLO, MAIL, RCPT, "DATA", LETTER, "QUIT"],
    "an old client": ["HELO son.example", MAIL, RCPT, "DATA", LETTER],
    "a bounce": [EHLO, "MAIL FROM:<>", RCPT, "DATA", LETTER],
    "two letters": [EHLO, MAIL, RCPT, "DATA", LETTER, MAIL, RCPT, "DATA", LETTER],
    "the postmaster": [EHLO, MAIL, "RCPT TO:<postmaster>", "RSET"],
    "capitals are small letters": [
        "ehlo son.example",
        "mail from:<a@b.example>",
        "rcpt to:<{user}>",
    ],
    "nobody of this name": [EHLO, MAIL, "RCPT TO:<khongco@{domain}>", "DATA"],
    "one of two": [EHLO, MAIL, "RCPT TO:<khongco@{domain}>", RCPT, "DATA", LETTER],
    "somebody elsewhere": [EHLO, MAIL, "RCPT TO:<x@elsewhere.example>", "DATA"],
    "percent hack": [EHLO, MAIL, "RCPT TO:<x%elsewhere.example@{domain}>"],
    "source route": [EHLO, MAIL, "RCPT TO:<@elsewhere.example:{user}>"],
    "no greeting": [MAIL],
    "RCPT before MAIL": [EHLO, RCPT],
    "DATA before RCPT": [EHLO, MAIL, "DATA"],
    "MAIL twice": [EHLO, MAIL, MAIL],
    "greeting again": [EHLO, MAIL, EHLO, RCPT],
    "start again": [EHLO, MAIL, RCPT, "RSET", "DATA"],
    "no brackets": [EHLO, "MAIL FROM:son@hanoi.example"],
    "half an address": [EHLO, "MAIL FROM:<son@hanoi.example"],
    "space after the colon": [EHLO, "MAIL FROM: <son@hanoi.example>"],
    "EHLO without a name": ["EHLO"],
    "unknown command": [EHLO, "TURN", "XYZZY"],
    "nothing at all": ["NOOP", "RSET"],
    "NOOP with a word": [EHLO, "NOOP xin chao"],
    "VRFY": [EHLO, "VRFY {user}"],
    "EXPN": [EHLO, "EXPN all"],
    "HELP": [EHLO, "HELP"],
    "no passwords here": [EHLO, "AUTH PLAIN AGEAYg=="],
    "8BITMIME and SIZE": [EHLO, "MAIL FROM:<a@b.example> BODY=8BITMIME SIZE=1000", RCPT],
    "too large": [EHLO, "MAIL FROM:<a@b.example> SIZE=100000000"],
    "unknown parameter": [EHLO, "MAIL FROM:<a@b.example> COLOUR=blue"],
    "DSN": [EHLO, MAIL + " RET=HDRS ENVID=x", RCPT + " NOTIFY=NEVER"],
    "DSN, wrong": [EHLO, MAIL + " RET=SOME"],
    "STARTTLS with a word": [EHLO, "STARTTLS now"],
    "QUIT at once": ["QUIT"],
    "a web browser": ["GET / HTTP/1.0"],
}

DIFFERENCES: dict[str, tuple[str, str, str]] = {
    "no greeting": (
        "25",
        "22",
        "RFC 5321 §4.1.4: who has not said EHLO or HELO gets 503. Postfix asks for it only with "
        "smtpd_helo_required = yes.",
    ),
    "no brackets": (
        "225",
        "222",
        "RFC 5321 §4.1.2: a path stands in angle brackets. Postfix is kind to careless programs, "
        "as long as strict_rfc821_envelopes is no; a course shows the rule.",
    ),
    "HELP": (
        "222",
        "225",
        "RFC 5321 §4.5.1 does not ask for HELP. Postfix does without; in the lab people type.",
    ),
    "a web browser": (
        "24",
        "22",
        "Both hang up. The lab says 421, as RFC 5321 §3.8 wants it of a server that closes by "
        "itself; Postfix says 221, as if it had been asked to.",
    ),
}
"""{dialog: (lab, Postfix, why)}"""


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    postfix = Postfix({})
    try:
        yield postfix
    finally:
        postfix.stop()


def classes(address: tuple[str, int], lines: list[str], user: str) -> str:
    """The first digits of the replies to the greeting and to each line, one after the other;
    "-" where the server has hung up."""
    found = []
    with socket.create_connection(address, timeout=30) as sock, sock.makefile("rwb") as talk:
        for line in (None, *lines):
            if line is not None:
                told = line.format(user=user, domain=user.partition("@")[2])
                talk.write(told.encode() + b"\r\n")
                talk.flush()
            while (reply := talk.readline())[3:4] == b"-":
                pass
            found.append(reply[:1].decode() or "-")
    return "".join(found)


@pytest.mark.parametrize("dialog", DIALOGS)
def test_both_answer_alike(town: Any, postfix: Postfix, dialog: str) -> None:
    lines = DIALOGS[dialog]
    lab = classes(town.address("mx1.saigon.example", "smtp"), lines, "minh@saigon.example")
    real = classes((LOOPBACK, postfix.ports["smtp"]), lines, "lan@ngoai.example")
    expected = DIFFERENCES.get(dialog)
    assert (lab, real) == (expected[:2] if expected else (real, real))


def test_every_difference_is_of_a_dialog_and_has_its_reason() -> None:
    assert set(DIFFERENCES) <= set(DIALOGS)
    assert all(lab != real and why for lab, real, why in DIFFERENCES.values())
