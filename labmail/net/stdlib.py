"""The standard library reaches the lab.

`smtplib`, `poplib`, `imaplib` and `http.client` all open their connections with
`socket.create_connection`, and `smtplib` introduces itself with
`socket.getfqdn`.  While a lab runs, these two functions know its hosts: the
code a learner writes in a notebook is the code to write outside.  Names that
are not the lab's go the ordinary way.
"""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable
from typing import Any, Protocol


class Dialler(Protocol):
    """What the patch asks of a lab."""

    def knows(self, host: str) -> bool:
        """Whether this name or address belongs to the lab's world."""
        ...

    def dial(self, host: str, port: int) -> socket.socket:
        """A connected blocking socket from the current laptop; raises as sockets do."""
        ...

    def laptop_name(self) -> str:
        """The name of the machine that the notebook plays."""
        ...


_original_connect: Callable[..., socket.socket] = socket.create_connection
_original_fqdn: Callable[[str], str] = socket.getfqdn
_DEFAULT: Any = inspect.signature(_original_connect).parameters["timeout"].default
_current: Dialler | None = None


def install(dialler: Dialler) -> None:
    """Let the standard library reach this lab (and no longer an earlier one)."""
    global _current
    _current = dialler
    socket.create_connection = _create_connection  # type: ignore[assignment]
    socket.getfqdn = _getfqdn


def uninstall(dialler: Dialler) -> None:
    """Give the standard library back, unless another lab has taken over since."""
    global _current
    if _current is dialler:
        _current = None
        socket.create_connection = _original_connect
        socket.getfqdn = _original_fqdn  # type: ignore[assignment]


def _create_connection(
    address: tuple[str | None, int],
    timeout: Any = _DEFAULT,
    source_address: Any = None,
    **options: Any,
) -> socket.socket:
    """`socket.create_connection`, which knows the lab's hosts while a lab runs."""
    host, port = address[0], address[1]
    if _current is None or host is None or not _current.knows(host):
        return _original_connect(address, timeout, source_address, **options)
    sock = _current.dial(host, int(port))
    sock.settimeout(socket.getdefaulttimeout() if timeout is _DEFAULT else timeout)
    return sock


def _getfqdn(name: str = "") -> str:
    """`socket.getfqdn`, which says the laptop's name while a lab runs."""
    if _current is not None and name in ("", "0.0.0.0", "::"):
        return _current.laptop_name()
    return _original_fqdn(name)
