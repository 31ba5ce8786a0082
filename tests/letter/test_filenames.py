"""File names: one name, and five ways of saying it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter.fields import valued
from labmail.letter.filenames import FileName, filename_of

NONE = valued(b"a/b")


def name(disposition: bytes) -> FileName:
    found = filename_of(valued(b"attachment; " + disposition), NONE)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("written", "way", "text"),
    [
        (b'filename="report.pdf"', "plain", "report.pdf"),
        (b"filename=report.pdf", "plain", "report.pdf"),
        (b"filename*=utf-8''B%C3%A1o.pdf", "RFC 2231", "Báo.pdf"),
        (b"filename*=iso-8859-1'fr'caf%E9", "RFC 2231", "café"),
        (b"filename*0*=utf-8''B%C3; filename*1*=%A1o; filename*2=.pdf", "RFC 2231", "Báo.pdf"),
        (b"filename*1=b; filename*0=a; filename*3=d", "RFC 2231", "ab"),
        (b"filename=plain; filename*=utf-8''better", "RFC 2231", "better"),
        (b'filename="=?utf-8?q?B=C3=A1o.pdf?="', "encoded word", "Báo.pdf"),
        ('filename="Báo.pdf"'.encode(), "raw UTF-8", "Báo.pdf"),
        (b'filename="B\xe1o.pdf"', "raw 8-bit", "B\ufffdo.pdf"),
    ],
)
def test_ways_to_say_a_name(written: bytes, way: str, text: str) -> None:
    assert (name(written).way, name(written).text) == (way, text)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'filename="=?utf-8?q?a?="', "RFC 2047 §5"),
        (b'filename="\xe1"', "raw 8-bit"),
        (b"filename*=nothing", "no charset and language"),
        (b"filename*=utf-8''%E1", "are no UTF-8"),
        (b"filename*=x-none''a", "are no X-NONE"),
    ],
)
def test_what_is_wrong_with_a_name(written: bytes, said: str) -> None:
    assert said in " ".join(name(written).defects)


def test_the_name_in_content_type_is_the_second_choice() -> None:
    typed = valued(b'a/b; name="old.pdf"')
    assert filename_of(None, typed) == FileName("old.pdf", "plain")
    both = filename_of(valued(b'attachment; filename="new.pdf"'), typed)
    assert both is not None and both.text == "new.pdf"
    assert filename_of(None, NONE) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x.exe", "C__x.exe"),
        ("anh\u202egnp.exe", "anh_gnp.exe"),
        ("..", "_"),
        ("a\0\r\nb", "a___b"),
        ("Báo cáo.pdf", "Báo cáo.pdf"),
    ],
)
def test_a_name_is_no_path(text: str, shown: str) -> None:
    assert FileName(text, "plain").shown == shown


@given(st.binary(max_size=60))
def test_nothing_raises(octets: bytes) -> None:
    for made in (b"filename*=" + octets, b'filename="' + octets, b"filename*0*=" + octets):
        filename_of(valued(b"attachment; " + made), NONE)
