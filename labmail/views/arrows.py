"""Where the answers to a letter go, as arrows.

A person's answers start at the sheet, for people read the letter; the answers of machines start
at the envelope, for that is what machines obey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.letter.arrows import Arrow, arrows
from labmail.trace.snapshots import EnvelopeCard
from labmail.views import markup
from labmail.views.chars import text_table, visible
from labmail.views.envelope import CardView
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper


class ArrowsView(Picture):
    """The arrows of one letter, answered by `me`."""

    def __init__(self, card: EnvelopeCard, me: str = "") -> None:
        path = None if card.envelope is None else card.envelope.reverse_path
        self.card = CardView(card)
        self.arrows = arrows(card.content, path, me)
        letter = "a letter" if card.parcel is None else f"letter {card.parcel}"
        self.title = f"Where answers to {letter} go" + (f", if {visible(me)} answers" if me else "")

    def text(self) -> str:
        rows = [(a.kind, goal(a), visible(a.because), a.source) for a in self.arrows]
        table = text_table(("answer", "goes to", "because", "source"), rows, limits=(0, 38, 46, 0))
        return f"{self.title}\n\n{table}"

    def alt(self) -> str:
        told = (f"{a.kind}: {goal(a)} ({visible(a.because)})" for a in self.arrows)
        return f"{self.title}. {'. '.join(told)}."

    def draw(self) -> Paper:
        from labmail.views.arrows_draw import drawn_arrows

        return drawn_arrows(self)

    def beside(self) -> markup.Html:
        rows = [
            (markup.strong(a.kind), markup.code(goal(a)), a.because, markup.quiet(a.source))
            for a in self.arrows
        ]
        table = markup.table(("answer", "goes to", "because", ""), rows, whole=(0,))
        return markup.details("the same as a table", table)


def goal(arrow: Arrow) -> str:
    """Where an arrow ends, in words."""
    return ", ".join(map(visible, arrow.to)) or "✘ nobody"
