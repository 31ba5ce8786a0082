"""Which letter answers which.

Every letter has a name, its Message-ID.  An answer carries the name of what it answers in
In-Reply-To, and the names of all that came before, oldest first, in References
(RFC 5322 §3.6.4).  So the tree is there whatever the subject says, in whatever order the
letters came, even when one of them never came: its name is known from the others.

    <1>  Ăn trưa?                 References: –
    ├── <2>  Re: Ăn trưa?         References: <1>
    │   └── (<3> is not here)
    │       └── <4>               References: <1> <2> <3>
    └── <5>  Đổi giờ              References: <1>

The way is that of RFC 5256 §3 (THREAD, REFERENCES); only that the subject joins nothing unless
asked to, and that a letter which is not here keeps its place as an empty node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise

from labmail.letter import words
from labmail.letter.header import Header
from labmail.letter.mime import scan

MAX_REFERENCES = 1000
"""Names of one References field that are looked at."""

_ID = re.compile(r"<[^<>\s]+>")
_BLOB = re.compile(r"^\s*\[[^\[\]]*\]\s*")
_REPLY = re.compile(r"^\s*(re|fwd?)\s*(\[[^\[\]]*\]\s*)?:\s*", re.IGNORECASE)
_TRAILER = re.compile(r" ?\(fwd\)$", re.IGNORECASE)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Card:
    """What threading needs of one letter.  `label` is the caller's own: a file name, a UID."""

    message_id: str
    references: tuple[str, ...] = ()
    subject: str = ""
    date: datetime | None = None
    label: str = ""

    @property
    def is_reply(self) -> bool:
        """Whether its subject says that it answers or passes on (RFC 5256 §2.1)."""
        text = _one_line(self.subject)
        return bool(_REPLY.match(_BLOB.sub("", text)) or _TRAILER.search(text))


@dataclass(frozen=True)
class Node:
    """A place in the tree: a letter with its answers.  `card` is None where the letter is
    not here and only its name is known."""

    message_id: str
    card: Card | None
    answers: tuple[Node, ...] = ()

    def walk(self) -> Iterator[tuple[int, Node]]:
        """Each node below with its depth, parents before children; this node has depth 0."""
        waiting = [(0, self)]
        while waiting:
            depth, node = waiting.pop()
            yield depth, node
            waiting += [(depth + 1, answer) for answer in reversed(node.answers)]


def card(letter: bytes, label: str = "") -> Card:
    """What threading needs of a letter.  Never raises.

    References counts before In-Reply-To; of that, the first name (RFC 5256 §3 step 1).
    """
    header = Header(scan(letter).header, 0)
    own = _ids(header, "Message-ID")
    references = _ids(header, "References") or _ids(header, "In-Reply-To")[:1]
    return Card(
        message_id=own[0] if own else "",
        references=references,
        subject=header.text("Subject"),
        date=_date(header.text("Date")),
        label=label,
    )


def thread(cards: Iterable[Card], *, by_subject: bool = False) -> tuple[Node, ...]:
    """The trees, oldest first.  by_subject: trees whose roots have the same base subject are
    joined as well, below one of them, as some programs do; RFC 5256 §3 step 5 sets two that
    are no replies side by side, below an empty place."""
    forest = _Forest()
    for number, each in enumerate(cards):
        forest.add(each, number)
    roots = forest.grown()
    return _joined(roots) if by_subject else roots


def base_subject(subject: str) -> str:
    """The subject without Re:, Fwd:, [list] and (fwd) (RFC 5256 §2.1).  ``Trả lời:`` stays: the
    standard knows English prefixes only."""
    text = _one_line(subject)
    while True:
        shorter = _TRAILER.sub("", _REPLY.sub("", text, count=1))
        without = _BLOB.sub("", shorter)
        shorter = without if without else shorter
        if shorter == text:
            return text
        text = shorter


def _one_line(subject: str) -> str:
    return " ".join(subject.split())


class _Forest:
    """Names, and which hangs below which.  A parent once found is kept, and no link may close
    a circle (RFC 5256 §3 step 1)."""

    def __init__(self) -> None:
        self._cards: dict[str, Card] = {}
        self._parent: dict[str, str] = {}
        self._order: dict[str, int] = {}

    def add(self, each: Card, number: int) -> None:
        own = each.message_id
        if not own or own in self._cards:  # no name, or a name that is taken: one is made up
            own = f"{own}#{number + 1}"
        self._cards[own] = each
        self._order.setdefault(own, len(self._order))
        chain = [name for name in each.references if name != own]
        for parent, child in pairwise(chain):
            self._order.setdefault(parent, len(self._order))
            if child not in self._parent:
                self._link(parent, child)
        if chain:  # what a letter says of itself counts more than what others said of it
            self._order.setdefault(chain[-1], len(self._order))
            self._parent.pop(own, None)
            self._link(chain[-1], own)

    def _link(self, parent: str, child: str) -> None:
        above: str | None = parent
        while above is not None:
            if above == child:
                return
            above = self._parent.get(above)
        self._parent[child] = parent

    def grown(self) -> tuple[Node, ...]:
        """The trees.  Children are made before their parents, without recursion."""
        below: dict[str, list[str]] = {name: [] for name in self._order}
        for child, parent in self._parent.items():
            below[parent].append(child)
        roots = [name for name in self._order if name not in self._parent]
        walk = list(roots)
        for name in walk:  # grows while it is walked: parents before children
            walk += below[name]
        grown: dict[str, Node] = {}
        for name in reversed(walk):
            answers = [grown[child] for child in below[name] if child in grown]
            if name in self._cards or answers:  # an empty place without answers says nothing
                found = self._cards.get(name)
                grown[name] = Node(name, found, tuple(sorted(answers, key=_age)))
        return tuple(sorted((grown[name] for name in roots if name in grown), key=_age))


def _age(node: Node) -> datetime:
    """When its first letter was written; sorting keeps the order of arrival among equals."""
    at = node
    while at.card is None and at.answers:
        at = at.answers[0]
    return at.card.date if at.card and at.card.date else _NEVER


def _joined(roots: tuple[Node, ...]) -> tuple[Node, ...]:
    """Roots with one base subject as one tree: below the one that is no reply, else the first."""
    by_base: dict[str, list[Node]] = {}
    for place, root in enumerate(roots):
        base = base_subject(_subject(root)).casefold()
        by_base.setdefault(base or f"\0{place}", []).append(root)
    joined = []
    for family in by_base.values():
        head = next((n for n in family if n.card and not n.card.is_reply), family[0])
        others = [node for node in family if node is not head]
        answers = tuple(sorted((*head.answers, *others), key=_age))
        joined.append(replace(head, answers=answers) if others else head)
    return tuple(sorted(joined, key=_age))


def _subject(root: Node) -> str:
    return next((node.card.subject for _, node in root.walk() if node.card), "")


def _ids(header: Header, name: str) -> tuple[str, ...]:
    found = header.get(name)
    text = words.decoded(found.value) if found else ""
    return tuple(match[0] for match in _ID.finditer(text))[:MAX_REFERENCES]


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
