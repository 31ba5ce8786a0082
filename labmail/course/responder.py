"""A program that answers in a person's place, by the rules that keep such programs apart.

It is what mail programs call *vacation* or *out of office*.  Written carelessly, it is a weapon:
two of them answer each other for ever, and one of them answers a whole mailing list.  RFC 3834
says how to be harmless, in three rules: **when** to answer (seldom: see `labmail.letter.arrows`),
**where** (to the Return-Path, never to From or Reply-To), and **how** (marked as automatic, with
an empty reverse-path, so that nobody answers the answer).

It has no short cut into the server: it reads over IMAP and sends by submission, as its person
does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage

from labmail.course.notice import Table
from labmail.inspection import one_line
from labmail.letter.arrows import arrow
from labmail.user import User

AGAIN_AFTER = timedelta(days=7)
"""The same person hears the same thing once in this time (RFC 3834 §2)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was done about one letter: `to` is "" where nothing was sent."""

    uid: int
    subject: str
    to: str
    because: str


class Responder:
    """Answers the letters in somebody's INBOX: ``Responder(minh, "…", lab.now)``.

    `now` gives lab time.  `run` looks at the letters that have come since the last run.
    """

    def __init__(self, user: User, text: str, now: Callable[[], datetime]) -> None:
        self._user = user
        self._text = text
        self._now = now
        self._last_uid = 0
        self._told: dict[str, datetime] = {}
        self.decisions: list[Decision] = []

    def run(self) -> Table:
        """Deal with what is new; what was decided about each letter, the earlier ones too."""
        for row in self._user.inbox().rows:
            if row.uid > self._last_uid:
                self._last_uid = row.uid
                letter = self._user.peek(row.uid)
                self.decisions.append(self._decide(row.uid, letter))
        rows = [(str(d.uid), d.subject, d.to or "✘ nobody", d.because) for d in self.decisions]
        title = f"The responder of {self._user.address}"
        head = ("UID", "letter", "answers", "because")
        return Table(title, head, rows, right=(0,), limits=(0, 30, 0, 42))

    def _decide(self, uid: int, letter: EmailMessage) -> Decision:
        subject = one_line(letter["Subject"])
        found = arrow("auto-reply", letter.as_bytes(), me=self._user.address)
        if not found.to:
            return Decision(uid, subject, "", f"{found.because} ({found.source})")
        (to,) = found.to
        told = self._told.get(to.lower())
        if told is not None and self._now() - told < AGAIN_AFTER:
            return Decision(uid, subject, "", "was told within the last 7 days (RFC 3834 §2)")
        self._told[to.lower()] = self._now()
        self._answer(to, letter)
        return Decision(uid, subject, to, f"{found.because} ({found.source})")

    def _answer(self, to: str, letter: EmailMessage) -> None:
        subject = one_line(letter["Subject"])
        answer = self._user.compose(to, f"Auto: {subject}", self._text)  # RFC 3834 §3.1.5
        answer["Auto-Submitted"] = "auto-replied"  # §3.1.7
        if number := one_line(letter["Message-ID"]):
            answer["In-Reply-To"] = answer["References"] = number  # §3.1.6
        with self._user.smtp() as server:
            server.send_message(answer, from_addr="")  # MAIL FROM:<>, §3.3
