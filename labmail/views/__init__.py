"""Pictures and tables of what happened, drawn from the trace and from nothing else.

``ladder`` (``ladder_rows``, ``ladder_draw``)   who said what to whom, in order
``transcript`` (``explain``, ``explain_smtp``, ``explain_pop3``, ``explain_imap``)   every line, and what it means
``wire``       both sides beside each other, as octets
``machine`` (``machine_draw``)   the states of a protocol, and the way of a session through them
``world_map`` (``world_map_draw``)   domains as towns, and the route of a letter
``custody`` (``custody_draw``)   who holds the letter, on what promise
``attempts`` (``attempts_draw``)   when each letter was tried, on a line of lab time (``timeline``)
``depth`` (``depth_draw``)   how many letters wait, in a trace and in forecasts
``resolution`` (``resolution_draw``)   from a domain to the host that took the letter
``decision`` (``decision_draw``)   from the DNS's answer to the letter's fate
``zones``      a zone line by line, what an edit changed, what a resolver remembers
``hexstrip``   every octet of a letter; ``fieldlist`` its header, field by field
``mimetree``, ``threadtree`` (``trees``)   what is in a letter; which letter answers which
``sizebars``   what each transfer encoding makes of a text or a file
``envelope`` (``envelope_draw``, ``letterhead``)   the envelope beside the letter
``card_row`` (``card_row_draw``)   the cards along a letter's way, and what each station changed
``arrows`` (``arrows_draw``)   where a reply, a bounce, an automatic answer, a post to the list go
``story``      a whole trace: its ladder, and the transcript folded below
``tables``     mailbox, inbox, queue, DNS, health
``view``       what all of them are: text, HTML, picture
``chars``, ``markup``, ``paper``, ``palette``   what they are made of: characters, HTML, drawings, colours
``spoken``, ``searches``, ``dnswire``   small readings of the trace

`render` is the hook by which traces and snapshots show themselves.  The functions
below make views by hand; each has ``text()`` and ``html()``, pictures also ``svg()`` and
``png(path)``.  matplotlib is imported when a picture is drawn, not before.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any

from labmail.letter.compose import octets
from labmail.trace.events import Connection
from labmail.trace.letters import Copy, copies
from labmail.trace.parcel import Envelope
from labmail.trace.queues import queue_at
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import (
    BoxSnapshot,
    CacheSnapshot,
    CardRow,
    DnsSnapshot,
    EnvelopeCard,
    HealthSnapshot,
    InboxSnapshot,
    QueueSnapshot,
    ZoneSnapshot,
)
from labmail.views.arrows import ArrowsView
from labmail.views.attempts import Attempts
from labmail.views.card_row import CardRowView
from labmail.views.custody import Custody
from labmail.views.decision import Decision
from labmail.views.depth import Forecast, Forecasts, Outage, QueueDepth
from labmail.views.envelope import CardView
from labmail.views.fieldlist import FieldList
from labmail.views.hexstrip import HexStrip
from labmail.views.ladder import Ladder
from labmail.views.machine import StateDiagram, state_map
from labmail.views.mimetree import MimeTree
from labmail.views.resolution import Resolution
from labmail.views.sizebars import SizeBars
from labmail.views.story import TraceView
from labmail.views.tables import (
    Grid,
    answer_view,
    box_view,
    dns_view,
    health_view,
    inbox_view,
    queue_view,
)
from labmail.views.threadtree import ThreadTree
from labmail.views.transcript import Transcript
from labmail.views.view import View
from labmail.views.wire import Wire
from labmail.views.world_map import WorldMap
from labmail.views.zones import ZoneDiff, ZoneView, cache_view

__all__ = [
    "attempts",
    "custody",
    "decision",
    "dns_table",
    "envelope_card",
    "field_list",
    "forecasts",
    "four_arrows",
    "hex_strip",
    "ladder",
    "mime_tree",
    "queue_at",
    "queue_depth",
    "render",
    "resolution",
    "size_bars",
    "state_diagram",
    "thread_tree",
    "transcript",
    "view_of",
    "wire",
    "world_map",
    "zone_change",
]


def ladder(trace: Trace, detail: str = "talk") -> Ladder:
    """The trace as a sequence diagram.

    detail: "talk" draws every command and reply, "hops" one arrow per connection or
    lookup.  Raises ValueError for anything else.
    """
    return Ladder(trace, detail)


def transcript(
    trace: Trace,
    connection: Connection | int | None = None,
    show_secrets: bool = False,
) -> Transcript:
    """Every line of one connection (or its number), or of all, with what it means.

    Passwords are masked unless `show_secrets`.  Raises ValueError when the trace has no such
    connection.
    """
    return Transcript(trace, connection, show_secrets)


def wire(trace: Trace, connection: Connection | int | None = None) -> Wire:
    """What client and server said beside each other, as octets, with offsets; of one connection
    (or its number), or of all."""
    return Wire(trace, connection)


def state_diagram(what: Trace | str, connection: Connection | int | None = None) -> StateDiagram:
    """The states of "smtp", "pop3" or "imap"; or, of a trace, the way of one session (the
    first, or the connection that is named) through the states of its protocol.

    Raises ValueError for another protocol, or when the trace has no such session.
    """
    return state_map(what, connection)


def world_map(trace: Trace) -> WorldMap:
    """The world as a map, with the routes of this trace numbered."""
    return WorldMap(trace)


def custody(trace: Trace, parcel: int | None = None) -> Custody:
    """Who holds a letter over lab time: letter `parcel`, or the trace's first.

    Raises ValueError when the trace has no such letter.
    """
    return Custody(trace, parcel)


def attempts(
    trace: Trace, parcel: int | None = None, host: str | None = None, title: str = ""
) -> Attempts:
    """When each letter was tried, on a line of lab time, and what came of it: all letters that
    had to wait, or letter `parcel`, in all queues or in that of `host`."""
    return Attempts(trace, parcel, host, title)


def queue_depth(trace: Trace, *hosts: str, title: str = "") -> QueueDepth:
    """How many letters lay in the queues of these hosts (or of all) over lab time."""
    return QueueDepth(trace, *hosts, title=title)


def forecasts(
    computed: Mapping[str, Forecast], outage: Outage | None = None, title: str = ""
) -> Forecasts:
    """What several schedules do in the same trouble, beside each other."""
    return Forecasts(computed, outage, title)


def dns_table(trace: Trace) -> Grid:
    """Every lookup of the trace: question, answer, status, TTL, and who knew."""
    return dns_view(trace)


def resolution(trace: Trace, parcel: int | None = None, attempt: int = 1) -> Resolution:
    """The tree from a letter's domain to the host that took it: letter `parcel` (or the
    trace's first), and which of its attempts.

    Raises ValueError when nobody looked for the way of such a letter, or not so often.
    """
    return Resolution(trace, parcel, attempt)


def decision(trace: Trace, parcel: int | None = None) -> Decision:
    """From the DNS's answer to the letter's fate, with the ways marked that the letters of
    this trace took, or letter `parcel` alone."""
    return Decision(trace, parcel)


def zone_change(before: ZoneSnapshot, after: ZoneSnapshot) -> ZoneDiff:
    """What differs between two states of a zone."""
    return ZoneDiff(before, after)


def envelope_card(
    envelope: Envelope | None, content: bytes, where: str = "", parcel: int | None = None
) -> EnvelopeCard:
    """The envelope card of a letter: `content` is its bytes, `where` names the hop.  A letter
    from a file has no envelope: None."""
    return EnvelopeCard(envelope, content, where, parcel)


Letter = bytes | EnvelopeCard | Copy | EmailMessage
"""What the views of a letter take: its octets, a letter at one hop, or one just written."""


def hex_strip(
    letter: Letter,
    title: str = "",
    *,
    only: Sequence[str] = (),
    most: int = 36,
    as_letter: bool = True,
) -> HexStrip:
    """Every octet of a letter as a number and as a sign, header and body told apart.

    only: names of fields, and "body"; the rest is folded away.  most: rows of header and of
    body before their middle is folded.  as_letter: False for octets that are no letter.
    """
    if isinstance(letter, EnvelopeCard) and not title:
        title = f"Letter {letter.parcel}, {letter.where}"
    return HexStrip(_octets(letter), title, only=only, most=most, letter=as_letter)


def field_list(
    letter: Letter, trace: Trace | None = None, parcel: int | None = None, title: str = ""
) -> FieldList:
    """A header field by field: what it says, how it was written, what is wrong with it.

    With the trace in which the letter crossed it also says who wrote each field; `parcel` is
    the letter's number there, or the trace's first.
    """
    way: tuple[Copy, ...] = ()
    if trace is not None and (parcel is not None or trace.parcels):
        way = copies(trace, trace.parcels[0] if parcel is None else parcel)
    return FieldList(_octets(letter), way, title)


def mime_tree(letter: Letter, title: str = "") -> MimeTree:
    """The parts of a letter: what is in what, how it is encoded, how large it is."""
    return MimeTree(_octets(letter), title)


def size_bars(contents: Mapping[str, str | bytes], title: str = "") -> SizeBars:
    """What each transfer encoding makes of these texts (as UTF-8) or files."""
    return SizeBars(contents, title)


def thread_tree(
    letters: Mapping[str, bytes], title: str = "", *, by_subject: bool = False
) -> ThreadTree:
    """Which letter answers which; the letters by a label of your own.

    by_subject: also join threads that begin with the same subject, as some programs do.
    """
    return ThreadTree(letters, title, by_subject)


def _octets(letter: Letter) -> bytes:
    if isinstance(letter, bytes):
        return letter
    return octets(letter) if isinstance(letter, EmailMessage) else letter.content


def four_arrows(card: EnvelopeCard, me: str = "") -> ArrowsView:
    """Where reply (to one, to all), bounce, automatic answer and list post would go, if `me`
    answers the letter of this card."""
    return ArrowsView(card, me)


_VIEWS: dict[type, Callable[[Any], View]] = {
    Trace: TraceView,
    EnvelopeCard: CardView,
    CardRow: CardRowView,
    BoxSnapshot: box_view,
    InboxSnapshot: inbox_view,
    QueueSnapshot: queue_view,
    HealthSnapshot: health_view,
    DnsSnapshot: answer_view,
    ZoneSnapshot: ZoneView,
    CacheSnapshot: cache_view,
}


def view_of(thing: Any) -> View:
    """The view that shows a trace or a snapshot; raises TypeError for other things."""
    if isinstance(thing, View):
        return thing
    for kind, make in _VIEWS.items():
        if isinstance(thing, kind):
            return make(thing)
    raise TypeError(
        f"there is no view for {type(thing).__name__}; there is one for a Trace "
        "and for each snapshot of labmail.trace.snapshots"
    )


def render(thing: Any, form: str) -> str:
    """How a trace or a snapshot shows itself: `form` is "text" or "html"."""
    view = view_of(thing)
    return view.html() if form == "html" else view.text()
