"""Where a lab that keeps nothing puts its files.

Mailboxes and queues are real files also in a lab that is thrown away with the
notebook.  A letter is then a handful of files made and removed, so a file
system in memory makes the whole lab quick; where there is none with room to
spare, the system's ordinary folder for temporary files serves as well.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

IN_MEMORY = Path("/dev/shm")  # Linux; other systems have none at a fixed place
ENOUGH = 512 * 1024 * 1024
"""Free octets under which memory is left alone: many a container has 64 MB there."""


def temporary_folder(
    environment: Mapping[str, str] = os.environ, in_memory: Path = IN_MEMORY
) -> Path:
    """Make a new folder; whoever asked for it removes it.

    A place that the user has chosen with TMPDIR is respected.
    """
    if "TMPDIR" not in environment and _has_room(in_memory):
        return Path(tempfile.mkdtemp(prefix="labmail-", dir=in_memory))
    return Path(tempfile.mkdtemp(prefix="labmail-"))


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free >= ENOUGH
