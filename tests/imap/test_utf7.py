"""Modified UTF-7: one encoding for each name, and no name for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.utf7 import BadEncoding, decode, encode

NAMES = {
    "INBOX": b"INBOX",
    "": b"",
    "Thư đã gửi": b"Th&AbA- &AREA4w- g&Hu0-i",
    "Đồ án": b"&ARAe0w- &AOE-n",
    "a&b": b"a&-b",
    "~peter/mail/台北/日本語": b"~peter/mail/&U,BTFw-/&ZeVnLIqe-",  # RFC 3501 §5.1.3
    "😀": b"&2D3eAA-",
}


@pytest.mark.parametrize(("name", "wire"), NAMES.items())
def test_names_both_ways(name: str, wire: bytes) -> None:
    assert encode(name) == wire
    assert decode(wire) == name


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_name_comes_back(name: str) -> None:
    assert decode(encode(name)) == name


@pytest.mark.parametrize(
    "wire",
    [
        b"&",
        b"a&b",
        b"&AGE-",  # "a" needs no base64
        b"&U,BTFw-&ZeVnLIqe-",  # RFC 3501 §5.1.3: two runs side by side
        b"&AbA=-",
        b"&AbB-",  # bits left over
        b"&2D0-",  # half a surrogate pair
        b"&A-",
        b"Th\xc6\xb0",
        b"a\x00",
    ],
)
def test_what_encode_would_not_write_is_refused(wire: bytes) -> None:
    with pytest.raises(BadEncoding):
        decode(wire)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_name_or_refused(wire: bytes) -> None:
    try:
        name = decode(wire)
    except BadEncoding:
        return
    assert encode(name) == wire
