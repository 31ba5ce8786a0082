"""Notebook 03: each exercise refuses what a person might plausibly do, and says why."""

import smtplib
import socket
from collections.abc import Callable

import pytest

from labmail import Lab
from labmail.course import check, play_server, stored, talk
from labmail.course.codes import codes
from labmail.course.nb03 import (
    CARDS,
    DOTTED,
    TWELVE,
    codes_heard,
    decide,
    hear_them_all,
    lay_in_order,
    send_raw,
    twelve_replies,
    what_to_do,
)

MX1, MINH = "mx1.saigon.example", "minh@saigon.example"
ENVELOPE = ("EHLO x", "MAIL FROM:<son@hanoi.example>", "RCPT TO:<minh@saigon.example>")


def said(key: str, answer: object = None) -> str:
    return " ".join(check(key, answer).text().split())


# --- 3.1 ------------------------------------------------------------------------------------------


def client(
    *,
    stuff: Callable[[str], str] = lambda line: "." + line if line.startswith(".") else line,
    join: str = "\r\n",
    end: str = "\r\n.",
    careful: bool = True,
    whole_replies: bool = True,
    to: str = "minh@saigon.example",
) -> Callable[[list[str]], None]:
    """A program like that of a learner, with one thing different."""

    def send(lines: list[str]) -> None:
        with socket.create_connection((MX1, 25)) as sock, sock.makefile("rb") as answers:

            def hear() -> bytes:
                line = answers.readline()
                while whole_replies and line[3:4] == b"-":
                    line = answers.readline()
                return line

            def say(text: str, hoped: bytes) -> None:
                sock.sendall(text.encode() + b"\r\n")
                answer = hear()
                if careful and not answer.startswith(hoped):
                    raise RuntimeError(answer.decode().strip())

            hear()
            say("EHLO x", b"250")
            say("MAIL FROM:<son@hanoi.example>", b"250")
            say(f"RCPT TO:<{to}>", b"250")
            say("DATA", b"354")
            say(join.join(map(stuff, lines)) + end, b"250")
            say("QUIT", b"221")

    return send


def with_a_library(lines: list[str]) -> None:
    with smtplib.SMTP(MX1) as server:
        server.sendmail("son@hanoi.example", [MINH], "\r\n".join(lines))


@pytest.mark.parametrize(
    ("program", "met", "feedback"),
    [
        (None, 0, "without brackets"),
        (lambda lines: None, 0, "no letter has reached Minh"),
        (client(stuff=lambda line: line), 2, "it ends before line 6: b'.'"),
        (client(stuff=lambda line: line.replace(".", "..")), 1, "lies there as"),
        (client(stuff=lambda line: ".." + line if line == "." else line), 2, "Line 6 was written"),
        (client(join="\n"), 0, "a CR or LF that stands alone"),
        (client(end="\n."), 0, "it has not seen CR LF, a dot, CR LF"),
        (client(end=""), 0, "it has not seen CR LF, a dot, CR LF"),
        (client(to="hoa@saigon.example"), 0, "no letter has reached Minh"),
        (client(careful=False), 2, "went on with DATA"),
        (lambda lines: 1 / 0, 0, "ZeroDivisionError"),
        (with_a_library, 0, "left the talking to smtplib"),
    ],
)
def test_a_client_of_your_own(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, program: object, met: int, feedback: str
) -> None:
    monkeypatch.setattr("labmail.course.nb03.WAIT", 0.5)
    answer = said("3.1", program)
    assert answer.startswith(f"3.1 not yet — {met} of 3")
    assert feedback in answer


def test_replies_that_are_not_read_to_their_end(lab: Lab) -> None:
    answer = said("3.1", client(whole_replies=False, careful=False))
    assert answer.startswith("3.1 not yet")


def test_one_that_works(lab: Lab) -> None:
    assert "3.1 done" in said("3.1", send_raw)
    assert "3.1 done" in said("3.1", client()), "and again, in the same lab"
    assert socket.getdefaulttimeout() is None
    with_a_library(DOTTED)  # outside the check everybody may use it
    assert len(lab.box(MINH).rows) > 1


def test_stored_octets(lab: Lab) -> None:
    send_raw(DOTTED)
    assert stored(lab, MINH, 1).endswith("".join(f"{line}\r\n" for line in DOTTED).encode())
    with pytest.raises(LookupError, match="has no letter with UID 2; there are 1"):
        stored(lab, MINH, 2)


