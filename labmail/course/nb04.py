"""The exercises of notebook 04, *Which address counts?*

What counts is what happened: who has a copy, where a bounce or a reply lies, what stands in the
stored letters.  The answers of the quiz are not written down anywhere: each card is delivered, in
a world of its own, and what the servers did is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from labmail.course.exercises import Exercise, Goal, Scene, as_mapping
from labmail.course.notice import Table
from labmail.course.responder import Responder
from labmail.lab import Lab
from labmail.trace.events import Accepted, Delivered
from labmail.trace.snapshots import EnvelopeCard
from labmail.views.letterhead import addresses, fields
from labmail.world import AccountSpec, World, load_world

SON, LAN = "son@hanoi.example", "lan@hanoi.example"
MINH, HOA = "minh@saigon.example", "hoa@saigon.example"
FREMAN = "freman.alpha@arrakis.example"
BOUNCES, REPLIES = "bao-loi@hanoi.example", "hoi@hanoi.example"
NOBODY_HOME = "khong-co@saigon.example"
"""An address of Sài Gòn that nobody has."""


# --- what lies where ------------------------------------------------------------------------


def copies(lab: Lab) -> Iterator[tuple[str, EnvelopeCard]]:
    """Every stored letter of the world: whose INBOX it lies in, and its card."""
    for account in lab.world.accounts:
        for row in lab.box(account).rows:
            yield account, lab.box_card(account, row.uid)


def compare_copies(lab: Lab, hidden: str) -> Table:
    """All stored copies, and what each of them tells of an address that was to stay hidden."""
    rows = []
    for account, card in copies(lab):
        subject, to, cc, bcc = (_value(card, name) for name in ("Subject", "To", "Cc", "Bcc"))
        leak = told(card, hidden)
        if leak != "no" and account != hidden:  # what a copy tells its own owner is no leak
            leak = f"✘ {leak}"
        rows.append((subject, account.partition("@")[0], to, cc, bcc, leak))
    head = ("letter", "in the box of", "To", "Cc", "Bcc", f"tells of {hidden.partition('@')[0]}?")
    return Table("What each of them has in the box", head, sorted(rows), whole=(0,))


def told(card: EnvelopeCard, hidden: str) -> str:
    """Where a stored letter tells of an address, in words; "no" if it does not."""
    header = card.content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    unfolded = re.sub(r"\r\n[ \t]+", " ", header)
    where = dict.fromkeys(n.partition(":")[0] for n in unfolded.splitlines() if hidden in n)
    return f"yes, in {', '.join(where)}" if where else "no"


def _value(card: EnvelopeCard, name: str) -> str:
    return ", ".join(f.value for f in fields(card.content, (name,)))


# --- 4.1: three boxes, and a To that names none of them -----------------------------------------


def _widest(scene: Scene) -> tuple[int | None, set[str]]:
    """The letter that lies in most mailboxes, and whose they are."""
    boxes: dict[int, set[str]] = {}
    for event in scene.trace.of(Delivered):
        boxes.setdefault(event.parcel or 0, set()).add(event.account)
    return max(boxes.items(), key=lambda item: len(item[1]), default=(None, set()))


def _in_three_boxes(scene: Scene) -> str:
    _, boxes = _widest(scene)
    if len(boxes) >= 3:
        return ""
    if not boxes:
        return "Nothing lies in any mailbox yet."
    everybody = {e.account for e in scene.trace.of(Delivered)}
    if len(everybody) >= 3:
        return "Several letters reached three people. It was to be one letter, handed in once."
    return f"The letter lies in {len(boxes)} mailbox(es): {', '.join(sorted(boxes))}."


def _copy_of_widest(scene: Scene) -> EnvelopeCard | None:
    number, _ = _widest(scene)
    return next((card for _, card in copies(scene.lab) if card.parcel == number), None)


def _has_a_to(scene: Scene) -> str:
    card = _copy_of_widest(scene)
    if card is None:
        return "No letter has arrived yet."
    return "" if fields(card.content, ("To",)) else "The letter that arrived has no To: at all."


def _names_none(scene: Scene) -> str:
    card, (_, boxes) = _copy_of_widest(scene), _widest(scene)
    if card is None:
        return "No letter has arrived yet."
    for field in fields(card.content, ("To", "Cc", "Bcc")):
        for address in addresses([field.value]):
            if address in boxes:
                return f"{address} has a copy, and everybody can read that address in {field.name}."
    return ""


def address_three(lab: Lab) -> None:
    """The way of exercise 4.1."""
    son = lab.user("son@hanoi.example")
    letter = son.compose(to="ban-be@hanoi.example", subject="Cà phê?", text="Chiều nay, quán cũ.")
    with son.smtp() as server:
        server.send_message(
            letter,
            to_addrs=["minh@saigon.example", "hoa@saigon.example", "lan@hanoi.example"],
        )
    lab.settle()


# --- 4.2: a newsletter ----------------------------------------------------------------------


def newsroom() -> World:
    """The course's world with two mailboxes more: one for bounces, one for questions."""
    world = load_world("course")
    more = {
        BOUNCES: AccountSpec(BOUNCES, "Hộp báo lỗi", "bao-loi-1"),
        REPLIES: AccountSpec(REPLIES, "Hỏi và đáp", "hoi-dap-1"),
    }
    return replace(world, accounts={**world.accounts, **more})


