"""Views that are tables: a mailbox, an inbox, a queue, the DNS's answers, who answers at all.

Each is rows of text; both forms are made from the same rows by `Grid`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labmail.trace.events import Datagram, LookedUp, Sent, Side
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import (
    BoxSnapshot,
    DnsSnapshot,
    HealthSnapshot,
    InboxSnapshot,
    QueueSnapshot,
)
from labmail.views import dnswire, markup
from labmail.views.chars import plural, shorten, shorten_middle, text_table, visible
from labmail.views.letterhead import shown_header
from labmail.views.searches import plain
from labmail.views.spoken import moment, names_by_address, span
from labmail.views.view import View

Row = tuple[str, ...]
ANSWERS, SILENT = "✔ answers", "✘ silent"


class Grid(View):
    """A title, a table and a line below it.

    `code` lists the columns that hold what programs write; `right` those with numbers;
    `whole` those whose words stay on one line; `limits` the most characters of each column
    in the text form (0: as many as there are).
    """

    def __init__(
        self,
        title: str,
        head: Row,
        rows: Sequence[Row],
        *,
        empty: str,
        below: str = "",
        right: Sequence[int] = (),
        code: Sequence[int] = (),
        whole: Sequence[int] = (),
        limits: Sequence[int] = (),
    ) -> None:
        self._title = visible(title)
        self._head, self._rows = head, [tuple(map(visible, row)) for row in rows]
        self._empty, self._below = empty, visible(below)
        self._right, self._code, self._whole, self._limits = right, code, whole, limits

    @property
    def rows(self) -> list[Row]:
        """The table's rows, as they are shown."""
        return self._rows

    def text(self) -> str:
        if not self._rows:
            return f"{self._title}\n({self._empty})"
        grid = text_table(self._head, self._rows, right=self._right, limits=self._limits)
        return "\n".join(filter(None, (self._title, grid, self._below)))

    def html(self) -> str:
        if not self._rows:
            return markup.page(markup.heading(self._title), markup.quiet(f"({self._empty})"))
        below = [markup.quiet(self._below)] if self._below else []
        return markup.page(markup.heading(self._title), self._body(), *below)

    def _body(self) -> markup.Html:
        return self._table_of(self._rows)

    def _table_of(self, rows: Sequence[Row]) -> markup.Html:
        marked = [
            [markup.code(c) if i in self._code else c for i, c in enumerate(row)] for row in rows
        ]
        return markup.table(self._head, marked, right=self._right, whole=self._whole)


class Doors(Grid):
    """Rows of services, folded by host in a notebook.

    The first host is open, to be read, and so is every host where something is silent.
    """

    def _body(self) -> markup.Html:
        hosts = dict.fromkeys(row[1] for row in self._rows)
        folds = (self._fold(name, first=i == 0) for i, name in enumerate(hosts))
        return markup.tag("div", *folds)

    def _fold(self, host: str, first: bool) -> markup.Html:
        rows = [row for row in self._rows if row[1] == host]
        silent = [row[2] for row in rows if row[0] == SILENT]
        answer = "answers" if len(rows) == 1 else "answer"
        good = f"✔ {host}: {plural(len(rows), 'service')} {answer}"
        summary = f"✘ {host}: {', '.join(silent)} silent" if silent else good
        return markup.details(summary, self._table_of(rows), opened=first or bool(silent))


def box_view(box: BoxSnapshot) -> Grid:
    """The mailbox as files and flags: what a server keeps, not what a program shows."""
    rows = [
        (
            str(row.uid),
            " ".join(row.flags) or "–",
            f"{row.size:,}",
            moment(row.date),
            shown_header(row.subject),
            shorten_middle(row.file, 48),
        )
        for row in box.rows
    ]
    next_uid = "" if box.uidnext is None else f", next UID {box.uidnext}"
    return Grid(
        f"{box.mailbox} of {box.account}: {plural(len(rows), 'message')}",
        ("UID", "flags", "octets", "arrived", "subject", "file"),
        rows,
        empty=f"empty; UIDVALIDITY {box.uidvalidity}{next_uid}",
        below=f"UIDVALIDITY {box.uidvalidity}{next_uid}",
        right=(0, 2),
        code=(1, 5),
        limits=(0, 24, 0, 0, 36, 0),
    )


def inbox_view(inbox: InboxSnapshot) -> Grid:
    """The mailbox as a mail program lists it."""
    rows = [
        (
            str(row.uid),
            "read" if "\\Seen" in row.flags else "new",
            row.sender,
            row.subject or "(no subject)",
            row.date,
        )
        for row in inbox.rows
    ]
    return Grid(
        f"{inbox.mailbox} of {inbox.account}: {plural(len(rows), 'letter')}",
        ("UID", "", "from", "subject", "date"),
        rows,
        empty="no letters",
        right=(0,),
        limits=(0, 0, 36, 44, 0),
    )


