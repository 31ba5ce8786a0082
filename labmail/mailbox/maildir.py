"""The files of a mailbox: a Maildir.

Three folders, and no lock.  A message is written in ``tmp`` under a name
nobody else uses, then moved to ``new``: moving is one step, so a reader sees
all of it or nothing.  Once a mail program has noticed it, it is moved on to
``cur``, where the end of its name carries its flags:

    new/1767225600.5d1f0c….mx.saigon.example,U=12,P=7,S=2301
    cur/1767225600.5d1f0c….mx.saigon.example,U=12,P=7,S=2301:2,RS

The name is: the time in seconds, a token, the host; then, for us, what the
index must be able to learn again from the files: UID, parcel, size.  Everything
before ``:2,`` is the *base*; it stays the same as long as the message lives.
Programs that drop files in here may use any base; those files are adopted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labmail.mailbox.flags import INFO
from labmail.mailbox.meta import sync_folder

FOLDERS = ("tmp", "new", "cur")
_OURS = re.compile(
    r"(?P<seconds>\d{1,11})\.(?P<token>[0-9a-z]+)\.(?P<host>[^,/]*)"
    r",U=(?P<uid>[1-9]\d{0,9})(?:,P=(?P<parcel>\d{1,18}))?,S=(?P<size>\d{1,18})"
)


@dataclass(frozen=True, slots=True)
class Base:
    """The unique part of a file name that we made, taken apart."""

    seconds: int
    token: str
    host: str
    uid: int
    parcel: int | None
    size: int

    def __str__(self) -> str:
        # A host's name is not supposed to hold these, but must not become a path if it does.
        host = self.host.replace("/", "\\057").replace(":", "\\072").replace(",", "\\054")
        parcel = "" if self.parcel is None else f",P={self.parcel}"
        return f"{self.seconds}.{self.token}.{host},U={self.uid}{parcel},S={self.size}"

    @classmethod
    def parse(cls, text: str) -> Base | None:
        """Take a base apart; None when it is not one of ours."""
        match = _OURS.fullmatch(text)
        if match is None:
            return None
        parcel = match["parcel"]
        return cls(
            int(match["seconds"]),
            match["token"],
            match["host"],
            int(match["uid"]),
            None if parcel is None else int(parcel),
            int(match["size"]),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A file that lies in new or cur."""

    place: str
    name: str

    @property
    def base(self) -> str:
        return self.name.partition(INFO)[0]

    @property
    def letters(self) -> str:
        """The flag letters at the end of the name ("" in new, and where there are none)."""
        return self.name.partition(INFO)[2]

    @property
    def file(self) -> str:
        """The file's name relative to the Maildir."""
        return f"{self.place}/{self.name}"


class Maildir:
    """One Maildir.  Names of files are relative to its folder: ``new/…``, ``cur/…``."""

    def __init__(self, folder: Path, durable: bool = False) -> None:
        self.folder = folder
        self._durable = durable

    def make(self) -> None:
        """Make the three folders, as far as they are not there."""
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def write(self, base: str, content: bytes, when: datetime, letters: str) -> str:
        """Store a message, all of it or nothing, and return its file's name.

        It goes to new, or to cur if it has flags already.  The file's time is
        the internal date.  Raises OSError (disk full, folder gone).
        """
        draft = self.folder / "tmp" / base
        file = in_cur(base, letters) if letters else f"new/{base}"
        try:
            self._write_draft(draft, content, when)
            os.rename(draft, self.folder / file)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        if self._durable:
            sync_folder((self.folder / file).parent)
        return file

    def move(self, file: str, to: str) -> None:
        """Give a file another name: other flags, or from new to cur."""
        os.rename(self.folder / file, self.folder / to)

    def read(self, file: str) -> bytes:
        """The bytes of a message.  Raises FileNotFoundError when it is gone."""
        return (self.folder / file).read_bytes()

    def remove(self, file: str) -> None:
        """Remove a message's file; one that is gone already is fine."""
        (self.folder / file).unlink(missing_ok=True)

    def size(self, file: str) -> int:
        """The size of a message in octets."""
        return (self.folder / file).stat().st_size

    def use_crlf(self, file: str) -> None:
        """Other programs write Maildir files with LF, as Unix does; mail has CRLF.  A file
        that holds no CRLF at all is rewritten, its time kept."""
        path = self.folder / file
        content = path.read_bytes()
        if b"\n" not in content or b"\r\n" in content:
            return
        when = path.stat().st_mtime
        draft = self.folder / "tmp" / path.name
        draft.write_bytes(content.replace(b"\n", b"\r\n"))
        os.utime(draft, (when, when))
        os.replace(draft, path)

    def scan(self) -> Iterator[Found]:
        """The files in new and cur, in the order of their names."""
        for place in ("new", "cur"):
            with os.scandir(self.folder / place) as entries:
                names = sorted(e.name for e in entries if _is_message(e))
            for name in names:
                yield Found(place, name)

    def sweep(self) -> None:
        """Remove what a crash left in tmp: drafts of ours that nobody will finish."""
        for draft in (self.folder / "tmp").iterdir():
            if Base.parse(draft.name):
                draft.unlink(missing_ok=True)

    def _write_draft(self, draft: Path, content: bytes, when: datetime) -> None:
        with open(draft, "xb") as file:
            file.write(content)
            if self._durable:
                file.flush()
                os.fsync(file.fileno())
        os.utime(draft, (when.timestamp(), when.timestamp()))


def in_cur(base: str, letters: str) -> str:
    """The name of a file in cur with these flag letters."""
    return f"cur/{base}{INFO}{letters}"


def _is_message(entry: os.DirEntry[str]) -> bool:
    """A file, not hidden: names that begin with a dot are not messages."""
    return not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
