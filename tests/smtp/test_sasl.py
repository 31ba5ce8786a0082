from __future__ import annotations

import pytest

from labmail.smtp.sasl import MECHANISMS, BadResponse, decoded


def test_plain():
    assert MECHANISMS["PLAIN"].read([b"\0son\0m\xe1\xba\xadt"]) == ("son", "mật")
    assert MECHANISMS["PLAIN"].read([b"son\0son\0x"]) == ("son", "x")


def test_login():
    assert MECHANISMS["LOGIN"].read([b"son", b"x"]) == ("son", "x")


@pytest.mark.parametrize("response", [b"", b"\0son", b"\0a\0b\0c", b"minh\0son\0x", b"\0\xff\0x"])
def test_plain_refuses(response):
    with pytest.raises(BadResponse):
        MECHANISMS["PLAIN"].read([response])


def test_base64():
    assert decoded(b"c29u") == b"son"
    assert decoded(b"=") == b""
    for bad in (b"!", b"c29u ", b"c29", "sơn".encode()):
        with pytest.raises(BadResponse):
            decoded(bad)
