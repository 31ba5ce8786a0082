"""Passwords are found in right and in wrong commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.masking import secrets_among, secrets_of


def masked(command: bytes) -> bytes:
    for start, end in secrets_of(command):
        command = command[:start] + b"*" + command[end:]
    return command


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (b"A1 LOGIN minh secret", b"A1 LOGIN minh *"),
        (b'A1 login "minh t" "se cret"', b'A1 login "minh t" *'),
        (b"A1 LOGIN {4}\r\nminh {6+}\r\nsecret", b"A1 LOGIN {4}\r\nminh *"),
        (b"A1 LOGIN minh secret and more", b"A1 LOGIN minh *"),
        (b"LOGIN minh secret", b"LOGIN minh *"),
        (b"A1  LOGIN minh secret", b"A1  LOGIN minh *"),
        (b"A1 LOGIN secret", b"A1 LOGIN *"),
        (b'A1 LOGIN "minh secret', b"A1 LOGIN *"),
        (b"A1 AUTHENTICATE PLAIN AG1pbmgAeA==", b"A1 AUTHENTICATE PLAIN *"),
        (b"A1 AUTHENTICATE PLAIN", b"A1 AUTHENTICATE PLAIN"),
        (b"A1 NOOP", b"A1 NOOP"),
        (b'A1 SELECT "LOGIN minh x"', b'A1 SELECT "LOGIN minh x"'),
    ],
)
def test_what_is_shown(command: bytes, shown: bytes) -> None:
    assert masked(command) == shown


def test_passwords_among_commands() -> None:
    assert secrets_among(b"A1 NOOP\r\nA2 LOGIN minh secret\r\nA3 N") == ((23, 35),)
    assert secrets_among(b"A1 NOOP\r\nA2 NOOP\r\n") == ()


@given(st.binary(max_size=60))
def test_spans_lie_in_the_command(noise: bytes) -> None:
    command = b"A1 LOGIN " + noise
    for start, end in secrets_of(command):
        assert 0 <= start < end == len(command)
