"""A person of the world, with a mail program.

What a `User` does, it does as any mail program would: `EmailMessage` and
`smtplib` on port 587 to send, `imaplib` or `poplib` inside TLS to read, from
the person's own laptop.  There is no short cut into the servers.
"""

from __future__ import annotations

import contextlib
import email.policy
import imaplib
import poplib
import re
import smtplib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from email.message import EmailMessage, Message
from email.parser import BytesParser
from ssl import SSLContext
from typing import Protocol

from labmail.imap.utf7 import encode
from labmail.inspection import one_line
from labmail.letter.arrows import Kind, arrow
from labmail.letter.compose import File, compose, mailbox
from labmail.trace.snapshots import InboxRow, InboxSnapshot
from labmail.world import AccountSpec, HostSpec

_REPLIES: tuple[Kind, Kind] = ("reply", "reply all")


class Surroundings(Protocol):
    """What a user needs of the lab."""

    def now(self) -> datetime: ...
    def new_message_id(self, domain: str) -> str: ...
    def client_context(self) -> SSLContext: ...
    def at_laptop_of(self, address: str) -> AbstractContextManager[object]: ...


class User:
    """Somebody with an account.  Get one with ``lab.user("son@hanoi.example")``."""

    def __init__(self, spec: AccountSpec, home: HostSpec, lab: Surroundings) -> None:
        self.address = spec.address
        self.name = spec.name
        self.password = spec.password
        self.home = home
        self._lab = lab

    def __repr__(self) -> str:
        return f"{self.name} <{self.address}>"

    def server(self, role: str) -> str:
        """The name this person's mail program has in its settings for "smtp", "imap" or "pop"."""
        names = (self.home.name, *self.home.also_known_as)
        return next((n for n in names if n.startswith(f"{role}.")), self.home.name)

    # --- sending --------------------------------------------------------------------------

    def compose(
        self,
        to: User | str | Iterable[User | str],
        subject: str,
        text: str,
        *,
        cc: Iterable[User | str] = (),
        bcc: Iterable[User | str] = (),
        reply_to: str = "",
        html: str = "",
        pictures: Sequence[File] = (),
        files: Sequence[File] = (),
        answers: Message | None = None,
    ) -> EmailMessage:
        """A letter with the headers a good mail program writes (RFC 5322 §3.6).

        html is the same text again, richer; pictures are what it shows, files what hangs on the
        letter.  answers is the letter that this one answers: In-Reply-To and References are
        taken from it.  Raises `UnsafeHeader` (a ValueError) when an address, the subject or a
        file name would break out of its line.
        """
        parent = answers["Message-ID"] if answers is not None else ""
        chain = str((answers["References"] if answers is not None else "") or "").split()
        return compose(
            date=self._lab.now(),
            message_id=self._lab.new_message_id(self.address.rpartition("@")[2]),
            sender=mailbox(self.name, self.address),
            to=[_header_address(p) for p in _people(to)],
            cc=[_header_address(p) for p in _people(cc)],
            bcc=[_header_address(p) for p in _people(bcc)],
            reply_to=reply_to,
            subject=subject,
            text=text,
            html=html,
            pictures=pictures,
            files=files,
            in_reply_to=str(parent or ""),
            references=chain,
        )

    def send(
        self,
        to: User | str | Iterable[User | str],
        subject: str = "",
        text: str = "",
        *,
        cc: Iterable[User | str] = (),
        bcc: Iterable[User | str] = (),
    ) -> EmailMessage:
        """Write a letter and hand it to the submission server; return the letter.

        Raises what `smtplib` raises when the server says no.
        """
        letter = self.compose(to, subject, text, cc=cc, bcc=bcc)
        with self.smtp() as server:
            server.send_message(letter)
        return letter

    def reply(self, to: EmailMessage, text: str, *, everybody: bool = False) -> EmailMessage:
        """Answer a letter as a mail program's *Reply* does (with `everybody`, *Reply all*);
        return the answer.

        It goes where the letter asks for replies, and names the letter that it answers
        (RFC 5322 §3.6.4).  Raises ValueError when the letter names nobody to reply to.
        """
        raw = to.as_bytes()
        author, all_of_them = (arrow(kind, raw, me=self.address) for kind in _REPLIES)
        if not author.to:
            raise ValueError(f"{self.address} cannot reply: {author.because}")
        others = [a for a in all_of_them.to if a not in author.to] if everybody else []
        subject = one_line(to["Subject"])
        again = subject if subject[:3].lower() == "re:" else f"Re: {subject}"  # RFC 5322 §3.6.5
        answer = self.compose(author.to, again, text, cc=others)
        if before := one_line(to["Message-ID"]):
            answer["In-Reply-To"] = before
            chain = one_line(to["References"] or to["In-Reply-To"])
            answer["References"] = f"{chain} {before}".strip()
        with self.smtp() as server:
            server.send_message(answer)
        return answer

    def smtp(self) -> smtplib.SMTP:
        """A connection to the submission server: port 587, STARTTLS, logged in (RFC 6409)."""
        with self._lab.at_laptop_of(self.address):
            server = smtplib.SMTP(self.server("smtp"), 587)
        with _closed_on_error(server.close):
            server.starttls(context=self._lab.client_context())
            server.login(self.address, self.password)
        return server

    # --- reading --------------------------------------------------------------------------

    def imap(self) -> imaplib.IMAP4_SSL:
        """A connection to the IMAP server: port 993, TLS from the first byte, logged in."""
        with self._lab.at_laptop_of(self.address):
            server = imaplib.IMAP4_SSL(self.server("imap"), ssl_context=self._lab.client_context())
        with _closed_on_error(server.shutdown):
            server.login(self.address, self.password)
        return server

    def pop3(self) -> poplib.POP3_SSL:
        """A connection to the POP3 server: port 995, TLS from the first byte, logged in."""
        with self._lab.at_laptop_of(self.address):
            server = poplib.POP3_SSL(self.server("pop"), context=self._lab.client_context())
        with _closed_on_error(server.close):
            server.user(self.address)
            server.pass_(self.password)
        return server

    def inbox(self, mailbox: str = "INBOX") -> InboxSnapshot:
        """The list that a mail program shows: who wrote, what about, when, read or not.

        It is fetched over IMAP, headers only, without marking anything as read.
        Raises LookupError when there is no such mailbox.
        """
        server = self.imap()
        try:
            self._select(server, mailbox, readonly=True)
            _, answer = server.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER])")
        finally:
            server.logout()
        parts = [part for part in answer if isinstance(part, tuple)]
        return InboxSnapshot(self.address, mailbox, tuple(_row(*part) for part in parts))

    def read(self, uid: int, mailbox: str = "INBOX") -> EmailMessage:
        """Open one letter, as a click in a mail program does: it is then marked as read.

        Raises LookupError when there is no such mailbox, or no letter with this UID in it.
        """
        return self._fetched(uid, mailbox, "(BODY[])")

    def peek(self, uid: int, mailbox: str = "INBOX") -> EmailMessage:
        """Open one letter as a program does that works for the person: it stays unread.

        Raises LookupError as `read` does.
        """
        return self._fetched(uid, mailbox, "(BODY.PEEK[])")

    def _fetched(self, uid: int, mailbox: str, what: str) -> EmailMessage:
        server = self.imap()
        try:
            self._select(server, mailbox)
            _, answer = server.uid("FETCH", str(uid), what)
        finally:
            server.logout()
        raw = next((part[1] for part in answer if isinstance(part, tuple)), None)
        if raw is None:
            raise LookupError(f"{self.address} has no letter with UID {uid} in {mailbox}")
        return BytesParser(EmailMessage, policy=email.policy.default).parsebytes(raw)

    def _select(self, server: imaplib.IMAP4, mailbox: str, *, readonly: bool = False) -> None:
        name = encode(mailbox).decode("ascii").replace("\\", "\\\\").replace('"', '\\"')
        answer, reason = server.select(f'"{name}"', readonly=readonly)
        if answer != "OK":
            said = (reason[0] or b"").decode("utf-8", "replace")
            raise LookupError(f"{self.address} cannot open the mailbox {mailbox!r}: {said}")


@contextlib.contextmanager
def _closed_on_error(close: Callable[[], object]) -> Iterator[None]:
    """What fails in this block leaves no connection open."""
    try:
        yield
    except BaseException:
        close()
        raise


def _people(people: User | str | Iterable[User | str]) -> list[User | str]:
    return [people] if isinstance(people, (User, str)) else list(people)


def _header_address(person: User | str) -> str:
    if isinstance(person, User):
        return mailbox(person.name, person.address)
    return person


def _row(answer: bytes, header: bytes) -> InboxRow:
    """One row from ``1 (UID 7 FLAGS (\\Seen) BODY[HEADER] {…}`` and the header behind it."""
    uid = re.search(rb"UID (\d+)", answer)
    flags = re.search(rb"FLAGS \(([^)]*)\)", answer)
    letter = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(header)
    return InboxRow(
        uid=int(uid.group(1)) if uid else 0,
        flags=tuple(flags.group(1).decode("ascii", "replace").split()) if flags else (),
        sender=one_line(letter["From"]),
        subject=one_line(letter["Subject"]),
        date=str(letter["Date"] or ""),
    )
