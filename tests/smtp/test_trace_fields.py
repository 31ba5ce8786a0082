from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter.fields import first
from labmail.letter.mime import scan
from labmail.smtp.post import Client
from labmail.smtp.trace_fields import (
    MAX_COMMENT,
    author_of_results,
    has_header,
    header_fields,
    hops,
    on_top,
    protocol,
    received,
    with_return_path,
    without_forgeries,
    without_return_path,
)
from labmail.trace.events import Connection, Place

CLIENT = Client(
    Connection(
        1,
        "smtp",
        Place("smtp.hanoi.example", "192.0.2.25", 49152),
        Place("mx1.saigon.example", "198.51.100.25", 25),
    ),
    "exchange",
    helo="smtp.hanoi.example",
    esmtp=True,
)
WHEN = datetime(2026, 3, 2, 8, 30, tzinfo=timezone(timedelta(hours=7)))


@pytest.mark.parametrize(
    ("changes", "smtputf8", "name"),
    [
        ({"esmtp": False}, False, "SMTP"),
        ({}, False, "ESMTP"),
        ({"tls": True}, False, "ESMTPS"),
        ({"authenticated": "a"}, False, "ESMTPA"),
        ({"tls": True, "authenticated": "a"}, False, "ESMTPSA"),
        ({}, True, "UTF8SMTP"),
        ({"tls": True}, True, "UTF8SMTPS"),
        ({"tls": True, "authenticated": "a"}, True, "UTF8SMTPSA"),
    ],
)
def test_protocol_names(changes, smtputf8, name):
    assert protocol(replace(CLIENT, **changes), smtputf8) == name


def made(client: Client, *recipients: str) -> bytes:
    return received(
        client, host="mx1", queue_id="Q1", recipients=recipients, smtputf8=False, when=WHEN
    )


def test_received():
    assert made(CLIENT, "minh@saigon.example") == (
        b"Received: from smtp.hanoi.example (smtp.hanoi.example [192.0.2.25])\r\n"
        b"\tby mx1 with ESMTP id Q1\r\n"
        b"\tfor <minh@saigon.example>;\r\n"
        b"\tMon, 02 Mar 2026 08:30:00 +0700\r\n"
    )


def test_received_names_nobody_if_there_are_two():
    assert b"for" not in made(CLIENT, "a@b.example", "c@d.example")


def test_received_marks_ipv6():
    place = Place("x", "2001:db8::1", 1)
    client = replace(CLIENT, connection=replace(CLIENT.connection, client=place))
    assert b"(x [IPv6:2001:db8::1])" in made(client, "a@b.example")


def test_header_fields_end_where_the_header_ends():
    content = b"A: 1\r\n b\r\n\tc\r\nB : 2\r\n\r\nC: 3\r\n"
    fields = list(header_fields(content))
    assert [f.name for f in fields] == ["a", "b"]
    assert content[fields[0].start : fields[0].end] == b"A: 1\r\n b\r\n\tc\r\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n", b"no field\r\n", b": x\r\n", b"a b: x\r\n", b"x", b" x\r\n", b"From x\r\n"],
)
def test_no_header(content):
    assert list(header_fields(content)) == []


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (b"A: 1\r\n\r\n", True),
        (b"From x\r\nA: 1\r\n", True),
        (b"A: 1\r\nno field\r\n", True),
        (b"Hello\r\nNote: this is no field\r\n", False),
        (b"\r\nA: 1\r\n", False),
        (b"From x\r\n", False),
        (b"", False),
    ],
)
def test_has_header(content, answer):
    assert has_header(content) is answer


def test_hops():
    assert hops(b"received: a\r\n" * 3 + b"RECEIVED: b\r\n\r\nReceived: c\r\n") == 4


def test_return_path():
    letter = b"A: 1\r\n\r\nReturn-Path: <body>\r\n"
    assert without_return_path(letter) is letter
    forged = b"Return-Path: <x>\r\nA: 1\r\nreturn-path: <y>\r\n z\r\n\r\nReturn-Path: <body>\r\n"
    assert without_return_path(forged) == letter
    assert with_return_path(forged, "") == b"Return-Path: <>\r\n" + letter


# --- forgeries -----------------------------------------------------------------------------

OURS = ("mx1.saigon.example", "saigon.example")


@pytest.mark.parametrize(
    ("value", "author"),
    [
        (b" mx1.saigon.example; spf=pass", "mx1.saigon.example"),
        (b"MX1.Saigon.EXAMPLE.;none", "mx1.saigon.example"),
        (b" mx1.saigon.example 1; none", "mx1.saigon.example"),
        (b"\r\n\t mx1.saigon.example\r\n ;none", "mx1.saigon.example"),
        (b" (hello (there) \\) x) mx1.saigon.example; none", "mx1.saigon.example"),
        (b" (mx2.saigon.example) mx1.saigon.example (v) ; none", "mx1.saigon.example"),
        (b' "mx1.\\saigon.example" 1; none', "mx1.saigon.example"),
        (b" mx1.saigon.example", "mx1.saigon.example"),
        (b" mx1.saigon.example(x);none", "mx1.saigon.example"),
        (b" mx2.saigon.example; mx1.saigon.example; none", "mx2.saigon.example"),
        (b" m\xc3\xacnh.example; none", "mình.example"),
        (b" (never closed mx1.saigon.example; none", ""),
        (b"; none", ""),
        (b"", ""),
    ],
)
def test_who_says_that_they_found_it_out(value, author):
    assert author_of_results(value) == author