def _newsletters(scene: Scene) -> list[Accepted]:
    return [e for e in scene.handed_in() if e.envelope.addresses != (SON,) and not _is_reply(e)]


def _is_reply(event: Accepted) -> bool:
    return event.envelope.reverse_path == MINH


def _readers_see_son(scene: Scene) -> str:
    sent = {e.parcel for e in _newsletters(scene)}
    if not sent:
        return "No newsletter has been handed in."
    arrived = {a: c for a, c in copies(scene.lab) if c.parcel in sent}
    for reader in (MINH, HOA):
        if reader not in arrived:
            return f"{reader} has no newsletter."
        author = addresses([f.value for f in fields(arrived[reader].content, ("From",))])
        if author != [SON]:
            return f"{reader} reads that it is From: {', '.join(author)}. It is Sơn who writes."
    return ""


def _bounce_is_kept_apart(scene: Scene) -> str:
    notified = [e for e in scene.trace.of(Accepted) if e.role == "notification"]
    if not notified:
        return f"No bounce has been written: was {NOBODY_HOME} among the recipients?"
    goals = {a for e in notified for a in e.envelope.addresses}
    if goals == {BOUNCES}:
        return ""
    where = ", ".join(sorted(goals - {BOUNCES}))
    if any(_wrote_return_path(scene, e) for e in _newsletters(scene)):
        return (
            f"The bounce went to {where}. You wrote a Return-Path into the letter, and the "
            "server took it off: it is the post that writes it. From what?"
        )
    return f"The bounce went to {where}. Which address do servers tell of trouble?"


def _wrote_return_path(scene: Scene, event: Accepted) -> bool:
    wire = scene.lab.card(event.parcel or 0, event.host)
    return bool(fields(wire.content, ("Return-Path",)))


def _reply_reaches_questions(scene: Scene) -> str:
    replies = {e.parcel for e in scene.handed_in() if _is_reply(e)}
    if not replies:
        return "Minh has not replied yet."
    boxes = {e.account for e in scene.trace.of(Delivered) if e.parcel in replies}
    if boxes == {REPLIES}:
        return ""
    if not boxes:
        return "Minh's reply has reached no mailbox."
    return f"Minh's reply lies with {', '.join(sorted(boxes))}. What does a mail program look at?"


def send_newsletter(lab: Lab) -> None:
    """The way of exercise 4.2."""
    son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
    letter = son.compose(
        to="ban-doc@hanoi.example",
        subject="Bản tin tháng Ba",
        text="Hoa ban đã nở.",
        reply_to="hoi@hanoi.example",  # people who answer
    )
    readers = ["minh@saigon.example", "hoa@saigon.example", "khong-co@saigon.example"]
    with son.smtp() as server:
        server.send_message(letter, "bao-loi@hanoi.example", readers)  # servers that complain
    lab.settle()
    minh.reply(minh.read(1), "Đẹp quá!")
    lab.settle()


