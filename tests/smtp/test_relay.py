"""The relay client against three servers on loopback: a script, bare aiosmtpd, and ours."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiosmtpd.smtp import SMTP

from labmail.net.limits import Limits
from labmail.net.network import Network
from labmail.runtime.ca import Authority
from labmail.smtp.relay import HandOver, relay
from labmail.trace.events import Command, Content, LimitReached, Reply, Sent, TlsStarted
from labmail.trace.parcel import Envelope, Recipient
from labmail.trace.recorder import Trace

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope.of("son@hanoi.example", ["minh@saigon.example", "lan@saigon.example"])
LETTER = b"Subject: x\r\n\r\n.dot\r\nbody\r\n"
MINH, LAN = ENVELOPE.addresses
SERVER, SERVER_IP = "mx1.saigon.example", "198.51.100.25"


async def connected(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock


async def hand_over(port: int, **changes) -> HandOver:
    arguments = {
        "helo": "smtp.hanoi.example",
        "server_name": "mx1.saigon.example",
        "envelope": ENVELOPE,
        "content": LETTER,
        "tls_context": None,
        "patience": 5.0,
    }
    return await relay(await connected(port), **(arguments | changes))


def results(done: HandOver) -> dict[str, str]:
    return {address: f"{r.code} {r.status}" for address, r in done.results.items()}


# --- a server that follows a script ---------------------------------------------------

EHLO = "250-mx\r\n250-8BITMIME\r\n250-SIZE 1000\r\n250-DSN\r\n250 SMTPUTF8"
SCRIPT = {
    "": "220 mx",
    "EHLO": EHLO,
    "HELO": "250 mx",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go",
    ".": "250 2.0.0 taken",
    "QUIT": "221 bye",
}
CUT = "(hang up)"
SILENCE = "(say nothing)"


@asynccontextmanager
async def scripted(said: list[str], **answers: str | list[str]):
    """A server that answers by verb ("dot" for the end of DATA, "greeting" for the greeting);
    a list is used up one by one."""
    names = {"dot": ".", "greeting": ""}
    script = SCRIPT | {names.get(k, k): v for k, v in answers.items()}
    script = {k: list(v) if isinstance(v, list) else v for k, v in script.items()}

    conversations: list[asyncio.Task] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.current_task())
        verb = ""
        while True:
            answer = script.get(verb, "500 what")
            answer = answer.pop(0) if isinstance(answer, list) else answer
            if answer == CUT:
                break
            if answer == SILENCE:
                await reader.read()
                break
            writer.write(answer.encode() + b"\r\n")
            if verb == "QUIT" or answer.startswith("421"):
                break
            if verb == "DATA" and answer.startswith("35"):
                said.append((await reader.readuntil(b"\r\n.\r\n")).decode("latin-1"))
                verb = "."
                continue
            line = await reader.readline()
            if not line:
                break
            said.append(line.decode().rstrip())
            verb = line[:4].decode().upper()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*conversations)


def play(changes: dict | None = None, **answers) -> tuple[HandOver, list[str]]:
    said: list[str] = []

    async def main() -> HandOver:
        async with scripted(said, **answers) as port:
            return await hand_over(port, **(changes or {}))

    return asyncio.run(main()), said


def test_what_is_said():
    done, said = play()
    assert said == [
        "EHLO smtp.hanoi.example",
        f"MAIL FROM:<son@hanoi.example> SIZE={len(LETTER)} BODY=7BIT",
        "RCPT TO:<minh@saigon.example>",
        "RCPT TO:<lan@saigon.example>",
        "DATA",
        "Subject: x\r\n\r\n..dot\r\nbody\r\n.\r\n",
        "QUIT",
    ]
    assert results(done) == {MINH: "250 2.0.0", LAN: "250 2.0.0"}
    assert done.final is not None
    assert (str(done.final), done.tls, done.dsn) == ("250 2.0.0 taken", False, True)


DSN = replace(
    ENVELOPE,
    reverse_path="",
    recipients=(Recipient("mình@saigon.example", "FAILURE", "rfc822;a+40b"),),
    ret="HDRS",
    envid="QQ1",
    smtputf8=True,
)


def test_parameters_are_said_if_offered():
    _, said = play({"envelope": DSN, "content": "Subject: ơ\r\n\r\n".encode()})
    assert said[1] == "MAIL FROM:<> SIZE=15 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ1"
    assert said[2] == "RCPT TO:<mình@saigon.example> NOTIFY=FAILURE ORCPT=rfc822;a+40b"


def test_parameters_are_not_said_if_not_offered():
    plain = replace(DSN, recipients=(Recipient(MINH, "FAILURE", "rfc822;a"),))
    done, said = play({"envelope": plain}, EHLO="250 mx")
    assert said[1:3] == ["MAIL FROM:<>", "RCPT TO:<minh@saigon.example>"]
    assert not done.dsn


def test_helo_if_ehlo_is_unknown():
    done, said = play(EHLO="500 what?")
    assert said[:2] == ["EHLO smtp.hanoi.example", "HELO smtp.hanoi.example"]
    assert said[2] == "MAIL FROM:<son@hanoi.example>"
    assert done.results[MINH].positive


def test_no_helo_if_the_server_is_busy():
    done, said = play(EHLO="450 4.3.2 busy")
    assert "HELO smtp.hanoi.example" not in said
    assert results(done) == {MINH: "450 4.3.2", LAN: "450 4.3.2"}


@pytest.mark.parametrize(
    ("answers", "minh", "lan"),
    [
        ({"greeting": "554 5.3.2 no mail here"}, "554 5.3.2", "554 5.3.2"),
        ({"greeting": "421 busy"}, "421 4.0.0", "421 4.0.0"),
        ({"greeting": CUT}, "451 4.4.2", "451 4.4.2"),
        ({"EHLO": CUT}, "451 4.4.2", "451 4.4.2"),
        ({"MAIL": "550 5.7.1 spam"}, "550 5.7.1", "550 5.7.1"),
        ({"MAIL": "421 4.7.0 go away"}, "421 4.7.0", "421 4.7.0"),
        ({"MAIL": CUT}, "451 4.4.2", "451 4.4.2"),
        ({"MAIL": "nonsense"}, "451 4.5.0", "451 4.5.0"),
        ({"RCPT": ["550 5.1.1 who", "251 will forward"]}, "550 5.1.1", "250 2.0.0"),
        ({"RCPT": ["450 4.2.1 later", "250 ok"]}, "450 4.2.1", "250 2.0.0"),
        ({"RCPT": ["550 5.1.1 who", "450 4.2.1 later"]}, "550 5.1.1", "450 4.2.1"),
        ({"RCPT": ["550 5.1.1 who", "421 4.7.0 enough"]}, "550 5.1.1", "421 4.7.0"),
        ({"RCPT": ["250 ok", "421 4.7.0 enough"]}, "421 4.7.0", "421 4.7.0"),
        ({"RCPT": ["250 ok", CUT]}, "451 4.4.2", "451 4.4.2"),
        ({"DATA": "451 4.3.0 no disk"}, "451 4.3.0", "451 4.3.0"),
        ({"DATA": CUT}, "451 4.4.2", "451 4.4.2"),
        ({"dot": "554 5.6.0 awful"}, "554 5.6.0", "554 5.6.0"),
        ({"dot": "452 4.3.1 full"}, "452 4.3.1", "452 4.3.1"),
        ({"dot": "252 2.0.0 we have it"}, "252 2.0.0", "252 2.0.0"),
        ({"dot": "354 more"}, "451 4.5.0", "451 4.5.0"),
        ({"DATA": "355 go"}, "250 2.0.0", "250 2.0.0"),
        ({"DATA": "250 ok"}, "451 4.5.0", "451 4.5.0"),
        ({"RCPT": ["250 ok", "552 too many"]}, "250 2.0.0", "452 4.5.3"),
        ({"RCPT": ["250 ok", "552 5.5.3 too many"]}, "250 2.0.0", "452 4.5.3"),
        ({"RCPT": ["250 ok", "552 5.2.2 mailbox full"]}, "250 2.0.0", "552 5.2.2"),
        ({"dot": CUT}, "451 4.4.2", "451 4.4.2"),
        ({"QUIT": CUT}, "250 2.0.0", "250 2.0.0"),
        ({"QUIT": "500 what"}, "250 2.0.0", "250 2.0.0"),
    ],
)
def test_each_recipient_has_a_result(answers, minh, lan):
    done, _ = play(**answers)
    assert results(done) == {MINH: minh, LAN: lan}
    taken = minh.startswith("2") or lan.startswith("2")
    assert (done.final is not None and done.final.positive) is taken


def test_no_data_without_recipients():
    _, said = play(RCPT="550 5.1.1 who")
    assert said[-2:] == ["RCPT TO:<lan@saigon.example>", "QUIT"]


def test_lost_after_the_final_dot_says_that_it_may_have_arrived():
    done, _ = play(dot=CUT)
    assert done.final is None
    assert "may have arrived" in done.results[MINH].text


def test_silence_is_temporary():
    async def main() -> HandOver:
        async with scripted([], MAIL="250-never ends") as port:
            return await hand_over(port, patience=0.2)

    assert results(asyncio.run(main())) == {MINH: "451 4.4.2", LAN: "451 4.4.2"}


UTF8 = Envelope.of("sơn@hanoi.example", [MINH])
EIGHT_BIT = b"a: b\r\n\r\n\xff\r\n"
WIDE_HEADER = {"content": b"a: \xc3\xac\r\n\r\n", "envelope": replace(ENVELOPE, smtputf8=True)}
ONLY_8BITMIME = "250-mx\r\n250 8BITMIME"
SMUGGLER = Envelope.of("", ["a@b.example>\r\nRCPT TO:<c@d.example"])
MIXED = Envelope.of("son@hanoi.example", ["mình@saigon.example", MINH])


@pytest.mark.parametrize(
    ("changes", "ehlo", "expected"),
    [
        ({"content": EIGHT_BIT}, "250 mx", "554 5.6.3"),
        ({"content": EIGHT_BIT, "envelope": DSN}, ONLY_8BITMIME, "553 5.6.7"),
        ({"envelope": UTF8}, ONLY_8BITMIME, "553 5.6.7"),
        (WIDE_HEADER, ONLY_8BITMIME, "553 5.6.7"),
        ({"content": b"a" * 1001}, EHLO, "552 5.3.4"),
        ({"content": b"a\nb\r\n"}, EHLO, "550 5.5.2"),
        ({"content": b"a\r\n.\n\r\n"}, EHLO, "550 5.5.2"),
        ({"envelope": Envelope.of("a@b.example> X=<", [MINH])}, EHLO, "553 5.1.7"),
        ({"envelope": Envelope.of("", ["a@b.example> NOTIFY=NEVER"])}, EHLO, "553 5.1.3"),
        ({"envelope": SMUGGLER}, EHLO, "553 5.1.3"),
    ],
)
def test_what_cannot_go_as_it_is_does_not_go(changes, ehlo, expected):
    done, said = play(changes, EHLO=ehlo)
    assert set(results(done).values()) == {expected}
    assert "DATA" not in said


def test_a_utf8_recipient_does_not_spoil_it_for_the_others():
    done, said = play({"envelope": MIXED}, EHLO="250 mx")
    assert results(done) == {"mình@saigon.example": "553 5.6.7", MINH: "250 2.0.0"}
    assert said[1] == "MAIL FROM:<son@hanoi.example>"


def test_smtputf8_not_needed_is_not_insisted_on():
    done, _ = play({"envelope": replace(ENVELOPE, smtputf8=True)}, EHLO="250 mx")
    assert done.results[MINH].positive


def test_tls_required_but_not_offered_waits():
    context = ssl.create_default_context()
    done, said = play({"tls_context": context, "require_tls": True})
    assert results(done) == {MINH: "454 4.7.4", LAN: "454 4.7.4"}
    assert said == ["EHLO smtp.hanoi.example", "QUIT"]


def test_starttls_refused_goes_on_in_the_clear_only_if_allowed():
    context = ssl.create_default_context()
    answers = {"EHLO": "250-mx\r\n250 STARTTLS", "STAR": "454 4.7.0 not now"}
    done, _ = play({"tls_context": context}, **answers)
    assert (done.tls, done.results[MINH].code) == (False, 250)
    done, _ = play({"tls_context": context, "require_tls": True}, **answers)
    assert done.results[MINH].status == "4.7.4"


# --- bare aiosmtpd --------------------------------------------------------------------


class Keeper:
    def __init__(self) -> None:
        self.letters: list[tuple] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 kept"


class Bare(SMTP):
    """aiosmtpd as it is; `gone` is set when the client has left."""

    def __init__(self, *args, gone: asyncio.Event, **settings) -> None:
        super().__init__(*args, **settings)
        self.gone = gone

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.gone.set()


def test_against_bare_aiosmtpd():
    keeper = Keeper()

    async def main() -> HandOver:
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(
            lambda: Bare(keeper, hostname="mx", loop=loop, gone=gone), "127.0.0.1", 0
        )
        async with server:
            done = await hand_over(server.sockets[0].getsockname()[1])
            await gone.wait()
            return done

    assert results(asyncio.run(main())) == {MINH: "250 2.0.0", LAN: "250 2.0.0"}
    assert keeper.letters == [("son@hanoi.example", [MINH, LAN], LETTER)]


# --- our server, on a line of the lab's network ---------------------------------------


async def through(network: Network, **changes) -> HandOver:
    sock = await network.dial("smtp.hanoi.example", "192.0.2.25", SERVER_IP, 25, parcel=7)
    arguments = {
        "helo": "smtp.hanoi.example",
        "server_name": SERVER,
        "envelope": ENVELOPE,
        "content": LETTER,
        "tls_context": None,
        "patience": 5.0,
    }
    done = await relay(sock, **(arguments | changes))
    await network.rest()
    return done


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def test_from_relay_to_server_over_tls(box, serving, authority):
    async def main():
        context = authority.server_context(SERVER)
        async with serving(box, context) as (network, recorder):
            return await through(network, tls_context=authority.client_context()), recorder

    done, recorder = asyncio.run(main())
    assert done.tls
    assert done.dsn
    assert results(done) == {MINH: "250 2.0.0", LAN: "250 2.0.0"}
    [(_, content, client)] = box.letters
    assert (client.tls, client.parcel) == (True, 7)
    assert b"with ESMTPS id Q1;" in content
    assert content.endswith(LETTER)
    trace = Trace(recorder)
    assert [c.verb for c in trace.of(Command)] == [
        *("EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT")
    ]
    assert [r.code for r in trace.of(Reply)] == [
        *("220", "250", "220", "250", "250", "250", "250", "354", "250", "221")
    ]
    assert trace.of(Reply)[-1].after == "closed"
    [tls] = trace.of(TlsStarted)
    assert tls.mode == "starttls"
    [letter] = trace.of(Content)
    said = trace.said(letter.connection, "client")[letter.offset : letter.offset + letter.size]
    assert said == b"Subject: x\r\n\r\n..dot\r\nbody\r\n.\r\n"


def test_a_certificate_that_does_not_fit(box, serving, authority):
    async def main():
        context = authority.server_context("somebody.else.example")
        async with serving(box, context) as (network, _):
            return await through(network, tls_context=authority.client_context())

    done = asyncio.run(main())
    assert results(done) == {MINH: "454 4.7.5", LAN: "454 4.7.5"}
    assert box.letters == []


def test_large_letter_crosses(box, serving):
    letter = b"Subject: x\r\n\r\n" + (b"." + b"x" * 75 + b"\r\n") * 60_000

    async def main():
        async with serving(box, None) as (network, _):
            return await through(network, content=letter)

    assert asyncio.run(main()).results[MINH].positive
    assert box.letters[0][1].endswith(letter)


def test_slowloris_is_told_and_cut(box, serving):
    async def main():
        async with serving(box, None, replace(Limits(), idle_seconds=0.05)) as (network, recorder):
            sock = await network.dial("slow", "192.0.2.66", SERVER_IP, 25)
            reader, writer = await asyncio.open_connection(sock=sock)
            said = await reader.read()
            writer.close()
            await writer.wait_closed()
            return said, recorder

    said, recorder = asyncio.run(main())
    assert said.splitlines()[-1].startswith(b"421 4.4.2")
    assert Trace(recorder).of(LimitReached)


def test_injected_before_tls_is_dropped(box, serving, authority):
    """CVE-2011-0411: whoever sits in between puts a command behind the client's STARTTLS."""

    async def main():
        context = authority.server_context(SERVER)
        async with serving(box, context) as (network, recorder):
            sock = await network.dial("x", "192.0.2.66", SERVER_IP, 25)
            reader, writer = await asyncio.open_connection(sock=sock)
            await reader.readline()
            writer.write(b"EHLO x\r\n")
            while not (await reader.readline()).startswith(b"250 "):
                continue
            writer.write(b"STARTTLS\r\nRSET\r\nVRFY injected\r\n")
            assert (await reader.readline()).startswith(b"220 2.0.0")
            client = authority.client_context()
            await writer.start_tls(client, server_hostname=SERVER)
            writer.write(b"NOOP\r\n")
            answer = await reader.readline()
            writer.close()
            return answer, recorder

    answer, recorder = asyncio.run(main())
    assert answer == b"250 2.0.0 Ok\r\n"
    verbs = [c.verb for c in Trace(recorder).of(Command)]
    assert verbs == ["EHLO", "STARTTLS", "NOOP"]
    assert b"injected" in b"".join(e.data for e in Trace(recorder).of(Sent))


