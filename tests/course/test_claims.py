"""Claims: each is tried, where the list says it is tried."""

import csv
import json
import re
import unicodedata
from pathlib import Path

import pytest

from labmail.course import claim, facts
from labmail.course.claims import VERDICTS, Claim, claims
from labmail.paths import CHECKOUT, data_file

OF_NOTEBOOK = {
    "00": {1, 4, 38, 125},
    "01": {3, 4, 7, 13, 14, 17, 37, 40, 44, *range(52, 57), 88, 89, 92, 105, 107, 108, 113,
           120, 121, 123, 127, 128, 133, 136, 137, 138, 140, 146, 147, 152, 157, 158, 173, 176},
    "02": {36, 51, 170, 172},
    "03": {41, 42, 43, 86, 106, 115, 142, 174},
    "04": {51, 111, 118, 135, 176},
    "05": {*range(8, 12), 15, 16, 50, *range(57, 61), 103, 104, 108, 119, 141, 149, 175,
           *range(177, 181), 182},
    "08": {12, 13, 14, 28, 29, 30, 39, 43, 61, 94, 95, 96, 112, 120, 122, 144},
}  # fmt: skip


def notebook(number: str) -> Path:
    (path,) = (CHECKOUT / "notebooks").glob(f"{number}_*.ipynb")
    return path


def sections(path: Path) -> dict[str, str]:
    """The code between one heading with an id ("E1.2") and the next."""
    found: dict[str, str] = {}
    current = ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        for heading in (
            re.findall(r"^#+ (.+)$", text, re.M) if cell["cell_type"] == "markdown" else ()
        ):
            named = re.match(r"(E\d+\.\d+|Exercise \d+\.\d+)\b", heading)
            current = named[1] if named else current
        if cell["cell_type"] == "code":
            found[current] = found.get(current, "") + text + "\n"
    return found


def test_a_claim_that_holds_is_confirmed() -> None:
    notice = claim("Water is wet", 1 == 1, "RFC 0 §1")
    assert notice.text() == "✔ Water is wet\n  RFC 0 §1"
    assert "✔ Water is wet — RFC 0 §1" in facts(notice, claim("So is rain", True)).text()


@pytest.mark.parametrize("empty", [False, None, [], ""])
def test_a_claim_that_does_not_hold_fails_the_cell(empty: object) -> None:
    with pytest.raises(AssertionError, match="is not true in this lab now: Water is dry") as raised:
        claim("Water is dry", empty)
    assert "run the cells above again" in str(raised.value)


@pytest.mark.parametrize("number", OF_NOTEBOOK)
def test_the_list_has_the_statements_of_the_notebook(number: str) -> None:
    assert {row.number for row in claims(number)} == OF_NOTEBOOK[number]


@pytest.mark.parametrize("row", claims(), ids=lambda row: f"{row.notebook}-{row.number}")
def test_each_link_leads_to_an_experiment_that_states_something(row: Claim) -> None:
    code = sections(notebook(row.notebook)).get(row.experiment, "")
    assert "claim(" in code, (
        f"{row.experiment} is not in notebook {row.notebook}, or claims nothing"
    )


def test_rows_are_complete_and_in_nfc() -> None:
    with data_file("claims.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert all(row.values()), row
            assert unicodedata.is_normalized("NFC", "".join(row.values()))
            assert row["verdict"] in VERDICTS
            assert row["article"] in {f"{n:03}" for n in range(5)}


def test_no_pair_of_claim_and_notebook_occurs_twice() -> None:
    pairs = [(row.number, row.notebook) for row in claims()]
    assert len(pairs) == len(set(pairs))
