"""File names, and messages that are there whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.mailbox.flags import INFO
from labmail.mailbox.maildir import Base, Found, Maildir, in_cur

WHEN = datetime(2026, 1, 5, tzinfo=UTC)
BASES = st.builds(
    Base,
    st.integers(0, 10**11 - 1),
    st.text("0123456789abcdef", min_size=1, max_size=32),
    st.from_regex(r"[a-z0-9.-]{0,20}", fullmatch=True),
    st.integers(1, 2**32 - 2),
    st.none() | st.integers(0, 10**9),
    st.integers(0, 2**40),
)


@given(BASES)
def test_a_name_says_what_was_put_into_it(base: Base) -> None:
    assert Base.parse(str(base)) == base


@given(st.text())
def test_other_names_are_not_ours_or_mean_what_they_say(text: str) -> None:
    base = Base.parse(text)
    assert base is None or base.uid > 0


@pytest.mark.parametrize("host", ["a/b", "../x", "a:2,S", "a,U=9"])
def test_a_host_name_cannot_break_out_of_a_file_name(host: str) -> None:
    text = str(Base(1, "0a", host, 5, None, 3))
    assert "/" not in text and ":" not in text
    parsed = Base.parse(text)
    assert parsed is not None and parsed.uid == 5


def test_letters_are_behind_the_base() -> None:
    found = Found("cur", f"1.x.host{INFO}FS")
    assert (found.base, found.letters) == ("1.x.host", "FS")
    assert Found("new", "1.x.host").letters == ""
    assert in_cur("1.x.host", "FS") == found.file


def test_a_message_is_written_read_moved_and_removed(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path)
    maildir.make()
    file = maildir.write("1.x.host", b"hello", WHEN, "")
    assert file == "new/1.x.host"
    assert (tmp_path / file).stat().st_mtime == WHEN.timestamp()
    maildir.move(file, in_cur("1.x.host", "S"))
    [found] = maildir.scan()
    assert maildir.read(found.file) == b"hello"
    maildir.remove(found.file)
    maildir.remove(found.file)
    assert list(maildir.scan()) == []


def test_when_the_disk_is_full_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError("no space left on device")

    maildir = Maildir(tmp_path)
    maildir.make()
    monkeypatch.setattr("labmail.mailbox.maildir.os.utime", full)
    with pytest.raises(OSError, match="no space"):
        maildir.write("1.x.host", b"hello", WHEN, "")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_sweeping_leaves_the_drafts_of_others(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path)
    maildir.make()
    ours = str(Base(1, "0a", "mx", 5, None, 3))
    for name in (ours, "1234.M5P6.laptop"):
        (tmp_path / "tmp" / name).write_bytes(b"x")
    maildir.sweep()
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["1234.M5P6.laptop"]
