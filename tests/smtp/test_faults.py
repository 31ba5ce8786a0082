"""Faults that are planned: as values, in a session, and between hosts of a lab."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest

from labmail import Lab
from labmail.smtp.faults import Answer, Fault, Faults, HangUp, Silence, hang_up, planned, refusal
from labmail.smtp.replies import Reply
from labmail.trace.events import (
    Attempted,
    Closed,
    Command,
    Deferred,
    Delivered,
    FaultStruck,
    Relayed,
    WorkFailed,
)

MX1, MX2, HANOI = "mx1.saigon.example", "mx2.saigon.example", "smtp.hanoi.example"
BUSY = refusal("450 4.2.1 Mailbox busy")
HELLO = ("EHLO smtp.hanoi.example", "MAIL FROM:<son@hanoi.example>")
MINH = "RCPT TO:<minh@saigon.example>"


# --- as values ------------------------------------------------------------------------


def test_a_plan_is_used_up_and_then_the_next_one_counts():
    faults = Faults()
    never = planned("RCPT", refusal("550 5.1.1 Gone"))
    faults.plan(planned("RCPT", BUSY, times=2))
    faults.plan(never)
    struck = [faults.strike("RCPT", "", "") for _ in range(4)]
    assert [f.deed for f in struck if f] == [BUSY, BUSY, never.deed, never.deed]
    assert list(faults) == [never]
    faults.heal()
    assert faults.strike("RCPT", "", "") is None


def test_the_same_plan_again_counts_anew():
    faults = Faults()
    for _ in range(2):
        faults.plan(planned("DATA", BUSY, times=1))
    assert str(faults) == "DATA is answered 450 4.2.1 Mailbox busy (once)"
    faults.strike("DATA", "", "")
    assert list(faults) == []


@pytest.mark.parametrize(
    ("fault", "verb", "sender", "recipient", "meets"),
    [
        (planned("rcpt", BUSY), "RCPT", "a@b.example", "c@d.example", True),
        (planned("RCPT", BUSY), "MAIL", "", "", False),
        (planned("CONNECT", BUSY), "", "", "", True),
        (planned(".", BUSY, sender="*@hanoi.example"), ".", "Son@Hanoi.example", "", True),
        (planned(".", BUSY, sender="*@hanoi.example"), ".", "", "", False),
        (planned("RCPT", BUSY, recipient="HOA@saigon.*"), "RCPT", "", "hoa@saigon.example", True),
        (planned("RCPT", BUSY, recipient="hoa@*"), "RCPT", "", "minh@saigon.example", False),
    ],
)  # fmt: skip
def test_whom_a_fault_meets(fault: Fault, verb: str, sender: str, recipient: str, meets: bool):
    assert fault.meets(verb, sender, recipient) is meets


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (planned("RCPT", BUSY, times=2), "RCPT is answered 450 4.2.1 Mailbox busy"),
        (planned("", Silence()), "the greeting is never answered"),
        (
            planned(".", HangUp("between"), sender="*@hanoi.example"),
            "the end of the letter from <*@hanoi.example> is done, then cut off without an answer",
        ),
    ],
)
def test_a_fault_in_words(fault: Fault, words: str):
    assert str(fault) == words


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (lambda: planned("RCTP", BUSY), "'RCTP' is no moment of an SMTP session"),
        (lambda: planned("RCPT", BUSY, times=0), "1 or more, or None"),
        (lambda: planned("RCPT", BUSY, times=1.5), r"times=1\.5: how often\? Write a whole number"),
        (lambda: planned("RCPT", BUSY, times="2"), "times='2': how often"),
        (lambda: planned("RCPT", BUSY, times=True), "times=True: how often"),
        (lambda: planned("MAIL", BUSY, recipient="a@b.example"), "known at RCPT only, not at MAIL"),
        (lambda: planned("CONNECT", BUSY, sender="a@b.example"), "at the greeting no sender"),
        (lambda: refusal("250 2.0.0 Ok"), "is no refusal"),
        (lambda: refusal("busy"), "is no refusal"),
        (lambda: refusal("600 what"), "is no refusal"),
        (
            lambda: refusal("450 5.1.1 No such user"),
            r"450 means later, 5\.1\.1 means never\. .* \(RFC 2034 §4\): write 450 4\.1\.1",
        ),
        (lambda: refusal("550 4.2.2 Full"), r"550 means never, 4\.2\.2 means later.*550 5\.2\.2"),
        (lambda: refusal("550 2.0.0 Ok"), r"2\.0\.0 is no refusal.*write 550 5\.0\.0"),
        (lambda: hang_up("later"), "'before', 'between' or 'after'"),
    ],
)
def test_what_cannot_be_planned_says_why(plan: Any, said: str):
    with pytest.raises(ValueError, match=said):
        plan()


def test_a_refusal_keeps_its_enhanced_code():
    assert refusal("421 4.3.2 Come back later") == Answer(Reply(421, "4.3.2", "Come back later"))
    assert refusal("550 no") == Answer(Reply(550, "", "no"))


# --- in a session -----------------------------------------------------------------------


def test_a_fault_is_on_record_and_then_the_session_goes_on(play, box):
    box.faults.plan(planned("RCPT", BUSY, times=1))

    async def story(session):
        await session.greet(*HELLO)
        assert await session.send(f"{MINH}\r\n".encode()) == b"450 4.2.1 Mailbox busy\r\n"
        assert await session.send(f"{MINH}\r\n".encode()) == b"250 2.1.5 Recipient ok\r\n"
        [(kind, about)] = session.line.events
        assert (kind, about["verb"]) == ("FaultStruck", "RCPT")
        assert about["fault"] == "RCPT is answered 450 4.2.1 Mailbox busy"

    play(story)


def test_only_the_recipient_that_is_meant_is_refused(play, box):
    box.faults.plan(planned("RCPT", BUSY, recipient="lan@*", sender="son@hanoi.example"))

    async def story(session):
        await session.greet(*HELLO)
        assert (await session.send(f"{MINH}\r\n".encode())).startswith(b"250")
        assert (await session.send(b"RCPT TO:<lan@saigon.example>\r\n")).startswith(b"450")

    play(story)


def test_the_sender_is_known_at_mail_already(play, box):
    box.faults.plan(planned("MAIL", BUSY, sender="son@*"))

    async def story(session):
        await session.greet("EHLO x")
        assert (await session.send(b"MAIL FROM:<lan@hanoi.example>\r\n")).startswith(b"250")
        await session.send(b"RSET\r\n")
        assert (await session.send(b"MAIL FROM: <son@hanoi.example> SIZE=1\r\n")).startswith(b"450")

    play(story)


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", ".", "QUIT"])
@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_hanging_up(play, box, verb, when):
    """Before and between: not a word.  After: the answer, and then nothing any more."""
    box.faults.plan(planned(verb, hang_up(when)))
    codes = {"CONNECT": b"220", "DATA": b"354", "QUIT": b"221"}

    async def story(session):
        answers = [await session.send(b"")]
        for line in (*HELLO, MINH, "DATA", "Subject: x\r\n\r\n.", "QUIT"):
            if not session.line.closed:
                answers.append(await session.send(line.encode() + b"\r\n"))
        assert session.line.closed
        assert session.server.state == "closed"
        last = answers[-1]
        assert last.startswith(codes.get(verb, b"250")) if when == "after" else last == b""

    play(story)
    taken = {"before": 0, "between": 1, "after": 1}[when] if verb == "." else verb == "QUIT"
    assert len(box.letters) == taken


def test_no_tls_handshake_after_hanging_up(play, box):
    box.faults.plan(planned("STARTTLS", hang_up("after")))

    async def story(session):
        await session.greet("EHLO x")
        assert (await session.send(b"STARTTLS\r\n")).startswith(b"220")
        assert session.line.closed
        assert session.line.handshakes == 0

    play(story)


def test_silence_lasts_until_the_client_has_had_enough(play, box):
    box.faults.plan(planned("MAIL", Silence(), times=1))

    async def story(session):
        await session.greet("EHLO x")
        assert await session.send(b"MAIL FROM:<>\r\nNOOP\r\nQUIT\r\n") == b""
        assert session.line.silent
        assert not session.line.closed
        session.server.eof_received()
        await session.rest()
        assert session.heard() == b""
        assert session.line.reason == "planned silence"

    play(story)


def test_silence_ends_by_itself(play, box, monkeypatch):
    monkeypatch.setattr("labmail.smtp.server.SILENCE_SECONDS", 0)
    box.faults.plan(planned("EHLO", Silence()))

    async def story(session):
        assert (await session.send(b"EHLO x\r\n")).startswith(b"220")
        assert session.line.closed

    play(story)


# --- between hosts ------------------------------------------------------------------------


@pytest.fixture
def mx1(lab: Lab) -> Any:
    """The one mail exchanger that saigon.example has in these stories."""
    lab.host(MX2).stop()
    return lab.host(MX1)


def story(lab: Lab) -> Any:
    """Sơn writes to Minh, and the world has an afternoon to bring it there."""
    with lab.record() as trace:
        lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
        lab.settle()
        lab.advance("6h")
    assert trace.of(WorkFailed) == ()
    return trace


def test_twice_not_now_and_then_yes(lab: Lab, mx1: Any) -> None:
    mx1.answer("RCPT", "450 4.2.1 Mailbox busy, try again", times=2)
    trace = story(lab)
    assert len(trace.of(FaultStruck)) == len(trace.of(Deferred)) == 2
    assert len(trace.of(Delivered)) == 1


@pytest.mark.parametrize(
    ("when", "attempts", "copies"), [("before", 2, 1), ("between", 2, 2), ("after", 1, 1)]
)
def test_the_line_dies_at_the_end_of_the_letter(
    lab: Lab, mx1: Any, when: str, attempts: int, copies: int
) -> None:
    """RFC 1047: who does not hear the 250 sends again, and there may be two letters then."""
    mx1.hang_up(".", when, times=1)
    trace = story(lab)
    calls = [e for e in trace.of(Closed) if e.connection.server.name == MX1]
    assert (len(calls), len(trace.of(Delivered))) == (attempts, copies)
    assert len(trace.of(Relayed)) == 1


@pytest.mark.parametrize(
    "verb", ["CONNECT", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", ".", "QUIT"]
)
def test_silence_costs_no_time(
    lab: Lab, mx1: Any, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labmail.smtp.server.SILENCE_SECONDS", 3600)
    monkeypatch.setattr("labmail.smtp.relay.QUIT_PATIENCE", 3600)
    mx1.silence(verb, times=1)
    trace = story(lab)
    (ended, *_) = (e for e in trace.of(Closed) if e.connection.server.name == MX1)
    assert ended.by == "client"
    assert len(trace.of(Deferred)) == (verb != "QUIT")
    assert len(trace.of(Delivered)) == 1


def test_silence_is_told_as_silence(lab: Lab, mx1: Any) -> None:
    mx1.silence("MAIL")
    lab.host(MX2).start()
    lab.host(MX2).silence("MAIL")
    lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
    (row,) = lab.queue(HANOI).rows
    assert row.reason == "451 4.4.2 no answer in time at MAIL"


def test_a_program_of_the_notebook_waits_as_long_as_it_wants(lab: Lab, mx1: Any) -> None:
    mx1.silence("MAIL")
    with smtplib.SMTP(MX1, 25, timeout=0.1) as server:
        server.ehlo()
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            server.mail("son@hanoi.example")


def test_421_when_connecting_is_passed_over(lab: Lab, mx1: Any) -> None:
    mx1.answer("CONNECT", "421 4.3.2 Come back later", times=1)
    trace = story(lab)
    assert [e.outcome for e in trace.of(Attempted)] == ["deferred", "relayed"]


def test_a_server_that_knows_no_ehlo(lab: Lab, mx1: Any) -> None:
    mx1.answer("EHLO", "502 5.5.1 What is EHLO?", times=1)
    said = [e.verb for e in story(lab).of(Command) if e.connection.server.name == MX1]
    assert said == ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_host_says_what_is_planned_and_forgets_it(lab: Lab, mx1: Any) -> None:
    mx1.answer("RCPT", "450 4.2.1 Busy", times=2)
    mx1.silence("DATA")
    planned_here = (
        "planned: RCPT is answered 450 4.2.1 Busy (2 times); DATA is never answered (always)"
    )
    assert repr(mx1).endswith(planned_here)
    mx1.heal()
    assert "planned" not in repr(mx1)
    mx1.hang_up("RCPT")
    lab.reset()
    assert "planned" not in repr(mx1)


def test_faults_are_planned_at_mail_hosts_only(lab: Lab) -> None:
    with pytest.raises(LookupError, match=r"ns\.lab is no mail host"):
        lab.host("ns.lab").answer("RCPT", "450 no")
    assert repr(lab.host("ns.lab")) == "ns.lab: listens for domain"
