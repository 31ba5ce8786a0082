from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.smtp.paths import (
    BadPath,
    PathTooLong,
    is_hello_name,
    is_xtext,
    read_parameters,
    read_path,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("<>", ""),
        ("<minh@saigon.example>", "minh@saigon.example"),
        ("<Minh@Saigon.Example>", "Minh@Saigon.Example"),
        ("<a.b+c=d@x-y.example>", "a.b+c=d@x-y.example"),
        ("<@a.example:minh@b.example>", "minh@b.example"),
        ("<@a.example,@[192.0.2.1]:minh@b.example>", "minh@b.example"),
        ('<"minh"@b.example>', "minh@b.example"),
        ('<"mi\\nh"@b.example>', "minh@b.example"),
        ('<"a b"@b.example>', '"a b"@b.example'),
        ('<"a@c"@b.example>', '"a@c"@b.example'),
        ('<"a>b"@b.example>', '"a>b"@b.example'),
        ("<x%y@b.example>", "x%y@b.example"),
        ("<minh@[192.0.2.1]>", "minh@[192.0.2.1]"),
        ("<minh@[IPv6:2001:db8::1]>", "minh@[IPv6:2001:db8::1]"),
        ("<mình@sàigòn.example>", "mình@sàigòn.example"),
        ("<postmaster>", "postmaster"),
        ("<POSTMASTER>", "POSTMASTER"),
        ("<" + "a" * 64 + "@b.example>", "a" * 64 + "@b.example"),
    ],
)
def test_paths(text, address):
    assert read_path(text).address == address


def test_what_follows_is_left():
    assert read_path("<a@b.example> SIZE=1  X").rest == "SIZE=1  X"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "minh@saigon.example",
        "<minh@saigon.example",
        "<minh@saigon.example>SIZE=1",
        "<minh>",
        "<@b.example>",
        "<a@b@c.example>",
        "<a..b@c.example>",
        "<.a@c.example>",
        "<a@c..example>",
        "<a@-c.example>",
        "<a@c-.example>",
        "<a b@c.example>",
        "<a@c.example >",
        '<"a"b@c.example>',
        '<"a@c.example>',
        "<a@[192.0.2.1>",
        "<a@b.example\r\n>",
        "<a\0@b.example>",
        "<a@b.example> x\nRCPT TO:<c@d>",
    ],
)
def test_what_is_no_path(text):
    with pytest.raises(BadPath):
        read_path(text)


@pytest.mark.parametrize(
    "text",
    ["<" + "a" * 65 + "@b.example>", "<a@" + "b." * 130 + "example>", "<" + "ì" * 33 + "@b>"],
)
def test_too_long(text):
    with pytest.raises(PathTooLong):
        read_path(text)


@given(st.text(max_size=40))
def test_no_control_character_gets_through(text):
    try:
        path = read_path(f"<{text}>")
    except BadPath:
        return
    assert path.address.isprintable() or not path.address.isascii()
    assert not set("\r\n\0") & set(path.address)


@given(st.from_regex(r"<[a-z.\"\\ @%]{0,20}@[a-z.]{1,9}>", fullmatch=True))
def test_reading_twice_changes_nothing(text):
    try:
        address = read_path(text).address
    except BadPath:
        return
    assert read_path(f"<{address}>").address == address


def test_parameters():
    assert read_parameters("size=1 SMTPUTF8 ENVID=a+2Bb") == {
        "SIZE": "1",
        "SMTPUTF8": None,
        "ENVID": "a+2Bb",
    }
    assert read_parameters("  ") == {}


@pytest.mark.parametrize("text", ["SIZE=1 size=2", "=1", "A==1", "A=", "-A=1"])
def test_bad_parameters(text):
    with pytest.raises(ValueError, match="Parameter"):
        read_parameters(text)


@pytest.mark.parametrize("name", ["a", "a.example", "3f2a1b", "a_b.example.", "[192.0.2.1]"])
def test_hello_names(name):
    assert is_hello_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a..b", "a;b", "<a>", "[", "a" * 256])
def test_no_hello_names(name):
    assert not is_hello_name(name)


@pytest.mark.parametrize(
    ("text", "fine"),
    [("abc", True), ("a+2Bb", True), ("a+2b", False), ("a=b", False), ("a b", False), ("", False)],
)
def test_xtext(text, fine):
    assert is_xtext(text, 100) is fine
    assert not is_xtext("a" * 101, 100)