def _newsletter_stage(lab: Lab) -> None:
    """The exercise begins in a world with two mailboxes more."""
    lab.world = newsroom()
    lab.reset()


# --- 4.3: find the leak ---------------------------------------------------------------------


def _everybody_has_it(scene: Scene) -> str:
    there = {e.account for e in scene.trace.of(Delivered)}
    missing = [who for who in (MINH, LAN, HOA) if who not in there]
    return f"No letter has reached {', '.join(missing)}." if missing else ""


def _others_know_nothing(scene: Scene) -> str:
    seen = False
    for account, card in copies(scene.lab):
        if account in (MINH, LAN):
            seen = True
            if (words := told(card, HOA)) != "no":
                field = words.partition("in ")[2]
                return f"{account} can read Hoa's address in the letter, in {field}."
    return "" if seen else "Neither Minh nor Lan has a letter yet."


def _no_bcc_left(scene: Scene) -> str:
    found = [(account, card) for account, card in copies(scene.lab)]
    if not found:
        return "No letter has arrived yet."
    for account, card in found:
        if fields(card.content, ("Bcc",)):
            return f"The copy of {account} still has a Bcc field, as it was written."
    return ""


def _minh_and_lan_see_each_other(scene: Scene) -> str:
    for account, card in copies(scene.lab):
        if account in (MINH, LAN):
            named = addresses([f.value for f in fields(card.content, ("To", "Cc"))])
            if not {MINH, LAN} <= set(named):
                return f"{account} no longer reads that Minh and Lan both have the letter."
    return _everybody_has_it(scene)


def mend_the_script(lab: Lab) -> None:
    """The way of exercise 4.3."""
    son = lab.user("son@hanoi.example")
    letter = son.compose(
        to="minh@saigon.example",
        cc=["lan@hanoi.example"],
        bcc=["hoa@saigon.example"],
        subject="Lương tháng Ba",
        text="Xin xem kỹ.",
    )
    with son.smtp() as server:
        server.send_message(letter)  # takes the addresses out of Bcc, and the field off
    lab.settle()


# --- 4.4: eight cards -----------------------------------------------------------------------

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


def deck() -> Table:
    """The eight cards, each with its question."""
    rows = []
    for number, card in DECK.items():
        outside = [f"MAIL FROM:<{card.reverse_path}>", *(f"RCPT TO:<{r}>" for r in card.recipients)]
        inside = [f"{name}: {value}" for name, value in card.fields]
        outside, inside = ([w.replace(" ", "\u00a0") for w in side] for side in (outside, inside))
        rows.append((str(number), " ".join(outside), " ".join(inside), card.question))
    head = ("", "on the envelope", "in the letter", "question")
    note = f"Sơn's program hands all of them in on port 587. {NOBODY_HOME} does not exist."
    return Table("Eight cards", head, rows, note=note, right=(0,), limits=(0, 40, 44, 22))


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


_NOBODY = {"nobody", "no one", "none", "không ai", "<>", "-"}


def _answers(scene: Scene) -> dict[int, frozenset[str]]:
    """What was answered, as sets of addresses; "nobody" is the empty set."""
    found = {}
    for number, said in as_mapping(scene.answer).items():
        words = " ".join(map(str, said)) if isinstance(said, (list, tuple, set)) else str(said)
        text = words.strip().lower()
        if text and str(number).strip().isdecimal():
            parts = () if text in _NOBODY else re.split(r"[\s,;]+", text)
            found[int(number)] = frozenset(map(_address, filter(None, parts)))
    return found


def _address(word: str) -> str:
    """An address from what was written: ``lan``, ``<lan@hanoi.example>``."""
    word = word.strip("<>")
    known = (SON, LAN, MINH, HOA, FREMAN)
    return next((a for a in known if word in (a, a.partition("@")[0])), word)


def _all_answered(scene: Scene) -> str:
    given = _answers(scene)
    if not given:
        return 'Nothing is answered yet: an address, several, or "nobody" between the quotes.'
    missing = [str(n) for n in DECK if n not in given]
    return f"Still open: {', '.join(missing)}." if missing else ""


