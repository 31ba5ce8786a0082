"""A letter's cards along its way, and what each station changed.

A letter is not rewritten under way.  Each server that takes it puts a Received field on top; the
last one adds the Return-Path and throws the envelope away.  Whatever else differs between two
stations is worth a question: here it would be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labmail.trace.snapshots import CardRow, EnvelopeCard
from labmail.views import markup
from labmail.views.chars import shorten, visible, wrap
from labmail.views.envelope import CardView
from labmail.views.letterhead import all_fields
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

_WIDE = 92


@dataclass(frozen=True, slots=True)
class Station:
    """One card of the row, and how it differs from the one before."""

    view: CardView
    name: str
    changes: tuple[str, ...]


class CardRowView(Picture):
    """The cards of one letter in a row."""

    def __init__(self, row: CardRow) -> None:
        self.title = f"Letter {row.parcel}, station by station"
        self.stations = tuple(
            Station(
                CardView(card),
                visible(card.where),
                _changes(_before(row.cards, i), card),
            )
            for i, card in enumerate(row.cards)
        )

    def text(self) -> str:
        lines = [self.title]
        for number, station in enumerate(self.stations, 1):
            lines += ["", f"{number}. {station.name}"]
            outside = ", ".join(f"{name} {value}" for name, value in station.view.envelope)
            gone = "gone; left: " if station.view.gone else ""
            lines += self._wrapped(f"envelope: {gone}{outside}")
            lines += self._wrapped(f"letter:   {self._inside(station.view)}")
            for change in station.changes:
                lines += self._wrapped(f"▸ {change}")
        return "\n".join(lines)

    @staticmethod
    def _wrapped(line: str) -> list[str]:
        first, *more = wrap(line, _WIDE - 3)
        return [f"   {first}", *(f"     {rest}" for rest in more)]

    @staticmethod
    def _inside(view: CardView) -> str:
        wanted = ("From", "Reply-To", "To", "Cc", "Bcc")
        return ", ".join(f"{f.name} {f.value}" for f in view.letter if f.name in wanted)

    def alt(self) -> str:
        told = (f"{s.name}: {'; '.join(s.changes) or 'the first'}" for s in self.stations)
        return f"{self.title}. {'. '.join(told)}."

    def draw(self) -> Paper:
        from labmail.views.card_row_draw import drawn_row

        return drawn_row(self)

    def beside(self) -> markup.Html:
        return markup.details("the same as text", markup.pre(self.text()))


def _before(cards: tuple[EnvelopeCard, ...], i: int) -> EnvelopeCard | None:
    """The card to compare with: what the same host accepted, for a mailbox; else the one before.
    (A letter with several recipients is in several places at once.)"""
    taken = [card for card in cards[:i] if card.envelope is not None]
    if cards[i].envelope is None:
        taken = [card for card in taken if card.host == cards[i].host] or taken
    return taken[-1] if taken else None


def _changes(before: EnvelopeCard | None, after: EnvelopeCard) -> tuple[str, ...]:
    """What a station did to the letter, in words."""
    if before is None:
        return ()
    return tuple([*_envelope_changes(before, after), *_letter_changes(before, after)])


def _envelope_changes(before: EnvelopeCard, after: EnvelopeCard) -> list[str]:
    old, new = before.envelope, after.envelope
    assert old is not None
    if new is None:
        return ["the envelope is gone"]
    found = []
    if old.reverse_path != new.reverse_path:
        found.append(f"MAIL FROM: <{visible(old.reverse_path)}> → <{visible(new.reverse_path)}>")
    lost = [a for a in old.addresses if a not in new.addresses]
    more = [a for a in new.addresses if a not in old.addresses]
    found += [f"RCPT TO: without {', '.join(map(visible, lost))}"] if lost else []
    found += [f"RCPT TO: and now {', '.join(map(visible, more))}"] if more else []
    return found or ["the envelope is the same"]


def _letter_changes(before: EnvelopeCard, after: EnvelopeCard) -> list[str]:
    old, new = all_fields(before.content), all_fields(after.content)
    added = [f"+ {name}: {shorten(value, 60)}" for name, value in _less(new, old)]
    lost = [f"− {name}: {shorten(value, 60)}" for name, value in _less(old, new)]
    same = _body(before.content) == _body(after.content)
    if not (added or lost):
        return ["not an octet of the letter changed" if same else "the body changed"]
    return [*added, *lost, "the body is the same" if same else "the body changed"]


def _less(fields: list[tuple[str, str]], known: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields without those that are known, each as often as it is known."""
    rest = list(known)
    found = []
    for field in fields:
        if field in rest:
            rest.remove(field)
        else:
            found.append(field)
    return found


def _body(content: bytes) -> bytes:
    return content.partition(b"\r\n\r\n")[2]
