"""What a learner has answered: kept in the kernel, and where asked for, in a file.

Predictions, passed exercises and hints taken live as long as the kernel.  The answers
of the inventory are compared again many notebooks later, so they are also written to
``.labmail/answers.json`` beside the ``data`` folder.  A cell that has not been answered
neither reads nor writes that file: what it shows depends on the notebook alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labmail.paths import data_dir


@dataclass(slots=True)
class Notes:
    """One kernel's memory of its learner."""

    predictions: dict[str, str] = field(default_factory=dict)
    compared: dict[str, str] = field(default_factory=dict)
    passed: dict[str, bool] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    inventory: dict[int, str] = field(default_factory=dict)

    def forget(self) -> None:
        """Begin anew, as a fresh kernel does."""
        for kept in (self.predictions, self.compared, self.passed, self.hints, self.inventory):
            kept.clear()


NOTES = Notes()
"""The memory of this kernel."""


def answers_file() -> Path:
    """Where answers outlive the kernel."""
    return data_dir().parent / ".labmail" / "answers.json"


def write_answers(kind: str, answers: Mapping[int, str]) -> bool:
    """Keep answers of this kind ("inventory") for later notebooks; False when the disk
    will not have them, which is no reason to disturb a lesson."""
    file = answers_file()
    try:
        kept = read_all()
        kept[kind] = {str(number): answer for number, answer in sorted(answers.items())}
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    except OSError:
        return False
    return True


def read_answers(kind: str) -> dict[int, str]:
    """Answers of this kind that an earlier notebook kept; empty when there are none."""
    return {int(n): a for n, a in read_all().get(kind, {}).items() if n.isdecimal()}


def read_all() -> dict[str, dict[str, str]]:
    """Everything the file holds that can be understood."""
    try:
        kept = json.loads(answers_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {str(kind): dict(answers) for kind, answers in kept.items() if isinstance(answers, dict)}
