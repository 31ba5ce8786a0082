"""The notebooks: run anew they say the same, twice over is harmless, solutions pass."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labmail.course import refresh
from labmail.course.checks import EXERCISES
from labmail.paths import CHECKOUT

LESSONS = sorted((CHECKOUT / "notebooks").glob("0[01]_*.ipynb"))
SOLUTIONS = sorted((CHECKOUT / "notebooks" / "solutions").glob("0[01]_*.ipynb"))

# A kernel and its client are shut down by the garbage collector's leave.
pytestmark = pytest.mark.filterwarnings("default")


def texts(notebook: Any) -> str:
    """Everything a notebook shows, as text."""
    outputs = (o for cell in notebook["cells"] for o in cell.get("outputs", ()))
    return "\n".join("".join(o["data"]["text/plain"]) for o in outputs if "data" in o)


def written(cells: list[str], path: Path) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(notebook, path)
    return path


def test_what_is_written_depends_on_the_notebook_alone(tmp_path: Path) -> None:
    path = written(["x = 6", "x * 7"], tmp_path / "a.ipynb")
    assert refresh.refresh(path)
    first = path.read_bytes()
    assert not refresh.refresh(path)
    stored = json.loads(first)
    assert stored["metadata"]["language_info"] == {"name": "python"}
    assert [cell["execution_count"] for cell in stored["cells"]] == [1, 2]
    assert texts(stored) == "42"
    assert str(tmp_path) not in first.decode()


@pytest.mark.parametrize(
    ("cell", "said"),
    [("1 / 0", "ZeroDivisionError"), ("import sys; sys.stderr.write('ouch')", "ouch")],
)
def test_a_cell_that_fails_leaves_the_file_alone(tmp_path: Path, cell: str, said: str) -> None:
    path = written([cell], tmp_path / "a.ipynb")
    before = path.read_bytes()
    with pytest.raises(refresh.CellFailed, match=said):
        refresh.refresh(path)
    assert path.read_bytes() == before


def test_it_names_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = written(["1"], tmp_path / "a.ipynb"), written(["1 / 0"], tmp_path / "b.ipynb")
    assert refresh.main([str(good), str(bad)]) == 1
    said = capsys.readouterr()
    assert said.out == "a.ipynb: written anew\n"
    assert "ZeroDivisionError" in said.err


def test_lessons_come_before_solutions() -> None:
    names = [path.relative_to(CHECKOUT / "notebooks").as_posix() for path in refresh.notebooks()]
    assert names.index("01_the_journey.ipynb") < names.index("solutions/00_start_here.ipynb")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_the_untouched_notebook_passes_no_exercise(path: Path) -> None:
    shown = texts(json.loads(path.read_text(encoding="utf-8")))
    for key in keys_of(path):
        assert f"{key} not yet" in shown
        assert f"{key} done" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.name)
def test_the_solutions_run_and_every_check_passes(path: Path) -> None:
    shown = texts(refresh.executed(path))
    assert all(f"{key} done" in shown for key in keys_of(path))
    assert "not yet" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_any_cell_may_be_run_twice(path: Path, tmp_path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    doubled = [source for source in code for _ in range(2)]
    refresh.executed(written(doubled, tmp_path / "twice.ipynb"))


def keys_of(path: Path) -> list[str]:
    number = str(int(path.name[:2]))
    return [key for key in EXERCISES if key.startswith(f"{number}.")]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_every_exercise_stands_in_the_notebook_with_its_minutes(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    for key in keys_of(path):
        exercise = EXERCISES[key]
        heading = f"### Exercise {key} · {exercise.title} ({exercise.minutes} minutes)"
        assert heading in text.replace("??", "?"), heading


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_there_is_at_most_a_screen_of_text_between_two_runs(path: Path) -> None:
    words = 0
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = re.sub(r"<details>.*?</details>", "", "".join(cell["source"]), flags=re.S)
        words = 0 if cell["cell_type"] == "code" else words + len(re.findall(r"\w+", text))
        assert words < 330, text[:80]
