"""The core: what is recorded, what is refused, and always in step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labmail.imap.core import ImapCore
from labmail.mailbox.index import IndexFailed
from labmail.net.core import Carried, Heard, Limit, Output, Say, StartTls
from labmail.net.limits import Limits
from labmail.trace.events import Side
from tests.imap.house import PHO, Client, House, said


def heard(outputs: list[Output]) -> list[Heard]:
    return [output for output in outputs if isinstance(output, Heard)]


def kinds(outputs: list[Output]) -> list[str]:
    return [type(output).__name__ for output in outputs]


def shown(one: Heard) -> bytes:
    """The line with its secrets masked."""
    line = one.line
    for start, end in one.secrets:
        line = line[:start] + b"*" * (end - start) + line[end:]
    return line


# --- the record --------------------------------------------------------------------------


def test_a_command_and_its_answer_are_recorded(house: House) -> None:
    core = house.core()
    core.greet()
    outputs = core.receive(b"a1 noop\r\n")
    state = "not authenticated"
    assert outputs == [
        Heard("NOOP", b"a1 noop", state, 0, "a1"),
        Say(b"a1 OK Nothing done\r\n", "OK", "NOOP", state, state, "a1"),
    ]


def test_states_before_and_after(house: House) -> None:
    client = house.client("SELECT INBOX")
    last = client.outputs[-1]
    assert isinstance(last, Say)
    assert (last.before, last.after) == ("authenticated", "selected")
    client.do("SELECT Nowhere")  # RFC 3501 §6.3.1: nothing is selected then
    last = client.outputs[-1]
    assert isinstance(last, Say)
    assert (last.code, last.before, last.after) == ("NO", "selected", "authenticated")
    assert client.answer("FETCH 1 UID").startswith("BAD")


def test_uid_commands_have_one_name(house: House) -> None:
    client = house.client("SELECT INBOX")
    client.do("uid fetch 1 UID")
    assert heard(client.outputs)[0].verb == "UID FETCH"


def test_what_nobody_asked_for_answers_no_verb(house: House) -> None:
    client = house.client("SELECT INBOX")
    house.deliver(PHO)
    client.do("NOOP")
    untagged = [o for o in client.outputs if isinstance(o, Say) and o.code == "*"]
    assert [o.verb for o in untagged] == ["", ""]


def test_a_letter_that_comes_with_append(house: House) -> None:
    client = house.client()
    before = heard(client.outputs)[0]
    client.do(b"APPEND Sent {%d+}\r\n%s" % (len(PHO), PHO))
    (carried,) = [o for o in client.outputs if isinstance(o, Carried)]
    line = heard(client.outputs)[0]
    assert carried.sender is Side.CLIENT
    begin = carried.offset - line.offset
    assert line.line[begin : begin + carried.size] == PHO
    assert line.offset > before.offset


# --- passwords ---------------------------------------------------------------------------

SECRET = b"nuoc-mam-7"


@pytest.mark.parametrize(
    "data",
    [
        b"A1 LOGIN minh " + SECRET + b"\r\n",
        b"A1 LOGIN minh " + SECRET + b" more\r\n",
        b"LOGIN minh " + SECRET + b"\r\n",
        b"A1 LOGIN {4+}\r\nminh {10+}\r\n" + SECRET + b"\r\n",
        b"A1 LOGIN minh " + SECRET * 2000 + b"\r\n",
        b"A1 LOGIN minh " + SECRET + b" {9999}\r\n",
        b"A1 LOGIN minh " + SECRET + b"\n",
        b"A1 AUTHENTICATE PLAIN " + SECRET + b"\r\n",
        b"A1 AUTHENTICATE PLAIN\r\n" + SECRET + b"\r\n",
        b"A1 AUTHENTICATE PLAIN\r\n" + SECRET + b"\n",
        b"A1 AUTHENTICATE PLAIN\r\n" + SECRET * 2000 + b"\r\n",
    ],
)
def test_passwords_are_marked_and_never_repeated(house: House, data: bytes) -> None:
    core = house.core()
    core.greet()
    outputs = core.receive(data)
    assert SECRET not in said(outputs)
    on_wire = data
    for one in heard(outputs):
        assert SECRET not in shown(one)
        for start, end in one.wire_secrets:
            on_wire = on_wire[:start] + b"*" * (end - start) + on_wire[end:]
    assert SECRET not in on_wire


def test_passwords_in_what_is_thrown_away_are_marked(house: House) -> None:
    core = house.core(tls="offered")
    core.greet()
    data = b"A1 STARTTLS\r\nA2 NOOP\r\nA3 LOGIN minh " + SECRET + b"\r\n"
    outputs = core.receive(data)
    thrown = heard(outputs)[1]
    assert SECRET in thrown.line and SECRET not in shown(thrown)
    ((start, end),) = thrown.wire_secrets
    assert data[start:end] == SECRET + b"\r\n"
    unfinished = house.core()
    unfinished.receive(b"A1 LOGIN {4}\r\nminh {10}\r\n" + SECRET[:5])
    assert SECRET[:5] not in shown(heard(unfinished.timed_out())[0])


# --- TLS ---------------------------------------------------------------------------------


def test_what_was_said_in_the_clear_is_thrown_away(house: House) -> None:
    core = house.core(tls="offered")
    core.greet()
    outputs = core.receive(b"A1 STARTTLS\r\nA2 NOOP\r\nA3 NO")
    assert outputs[-1] == StartTls()
    assert core.receive(b"OP\r\n") == []
    assert core.tls_started() == []
    assert said(core.receive(b"A4 NOOP\r\n")) == b"A4 OK Nothing done\r\n"
    assert heard(core.receive(b"A5 NOOP\r\n"))[0].offset == len(
        b"A1 STARTTLS\r\nA2 NOOP\r\nA3 NOOP\r\nA4 NOOP\r\n"
    )


# --- limits ------------------------------------------------------------------------------


def test_literals_are_smaller_before_login(house: House) -> None:
    client = Client(house.core())
    assert b"A1 NO [TOOBIG]" in client.send(b"A1 LOGIN {4097}\r\n")
    assert Limit("literal", "refused") in client.outputs
    assert b"A2 OK" in client.send(b"A2 NOOP\r\n")
    assert b"+ Ready" in house.client().send(b"B1 APPEND Sent {4097}\r\n")


def test_a_flood_of_nonsense_ends_the_session(house: House) -> None:
    client = Client(house.core(limits=Limits(bad_commands=3)))
    answers = client.send(b"A1 X\r\nA2 X\r\nA3 X\r\nA4 NOOP\r\n")
    assert answers.endswith(b"* BYE Too many commands that make no sense\r\n")
    assert kinds(client.outputs)[-3:] == ["Limit", "Say", "HangUp"]


def test_what_is_too_much_to_throw_away_ends_the_session(house: House) -> None:
    client = Client(house.core())
    assert client.send(b"A1 LOGIN {1000000+}\r\n").startswith(b"* BYE a literal has at most 4096")
    assert client.send(b"x" * 1000) == b""


def test_everything_at_once_is_too_much(house: House) -> None:
    client = house.client("SELECT INBOX", limits=Limits(message=500))
    house.deliver(b"Subject: long\r\n\r\n" + b"x" * 5000)
    client.do("NOOP")
    many = b"".join(b"B%d FETCH 4 BODY.PEEK[]\r\n" % n for n in range(3))
    assert client.send(many).count(b"NO [LIMIT]") == 3
    assert client.answer("FETCH 1 BODY.PEEK[]").startswith("OK")


def test_trouble_with_the_disk_is_answered(house: House, monkeypatch: Any) -> None:
    client = house.client("SELECT INBOX")
    for error in (OSError("disk full"), IndexFailed("locked")):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(house.inbox, "set_flags", fail)
        answer = client.answer("STORE 1 FLAGS ()")
        assert answer.startswith("NO [UNAVAILABLE]")
        assert "disk full" not in answer


def test_silence_and_loss(house: House) -> None:
    core = house.client("SELECT INBOX").core
    assert core.changed() == []
    assert kinds(core.timed_out()) == ["Say", "HangUp"]
    assert kinds(core.timed_out()) == ["HangUp"]
    core.lost()
    assert core.receive(b"A1 NOOP\r\n") == []


# --- any bytes ----------------------------------------------------------------------------

WORDS = [
    b"A1", b"NOOP", b"LOGIN", b"FETCH", b"UID", b"STORE", b"SEARCH", b"COPY", b"APPEND", b"LIST",
    b"SELECT", b"STATUS", b"CREATE", b"RENAME", b"EXPUNGE", b"INBOX", b"Sent", b"1:*", b"2", b"*",
    b"(", b")", b"[", b"]", b"BODY", b"BODY[", b"BODY.PEEK[1.MIME]", b"FLAGS", b"+FLAGS", b"ALL",
    b"(\\Seen)", b"\\Deleted", b"OR", b"NOT", b"TEXT", b'"x"', b'"', b"{3+}\r\nabc", b"{0+}\r\n",
    b"%", b"&AbA-", b"&", b"\xff", b"\0", b"{2", b"<0.1>", b"CHARSET", b"UTF-8", b"(MESSAGES)",
]  # fmt: skip
command_lines = st.lists(st.sampled_from(WORDS), max_size=8).map(b" ".join)
garbage = st.binary(max_size=80).map(lambda b: b.replace(b"\n", b"").replace(b"{", b""))
relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def logged_in(house: House) -> ImapCore:
    return house.client("SELECT INBOX", limits=Limits(bad_commands=10**6)).core


@relaxed
@given(lines=st.lists(st.one_of(command_lines, garbage), min_size=1, max_size=6))
def test_in_step_after_anything(house: House, lines: list[bytes]) -> None:
    core = logged_in(house)
    for line in lines:
        core.receive(b"A1 " + line + b"\r\n")
        assert said(core.receive(b"Z9 NOOP\r\n")).endswith(b"Z9 OK Nothing done\r\n")
    core.lost()


@relaxed
@given(data=st.lists(st.one_of(command_lines, garbage), max_size=5))
def test_byte_by_byte_is_all_at_once(house: House, data: list[bytes]) -> None:
    stream = b"".join(b"A1 " + line + b"\r\n" for line in data)
    whole, bytewise = Client(house.core()), Client(house.core())
    at_once = whole.core.receive(stream)
    one_by_one = [o for i in range(len(stream)) for o in bytewise.core.receive(stream[i : i + 1])]
    assert one_by_one == at_once


@relaxed
@given(data=st.binary(max_size=300))
def test_any_bytes_before_login(house: House, data: bytes) -> None:
    core = house.core(tls="offered")
    core.greet()
    core.receive(data)
    core.lost()


# --- cut off ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "rest", "secret"),
    [
        (b"", b"A1 LOGIN minh nuoc", b"nuoc"),
        (b"A1 AUTHENTICATE PLAIN\r\n", b"AG1p", b"AG1p"),
        (b"A1 LOGIN {4+}\r\n", b"minh {10+}\r\nnuoc", b"{10+}\r\nnuoc"),
        (b"", b"A1 LOGIN minh " + b"x" * 9000, b"x" * 9000),
    ],
)
def test_a_password_in_a_command_that_was_cut_off_is_marked(
    house: House, before: bytes, rest: bytes, secret: bytes
) -> None:
    core = house.core()
    core.receive(before)
    core.receive(rest)
    (heard,) = core.lost()
    assert isinstance(heard, Heard)
    assert [(before + rest)[start:end] for start, end in heard.wire_secrets] == [secret]
    assert core.lost() == []


def test_commands_wait_until_the_client_has_read(house: House) -> None:
    core = house.core()
    core.enough = lambda: True
    assert core.receive(b"A1 NOOP\r\nA2 NOOP\r\n") == []
    core.enough = lambda: False
    assert said(core.receive(b"")).count(b"OK Nothing done") == 2
