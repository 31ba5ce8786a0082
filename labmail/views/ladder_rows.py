"""The rows of a ladder: what a sequence diagram says, before it is drawn in any form.

Read the events from top to bottom; each becomes one row: an arrow from one lane to
another, a note on a lane, or a rule across all of them when lab time has moved.  Two
readings of the same trace are offered.  *talk* has an arrow for each command, reply
and letter; runs of ordinary talk are folded where they would drown the rest.  *hops* has
one arrow per connection or lookup.

Two questions are kept apart, because mixing them up is the oldest mistake about mail:
who *opened* the connection, and who *gave* the letter.  An arrow of kind OPEN or HOP always
points from the one who opened; the letter's own direction is its `way`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from labmail.trace.events import (
    Accepted,
    Bounced,
    CacheFlushed,
    Closed,
    Command,
    Connected,
    ConnectFailed,
    Connection,
    Content,
    Datagram,
    Deferred,
    Delivered,
    Dequeued,
    Event,
    Expunged,
    FaultMended,
    FaultPlanned,
    FaultStruck,
    Fetched,
    FlagsChanged,
    HostStarted,
    HostStopped,
    LimitReached,
    LoggedIn,
    LoginFailed,
    LookedUp,
    PostEvent,
    Queued,
    Relayed,
    Reply,
    Routed,
    Sent,
    Side,
    Stored,
    TlsFailed,
    TlsStarted,
    ZoneChanged,
)
from labmail.trace.recorder import Trace
from labmail.views import dnswire
from labmail.views.chars import decoded, masked, plural, visible
from labmail.views.spoken import (
    IMPLICIT_TLS,
    Way,
    clock,
    listed,
    moment,
    names_by_address,
    parcels_on,
    protocol,
    span,
    way,
)

_USUAL_ENDS = frozenset({"", "LOGOUT", "QUIT"})
MOST_ROWS = 90
"""A ladder longer than this is folded."""


class Kind(StrEnum):
    OPEN = "open"
    HOP = "hop"
    COMMAND = "command"
    REPLY = "reply"
    LETTER = "letter"
    ASK = "ask"
    ANSWER = "answer"
    LOOKUP = "lookup"
    FAILED = "failed"
    TLS = "tls"
    CLOSE = "close"


class Mood(StrEnum):
    PLAIN = "plain"
    GOOD = "good"
    WAIT = "wait"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one lane to another.  `number` is the connection's, 0 for a datagram or a refusal;
    `inside` says that it crossed inside TLS."""

    source: str
    target: str
    label: str
    kind: Kind
    mood: Mood = Mood.PLAIN
    way: Way = Way.NONE
    number: int = 0
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened at one host.  `cached`: it answered itself from its DNS cache."""

    lane: str
    label: str
    mood: Mood = Mood.PLAIN
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Across all lanes: a lab time, or what is planned to go wrong from here on."""

    label: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Some arrows of a connection, left out here."""

    source: str
    target: str
    count: int
    number: int


Row = Arrow | Note | Rule | Fold


@dataclass(frozen=True, slots=True)
class Rows:
    """A ladder in the making: lanes from left to right, rows from top to bottom."""

    lanes: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def arrows(self) -> tuple[Arrow, ...]:
        return tuple(r for r in self.rows if isinstance(r, Arrow))


def ladder_rows(trace: Trace, detail: str) -> Rows:
    """The rows of this trace: `detail` is "talk" or "hops".

    Raises ValueError for another detail.
    """
    if detail not in {"talk", "hops"}:
        raise ValueError(f"detail is 'talk' or 'hops', not {detail!r}")
    reader = _Reader(trace, talk=detail == "talk")
    rows = _with_times(reader.read())
    rows = _folded(rows)
    return Rows(_lanes(rows), tuple(rows))


Timed = tuple[datetime, Row]


class _Reader:
    """Reads a trace once and writes its rows."""

    def __init__(self, trace: Trace, talk: bool) -> None:
        self._trace = trace
        self._talk = talk
        self._names = names_by_address(trace)
        self._parcels = parcels_on(trace)
        self._asked = {(e.host, e.name.rstrip(".").lower(), e.rtype) for e in trace.of(LookedUp)}
        self._open: set[int] = set()
        self._inside: set[int] = set()
        self._tls = {e.connection.number: e for e in trace.of(TlsStarted)}
        self._untagged: list[Reply] = []
        self._whole: dict[int, bool] = {}
        """Whether the command under way on a connection asks for whole letters."""

    def read(self) -> list[Timed]:
        rows: list[Timed] = []
        events = [e for e in self._trace.events if not isinstance(e, Sent)]
        for event, following in zip(events, [*events[1:], None], strict=False):
            rows += [(event.at, row) for row in self._opening(event)]
            rows += [(event.at, self._marked(row)) for row in self._rows(event, following)]
            if isinstance(event, TlsStarted):
                self._inside.add(event.connection.number)
        return rows

    def _marked(self, row: Row) -> Row:
        inside = isinstance(row, Arrow) and row.number in self._inside
        return replace(row, inside=True) if inside and isinstance(row, Arrow) else row

    def _opening(self, event: Event) -> list[Row]:
        """The arrow that opens a connection, before the first row about it."""
        connection = getattr(event, "connection", None)
        if connection is None or connection.number in self._open:
            return []
        self._open.add(connection.number)
        return [self._opened(connection)]

    def _opened(self, connection: Connection) -> Arrow:
        name, port = protocol(connection), connection.server.port
        how = way(self._trace, connection)
        label = f"opens {name}, port {port}"
        if connection.number in self._tls or connection.service in IMPLICIT_TLS:
            label += ", TLS" if not self._talk or connection.service in IMPLICIT_TLS else ""
        if not self._talk:
            label = f"{label}: {_errand(how, self._parcels.get(connection.number, []))}"
        kind = Kind.OPEN if self._talk else Kind.HOP
        ends = connection.client.name, connection.server.name
        return Arrow(*ends, label, kind, way=how, number=connection.number)

    def _rows(self, event: Event, following: Event | None) -> list[Row]:
        if isinstance(event, Reply):
            return self._reply(event, following) if self._talk else []
        if isinstance(event, LookedUp):
            return self._lookup(event)
        if isinstance(event, Datagram):
            return self._datagram(event)
        if isinstance(event, ConnectFailed):
            label = f"opens port {event.server.port}: {visible(event.reason)}"
            ends = event.client.name, event.server.name
            return [Arrow(*ends, label, Kind.FAILED, Mood.BAD)]
        if isinstance(event, PostEvent):
            return self._post(event)
        return self._wire_or_talk(event) if self._talk else self._trouble(event)

    def _trouble(self, event: Event) -> list[Row]:
        """What even the short form must not leave out."""
        if isinstance(event, TlsFailed | LimitReached | FaultStruck):
            return self._wire_or_talk(event)
        return []

    def _wire_or_talk(self, event: Event) -> list[Row]:
        connection: Connection | None = getattr(event, "connection", None)
        if connection is None or isinstance(event, Connected):
            return []
        there = connection.client.name, connection.server.name
        back = there[::-1]
        number = connection.number
        if isinstance(event, Command):
            self._whole[number] = _asks_for_whole(event)
            return [Arrow(*there, _command_label(event), Kind.COMMAND, number=number)]
        if isinstance(event, Content):
            return [self._letter(event)]
        if isinstance(event, TlsStarted):
            label = f"TLS from here on ({event.version})"
            return [Arrow(*there, label, Kind.TLS, number=number)]
        if isinstance(event, TlsFailed):
            label = f"TLS failed: {visible(event.reason)}"
            return [Arrow(*there, label, Kind.TLS, Mood.BAD, number=number)]
        if isinstance(event, LimitReached):
            label = f"limit: {visible(event.limit)}; {visible(event.action)}"
            return [Note(connection.server.name, label, Mood.BAD)]
        if isinstance(event, FaultStruck):
            label = f"as planned: {visible(event.fault)}"
            return [Note(connection.server.name, label, Mood.BAD)]
        if isinstance(event, Closed) and event.reason not in _USUAL_ENDS:
            ends = there if event.by is Side.CLIENT else back
            label = f"hangs up: {visible(event.reason)}"
            return [Arrow(*ends, label, Kind.CLOSE, number=number)]
        return []

    def _letter(self, event: Content) -> Arrow:
        connection = event.connection
        push = event.sender is Side.CLIENT
        ends = connection.client.name, connection.server.name
        numbers = self._parcels.get(connection.number, []) if push else []
        which = f"letter {', '.join(map(str, numbers))}" if numbers else "the letter"
        if not push and not self._whole.get(connection.number, True):
            which = "part of a letter"
        label = f"{'push' if push else 'pull'}: {which}, {plural(event.size, 'octet')}"
        source, target = ends if push else ends[::-1]
        how = Way.PUSH if push else Way.PULL
        return Arrow(source, target, label, Kind.LETTER, way=how, number=connection.number)

    def _reply(self, event: Reply, following: Event | None) -> list[Row]:
        """One arrow per reply; a run of IMAP's untagged answers shares one."""
        connection = event.connection
        if event.lines == (b")",):  # what closes a FETCH after its literal
            return []
        ends = connection.server.name, connection.client.name
        if event.code == "*" and event.verb:
            self._untagged.append(event)
            same = isinstance(following, Reply) and following.code == "*"
            if same and getattr(following, "connection", None) == connection:
                return []
            label, self._untagged = _untagged_label(self._untagged), []
        else:
            label = _reply_label(event)
        return [Arrow(*ends, label, Kind.REPLY, reply_mood(event.code), number=connection.number)]

    def _lookup(self, event: LookedUp) -> list[Row]:
        question = f"{event.rtype} {visible(event.name)}"
        answer, mood = _dns_answer(event)
        if event.server == "cache":
            note = Note(event.host, f"{_CACHE}{question} → {answer}", mood, cached=True)
            return [note] if self._talk else []
        server = self._names.get(event.server, event.server)
        if not self._talk:
            return [Arrow(event.host, server, f"asks {question} → {answer}", Kind.LOOKUP, mood)]
        ask = Arrow(event.host, server, f"{question}?", Kind.ASK)
        if event.status == "TIMEOUT":
            return [replace(ask, kind=Kind.FAILED, mood=Mood.BAD, label=f"{ask.label} no answer")]
        return [ask, Arrow(server, event.host, answer, Kind.ANSWER, mood)]

    def _datagram(self, event: Datagram) -> list[Row]:
        """A question or answer that no resolver of ours has told about."""
        packet = dnswire.read(event.data)
        if packet is None or (event.client.name, packet.name.lower(), packet.rtype) in self._asked:
            return []
        question = f"{packet.rtype} {visible(packet.name)}"
        if event.sender is Side.CLIENT:
            kind = Kind.ASK if self._talk else Kind.LOOKUP
            return [Arrow(event.client.name, event.server.name, f"{question}?", kind)]
        if not self._talk:
            return []
        mood = Mood.PLAIN if packet.status == "NOERROR" else Mood.WAIT
        label = f"{packet.status}, {plural(packet.answers, 'answer')}"
        return [Arrow(event.server.name, event.client.name, label, Kind.ANSWER, mood)]

    def _post(self, event: PostEvent) -> list[Row]:
        if isinstance(event, FaultPlanned | FaultMended):
            when = "from now on" if isinstance(event, FaultPlanned) else "no longer"
            return [Rule(f"{event.part}, {when}: {visible(event.what)}")]
        words = _NOTES.get(type(event))
        if words is None or (not self._talk and type(event) in _TALK_ONLY):
            return []
        label, mood = words(event)
        return [Note(event.host, label, mood)]


