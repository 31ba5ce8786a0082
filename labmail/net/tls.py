"""TLS on plain bytes.

`ssl.SSLObject` over two memory buffers does the whole of TLS without a socket:
records go in at one end, what was said comes out at the other, and the other
way round.  So one place in the lab can see both sides of the encryption: the
records below it are what an eavesdropper gets, the words above it are what the
two ends know.
"""

from __future__ import annotations

import ssl

READ_SIZE = 256 * 1024


class TlsServer:
    """The server's end of one TLS session."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.established = False
        """Whether the handshake is through."""

    def receive(self, records: bytes) -> bytes:
        """Take records from the client; give what they said (b"" while the hands are shaken).

        Raises ssl.SSLError when the records are not TLS, or break its rules.
        """
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
            except ssl.SSLZeroReturnError:  # the client's close_notify
                break
            if not piece:
                break
            pieces.append(piece)
        return b"".join(pieces)
