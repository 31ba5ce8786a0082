"""A letter under way.

What one station of the journey hands to the next is a `Parcel`: the envelope
(who gets it, who is told if that fails), the bytes of the letter exactly as
they came, and a number that never goes on the wire.  The number is the lab's
own; it lets the trace say "this is still the same letter".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO of an envelope.

    `notify` and `orcpt` are the DSN parameters NOTIFY and ORCPT as the client
    gave them (RFC 3461 §4.1, §4.2); None where it gave none.
    """

    address: str
    notify: str | None = None
    orcpt: str | None = None

    @property
    def domain(self) -> str:
        """The part behind the last ``@``, in lower case ("" if there is none)."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who gets the letter and who hears of trouble (RFC 5321 §2.3.1).

    `reverse_path` is the MAIL FROM address without angle brackets; the empty
    string is the null reverse-path ``<>`` (§4.5.5).  `body` is the BODY
    parameter ("7BIT" or "8BITMIME"), `smtputf8` says whether SMTPUTF8 was
    given; `ret` and `envid` are the DSN parameters of MAIL (RFC 3461 §4.3, §4.4).
    """

    reverse_path: str
    recipients: tuple[Recipient, ...]
    body: str = "7BIT"
    smtputf8: bool = False
    ret: str | None = None
    envid: str | None = None

    @classmethod
    def of(cls, reverse_path: str, recipients: Iterable[str | Recipient]) -> Envelope:
        """An envelope from plain addresses."""
        return cls(
            reverse_path,
            tuple(r if isinstance(r, Recipient) else Recipient(r) for r in recipients),
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """The recipients' addresses, in the order of the RCPT commands."""
        return tuple(r.address for r in self.recipients)

    def for_recipients(self, addresses: Iterable[str]) -> Envelope:
        """The same envelope, for some of its recipients only."""
        wanted = set(addresses)
        return replace(self, recipients=tuple(r for r in self.recipients if r.address in wanted))


@dataclass(frozen=True, slots=True)
class Parcel:
    """Envelope, untouched bytes (CRLF line ends), and the lab's number for the letter."""

    number: int
    envelope: Envelope
    content: bytes = field(repr=False)
