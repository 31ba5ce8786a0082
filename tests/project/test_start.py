"""start.py: finds a Python, does nothing twice, and says in plain words what is wrong."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from labmail.paths import CHECKOUT

SCRIPT = CHECKOUT / "start.py"
PINS = "aiosmtpd==1.4.6\n"
PYPROJECT = '[project]\nname = "x"\ndependencies = [\n    "aiosmtpd>=1.4.6",\n]\n'


@pytest.fixture
def start() -> ModuleType:
    """A fresh start.py, as a module."""
    spec = importlib.util.spec_from_file_location("start", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with pins.txt and pyproject.toml, its name with spaces and Vietnamese letters."""
    folder = tmp_path / "Thư của Sơn"
    folder.mkdir()
    (folder / "pins.txt").write_text(PINS, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    return folder


@pytest.fixture
def environment(start: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch):
    """An environment whose Python is said to be 3.12.1, and which is made and filled in no time."""

    def make(self) -> None:
        self.clear()
        os.makedirs(self.folder)
        Path(self.folder, "pyvenv.cfg").touch()
        done.append("made")

    done: list[str] = []
    monkeypatch.setattr(start, "probe", lambda command: start.Python(command, (3, 12, 1)))
    monkeypatch.setattr(start.Environment, "make", make)
    monkeypatch.setattr(start.Environment, "install", lambda self: done.append("installed"))
    made = start.Environment(root=str(checkout))
    made.done = done
    return made


# ── the script itself ─────────────────────────────────────────────────────────────────────────


def test_it_is_written_for_python_3_6_and_the_standard_library() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]


def old_pythons() -> list[str]:
    """Pythons older than 3.11 on PATH and in pyenv."""
    names = [f"python3.{minor}" for minor in range(6, 11)]
    found = [shutil.which(name) for name in names]
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found += [str(path) for path in home.glob("3.*/bin/python")]
    return sorted(path for path in found if path and re.search(r"3\.([6-9]|10)\b", path))


def test_an_old_python_runs_it(tmp_path: Path) -> None:
    answers = []
    for python in old_pythons():
        answer = subprocess.run([python, SCRIPT, "--help"], capture_output=True, cwd=tmp_path)
        if b"command not found" not in answer.stderr:  # a pyenv shim of a Python not chosen
            answers.append((python, answer.returncode, answer.stderr))
    if not answers:
        pytest.skip("no Python older than 3.11 on this machine")
    assert all(code == 0 and not stderr for _, code, stderr in answers), answers


def test_help_names_every_command(start: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert start.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"start.py {name}" in text for name in start.COMMANDS)


def test_an_unknown_command_is_answered_with_the_known_ones(
    start: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start.main(["tset"]) == 2
    assert "There is no 'tset'" in capsys.readouterr().out


def test_letters_the_terminal_does_not_know_become_question_marks() -> None:
    code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import start; start.say('Sơn …')"
    surroundings = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, env=surroundings)
    assert answer.stdout.split() == [b"S?n", b"?"]


# ── finding a Python ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        ([(3, 6, 15), (3, 12, 1)], (3, 12, 1)),
        ([(3, 15, 0), (3, 11, 7)], (3, 11, 7)),
        ([(3, 15, 0), (3, 8, 1)], (3, 15, 0)),
        ([(3, 10, 9), (2, 7, 18)], None),
        ([], None),
    ],
)
def test_a_tried_python_is_chosen_before_a_newer_one(
    start: ModuleType, versions: list[tuple[int, ...]], chosen: tuple[int, ...] | None
) -> None:
    python = start.choose([start.Python(["python"], version) for version in versions])
    assert (python and python.version) == chosen


def test_a_probe_tells_the_version_and_leaves_virtual_environments(start: ModuleType) -> None:
    python = start.probe([sys.executable])
    assert python.version == tuple(sys.version_info[:3])
    assert python.command == [getattr(sys, "_base_executable", sys.executable)]


def test_a_probe_of_what_is_no_python_is_none(start: ModuleType, tmp_path: Path) -> None:
    assert start.probe([str(tmp_path / "python3.13")]) is None
    assert start.probe([str(tmp_path)]) is None


def test_no_more_pythons_are_asked_than_needed(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"old": (3, 9, 1), "good": (3, 12, 0), "other": (3, 13, 0)}
    asked = []

    def probe(command: list[str]):
        asked.append(command[0])
        return start.Python(command, versions[command[0]])

    monkeypatch.setattr(start, "probe", probe)
    monkeypatch.setattr(start, "commands", lambda: [["old"], ["old"], ["good"], ["other"]])
    assert start.find_python().command == ["good"]
    assert asked == ["old", "good"]


