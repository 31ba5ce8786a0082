"""The decoder: elements, what is none, and depth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.grammar import MAX_DEPTH, Decoder, NotGrammar

Read = Callable[[Decoder], object]


@pytest.mark.parametrize(
    ("data", "read", "value"),
    [
        (b"A.1!", Decoder.expect_tag, "A.1!"),
        (b"body.Peek", lambda d: d.word(), "BODY.PEEK"),
        (b"$Junk", Decoder.atom, b"$Junk"),
        (b"4294967295", Decoder.number, 4294967295),
        (b'"a \\"b\\" \\\\"', Decoder.quoted, b'a "b" \\'),
        (b'""', Decoder.astring, b""),
        (b"{5}\r\na\r\n b", Decoder.astring, b"a\r\n b"),
        (b"{2+}\r\n\xc6\xb0", Decoder.expect_text, "ư"),
        (b"a]b", Decoder.astring, b"a]b"),
        (b"Th&AbA-", Decoder.expect_mailbox, "Thư"),
        (b"&AEEDAA-", Decoder.expect_mailbox, None),  # base64 that holds ASCII
        (b"A&AwA-", Decoder.expect_mailbox, "À"),  # NFC
        (b"a*%]", Decoder.expect_list_mailbox, "a*%]"),
        (b"\\seen", Decoder.flag, "\\Seen"),
        (b"(\\Seen Work)", Decoder.flag_list, {"\\Seen", "Work"}),
        (b"()", Decoder.flag_list, frozenset()),
        (b"1-Feb-1994", Decoder.expect_date, date(1994, 2, 1)),
        (b'"1-Feb-1994"', Decoder.expect_date, date(1994, 2, 1)),
    ],
)
def test_elements(data: bytes, read: Read, value: object) -> None:
    dec = Decoder(data)
    if value is None:
        with pytest.raises(NotGrammar):
            read(dec)
    else:
        assert read(dec) == value
        dec.expect_end()


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"+", Decoder.expect_tag),
        (b"", Decoder.expect_tag),
        (b"4294967296", Decoder.expect_number),
        (b"0", Decoder.expect_nz_number),
        (b"0:1", Decoder.expect_sequence_set),
        (b"1,", Decoder.expect_sequence_set),
        (b"1:", Decoder.expect_sequence_set),
        (b'"a', Decoder.expect_astring),
        (b'"a\r\n"', Decoder.expect_astring),
        (b'"\\a"', Decoder.expect_astring),
        (b"{9}\r\nabc", Decoder.expect_astring),
        (b"{1}\r\n\0", Decoder.expect_astring),
        (b"\\Recent", Decoder.expect_flag),
        (b"\\*", Decoder.expect_flag),
        (b"(a  b)", Decoder.flag_list),
        (b"31-Feb-1994", Decoder.expect_date),
        (b"{1}\r\n\xff", Decoder.expect_text),
    ],
)
def test_what_is_no_such_element(data: bytes, read: Read) -> None:
    with pytest.raises(NotGrammar):
        read(Decoder(data))


def test_asking_does_not_move() -> None:
    dec = Decoder(b"\x01")
    assert (dec.atom(), dec.number(), dec.nz_number(), dec.quoted()) == (None,) * 4
    assert (dec.literal(), dec.astring(), dec.word(), dec.sequence_set()) == (None,) * 4
    assert (dec.flag_list(), dec.date_time(), dec.sp(), dec.keyword(b"X")) == (None, None, False, 0)
    assert dec.rest() == b"\x01"


def test_the_error_says_where_and_not_what() -> None:
    dec = Decoder(b"A1 secret")
    dec.expect_tag()
    dec.expect_sp()
    with pytest.raises(NotGrammar, match="expected a number at octet 4") as error:
        dec.expect_number()
    assert "secret" not in str(error.value)


def nested_lists(dec: Decoder) -> object:
    return dec.in_parentheses(lambda: nested_lists(dec) or dec.atom(), may_be_empty=True)


def test_depth_is_limited() -> None:
    assert nested_lists(Decoder(b"(" * MAX_DEPTH + b")" * MAX_DEPTH)) is not None
    with pytest.raises(NotGrammar, match="levels deep"):
        nested_lists(Decoder(b"(" * 100_000))


READERS: list[Read] = [
    Decoder.expect_tag,
    Decoder.expect_astring,
    Decoder.expect_text,
    Decoder.expect_mailbox,
    Decoder.expect_list_mailbox,
    Decoder.expect_sequence_set,
    Decoder.expect_flag,
    Decoder.flag_list,
    Decoder.expect_date,
    Decoder.date_time,
]


@given(st.sampled_from(READERS), st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(read: Read, data: bytes) -> None:
    try:
        read(Decoder(data))
    except NotGrammar as error:
        assert str(error).isascii()
