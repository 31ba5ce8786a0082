"""The quiz of notebook 04: eight envelope cards, each with a question.

The answers are not written down anywhere: each card is delivered, in a world of its own, and what
the servers did is the answer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from labmail.course.exercises import Scene, as_mapping
from labmail.course.notice import Table
from labmail.course.responder import Responder
from labmail.lab import Lab
from labmail.trace.events import Delivered
from labmail.views.letterhead import addresses
from labmail.views.view import Picture
from labmail.world import load_world

if TYPE_CHECKING:
    from labmail.views.paper import Paper

SON, LAN = "son@hanoi.example", "lan@hanoi.example"
MINH, HOA = "minh@saigon.example", "hoa@saigon.example"
FREMAN = "freman.alpha@arrakis.example"
NOBODY_HOME = "khong-co@saigon.example"
"""An address of Sài Gòn that nobody has."""

Question = Literal[
    "Who gets it?",
    "Where does Minh's reply go?",
    "Where does the bounce go?",
    "Whom does Minh's responder answer?",
]


@dataclass(frozen=True, slots=True)
class QuizCard:
    """An envelope card with a question; the lab knows the answer when it has delivered it."""

    question: Question
    reverse_path: str
    recipients: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]

    @property
    def envelope(self) -> list[tuple[str, str]]:
        """What is said before the letter."""
        to = [("RCPT TO", f"<{address}>") for address in self.recipients]
        return [("MAIL FROM", f"<{self.reverse_path}>"), *to]

    @property
    def content(self) -> bytes:
        header = "".join(f"{name}: {value}\r\n" for name, value in self.fields)
        return f"{header}Subject: Quiz\r\n\r\nAi nhận?\r\n".encode()

    def named(self, *names: str) -> set[str]:
        """The addresses in these fields of the letter."""
        return set(addresses([value for name, value in self.fields if name in names]))


_GETS: Question = "Who gets it?"
_REPLY: Question = "Where does Minh's reply go?"
_BOUNCE: Question = "Where does the bounce go?"
_AUTO: Question = "Whom does Minh's responder answer?"

DECK: dict[int, QuizCard] = {
    1: QuizCard(_GETS, SON, (MINH,), (("From", SON), ("To", LAN))),
    2: QuizCard(_GETS, SON, (LAN, HOA), (("From", SON), ("To", MINH), ("Cc", LAN))),
    3: QuizCard(_REPLY, FREMAN, (MINH,), (("From", SON), ("To", MINH))),
    4: QuizCard(_REPLY, SON, (MINH,), (("From", SON), ("Reply-To", LAN), ("To", MINH))),
    5: QuizCard(
        _BOUNCE, LAN, (NOBODY_HOME,), (("From", SON), ("Reply-To", HOA), ("To", NOBODY_HOME))
    ),
    6: QuizCard(
        _BOUNCE, "", (NOBODY_HOME,), (("Return-Path", f"<{LAN}>"), ("From", SON), ("To", MINH))
    ),
    7: QuizCard(_AUTO, HOA, (MINH,), (("From", SON), ("Reply-To", LAN), ("To", MINH))),
    8: QuizCard(
        _AUTO,
        SON,
        (MINH,),
        (
            ("From", SON),
            ("To", MINH),
            ("List-Id", "<hoi.lists.example>"),
            ("List-Post", "<mailto:hoi@lists.example>"),
        ),
    ),
}


class Deck(Picture):
    """The cards, each with its question."""

    title = "Eight cards"
    note = f"Sơn's program hands all of them in on port 587. {NOBODY_HOME} does not exist."

    def text(self) -> str:
        rows = []
        for number, card in DECK.items():
            outside = [f"{name}:{value}" for name, value in card.envelope]
            inside = [f"{name}: {value}" for name, value in card.fields]
            sides = [" ".join(w.replace(" ", "\u00a0") for w in side) for side in (outside, inside)]
            rows.append((str(number), *sides, card.question))
        head = ("", "on the envelope", "in the letter", "question")
        limits = (0, 40, 44, 22)
        return Table(self.title, head, rows, note=self.note, right=(0,), limits=limits).text()

    def alt(self) -> str:
        told = (f"{number}. {card.question}" for number, card in DECK.items())
        return f"{self.title}, each an envelope beside a letter. {' '.join(told)} {self.note}"

    def draw(self) -> Paper:
        from labmail.course.quiz_draw import drawn_deck

        return drawn_deck(self)


def deck() -> Deck:
    """The eight cards, each with its question."""
    return Deck()


@cache
def dealt(number: int) -> frozenset[str]:
    """What happens to a card: it is delivered, in a world of its own, and its question asked."""
    card = DECK[number]
    with Lab(beside=True) as lab:
        son, minh = lab.user(SON), lab.user(MINH)
        with son.smtp() as server:
            server.sendmail(card.reverse_path, card.recipients, card.content)
        lab.settle()
        if card.question == _REPLY:
            minh.reply(minh.read(1), "Cảm ơn.")
        elif card.question == _AUTO:
            Responder(minh, "Tôi đi vắng.", lab.now).run()
        lab.settle()
        first = card.question == _GETS
        delivered = lab.trace.of(Delivered)
        return frozenset(e.account for e in delivered if (e.parcel == 1) is first)


# --- what was answered ----------------------------------------------------------------------

_NOBODY = {"nobody", "no one", "none", "khong ai", "<>", "-"}
_BETWEEN = re.compile(r"[\s,;&]+(?:(?:and|va)\s+)?")


def plain(text: str) -> str:
    """Small letters without their marks: ``Sơn`` → ``son``, ``Đ`` → ``d``."""
    apart = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _answers(scene: Scene) -> dict[int, frozenset[str]]:
    """What was answered, as sets of addresses; "nobody" is the empty set."""
    found = {}
    for number, said in as_mapping(scene.answer).items():
        words = ", ".join(map(str, said)) if isinstance(said, (list, tuple, set)) else str(said)
        text = plain(words).strip(" .")
        if text and str(number).strip().isdecimal():
            parts = () if text in _NOBODY else _BETWEEN.split(text)
            found[int(number)] = frozenset(map(_address, filter(None, parts)))
    return found


@cache
def _known() -> dict[str, str]:
    """Whatever may stand for an address: all of it, what is before the @, its first name."""
    values = [value.replace("mailto:", "") for card in DECK.values() for _, value in card.fields]
    found: dict[str, str] = {}
    on_cards = [address for address in addresses(values) if "@" in address]
    for address in (*load_world("course").accounts, *on_cards):
        box = address.partition("@")[0]
        for word in (address, box, box.partition(".")[0]):
            found.setdefault(word, address)
    return found


def _address(word: str) -> str:
    """An address from what was written: ``lan``, ``<lan@hanoi.example>``; as it is if unknown."""
    word = word.strip("<>.\"'")
    return _known().get(word, word)


def all_answered(scene: Scene) -> str:
    given = _answers(scene)
    if not given:
        return 'Nothing is answered yet: an address, several, or "nobody" between the quotes.'
    missing = [str(n) for n in DECK if n not in given]
    return _strange(given) or (f"Still open: {', '.join(missing)}." if missing else "")


def _strange(given: dict[int, frozenset[str]]) -> str:
    """The first word that stands for nobody here."""
    known = set(_known().values())
    for number in sorted(given):
        for word in sorted(given[number] - known):
            return (
                f"Card {number}: {word!r} is no address of this world. Write one as it stands on "
                'the cards, or what is before its @; several with commas; or "nobody".'
            )
    return ""


def right(question: Question, scene: Scene) -> str:
    given = _answers(scene)
    for number, card in DECK.items():
        if card.question != question:
            continue
        if number not in given:
            return f"Card {number} is open."
        if given[number] != dealt(number):
            return f"Card {number} was delivered, and it went otherwise. {_advice(number, given)}"
    return ""


def _advice(number: int, given: dict[int, frozenset[str]]) -> str:
    card, answer = DECK[number], given[number]
    match card.question:
        case "Who gets it?":
            if answer & card.named("To", "Cc") - set(card.recipients):
                return "You read the sheet. Which side of the card do servers obey?"
            return "Look at the envelope, at all of its lines."
        case "Where does Minh's reply go?":
            if card.named("Reply-To") and answer <= card.named("From"):
                return "Does the author say where replies are wanted?"
            return "Minh's program looks at what he reads. Is there an envelope in his mailbox?"
        case "Where does the bounce go?":
            if answer and answer <= card.named("Return-Path"):
                return "A Return-Path that the sender writes is taken off. What says the envelope?"
            return "A bounce comes from a server. Which side of the card does it know?"
        case _:
            if not card.named("List-Id") and answer & card.named("From", "Reply-To"):
                return "That is where a person's reply goes. A program looks elsewhere."
            return "May a program answer here at all? See what kind of letter it is."
