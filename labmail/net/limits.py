"""What a server puts up with.

Limits count what is *buffered*, not what is finished: an endless line must not
need an end to be noticed.  Times are real seconds, because sockets are real.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one service.  Sizes in octets, times in real seconds."""

    command_line: int = 4096
    """One command line with its CRLF (RFC 5321 §4.5.3.1.4 asks for 512 or more)."""
    message: int = 26_214_400
    """One letter: 25 MiB, announced as SIZE (RFC 1870 §3)."""
    recipients: int = 1000
    """RCPT commands of one transaction (RFC 5321 §4.5.3.1.8 asks for 100 or more)."""
    bad_commands: int = 20
    """Commands in one session that made no sense, before the server gives up on the client."""
    refused_recipients: int = 200
    """Recipients refused in one session before the server takes the client for one that guesses.
    A letter may have 100 (RFC 5321 §4.5.3.1.8), and be an honest one with an old list."""
    idle_seconds: float = 300.0
    """Silence of the client (RFC 5321 §4.5.3.2.7 asks for 5 minutes or more)."""
    session_seconds: float = 3600.0
    """One whole session."""
    farewell_seconds: float = 60.0
    """For the client to read what was said before the server hung up."""
    connections: int = 1000
    """Open connections of one service."""
    unread: int = 4 * 1024 * 1024
    """Bytes waiting to be read by the client before the server stops producing more."""
    literal_before_login: int = 4096
    """One IMAP literal of somebody who has not said who they are."""
