from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labmail.net.limits import Limits
from labmail.smtp.faults import planned, refusal
from labmail.smtp.intake import HIGH
from labmail.smtp.replies import Refusal, Reply
from labmail.trace.parcel import Recipient

LETTER = b"Subject: x\r\n\r\nbody\r\n"
END = b".\r\n"


# --- a letter is taken ----------------------------------------------------------------


def test_bytes_are_untouched_below_the_trace_fields(play, box):
    body = b"Subject: =?x?=\r\n\tfolded\r\nX:  odd \r\n\r\n.dot\r\n\xff\xfe 8-bit \r\n\r\n"

    async def story(session):
        assert await session.letter(body.replace(b"\r\n.", b"\r\n..") + END) == (
            b"250 2.0.0 Ok: queued as Q1\r\n"
        )

    play(story)
    [(envelope, content, client)] = box.letters
    assert envelope.reverse_path == "son@hanoi.example"
    assert envelope.recipients == (Recipient("minh@saigon.example"),)
    assert client.role == "exchange"
    assert client.parcel == 7
    assert content == (
        b"Received: from smtp.hanoi.example (smtp.hanoi.example [192.0.2.25])\r\n"
        b"\tby mx1.saigon.example with ESMTP id Q1\r\n"
        b"\tfor <minh@saigon.example>;\r\n"
        b"\tMon, 02 Mar 2026 12:00:00 +0000\r\n" + body
    )


def test_parameters_reach_the_envelope(play, box):
    async def story(session):
        await session.greet(
            "EHLO a.example",
            "MAIL FROM:<> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2B",
            "RCPT TO:<mình@saigon.example> NOTIFY=never ORCPT=utf-8;mình@saigon.example",
            "RCPT TO:<postmaster>",
            "DATA",
        )
        await session.send(LETTER + END)

    play(story)
    [(envelope, content, client)] = box.letters
    assert client.reverse_path == ""
    assert (envelope.body, envelope.smtputf8) == ("8BITMIME", True)
    assert (envelope.ret, envelope.envid) == ("HDRS", "x+2B")
    assert envelope.recipients == (
        Recipient("mình@saigon.example", "NEVER", "utf-8;mình@saigon.example"),
        Recipient("postmaster"),
    )
    assert b"with UTF8SMTP id Q1;\r\n" in content  # two recipients: none is named


def test_return_path_of_others_is_taken_off(play, box):
    async def story(session):
        await session.letter(b"A: 1\r\nReturn-Path: <x@spam.example>\r\n y\r\n" + LETTER + END)

    play(story)
    assert box.letters[0][1].endswith(b"+0000\r\nA: 1\r\n" + LETTER)


def test_submission_fills_gaps_and_exchange_does_not(play, box):
    async def story(session):
        await session.greet(
            "EHLO laptop",
            "AUTH PLAIN AG1pbmhAc2FpZ29uLmV4YW1wbGUAbeG6rXQga2jhuql1",
            "MAIL FROM:<minh@saigon.example>",
            "RCPT TO:<son@hanoi.example>",
            "DATA",
        )
        await session.send(LETTER + END)
        [login] = session.line.notes
        assert (login.account, login.mechanism, login.ok) == (
            "minh@saigon.example",
            "PLAIN",
            True,
        )

    play(story, role="submission", tls=True)
    [(_, content, client)] = box.letters
    assert client.authenticated == "minh@saigon.example"
    assert b"with ESMTPSA id Q1" in content
    assert b"+0000\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000\r\nMessage-ID: <" in content
    assert content.endswith(b"@mx1.saigon.example>\r\n" + LETTER)


def test_clear_passwords_only_where_the_lesson_wants_them(play):
    async def story(session):
        await session.rest()
        session.heard()
        assert b"AUTH PLAIN LOGIN" in await session.send(b"EHLO laptop\r\n")
        assert (await session.send(b"MAIL FROM:<>\r\n")).startswith(b"530 5.7.0 Auth")

    play(story, role="submission", allow_clear=True)


