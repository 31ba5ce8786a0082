"""Pictures and tables of what happened, drawn from the trace and from nothing else.

``ladder`` (``ladder_rows``, ``ladder_draw``)   who said what to whom, in order
``transcript`` (``explain``, ``explain_smtp``, ``explain_pop3``, ``explain_imap``)   every line, and what it means
``world_map`` (``world_map_draw``)   domains as towns, and the route of a letter
``custody`` (``custody_draw``)   who holds the letter, on what promise
``envelope`` (``envelope_draw``, ``letterhead``)   the envelope beside the letter
``card_row`` (``card_row_draw``)   the cards along a letter's way, and what each station changed
``arrows`` (``arrows_draw``)   where a reply, a bounce, an automatic answer, a post to the list go
``story``      a whole trace: its ladder, and the transcript folded below
``tables``     mailbox, inbox, queue, DNS, health
``view``       what all of them are: text, HTML, picture
``chars``, ``markup``, ``paper``, ``palette``   what they are made of: characters, HTML, drawings, colours
``spoken``, ``dnswire``   small readings of the trace

`render` is the hook by which traces and snapshots show themselves.  The functions
below make views by hand; each has ``text()`` and ``html()``, pictures also ``svg()`` and
``png(path)``.  matplotlib is imported when a picture is drawn, not before.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labmail.trace.events import Connection
from labmail.trace.parcel import Envelope
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import (
    BoxSnapshot,
    CardRow,
    DnsSnapshot,
    EnvelopeCard,
    HealthSnapshot,
    InboxSnapshot,
    QueueSnapshot,
)
from labmail.views.arrows import ArrowsView
from labmail.views.card_row import CardRowView
from labmail.views.custody import Custody
from labmail.views.envelope import CardView
from labmail.views.ladder import Ladder
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
from labmail.views.transcript import Transcript
from labmail.views.view import View
from labmail.views.world_map import WorldMap

__all__ = [
    "custody",
    "dns_table",
    "envelope_card",
    "four_arrows",
    "ladder",
    "render",
    "transcript",
    "view_of",
    "world_map",
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


def world_map(trace: Trace) -> WorldMap:
    """The world as a map, with the routes of this trace numbered."""
    return WorldMap(trace)


def custody(trace: Trace, parcel: int | None = None) -> Custody:
    """Who holds a letter over lab time: letter `parcel`, or the trace's first.

    Raises ValueError when the trace has no such letter.
    """
    return Custody(trace, parcel)


def dns_table(trace: Trace) -> Grid:
    """Every lookup of the trace: question, answer, status, TTL, and who knew."""
    return dns_view(trace)


def envelope_card(
    envelope: Envelope | None, content: bytes, where: str = "", parcel: int | None = None
) -> EnvelopeCard:
    """The envelope card of a letter: `content` is its bytes, `where` names the hop.  A letter
    from a file has no envelope: None."""
    return EnvelopeCard(envelope, content, where, parcel)


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
