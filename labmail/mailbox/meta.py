"""The small JSON files that say whose folder this is.

Folders bear numbers, never names.  ``account.json`` says whose account it is,
``mailbox.json`` what the mailbox is called.  They hold what cannot be read off
the messages themselves and must outlive the index.  A file is replaced as a
whole: after a crash there is the old one or the new one, never half of one.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT_FILE = "account.json"
MAILBOX_FILE = "mailbox.json"


@dataclass(slots=True)
class AccountMeta:
    """An account: its address, the names subscribed to, and the last UIDVALIDITY given out."""

    address: str
    subscriptions: list[str] = field(default_factory=list)
    uidvalidity: int = 0


@dataclass(slots=True)
class MailboxMeta:
    """A mailbox: its name and what makes its UIDs valid.

    `uidnext` is a lower bound for the next UID: it is raised when the newest
    message is removed, so that no UID is given out twice even if the index is
    lost.  `keywords` gives the meaning of the letters a, b, c… in file names.
    """

    name: str
    uidvalidity: int
    special_use: str | None = None
    uidnext: int = 1
    keywords: list[str] = field(default_factory=list)


def save(path: Path, meta: AccountMeta | MailboxMeta, durable: bool) -> None:
    """Replace the file with this content, in one step."""
    text = json.dumps(asdict(meta), ensure_ascii=False, indent=2) + "\n"
    fresh = path.with_suffix(".new")
    with open(fresh, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(fresh, path)
    if durable:
        sync_folder(path.parent)


def load_account(folder: Path) -> AccountMeta | None:
    """Whose account this folder is; None when that cannot be read."""
    try:
        return AccountMeta(**_read(folder / ACCOUNT_FILE))
    except (OSError, ValueError, TypeError):
        return None


def load_mailbox(folder: Path) -> MailboxMeta | None:
    """What the mailbox in this folder is called; None when that cannot be read."""
    try:
        return MailboxMeta(**_read(folder / MAILBOX_FILE))
    except (OSError, ValueError, TypeError):
        return None


def sync_folder(folder: Path) -> None:
    """Make sure that names created in this folder survive a power cut (where the
    system lets a folder be synced: Windows does not)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return value
