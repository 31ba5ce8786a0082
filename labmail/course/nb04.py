"""The exercises of notebook 04, *Which address counts?*

What counts is what happened: who has a copy, where a bounce or a reply lies, what stands in the
stored letters.  The quiz of 4.4 is in `quiz`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from labmail.course.exercises import Exercise, Goal, Scene
from labmail.course.notice import Table
from labmail.course.quiz import HOA, LAN, MINH, NOBODY_HOME, SON, all_answered, right
from labmail.lab import Lab
from labmail.trace.events import Accepted, Bounced, Delivered, RecipientRefused
from labmail.trace.snapshots import EnvelopeCard
from labmail.views.letterhead import addresses, fields
from labmail.world import AccountSpec, LaptopSpec, World, load_world

BOUNCES, REPLIES = "bao-loi@hanoi.example", "hoi@hanoi.example"


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


# --- 4.1: three boxes, and a header that names none of them --------------------------------------


def _widest(scene: Scene) -> tuple[int | None, set[str]]:
    """The letter handed in that lies in most mailboxes, and whose they are."""
    boxes: dict[int, set[str]] = {e.parcel or 0: set() for e in _handed_in(scene)}
    for event in scene.trace.of(Delivered):
        if event.parcel in boxes:
            boxes[event.parcel].add(event.account)
    return max(boxes.items(), key=lambda item: len(item[1]), default=(None, set()))


def _handed_in(scene: Scene) -> list[Accepted]:
    """What people sent, by either door: a bounce is a letter that a server wrote."""
    came = scene.trace.of(Accepted)
    first = {e.parcel: e for e in reversed(came) if e.connection is not None}
    return [e for e in came if first.get(e.parcel) is e]


def _in_three_boxes(scene: Scene) -> str:
    _, boxes = _widest(scene)
    if len(boxes) >= 3:
        return ""
    if not boxes:
        return f"Nothing lies in any mailbox yet. {_refused(scene)}".strip()
    sent = {e.parcel for e in _handed_in(scene)}
    everybody = {e.account for e in scene.trace.of(Delivered) if e.parcel in sent}
    if len(everybody) >= 3:
        return "Several letters reached three people. It was to be one letter, handed in once."
    where = f"The letter lies in {len(boxes)} mailbox(es): {', '.join(sorted(boxes))}."
    return f"{where} {_refused(scene)}".strip()


def _refused(scene: Scene) -> str:
    """Which recipients nobody has, said at the door or in a bounce."""
    at_the_door = {e.recipient for e in scene.trace.of(RecipientRefused)}
    who = sorted(at_the_door | {e.recipient for e in scene.trace.of(Bounced)})
    return f"Refused: {', '.join(who)}. Choose people who have a mailbox here." if who else ""


def _copy_of_widest(scene: Scene) -> EnvelopeCard | None:
    number, _ = _widest(scene)
    return next((card for _, card in copies(scene.lab) if card.parcel == number), None)


def _has_a_to(scene: Scene) -> str:
    card = _copy_of_widest(scene)
    if card is None:
        return "No letter has arrived yet."
    return "" if fields(card.content, ("To",)) else "The letter that arrived has no To: at all."


_PEOPLE = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")
"""The fields in which a writer names people (RFC 5322 §3.6.2, §3.6.3)."""


def _names_none(scene: Scene) -> str:
    card, (_, boxes) = _copy_of_widest(scene), _widest(scene)
    if card is None:
        return "No letter has arrived yet."
    for field in fields(card.content, _PEOPLE):
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


# --- the villain's machine ------------------------------------------------------------------


def with_villain() -> World:
    """The course's world with one laptop more: the villain's, so that nobody else's is named."""
    world = load_world("course")
    owner = "spam@spam.example"
    laptop = LaptopSpec("spam-laptop.spam.example", "203.0.113.67", owner)
    return replace(world, laptops={**world.laptops, laptop.name: laptop})


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
            Goal("no From, To, Cc or the like in it names one of the three", _names_none),
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
        done="Bcc is a note to the program that sends. Whether a server takes it off is that "
        "server's affair: rely on the program.",
    ),
    Exercise(
        key="4.4",
        title="Eight cards",
        minutes=10,
        goals=(
            Goal("each card has an answer", all_answered),
            Goal("who gets it: cards 1 and 2", lambda scene: right("Who gets it?", scene)),
            Goal(
                "where a reply goes: cards 3 and 4",
                lambda scene: right("Where does Minh's reply go?", scene),
            ),
            Goal(
                "where a bounce goes: cards 5 and 6",
                lambda scene: right("Where does the bounce go?", scene),
            ),
            Goal(
                "whom a program answers: cards 7 and 8",
                lambda scene: right("Whom does Minh's responder answer?", scene),
            ),
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
