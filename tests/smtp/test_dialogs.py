"""Plays tests/dialogs/smtp/*.dialog against the real server; README.md there has the form."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DIALOGS = sorted((Path(__file__).parents[1] / "dialogs" / "smtp").glob("*.dialog"))


def steps(text: str) -> list[tuple[str, str]]:
    """(mark, rest) of each line that is not a comment."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line[:2].strip(), line[2:].removeprefix(" ")) for line in lines]


def settings(script: list[tuple[str, str]]) -> dict[str, Any]:
    words = [rest.split() for mark, rest in script if mark == "@"]
    return {w[0]: w[1] if len(w) > 1 else True for w in words}


def take_reply(lines: list[str]) -> str:
    """The next reply, all its lines; "" if there is none."""
    taken = []
    while lines:
        taken.append(lines.pop(0))
        if taken[-1][3:4] != "-":
            break
    return "\n".join(taken)


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_dialog(path: Path, play: Callable[..., None]):
    script = steps(path.read_text(encoding="utf-8"))

    async def story(session: Any) -> None:
        await session.rest()
        waiting = session.heard().decode().splitlines()
        past: list[str] = []
        for mark, rest in script:
            past.append(f"{mark} {rest}")
            where = f"{path.name}, after:\n" + "\n".join(past[-6:]) + f"\nwaiting: {waiting}"
            match mark:
                case "C:" | "C>":
                    assert not waiting, where
                    data = (
                        rest.encode() + b"\r\n" if mark == "C:" else ast.literal_eval(f"b'{rest}'")
                    )
                    waiting = (await session.send(data)).decode().splitlines()
                    observer = session.line.observer
                    assert session.line.closed or observer.state == session.server.state, where
                case "S:":
                    assert waiting, where
                    assert waiting.pop(0).rstrip() == rest.rstrip(), where
                case "S~":
                    assert take_reply(waiting).startswith(rest), where
                case "S.":
                    assert session.line.closed, where
        assert not waiting, f"{path.name}: more was said: {waiting}"

    play(story, **settings(script))


def test_there_are_dialogs():
    assert len(DIALOGS) > 10
