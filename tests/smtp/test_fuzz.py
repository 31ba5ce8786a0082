"""A million octets of hostile input, the same in every run, against the real server class.

Real sessions (the client's lines of tests/dialogs/smtp) are cut up, doubled, spliced and
spoilt, and sent in pieces of any size.  Whatever comes: nothing breaks inside (no exception,
no 451 "Local error"), each reply can be read, the observer knows the server's state, what is
accepted is a letter that may go on, and after the noise a client who makes sense is served.
"""

from __future__ import annotations

import ast
import asyncio
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labmail.net.core import Say
from labmail.net.limits import Limits
from labmail.smtp.dialog import Dialog
from labmail.smtp.dotreader import DotReader
from labmail.smtp.lenient import LenientDotReader

OCTETS = 1_000_000
KINDS: dict[str, dict[str, Any]] = {
    "exchange": {},
    "submission": {"role": "submission", "tls": True},
    "submission in the clear": {"role": "submission", "allow_clear": True},
    "lenient": {"lenient": frozenset({"sender", "receiver"})},
}
LIMITS = replace(Limits(), message=20_000, recipients=5, bad_commands=200)
REPLY = re.compile(rb"(?:[2-5]\d\d-[\x20-\x7e]*\r\n)*[2-5]\d\d(?: [\x20-\x7e]*)?\r\n")
SPICES = [
    *(b"\r\n", b"\n", b"\r", b"\0", b".", b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n"),
    *(b"\r\n.\r", b"\r\r\n.\r\r\n", b"\xff", b"\xc3\x28", "ơ".encode(), b"\x7f", b" ", b"\t", b"<"),
    *(b">", b"@", b":", b"DATA\r\n", b"RSET\r\n", b"STARTTLS\r\n", b"QUIT\r\n", b"AUTH PLAIN\r\n"),
    *(
        b"AUTH LOGIN AA==\r\n",
        b"*\r\n",
        b"=\r\n",
        b"EHLO x\r\n",
        b"MAIL FROM:<>\r\n",
        b"GET / HTTP",
    ),
    *(b"RCPT TO:<minh@saigon.example>\r\n", b"MAIL FROM:<a@b.example> SIZE=1 BODY=8BITMIME\r\n"),
    *(b"a" * 1500, b"<" * 70, b"Received: x\r\n" * 60, b"\r\n\r\n", b"BDAT 3 LAST\r\nabc"),
]


def real_sessions() -> Iterator[list[bytes]]:
    """What clients say in the dialogs."""
    for path in sorted((Path(__file__).parents[1] / "dialogs" / "smtp").glob("*.dialog")):
        said = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line[:2] == "C:":
                said.append(line[2:].removeprefix(" ").encode() + b"\r\n")
            elif line[:2] == "C>":
                said.append(ast.literal_eval(f"b'{line[3:]}'"))
        yield said


SESSIONS = list(real_sessions())


def spoilt(dice: random.Random) -> bytes:
    """A session that was real before something happened to it."""
    lines = [line for _ in range(dice.randint(1, 3)) for line in dice.choice(SESSIONS)]
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(lines))
        match dice.randrange(7):
            case 0:
                lines.insert(at, dice.choice(SPICES))
            case 1:
                lines[at] = lines[at] * dice.randint(2, 4)
            case 2:
                lines.insert(at, dice.choice(dice.choice(SESSIONS) or [b""]))
            case 3:
                lines[at] = dice.choice(SPICES) + lines[at][dice.randrange(9) :]
            case 4:
                lines[at] = bytes(
                    b ^ (dice.random() < 0.05) * dice.randrange(256) for b in lines[at]
                )
            case 5:
                lines[at] = dice.randbytes(dice.randint(1, 300))
            case 6:
                dice.shuffle(lines)
    return b"".join(lines)


def pieces(octets: bytes, dice: random.Random) -> Iterator[bytes]:
    """The octets, cut anywhere."""
    longest = dice.choice([20, 200, 5000] if len(octets) > 400 else [1, 7])
    while octets:
        size = dice.randint(1, longest)
        yield octets[:size]
        octets = octets[size:]


