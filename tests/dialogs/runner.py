"""Dialogs are files that run.

A dialog file is a conversation as one would write it on paper:

    # Minh changes his mind: what RSET takes back, QUIT does not delete.
    S: +OK pop.saigon.example ready
    C: DELE 1
    S: +OK *
    C: QUIT
    S: +OK bye
    ! closed

``C:`` is a line of the client (CRLF is added), ``S:`` a line that the server
must say; ``#`` and empty lines are for the reader.  What a server line may vary
in is written as ``…`` (any characters), or as `` *`` at its end; use both sparingly.
``\\xHH`` stands for one octet, in either kind of line.  Lines with ``!`` act on
the session:

    ! closed        the server has hung up
    ! tls           the server has asked for the TLS handshake; it is through now
    ! changed       a mailbox that this session watches has changed
    ! timeout       the client has been silent for too long
    ! lost          the connection is gone
    ! new session   another connection to the same server
    ! in step       (at the top) the client waits for each answer: do not play it pipelined

Each dialog is played in every one of the `MODES`: a server must not care how the
network cuts the bytes.  The runner is pure: it is given a function that makes a
core, and touches nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labmail.net.core import Core, Deliver, HangUp, Output, Say, StartTls

MODES = ("line by line", "byte by byte", "pipelined")
"""How the client's bytes arrive.  Answers are compared before the client goes on, but in
"pipelined" all lines up to the next ``!`` come at once, and their answers are compared then."""

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a dialog file: `mark` is C, S or !, `number` its line number."""

    mark: str
    text: str
    number: int


class DialogFailed(AssertionError):
    """The server said something else; the message shows both, line by line."""


def dialogs(folder: str) -> list[Path]:
    """The dialog files of one protocol, in the order of their names."""
    return sorted((FOLDER / folder).glob("*.dialog"))


def steps(text: str) -> Iterator[Step]:
    """The lines of a dialog that do something."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[:2] not in ("C:", "S:") and not line.startswith("! "):
            raise ValueError(f"line {number}: {line!r} begins with none of C: S: ! #")
        yield Step(line[0], line[2:].removeprefix(" "), number)


def play(path: Path, make: Callable[[], Core], mode: str) -> None:
    """Play a dialog file with a core that `make` makes.  Raises DialogFailed."""
    play_text(path.read_text(encoding="utf-8"), make, mode, path.name)


def play_text(text: str, make: Callable[[], Core], mode: str, name: str = "dialog") -> None:
    """Play a dialog.  `mode` is one of `MODES`; `name` is for the failure's message."""
    script = list(steps(text))
    if Step("!", "in step", script[0].number) == script[0]:
        del script[0]
        mode = "line by line" if mode == "pipelined" else mode
    session = _Session(make, mode, name)
    for step in script:
        session.take(step)
    session.check()


