"""The shape of a command handler."""

from __future__ import annotations

from typing import Protocol

from labmail.imap.grammar import Decoder
from labmail.imap.response import Answer, Ask
from labmail.imap.session import Session


class Handler(Protocol):
    """One command: reads its arguments, acts, and says how that went."""

    def __call__(self, session: Session, dec: Decoder) -> Answer | Ask: ...