def well_begun(kind: str, dice: random.Random) -> list[bytes]:
    """The first lines of a session that makes sense: noise must not only be heard at the door."""
    login = [b"AUTH PLAIN AG1pbmhAc2FpZ29uLmV4YW1wbGUAbeG6rXQga2jhuql1\r\n"]
    lines = [
        b"EHLO laptop\r\n",
        *(login if kind.startswith("submission") else []),
        b"MAIL FROM:<minh@saigon.example> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n",
        b"RCPT TO:<minh@saigon.example>\r\n",
        b"DATA\r\n",
        b"Subject: x\r\n\r\nbody",
    ]
    return lines[: dice.randint(0, len(lines))]


async def idle(session: Any) -> None:
    """Until the server waits for more."""
    before, quiet = None, 0
    while quiet < 4:
        await asyncio.sleep(0)
        now = (len(session.line.said), len(session.server._intake), session.server.state)
        quiet = quiet + 1 if now == before else 0
        before = now


async def say(session: Any, octets: bytes) -> None:
    if not session.line.closed:
        session.line.reports += session.line.observer.client_said(octets)
        session.server.data_received(octets)
        await idle(session)


async def endure(session: Any, octets: Iterator[bytes]) -> None:
    """Say all that, then make sense again."""
    await idle(session)
    for piece in octets:
        if session.line.closed:
            break
        await say(session, piece)
    if not session.line.closed:
        await make_sense(session)
    check(session)


async def make_sense(session: Any) -> None:
    """End whatever is under way, and be answered as anybody is."""
    await say(session, b"\r\n")
    await say(session, {"data": b"\r\n.\r\n", "auth": b"*\r\n"}.get(session.server.state, b""))
    session.heard()
    await say(session, b"RSET\r\nNOOP\r\n")
    if not session.line.closed:
        said = session.heard()
        assert said == b"250 2.0.0 Transaction forgotten\r\n250 2.0.0 Ok\r\n", said


def check(session: Any) -> None:
    said = bytes(session.line.said)
    assert REPLY.sub(b"", said) == b"", said[-300:]
    assert b"451 4.3.0" not in said, said[-300:]
    if not session.line.closed:
        assert session.line.observer.state == session.server.state
    for envelope, content, client in session.box.letters:
        assert envelope.recipients
        assert content.startswith(b"Received: ")
        assert client.role == "exchange" or client.authenticated
        if "lenient" not in session.kind:
            pairs = content.count(b"\r\n")
            assert content.count(b"\r") == pairs == content.count(b"\n")
    session.box.letters.clear()


def meet_kind(meet: Any, kind: str) -> Any:
    session = meet(limits=LIMITS, **KINDS[kind])
    session.kind = kind
    session.line.observer = Dialog(LenientDotReader if kind == "lenient" else DotReader)
    return session


def run(story: Any) -> None:
    """Run it on a loop; whatever breaks where nobody waits for it is an error, too."""
    broken: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: broken.append(about))
        await story()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert broken == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_spoilt_octets(meet, kind):
    async def story() -> None:
        dice, sent = random.Random(f"spoilt {kind}"), 0
        while sent < OCTETS // len(KINDS):
            octets = spoilt(dice)
            sent += len(octets)
            session = meet_kind(meet, kind)
            try:
                await endure(session, chain(well_begun(kind, dice), pieces(octets, dice)))
            finally:
                await session.hang_up()
            answers = [report for report in session.line.reports if isinstance(report, Say)]
            seen.update(f"{answer.before} {answer.code}" for answer in answers)

    seen: Counter[str] = Counter()
    run(story)
    everywhere = {"greeted 503", "ready 250", "mail 250", "rcpt 354", "data 250"}
    assert everywhere <= set(seen), "noise that is refused at the door proves nothing"
    assert ("data 550" in seen) is (kind != "lenient")


WORDS = st.one_of(
    st.sampled_from([line for session in SESSIONS for line in session]),
    st.sampled_from(SPICES),
    st.binary(max_size=40),
)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(WORDS, max_size=20), st.sampled_from(sorted(KINDS)), st.integers(0, 1000))
def test_any_session_leaves_the_server_in_step(meet, words, kind, seed):
    async def story() -> None:
        session = meet_kind(meet, kind)
        try:
            dice = random.Random(seed)
            await endure(session, pieces(b"".join(words), dice))
        finally:
            await session.hang_up()

    run(story)