def test_pyenv_is_looked_into(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "versions" / "3.12.1").mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert [str(tmp_path / "versions" / "3.12.1" / "bin" / "python")] in list(start.commands())


# ── nothing twice ─────────────────────────────────────────────────────────────────────────────


def test_the_second_run_does_nothing(environment) -> None:
    assert environment.state() == "absent"
    environment.ready()
    assert environment.done == ["made", "installed"]
    assert environment.state() == "ready"
    environment.ready()
    assert environment.done == ["made", "installed"]


@pytest.mark.parametrize("file", ["pins.txt", "pyproject.toml"])
def test_new_pins_are_installed_in_place(environment, checkout: Path, file: str) -> None:
    environment.ready()
    with (checkout / file).open("a", encoding="utf-8") as stream:
        stream.write("# newer\n")
    assert environment.state() == "outdated"
    environment.ready()
    assert environment.done == ["made", "installed", "installed"]
    assert environment.state() == "ready"


def test_an_installation_that_was_broken_off_is_made_anew(
    start: ModuleType, environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(start.Environment, "install", broken)
        with pytest.raises(KeyboardInterrupt):
            environment.ready()
    assert environment.state() == "absent"
    environment.ready()
    assert environment.done == ["made", "made", "installed"]


def test_a_broken_update_leaves_no_stamp(
    start: ModuleType, environment, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self) -> None:
        raise start.Trouble("no network")

    environment.ready()
    (checkout / "pins.txt").write_text("dnspython==2.9.2\n", encoding="utf-8")
    monkeypatch.setattr(start.Environment, "install", broken)
    with pytest.raises(start.Trouble):
        environment.ready()
    assert environment.state() == "absent"


def test_another_python_or_a_moved_folder_means_anew(
    start: ModuleType, environment, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.ready()
    moved = checkout.rename(checkout.with_name("elsewhere"))
    assert start.Environment(root=str(moved)).state() == "absent"
    moved.rename(checkout)
    assert environment.state() == "ready"
    monkeypatch.setattr(start, "probe", lambda command: start.Python(command, (3, 13, 0)))
    assert environment.state() == "absent"
    monkeypatch.setattr(start, "probe", lambda command: None)
    assert environment.state() == "absent"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\udcff"])
def test_a_stamp_that_cannot_be_read_counts_as_none(environment, content: str) -> None:
    environment.ready()
    Path(environment.stamp).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert environment.state() == "absent"


def test_a_folder_that_is_no_environment_is_left_alone(start: ModuleType, checkout: Path) -> None:
    precious = checkout / ".venv" / "thesis.txt"
    precious.parent.mkdir()
    precious.touch()
    with pytest.raises(start.Trouble, match="not a Python environment"):
        start.Environment(root=str(checkout)).clear()
    assert precious.exists()


def test_a_real_environment_is_made_where_the_path_is_difficult(
    start: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "pins.txt").write_text("# nothing, so nothing is fetched\n", encoding="utf-8")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(start.Environment, "requests", lambda self: [(["-r", "pins.txt"], 0)])
    environment = start.Environment(root=str(checkout))
    environment.ready()
    assert environment.version() == tuple(sys.version_info[:3])
    monkeypatch.setattr(start, "run", None)
    environment.ready()


def test_the_requests_name_the_pins_or_the_oldest(start: ModuleType, checkout: Path) -> None:
    pinned = start.Environment(root=str(checkout)).requests()
    assert pinned[0] == (["-r", "pins.txt"], 1)
    assert pinned[1][0][-2:] == ["-e", "."]
    oldest = start.Environment(root=str(checkout), name=".venv-oldest", oldest=True).requests()
    assert oldest == [(["aiosmtpd==1.4.6", "-e", ".[test]"], 0)]


def test_the_oldest_packages_are_those_of_pyproject(start: ModuleType) -> None:
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    names = {name for name, _ in start.direct_dependencies(text)}
    assert {"aiosmtpd", "dnspython", "matplotlib"} <= names
    assert not names & {"pytest", "setuptools"}


# ── plain words ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("error: [Errno 30] Read-only file system: '.venv'", "cannot be written"),
        ("PermissionError: [Errno 13] Permission denied", "cannot be written"),
        ("... because ensurepip is not available", "python3-venv"),
        ("No module named 'venv'", "python3-venv"),
        ("NewConnectionError: [Errno -3] Temporary failure in name resolution", "network"),
        ("error: Failed to fetch: dns error", "network"),
        ("No matching distribution found for a==1 (from versions: none)", "network"),
        ("ERROR: No matching distribution found for numpy==2.4.6", "no fitting version"),
    ],
)
def test_what_programs_say_is_put_in_plain_words(
    start: ModuleType, output: str, words: str
) -> None:
    assert words in start.meaning(output)
    assert output in str(start.failed("It failed.", output))


