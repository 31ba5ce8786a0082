"""The runner itself: what counts as a difference, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labmail.net.core import Core, HangUp, Output, Say
from tests.dialogs.runner import MODES, DialogFailed, play_text


class Echo:
    """A core that says each line again, and hangs up after "bye"."""

    def __init__(self) -> None:
        self._buffer = b""

    def greet(self) -> list[Output]:
        return [_say(b"* hello")]

    def receive(self, data: bytes) -> list[Output]:
        *lines, self._buffer = (self._buffer + data).split(b"\r\n")
        outputs: list[Output] = [_say(line) for line in lines]
        return [*outputs, HangUp()] if b"bye" in lines else outputs

    def tls_started(self) -> list[Output]:
        return []

    def changed(self) -> list[Output]:
        return [_say(b"* 1 EXISTS")]

    def timed_out(self) -> list[Output]:
        return [_say(b"too long"), HangUp()]

    def lost(self) -> list[Output]:
        self._buffer = b""
        return []


def _say(line: bytes) -> Say:
    return Say(line + b"\r\n", "*", "", "", "")


make: Callable[[], Core] = Echo

GOOD = r"""
# a comment
S: * hello
C: one two
C: Phở \x00\xff
S: one *
S: Phở \x00…
! changed
S: * 1 EXISTS
! new session
S: * hel…
C: bye
S: bye
! closed
"""


@pytest.mark.parametrize("mode", MODES)
def test_a_good_dialog_passes(mode: str) -> None:
    play_text(GOOD, make, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "text",
    [
        "S: * goodbye",
        "S: * hello\nC: one\nS: two",
        "S: * hello\nC: one",
        "S: * hello\nC: one\nS: one\nS: more",
        "S: * hello\n! closed",
        "S: * hello\n! tls",
        "S: * hello\n! changed",
    ],
)
def test_a_difference_fails(text: str, mode: str) -> None:
    with pytest.raises(DialogFailed):
        play_text(text, make, mode)


def test_the_failure_shows_both_sides_with_arrows() -> None:
    with pytest.raises(DialogFailed) as failure:
        play_text("S: * hello\nC: one\nC: two\nS: one\nS: 2", make, "pipelined", "x.dialog")
    assert str(failure.value).splitlines() == [
        "x.dialog (pipelined), line 5: the server said something else",
        "   C: one",
        "   C: two",
        "   S: * hello",
        "   S: one",
        " → S: 2",
        " ← S: two",
    ]


def test_in_step_is_never_pipelined() -> None:
    pieces: list[bytes] = []

    class Watched(Echo):
        def receive(self, data: bytes) -> list[Output]:
            pieces.append(data)
            return super().receive(data)

    play_text("! in step\nS: * hello\nC: a\nS: a\nC: b\nS: b", Watched, "pipelined")
    assert pieces == [b"a\r\n", b"b\r\n"]


def test_a_line_without_a_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2"):
        play_text("S: * hello\nhello", make, "line by line")
