"""Where a lab that keeps nothing puts its files.

Mailboxes and queues are real files also in a lab that is thrown away with the
notebook.  A letter is then a handful of files made and removed, so a file
system in memory makes the whole lab quick; where there is none with room to
spare, the system's ordinary folder for temporary files serves as well.

A lab removes its folder when it closes.  A kernel that is killed closes
nothing: its folder is swept away by the next lab.  Which folders are still in
use is told by a lock that dies with the process that holds it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

if sys.platform != "win32":
    import fcntl

IN_MEMORY = Path("/dev/shm")  # Linux; other systems have none at a fixed place
ENOUGH = 512 * 1024 * 1024
"""Free octets under which memory is left alone: many a container has 64 MB there."""
PREFIX = "labmail-"
LOCK = "in-use.lock"


class TemporaryFolder:
    """A new folder for one lab.  Folders that killed labs left beside it are removed.

    A place that the user has chosen with TMPDIR is respected.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, in_memory: Path = IN_MEMORY
    ) -> None:
        in_memory_too = "TMPDIR" not in environment and _has_room(in_memory)
        parent = in_memory if in_memory_too else Path(tempfile.gettempdir())
        sweep(parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = _lock(self.path)

    def remove(self) -> None:
        """Remove the folder and all that is in it; harmless twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sweep(parent: Path) -> None:
    """Remove the folders of labs whose process is gone without having closed them."""
    for folder in parent.glob(f"{PREFIX}*"):
        if _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free >= ENOUGH


if sys.platform == "win32":

    def _lock(folder: Path) -> int | None:
        """Windows has no lock of this kind: there, nothing is swept."""
        return None

    def _abandoned(folder: Path) -> bool:
        return False

else:

    def _lock(folder: Path) -> int | None:
        """Hold the folder's lock; it is let go when this process ends, however it ends."""
        fresh = folder / f"{LOCK}.new"
        lock = os.open(fresh, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh.rename(folder / LOCK)  # under its name only now: nobody sees it unlocked
        return lock

    def _abandoned(folder: Path) -> bool:
        """Whether nobody holds the lock.  A folder without one is not ours to judge."""
        try:
            lock = os.open(folder / LOCK, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(lock)