def test_what_is_not_known_is_shown_as_it_was_said(start: ModuleType) -> None:
    assert start.meaning("Segmentation fault") == ""
    assert "Segmentation fault" in str(start.failed("It failed.", "Segmentation fault"))


def raising(error: BaseException):
    def ready(self) -> None:
        raise error

    return ready


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "Run the same command again"),
        (OSError(28, "No space left on device"), 1, "disk is full"),
        (OSError(30, "Read-only file system"), 1, "cannot be written"),
        (OSError(13, "Permission denied"), 1, "cannot be written"),
        (OSError(5, "Input/output error"), 1, "Input/output error"),
    ],
)
def test_what_stops_it_is_told_without_a_traceback(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(start.Environment, "ready", raising(error))
    assert start.main(["install"]) == code
    assert words in capsys.readouterr().out


def test_without_a_new_python_it_says_which_one_is_needed(
    start: ModuleType,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start, "find_python", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(start.Trouble, match=r"needs Python 3\.11 or newer"):
        start.Environment(root=str(checkout)).ready()


def test_a_full_disk_is_noticed_before_anything_is_fetched(
    start: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "SPACE", shutil.disk_usage(checkout).total + 1)
    with pytest.raises(start.Trouble, match="disk is full"):
        start.Environment(root=str(checkout)).ready()


# ── test: every step, then a sum ──────────────────────────────────────────────────────────────


def test_all_steps_run_and_one_failure_fails_the_whole(
    start: ModuleType,
    environment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    says = [sys.executable, "-c"]
    listed = [
        start.Step("mypy", [*says, "print('labmail/x.py: error'); raise SystemExit(1)"]),
        start.Step("pytest", [*says, "print('==== 3 passed in 0.01s ====')", "pytest"]),
        start.Step("notebooks", None),
    ]
    monkeypatch.setattr(start, "steps", lambda environment, arguments: listed)
    assert start.test(environment, []) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(re.match(r"mypy +FAILED +[\d.]+ s", line) for line in lines)
    assert "labmail/x.py: error" in lines
    assert any(re.match(r"pytest +ok +[\d.]+ s", line) for line in lines)
    assert any(re.match(r"notebooks +nothing to test yet", line) for line in lines)
    assert lines[-2:] == ["==== 3 passed in 0.01s ====", "FAILED: mypy"]


def test_notebooks_are_validated_strictly_once_there_are_any(
    start: ModuleType, environment, checkout: Path
) -> None:
    assert start.steps(environment, [])[-1].command is None
    (checkout / "notebooks" / "solutions").mkdir(parents=True)
    for name in ("01_b.ipynb", "00_a.ipynb", "solutions/00_a.ipynb", "notes.md"):
        (checkout / "notebooks" / name).touch()
    command = start.steps(environment, [])[-1].command
    assert "--nbval" in command and "--nbval-lax" not in command
    found = [Path(part).as_posix() for part in command if part.endswith(".ipynb")]
    assert found == [
        "notebooks/00_a.ipynb",
        "notebooks/01_b.ipynb",
        "notebooks/solutions/00_a.ipynb",
    ]


def test_the_closing_lines_are_those_of_pytest(start: ModuleType) -> None:
    closing = ["===== short test summary info =====", "SKIPPED [1] no dig", "=== 2 passed ==="]
    assert start.closing_lines("\n".join(["===== begins =====", "..", *closing])) == closing
    assert start.closing_lines("=== begins ===\nx\n===== 2 passed =====") == [
        "===== 2 passed ====="
    ]
    assert start.closing_lines("...\n2 passed in 0.1s") == ["2 passed in 0.1s"]  # pytest -q
    assert start.closing_lines("") == []


def test_what_a_program_prints_is_heard_line_by_line(start: ModuleType, tmp_path: Path) -> None:
    heard: list[str] = []
    code = "print('Sơn'); print('Minh'); raise SystemExit(3)"
    command = [sys.executable, "-X", "utf8", "-c", code]
    assert start.run(command, str(tmp_path), heard.append) == (3, "Sơn\nMinh")
    assert heard == ["Sơn", "Minh"]
    code, output = start.run([str(tmp_path / "none")], str(tmp_path))
    assert code == 127 and output


def test_progress_counts_what_pip_says(
    start: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = start.Progress(50)
    for number in range(25):
        progress(f"Collecting package{number}==1.0 (from -r pins.txt)")
    progress("  Downloading package.whl")
    progress("Installing collected packages: a, b")
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        "25 of 50",
        "unpacking …",
    ]
