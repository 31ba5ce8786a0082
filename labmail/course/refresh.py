"""Run the notebooks and write down what they answer.

    python -m labmail.course.refresh                               all notebooks, in order
    python -m labmail.course.refresh notebooks/00_start_here.ipynb only this one

What is written depends on the notebook and the course alone: no machine paths, no times,
no versions.  So a second run writes the same bytes, and a difference in a commit is a
difference in what learners see.  A cell that fails or writes to stderr ends the run, and that
notebook is left as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from labmail.paths import data_dir

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TIMEOUT = 300
"""Seconds that one cell may take on a slow machine."""


class CellFailed(RuntimeError):
    """A cell raised, or wrote to stderr: which notebook, which cell, what it said."""


def notebooks() -> list[Path]:
    """All notebooks of the course, then the solutions beside them."""
    folder = data_dir().parent / "notebooks"
    return [*sorted(folder.glob("*.ipynb")), *sorted(folder.glob("solutions/*.ipynb"))]


def executed(path: Path) -> Any:
    """The notebook, run from top to bottom in a kernel of its own."""
    nbformat, nbclient = import_module("nbformat"), import_module("nbclient")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    with TemporaryDirectory(prefix="labmail-kernel-") as folder:
        client = nbclient.NotebookClient(
            notebook,
            timeout=TIMEOUT,
            km=_manager(folder),
            record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
        )
        try:
            client.execute(cleanup_kc=True)
        except nbclient.exceptions.CellExecutionError as error:
            raise CellFailed(f"{path.name}: {error}") from None
    return normalised(notebook, path.name)


def _manager(folder: str) -> Any:
    """Who starts the kernel.

    TCP ports would be chosen before they are used, and somebody else may be quicker.  So the
    kernel is spoken to through files in `folder`, where the system has such sockets.
    """
    manager = import_module("jupyter_client").AsyncKernelManager
    if sys.platform == "win32":
        return manager(kernel_name=KERNEL["name"])
    return manager(kernel_name=KERNEL["name"], transport="ipc", ip=f"{folder}/kernel")


def normalised(notebook: Any, name: str) -> Any:
    """Without anything that depends on the machine, the day or the versions."""
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells, 1):
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "tags"}
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                raise CellFailed(f"{name}, cell {number} wrote to stderr: {output.text}")
    return notebook


def refresh(path: Path) -> bool:
    """Run a notebook and write it back; whether anything changed.

    Raises CellFailed, and leaves the file alone, when a cell does not run well.
    """
    nbformat = import_module("nbformat")
    before = path.read_text(encoding="utf-8")
    after = str(nbformat.writes(executed(path))) + "\n"
    if after != before:
        path.write_text(after, encoding="utf-8", newline="\n")
    return after != before


def main(arguments: Sequence[str]) -> int:
    """The exit code of running the notebooks that are named, or all."""
    for path in [Path(a) for a in arguments] or notebooks():
        try:
            changed = refresh(path)
        except CellFailed as error:
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write(f"{path.name}: {'written anew' if changed else 'as before'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