def _errand(how: Way, parcels: list[int]) -> str:
    which = f"letter {', '.join(map(str, parcels))}" if parcels else "a letter"
    return {
        Way.PUSH: f"push, gives {which}",
        Way.PULL: "pull, fetches a letter",
        Way.NONE: "no letter crosses",
    }[how]


def _asks_for_whole(event: Command) -> bool:
    """POP3's RETR does; IMAP's FETCH does with ``BODY[]`` or ``RFC822`` (RFC 3501 §6.4.5)."""
    if event.verb in {"FETCH", "UID FETCH"}:
        line = event.line.upper()
        return b"[]" in line or line.rstrip(b")").endswith(b"RFC822")
    return event.verb != "TOP"


def _command_label(event: Command) -> str:
    line = masked(event.line, event.secrets)
    return f"{line}   (goes on with AUTH)" if event.verb == "(auth)" else line


def _reply_label(event: Reply) -> str:
    lines = [decoded(line) for line in event.lines]
    if not lines:
        return event.code
    if event.verb in {"EHLO", "LHLO"} and len(lines) > 1:
        offers = (line[4:].split(" ")[0] for line in lines[1:])
        return f"{event.code} offers {listed(offers, 6)}"
    more = len(lines) - 1
    return lines[0] + (f"   (+ {plural(more, 'line')})" if more else "")


