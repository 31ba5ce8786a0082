"""Nothing the lab runs leaves this machine.

Python tells an *audit hook* about every connect, datagram and name lookup
before it happens.  The hook raises when the lab's own thread is about to reach
an address that is not loopback, whichever library asked for it.  The rest of
the process (the notebook, Jupyter) is left alone.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

from labmail.runtime.loop import current_thread_ident

_guarded: set[int] = set()
_installed = False


class LeavingTheLab(PermissionError):
    """The lab tried to reach an address outside this machine."""


def guard_thread(ident: int) -> None:
    """Keep this thread on loopback from now on."""
    global _installed
    _guarded.add(ident)
    if not _installed:
        sys.addaudithook(_look)
        _installed = True


def release_thread(ident: int) -> None:
    """The thread has ended; its number may be used again by another."""
    _guarded.discard(ident)


def _look(event: str, args: tuple[Any, ...]) -> None:
    if not event.startswith("socket.") or current_thread_ident() not in _guarded:
        return
    if event in ("socket.connect", "socket.sendto", "socket.bind"):
        _check(args[1], event)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _check((args[0],), event)


def _check(address: Any, event: str) -> None:
    host = address[0] if isinstance(address, tuple) else address
    if not is_loopback(host):
        raise LeavingTheLab(
            f"the lab tried {event} to {host!r}: a lab talks to its own hosts on loopback only. "
            "Use a name or address of the lab's world."
        )


def is_loopback(host: Any) -> bool:
    """Whether this host, as given to the socket module, is this machine's loopback."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in ("localhost", None):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except (ValueError, TypeError):
        return False
