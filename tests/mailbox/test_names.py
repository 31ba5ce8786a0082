"""Names of mailboxes: what is a name, and that no name reaches the file system."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labmail.mailbox.errors import BadMailboxName, MailboxError
from labmail.mailbox.names import canonical, superiors
from tests.mailbox.place import LETTER, Place


@pytest.mark.parametrize(
    "name", ["work", "Việc làm", "a/b/c", "a b", "..a", "a.", "INBOX/x", "~", "C:\\mail", "con"]
)
def test_good_names(name: str) -> None:
    assert canonical(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../etc",
        "a/../b",
        "a/./b",
        "/a",
        "a/",
        "a//b",
        "a\x00b",
        "a\r\nb",
        "a\x7f",
        "a\u2028b",
        "\ud800",
        "Vie\u0323\u0302c",  # not NFC
        "a*",
        "%",
        "x" * 513,
        "/".join("x" * 17),
    ],
)
def test_bad_names_are_refused_with_advice(name: str) -> None:
    with pytest.raises(BadMailboxName, match="cannot name a mailbox: "):
        canonical(name)


def test_inbox_is_spelled_in_capitals() -> None:
    assert canonical("inbox") == "INBOX"
    assert canonical("Inbox/a") == "INBOX/a"
    assert canonical("inboxes") == "inboxes"


def test_superiors() -> None:
    assert superiors("a/b/c") == ["a", "a/b"]
    assert superiors("a") == []


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.text(st.characters(exclude_categories=[]), max_size=12))
def test_whatever_the_name_files_stay_where_they_belong(place: Place, name: str) -> None:
    try:
        mailbox = place.account.create(name)
    except MailboxError:
        return
    mailbox.append(LETTER)
    assert mailbox.folder.parent == place.account.folder
    assert mailbox.folder.name.removeprefix("mailbox-").isdigit()
    outside = {path.name for path in place.folder.parent.iterdir()}
    assert outside == {place.folder.name}
    place.account.delete(name)


@pytest.mark.parametrize("address", ["../../x@y", "a/b@c", ".@.", "x@" + "y" * 400])
def test_addresses_are_no_paths_either(tmp_path: Path, address: str) -> None:
    place = Place(tmp_path / "mail", address)
    assert place.account.folder == tmp_path / "mail" / "account-1"
    place.deliver("Q1")
    place.again()
    assert place.inbox.read(1) == LETTER
    place.store.close()
