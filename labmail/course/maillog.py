"""The mail log: what each server would write down about each letter, numbered.

Servers outside write such lines to a file, a line for each step, and give each letter a queue
id by which its lines are found again.  The id changes from server to server; what stays
is the Message-ID.  Here the lines are made from the trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes

from labmail.course.notice import Table
from labmail.trace.events import (
    Accepted,
    Bounced,
    Deferred,
    Delivered,
    Dequeued,
    Event,
    Held,
    Relayed,
    Released,
)
from labmail.trace.letters import card
from labmail.trace.recorder import Trace
from labmail.views.view import View


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log, and the event it is about."""

    number: int
    host: str
    queue_id: str
    words: str
    event: Event


class MailLog(View):
    """The lines of all servers in one list, in order."""

    def __init__(self, trace: Trace) -> None:
        lines = enumerate(_lines(trace), 1)
        self.entries = tuple(Entry(n, *line) for n, line in lines)

    def event(self, number: int) -> Event | None:
        """The event of the line with this number; None when there is none."""
        return next((e.event for e in self.entries if e.number == number), None)

    def _table(self) -> Table:
        rows = [
            (str(e.number), f"{e.event.at:%a %H:%M}", e.host, e.queue_id, e.words)
            for e in self.entries
        ]
        head = ("no.", "time", "server", "queue id", "what")
        return Table("Mail log", head, rows, right=(0,), whole=(1, 2, 3), limits=(0, 0, 0, 0, 72))

    def text(self) -> str:
        return self._table().text()

    def html(self) -> str:
        return self._table().html()


def mail_log(trace: Trace) -> MailLog:
    """What the servers would have written into their logs in this trace."""
    return MailLog(trace)


def _lines(trace: Trace) -> Iterator[tuple[str, str, str, Event]]:
    """(server, queue id, words, event) of each line."""
    ids: dict[tuple[str, int | None], str] = {}
    for e in trace:
        match e:
            case Accepted():
                ids[e.host, e.parcel] = e.queue_id
                yield e.host, e.queue_id, _arrival(trace, e), e
            case Relayed():
                said = f"to=<{e.recipient}>, relay={e.to}, status=sent ({e.reply})"
                yield e.host, e.queue_id, said, e
            case Deferred():
                yield e.host, e.queue_id, f"to=<{e.recipient}>, status=deferred ({e.reason})", e
            case Bounced():
                yield e.host, e.queue_id, f"to=<{e.recipient}>, status=bounced ({e.reason})", e
            case Delivered():
                said = f"to=<{e.recipient}>, status=delivered ({e.mailbox}, UID {e.uid})"
                yield e.host, ids.get((e.host, e.parcel), ""), said, e
            case Held() | Released():
                yield e.host, e.queue_id, "held" if isinstance(e, Held) else "released", e
            case Dequeued():
                yield e.host, e.queue_id, "removed", e
            case _:
                continue


def _arrival(trace: Trace, e: Accepted) -> str:
    came = f"client={e.connection.client.name}" if e.connection else "written here"
    return f"{came}, from=<{e.envelope.reverse_path}>, message-id={_message_id(trace, e)}"


def _message_id(trace: Trace, e: Accepted) -> str:
    """As it stood in the letter; the submission server adds one where there is none."""
    if e.connection is None or e.parcel is None:
        return "-"
    try:
        letter = message_from_bytes(card(trace, e.parcel, e.host).content)
    except LookupError:
        return "-"
    return str(letter["Message-ID"] or "-")
