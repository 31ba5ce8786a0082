"""What the server knows of one client, and how it speaks to it.

Command handlers are given the `Session`: they read who is logged in and what is
selected, say untagged responses with `untagged`, and return their `Answer`.  The
state itself moves in `core` alone, by the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from labmail.imap.response import CRLF, Letter, Piece, Refusal
from labmail.imap.selected import Selected
from labmail.imap.states import State
from labmail.mailbox.account import Account
from labmail.net.core import Carried, Deliver, Output, Say
from labmail.net.limits import Limits
from labmail.trace.events import Side

CheckPassword = Callable[[str, str], Account | None]
"""``login(user, password)``: the account, or None when they do not go together."""


@dataclass(slots=True)
class Session:
    """One client's session.  `tls` is "none", "offered" or "on"; `allow_clear` lets
    passwords travel without TLS, which only a lesson on eavesdropping wants."""

    host: str
    login: CheckPassword
    tls: str
    limits: Limits
    now: Callable[[], datetime]
    allow_clear: bool = False
    state: State = State.NOT_AUTHENTICATED
    account: Account | None = None
    selected: Selected | None = None
    verb: str = ""
    command_at: int = 0  # where the command begins, in all the client has said
    failed_logins: int = 0
    room: int = 0  # octets that may still be said before the client has to read
    outputs: list[Output] = field(default_factory=list)

    # --- what holds now -----------------------------------------------------------------

    @property
    def passwords_allowed(self) -> bool:
        """May a password be said here (RFC 3501 §6.2.3, §11.2)?  Not in the clear where TLS is
        to be had."""
        return self.tls != "offered" or self.allow_clear

    def capabilities(self) -> str:
        """What this server can do for this client now (RFC 3501 §7.2.1).

        Named only if it works: LITERAL+ (RFC 7888), SASL-IR (RFC 4959),
        SPECIAL-USE (RFC 6154), CHILDREN (RFC 3348).
        """
        names = ["IMAP4rev1", "LITERAL+"]
        if self.account is not None:
            return " ".join([*names, "CHILDREN", "SPECIAL-USE"])
        names += ["SASL-IR"]
        names += ["STARTTLS"] if self.tls == "offered" else []
        names += ["AUTH=PLAIN"] if self.passwords_allowed else ["LOGINDISABLED"]
        return " ".join(names)

    def the_account(self) -> Account:
        """The account of who is logged in (the state table has seen to that)."""
        assert self.account is not None, f"{self.verb} ran in state {self.state}"
        return self.account

    def the_mailbox(self) -> Selected:
        """The mailbox that is open (the state table has seen to that)."""
        assert self.selected is not None, f"{self.verb} ran in state {self.state}"
        return self.selected

    def writable(self) -> Selected:
        """The mailbox that is open.  Raises `Refusal` if it was opened with EXAMINE."""
        selected = self.the_mailbox()
        if selected.read_only:
            raise Refusal("The mailbox is open read-only: SELECT it to change it")
        return selected

    def leave_mailbox(self) -> None:
        """Nothing is selected any more."""
        if self.selected is not None:
            self.selected.leave()
        self.selected = None

    # --- speaking -------------------------------------------------------------------------

    def untagged(self, *pieces: Piece) -> None:
        """Say ``* `` and these pieces; letters among them go out as literals."""
        line = b"* "
        for piece in pieces:
            if isinstance(piece, Letter):
                self.say(line + b"{%d}" % len(piece.data) + CRLF, "*", self.verb)
                self.outputs.append(Deliver(piece.data))
                self.room -= len(piece.data)
                line = b""
            else:
                line += piece
        self.say(line + CRLF, "*", self.verb)

    def say(
        self, data: bytes, code: str, verb: str = "", tag: str = "", after: State | None = None
    ) -> None:
        """Say one response; `after` is the state it leads to, if it leads anywhere."""
        before, self.state = self.state, after or self.state
        self.outputs.append(Say(data, code, verb, before.value, self.state.value, tag))
        self.room -= len(data)

    def carried(self, begin: int, size: int) -> None:
        """For the record: the client's command carried a letter, from its octet `begin`."""
        self.outputs.append(Carried(Side.CLIENT, self.command_at + begin, size))

    def take_outputs(self) -> list[Output]:
        """All that is to be done since this was last asked."""
        outputs, self.outputs = self.outputs, []
        return outputs
