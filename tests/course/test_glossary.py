"""One word for one thing, in both languages."""

import json
import re
import unicodedata

from labmail.course import term
from labmail.course.glossary import glossary
from labmail.paths import CHECKOUT

FIRST_USE = re.compile(r"\*\*([^*]+)\*\*(?:, [^|(*]+?)? (?:\(|\| )\*([^*]+)\*")


def test_the_words_are_there_once_and_in_nfc() -> None:
    english = [t.en for t in glossary()]
    assert len(english) == len(set(english)) > 70
    assert all(t.vi for t in glossary())
    assert all(unicodedata.is_normalized("NFC", f"{t.en}{t.vi}{t.note}") for t in glossary())


def test_a_term_is_found_from_either_side() -> None:
    assert "queue: hàng đợi thư" in term("queue").text()
    decomposed = unicodedata.normalize("NFD", "hàng đợi")
    assert "queue: hàng đợi thư" in term(decomposed).text()
    assert "is not in the glossary" in term("horse").text()
    assert "is not in the glossary" in term("").text()


def test_the_notebooks_use_the_words_of_the_glossary() -> None:
    wrong = []
    for path in sorted((CHECKOUT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "markdown":
                continue
            for en, vi in FIRST_USE.findall("".join(cell["source"])):
                known = [t for t in glossary() if en.rstrip("s").lower() in t.en.lower()]
                if not any(vi in t.vi for t in known):
                    wrong.append(f"{path.name}: {en} ({vi})")
    assert wrong == []
