"""TLS on plain bytes.

`ssl.SSLObject` over two memory buffers does the whole of TLS without a socket:
records go in at one end, what was said comes out at the other, and the other
way round.  So one place in the lab can see both sides of the encryption: the
records below it are what an eavesdropper gets, the words above it are what the
two ends know.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from labmail.net.hello import client_random
from labmail.runtime.ca import take_keys

READ_SIZE = 256 * 1024
_HEADER = 5  # octets: type, version, length (RFC 8446 §5.1)
_TYPES = range(20, 25)
_MAJOR = 3


class Records:
    """Cuts what arrives into TLS records.

    TCP cuts it anywhere, each time elsewhere; with whole records the same session
    is always recorded in the same steps.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The records that are complete now.  What is no TLS comes out as it is."""
        self._waiting += data
        while len(self._waiting) >= _HEADER:
            size = self._size()
            if size > len(self._waiting):
                return
            yield self._take(size)

    def rest(self) -> bytes:
        """What arrived of a record that was never finished."""
        return self._take(len(self._waiting))

    def _size(self) -> int:
        if self._waiting[0] not in _TYPES or self._waiting[1] != _MAJOR:
            return len(self._waiting)
        return _HEADER + int.from_bytes(self._waiting[3:_HEADER], "big")

    def _take(self, size: int) -> bytes:
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        return taken


class TlsServer:
    """The server's end of one TLS session."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._client_random = b""
        self.established = False
        """Whether the handshake is through."""
        self.ended = False
        """Whether the client has said that it will say no more (close_notify)."""

    def receive(self, records: bytes) -> bytes:
        """Take records from the client; give what they said (b"" while the hands are shaken).

        Raises ssl.SSLError when the records are not TLS, or break its rules.
        """
        self._client_random = self._client_random or client_random(records)
        self._incoming.write(records)
        if not self.established:
            try:
                self.object.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.established = True
        return self._read()

    def say(self, data: bytes) -> None:
        """Encrypt what the server says; fetch the records with `records_to_send`."""
        view = memoryview(data)
        while view:
            view = view[self.object.write(view) :]

    def say_goodbye(self) -> None:
        """Send close_notify; the client's own is not waited for (RFC 8446 §6.1)."""
        try:
            self.object.unwrap()
        except (ssl.SSLError, ValueError):
            return  # the client has not said good-bye yet, or never shook hands: both are fine

    def take_keys(self) -> str:
        """The keys of this session, once, as lines of a key log file."""
        return take_keys(self.object.context, self._client_random)

    def records_to_send(self) -> bytes:
        """Records that must go out now."""
        return self._outgoing.read()

    def _read(self) -> bytes:
        pieces = []
        while True:
            try:
                piece = self.object.read(READ_SIZE)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            if not piece:  # the client's close_notify (RFC 8446 §6.1)
                self.ended = True
                break
            pieces.append(piece)
        return b"".join(pieces)
