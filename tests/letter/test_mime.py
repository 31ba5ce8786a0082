"""The scanner: exact ranges, malformed mail, and mail made to hurt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labmail.letter.mime import MAX_DEPTH, MAX_PARTS, Entity, scan

HEAD = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def contents(raw: bytes) -> list[bytes]:
    return [part.content for part in scan(raw).parts]


def test_header_and_body() -> None:
    entity = scan(b"A: b\r\n\r\nbody\r\n")
    assert (entity.header, entity.content) == (b"A: b\r\n\r\n", b"body\r\n")
    assert entity.content_type.value == b"text/plain"
    assert scan(b"\r\nbody").content == b"body"
    assert scan(b"A: b\n\nbody").content == b"body"
    assert (scan(b"A: b").header, scan(b"A: b").content) == (b"A: b", b"")
    assert scan(b"").raw == b""


def test_lines() -> None:
    assert [scan(b"\r\n" + body).lines for body in (b"", b"a", b"a\r\n", b"a\r\nb")] == [0, 1, 1, 2]


def test_parts_are_exact_and_the_line_end_belongs_to_the_boundary() -> None:
    raw = HEAD + b"preamble\r\n--b\r\n\r\none\r\n\r\n--b \r\nX: y\r\n\r\ntwo\r\n--b--\r\nepilogue"
    assert contents(raw) == [b"one\r\n", b"two"]
    assert scan(raw).parts[1].header == b"X: y\r\n\r\n"


def test_what_only_looks_like_a_boundary() -> None:
    raw = HEAD + b"--b\r\n\r\n--bc\r\n x --b\r\n --b\r\n--b-\r\n--b--"
    assert contents(raw) == [b"--bc\r\n x --b\r\n --b\r\n--b-"]


def test_an_empty_part() -> None:
    assert contents(HEAD + b"--b\r\n--b\r\n\r\n--b--") == [b"", b""]


def test_no_closing_boundary_and_bare_line_feeds() -> None:
    assert contents(HEAD + b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n") == [b"one", b"two\r\n"]
    bare = HEAD.replace(b"\r\n", b"\n") + b"--b\n\none\n--b\n\ntwo\n--b--\n"
    assert contents(bare) == [b"one", b"two"]


def test_the_outer_boundary_ends_the_inner_multipart() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ndeep"
    found = scan(HEAD + b"--b\r\n" + inner + b"\r\n--b\r\n\r\nlast\r\n--b--")
    assert [part.content for part in found.parts[0].parts] == [b"deep"]
    assert found.parts[1].content == b"last"


def test_a_multipart_that_cannot_be_opened_is_text() -> None:
    no_boundary = b"Content-Type: multipart/mixed\r\n\r\nx"
    no_part = HEAD + b"nothing here"
    no_type = b"Content-Type: what?\r\n\r\nx"
    for raw in (no_boundary, no_part, no_type):
        assert scan(raw).content_type.value == b"text/plain"
        assert scan(raw).parts == ()


def test_a_message_in_a_message_and_a_digest() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhello"
    inner = scan(raw).message
    assert inner is not None
    assert (inner.field(b"subject"), inner.content) == (b"in", b"hello")
    digest = HEAD.replace(b"mixed", b"digest") + b"--b\r\n\r\nSubject: d\r\n\r\nx\r\n--b--"
    part = scan(digest).parts[0]
    assert part.message is not None and part.message.field(b"subject") == b"d"


def depth(entity: Entity) -> int:
    inner = [*entity.parts, *([entity.message] if entity.message else [])]
    return 1 + max((depth(each) for each in inner), default=0)


def test_depth_is_limited() -> None:
    bomb = b""
    for level in range(1000):
        bomb += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
    assert depth(scan(bomb)) == MAX_DEPTH + 1
    assert depth(scan(b"Content-Type: message/rfc822\r\n\r\n" * 5000)) == MAX_DEPTH + 1


def test_parts_are_limited_and_nothing_is_lost() -> None:
    raw = HEAD + b"--b\r\n\r\nx\r\n" * 100_000
    parts = scan(raw).parts
    assert len(parts) <= MAX_PARTS
    assert parts[-1].end == len(raw)


def test_parts_are_limited_across_levels() -> None:
    inner = HEAD.replace(b"=b", b"=i") + b"--i\r\n\r\n\r\n" * 100
    raw = HEAD + (b"--b\r\n" + inner) * 200
    assert sum(1 for _ in scan(raw).walk()) <= MAX_PARTS + MAX_DEPTH


def test_lines_that_resemble_boundaries_are_looked_at_so_often_only() -> None:
    raw = HEAD + b"--b\r\n\r\n" + b"--bx\n" * 500_000 + b"--b--"
    assert scan(raw).parts[0].end == len(raw)


pieces = st.sampled_from(
    [b"--b", b"--b--", b"\r\n", b"\n", b"--c", b"x", b" ", HEAD, HEAD.replace(b"=b", b"=c"), b"\0"]
)


@given(st.lists(pieces, max_size=30).map(b"".join))
def test_any_bytes_make_a_tree_of_ranges(raw: bytes) -> None:
    for entity in scan(HEAD + raw).walk():
        assert 0 <= entity.start <= entity.body <= entity.end <= len(HEAD + raw)
        for part in entity.parts:
            assert entity.body <= part.start and part.end <= entity.end
