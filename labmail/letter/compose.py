"""A letter with everything it needs.

`EmailMessage` writes what it is told and no more: no Date, no Message-ID, and a boundary
drawn by lot.  `compose` adds what RFC 5322 §3.6 asks for, and takes the rest from whoever
calls it: the time, the Message-ID.  The same call gives the same octets.

    text alone             text/plain
    text and html          multipart/alternative      the same, twice (RFC 2046 §5.1.4)
    html and its pictures  multipart/related          (RFC 2387)
    files                  multipart/mixed            around all of it

Subjects and names become encoded words, file names RFC 2231 parameters, bodies what
`set_content` takes: 7bit where it can, else quoted-printable or base64.  Python compares these
two over the first ten lines of a text, so it does not always find the shorter one.  All text
is in NFC (RFC 6532 §3.1).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any

from labmail.letter import words
from labmail.letter.charsets import nfc
from labmail.letter.fields import fields_of
from labmail.letter.guards import UnsafeHeader, guarded, guarded_id


class ExactPolicy(EmailPolicy):
    """`email.policy.SMTP`, but what is folded says the same when it is read.

    Python's folding (tried: 3.11.7) can lose the space between two encoded words: a program
    does not show it (RFC 2047 §6.2), so it belongs *into* a word.  What it wrote is read
    back; where that is not the text, the field is written anew, all of it in words.
    """

    def fold(self, name: str, value: Any) -> str:
        folded = str(super().fold(name, value))
        if self.utf8 or b"=?" not in (octets := folded.encode("ascii", "surrogateescape")):
            return folded
        (field,) = fields_of(octets) or (None,)
        if field is None or words.decoded(field.value) == str(value).strip():
            return folded
        return f"{name}: {self._in_words(value)}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        charset = "utf-8" if self.utf8 else "ascii"
        return self.fold(name, value).encode(charset, "surrogateescape")

    def _in_words(self, value: Any) -> str:
        """A text in encoded words, or addresses whose names are."""
        addresses: Sequence[Address] | None = getattr(value, "addresses", None)
        if addresses is None:
            return self._folded(words.encoded(str(value)))
        return f",{self.linesep} ".join(self._address(each) for each in addresses)

    def _address(self, address: Address) -> str:
        if address.display_name.isascii():
            return str(address)
        return self._folded((*words.encoded(address.display_name), f"<{address.addr_spec}>"))

    def _folded(self, pieces: Iterable[str]) -> str:
        return f"{self.linesep} ".join(pieces)


SEVEN_BIT = ExactPolicy(linesep="\r\n", cte_type="7bit", max_line_length=76)
"""`smtplib` never says BODY=8BITMIME, so an 8-bit letter would go out undeclared (RFC 6152 §3).
With Python's own limit of 78, encoded words and quoted-printable lines grow too long
(RFC 2047 §2, RFC 2045 §6.7)."""
INTERNATIONAL = SEVEN_BIT.clone(utf8=True)
"""For addresses that are not ASCII: they cannot be encoded, so the header is UTF-8 (RFC 6532)."""

_TYPES = {
    "csv": "text/csv", "gif": "image/gif", "html": "text/html", "ics": "text/calendar",
    "jpeg": "image/jpeg", "jpg": "image/jpeg", "json": "application/json",
    "md": "text/markdown", "pdf": "application/pdf", "png": "image/png",
    "svg": "image/svg+xml", "txt": "text/plain", "zip": "application/zip",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes with a letter.

    `type` is told by the name's ending when it is not given; `content_id`, with its angle
    brackets, is how HTML names a picture: ``<img src="cid:…">`` (RFC 2392 §2).
    """

    name: str
    content: bytes
    type: str = ""
    content_id: str = ""

    @property
    def types(self) -> tuple[str, str]:
        """Type and subtype.  Raises ValueError for one that no file has."""
        ending = self.name.rpartition(".")[2].lower()
        found = guarded(self.type or _TYPES.get(ending, "application/octet-stream"), "type")
        major, _, minor = found.partition("/")
        if not minor or major in ("multipart", "message"):
            raise ValueError(
                f"The file {self.name!r} cannot have the type {found!r}: "
                f"name one such as application/pdf (RFC 2045 §5.1)."
            )
        return major, minor


