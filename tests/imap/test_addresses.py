"""Address lists, good, obsolete and broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.addresses import MAX_ADDRESSES, Address, addresses_of

MINH = Address(None, None, b"minh", b"saigon.example")


def named(name: bytes) -> Address:
    return Address(name, None, b"minh", b"saigon.example")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"minh@saigon.example", [MINH]),
        (b"<minh@saigon.example>", [MINH]),
        (b"Minh <minh@saigon.example>", [named(b"Minh")]),
        (b'"Minh, \\"M\\"" <minh@saigon.example>', [named(b'Minh, "M"')]),
        (b"=?utf-8?q?S=C6=A1n?= X <minh@saigon.example>", [named(b"=?utf-8?q?S=C6=A1n?= X")]),
        ("Sơn <minh@saigon.example>".encode(), [named("Sơn".encode())]),
        (b"minh@saigon.example (Minh (old))", [named(b"Minh (old)")]),
        (b"minh @ saigon . example", [MINH]),
        (b"minh@saigon.example,, minh@saigon.example,", [MINH, MINH]),
        (
            b"<@a.example,@b.example:minh@saigon.example>",
            [Address(None, b"@a.example,@b.example", b"minh", b"saigon.example")],
        ),
        (b'"a b"@[192.0.2.1]', [Address(None, None, b"a b", b"[192.0.2.1]")]),
        (
            b"friends: minh@saigon.example, <minh@saigon.example>;",
            [
                Address(None, None, b"friends", None),
                MINH,
                MINH,
                Address(None, None, None, None),
            ],
        ),
        (
            b"undisclosed-recipients:;, minh@saigon.example",
            [
                Address(None, None, b"undisclosed-recipients", None),
                Address(None, None, None, None),
                MINH,
            ],
        ),
        (
            b"open: minh@saigon.example",
            [Address(None, None, b"open", None), MINH, Address(None, None, None, None)],
        ),
        (b"Minh", [Address(None, None, b"Minh", b"")]),
        (b"Minh <minh@saigon.example", [named(b"Minh")]),
        (b"<>", [Address(None, None, b"", b"")]),
        (b"", []),
    ],
)
def test_addresses(value: bytes, expected: list[Address]) -> None:
    assert list(addresses_of(value)) == expected


def test_there_are_limits() -> None:
    assert len(addresses_of(b"a@b," * 10_000)) == MAX_ADDRESSES
    assert len(addresses_of(b"(" * 100_000)) == 0
    assert len(addresses_of(b"a " * 100_000)) == 1


@given(st.text('ab@<>,;:"()[]\\ .', max_size=40))
def test_nothing_raises(text: str) -> None:
    addresses_of(text.encode())