@pytest.mark.parametrize(
    "forged",
    [
        b"Authentication-Results: mx1.saigon.example; spf=pass\r\n",
        b"AUTHENTICATION-RESULTS: MX1.SAIGON.EXAMPLE; dkim=pass\r\n",
        b"Authentication-Results : mx1.saigon.example; dmarc=pass\r\n",
        b"Authentication-Results:\r\n (\r\n )\r\n\tmx1.saigon.example;\r\n spf=pass\r\n",
        b'Authentication-Results: (x) "saigon.example" 1; none\r\n',
        b"Authentication-Results: ; spf=pass\r\n",
        b"Return-Path: <boss@saigon.example>\r\n",
        b"return-path:\r\n <boss@saigon.example>\r\n",
    ],
)
@pytest.mark.parametrize(
    "above",
    [
        b"",
        b"A: 1\r\n",
        b"From villain\r\n",
        b": x\r\n",
        b" x\r\n",
        b"A: 1\r\nno field\r\n x: y\r\n",
    ],
)
def test_what_is_forged_in_our_name_is_taken_off(forged, above):
    below = b"B: 2\r\n\r\n" + forged
    assert without_forgeries(above + forged + below, OURS) == above + below


@pytest.mark.parametrize(
    "theirs",
    [
        b"Authentication-Results: mx2.saigon.example; spf=pass\r\n",
        b"Authentication-Results: mx1.saigon.example.spam.example; spf=pass\r\n",
        b"Authentication-Results: (mx1.saigon.example) hanoi.example; none\r\n",
        b"ARC-Authentication-Results: i=1; mx1.saigon.example; none\r\n",
        b"X-Return-Path: <x>\r\n",
    ],
)
def test_what_others_wrote_stays(theirs):
    letter = theirs + b"\r\nAuthentication-Results: mx1.saigon.example; none\r\n"
    assert without_forgeries(letter, OURS) is letter


def test_no_reader_sees_a_forged_field_that_we_did_not():
    """Python's parser passes over more than a field: nothing may hide behind that."""
    forged = b"Authentication-Results: mx1.saigon.example; spf=pass\r\n"
    for above in (b"From x\r\n", b":\r\n", b"\tx\r\n", b"From x\r\n y\r\n:z\r\n"):
        letter = without_forgeries(b"Received: x\r\n" + above + forged + b"\r\nbody", OURS)
        assert message_from_bytes(letter)["Authentication-Results"] is None


LINES = [
    *(
        b"A: 1",
        b"From villain",
        b":",
        b": x",
        b" fold",
        b"\tReturn-Path: fold",
        b"no field",
        b"a b: c",
    ),
    *(b"Return-Path: <boss@x>", b"return-path : <y>", b"Received: x", b"\xc6\xa1: x", b"x:", b" "),
    *(b"Authentication-Results: mx1.saigon.example; spf=pass", b"Authentication-Results:"),
]


@given(st.lists(st.sampled_from([*LINES, b""]), max_size=12), st.booleans())
def test_a_server_and_a_reader_see_the_same_fields(lines, ended):
    content = b"\r\n".join(lines) + b"\r\n" * ended
    seen = [(f.name, content[f.start : f.end]) for f in header_fields(content)]
    assert seen == [(f.name.decode().lower(), f.raw) for f in scan(content).fields]
    for read in (
        message_from_bytes(content).keys(),
        message_from_bytes(content, policy=SMTP).keys(),
    ):
        assert set(map(str.lower, read)) <= {name for name, _ in seen}


@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_no_forgery_hides_behind_anything(lines):
    letter = without_forgeries(b"\r\n".join([*lines, b"", b"body"]), OURS)
    left = scan(letter).fields
    assert first(left, b"return-path") is None
    results = [f.value for f in left if f.name.lower() == b"authentication-results"]
    assert {author_of_results(value) for value in results}.isdisjoint({*OURS, ""})


def test_whoever_hides_in_comments_without_end_is_not_looked_for():
    value = b"(" * MAX_COMMENT + b")" * MAX_COMMENT + b"bank.example; none"
    assert author_of_results(value) == ""
    assert author_of_results(b"(" + b"x" * (MAX_COMMENT - 10) + b") bank.example; none") == (
        "bank.example"
    )


def test_nobody_goes_on_with_our_fields():
    ours = b"Received: by mx1\r\n"
    assert on_top(ours, b"A: 1\r\n\r\n") == ours + b"A: 1\r\n\r\n"
    assert on_top(ours, b"") == ours
    for fold in (b" with a lie\r\n", b"\twith a lie\r\n"):
        letter = message_from_bytes(on_top(ours, fold + b"A: 1\r\n\r\n"))
        assert (letter["Received"], letter["A"]) == ("by mx1", None)
