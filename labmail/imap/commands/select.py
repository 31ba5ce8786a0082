"""Commands of the selected state: messages (RFC 3501 §6.4).

FETCH, STORE, COPY and SEARCH exist twice: plain they count messages by sequence number,
after ``UID`` by UID (§6.4.8).  It is the same handler, with `by_uid`.

Another session may have expunged a message that this one still counts.  Such a message
cannot be fetched or changed; the others are, and then the answer is NO with the code
EXPUNGEISSUED (RFC 5530 §3).
"""

from __future__ import annotations

from functools import partial

from labmail.imap.commands.auth import existing
from labmail.imap.commands.handler import Handler
from labmail.imap.fetch import Item, plain, read_items
from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.opened import Opened
from labmail.imap.response import Answer, Piece, Refusal
from labmail.imap.search import Reader, run
from labmail.imap.selected import Selected
from labmail.imap.session import Session
from labmail.mailbox.errors import NoSuchMessage
from labmail.mailbox.model import Message

SEEN, DELETED = "\\Seen", "\\Deleted"


def check(session: Session, dec: Decoder) -> Answer:
    """CHECK: a checkpoint; here every change is kept at once (§6.4.1)."""
    dec.expect_end()
    return Answer("OK", "Everything is kept")


def close(session: Session, dec: Decoder) -> Answer:
    """CLOSE: expunge without a word, and leave the mailbox (§6.4.2)."""
    dec.expect_end()
    selected = session.the_mailbox()
    if not selected.read_only:
        _expunge(selected, "CLOSE")
    session.leave_mailbox()
    return Answer("OK", "The mailbox is closed")


def expunge(session: Session, dec: Decoder) -> Answer:
    """EXPUNGE: remove for ever what is marked \\Deleted (§6.4.3)."""
    dec.expect_end()
    _expunge(session.writable(), "EXPUNGE")
    return Answer("OK", "What was marked \\Deleted is gone")


def _expunge(selected: Selected, how: str) -> None:
    """The untagged EXPUNGEs are said when the command ends, like those of others."""
    deleted = [m.uid for m in selected.mailbox.messages() if DELETED in m.flags]
    selected.mailbox.expunge(deleted, how=how, by=selected)


# --- SEARCH ------------------------------------------------------------------------------


def search(session: Session, dec: Decoder, by_uid: bool = False) -> Answer:
    """SEARCH [CHARSET charset] keys: which messages match? (§6.4.4)"""
    selected = session.the_mailbox()
    program = Reader(dec, selected).program()
    found = run(program, selected)
    numbers = [one.message.uid if by_uid else one.number for one in found]
    session.untagged(b"SEARCH" + b"".join(b" %d" % number for number in numbers))
    return Answer("OK", f"{len(numbers)} found")


# --- FETCH -------------------------------------------------------------------------------


def fetch(session: Session, dec: Decoder, by_uid: bool = False) -> Answer:
    """FETCH messages items (§6.4.5)"""
    dec.expect_sp()
    messages = dec.expect_sequence_set()
    dec.expect_sp()
    items = read_items(dec)
    dec.expect_end()
    if by_uid and all(item.label != b"UID" for item in items):
        items = [plain("UID"), *items]  # the answer to UID FETCH always has it: §6.4.8
    selected = session.the_mailbox()
    missing = False
    for uid in selected.choose(messages, by_uid):
        try:
            _fetch_one(session, selected, uid, items)
        except NoSuchMessage:
            missing = True
        if session.room < 0:
            raise Refusal("That is too much at once: fetch fewer messages", "LIMIT")
    return _unless(missing, "Fetched")


def _fetch_one(session: Session, selected: Selected, uid: int, items: list[Item]) -> None:
    """Answer for one message.  Raises `NoSuchMessage`."""
    opened = Opened(selected, selected.mailbox.message(uid))
    if any(item.sees for item in items) and _see(opened):
        items = [item for item in items if item.label != b"FLAGS"] + [plain("FLAGS")]
    answers = [(item.label, item.answer(opened)) for item in items]
    session.untagged(b"%d FETCH " % opened.number, *_fetched_pieces(answers))
    asked = [item.asked for item in items if item.asked]
    if asked:
        selected.mailbox.fetched(uid, "IMAP " + " ".join(asked))