def _untagged_label(replies: list[Reply]) -> str:
    if len(replies) == 1:
        return _reply_label(replies[0])
    words = (_untagged_word(decoded(r.lines[0])) for r in replies if r.lines)
    return f"* {plural(len(replies), 'answer')}: {listed(dict.fromkeys(words), 5)}"


def _untagged_word(line: str) -> str:
    """ "* 3 EXISTS" → "3 EXISTS"; "* OK [UIDNEXT 4] …" → "UIDNEXT 4"."""
    parts = line.removeprefix("* ").split(" ")
    if parts[0].isdigit() and len(parts) > 1:
        return " ".join(parts[:2])
    if len(parts) > 1 and parts[1].startswith("["):
        return " ".join(parts[1:]).partition("]")[0].lstrip("[")
    return parts[0]


def reply_mood(code: str) -> Mood:
    """How good the news is: by the first digit of an SMTP reply, by the word elsewhere."""
    if code[:1] in {"4", "5"}:
        return Mood.WAIT if code[:1] == "4" else Mood.BAD
    return Mood.BAD if code in {"-ERR", "NO", "BAD"} else Mood.PLAIN


_DNS_MOODS = {"NODATA": Mood.PLAIN, "SERVFAIL": Mood.WAIT, "TIMEOUT": Mood.WAIT}
_CACHE = "knows from its cache: "


