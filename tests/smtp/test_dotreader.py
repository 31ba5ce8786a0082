from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.smtp.dotreader import LINE_LIMIT, DotReader

MEGABYTE = 1024 * 1024


def read(data: bytes, limit: int = 10_000, step: int = 0) -> tuple[DotReader, bytes | None]:
    reader = DotReader(limit)
    pieces = [data[i : i + step] for i in range(0, len(data), step)] if step else [data]
    for number, piece in enumerate(pieces):
        rest = reader.feed(piece)
        if rest is not None:
            return reader, rest + b"".join(pieces[number + 1 :])
    return reader, None


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("wire", "content", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b"..a\r\n...\r\n.\r\n", b".a\r\n..\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),  # stuffed by nobody; the dot goes all the same
        (b"a\r\n.b\r\n.\r\n.\r\n", b"a\r\nb\r\n", b".\r\n"),
        (b"a.\r\nb\r\n.\r\n", b"a.\r\nb\r\n", b""),
        (b"\xff\x00\r\n.\r\n", b"\xff\x00\r\n", b""),
    ],
)
def test_ends_and_unstuffs(wire, content, rest, step):
    reader, left = read(wire, step=step)
    assert left == rest
    assert reader.content == content
    assert reader.size == len(content)
    assert reader.octets == len(wire) - len(rest)
    assert not reader.has_bare_newline


SMUGGLED = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\r\n\r.\r\n",
    b"\n\n.\r\n",
    b"\r\r\n.\r\r\n",
    b"\n.\r",
    b"\r.\n",
    b"\r\n.\r\r\n",
    b"\r\n.\0\r\n",
]
"""What servers somewhere have taken for the end of data."""


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("trick", SMUGGLED, ids=repr)
def test_nothing_else_ends_data(trick, step):
    smuggled = b"MAIL FROM:<villain@spam.example>\r\nDATA\r\nhidden"
    reader, rest = read(b"body" + trick + smuggled + b"\r\n.\r\nNOOP\r\n", step=step)
    assert rest == b"NOOP\r\n"
    assert b"hidden" in reader.content
    assert reader.has_bare_newline or reader.has_nul


def test_endless_line_keeps_memory_flat():
    reader = DotReader(limit=MEGABYTE)
    chunk = b"a" * 65536
    most = 0
    for _ in range(20 * MEGABYTE // len(chunk)):
        assert reader.feed(chunk) is None
        most = max(most, reader.kept)
    assert most <= MEGABYTE + len(chunk)
    assert reader.kept == 0
    assert reader.feed(b"\r\n.\r\nQUIT\r\n") == b"QUIT\r\n"
    assert reader.too_big
    assert reader.has_long_line


def test_doubled_dots_do_not_count_and_do_not_pile_up():
    reader = DotReader(limit=3000)
    assert reader.feed(b"..\r\n" * 1000) is None
    assert reader.kept == 4000
    assert reader.feed(b".\r\n") == b""
    assert reader.size == 3000
    assert not reader.too_big


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize(("size", "too_big"), [(999, False), (1000, False), (1001, True)])
def test_limit_is_exact(size, too_big, step):
    content = b"x" * 98 + b"\r\n"
    letter = (content * 11)[: size - 2] + b"\r\n"
    reader, rest = read(letter + b".\r\n", limit=1000, step=step)
    assert rest == b""
    assert reader.size == size
    assert reader.too_big is too_big
    if not too_big:
        assert reader.content == letter


@pytest.mark.parametrize("step", [0, 1, 1000])
@pytest.mark.parametrize(("length", "too_long"), [(LINE_LIMIT, False), (LINE_LIMIT + 1, True)])
def test_line_limit(length, too_long, step):
    reader, _ = read(b"x\r\n" + b"a" * (length - 2) + b"\r\ny\r\n.\r\n", step=step)
    assert reader.has_long_line is too_long


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a"]), max_size=40),
    st.integers(1, 7),
)
def test_cutting_makes_no_difference(pieces, step):
    wire = b"".join(pieces)
    whole, rest = read(wire)
    cut, cut_rest = read(wire, step=step)
    assert rest == cut_rest
    assert (whole.octets, whole.size) == (cut.octets, cut.size) or rest is not None
    if rest is not None:
        assert whole.content == cut.content
        assert whole.has_bare_newline == cut.has_bare_newline
        assert whole.size == cut.size == len(whole.content)


@given(st.lists(st.binary(max_size=8).filter(lambda b: not {10, 13} & set(b)), max_size=8))
def test_what_was_stuffed_comes_back(lines):
    content = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." if x.startswith(b".") else b"") + x + b"\r\n" for x in lines)
    reader, rest = read(stuffed + b".\r\n", step=3)
    assert (reader.content, rest) == (content, b"")
