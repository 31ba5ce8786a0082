"""Commands of the authenticated state: mailboxes as a whole (RFC 3501 §6.3)."""

from __future__ import annotations

from collections.abc import Callable

from labmail.imap.commands.handler import Handler
from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.listing import ROOT, Listed, listed, subscribed
from labmail.imap.response import Answer, Refusal, mailbox, parenthesised
from labmail.imap.selected import Selected
from labmail.imap.session import Session
from labmail.mailbox.account import Account
from labmail.mailbox.errors import NoSuchMailbox
from labmail.mailbox.mailbox import Mailbox
from labmail.mailbox.names import SEPARATOR

YEARS = range(1971, 3000)
"""Internal dates that APPEND may give: what the clocks of all file systems can keep."""


def select(session: Session, dec: Decoder) -> Answer:
    """SELECT mailbox: open it for reading and writing (§6.3.1)."""
    return _open(session, dec, read_only=False)


def examine(session: Session, dec: Decoder) -> Answer:
    """EXAMINE mailbox: open it, and change nothing (§6.3.2)."""
    return _open(session, dec, read_only=True)


def _open(session: Session, dec: Decoder, read_only: bool) -> Answer:
    name = _only_mailbox(dec)
    session.leave_mailbox()  # whether or not this one can be opened: §6.3.1
    selected = Selected(session.the_account().open(name), read_only)
    session.selected = selected
    _describe(session, selected)
    if read_only:
        return Answer("OK", "The mailbox is open, read-only", "READ-ONLY")
    return Answer("OK", "The mailbox is open", "READ-WRITE")


def _describe(session: Session, selected: Selected) -> None:
    """What a client must know before it can use numbers: §6.3.1, §7.1, §7.3."""
    box = selected.mailbox
    session.untagged(b"FLAGS " + selected.known_flags())
    session.untagged(b"%d EXISTS" % len(selected.uids))
    session.untagged(b"%d RECENT" % len(selected.recent))
    unseen = _first_unseen(box)
    if unseen is not None:
        number = selected.number_of(unseen)
        session.untagged(b"OK [UNSEEN %d] The first message not seen" % number)
    keepable = b"()" if selected.read_only else selected.known_flags()[:-1] + b" \\*)"
    session.untagged(b"OK [PERMANENTFLAGS " + keepable + b"] Flags that are kept")
    session.untagged(b"OK [UIDNEXT %d] The next message's UID, or less" % box.uidnext)
    session.untagged(b"OK [UIDVALIDITY %d] UIDs hold while this does" % box.uidvalidity)


def _first_unseen(box: Mailbox) -> int | None:
    return next((m.uid for m in box.messages() if "\\Seen" not in m.flags), None)


def create(session: Session, dec: Decoder) -> Answer:
    """CREATE mailbox; a separator at its end only says that more will come below (§6.3.3)."""
    name = _only_mailbox(dec)
    session.the_account().create(name.removesuffix(SEPARATOR))
    return Answer("OK", "The mailbox was created")


def delete(session: Session, dec: Decoder) -> Answer:
    """DELETE mailbox, with all that is in it (§6.3.4)."""
    session.the_account().delete(_only_mailbox(dec))
    return Answer("OK", "The mailbox was deleted")


def rename(session: Session, dec: Decoder) -> Answer:
    """RENAME old new; INBOX stays, and its messages go (§6.3.5)."""
    dec.expect_sp()
    old = dec.expect_mailbox()
    new = _only_mailbox(dec)
    session.the_account().rename(old, new)
    return Answer("OK", "The mailbox was renamed")


def subscribe(session: Session, dec: Decoder) -> Answer:
    """SUBSCRIBE mailbox: show it in LSUB (§6.3.6)."""
    session.the_account().subscribe(_only_mailbox(dec), True)
    return Answer("OK", "Subscribed")


def unsubscribe(session: Session, dec: Decoder) -> Answer:
    """UNSUBSCRIBE mailbox: show it in LSUB no more (§6.3.7)."""
    session.the_account().subscribe(_only_mailbox(dec), False)
    return Answer("OK", "Unsubscribed")


