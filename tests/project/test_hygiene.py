"""What no file of the project holds: paths of one machine, registry hosts, wrong letters."""

import itertools
import re
import tokenize
import unicodedata
from pathlib import Path

# Put together from halves, so that this file does not hold what it looks for.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "registry.np" + "mjs", "deb.deb" + "ian.org")
MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+|Us" + r"ers/\w+|opt/py" + r"pi)/"
    r"|[A-Z]:\\+Us" + r"ers\\"
)
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error")
LONGEST = 600  # lines


def found(text_files: dict[Path, str], root: Path, pattern: str | re.Pattern[str]) -> list[str]:
    """Where a pattern occurs: "file:line: the line"."""
    return [
        f"{path.relative_to(root).as_posix()}:{number}: {line.strip()[:80]}"
        for path, text in text_files.items()
        if re.search(pattern, text)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_no_host_of_a_package_registry(text_files: dict[Path, str], root: Path) -> None:
    assert found(text_files, root, "|".join(map(re.escape, HOSTS))) == []


def test_no_path_of_one_machine(text_files: dict[Path, str], root: Path) -> None:
    assert found(text_files, root, MACHINE_PATH) == []


def test_text_is_nfc_with_lf_and_ends_with_a_line(text_files: dict[Path, str], root: Path) -> None:
    wrong = []
    for path, text in text_files.items():
        if not unicodedata.is_normalized("NFC", text):
            wrong.append(f"{path.relative_to(root)} is not NFC")
        if "\r" in text and path.suffix in {".py", ".md", ".toml", ".ipynb", ".yml", ".csv"}:
            wrong.append(f"{path.relative_to(root)} has CR")
        if text and not text.endswith("\n") and path.suffix in {".py", ".md", ".toml", ".yml"}:
            wrong.append(f"{path.relative_to(root)} does not end with a line end")
    assert wrong == []


def test_nothing_is_left_unfinished(text_files: dict[Path, str], root: Path) -> None:
    code = {path: text for path, text in text_files.items() if path.suffix == ".py"}
    assert found(code, root, UNFINISHED) == []


def test_no_source_file_is_too_long(text_files: dict[Path, str], root: Path) -> None:
    lengths = {
        path.relative_to(root).as_posix(): text.count("\n")
        for path, text in text_files.items()
        if path.suffix == ".py"
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def calls(path: Path, name: str) -> list[int]:
    """The lines of a Python file where a name is called: comments and strings do not count."""
    with path.open("rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    pairs = itertools.pairwise(tokens)
    return [
        first.start[0]
        for first, second in pairs
        if first.type == tokenize.NAME and first.string == name and second.string == "("
    ]


def test_the_package_does_not_print_and_nothing_sleeps(root: Path) -> None:
    wrong = []
    for folder, forbidden in (("labmail", ("print", "sleep")), ("tests", ("sleep",))):
        for path in sorted((root / folder).rglob("*.py")):
            for name in forbidden:
                if name == "print" and path.name == "cli.py":
                    continue
                wrong += [
                    f"{path.relative_to(root).as_posix()}:{line}: {name}"
                    for line in calls(path, name)
                    if "sleep(0)" not in path.read_text(encoding="utf-8").splitlines()[line - 1]
                ]
    assert wrong == []
