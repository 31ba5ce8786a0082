r"""The wire: both sides of one conversation beside each other, line by line, as octets.

Left stands what the client said, right what the server said, each line at its offset: the
number of octets that this side had said before.  CR and LF are shown as \r and \n, as Python
writes them, because in mail it matters which of them was sent.  Beside each reply stands the
state that it left the session in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from labmail.trace.events import Connection, Event, Layer, Reply, Sent, Side, TlsStarted
from labmail.trace.recorder import Trace
from labmail.views import markup, palette
from labmail.views.chars import decoded, hidden, plural, shorten_middle, text_table, visible
from labmail.views.spoken import chosen, protocol
from labmail.views.view import View

SHOWN_LINES = 14
"""Lines that one side says in a row, of which all are shown."""
LONGEST = 44
"""Characters of a line in the text form."""
_CR, _LF = "\\r", "\\n"
_LINE_ENDS = re.compile(r"\\r\\n|\\r|\\n")
KEY = r"\r\n is CR LF, the end of a line; \n or \r alone ends nothing"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `sender` is None for what nobody said; `state` is the one after it."""

    sender: Side | None
    offset: int
    said: str
    state: str = ""
    inside: bool = False


class Wire(View):
    """What crossed one connection, or all of a trace, in two columns."""

    def __init__(self, trace: Trace, connection: Connection | int | None = None) -> None:
        self._talks = [(c, _folded(_rows(trace, c))) for c in chosen(trace, connection)]

    @property
    def rows(self) -> list[Row]:
        """All lines, in the order in which they were said."""
        return [row for _, rows in self._talks for row in rows]

    def text(self) -> str:
        if not self._talks:
            return "(no conversation)"
        return "\n\n".join(self._text(c, rows) for c, rows in self._talks)

    def _text(self, c: Connection, rows: Sequence[Row]) -> str:
        grid = [_cells(replace(row, said=shorten_middle(row.said, LONGEST))) for row in rows]
        head = ("at", _who(c, Side.CLIENT), "at", _who(c, Side.SERVER), "state")
        return "\n".join([_title(c), text_table(head, grid, right=(0, 2)), KEY])

    def html(self) -> str:
        if not self._talks:
            return markup.page(markup.paragraph("(no conversation)"))
        parts = [part for c, rows in self._talks for part in self._html(c, rows)]
        return markup.page(*parts, markup.paragraph(markup.quiet(KEY)))

    def _html(self, c: Connection, rows: Sequence[Row]) -> list[markup.Html]:
        head = ("at", _who(c, Side.CLIENT), "at", _who(c, Side.SERVER), "state after it")
        return [markup.heading(_title(c)), markup.table(head, map(_drawn, rows), right=(0, 2))]


def _title(c: Connection) -> str:
    return f"#{c.number} {protocol(c)}, port {c.server.port}: the octets of both sides"


def _who(c: Connection, side: Side) -> str:
    if side is Side.CLIENT:
        return f"client: {visible(c.client.name)}"
    return f"server: {visible(c.server.name)}"


# --- lines ----------------------------------------------------------------------------------


def _rows(trace: Trace, connection: Connection) -> list[Row]:
    """The lines of a connection, and after each reply the state it led to."""
    rows: list[Row] = []
    for event in trace.events:
        if getattr(event, "connection", None) != connection:
            continue
        if isinstance(event, Reply):
            rows = _with_state(rows, event.after)
        else:
            rows += _said(event)
    return rows


def _said(event: Event) -> Iterator[Row]:
    if isinstance(event, TlsStarted):
        yield Row(None, 0, "TLS begins: what follows is said inside it")
    elif isinstance(event, Sent) and event.layer is not Layer.CIPHER:
        at = event.offset
        for line in _lines(event.data):
            start = at - event.offset
            secrets = [(a - start, b - start) for a, b in event.secrets]
            kept = [(max(a, 0), min(b, len(line))) for a, b in secrets if a < len(line) and b > 0]
            said = ended(hidden(line, kept))
            yield Row(event.sender, at, said, inside=event.layer is Layer.INSIDE)
            at += len(line)


def _lines(data: bytes) -> list[bytes]:
    """Cut behind each LF; so a lone CR stands in the middle of a line, where it can be seen."""
    return [line for line in re.split(rb"(?<=\n)", data) if line]


def ended(line: bytes) -> str:
    """The line as text, with its CR and LF as signs."""
    parts = re.split(rb"([\r\n])", line)
    return "".join({b"\r": _CR, b"\n": _LF}.get(part) or decoded(part) for part in parts)


def _with_state(rows: list[Row], state: str) -> list[Row]:
    """The state stands at the last line of the reply that led to it."""
    for i in reversed(range(len(rows))):
        if rows[i].sender is Side.SERVER:
            return [*rows[:i], replace(rows[i], state=state), *rows[i + 1 :]]
    return rows


def _folded(rows: Sequence[Row]) -> list[Row]:
    """Where one side goes on for long, the middle is left out."""
    out: list[Row] = []
    run: list[Row] = []
    for row in rows:
        if run and row.sender is not run[-1].sender:
            out += _shortened(run)
            run = []
        run.append(row)
    return out + _shortened(run)


def _shortened(run: list[Row]) -> list[Row]:
    rest = len(run) - SHOWN_LINES
    if rest <= 1:
        return run
    head, tail = run[: SHOWN_LINES // 2], run[-SHOWN_LINES // 2 :]
    return [*head, replace(head[-1], said=f"… {plural(rest, 'more line')} …", offset=-1), *tail]


# --- forms ----------------------------------------------------------------------------------


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    at = f"{row.offset}" if row.offset >= 0 else ""
    if row.sender is None:
        return "", f"─ {row.said}", "", "", ""
    if row.sender is Side.CLIENT:
        return at, row.said, "", "", row.state
    return "", "", at, row.said, row.state


def _drawn(row: Row) -> tuple[str, ...]:
    left_at, left, right_at, right, state = _cells(row)
    return (
        markup.quiet(left_at),
        _octets(left),
        markup.quiet(right_at),
        _octets(right),
        markup.chip(state, palette.TEAL) if state else "",
    )


def _octets(said: str) -> markup.Html:
    """A line whose CR LF stands back, and whose lone CR or LF stands out."""
    parts: list[str] = []
    position = 0
    for found in _LINE_ENDS.finditer(said):
        parts += [said[position : found.start()], _line_end(found[0])]
        position = found.end()
    style = f"{markup.MONO};white-space:pre-wrap"
    return markup.tag("span", *parts, said[position:], style=style)


def _line_end(sign: str) -> markup.Html:
    if sign == _CR + _LF:
        return markup.tag("span", sign, style="opacity:0.5")
    return markup.tag("span", sign, style=f"border:2px solid {palette.VERMILION};padding:0 3px")