def list_(session: Session, dec: Decoder) -> Answer:
    """LIST reference pattern (§6.3.8)"""
    return _list(session, dec, listed)


def lsub(session: Session, dec: Decoder) -> Answer:
    """LSUB reference pattern (§6.3.9)"""
    return _list(session, dec, subscribed)


def _list(session: Session, dec: Decoder, find: Callable[[Account, str], list[Listed]]) -> Answer:
    dec.expect_sp()
    reference = dec.expect_mailbox()
    dec.expect_sp()
    pattern = dec.expect_list_mailbox()
    dec.expect_end()
    for line in find(session.the_account(), reference + pattern) if pattern else [ROOT]:
        session.untagged(line.line(session.verb))
    return Answer("OK", "That is all")


def status(session: Session, dec: Decoder) -> Answer:
    """STATUS mailbox (items): look at a mailbox without opening it (§6.3.10)."""
    dec.expect_sp()
    name = dec.expect_mailbox()
    dec.expect_sp()
    words = dec.expect_in_parentheses(lambda: dec.expect_word("a status item"))
    dec.expect_end()
    unknown = [word for word in words if word not in STATUS_ITEMS]
    if unknown:
        raise NotGrammar(f"there is no status item {unknown[0][:40]}")
    box = session.the_account().open(name)
    items = [b"%s %d" % (w.encode("ascii"), STATUS_ITEMS[w](box)) for w in dict.fromkeys(words)]
    session.untagged(b"STATUS ", mailbox(name), b" ", parenthesised(items))
    return Answer("OK", "That is its status")


STATUS_ITEMS: dict[str, Callable[[Mailbox], int]] = {
    "MESSAGES": lambda box: len(box.messages()),
    "RECENT": lambda box: len(box.recent()),
    "UIDNEXT": lambda box: box.uidnext,
    "UIDVALIDITY": lambda box: box.uidvalidity,
    "UNSEEN": lambda box: sum("\\Seen" not in message.flags for message in box.messages()),
}
"""What STATUS can tell; an extension adds a row."""


def append(session: Session, dec: Decoder) -> Answer:
    """APPEND mailbox [flags] [date-time] literal: put a message there (§6.3.11)."""
    dec.expect_sp()
    name = dec.expect_mailbox()
    dec.expect_sp()
    flags = dec.flag_list()
    if flags is not None:
        dec.expect_sp()
    internal_date = dec.date_time()
    if internal_date is not None:
        dec.expect_sp()
    content, begin = dec.expect_literal()
    dec.expect_end()
    session.carried(begin, len(content))
    target = existing(session, name)
    if internal_date is not None and internal_date.year not in YEARS:
        years = f"{YEARS.start} to {YEARS.stop - 1}"
        raise Refusal(f"The date of a message lies in the years {years}", "CANNOT")
    if not content or b"\0" in content:  # CHAR8 has no NUL: RFC 3501 §9
        raise Refusal("A message is not empty and has no NUL in it", "CANNOT")
    target.append(content, flags or frozenset(), internal_date or session.now(), by=session)
    return Answer("OK", "The message was stored")


def existing(session: Session, name: str) -> Mailbox:
    """A mailbox that messages are to go to.  Raises `Refusal`, with the hint that CREATE
    would help (§6.3.11, §6.4.7)."""
    try:
        return session.the_account().open(name)
    except NoSuchMailbox as error:
        raise Refusal("There is no such mailbox: create it first", "TRYCREATE") from error


def _only_mailbox(dec: Decoder) -> str:
    """SP mailbox, and nothing more."""
    dec.expect_sp()
    name = dec.expect_mailbox()
    dec.expect_end()
    return name


COMMANDS: dict[str, Handler] = {
    "SELECT": select,
    "EXAMINE": examine,
    "CREATE": create,
    "DELETE": delete,
    "RENAME": rename,
    "SUBSCRIBE": subscribe,
    "UNSUBSCRIBE": unsubscribe,
    "LIST": list_,
    "LSUB": lsub,
    "STATUS": status,
    "APPEND": append,
}