def _dns_answer(event: LookedUp) -> tuple[str, Mood]:
    if event.status != "NOERROR":
        return event.status, _DNS_MOODS.get(event.status, Mood.BAD)
    return " · ".join(map(visible, event.answers[:4])) or "no records", Mood.PLAIN


# --- notes: one line about each post event ------------------------------------------


def _who(parcel: int | None) -> str:
    return "" if parcel is None else f"letter {parcel} "


def _accepted(e: Accepted) -> tuple[str, Mood]:
    if e.connection is None:
        return f"writes letter {e.parcel} itself, as {e.queue_id}", Mood.GOOD
    return f"{_who(e.parcel)}accepted as {e.queue_id} ({e.role})", Mood.GOOD


def _routed(e: Routed) -> tuple[str, Mood]:
    note = f" ({visible(e.note)})" if e.note else ""
    if e.local:
        return f"{visible(e.domain)} is mine: no further hop{note}", Mood.PLAIN
    if not e.hops:
        return f"no way to {visible(e.domain)}{note}", Mood.BAD
    hops = listed((f"{visible(host)} ({pref})" for pref, host, _ in e.hops), 3)
    return f"way to {visible(e.domain)}: {hops}{note}", Mood.PLAIN


def _deferred(e: Deferred) -> tuple[str, Mood]:
    again = f"next try {clock(e.next_try, e.at)}"
    said = f"not now, after {plural(e.attempts, 'attempt')}"
    return f"{said}, {again}: {visible(e.reason)}", Mood.WAIT


def _bounced(e: Bounced) -> tuple[str, Mood]:
    told = f"tells the sender (letter {e.dsn})" if e.dsn is not None else "nobody may be told"
    return f"gives up on {visible(e.recipient)}: {visible(e.reason)}; {told}", Mood.BAD


def _flags(e: FlagsChanged) -> tuple[str, Mood]:
    after = " ".join(map(visible, e.after)) or "none"
    return f"UID {e.uid} in {visible(e.mailbox)}: flags now {after}", Mood.PLAIN


def _services(pairs: Iterable[tuple[str, int]]) -> str:
    return listed((f"{name} {port}" for name, port in pairs), 4) or "nothing"


def _zone_changed(e: ZoneChanged) -> tuple[str, Mood]:
    if e.serial is None:
        return f"{visible(e.origin)} is not served any more", Mood.BAD
    serial = " → ".join(str(s) for s in (e.serial_before, e.serial) if s is not None)
    counts = f"{len(e.removed)} gone, {len(e.added)} new"
    said = f"{visible(e.origin)} {e.how}: serial {serial}, {counts}"
    return (f"{said}; {e.note}", Mood.WAIT) if e.note else (said, Mood.PLAIN)