def compose(
    *,
    date: datetime,
    message_id: str,
    sender: str,
    to: Iterable[str],
    subject: str = "",
    text: str = "",
    html: str = "",
    pictures: Sequence[File] = (),
    files: Sequence[File] = (),
    cc: Iterable[str] = (),
    bcc: Iterable[str] = (),
    reply_to: str = "",
    in_reply_to: str = "",
    references: Sequence[str] = (),
) -> EmailMessage:
    """A letter, ready for ``smtplib.SMTP.send_message``; `octets` are its bytes.

    Addresses are as `mailbox` writes them.  pictures: what the HTML shows, each with a
    content_id; files: what hangs on the letter.  Raises `UnsafeHeader` for what would break
    out of its header line, ValueError for what is no address.
    """
    people = {"From": [sender], "To": list(to), "Cc": list(cc), "Bcc": list(bcc)}
    people["Reply-To"] = [reply_to] if reply_to else []
    addresses = {
        name: ", ".join(guarded(who, f"address in {name}") for who in given)
        for name, given in people.items()
    }
    letter = EmailMessage(policy=SEVEN_BIT)
    letter["Date"] = format_datetime(date)
    for name in ("From", "To", "Cc", "Bcc", "Reply-To"):
        if addresses[name] or name == "To":
            letter[name] = addresses[name]
    letter["Subject"] = guarded(subject, "subject")
    letter["Message-ID"] = guarded_id(message_id, "Message-ID")
    _refer(letter, in_reply_to, references)
    if _has_international_address(letter):
        letter.policy = INTERNATIONAL
    _fill(letter, nfc(text), nfc(html), pictures, files)
    _draw_boundaries(letter, message_id)
    return letter


def octets(letter: EmailMessage) -> bytes:
    """The letter's bytes as they go out: CRLF everywhere, and without Bcc, which is nobody's
    to read (RFC 5322 §3.6.3)."""
    shown = copy.copy(letter)
    del shown["Bcc"]
    return shown.as_bytes()


def mailbox(name: str, address: str) -> str:
    """``Minh <minh@saigon.example>``: name and address as a header field takes them.

    Raises `UnsafeHeader`, and ValueError when the address is none.
    """
    guarded(address, "address")
    return str(Address(guarded(name, "name"), addr_spec=address))


def _refer(letter: EmailMessage, in_reply_to: str, references: Sequence[str]) -> None:
    """What ties an answer to what it answers (RFC 5322 §3.6.4)."""
    if in_reply_to:
        letter["In-Reply-To"] = guarded_id(in_reply_to, "In-Reply-To")
    chain = [guarded_id(each, "References") for each in references]
    if in_reply_to and in_reply_to not in chain:
        chain.append(in_reply_to)
    if chain:
        letter["References"] = " ".join(chain)


def _has_international_address(letter: EmailMessage) -> bool:
    fields = [letter[name] for name in ("From", "To", "Cc", "Bcc", "Reply-To") if letter[name]]
    return any(not one.addr_spec.isascii() for field in fields for one in field.addresses)


def _fill(
    letter: EmailMessage, text: str, html: str, pictures: Sequence[File], files: Sequence[File]
) -> None:
    letter.set_content(text)
    if html:
        letter.add_alternative(html, subtype="html")
        rich = letter.get_payload(1)
        assert isinstance(rich, EmailMessage)
        for picture in pictures:
            major, minor = picture.types
            rich.add_related(
                picture.content,
                maintype=major,
                subtype=minor,
                cid=guarded_id(picture.content_id, "Content-ID"),
                filename=guarded(picture.name, "file name"),
                disposition="inline",
            )
    elif pictures:
        raise ValueError("Pictures need an html text that shows them: <img src='cid:…'>.")
    for file in files:
        major, minor = file.types
        name = guarded(file.name, "file name")
        letter.add_attachment(file.content, maintype=major, subtype=minor, filename=name)


def _draw_boundaries(letter: EmailMessage, message_id: str) -> None:
    """For each multipart a boundary that stands nowhere in the letter (RFC 2046 §5.1.1)."""
    multiparts = [part for part in letter.walk() if part.is_multipart()]
    if not multiparts:
        return
    for part in multiparts:
        part.set_boundary("-")  # so that nothing is drawn by lot
    content = letter.as_bytes()
    for number, part in enumerate(multiparts, 1):
        part.set_boundary(_boundary(f"{message_id} {number}", content))


def _boundary(seed: str, content: bytes) -> str:
    """``=_`` stands in no base64 and no quoted-printable (RFC 2045 §6.7); plain text is looked
    through."""
    while True:
        boundary = f"=_{blake2b(seed.encode(), digest_size=8).hexdigest()}"
        if boundary.encode("ascii") not in content:
            return boundary
        seed += "+"


__all__ = ["File", "UnsafeHeader", "compose", "mailbox", "octets"]