class _Session:
    """The connection under way, what was expected so far and what came."""

    def __init__(self, make: Callable[[], Core], mode: str, name: str) -> None:
        self._make, self._mode, self._name = make, mode, name
        self._shown: list[Step] = []
        self._client: list[Step] = []
        self._expected: list[Step] = []
        self._connect()

    def _connect(self) -> None:
        self._core = self._make()
        self._said = b""
        self._closed = self._handshake = False
        self._collect(self._core.greet())

    def take(self, step: Step) -> None:
        if step.mark == "S":
            self._expected.append(step)
        elif step.mark == "C":
            answered = self._shown and self._shown[-1].mark == "S"
            if answered and self._mode != "pipelined":
                self.check()
            self._client.append(step)
        else:
            self.check()
            self._act(step)
        self._shown.append(step)

    def check(self) -> None:
        """Say what the client has to say, and compare the server's answer."""
        lines = [_octets(step.text) + b"\r\n" for step in self._client]
        for piece in _pieces(lines, self._mode):
            if not self._closed:
                self._collect(self._core.receive(piece))
        said = _lines(self._said)
        if not _agree(self._expected, said):
            raise DialogFailed(_difference(self._title(), self._shown, self._expected, said))
        self._client, self._expected, self._shown, self._said = [], [], [], b""

    def _act(self, step: Step) -> None:
        match step.text:
            case "closed":
                self._insist(self._closed, step, "the server has not hung up")
            case "tls":
                self._insist(self._handshake, step, "the server asked for no TLS handshake")
                self._handshake = False
                self._collect(self._core.tls_started())
            case "changed":
                self._collect(self._core.changed())
            case "timeout":
                self._collect(self._core.timed_out())
            case "lost":
                self._core.lost()
            case "new session":
                self._core.lost()
                self._connect()
            case _:
                raise ValueError(f"{self._name}, line {step.number}: unknown ! {step.text}")

    def _insist(self, fact: bool, step: Step, problem: str) -> None:
        if not fact:
            raise DialogFailed(f"{self._title()}, line {step.number}: {problem}")

    def _collect(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if self._closed:
                raise DialogFailed(f"{self._title()}: {output!r} after the server had hung up")
            if isinstance(output, (Say, Deliver)):
                self._said += output.data
            self._closed |= isinstance(output, HangUp)
            self._handshake |= isinstance(output, StartTls)

    def _title(self) -> str:
        return f"{self._name} ({self._mode})"


def _pieces(lines: list[bytes], mode: str) -> Iterator[bytes]:
    """What arrives at once."""
    if mode == "byte by byte":
        return (bytes([octet]) for line in lines for octet in line)
    return iter([b"".join(lines)] if mode == "pipelined" and lines else lines)


def _octets(text: str) -> bytes:
    """The octets of a line: UTF-8, and ``\\xHH`` for one octet."""
    parts = re.split(r"\\x([0-9a-fA-F]{2})", text)
    return b"".join(bytes.fromhex(part) if i % 2 else part.encode() for i, part in enumerate(parts))


def _lines(said: bytes) -> list[bytes]:
    """The server's lines; a last one without CRLF is shown with what it lacks."""
    *whole, rest = said.split(b"\r\n")
    return [*whole, rest + b"(no CRLF)"] if rest else whole


def _agree(expected: list[Step], said: list[bytes]) -> bool:
    return len(expected) == len(said) and all(
        _matches(step.text, line) for step, line in zip(expected, said, strict=True)
    )


def _matches(pattern: str, line: bytes) -> bool:
    """Whether the line is what was expected; ``…`` and a final `` *`` stand for anything."""
    rest = b""
    if pattern.endswith(" *"):
        pattern, rest = pattern[:-1], b".*"
    parts = [re.escape(_octets(part)) for part in pattern.split("…")]
    return re.fullmatch(b".*".join(parts) + rest, line, re.DOTALL) is not None


def _difference(title: str, shown: list[Step], expected: list[Step], said: list[bytes]) -> str:
    """The stretch of the dialog with arrows at what differs: → was expected, ← came instead."""
    where = next(
        (
            i
            for i, step in enumerate(expected)
            if i >= len(said) or not _matches(step.text, said[i])
        ),
        len(expected),
    )
    number = expected[where].number if where < len(expected) else shown[-1].number
    rows = [f"{title}, line {number}: the server said something else"]
    rows += [f"   C: {step.text}" for step in shown if step.mark == "C"]
    for i in range(max(len(expected), len(said))):
        wanted = expected[i].text if i < len(expected) else None
        came = said[i] if i < len(said) else None
        if wanted is not None and came is not None and _matches(wanted, came):
            rows.append(f"   S: {_readable(came)}")
            continue
        rows.append(f" → S: {wanted if wanted is not None else '(nothing more)'}")
        rows.append(f" ← S: {_readable(came) if came is not None else '(nothing more)'}")
    return "\n".join(rows)


def _readable(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
