"""What import-linter does not see: what is really loaded when the package is imported.

The layers themselves are contracts in pyproject.toml; `lint-imports` checks them.
"""

import subprocess
import sys
from pathlib import Path


def loaded_after(code: str, root: Path) -> set[str]:
    """The top-level modules a fresh interpreter has loaded after running some code."""
    report = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], cwd=root, capture_output=True, check=True
    )
    assert answer.stderr == b""
    return set(answer.stdout.decode().split())


def test_importing_the_package_prints_nothing_and_draws_nothing(root: Path) -> None:
    heavy = {"matplotlib", "numpy", "IPython", "jupyterlab", "ipykernel"}
    assert not loaded_after("import labmail", root) & heavy
    assert not loaded_after("from labmail import Lab", root) & heavy
