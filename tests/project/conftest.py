"""What the tests of the project share: its folder, and the files that belong to it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = {".git", ".venv", ".venv-oldest", "__pycache__", "build", "dist", ".ipynb_checkpoints"}


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def project_files() -> list[Path]:
    """Every file that belongs to the project: what git keeps or would keep.

    Without git (a downloaded archive) all files are taken that no tool has made.
    """
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        found = (path for path in ROOT.rglob("*") if path.is_file())
        return sorted(
            path
            for path in found
            if not MADE.intersection(path.relative_to(ROOT).parts)
            and not any(part.endswith(("_cache", ".egg-info")) for part in path.parts)
        )
    paths = (ROOT / name.decode() for name in listed.split(b"\0") if name)
    return sorted(path for path in paths if path.is_file())


@pytest.fixture(scope="session")
def text_files(project_files: list[Path]) -> dict[Path, str]:
    """Those of them that are UTF-8 text, with their text."""
    texts: dict[Path, str] = {}
    for path in project_files:
        content = path.read_bytes()
        if b"\0" not in content and path.suffix not in {".eml", ".png", ".pdf"}:
            texts[path] = content.decode("utf-8")
    return texts
