"""One message as FETCH and SEARCH look at it.

Flags, size and date are known without opening it.  Its file is read when something
first asks for its content, its structure scanned when something first asks for that:
``FETCH 1:* FLAGS`` opens no file at all.
"""

from __future__ import annotations

from functools import cached_property

from labmail.imap.selected import Selected
from labmail.letter.mime import Entity, scan
from labmail.mailbox.model import Message


class Opened:
    """A message of the selected mailbox.

    `content` and `entity` raise `NoSuchMessage` when it has gone in the meantime.
    """

    def __init__(self, selected: Selected, message: Message) -> None:
        self.selected = selected
        self.message = message
        self.number = selected.number_of(message.uid)

    @property
    def recent(self) -> bool:
        """Is this session the first to see it?"""
        return self.message.uid in self.selected.recent

    @cached_property
    def content(self) -> bytes:
        """The message, octet for octet."""
        return self.selected.mailbox.read(self.message.uid)

    @cached_property
    def entity(self) -> Entity:
        """The message as a tree of parts."""
        return scan(self.content)