def test_implicit_tls_and_a_login(box, serving, authority):
    """Port 465: TLS from the first byte; the password is marked as a secret in what was said."""
    credentials = b"AG1pbmhAc2FpZ29uLmV4YW1wbGUAbeG6rXQga2jhuql1"

    async def main():
        context = authority.server_context(SERVER)
        async with serving(box, context, implicit=context, role="submission") as (
            network,
            recorder,
        ):
            sock = await network.dial("laptop", "192.0.2.66", SERVER_IP, 25)
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=authority.client_context(), server_hostname=SERVER
            )
            writer.write(b"EHLO laptop\r\n")
            while not (line := await reader.readline()).startswith(b"250 "):
                assert b"STARTTLS" not in line
            writer.write(b"AUTH PLAIN " + credentials + b"\r\n")
            answer = await reader.readline()
            writer.close()
            return answer, recorder

    answer, recorder = asyncio.run(main())
    assert answer.startswith(b"235 2.7.0")
    marked = [e.data[a:b] for e in Trace(recorder).of(Sent) for a, b in e.secrets]
    assert marked == [credentials]


def test_the_answer_to_quit_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the relay returns, a crash would send the letter again."""
    monkeypatch.setattr("labmail.smtp.relay.QUIT_PATIENCE", 0.05)
    done, said = play(QUIT=SILENCE)
    assert set(results(done).values()) == {"250 2.0.0"}
    assert said[-1] == "QUIT"