def _see(opened: Opened) -> bool:
    """Mark a message \\Seen because its content is handed out (§6.4.5); was that new?"""
    selected, message = opened.selected, opened.message
    if selected.read_only or SEEN in message.flags:
        return False
    assert opened.content is not None  # only what can be read has been seen
    flags = message.flags | {SEEN}
    opened.message = selected.mailbox.set_flags(message.uid, flags, by=selected)
    return True


def _fetched_pieces(answers: list[tuple[bytes, Piece]]) -> list[Piece]:
    """``(FLAGS (\\Seen) BODY[] {310} …)``"""
    pieces: list[Piece] = []
    for label, answer in answers:
        pieces += [b" " if pieces else b"(", label, b" ", answer]
    return [*pieces, b")"]


# --- STORE -------------------------------------------------------------------------------


def store(session: Session, dec: Decoder, by_uid: bool = False) -> Answer:
    """STORE messages [+-]FLAGS[.SILENT] flags (§6.4.6)"""
    dec.expect_sp()
    messages = dec.expect_sequence_set()
    dec.expect_sp()
    sign = next((mark for mark in ("+", "-") if dec.special(mark.encode("ascii"))), "")
    word = dec.expect_word("FLAGS, +FLAGS or -FLAGS")
    if word not in ("FLAGS", "FLAGS.SILENT"):
        raise NotGrammar("STORE changes FLAGS, +FLAGS or -FLAGS, each also with .SILENT")
    dec.expect_sp()
    flags = _read_flags(dec)
    dec.expect_end()
    selected = session.writable()
    missing = False
    for uid in selected.choose(messages, by_uid):
        message = selected.message(uid)
        if message is None:
            missing = True
            continue
        changed = selected.mailbox.set_flags(uid, _combined(message, sign, flags), by=selected)
        if word == "FLAGS":
            said = (b"UID %d " % uid if by_uid else b"") + selected.flags(changed)
            session.untagged(b"%d FETCH (%s)" % (selected.number_of(uid), said))
    return _unless(missing, "Stored")


def _read_flags(dec: Decoder) -> frozenset[str]:
    """flag-list / (flag *(SP flag))"""
    listed = dec.flag_list()
    if listed is not None:
        return listed
    flags = {dec.expect_flag()}
    while dec.sp():
        flags.add(dec.expect_flag())
    return frozenset(flags)


def _combined(message: Message, sign: str, flags: frozenset[str]) -> frozenset[str]:
    """The message's flags after the change.  Keywords are the same in any case (§2.3.2)."""
    if sign == "+":
        return message.flags | flags
    if sign == "-":
        taken = {flag.casefold() for flag in flags}
        return frozenset(flag for flag in message.flags if flag.casefold() not in taken)
    return flags


# --- COPY --------------------------------------------------------------------------------


def copy(session: Session, dec: Decoder, by_uid: bool = False) -> Answer:
    """COPY messages mailbox: all of them or none (§6.4.7)."""
    dec.expect_sp()
    messages = dec.expect_sequence_set()
    dec.expect_sp()
    name = dec.expect_mailbox()
    dec.expect_end()
    selected = session.the_mailbox()
    uids = selected.choose(messages, by_uid)
    target = existing(session, name)
    if not all(selected.message(uid) for uid in uids):
        return _unless(True, "")
    selected.mailbox.copy(uids, target, by=selected)
    return Answer("OK", "Copied")


def _unless(missing: bool, text: str) -> Answer:
    """OK, unless some of the messages are gone."""
    if not missing:
        return Answer("OK", text)
    return Answer("NO", "Some of these messages have been expunged", "EXPUNGEISSUED")


COMMANDS: dict[str, Handler] = {
    "CHECK": check,
    "CLOSE": close,
    "EXPUNGE": expunge,
    "SEARCH": search,
    "FETCH": fetch,
    "STORE": store,
    "COPY": copy,
    "UID SEARCH": partial(search, by_uid=True),
    "UID FETCH": partial(fetch, by_uid=True),
    "UID STORE": partial(store, by_uid=True),
    "UID COPY": partial(copy, by_uid=True),
}