_NOTES: dict[type[Event], Callable[[Any], tuple[str, Mood]]] = {
    Accepted: _accepted,
    Queued: lambda e: (f"{e.queue_id} queued for {listed(map(visible, e.recipients))}", Mood.PLAIN),
    Routed: _routed,
    Relayed: lambda e: (f"{visible(e.to)} has it now: {visible(e.reply)}", Mood.GOOD),
    Deferred: _deferred,
    Bounced: _bounced,
    Dequeued: lambda e: (f"{e.queue_id} leaves the queue", Mood.PLAIN),
    Delivered: lambda e: (
        f"{_who(e.parcel)}delivered: {visible(e.mailbox)} of {visible(e.account)}, UID {e.uid}",
        Mood.GOOD,
    ),
    Stored: lambda e: (
        f"stored by {e.how}: {visible(e.mailbox)} of {visible(e.account)}, UID {e.uid}",
        Mood.PLAIN,
    ),
    Fetched: lambda e: (
        f"UID {e.uid} read from {visible(e.mailbox)} of {visible(e.account)} ({e.how})",
        Mood.GOOD,
    ),
    FlagsChanged: _flags,
    Expunged: lambda e: (
        f"UID {e.uid} removed from {visible(e.mailbox)} of {visible(e.account)} ({e.how})",
        Mood.WAIT,
    ),
    LoggedIn: lambda e: (f"{visible(e.account)} logged in ({e.mechanism})", Mood.PLAIN),
    LoginFailed: lambda e: (
        f"login of {visible(e.account)} failed ({e.mechanism})",
        Mood.BAD,
    ),
    ZoneChanged: _zone_changed,
    CacheFlushed: lambda e: (f"forgets {plural(e.forgotten, 'thing')} of the DNS", Mood.PLAIN),
    HostStarted: lambda e: (f"listens: {_services(e.services)}", Mood.GOOD),
    HostStopped: lambda e: (f"stops listening: {_services(e.services)}", Mood.BAD),
}
_TALK_ONLY: frozenset[type[Event]] = frozenset(
    {Queued, Dequeued, LoggedIn, FlagsChanged, Relayed, Routed}
)


# --- all rows together -------------------------------------------------------------------


def _with_times(timed: list[Timed]) -> list[Row]:
    """A rule where lab time has moved (and one at the top)."""
    rows: list[Row] = []
    before: datetime | None = None
    for at, row in timed:
        last = rows[-1] if rows else None
        if isinstance(row, Note) and isinstance(last, Note) and _same_cache(last, row):
            rows[-1] = _merged(last, row)
            continue
        if before is None:
            rows.append(Rule(moment(at)))
        elif at != before:
            rows.append(Rule(f"{span((at - before).total_seconds())} later: {clock(at, before)}"))
        before = at
        rows.append(row)
    return rows


def _same_cache(a: Note, b: Note) -> bool:
    return a.cached and b.cached and a.lane == b.lane


def _merged(a: Note, b: Note) -> Note:
    """Several things that a host knew itself, in one note: the questions only."""
    questions = [label.removeprefix(_CACHE).partition(" → ")[0] for label in (a.label, b.label)]
    return replace(a, label=_CACHE + ", ".join(questions))


def _folded(rows: list[Row]) -> list[Row]:
    """Where the ladder is too long, fold ordinary talk in the longest connections."""
    lengths: dict[int, int] = {}
    for row in rows:
        if _ordinary(row):
            lengths[row.number] = lengths.get(row.number, 0) + 1  # type: ignore[union-attr]
    for number, _ in sorted(lengths.items(), key=lambda pair: -pair[1]):
        if len(rows) <= MOST_ROWS:
            return rows
        rows = _fold_connection(rows, number)
    if len(rows) <= MOST_ROWS:
        return rows
    left_out = len(rows) - MOST_ROWS
    half = MOST_ROWS // 2
    middle = Rule(f"… {plural(left_out, 'row')} left out here …")
    return [*rows[:half], middle, *rows[half + left_out :]]


def _ordinary(row: Row) -> bool:
    ordinary = {Kind.COMMAND, Kind.REPLY}
    return isinstance(row, Arrow) and row.kind in ordinary and row.mood is Mood.PLAIN


def _fold_connection(rows: list[Row], number: int) -> list[Row]:
    """Replace runs of more than three ordinary arrows of one connection by a fold; the first
    and the last of the run stay."""
    out: list[Row] = []
    run: list[Row] = []

    def flush() -> None:
        if len(run) > 4 and isinstance(run[1], Arrow):
            a = run[1]
            ends = sorted((a.source, a.target))
            out.extend([run[0], Fold(ends[0], ends[1], len(run) - 2, number), run[-1]])
        else:
            out.extend(run)
        run.clear()

    for row in rows:
        if _ordinary(row) and row.number == number:  # type: ignore[union-attr]
            run.append(row)
        else:
            flush()
            out.append(row)
    flush()
    return out


def _lanes(rows: list[Row]) -> tuple[str, ...]:
    """Lanes in the order in which the story comes to them; the DNS, which all ask, stands
    behind the first two."""
    names: dict[str, None] = {}
    asked: dict[str, None] = {}
    for row in rows:
        if isinstance(row, Arrow) and row.kind not in _BACK:
            names.update({row.source: None, row.target: None})
            if row.kind in {Kind.ASK, Kind.LOOKUP}:
                asked[row.target] = None
        elif isinstance(row, Note):
            names.setdefault(row.lane, None)
    others = [name for name in names if name not in asked]
    return (*others[:2], *asked, *others[2:])


_BACK = {Kind.REPLY, Kind.ANSWER}
