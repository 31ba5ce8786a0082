r"""Attacks and accidents that an SMTP server of the lab survives; what other files hold is named.

    smuggling: only CR LF . CR LF ends DATA        test_no_trick_splits_a_letter (here),
                                                   test_dotreader.py, bad_newlines.dialog
    …a relay sends no lone CR or LF                test_relay.py: test_what_cannot_go_as_it_is…
    …two servers that are too kind                 test_lenient.py
    STARTTLS injection                             test_relay.py: test_injected_before_tls…,
                                                   starttls.dialog, starttls_forgets.dialog
    lines and letters without end                  test_two_hundred_megabytes_…, and of AUTH (here)
    header and command injection                   test_an_address_cannot_hold_a_command (here),
                                                   test_replies.py, tests/test_user.py
    forged trace fields                            test_forged_fields_… (here),
                                                   test_trace_fields.py
    headers without end                            test_a_header_without_end_is_… (here),
                                                   test_content.py
    open relay                                     relaying.dialog, test_host.py
    slowloris: command, letter, session            test_server.py (clocks), test_relay.py,
                                                   tests/net/test_connection.py
    connections, recipients, errors, HTTP          test_a_thousand_idle_connections,
                                                   test_ten_thousand_recipients,
                                                   test_floods_end (here), http.dialog
    NUL, 8-bit, broken UTF-8 in commands           syntax.dialog, test_fuzz.py
    enumeration                                    small_commands.dialog
    SMTPUTF8 and 8-bit to a hop without            test_relay.py: test_what_cannot_go_as_it_is…
    pipelining where one must wait                 pipelining.dialog, out_of_step.dialog,
                                                   auth_pipelined.dialog
    anything else                                  test_fuzz.py

After each of them the next client is served as if nothing had happened.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import tracemalloc
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage
from itertools import pairwise
from typing import Any

import pytest

from labmail import Lab
from labmail.letter.fields import first
from labmail.letter.mime import scan
from labmail.net.limits import Limits
from labmail.trace.events import Accepted, LimitReached, Sent, WorkFailed
from labmail.trace.recorder import Trace
from labmail.views import ladder, transcript, wire

MEGABYTE = 1024 * 1024
SUBMISSION = "smtp.hanoi.example"
SERVER_IP = "198.51.100.25"
BEGIN = b"EHLO x\r\nMAIL FROM:<son@hanoi.example>\r\nRCPT TO:<minh@saigon.example>\r\n"


async def call(network: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = await network.dial("smtp.spam.example", "203.0.113.66", SERVER_IP, 25, kind="outside")
    return await asyncio.open_connection(sock=sock)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def is_well_served(network: Any, box: Any) -> None:
    """One client that behaves: its letter is taken."""
    before = len(box.letters)
    reader, writer = await call(network)
    writer.write(BEGIN + b"DATA\r\n")
    await reader.readuntil(b"\r\n354 ")
    writer.write(b"Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n")
    assert b"221 2.0.0 Good-bye" in await reader.read()
    assert len(box.letters) == before + 1
    await hang_up(writer)


def attack(box: Any, serving: Any, story: Any, **changes: Any) -> Trace:
    """Run ``await story(network)``, then see whether the next client is well served."""

    async def main() -> Trace:
        async with serving(box, None, replace(Limits(), **changes)) as (network, recorder):
            await story(network)
            await is_well_served(network, box)
            return Trace(recorder)

    trace = asyncio.run(main())
    assert trace.of(WorkFailed) == ()
    return trace


# --- where a letter ends ------------------------------------------------------------------

TRICKS = [
    *(b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\r\n.\r\r\n", b"\r.\r\n"),
    *(b"\n.\r", b"\r.\n", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\r\n. \r\n", b"\r\n .\r\n"),
    b"\r\n..\r\n",
]  # fmt: skip
HIDDEN = b"MAIL FROM:<lan@hanoi.example>\r\nRCPT TO:<minh@saigon.example>\r\nDATA\r\nhidden"


@pytest.mark.parametrize("trick", TRICKS, ids=repr)
def test_no_trick_splits_a_letter(play: Any, box: Any, trick: bytes) -> None:
    """However the octets are cut: one letter or none, one answer, and the session is in step."""
    octets = b"a" + trick + HIDDEN + b"\r\n.\r\n"

    async def story(session: Any) -> None:
        await session.greet("EHLO x")
        for cut in range(len(b"a" + trick) + 2):
            box.letters.clear()
            await session.greet("MAIL FROM:<>", "RCPT TO:<minh@saigon.example>", "DATA")
            assert await session.send(octets[:cut]) == b""
            answer = await session.send(octets[cut:])
            assert answer.count(b"\r\n") == 1 and answer[:3] in (b"250", b"550", b"554")
            assert len(box.letters) == (answer[:3] == b"250")
            assert all(content.endswith(b"hidden\r\n") for _, content, _ in box.letters)
            assert session.server.state == session.line.observer.state == "ready"
            assert await session.send(b"NOOP\r\n") == b"250 2.0.0 Ok\r\n"

    play(story, limits=replace(Limits(), bad_commands=1000))


# --- too much -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "last_word"),
    [
        (b"EHLO x\r\n", b"421 4.7.0 Command line too long"),
        (BEGIN + b"DATA\r\n", b"552 5.3.4 The letter is larger"),
    ],
    ids=["command", "letter"],
)
def test_two_hundred_megabytes_without_line_end(
    box: Any, serving: Any, begin: bytes, last_word: bytes
) -> None:
    async def story(network: Any) -> None:
        tracemalloc.start()
        try:
            await flood(network, begin, last_word)
            assert tracemalloc.get_traced_memory()[1] < 48 * MEGABYTE
        finally:
            tracemalloc.stop()

    attack(box, serving, story, message=MEGABYTE)


async def flood(network: Any, begin: bytes, last_word: bytes) -> None:
    """Send 200 MB of the letter A, or as much as the server will listen to."""
    reader, writer = await call(network)
    writer.write(begin)
    await asyncio.wait_for(reader.readuntil(b"\r\n354 " if b"DATA" in begin else b"250 "), 20)
    with suppress(ConnectionError):
        for _ in range(200):
            writer.write(b"A" * MEGABYTE)
            await writer.drain()
        writer.write(b"\r\n.\r\nQUIT\r\n")
        assert last_word in await reader.read()
    await hang_up(writer)


def test_endless_auth_line_is_cut(play: Any) -> None:
    async def story(session: Any) -> None:
        await session.greet("EHLO x", "AUTH LOGIN")
        heard = b""
        for _ in range(20 * MEGABYTE // 65536):
            heard += await session.send(b"A" * 65536)
        assert heard == b"421 4.7.0 Authentication line too long, closing the connection\r\n"
        assert len(session.server._intake) <= 65536

    play(story, role="submission", tls=True)


@pytest.mark.slow
def test_ten_thousand_recipients(box: Any, serving: Any) -> None:
    """As many as are allowed get in; to the others the server says "not now" and stays calm."""

    async def story(network: Any) -> None:
        reader, writer = await call(network)
        writer.write(b"EHLO x\r\nMAIL FROM:<>\r\n")
        writer.write(b"RCPT TO:<minh@saigon.example>\r\n" * 10_000)
        writer.write(b"RSET\r\nQUIT\r\n")
        said = await reader.read()
        assert said.count(b"250 2.1.5 ") == 1000
        assert said.count(b"452 4.5.3 ") == 9000
        assert said.endswith(b"221 2.0.0 Good-bye\r\n")
        await hang_up(writer)

    attack(box, serving, story)


@pytest.mark.slow
def test_a_thousand_idle_connections(box: Any, serving: Any) -> None:
    """They cost nobody anything until there are too many; then new ones are not served."""
    resource = pytest.importorskip("resource")
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    many = 1000 if room > 2200 or room < 0 else (room - 200) // 2

    async def story(network: Any) -> None:
        idle = [await call(network) for _ in range(many - 1)]
        await is_well_served(network, box)
        idle.append(await call(network))
        reader, writer = await call(network)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        for _, each in [*idle, (reader, writer)]:
            await hang_up(each)

    trace = attack(box, serving, story, connections=many)
    assert [e.limit for e in trace.of(LimitReached)] == ["connections"]


@pytest.mark.parametrize(
    ("noise", "answer"),
    [
        (b"GET / HTTP/1.1\r\nHost: mx1\r\n\r\n", b"421 4.7.0 This is SMTP, not HTTP"),
        (b"WHAT\r\n" * 10_000, b"421 4.7.0 Too many errors"),
        (b"EHLO x\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<who@saigon.example>\r\n" * 1000, b"421 4.7.0"),
        (b"\x16\x03\x01\x02\x00\x01\x00" + bytes(512) + b"\r\n" + b"\0\r\n" * 50, b"421 4.7.0"),
        (b"\r\n" * 100_000, b"421 4.7.0 Too many errors"),
        (b"EHLO x\r\n" + "NOOP \x85\x01\r\n".encode() * 50, b"421 4.7.0 Too many errors"),
    ],
    ids=["HTTP", "bad commands", "guessing recipients", "TLS without asking", "empty", "controls"],
)
def test_floods_end(box: Any, serving: Any, noise: bytes, answer: bytes) -> None:
    async def story(network: Any) -> None:
        reader, writer = await call(network)
        writer.write(noise)
        with suppress(ConnectionError):
            assert answer in await reader.read()
        await hang_up(writer)

    trace = attack(box, serving, story)
    assert trace.of(LimitReached)


def test_hanging_up_anywhere_disturbs_nobody(box: Any, serving: Any) -> None:
    session = BEGIN + b"DATA\r\n"

    async def story(network: Any) -> None:
        for end in range(0, len(session), 7):
            _, writer = await call(network)
            writer.write(session[:end])
            await hang_up(writer)

    attack(box, serving, story)
    assert len(box.letters) == 1


# --- what is not what it seems ------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "MAIL FROM:<a@b.example>\rRCPT TO:<c@d.example>",
        "MAIL FROM:<a\x00@b.example>",
        "MAIL FROM:<a@b.example\x0b>",
        "MAIL FROM:<a@b.example>> SIZE=1",
        "MAIL FROM:<a@b.example> BODY=8BITMIME\x00",
        'MAIL FROM:<"a\x1f"@b.example>',
    ],
)
def test_an_address_cannot_hold_a_command(play: Any, line: str) -> None:
    async def story(session: Any) -> None:
        await session.greet("EHLO x")
        answer = await session.send(line.encode() + b"\r\n")
        assert answer.startswith((b"500 5.5.2", b"501 5.1.7")), answer
        assert session.server.state == "ready"

    play(story)


def test_forged_fields_end_at_the_border(lab: Lab) -> None:
    """On both sides of the door: what bears our name is taken off, what bears another's stays."""
    son = lab.user("son@hanoi.example")
    forged = (
        b"Authentication-Results: (trust (me)) MX1.saigon.example;\r\n\tspf=pass\r\n"
        b"Authentication-Results: smtp.hanoi.example; dkim=pass\r\n"
        b"Authentication-Results: bank.example; dkim=pass\r\n"
        b"Return-Path: <boss@saigon.example>\r\nSubject: x\r\n\r\nbody\r\n"
    )
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.sendmail("villain@spam.example", ["minh@saigon.example"], forged)
    with son.smtp() as server:
        server.sendmail(son.address, ["minh@saigon.example"], forged)
    lab.settle()
    minh = lab.user("minh@saigon.example")
    from_villain, from_son = (minh.read(row.uid) for row in minh.inbox().rows)
    results = [letter.get_all("Authentication-Results") for letter in (from_villain, from_son)]
    assert results == [
        ["smtp.hanoi.example; dkim=pass", "bank.example; dkim=pass"],
        ["bank.example; dkim=pass"],
    ]
    assert from_villain.get_all("Return-Path") == ["<villain@spam.example>"]
    assert from_son.get_all("Return-Path") == ["<son@hanoi.example>"]


