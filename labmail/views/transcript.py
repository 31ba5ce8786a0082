"""The transcript: every line that was said, and what it means.

Lines of the client are marked C, lines of the server S; "TLS" stands before what crossed
inside TLS, which only the two ends could read.  Passwords are masked unless they
are asked for.  Of a letter only the first lines are shown, with a count of the rest.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace

from labmail.trace.events import (
    Closed,
    Command,
    Connection,
    Content,
    Event,
    FaultStruck,
    LimitReached,
    Reply,
    Sent,
    Side,
    TlsFailed,
    TlsStarted,
)
from labmail.trace.recorder import Trace
from labmail.views import explain, markup, palette
from labmail.views.chars import decoded, hidden, pad, plural, visible, wrap
from labmail.views.explain import Meaning
from labmail.views.spoken import IMPLICIT_TLS, chosen, protocol, said_at
from labmail.views.view import View

NO_MEANING = Meaning()
SHOWN_LINES = 12
"""Lines of a letter, or of a literal, that are shown."""
TAB = b"    "
"""How a tab in a letter is shown: as the white space that it is."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a session: `who` is "C", "S", or "" for what nobody said."""

    who: str
    said: str
    meaning: Meaning = NO_MEANING
    inside: bool = False
    content: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One connection with all its lines; `tls` is "", "implicit" or "starttls"."""

    connection: Connection
    tls: str
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        c = self.connection
        ends = f"{c.client.name} → {c.server.name}, port {c.server.port}"
        how = {
            "": "no TLS: readable for all on the way",
            "implicit": "TLS from the first byte",
            "starttls": "TLS after STARTTLS",
        }[self.tls]
        return f"#{c.number} {protocol(c)}: {visible(ends)} ({how})"


class Transcript(View):
    """What was said on one connection of a trace, or on all."""

    def __init__(
        self,
        trace: Trace,
        connection: Connection | int | None = None,
        show_secrets: bool = False,
    ) -> None:
        self.sessions = sessions(trace, connection, show_secrets)

    def text(self) -> str:
        if not self.sessions:
            return "(no conversation)"
        return "\n\n".join(_session_text(s) for s in self.sessions)

    def html(self) -> str:
        if not self.sessions:
            return markup.page(markup.paragraph("(no conversation)"))
        alone = len(self.sessions) == 1
        return markup.page(*(_session_html(s, alone) for s in self.sessions))


def sessions(
    trace: Trace, connection: Connection | int | None = None, show_secrets: bool = False
) -> tuple[Session, ...]:
    """The conversations of a trace, in order.

    Raises ValueError when the trace has no connection of that number.
    """
    return tuple(_session(trace, c, show_secrets) for c in chosen(trace, connection))


def _session(trace: Trace, connection: Connection, show: bool) -> Session:
    events = [e for e in trace.events if getattr(e, "connection", None) == connection]
    mode = next((e.mode for e in events if isinstance(e, TlsStarted)), "")
    mode = mode or ("implicit" if connection.service in IMPLICIT_TLS else "")
    inside = mode == "implicit"
    lines: list[Line] = []
    carried = [e for e in events if isinstance(e, Content)]
    for event in events:
        lines += (replace(line, inside=inside) for line in _lines(trace, event, carried, show))
        inside = inside or isinstance(event, TlsStarted)
    if not any(line.who for line in lines):
        lines = _raw(events, show) + lines
    return Session(connection, mode, tuple(lines))


def _lines(trace: Trace, event: Event, carried: list[Content], show: bool) -> list[Line]:
    match event:
        case Command():
            return _command(event, show)
        case Reply():
            return _reply(event, carried)
        case Content():
            return _content(trace, event, show)
        case TlsStarted():
            words = "what follows is encrypted: who only listens on the way cannot read it"
            meaning = Meaning(words, _tls_section(event))
            return [Line("", f"TLS begins ({event.version})", meaning)]
        case TlsFailed():
            return [Line("", f"TLS failed: {visible(event.reason)}")]
        case LimitReached():
            return [Line("", f"limit: {visible(event.limit)}; {visible(event.action)}")]
        case FaultStruck():
            return [Line("", f"as planned: {visible(event.fault)}")]
        case Closed():
            who = "the client" if event.by is Side.CLIENT else "the server"
            why = f": {visible(event.reason)}" if event.reason else ""
            return [Line("", f"{who} closed the connection{why}")]
        case _:
            return []


def _tls_section(event: TlsStarted) -> str:
    """Where it is written that TLS begins here."""
    if event.mode == "implicit":
        return "RFC 8314 §3"
    service = event.connection.service
    return {"imap": "RFC 3501 §6.2.1", "pop3": "RFC 2595 §4"}.get(service, "RFC 3207 §4")


def _command(event: Command, show: bool) -> list[Line]:
    meaning = explain.command(event)
    if show and event.secrets:
        meaning = replace(meaning, words=" · ".join(filter(None, (meaning.words, _opened(event)))))
    first, *rest = _split(hidden(event.line, event.secrets, show))
    return [Line("C", first, meaning), *(Line("C", line) for line in rest[:SHOWN_LINES])]


def _split(data: bytes) -> list[str]:
    """Lines as text; only CRLF ends a line (RFC 5321 §2.3.8)."""
    return [decoded(line) for line in data.removesuffix(b"\r\n").split(b"\r\n")]


def _opened(event: Command) -> str:
    """What a base64 secret says: base64 hides nothing (RFC 4648 §12)."""
    start, end = event.secrets[0]
    try:
        plain = base64.b64decode(event.line[start:end], validate=True)
    except (binascii.Error, ValueError):
        return ""
    return f"base64 of {decoded(plain)}" if event.verb in {"AUTH", "(auth)", "AUTHENTICATE"} else ""


def _reply(event: Reply, carried: list[Content]) -> list[Line]:
    """The lines of a reply; a literal that is recorded as content is not said twice."""
    meanings = explain.reply(event)
    texts = [decoded(line) for line in event.lines]
    literal = bool(texts) and texts[0].endswith("}") and len(texts) > 2
    if literal and carried:
        return [Line("S", texts[0], meanings[0]), Line("S", texts[-1])]
    lines = [Line("S", t, m) for t, m in zip(texts, meanings, strict=True)]
    return _shortened(lines, most=40)


def _shortened(lines: Sequence[Line], most: int) -> list[Line]:
    rest = len(lines) - most
    if rest <= 1:
        return list(lines)
    return [*lines[:most], Line("", f"… {plural(rest, 'more line')} …")]


def _content(trace: Trace, event: Content, show: bool) -> list[Line]:
    who = "C" if event.sender is Side.CLIENT else "S"
    data, secrets = said_at(trace, event.connection, event.sender, event.offset, event.size)
    texts = _split(hidden(data, secrets, show).replace(b"\t", TAB))
    dot = ", the dot that ends it included" if data.endswith(b"\r\n.\r\n") else ""
    meaning = Meaning(f"the letter: {plural(event.size, 'octet')}{dot}")
    shown = [Line(who, t, content=True) for t in texts[:SHOWN_LINES]]
    rest = len(texts) - len(shown)
    if rest > 0:
        shown.append(Line("", f"… {plural(rest, 'more line')} of the letter …", content=True))
    return [Line("", "the letter crosses", meaning), *shown]


def _raw(events: Sequence[Event], show: bool) -> list[Line]:
    """A session that nobody took for a conversation: its bytes as lines."""
    lines = []
    for event in events:
        if isinstance(event, Sent) and event.layer != "cipher":
            who = "C" if event.sender is Side.CLIENT else "S"
            texts = _split(hidden(event.data, event.secrets, show))
            lines += [Line(who, t, inside=event.layer == "inside") for t in texts]
    return _shortened(lines, most=40)


# --- forms ----------------------------------------------------------------------------------


def _session_text(session: Session) -> str:
    out = [session.title, "─" * min(len(session.title), 96)]
    for line in session.lines:
        mark = "TLS" if line.inside else "   "
        said = f"{pad(line.who, 1)}: {line.said}" if line.who else f"─ {line.said}"
        out.append(f"{mark} {'  ' if line.content else ''}{said}".rstrip())
        if line.meaning.words:
            section = f"  [{line.meaning.section}]" if line.meaning.section else ""
            out += [f"          {part}" for part in wrap(line.meaning.words + section, 88)]
    return "\n".join(out)


def _session_html(session: Session, opened: bool) -> markup.Html:
    rows = [
        (
            markup.quiet("TLS") if line.inside else "",
            _speaker(line.who),
            markup.quiet(line.said) if not line.who else markup.code(*line.said.split("\n")),
            line.meaning.words,
            markup.quiet(line.meaning.section) if line.meaning.section else "",
        )
        for line in _letters_joined(session.lines)
    ]
    grid = markup.table(("", "", "said", "what it means", "where that is written"), rows)
    return markup.details(session.title, grid, opened=opened)


def _letters_joined(lines: Sequence[Line]) -> list[Line]:
    """In a table the lines of a letter share one cell."""
    out: list[Line] = []
    for line in lines:
        if out and line.content and out[-1].content and line.who == out[-1].who:
            out[-1] = replace(out[-1], said=f"{out[-1].said}\n{line.said}")
        else:
            out.append(line)
    return out


def _speaker(who: str) -> str:
    colours = {"C": palette.BLUE, "S": palette.GREEN}
    return markup.chip(who, colours[who]) if who else ""
