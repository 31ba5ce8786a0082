"""The folder that keeps a host's promise.

When a server has answered 250 to the final dot, it may not lose the letter
(RFC 5321 §6.1): not if its program is killed in the middle of a line, and, if
the spool is `durable`, not if the power fails.  The folder can be read with
``ls`` and ``cat``:

    4K7Q2MXB.eml     the letter, byte for byte as it came
    4K7Q2MXB.json    envelope, state of each recipient, next try

Which files exist is the state:

    .eml   .json
     no     no      nothing was promised
     yes    no      a crash before the promise, or after it was kept: swept at `load`
     yes    yes     the promise stands
     no     yes     never written by us: somebody tampered; set aside at `load`

So writing the .json is the moment of the promise, and it must happen at once or
not at all: the text goes to ``.json.tmp`` first and is then renamed, which the
operating system does in one piece.  Removing goes the other way round, .json
first.  Against ``kill -9`` this order is enough, since what was written is the
kernel's; only against a power cut must each step reach the disk before the next
begins, and that is what ``durable=True`` waits for.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labmail.queue.letter import Letter
from labmail.queue.record import BadRecord, letter_from, text_of

_NAME = re.compile(r"([A-Za-z0-9]{1,64})\.(eml|json|json\.tmp)", re.ASCII)
_NEW = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
_PRIVATE = 0o600
"""Mail is nobody else's business: files only their owner can read."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A letter that could not be read back; its files now lie in the folder ``damaged``."""

    queue_id: str
    file: str
    problem: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found in a spool: letters in the order of their arrival, and what was damaged."""

    letters: tuple[Letter, ...]
    damaged: tuple[Damage, ...] = ()


class Spool:
    """The letters in one folder; one process at a time.

    `durable` makes every promise survive a power cut, at the cost of waiting
    for the disk.  Methods raise OSError when the folder cannot be read or
    written; `add` has then promised nothing.
    """

    def __init__(self, folder: Path, durable: bool = False) -> None:
        self._folder = Path(folder)
        self._durable = durable
        self._base = f"{self._folder}{os.sep}"
        self._folder.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder

    def add(self, letter: Letter, content: bytes) -> None:
        """Keep a new letter.  When this returns, the letter is safe.

        Raises:
            FileExistsError: there is already a letter with this queue id.
            ValueError: the queue id could not be a file name.
        """
        base = self._path(letter.queue_id)
        try:
            self._write(f"{base}.eml", content, os.O_EXCL)
            self._commit(base, letter)
        except FileExistsError:
            raise  # the file there is another letter's
        except (OSError, ValueError):
            with suppress(OSError):
                self.remove(letter.queue_id)
            raise

    def update(self, letter: Letter) -> None:
        """Keep the new state of a letter: the old one stands until the new one does."""
        self._commit(self._path(letter.queue_id), letter)

    def remove(self, queue_id: str) -> None:
        """Forget a letter: every recipient has been dealt with."""
        base = self._path(queue_id)
        for suffix in (".json", ".eml"):
            with suppress(FileNotFoundError):
                os.unlink(base + suffix)
        self._sync_folder()

    def content(self, queue_id: str) -> bytes:
        """The letter's bytes as they came."""
        return Path(f"{self._path(queue_id)}.eml").read_bytes()

    def load(self) -> Loaded:
        """Read everything back after a restart.

        What a crash left behind is swept away; what cannot be read is set
        aside, never deleted and never in the way of the other letters.
        """
        found = self._found()
        letters, damaged = [], []
        for queue_id, kinds in sorted(found.items()):
            if "json.tmp" in kinds:
                os.unlink(f"{self._base}{queue_id}.json.tmp")
            if "json" in kinds:
                try:
                    letters.append(self._read(queue_id))
                except (BadRecord, OSError) as problem:
                    damaged.append(self._set_aside(queue_id, str(problem)))
            elif "eml" in kinds:
                os.unlink(f"{self._base}{queue_id}.eml")
        letters.sort(key=lambda letter: (letter.arrived, letter.parcel, letter.queue_id))
        return Loaded(tuple(letters), tuple(damaged))

    def _found(self) -> dict[str, set[str]]:
        """Queue ids in the folder, and which files each has.  Other files are not ours."""
        found: dict[str, set[str]] = {}
        for name in os.listdir(self._folder):
            if match := _NAME.fullmatch(name):
                found.setdefault(match[1], set()).add(match[2])
        return found

    def _read(self, queue_id: str) -> Letter:
        base = self._base + queue_id
        letter = letter_from(Path(f"{base}.json").read_bytes())
        if letter.queue_id != queue_id:
            raise BadRecord(f"the file is about {letter.queue_id}")
        try:
            size = os.stat(f"{base}.eml").st_size
        except FileNotFoundError:
            raise BadRecord(f"{queue_id}.eml, the letter itself, is missing") from None
        if size != letter.size:
            raise BadRecord(f"{queue_id}.eml has {size} octets, {letter.size} were accepted")
        return letter

    def _set_aside(self, queue_id: str, problem: str) -> Damage:
        aside = self._folder / "damaged"
        aside.mkdir(exist_ok=True)
        for suffix in (".eml", ".json"):
            with suppress(FileNotFoundError):
                os.replace(self._base + queue_id + suffix, aside / (queue_id + suffix))
        return Damage(queue_id, str(aside / f"{queue_id}.json"), problem)

    def _path(self, queue_id: str) -> str:
        if not _NAME.fullmatch(f"{queue_id}.eml"):
            raise ValueError(f"{queue_id!r} is no queue id: letters and digits only")
        return self._base + queue_id

    def _commit(self, base: str, letter: Letter) -> None:
        temporary = f"{base}.json.tmp"
        self._write(temporary, text_of(letter), os.O_TRUNC)
        os.replace(temporary, f"{base}.json")
        self._sync_folder()

    def _write(self, path: str, data: bytes, flag: int) -> None:
        file = os.open(path, _NEW | flag, _PRIVATE)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            if self._durable:
                os.fsync(file)
        finally:
            os.close(file)

    def _sync_folder(self) -> None:
        """Make the folder's list of names reach the disk (Windows does so by itself)."""
        if not self._durable or os.name == "nt":
            return
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
