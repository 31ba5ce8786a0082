"""Every notebook is stored as strict validation needs it, and as a learner can follow it.

nbval compares outputs; it says nothing when they are missing (a cleared notebook passes), so the
stored state is tested here: run from top to bottom, nothing on stderr, nothing of one machine.
"""

import ast
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labmail.paths import CHECKOUT

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((CHECKOUT / "notebooks" / "solutions").glob("*.ipynb"))
MOST_CODE = 12  # code cells a learner must read
ASKING = {
    "cards", "check", "compare", "hint", "inventory", "predict", "progress", "review", "solution"
}  # fmt: skip
NAME = re.compile(r"(0\d|1\d|2[01]|A[12])_[A-Za-z0-9]+(_[a-z0-9]+)*\.ipynb")
UNSTABLE = {
    "an object's address in memory": re.compile(r"\bat 0x[0-9a-f]{6,}"),
    "a real port": re.compile(r"\b127\.0\.0\.1[:#, ]+\d{4,5}\b"),
    "a path of one machine": re.compile(
        r"(?<![\w./])/(?:home|root|Users|tmp|var|work|opt|private)/\w|\b[A-Z]:\\\\?Users"
    ),
}

every_notebook = pytest.mark.parametrize(
    "path", [*NOTEBOOKS, *SOLUTIONS], ids=lambda path: path.relative_to(CHECKOUT).as_posix()
)
every_lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)

Cell = dict[str, Any]


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def source(cell: Cell) -> str:
    return "".join(cell["source"])


def code_cells(path: Path) -> list[Cell]:
    """The code cells of a notebook that have something in them."""
    cells = load(path)["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and source(cell).strip()]


def only_asks(text: str) -> bool:
    """Whether a cell is only a call of the course (``check("1.2")``) or a space to write in."""
    try:
        statements = ast.parse(text).body
    except SyntaxError:  # a magic, as in %matplotlib
        return False
    return all(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id in ASKING
        for statement in statements
    )


@every_notebook
def test_it_is_a_valid_notebook_with_cell_ids(path: Path) -> None:
    notebook = load(path)
    nbformat.validate(nbformat.from_dict(notebook))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))


@every_notebook
def test_it_was_run_from_top_to_bottom(path: Path) -> None:
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), "run all cells in a fresh kernel, then save"


@every_notebook
def test_nothing_was_said_on_stderr_and_nothing_raised(path: Path) -> None:
    for cell in code_cells(path):
        may_raise = "raises-exception" in cell["metadata"].get("tags", [])
        for output in cell["outputs"]:
            assert output.get("name") != "stderr", source(cell)
            assert output["output_type"] != "error" or may_raise, source(cell)


@every_notebook
def test_what_it_shows_does_not_depend_on_the_machine(path: Path) -> None:
    for cell in code_cells(path):
        text = json.dumps(cell["outputs"], ensure_ascii=False)
        for what, pattern in UNSTABLE.items():
            seen = pattern.search(text)
            assert not seen, f"{what}: {seen and seen.group()!r} after\n{source(cell)}"


@every_notebook
def test_it_is_nfc(path: Path) -> None:
    text = json.dumps(load(path), ensure_ascii=False)
    assert unicodedata.is_normalized("NFC", text)


@every_notebook
def test_it_starts_with_its_title_and_runs_on_any_kernel_of_python(path: Path) -> None:
    notebook = load(path)
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown"
    assert source(first).lstrip().startswith("# ")
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in notebook["metadata"], "widget state is not to be saved"


@every_lesson
def test_its_name_gives_its_place_in_the_course(path: Path) -> None:
    assert NAME.fullmatch(path.name)


@every_lesson
def test_there_is_not_too_much_code_to_read(path: Path) -> None:
    read = [cell for cell in code_cells(path) if not only_asks(source(cell))]
    assert len(read) <= MOST_CODE, [source(cell)[:60] for cell in read]


@every_lesson
def test_it_is_named_in_the_readme(path: Path) -> None:
    assert f"notebooks/{path.name}" in (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_the_readme_links_no_notebook_that_is_missing() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\(notebooks/(\w+\.ipynb)\)", text))
    assert linked == {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ('check("1.2")', True),
        ("# Write your letter here.\n", True),
        ('son.send(to=minh)\ncheck("1.2")', False),
        ("%matplotlib inline", False),
    ],
)
def test_a_cell_that_only_asks_is_told_from_one_to_read(text: str, asks: bool) -> None:
    assert only_asks(text) is asks
