"""The text forms of the stories, word for word.

A golden file is what a learner reads: look at the difference before you accept it.
``LABMAIL_WRITE_GOLDEN=1 pytest tests/views`` writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from labmail import views
from labmail.trace.recorder import Trace

GOLDEN = Path(__file__).parent / "golden"

FORMS: dict[str, Callable[[Trace], str]] = {
    "ladder-talk": lambda t: views.ladder(t).text(),
    "ladder-hops": lambda t: views.ladder(t, "hops").text(),
    "transcript": lambda t: views.transcript(t).text(),
    "custody": lambda t: views.custody(t).text(),
    "map": lambda t: views.world_map(t).text(),
    "dns": lambda t: views.dns_table(t).text(),
    "resolution": lambda t: views.resolution(t).text(),
    "decision": lambda t: views.decision(t).text(),
}


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("name", ["journey", "failover", "bounce", "hostile"])
def test_text_form(name: str, form: str, tell: dict) -> None:
    text = FORMS[form](tell[name]().trace) + "\n"
    file = GOLDEN / f"{name}-{form}.txt"
    if os.environ.get("LABMAIL_WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")
