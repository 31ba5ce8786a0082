"""The values that a store hands out, and what its parts are handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labmail.trace.recorder import Emit

if TYPE_CHECKING:
    from labmail.mailbox.index import Index
    from labmail.runtime.ids import Ids


@dataclass(frozen=True, slots=True)
class Message:
    """What is known of one message without reading it.

    `uid` names it in its mailbox for ever (RFC 3501 §2.3.1.1), `flags` are its
    system flags (``\\Seen``) and keywords, `size` counts octets, `internal_date`
    is when the server got it, `parcel` the letter's number in the trace (None
    when the lab did not carry it), `file` its file's name relative to the
    account's folder.  `modseq` is the number of the change that made it what it
    is (RFC 7162 §3.1).  `token` is the part of the file name that tells
    deliveries apart.
    """

    uid: int
    flags: frozenset[str]
    size: int
    internal_date: datetime
    parcel: int | None
    file: str
    modseq: int = 1
    token: str = ""


@dataclass(frozen=True, slots=True)
class MailboxInfo:
    """A mailbox in a listing.  `special_use` is its attribute (RFC 6154), such as
    ``\\Sent``, or None."""

    name: str
    special_use: str | None
    subscribed: bool


@dataclass(frozen=True, slots=True)
class Change:
    """Something changed in a mailbox; `by` is the session that did it, if one did."""

    kind: Literal["arrived", "flags", "expunged"]
    uid: int
    by: object | None = None


Watcher = Callable[[Change], None]


@dataclass(frozen=True, slots=True)
class Context:
    """What every part of a store works with: `now` gives lab time, `durable` asks for
    fsync, so that nothing acknowledged is lost with the machine's power."""

    folder: Path
    host: str
    now: Callable[[], datetime]
    emit: Emit
    ids: Ids
    index: Index
    durable: bool