# --- what is refused after its end ----------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a\nb\r\n", b"550 5.5.2"),
        (b"a\rb\r\n", b"550 5.5.2"),
        (b"x" * 3000 + b"\r\n", b"500 5.6.0"),
        (b"a\0b\r\n", b"554 5.6.0"),
        (b"Received: x\r\n" * 51 + LETTER, b"554 5.4.6"),
        (b"Received: x\r\n" * 50 + LETTER, b"250 2.0.0"),
        (LETTER + b"Received: x\r\n" * 99, b"250 2.0.0"),
    ],
)
def test_content_is_judged_after_its_end(play, box, content, code):
    async def story(session):
        assert (await session.letter(content + END)).startswith(code)
        assert (await session.send(b"NOOP\r\n")).startswith(b"250")
        assert len(box.letters) == (code == b"250 2.0.0")

    play(story)


def test_real_size_counts_whatever_was_declared(play, box, small):
    async def story(session):
        assert (await session.letter(b"x" * 98 + b"\r\n" + END)).startswith(b"250")
        assert (await session.letter((b"x" * 98 + b"\r\n") * 11 + END)).startswith(b"552 5.3.4")
        assert ("message size", "552") in session.line.limits

    play(story, limits=small)
    assert len(box.letters) == 1


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (RuntimeError("a\r\nb"), b"451 4.3.0 Local error, try again later (RuntimeError: a b)"),
        (OSError(errno.ENOSPC, "full"), b"452 4.3.1"),
        (PermissionError("no"), b"451 4.3.0"),
        (Refusal(Reply(550, "5.7.1", "DMARC says no")), b"550 5.7.1 DMARC says no"),
    ],
)  # fmt: skip
def test_what_breaks_in_the_host_is_answered(play, box, error, answer):
    box.breaks = error

    async def story(session):
        assert (await session.letter(LETTER + END)).startswith(answer)
        box.breaks = None
        assert (await session.letter(LETTER + END)).startswith(b"250")

    play(story)
    assert len(box.letters) == 1


@pytest.mark.parametrize("cut", [0, 1, len(LETTER), len(LETTER) + 1, len(LETTER) + 2])
def test_hanging_up_in_the_middle_leaves_nothing(play, box, cut):
    async def story(session):
        await session.letter((LETTER + END)[:cut])
        await session.hang_up()

    play(story)
    assert box.letters == []


def test_half_closing_in_the_middle_leaves_nothing(play, box):
    async def story(session):
        await session.letter(LETTER)
        session.server.eof_received()
        await session.rest()
        assert session.line.closed

    play(story)
    assert box.letters == []


def test_half_closing_client_still_gets_its_answers(play):
    async def story(session):
        session.server.data_received(b"EHLO x\r\nNOOP\r\nQUIT\r\nNO")
        session.server.eof_received()
        await session.rest()
        assert session.heard().endswith(b"250 2.0.0 Ok\r\n221 2.0.0 Good-bye\r\n")
        assert session.line.closed

    play(story)


# --- limits ---------------------------------------------------------------------------


def test_endless_command_line(play):
    async def story(session):
        await session.greet()
        limit = Limits().command_line
        assert await session.send(b"A" * (limit - 1)) == b""
        assert (await session.send(b"A")).startswith(b"421 4.7.0 Command line too long")
        assert session.line.closed
        assert ("command line", "421, closed") in session.line.limits

    play(story)


def test_longest_command_line(play):
    async def story(session):
        await session.greet()
        line = b"NOOP " + b"x" * (Limits().command_line - 7) + b"\r\n"
        assert await session.send(line) == b"250 2.0.0 Ok\r\n"

    play(story)


def test_endless_data_line_keeps_memory_flat(play, box):
    async def story(session):
        await session.letter(b"")
        for _ in range(320):
            await session.send(b"a" * 65536)
            assert len(session.server._intake) <= HIGH + 65536
        assert (await session.send(b"\r\n.\r\n")).startswith(b"552 5.3.4")

    play(story, limits=replace(Limits(), message=100_000))
    assert box.letters == []


def test_client_that_floods_has_to_wait(play, box):
    async def story(session):
        await session.greet("EHLO x")
        session.server.data_received(b"NOOP\r\n" * 50_000)
        assert session.line.paused
        for _ in range(5000):
            await session.rest()
            if not session.line.paused:
                break
        assert not session.line.paused

    play(story)


