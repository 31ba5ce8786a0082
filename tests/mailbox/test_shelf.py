"""Crashes, hands at work, and a lost index: files and index come to agree again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labmail.mailbox.index import Index
from labmail.mailbox.maildir import Maildir
from labmail.mailbox.model import Message
from labmail.trace.events import Delivered, Expunged, FlagsChanged, Stored
from tests.mailbox.place import LETTER, Killed, Place


def killed(*args: object, **more: object) -> None:
    raise Killed


# --- crashes ------------------------------------------------------------------------------


def test_a_crash_between_file_and_index_loses_nothing_and_doubles_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.deliver("Q1 minh")
    with monkeypatch.context() as patch:
        patch.setattr(Index, "put", killed)
        with pytest.raises(Killed):
            place.deliver("Q2 minh", b"two\r\n")
    assert len(place.files()) == 2
    place.again()
    assert [place.inbox.read(m.uid) for m in place.inbox.messages()] == [LETTER, b"two\r\n"]
    # The queue did not hear of success, so it tries again.
    assert place.deliver("Q2 minh", b"two\r\n").uid == 2
    assert len(place.files()) == 2
    assert [e.how for e in place.events(Stored)] == ["file found"]


def test_a_crash_before_the_file_is_whole_leaves_no_message(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.deliver("Q1 minh")
    with monkeypatch.context() as patch:
        patch.setattr("labmail.mailbox.maildir.os.rename", killed)
        with pytest.raises(Killed):
            place.deliver("Q2 minh", b"two\r\n")
    drafts = place.account.folder / "mailbox-1" / "tmp"
    assert len(list(drafts.iterdir())) == 1
    place.again()
    assert len(place.inbox.messages()) == 1
    assert list(drafts.iterdir()) == []
    assert place.deliver("Q2 minh", b"two\r\n").uid == 2


def test_a_crash_while_removing_does_not_bring_messages_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.deliver("Q1")
    place.deliver("Q2")
    with monkeypatch.context() as patch:
        patch.setattr(Index, "drop", killed)
        with pytest.raises(Killed):
            place.inbox.expunge([2], how="EXPUNGE")
    place.again()
    assert [m.uid for m in place.inbox.messages()] == [1]
    assert place.deliver("Q3").uid == 3


def test_a_crash_while_flags_change_keeps_those_in_the_file_name(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.deliver("Q1")
    with monkeypatch.context() as patch:
        patch.setattr(Index, "put", killed)
        with pytest.raises(Killed):
            place.inbox.set_flags(1, {"\\Seen"})
    place.again()
    assert place.inbox.message(1).flags == {"\\Seen"}


def test_a_file_that_resists_removal_stays_and_the_others_are_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("Q1", "Q2", "Q3"):
        place.deliver(key)
    remove = Maildir.remove

    def stubborn(maildir: Maildir, file: str) -> None:
        if ",U=2," in file:
            raise PermissionError("not yours")
        remove(maildir, file)

    with monkeypatch.context() as patch:
        patch.setattr(Maildir, "remove", stubborn)
        with pytest.raises(PermissionError):
            place.inbox.expunge([1, 2, 3], how="EXPUNGE")
    assert [m.uid for m in place.inbox.messages()] == [2, 3]
    assert [e.uid for e in place.events(Expunged)] == [1]


# --- hands at work ------------------------------------------------------------------------


def test_a_file_put_there_by_hand_is_taken_in(place: Place) -> None:
    place.deliver("Q1")
    new = place.account.folder / "mailbox-1" / "new"
    (new / "1234.M5P6.laptop").write_bytes(b"Subject: by hand\n\n.dot\n")
    place.inbox.refresh()
    message = place.inbox.message(2)
    # Maildir files of other programs have LF; mail has CRLF.
    assert place.inbox.read(2) == b"Subject: by hand\r\n\r\n.dot\r\n"
    assert message.size == 26
    assert ",U=2,S=26" in message.file
    assert place.inbox.recent() == {1, 2}
    place.without_index()
    assert place.inbox.message(2).size == 26


def test_a_file_taken_away_by_hand_is_gone(place: Place) -> None:
    message = place.deliver("Q1")
    (place.account.folder / message.file).unlink()
    place.inbox.refresh()
    assert place.inbox.messages() == ()
    assert [e.how for e in place.events(Expunged)] == ["file removed"]
    assert place.deliver("Q2").uid == 2


def test_a_file_renamed_by_hand_has_other_flags(place: Place) -> None:
    message = place.inbox.append(LETTER, {"\\Seen", "work"})
    file = place.account.folder / message.file
    file.rename(file.with_name(file.name.replace("2,Sa", "2,FSZ")))
    place.inbox.refresh()
    assert place.inbox.message(1).flags == {"\\Flagged", "\\Seen"}
    assert len(place.events(FlagsChanged)) == 1
    assert place.inbox.message(1).modseq == place.inbox.highest_modseq


def test_a_copy_made_by_hand_is_another_message(place: Place) -> None:
    message = place.deliver("Q1")
    file = place.account.folder / message.file
    (file.parent.parent / "cur" / (file.name + ":2,S")).write_bytes(file.read_bytes())
    place.inbox.refresh()
    assert [m.uid for m in place.inbox.messages()] == [1, 2]
    place.without_index()
    assert [m.uid for m in place.inbox.messages()] == [1, 2]


@pytest.mark.parametrize("name", [".hidden", "folder"])
def test_what_is_no_message_is_left_alone(place: Place, name: str) -> None:
    path = place.account.folder / "mailbox-1" / "cur" / name
    path.write_bytes(b"x") if name.startswith(".") else path.mkdir()
    place.inbox.refresh()
    assert place.inbox.messages() == ()


# --- the index is lost --------------------------------------------------------------------


def facts(messages: tuple[Message, ...]) -> list[tuple[object, ...]]:
    """All that the files can tell: everything but the numbers of changes."""
    return [(m.uid, m.flags, m.size, m.internal_date, m.parcel, m.file, m.token) for m in messages]


FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "work", "$Junk"]))
DEEDS = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, 6), st.just(frozenset[str]())),
    st.tuples(st.just("append"), st.integers(0, 6), FLAGS),
    st.tuples(st.just("flags"), st.integers(1, 6), FLAGS),
    st.tuples(st.just("expunge"), st.integers(1, 6), st.just(frozenset[str]())),
    st.tuples(st.just("claim"), st.just(0), st.just(frozenset[str]())),
)


def do(place: Place, what: str, number: int, flags: frozenset[str]) -> None:
    match what:
        case "deliver":
            place.deliver(f"Q{number}", b"x" * number)
        case "append":
            place.inbox.append(b"y" * number, flags)
        case "expunge":
            place.inbox.expunge([number], how="EXPUNGE")
        case "claim":
            place.inbox.claim_recent()
        case "flags" if number in {m.uid for m in place.inbox.messages()}:
            place.inbox.set_flags(number, flags)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=st.lists(DEEDS, max_size=12))
def test_what_is_made_from_the_files_equals_the_index(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int, frozenset[str]]]
) -> None:
    place = Place(tmp_path_factory.mktemp("mail"))
    for deed in deeds:
        do(place, *deed)
    inbox = place.inbox
    known = facts(inbox.messages()), inbox.uidnext, inbox.uidvalidity
    modseq = inbox.highest_modseq
    for lose in (place.again, lambda: place.store.rebuild(), place.without_index):
        lose()
        inbox = place.inbox
        assert (facts(inbox.messages()), inbox.uidnext, inbox.uidvalidity) == known
        assert inbox.highest_modseq >= modseq
        modseq = inbox.highest_modseq
    place.store.close()


def test_an_index_that_is_no_index_is_put_aside(place: Place) -> None:
    place.deliver("Q1")
    place.store.close()
    (place.folder / "index.sqlite").write_bytes(b"this is no database, sorry" * 100)
    place.again()
    assert [m.uid for m in place.inbox.messages()] == [1]
    assert (place.folder / "index.damaged").exists()


def test_a_rebuild_tells_nobody_anything_new(place: Place) -> None:
    place.deliver("Q1")
    told: list[object] = []
    place.inbox.watch(told.append)
    count = len(place.recorder)
    place.store.rebuild()
    assert told == []
    assert len(place.recorder) == count
    assert len(place.events(Delivered)) == 1


def test_a_folder_that_lost_its_name_keeps_its_letters(place: Place, tmp_path: Path) -> None:
    place.account.open("Sent").append(LETTER)
    before = place.account.open("Sent").uidvalidity
    (place.account.folder / "mailbox-2" / "mailbox.json").write_text("{")
    place.again()
    found = place.account.open("Recovered 2")
    assert found.read(1) == LETTER
    assert found.uidvalidity > before


@pytest.mark.parametrize(
    "name",
    [
        "99999999999999999999.0a.mx1,U=9,S=5",
        "253402300799.0a.mx1,U=9,S=5",
        f"1767225600.0a.mx1,U=9,S={10**30}",
    ],
)
def test_a_name_that_no_clock_or_disk_could_have_made_is_nobodys(place: Place, name: str) -> None:
    place.deliver("Q1")
    (place.inbox.folder / "cur" / name).write_bytes(LETTER)
    place.inbox.refresh()
    place.without_index()
    assert [(m.uid, m.size) for m in place.inbox.messages()] == [(1, len(LETTER)), (2, len(LETTER))]
