from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from labmail.smtp.post import Client
from labmail.smtp.trace_fields import (
    header_fields,
    hops,
    protocol,
    received,
    with_return_path,
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
    "content", [b"", b"\r\n", b"no field\r\n", b": x\r\n", b"a b: x\r\n", b"x"]
)
def test_no_header(content):
    assert list(header_fields(content)) == []


def test_hops():
    assert hops(b"received: a\r\n" * 3 + b"RECEIVED: b\r\n\r\nReceived: c\r\n") == 4


def test_return_path():
    letter = b"A: 1\r\n\r\nReturn-Path: <body>\r\n"
    assert without_return_path(letter) is letter
    forged = b"Return-Path: <x>\r\nA: 1\r\nreturn-path: <y>\r\n z\r\n\r\nReturn-Path: <body>\r\n"
    assert without_return_path(forged) == letter
    assert with_return_path(forged, "") == b"Return-Path: <>\r\n" + letter
