"""Mail programs from outside: run where they are installed, skipped where they are not."""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of the machine; skips the test where it is not installed."""

    def run(name: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed")
        return subprocess.run(
            [path, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    return run