def test_endless_auth_line(play):
    async def story(session):
        await session.greet("EHLO x", "AUTH LOGIN")
        assert (await session.send(b"A" * 5000)).startswith(b"421 4.7.0 Authentication line")
        assert session.line.closed

    play(story, role="submission", tls=True)


@pytest.mark.parametrize("command", [b"WHAT\r\n", b"RCPT TO:<minh>\r\n", b"\r\n"])
def test_too_many_errors(play, small, command):
    async def story(session):
        await session.greet("EHLO x", "MAIL FROM:<>")
        for _ in range(small.bad_commands - 1):
            assert (await session.send(command)).startswith(b"5")
        assert (b"421 4.7.0 Too many errors" in await session.send(command)) and (
            session.line.closed
        )

    play(story, limits=small)


def test_a_hundred_dead_addresses_keep_nobody_from_the_last(play, box):
    """RFC 5321 §4.5.3.1.8 asks for a hundred recipients: that many may be refused, too."""

    async def story(session):
        await session.greet("EHLO x", "MAIL FROM:<>")
        for number in range(100):
            assert (await session.send(b"RCPT TO:<x%d@saigon.example>\r\n" % number))[:3] == b"550"
        assert (await session.send(b"RCPT TO:<minh@saigon.example>\r\n"))[:3] == b"250"
        assert (await session.send(b"DATA\r\n"))[:3] == b"354"
        assert (await session.send(END))[:3] == b"250"

    play(story)
    assert len(box.letters) == 1


def test_guessing_recipients_ends(play, small):
    async def story(session):
        await session.greet("EHLO x", "MAIL FROM:<>")
        for _ in range(6):
            assert (await session.send(b"RCPT TO:<who@saigon.example>\r\n"))[:3] == b"550"
        answer = await session.send(b"RCPT TO:<who@saigon.example>\r\n")
        assert b"421 4.7.0 Too many errors" in answer and session.line.closed
        assert session.line.limits == [("refused recipients", "421, closed")]

    play(story, limits=replace(small, refused_recipients=7))


def test_an_accepted_letter_pays_for_earlier_errors(play, box, small):
    async def story(session):
        for _ in range(3):
            await session.letter(b"")  # EHLO … DATA
            assert (await session.send(END)).startswith(b"250")
            for _ in range(small.bad_commands - 1):
                await session.send(b"WHAT\r\n")
        assert not session.line.closed

    play(story, limits=small)
    assert len(box.letters) == 3


def test_refused_recipients_are_recorded(play):
    async def story(session):
        await session.greet("EHLO x", "MAIL FROM:<>", "RCPT TO:<who@saigon.example>")
        [(kind, fields)] = session.line.events
        assert kind == "RecipientRefused"
        assert fields["recipient"] == "who@saigon.example"
        assert fields["reply"] == "550 5.1.1 No such user"

    play(story)


def test_too_many_recipients(play, small):
    async def story(session):
        await session.greet("EHLO x", "MAIL FROM:<>", *["RCPT TO:<minh@saigon.example>"] * 3)
        assert (await session.send(b"RCPT TO:<lan@saigon.example>\r\n")).startswith(b"452 4.5.3")
        assert (await session.send(b"DATA\r\n")).startswith(b"354")

    play(story, limits=small)


def test_slow_command_and_slow_letter_run_out_of_time(play):
    async def story(session):
        await session.greet("EHLO x")
        session.server._timeout_cb()
        assert session.heard().startswith(b"421 4.4.2")
        assert session.line.closed
        assert ("command time", "421, closed") in session.line.limits

    play(story)


def test_clock_runs_for_the_whole_command_not_for_each_byte(play):
    async def story(session):
        await session.greet("EHLO x")
        armed = session.server._timeout_handle
        await session.send(b"NO")
        assert session.server._timeout_handle is armed
        await session.send(b"OP\r\n")
        assert session.server._timeout_handle is not armed
        await session.greet("MAIL FROM:<>", "RCPT TO:<minh@saigon.example>", "DATA")
        armed = session.server._timeout_handle
        await session.send(b"drip")
        assert session.server._timeout_handle is armed

    play(story)