def test_forged_fields_do_not_hide_behind_a_line_that_is_no_field(lab: Lab) -> None:
    forged = (
        b"Subject: x\r\nnot a header\r\nAuthentication-Results: mx1.saigon.example; spf=pass\r\n"
        b"Return-Path: <boss@saigon.example>\r\nX-Last: y\r\n\r\nbody\r\n"
    )
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.sendmail("villain@spam.example", ["minh@saigon.example"], forged)
        with pytest.raises(smtplib.SMTPDataError, match="loop"):
            loop = b"not a header\r\n" + b"Received: by mx1.saigon.example\r\n" * 60 + b"\r\n"
            server.sendmail("villain@spam.example", ["minh@saigon.example"], loop)
    lab.settle()
    mailbox = lab.user("minh@saigon.example").pop3()
    fields = scan(b"\r\n".join(mailbox.retr(1)[1])).fields
    mailbox.quit()
    found = {name: first(fields, name) for name in (b"return-path", b"x-last")}
    assert found == {b"return-path": b"<villain@spam.example>", b"x-last": b"y"}
    assert first(fields, b"authentication-results") is None


@pytest.mark.parametrize("line", [b"a:\r\n", b" ((((((((((((\r\n"])
def test_a_header_without_end_is_refused_unread(box: Any, serving: Any, line: bytes) -> None:
    async def story(network: Any) -> None:
        reader, writer = await call(network)
        writer.write(BEGIN + b"DATA\r\n")
        await reader.readuntil(b"\r\n354 ")
        header = b"Authentication-Results:\r\n" + line * (5 * MEGABYTE // len(line))
        writer.write(header + b"\r\nbody\r\n.\r\nQUIT\r\n")
        assert b"552 5.3.4 The letter's header" in await reader.read()
        await hang_up(writer)

    attack(box, serving, story)


# --- passwords -------------------------------------------------------------------------------


MISSPELT = [
    *(b"AUTH %s\r\n", b"AUTH=PLAIN %s\r\n", b"AUTHPLAIN %s\r\n", b" AUTH PLAIN %s\r\n"),
    *(b"AUTH PLAIN\r%s\r\n", b"AUTH PLAIN %s\n", b"NOOP\r\nAUTHLOGIN\r\n%s\r\n"),
    *(b"STARTTLS\r\nAUTH PLAIN %s\r\n", b"STARTTLS\r\n%s\r\n"),
]


def test_a_password_in_the_wrong_place_is_marked(lab: Lab) -> None:
    """It was said, so it is in the trace; but the views show dots."""
    password = b64encode(b"\0son\0hoa-sen-1")
    with lab.record() as trace:
        for said in MISSPELT:
            with socket.create_connection((SUBMISSION, 587)) as sock:
                sock.recv(4096)
                sock.sendall(b"EHLO x\r\n" + said % password)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(4096):
                    pass
        lab.settle()
    assert len(trace.connections) == len(MISSPELT)
    for said, connection in zip(MISSPELT, trace.connections, strict=True):
        sent = [e for e in trace.of(Sent) if e.connection == connection]
        marked = b"".join(e.data[a:b] for e in sent for a, b in e.secrets)
        assert password in marked and b"EHLO" not in marked, said
        assert password in trace.said(connection, "client")
    for view in (wire(trace), ladder(trace), transcript(trace)):
        assert password.decode() not in view.text() + view.html()


# --- traps of Python's own modules ----------------------------------------------------------


def test_as_bytes_puts_bare_newlines_on_the_wire_and_is_refused(lab: Lab) -> None:
    """`EmailMessage.as_bytes` ends lines with LF; smtplib.sendmail sends octets as they are."""
    letter = EmailMessage()
    letter["Subject"] = "x"
    letter.set_content("Dòng một.\n.\nDòng ba.\n")
    with lab.record() as trace, smtplib.SMTP("mx1.saigon.example", 25) as server:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            server.sendmail("son@hanoi.example", ["minh@saigon.example"], letter.as_bytes())
        assert refused.value.smtp_code == 550
        assert b"stands alone" in refused.value.smtp_error
        server.send_message(letter, "son@hanoi.example", ["minh@saigon.example"])
    assert len(trace.of(Accepted)) == 1
    lab.settle()
    minh = lab.user("minh@saigon.example")
    assert minh.read(1).get_content().splitlines() == ["Dòng một.", ".", "Dòng ba."]


def test_a_letter_of_dots_arrives_as_it_was(lab: Lab) -> None:
    """Dots are doubled and halved at each hop; lines of dots at every length come through."""
    lines = [b"." * n + end for n in range(6) for end in (b"", b" ", b"x")]
    letter = b"Subject: dots\r\n\r\n" + b"".join(line + b"\r\n" for line in lines)
    son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
    with son.smtp() as server:
        server.sendmail(son.address, [minh.address], letter)
    lab.settle()
    mailbox = minh.pop3()
    _, stored, _ = mailbox.retr(1)
    mailbox.quit()
    assert stored[-len(lines) :] == lines


def test_two_letters_on_one_connection_do_not_mix(lab: Lab) -> None:
    """What the first transaction knew, the second does not: sender, recipients, parameters."""
    with lab.record() as trace, smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.ehlo()
        server.mail("a@hanoi.example", ["BODY=8BITMIME", "RET=HDRS", "ENVID=one"])
        server.rcpt("minh@saigon.example", ["NOTIFY=NEVER"])
        server.data(b"Subject: one\r\n\r\n\xe1\xbb\x9f\r\n")
        server.mail("b@hanoi.example")
        server.rcpt("hoa@saigon.example")
        server.data(b"Subject: two\r\n\r\n")
    one, two = (e.envelope for e in trace.of(Accepted))
    assert (one.body, one.ret, one.envid, one.recipients[0].notify) == (
        *("8BITMIME", "HDRS", "one", "NEVER"),
    )
    assert (two.reverse_path, two.addresses) == ("b@hanoi.example", ("hoa@saigon.example",))
    assert (two.body, two.ret, two.envid, two.recipients[0].notify) == ("7BIT", None, None, None)


def test_every_cut_of_a_session_in_two_is_the_same_session(lab: Lab) -> None:
    """Not the packets make commands, the line ends do."""
    session = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<minh@saigon.example>\r\nNOOP\r\nQUIT\r\n"
    heard = set()
    for cut in range(1, len(session), 5):
        with socket.create_connection(("mx1.saigon.example", 25)) as sock:
            for begin, end in pairwise((0, cut, len(session))):
                sock.sendall(session[begin:end])
            said = b""
            while data := sock.recv(4096):
                said += data
            heard.add(said)
    assert len(heard) == 1
