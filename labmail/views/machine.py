"""The state machine of a protocol, drawn from its table; and the way of a session through it.

A session is always in one state, and the *reply* moves it.  The map shows the states of
the table as boxes and the verbs between them as arrows.  For a session that was recorded,
the arrows it took carry the numbers of its steps, and below the map a token moves from state to
state, one row for each command: a full dot moves, a ring stays, a cross was refused.

Nothing here knows SMTP: the tables of POP3 and IMAP make maps as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from labmail.imap import states as imap
from labmail.pop3 import states as pop3
from labmail.smtp import states as smtp
from labmail.trace.events import Command, Connection, Event, Reply
from labmail.trace.recorder import Trace
from labmail.views.chars import decoded, masked, plural, text_table, visible
from labmail.views.spoken import chosen, is_smtp
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

Table = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Move:
    """Verbs that lead from one state to another; `note` says on which answer, if not on a
    plain yes."""

    source: str
    target: str
    verbs: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Machine:
    """A protocol's table: {state: {verb: next state if the answer is positive}}.

    `go_on` says where "go on" leads (3yz), `on_no` where a refusal leads that moves the machine
    all the same; `words` names what is no verb; `always` says what holds in every state.
    """

    name: str
    table: Table
    go_on: Mapping[str, str] = field(default_factory=dict)
    on_no: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    always: str = ""

    @property
    def title(self) -> str:
        return f"The states of a session in {self.name}"

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(str(state) for state in self.table)

    def spoken(self, verb: str) -> str:
        """The verb, or what stands for it where nothing is said."""
        return self.words.get(verb, verb)

    def staying(self, state: str) -> tuple[str, ...]:
        """Verbs that are in order here and change nothing."""
        verbs = self.table[state].items()
        return tuple(v for v, after in verbs if after == state == self.go_on.get(v, state))

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """All arrows of the map, those between the same two states joined."""
        joined: dict[tuple[str, str, str], list[str]] = {}
        for source, target, verb, note in self._arrows():
            joined.setdefault((source, target, note), []).append(verb)
        return tuple(Move(a, b, tuple(verbs), note) for (a, b, note), verbs in joined.items())

    def _arrows(self) -> list[tuple[str, str, str, str]]:
        out = []
        for state, verbs in self.table.items():
            for verb, after in verbs.items():
                onward = self.go_on.get(verb)
                if after != state:
                    out.append((str(state), str(after), verb, ""))
                if onward not in (None, state):
                    out.append((str(state), str(onward), verb, "3yz"))
            if state in self.on_no and self.on_no[state] not in verbs.values():
                out.append((str(state), self.on_no[state], next(iter(verbs)), "5yz"))
        return out


SMTP = Machine(
    "SMTP",
    smtp.STATES,
    smtp.GO_ON,
    smtp.ENDS_ANYHOW,
    {"": "(greeting)", ".": "end of the letter", "(auth)": "(answer)"},
    "421 closes the session from everywhere",
)
POP3 = Machine("POP3", pop3.STATES, words={"": "(greeting)"})
IMAP = Machine(
    "IMAP",
    {str(s): {v: str(after) for v, after in verbs.items()} for s, verbs in imap.STATES.items()},
    words={"": "(greeting)"},
    always="BYE ends the session from everywhere",
)
MACHINES = {machine.name: machine for machine in (SMTP, POP3, IMAP)}


def machine_of(connection: Connection) -> Machine:
    """The machine of what is spoken on this connection; raises ValueError where there is none."""
    if is_smtp(connection):
        return SMTP
    for machine in (POP3, IMAP):
        if connection.service.startswith(machine.name.lower()):
            return machine
    raise ValueError(f"connection #{connection.number} speaks {connection.service}: no states")


class Fate(Enum):
    """What a reply did to the state."""

    MOVED = "moves to"
    STAYED = "stays"
    REFUSED = "refused, stays"


@dataclass(frozen=True, slots=True)
class Step:
    """One command and the reply that decided about it; `yes` says whether it was positive."""

    number: int
    verb: str
    said: str
    reply: str
    before: str
    after: str
    yes: bool

    @property
    def fate(self) -> Fate:
        if self.before != self.after:
            return Fate.MOVED
        return Fate.STAYED if self.yes else Fate.REFUSED


def steps(trace: Trace, connection: Connection) -> tuple[Step, ...]:
    """The steps of a session, from the recorded replies."""
    out: list[Step] = []
    said = ""
    for event in trace.events:
        if getattr(event, "connection", None) != connection:
            continue
        if isinstance(event, Command):
            said = masked(event.line, event.secrets)
        elif isinstance(event, Reply) and _decides(event):
            out.append(_step(len(out) + 1, said, event))
            said = ""
    return tuple(out)


def _decides(event: Reply) -> bool:
    """Not so IMAP's untagged lines, which only tell (RFC 3501 §7), unless they greet."""
    return event.code != "*" or not event.verb


