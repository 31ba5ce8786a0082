"""What a server needs of its host.

A `MailServer` speaks; it does not know accounts, domains or queues.  What it
needs of them its host hands in as a `Post`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar, cast

from labmail.smtp.faults import Fault
from labmail.smtp.replies import Reply
from labmail.trace.events import Connection
from labmail.trace.parcel import Envelope

T = TypeVar("T")
Perhaps: TypeAlias = T | Awaitable[T]
"""A value, or a promise of one: a host may have to ask the DNS first."""


async def settled(value: Perhaps[T]) -> T:
    """A value, waited for if it is a promise."""
    return cast(T, await value if inspect.isawaitable(value) else value)


Role = Literal["submission", "exchange"]
"""submission: takes letters from its own users (RFC 6409), on ports 587 and 465.
exchange: takes letters for its own domains from other hosts, on port 25."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who is talking to the server, as far as is known at this moment.

    `helo` is what they call themselves ("" before EHLO), `esmtp` whether they
    said EHLO; `authenticated` is the account they have proved to own;
    `reverse_path` is the sender of the transaction under way (None outside of
    one); `parcel` the number of the letter a host of the lab brings.
    """

    connection: Connection
    role: Role
    helo: str = ""
    esmtp: bool = False
    tls: bool = False
    authenticated: str | None = None
    reverse_path: str | None = None
    parcel: int | None = None


class Post(Protocol):
    """The host, seen from its SMTP server.

    Any method may raise `Refusal` to answer with a reply of its own.  Whatever
    else it raises becomes 451 4.3.0, or 452 4.3.1 when the disk is full: the
    client keeps the letter and comes again.
    """

    def login(self, user: str, password: str) -> Perhaps[str | None]:
        """The address of the account this is the password of; None if it is not.
        Compare in constant time."""
        ...

    def fault(self, verb: str, client: Client, recipient: str) -> Perhaps[Fault | None]:
        """The planned fault that strikes now, at a command that is in order; it counts as used.

        `verb` is "" before the greeting and "." when the content has come; `recipient` is
        whom RCPT names ("" elsewhere).  At MAIL `client` has the reverse-path already.
        """
        ...

    def sender_refusal(self, reverse_path: str, client: Client) -> Perhaps[Reply | None]:
        """Why not to take a letter from this sender ("" is the null path); None: take it."""
        ...

    def refusal(self, recipient: str, client: Client) -> Perhaps[Reply | None]:
        """Why not to take a letter for this recipient; None: take it.

        `recipient` is the address as read, source route and needless quotes gone:
        what stands right of its last ``@`` is the domain, whatever the local part
        looks like.  It is "postmaster", in any case of letters, when it came
        without a domain: that one must be taken (RFC 5321 §4.5.1).
        """
        ...

    def queue_id(self) -> str:
        """A queue id that is free: the Received field has to name it before the letter is kept."""
        ...

    def accept(
        self, queue_id: str, envelope: Envelope, content: bytes, client: Client
    ) -> Perhaps[None]:
        """Take responsibility.  When this returns the letter is safe, and stays so after
        the plug is pulled.  `content` begins with the Received field that names `queue_id`."""
        ...