def queue_view(queue: QueueSnapshot) -> Grid:
    """The queue of a host, one row per recipient."""
    rows = [
        (
            row.queue_id,
            "" if row.parcel is None else str(row.parcel),
            row.sender or "<>",
            row.recipient,
            row.state,
            str(row.attempts),
            moment(row.next_try) if row.next_try else "–",
            row.reason or "–",
        )
        for row in queue.rows
    ]
    at = f", {moment(queue.at)}" if queue.at else ""
    return Grid(
        f"Queue of {queue.host}{at}: {plural(len(rows), 'recipient')} to be dealt with",
        ("id", "letter", "from", "to", "state", "tries", "next try", "why"),
        rows,
        empty="empty: nothing is waiting",
        right=(5,),
        code=(0,),
        limits=(0, 0, 0, 0, 0, 0, 0, 48),
    )


def health_view(health: HealthSnapshot) -> Grid:
    """Every service that was knocked at."""
    rows = [
        (
            ANSWERS if row.ok else SILENT,
            row.host,
            row.service,
            str(row.port),
            shorten(row.banner, 72) or "–",
            row.role,
        )
        for row in health.rows
    ]
    good = sum(row.ok for row in health.rows)
    at = f", {moment(health.at)}" if health.at else ""
    return Doors(
        f"Health{at}: {good} of {plural(len(rows), 'service')} answer",
        ("", "host", "service", "port", "first words", "role"),
        rows,
        empty="no services",
        right=(3,),
        code=(4,),
        whole=(0, 1, 2),
        limits=(0, 0, 0, 0, 44, 40),
    )


_STATUS = {
    "NOERROR": "NOERROR",
    "NODATA": "NODATA: the name exists, this type does not",
    "NXDOMAIN": "NXDOMAIN: no such name",
    "SERVFAIL": "SERVFAIL: the server could not find out",
    "REFUSED": "REFUSED: the server will not answer this",
    "TIMEOUT": "TIMEOUT: no answer",
}


def _ttl(seconds: int | None) -> str:
    return "–" if seconds is None else f"{seconds} s ({span(seconds)})"


def dns_view(trace: Trace) -> Grid:
    """What was asked of the DNS in a trace, by whom, who knew, and by which packets."""
    names = names_by_address(trace)
    rows = [
        (
            f"{e.at:%H:%M:%S}",
            e.host,
            f"{e.rtype} {e.name}",
            " · ".join(e.answers) or "–",
            _STATUS.get(e.status, e.status),
            _ttl(e.ttl),
            "own cache" if e.server == "cache" else names.get(e.server, e.server),
            packets,
        )
        for e, packets in _lookups(trace)
    ]
    return Grid(
        f"DNS: {plural(len(rows), 'lookup')}",
        ("lab time", "who asks", "question", "answer", "status", "TTL", "answered by", "octets"),
        rows,
        empty="nobody asked the DNS",
        code=(2, 3),
        limits=(0, 0, 40, 44, 24, 0, 0, 16),
    )


def _lookups(trace: Trace) -> Iterator[tuple[LookedUp, str]]:
    """Each lookup, and the size of its packets: "UDP 41 → 121", then "TCP …" if that was cut."""
    under_way: dict[tuple[str, str, str], list[str]] = {}
    for e in trace:
        match e:
            case Datagram(client=client, sender=sender, data=data):
                way, message = "UDP", data
            case Sent(connection=c, sender=sender, data=data) if c.service == "domain":
                way, message, client = "TCP", data[2:], c.client  # RFC 1035 §4.2.2: its length
            case LookedUp():
                asked = (e.host, plain(e.name), e.rtype)
                yield e, ", ".join(under_way.pop(asked, [])) or "–"
                continue
            case _:
                continue
        packet = dnswire.read(message)
        if packet is None:
            continue
        packets = under_way.setdefault((client.name, plain(packet.name), packet.rtype), [])
        if sender is Side.CLIENT:
            packets.append(f"{way} {len(message)} → nothing")
        elif packets:
            packets[-1] = packets[-1].replace("nothing", str(len(message)))


def answer_view(answer: DnsSnapshot) -> Grid:
    """One answer of the DNS, a record on each line."""
    status = _STATUS.get(answer.status, answer.status)
    rows = [(answer.name, answer.rtype, _ttl(answer.ttl), record) for record in answer.records]
    return Grid(
        f"{answer.host} asks: {answer.rtype} {answer.name} → {status}",
        ("name", "type", "TTL", "data"),
        rows,
        empty="no records",
        code=(0, 3),
        limits=(0, 0, 0, 72),
    )