def _step(number: int, said: str, event: Reply) -> Step:
    yes = event.code[:1] in {"2", "3"} or event.code in {"+OK", "OK", "+"}
    return Step(number, event.verb, said, _short(event), event.before, event.after, yes)


def _short(event: Reply) -> str:
    """A reply in one line: its first, and how many more there are."""
    first, *more = event.lines or (b"",)
    return decoded(first) + (f" … +{plural(len(more), 'line')}" if more else "")


class StateDiagram(Picture):
    """The map of a machine; with the steps of a session, its way through it."""

    def __init__(
        self,
        machine: Machine,
        way: tuple[Step, ...] | None = None,
        connection: Connection | None = None,
    ) -> None:
        self.machine = machine
        self.steps = way or ()
        self._connection = connection

    @property
    def title(self) -> str:
        if self._connection is None:
            return self.machine.title
        c = self._connection
        ends = visible(f"{c.client.name} → {c.server.name}, port {c.server.port}")
        return f"#{c.number} {ends}: its way through the states"

    def visits(self, state: str) -> bool:
        """Whether the session was in this state."""
        return any(state in (step.before, step.after) for step in self.steps)

    def numbers(self, move: Move) -> tuple[int, ...]:
        """The steps that took this arrow."""
        return tuple(
            s.number
            for s in self.steps
            if (s.before, s.after) == (move.source, move.target) and s.verb in move.verbs
        )

    def numbers_at(self, state: str, fate: Fate) -> tuple[int, ...]:
        """The steps that changed nothing in this state."""
        return tuple(s.number for s in self.steps if s.before == state and s.fate is fate)

    def alt(self) -> str:
        if not self.steps:
            return f"Map of the states of {self.machine.name}: {', '.join(self.machine.states)}."
        path = [self.steps[0].before]
        path += [step.after for step in self.steps if step.fate is Fate.MOVED]
        refused = sum(step.fate is Fate.REFUSED for step in self.steps)
        moved = plural(len(path) - 1, "move")
        return (
            f"{self.title}. {plural(len(self.steps), 'step')}, {moved}: {' → '.join(path)}. "
            f"{plural(refused, 'command')} refused."
        )

    def text(self) -> str:
        return "\n\n".join(filter(None, (self._map(), self._way())))

    def _map(self) -> str:
        rows = []
        for state in self.machine.states:
            moves = [m for m in self.machine.moves if m.source == state]
            leads = [f"{self.label(m)} → {m.target}" for m in moves] or [""]
            stays = " ".join(self.machine.staying(state))
            rows += [(state, leads[0], stays), *(("", lead, "") for lead in leads[1:])]
        head = ("state", "what leads on, if the answer is yes", "what changes nothing")
        always = f"\n{self.machine.always}." if self.machine.always else ""
        return f"{self.machine.title}\n{text_table(head, rows, limits=(0, 0, 34))}{always}"

    def label(self, move: Move) -> str:
        """The verbs of an arrow, in words."""
        verbs = ", ".join(map(self.machine.spoken, move.verbs))
        return f"{verbs} ({move.note})" if move.note else verbs

    def _way(self) -> str:
        if not self.steps:
            return ""
        rows = [
            (str(s.number), s.before, s.said or self.machine.spoken(s.verb), s.reply, _ends(s))
            for s in self.steps
        ]
        head = ("step", "state", "the client says", "the server answers", "and the state")
        return f"{self.title}\n{text_table(head, rows, right=(0,), limits=(0, 0, 36, 44))}"

    def draw(self) -> Paper:
        from labmail.views.machine_draw import drawn

        return drawn(self)


def _ends(step: Step) -> str:
    mark = {Fate.MOVED: "●", Fate.STAYED: "○", Fate.REFUSED: "✘"}[step.fate]
    target = f" {step.after}" if step.fate is Fate.MOVED else ""
    return f"{mark} {step.fate.value}{target}"


def state_map(what: Trace | str, connection: Connection | int | None = None) -> StateDiagram:
    """The map of "smtp", "pop3" or "imap"; or of a session of a trace, with its way."""
    if isinstance(what, str):
        machine = MACHINES.get(what.upper())
        if machine is None:
            known = ", ".join(repr(name.lower()) for name in MACHINES)
            raise ValueError(f"there is no state machine {what!r}; there are: {known}")
        return StateDiagram(machine)
    found = [c for c in chosen(what, connection) if _talked(what.events, c)]
    if not found:
        raise ValueError("this trace has no conversation in SMTP, POP3 or IMAP")
    return StateDiagram(machine_of(found[0]), steps(what, found[0]), found[0])


def _talked(events: tuple[Event, ...], connection: Connection) -> bool:
    return any(isinstance(e, Reply) and e.connection == connection for e in events)