def _right(question: Question, scene: Scene) -> str:
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


def answer_the_quiz(lab: Lab) -> dict[int, str]:
    """The way of exercise 4.4."""
    return {
        1: "minh",  # RCPT TO
        2: "lan, hoa",  # both lines of the envelope, whatever To: says
        3: "son",  # no Reply-To, so From
        4: "lan",  # Reply-To
        5: "lan",  # MAIL FROM
        6: "nobody",  # MAIL FROM:<>
        7: "hoa",  # Return-Path, which was MAIL FROM
        8: "nobody",  # it came through a list
    }


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        key="4.1",
        title="Three boxes, and a To: that names none of them",
        minutes=6,
        goals=(
            Goal("one letter lies in three mailboxes", _in_three_boxes),
            Goal("it has a To:", _has_a_to),
            Goal("its header names none of the three", _names_none),
        ),
        hints=(
            "Who decides where a letter goes: what is said before the letter, or what is in it?",
            "send_message takes the recipients from the header, unless you give it others.",
            "server.send_message(letter, to_addrs=[…]) says one RCPT TO for each address.",
        ),
        solve=address_three,
        done="To: is writing on the sheet. The envelope alone decides who gets the letter.",
    ),
    Exercise(
        key="4.2",
        title="A newsletter: bounces here, replies there",
        minutes=12,
        goals=(
            Goal(
                "Minh and Hoa have the newsletter, and read that it is from Sơn", _readers_see_son
            ),
            Goal("the bounce went to bao-loi and nowhere else", _bounce_is_kept_apart),
            Goal("Minh's reply lies with hoi and nowhere else", _reply_reaches_questions),
        ),
        hints=(
            "Three addresses, three readers: people read From, their programs Reply-To. Servers?",
            "compose(…, reply_to=…) writes a Reply-To. The second argument of send_message is what "
            "goes into MAIL FROM.",
            'server.send_message(letter, "bao-loi@hanoi.example", readers), and leave From alone.',
        ),
        solve=send_newsletter,
        done="That is how every list and newsletter is sent: From for people, Reply-To for their "
        "answers, MAIL FROM for machines.",
        stage=_newsletter_stage,
    ),
    Exercise(
        key="4.3",
        title="Find the leak",
        minutes=8,
        goals=(
            Goal("Minh, Lan and Hoa all have the letter", _everybody_has_it),
            Goal("Minh and Lan read that both of them have it", _minh_and_lan_see_each_other),
            Goal("no copy of theirs tells of Hoa", _others_know_nothing),
            Goal("no copy has a Bcc field", _no_bcc_left),
        ),
        hints=(
            'Look into a mailbox: compare_copies(lab, "hoa@saigon.example").',
            "sendmail sends the text that it is given, every line of it. Who could take one off?",
            'Either take the field off yourself (del letter["Bcc"]) after you have read the '
            "addresses, or let send_message do both.",
        ),
        solve=mend_the_script,
        done="Bcc is a note to the program that sends. No server on the way takes it off.",
    ),
    Exercise(
        key="4.4",
        title="Eight cards",
        minutes=10,
        goals=(
            Goal("each card has an answer", _all_answered),
            Goal("who gets it: cards 1 and 2", lambda scene: _right(_GETS, scene)),
            Goal("where a reply goes: cards 3 and 4", lambda scene: _right(_REPLY, scene)),
            Goal("where a bounce goes: cards 5 and 6", lambda scene: _right(_BOUNCE, scene)),
            Goal("whom a program answers: cards 7 and 8", lambda scene: _right(_AUTO, scene)),
        ),
        hints=(
            "For each card ask first who acts: a server, a person's mail program, or a robot?",
            "Servers look at the envelope, people's programs at Reply-To and From, robots at the "
            "Return-Path, which is MAIL FROM written down.",
            'Two of the eight answers are "nobody": where nobody is to be told, and where a robot '
            "must keep silent.",
        ),
        solve=answer_the_quiz,
        done="An envelope, a sheet, and who looks at which: much trouble in mail is one of these.",
    ),
)
