"""A moment of a world to come back to: *what if*, asked twice.

A checkpoint holds everything that decides what happens next: the files of mailboxes
and queues, lab time, the numbers that were drawn so far, what resolvers remember, which
zones are served, what is planned to go wrong, what listens, and which programs outside
have an address.  A world that begins
there again and is driven the same way says the same bytes; driven another way, it shows
what the difference does.

How it is done: files are copied, and each part that has a memory gives it out
(`memory`) and takes it back (`recall`).  A world is not turned back while it runs: it
ends, and another begins from the checkpoint.

What does not fit: a connection that a program in the notebook holds open ends with
the world; what people outside the lab remember is theirs.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from labmail.runtime.place import LOCK

KEPT = frozenset({LOCK, "ca.pem"})
"""Files of a lab's folder that are no part of its mail."""


class Remembers(Protocol):
    """A part of a world with a memory that decides what happens next."""

    def memory(self) -> Any:
        """What it knows now, as a value that does not change any more."""
        ...

    def recall(self, memory: Any) -> None:
        """Know this, and nothing else."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A moment of a world: its name, its lab time, its files, and the memory of each part."""

    name: str
    at: datetime
    files: Path = field(repr=False)
    memories: Mapping[str, Any] = field(repr=False)


def save_files(folder: Path, target: Path) -> None:
    """Copy a lab's mail; nobody may be writing meanwhile."""
    target.mkdir(parents=True)
    for path in _mail_in(folder):
        shutil.copytree(path, target / path.name)


def restore_files(source: Path, folder: Path) -> None:
    """Put a copy of the mail in the place of what a lab has now."""
    for path in _mail_in(folder):
        shutil.rmtree(path)
    shutil.copytree(source, folder, dirs_exist_ok=True)


def memories(parts: Mapping[str, Remembers]) -> dict[str, Any]:
    """What each part remembers, by its name."""
    return {name: part.memory() for name, part in parts.items()}


def recall(parts: Mapping[str, Remembers], remembered: Mapping[str, Any]) -> None:
    """Give each part its memory back."""
    for name, part in parts.items():
        part.recall(remembered[name])


def _mail_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.name not in KEPT and path.is_dir()]
