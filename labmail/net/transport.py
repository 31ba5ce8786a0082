"""What a server of the lab writes to.

Servers are written for asyncio: they are handed a transport.  This one hands all on to the
`Line` below it, and answers with the lab's addresses where a socket would tell of 127.0.0.1.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labmail.net.connection import Line


class LineTransport(asyncio.Transport):
    """What a server writes to: an asyncio transport with the lab's addresses on it."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """peername and sockname are the lab's; "connection", "line" and "ssl_object" too."""
        connection = self.line.connection
        match name:
            case "peername":
                return (connection.client.ip, connection.client.port)
            case "sockname":
                return (connection.server.ip, connection.server.port)
            case "connection":
                return connection
            case "line":
                return self.line
            case "ssl_object":
                return self.line.tls_object or default
        return default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.line.write(bytes(data))

    def close(self) -> None:
        self.line.close()

    def abort(self) -> None:
        self.line.abort("server gave up")

    def is_closing(self) -> bool:
        return self.line.closing or self.line.closed

    def get_write_buffer_size(self) -> int:
        return self.line.unsent

    def pause_reading(self) -> None:
        self.line.stop_reading("the server has enough")

    def resume_reading(self) -> None:
        self.line.read_again("the server has enough")

    def can_write_eof(self) -> bool:
        return False
