"""ENVELOPE: what a list of messages shows, in one structure (RFC 3501 §7.4.2).

    (date subject from sender reply-to to cc bcc in-reply-to message-id)

It is made from the *header*, and has nothing to do with the envelope of SMTP except
its name: that one is gone when a message lies in a mailbox.
"""

from __future__ import annotations

from labmail.imap.addresses import Address, addresses_of
from labmail.imap.response import NIL, nstring, parenthesised
from labmail.letter.mime import Entity


def envelope(message: Entity) -> bytes:
    """The envelope structure of a message, ready to be sent."""
    sender = _addresses(message, b"from")
    return parenthesised(
        [
            nstring(message.field(b"date")),
            nstring(message.field(b"subject")),
            sender,
            _addresses(message, b"sender") if _has(message, b"sender") else sender,
            _addresses(message, b"reply-to") if _has(message, b"reply-to") else sender,
            _addresses(message, b"to"),
            _addresses(message, b"cc"),
            _addresses(message, b"bcc"),
            nstring(message.field(b"in-reply-to")),
            nstring(message.field(b"message-id")),
        ]
    )


def _has(message: Entity, name: bytes) -> bool:
    """An absent or empty Sender or Reply-To is set to the From: §7.4.2."""
    return bool(message.field(name))


def _addresses(message: Entity, name: bytes) -> bytes:
    """A parenthesised list of address structures, or NIL for none."""
    values = (field.value for field in message.fields if field.name.lower() == name)
    found = [_address(address) for value in values for address in addresses_of(value)]
    return b"(" + b"".join(found) + b")" if found else NIL  # env-from: no spaces, §9


def _address(address: Address) -> bytes:
    parts = (address.name, address.route, address.mailbox, address.host)
    return parenthesised(nstring(part) for part in parts)