# --- planned faults -------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA", "."])
def test_planned_answers(play, box, verb):
    box.faults.plan(planned(verb, refusal("450 4.2.1 Not now")))

    async def story(session):
        if verb == ".":
            assert await session.letter(LETTER + END) == b"450 4.2.1 Not now\r\n"
            return
        lines = {"EHLO": "EHLO x", "MAIL": "MAIL FROM:<>", "RCPT": "RCPT TO:<minh@saigon.example>"}
        await session.greet(*[line for key, line in lines.items() if key < verb or verb == "RCPT"])
        said = lines.get(verb, verb).encode() + b"\r\n"
        answer = await session.send(said)
        assert b"450 4.2.1 Not now\r\n" in answer or answer.startswith(b"503")

    play(story)
    assert box.letters == []


def test_planned_greeting(play, box):
    box.faults.plan(planned("CONNECT", refusal("554 5.3.2 No SMTP service here")))

    async def story(session):
        await session.rest()
        assert session.heard() == b"554 5.3.2 No SMTP service here\r\n"
        assert (await session.send(b"EHLO x\r\n")).startswith(b"503 5.5.1")
        assert (await session.send(b"MAIL FROM:<>\r\n")).startswith(b"503 5.5.1")
        assert (await session.send(b"QUIT\r\n")).startswith(b"221")
        assert session.line.closed

    play(story)


def test_planned_greeting_that_closes(play, box):
    box.faults.plan(planned("CONNECT", refusal("421 4.3.2 Come back later")))

    async def story(session):
        await session.rest()
        assert session.heard() == b"421 4.3.2 Come back later\r\n"
        assert session.line.closed

    play(story)


# --- sessions do not know each other --------------------------------------------------


def test_sessions_share_nothing(meet):
    async def main():
        one, two = meet(), meet()
        for session in (one, two):
            await session.greet("EHLO x", "EHLO x", "MAIL FROM:<> SIZE=1")
        before = dict(SMTP.command_size_limits)
        await one.send(b"RCPT TO:<minh@saigon.example>\r\n")
        assert one.server.state == "rcpt"
        assert two.server.state == "mail"
        assert two.server._transaction.recipients == []
        assert before == dict(SMTP.command_size_limits) == {}
        assert SMTP.AuthLoginUsernameChallenge == "User Name\x00"
        await one.hang_up()
        await two.hang_up()

    asyncio.run(main())


def test_aiosmtpd_is_silent(play, capfd):
    async def story(session):
        await session.greet("EHLO x", "WHAT", "MAIL FROM:<>", "RCPT TO:<minh@saigon.example>")

    play(story)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("setup", ["", "logging.basicConfig(level='DEBUG'); "])
def test_aiosmtpd_does_not_log_whatever_the_program_does(setup):
    program = (
        f"import logging; {setup}import labmail.smtp.server\n"
        "logging.getLogger('mail.log').warning('x')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


# --- any session ----------------------------------------------------------------------

LINES = [
    b"EHLO a.example\r\n",
    b"HELO a\r\n",
    b"MAIL FROM:<a@b.example> SIZE=10\r\n",
    b"MAIL FROM:<>\r\n",
    b"RCPT TO:<minh@saigon.example>\r\n",
    b"RCPT TO:<x@y.example>\r\n",
    b"DATA\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY x\r\n",
    b"STARTTLS\r\n",
    b"AUTH LOGIN\r\n",
    b"*\r\n",
    b"body\r\n",
    b".\r\n",
    b"\xff\x00\r\n",
    b"NOOP\n",
    b"\r\n",
]


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINES), max_size=25), st.booleans())
def test_any_session_is_answered_line_by_line(box, play, lines, submission):
    """Whatever is said line by line: one reply for each command, and server and observer agree."""
    box.letters.clear()

    async def story(session):
        await session.greet()
        for line in lines:
            before = session.server.state
            answer = await session.send(line)
            if session.line.closed:
                return
            replies = [x for x in answer.split(b"\r\n") if x and x[3:4] == b" "]
            assert len(replies) == (0 if before == "data" and line != b".\r\n" else 1)
            assert session.server.state == session.line.observer.state

    play(story, role="submission" if submission else "exchange")


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200))
def test_noise_breaks_nothing(box, play, noise):
    async def story(session):
        await session.greet("EHLO x")
        answer = await session.send(noise + b"\r\n")
        assert all(line[:1] in b"245" for line in answer.split(b"\r\n") if line)

    play(story)