# --- 3.2 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "feedback"),
    [
        ("", "No order yet"),
        ("GEHACBFDZ", "There is no card Z"),
        ("GEHACBFDD", "Card D lies there twice"),
        ("GEHACIBFD", "whose line begins with a number?"),
        ("GEHCBFD", "Not laid yet: A"),
        ("EGHACBFD", "'MAIL FROM:<son@hanoi.example>' was answered: 503 5.5.1 Say EHLO first"),
        ("GHAECBFD", "was answered: 503 5.5.1 Say MAIL FROM first"),
        ("GEHCBFAD", "was answered: 503 5.5.1 Say MAIL FROM first"),
        ("GEHABFCD", "which line asks?"),
        ("GEHABCFD", "'Subject: Chieu nay' was answered: 500"),
        ("DGEHACBF", "has hung up"),
        ("GEHACBDF", "QUIT was said while the server was reading: it lies in Minh's letter"),
        ("GEHACDBF", "QUIT was said while the server was reading"),
        ("GEHCABFD", "RCPT TO:<hoa@saigon.example> was said while the server was reading"),
    ],
)
def test_lines_in_order(lab: Lab, order: str, feedback: str) -> None:
    answer = said("3.2", order)
    assert answer.startswith("3.2 not yet")
    assert feedback in answer
    assert "✔ the server hears every line" not in answer


@pytest.mark.parametrize("order", ["GEHACBFD", "g e a h c b f d", "G-E-H-A-C-B-F-D"])
def test_orders_that_work(lab: Lab, order: str) -> None:
    assert "3.2 done" in said("3.2", order)
    assert set(lay_in_order(lab)) | {"I"} == set(CARDS)


# --- 3.3 ------------------------------------------------------------------------------------------


def plan_all(lab: Lab) -> None:
    mx1 = lab.host(MX1)
    for code in (500, 501, 503, 550, 552, 554):
        mx1.answer("NOOP", f"{code} planned", times=1)
    talk(MX1, "EHLO x", *["NOOP"] * 6)


def play_it(lab: Lab) -> None:
    for code in (500, 501, 503, 550, 552, 554):
        play_server(lab, [f"220 {MX1}", f"{code} no"])


def everyday(lab: Lab) -> None:
    talk(MX1, "HALLO", "DATA", "EHLO x", "MAIL x", *ENVELOPE[1:], "DATA", "A: b\r\n\r\n.")


def earned(lab: Lab) -> None:
    everyday(lab)
    talk(MX1, "EHLO x", "MAIL FROM:<> SIZE=99999999", "MAIL FROM:<>", "RCPT TO:<x@saigon.example>")
    talk(MX1, *ENVELOPE, "DATA", "A: \0\r\n.")


@pytest.mark.parametrize(
    ("way", "met", "feedback"),
    [
        (lambda lab: None, 0, "Heard so far: nothing"),
        (plan_all, 0, "500 was planned. Earn it"),
        (play_it, 0, "Heard so far: nothing"),
        (everyday, 1, "Still missing: 550, 552, 554. Heard so far: 220, 250, 354, 500, 501, 503"),
        (earned, 2, "Still missing: 421, 450, 452"),
    ],
)
def test_eleven_replies(lab: Lab, way: Callable[[Lab], None], met: int, feedback: str) -> None:
    way(lab)
    answer = said("3.3")
    assert answer.startswith(f"3.3 not yet — {met} of 3")
    assert feedback in answer


def test_bad_luck_may_be_planned_and_may_be_earned(lab: Lab) -> None:
    hear_them_all(lab)
    assert "3.3 done" in said("3.3")
    earned_codes, by_plan = codes_heard(lab.trace.events)
    assert {450, 452} == by_plan
    assert {421, 550, 552, 554} <= earned_codes


# --- 3.4 ------------------------------------------------------------------------------------------


def decisions(other: dict[int, str]) -> dict[int, str]:
    return decide(None) | other  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "feedback"),
    [
        (dict.fromkeys(range(1, 13), ""), "Replace the empty quotes"),
        ({3: ""}, "Still open: 3"),
        ({3: "cry"}, "'cry' is none of"),
        ({1: "give up"}, "Look at 1 (450 4.2.1): The first digit says: not now"),
        ({2: "retry"}, "Look at 2 (550 5.1.1): The first digit says that the same will fail"),
        ({3: "give up"}, "Look at 3 (503 5.5.1): It is not about this letter"),
        ({8: "retry"}, "11 of 12 fit. Look at 8 (530 5.7.0): The first digit"),
        ({5: "fix"}, "Look at 5 (552 5.3.4): The client spoke well"),
        ({10: "fix"}, "Look at 10 (421 4.4.2): The client has done nothing wrong"),
    ],
)
def test_what_to_do(staged: Callable[[str], Lab], other: dict[int, str], feedback: str) -> None:
    staged("3.4")
    answer = said("3.4", decisions(other))
    assert answer.startswith("3.4 not yet")
    assert feedback in answer


def test_the_replies_have_to_be_heard(lab: Lab) -> None:
    assert "nobody has answered 450 4.2.1: run the cell of E3.8" in said("3.4", decisions({}))
    assert len(twelve_replies(lab).rows) == len(TWELVE) == 12
    assert "3.4 done" in said("3.4", decisions({1: "later", 3: "fix client"}))


def test_the_rule_agrees_with_the_list_about_who_acts() -> None:
    for row in (r for r in codes() if r.key in TWELVE):
        who = row.who_acts
        assert ("client: keep" in who or "call again" in who) is (what_to_do(row.code) == "retry")
