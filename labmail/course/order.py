"""Cards to lay in order before a letter travels, and the order they really happen in.

Each card names one moment of the journey and knows it again in a trace.  One card never
happens: it is what a person would guess who has never looked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from labmail.course.notes import NOTES
from labmail.course.notice import Notice, Table, Tone
from labmail.trace.events import (
    Accepted,
    Connected,
    Delivered,
    Event,
    Fetched,
    LoggedIn,
    LookedUp,
    Queued,
)
from labmail.trace.recorder import Trace


@dataclass(frozen=True, slots=True)
class Card:
    """A moment: its letter, its words, and how it is known in a trace."""

    letter: str
    words: str
    happened: Callable[[Event], bool]


CARDS = (
    Card(
        "A",
        "Minh's mail program fetches the letter",
        lambda e: isinstance(e, Fetched),
    ),
    Card(
        "B",
        "Sơn's server puts the letter into its queue",
        lambda e: isinstance(e, Queued) and e.host == "smtp.hanoi.example",
    ),
    Card(
        "C",
        "Sơn's computer opens a connection to Minh's computer",
        lambda e: (
            isinstance(e, Connected)
            and (e.connection.client.name, e.connection.server.name)
            == ("son-laptop.hanoi.example", "minh-laptop.saigon.example")
        ),
    ),
    Card(
        "D",
        "Sơn's server asks the DNS which hosts take letters for saigon.example",
        lambda e: isinstance(e, LookedUp) and e.rtype == "MX",
    ),
    Card(
        "E",
        "Minh's server puts the letter into Minh's mailbox",
        lambda e: isinstance(e, Delivered),
    ),
    Card(
        "F",
        "Sơn's mail program proves to Sơn's server who he is",
        lambda e: isinstance(e, LoggedIn) and e.account == "son@hanoi.example",
    ),
    Card(
        "G",
        "Minh's server says 250: from now on I am responsible",
        lambda e: isinstance(e, Accepted) and e.role == "exchange",
    ),
    Card(
        "H",
        "Sơn's server opens a connection to Minh's server",
        lambda e: isinstance(e, Connected) and e.connection.service == "smtp",
    ),
)


def cards(order: object = None) -> Notice:
    """Show the cards, or keep an order: ``cards("FBD…")``.  Letters may be left out."""
    if order in (None, "", ...):
        return _laid_out("No order yet: run the cell again with your letters, first to last.")
    letters = [c for c in str(order).upper() if c.isalnum()]
    known = {card.letter for card in CARDS}
    if strange := [c for c in letters if c not in known]:
        return _laid_out(f"There is no card {strange[0]}: use the letters A to H.")
    if len(set(letters)) < len(letters):
        return _laid_out("A card lies there twice: each happens once at most.")
    NOTES.predictions["cards"] = "".join(letters)
    return Notice(f"Your order is kept: {' '.join(letters)}", ["Now let the letter travel."])


def _laid_out(last: str) -> Notice:
    lines = [f"{card.letter}) {card.words}" for card in CARDS]
    title = "Lay these cards in order. One of them never happens."
    return Notice(title, [*lines, f"➜ {last}"], Tone.OPEN)


def compare(trace: Trace) -> Table:
    """The kept order beside the order in the trace."""
    happened = [(found[0], card) for card in CARDS if (found := _places(card, trace))]
    true = [card for _, card in sorted(happened, key=lambda pair: pair[0])]
    laid = NOTES.predictions.get("cards", "")
    rows = [(str(n), f"{c.letter}) {c.words}", _place(laid, c)) for n, c in enumerate(true, 1)]
    never = [c for c in CARDS if c not in true]
    rows += [("never", f"{c.letter}) {c.words}", _place(laid, c)) for c in never]
    return Table(
        "What happened, in this order", ("", "card", "your place"), rows, note=_told(laid, true)
    )


def _places(card: Card, trace: Trace) -> list[int]:
    return [event.seq for event in trace if card.happened(event)]


def _place(laid: str, card: Card) -> str:
    if not laid:
        return "–"
    return str(laid.index(card.letter) + 1) if card.letter in laid else "left out"


def _told(laid: str, true: list[Card]) -> str:
    """How close an order came: pairs of neighbours that are in the order of the trace."""
    if not laid:
        return "You laid no cards this time."
    order = "".join(card.letter for card in true)
    kept = [letter for letter in laid if letter in order]
    pairs = list(pairwise(order))
    right = sum(a in kept and b in kept and kept.index(a) < kept.index(b) for a, b in pairs)
    return f"{right} of {len(pairs)} steps follow each other as you laid them."
