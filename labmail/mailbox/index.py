"""The index beside the files: SQLite, one file for all accounts of a host.

The files are the truth about which messages there are and which flags they
bear; the index is the quick answer, and remembers what files cannot: which UIDs
are gone, the number of each change.  It can be thrown away and made again.

A *box* is a mailbox as the index knows it: a number for the mailbox's folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labmail.mailbox.model import Message

FORMAT = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS box (
    id      INTEGER PRIMARY KEY,
    folder  TEXT NOT NULL UNIQUE,     -- account-1/mailbox-1
    uidnext INTEGER NOT NULL,
    modseq  INTEGER NOT NULL          -- number of the newest change
);
CREATE TABLE IF NOT EXISTS message (
    box     INTEGER NOT NULL REFERENCES box ON DELETE CASCADE,
    uid     INTEGER NOT NULL,
    file    TEXT NOT NULL,            -- mailbox-1/cur/1767225600...:2,S
    flags   TEXT NOT NULL,            -- separated by spaces
    size    INTEGER NOT NULL,
    date    TEXT NOT NULL,            -- internal date, ISO 8601 with offset
    parcel  INTEGER,
    modseq  INTEGER NOT NULL,
    token   TEXT NOT NULL,
    recent  INTEGER NOT NULL,
    PRIMARY KEY (box, uid)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gone (
    box     INTEGER NOT NULL REFERENCES box ON DELETE CASCADE,
    uid     INTEGER NOT NULL,
    modseq  INTEGER NOT NULL,
    token   TEXT NOT NULL,
    PRIMARY KEY (box, uid)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS message_token ON message (box, token);
CREATE INDEX IF NOT EXISTS gone_token ON gone (box, token);
"""
_COLUMNS = "uid, flags, size, date, parcel, file, modseq, token"


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox's place in the index."""

    id: int
    uidnext: int
    modseq: int


class IndexFailed(OSError):
    """The index cannot be read or written: the disk is full, or the file is damaged."""


class DamagedIndex(IndexFailed):
    """The file is no index, or one of another format."""


class Index:
    """The index file.  Used from one thread, the lab's loop; `durable` asks for fsync at
    each commit.  All methods raise IndexFailed, the constructor also DamagedIndex."""

    def __init__(self, path: Path, durable: bool = False) -> None:
        # The thread that opens a lab and the loop thread are two, but never at once.
        self._path = path
        self._nested = False
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise IndexFailed(f"{path} cannot be opened: {error}") from error
        try:
            self._open(durable)
        except IndexFailed:
            self._db.close()
            raise

    def _open(self, durable: bool) -> None:
        self._run("PRAGMA journal_mode = WAL")
        self._run(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        self._run("PRAGMA foreign_keys = ON")
        (version,) = self._run("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise DamagedIndex(f"{self._path} has format {version}, expected {FORMAT}")
        for statement in SCHEMA.split(";"):
            self._run(statement)
        self._run(f"PRAGMA user_version = {FORMAT}")

    def _run(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise IndexFailed(f"{self._path}: {error}; is the disk full?") from error
        except sqlite3.ProgrammingError:
            raise  # closed: a mistake of the caller, not the file's
        except sqlite3.DatabaseError as error:
            raise DamagedIndex(
                f"{self._path}: {error}; remove the file, it is made again at the next start"
            ) from error

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Everything in here is stored at once, or nothing is.  May be nested."""
        if self._nested:
            yield
            return
        self._run("BEGIN IMMEDIATE")
        self._nested = True
        try:
            yield
            self._run("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._run("ROLLBACK")
            raise
        finally:
            self._nested = False

    # --- mailboxes ------------------------------------------------------------------

    def box(self, folder: str) -> Box | None:
        """What the index knows of the mailbox in this folder; None if it never saw it."""
        row = self._run(
            "SELECT id, uidnext, modseq FROM box WHERE folder = ?", (folder,)
        ).fetchone()
        return None if row is None else Box(*row)

    def add_box(self, folder: str, uidnext: int, modseq: int) -> Box:
        """Begin to index a mailbox."""
        cursor = self._run(
            "INSERT INTO box (folder, uidnext, modseq) VALUES (?, ?, ?)", (folder, uidnext, modseq)
        )
        assert cursor.lastrowid is not None
        return Box(cursor.lastrowid, uidnext, modseq)

    def count(self, box: int, uidnext: int, modseq: int) -> None:
        """Store the next UID and the number of the newest change."""
        self._run("UPDATE box SET uidnext = ?, modseq = ? WHERE id = ?", (uidnext, modseq, box))

    def forget(self, folder: str) -> None:
        """Drop all that is known of a mailbox."""
        self._run("DELETE FROM box WHERE folder = ?", (folder,))

    # --- messages -------------------------------------------------------------------

    def messages(self, box: int) -> list[Message]:
        """All messages of a mailbox in UID order."""
        rows = self._run(f"SELECT {_COLUMNS} FROM message WHERE box = ? ORDER BY uid", (box,))
        return [_message(row) for row in rows]

    def put(self, box: int, message: Message, recent: bool = True) -> None:
        """Store what is known of a message, new or changed.  `recent` counts if it is new."""
        self._run(
            f"INSERT INTO message (box, {_COLUMNS}, recent) VALUES (?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT DO UPDATE SET flags=excluded.flags, file=excluded.file,"
            " modseq=excluded.modseq",
            (
                box,
                message.uid,
                " ".join(sorted(message.flags)),
                message.size,
                message.internal_date.isoformat(),
                message.parcel,
                message.file,
                message.modseq,
                message.token,
                recent,
            ),
        )

    def drop(self, box: int, messages: Iterable[Message], modseq: int) -> None:
        """These messages are gone; `modseq` is the number of that change."""
        for message in messages:
            self._run("DELETE FROM message WHERE box = ? AND uid = ?", (box, message.uid))
            self._run(
                "INSERT OR REPLACE INTO gone (box, uid, modseq, token) VALUES (?,?,?,?)",
                (box, message.uid, modseq, message.token),
            )

    def uid_of(self, box: int, token: str) -> int | None:
        """Which UID the message with this token has, or had before it was removed."""
        for table in ("message", "gone"):
            row = self._run(
                f"SELECT uid FROM {table} WHERE box = ? AND token = ?", (box, token)
            ).fetchone()
            if row is not None:
                return int(row[0])
        return None

    def highest_parcel(self) -> int:
        """The highest number of a letter among all messages; 0 when none has one."""
        (number,) = self._run("SELECT max(parcel) FROM message").fetchone()
        return int(number or 0)

    def gone_since(self, box: int, modseq: int) -> list[int]:
        """The UIDs removed by changes after the one with this number, in order."""
        rows = self._run(
            "SELECT uid FROM gone WHERE box = ? AND modseq > ? ORDER BY uid", (box, modseq)
        )
        return [uid for (uid,) in rows]

    # --- recent ---------------------------------------------------------------------

    def recent(self, box: int) -> list[int]:
        """The UIDs no session has been told of."""
        rows = self._run("SELECT uid FROM message WHERE box = ? AND recent ORDER BY uid", (box,))
        return [uid for (uid,) in rows]

    def settle_recent(self, box: int) -> None:
        """From now on no message of this mailbox is recent."""
        self._run("UPDATE message SET recent = 0 WHERE box = ? AND recent", (box,))


def _message(row: tuple[int, str, int, str, int | None, str, int, str]) -> Message:
    uid, flags, size, date, parcel, file, modseq, token = row
    when = datetime.fromisoformat(date)
    return Message(uid, frozenset(flags.split()), size, when, parcel, file, modseq, token)
