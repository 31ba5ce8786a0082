"""The thread tree: which letter answers which, as a mail program works it out.

It reads Message-ID, In-Reply-To and References (RFC 5322 §3.6.4) and nothing else, unless it
is told to look at the subject.  A letter that others answer and that is not here keeps its
place, dashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labmail.letter.threads import Node, card, thread
from labmail.views import palette
from labmail.views.chars import plural, text_table, visible
from labmail.views.trees import Twig, branches, draw
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A letter, or a place for one: how deep it lies, and whether it is the last among its
    brothers; the same of each letter above it but the root."""

    node: Node
    last: tuple[bool, ...]

    @property
    def label(self) -> str:
        return visible(self.node.card.label) if self.node.card else "(not here)"

    @property
    def subject(self) -> str:
        return visible(self.node.card.subject) if self.node.card else ""

    @property
    def message_id(self) -> str:
        return visible(self.node.message_id.partition("#")[0]) or "(no Message-ID)"


class ThreadTree(Picture):
    """Letters, each under the one it answers.

    letters: their octets by a label of your own ("UID 3", "Minh").  by_subject: also join
    trees whose subjects are the same, as some programs do.
    """

    def __init__(
        self, letters: Mapping[str, bytes], title: str = "", by_subject: bool = False
    ) -> None:
        cards = [card(letter, str(label)) for label, letter in letters.items()]
        self.roots = thread(cards, by_subject=by_subject)
        count = f"{plural(len(cards), 'letter')}, {plural(len(self.roots), 'thread')}"
        self._title = f"{title}: {count}" if title else count
        self.rows = tuple(row for root in self.roots for row in _rows(root, ()))

    @property
    def parents(self) -> dict[str, str | None]:
        """For each letter's label the label of the letter above it; None for one that
        begins a thread or hangs below a letter that is not here."""
        path: list[str | None] = []
        found: dict[str, str | None] = {}
        for row in self.rows:
            del path[len(row.last) :]
            if row.node.card:
                found[row.node.card.label] = path[-1] if path else None
            path.append(row.node.card.label if row.node.card else None)
        return found

    def text(self) -> str:
        rows = [(branches(row.last) + row.label, row.subject, row.message_id) for row in self.rows]
        return f"{self._title}\n{text_table(('letter', 'subject', 'Message-ID'), rows)}"

    def alt(self) -> str:
        told = [_told(row, self.parents) for row in self.rows if row.node.card]
        return f"Thread tree. {self._title}: {'; '.join(told)}."

    def draw(self) -> Paper:
        return draw(self._title, [_twig(row) for row in self.rows])


def _told(row: ThreadRow, parents: Mapping[str, str | None]) -> str:
    parent = parents[row.node.card.label] if row.node.card else None
    if parent:
        return f"{row.label} answers {visible(parent)}"
    return f"{row.label} answers a letter that is not here" if row.last else f"{row.label} begins"


def _twig(row: ThreadRow) -> Twig:
    here = row.node.card is not None
    colour = palette.EDGE if not here else palette.GREEN if row.last else palette.BLUE
    second = row.subject if here else "others answer it; it is not among these letters"
    return Twig(len(row.last), row.label, second, row.message_id, colour, hollow=not here)


def _rows(node: Node, last: tuple[bool, ...]) -> Iterator[ThreadRow]:
    """The node, then its answers.  (A chain of answers may be long: no recursion.)"""
    waiting = [(node, last)]
    while waiting:
        here, path = waiting.pop()
        yield ThreadRow(here, path)
        count = len(here.answers)
        below = [(each, (*path, i == count)) for i, each in enumerate(here.answers, 1)]
        waiting += reversed(below)
