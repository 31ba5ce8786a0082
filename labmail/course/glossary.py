"""The course's words in English and Vietnamese: ``data/glossary.csv``."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from functools import cache

from labmail.course.notice import Notice
from labmail.paths import data_file


@dataclass(frozen=True, slots=True)
class Term:
    """A word and its Vietnamese form; `note` says what it is easily confused with."""

    en: str
    vi: str
    note: str


@cache
def glossary() -> tuple[Term, ...]:
    """All terms, in the order of the course."""
    with data_file("glossary.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Term(row["en"], row["vi"], row["note"]) for row in csv.DictReader(file))


def term(word: str) -> Notice:
    """What a word means in the other language: ``term("queue")``, ``term("hàng đợi")``."""
    wanted = unicodedata.normalize("NFC", word).casefold().strip()
    found = [t for t in glossary() if wanted and wanted in f"{t.en} {t.vi}".casefold()]
    if not found:
        return Notice(f"{word!r} is not in the glossary: data/glossary.csv holds all of it.")
    lines = [f"{t.en}: {t.vi}" + (f" ({t.note})" if t.note else "") for t in found]
    return Notice(f"In the glossary for {word!r}", lines)
