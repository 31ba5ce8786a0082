"""The standard library reaches the lab.

`smtplib`, `poplib`, `imaplib` and `http.client` all open their connections with
`socket.create_connection`, and `smtplib` introduces itself with
`socket.getfqdn`.  While a lab runs, these two functions know its hosts: the
code a learner writes in a notebook is the code to write outside.  Names that
are not the lab's go the ordinary way.

Two modules throw dice for what they say on the wire: `imaplib` for the first
letters of its tags, `email` for the boundaries between the parts of a letter.
While a lab runs, the lab throws for them, so that a story told twice is the same.
"""

from __future__ import annotations

import contextlib
import email.generator
import imaplib
import inspect
import random
import socket
from collections.abc import Callable, Iterator
from contextvars import ContextVar
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

    def draw(self, kind: str, below: int) -> int:
        """A number from 0 to `below` - 1 that depends on the lab's seed only."""
        ...


_original_connect: Callable[..., socket.socket] = socket.create_connection
_original_fqdn: Callable[[str], str] = socket.getfqdn
_DEFAULT: Any = inspect.signature(_original_connect).parameters["timeout"].default
_installed: list[Dialler] = []
_preferred: ContextVar[Dialler | None] = ContextVar("preferred", default=None)


def install(dialler: Dialler) -> None:
    """Let the standard library reach this lab (and no longer an earlier one)."""
    _installed.append(dialler)
    socket.create_connection = _create_connection  # type: ignore[assignment]
    socket.getfqdn = _getfqdn
    for module, kind in _DICE:
        module.random = _Dice(kind)


def uninstall(dialler: Dialler) -> None:
    """Take this lab out of reach; give the standard library back when it was the last."""
    if dialler in _installed:
        _installed.remove(dialler)
    if not _installed:
        socket.create_connection = _original_connect
        socket.getfqdn = _original_fqdn  # type: ignore[assignment]
        for module, _ in _DICE:
            module.random = random


@contextlib.contextmanager
def reaching(dialler: Dialler) -> Iterator[None]:
    """Within this block the standard library reaches this lab, whichever was made last."""
    token = _preferred.set(dialler)
    try:
        yield
    finally:
        _preferred.reset(token)


def _reached() -> Dialler | None:
    return _preferred.get() or next(reversed(_installed), None)


def _create_connection(
    address: tuple[str | None, int],
    timeout: Any = _DEFAULT,
    source_address: Any = None,
    **options: Any,
) -> socket.socket:
    """`socket.create_connection`, which knows the lab's hosts while a lab runs."""
    host, port = address[0], address[1]
    lab = _reached()
    if lab is None or host is None or not lab.knows(host):
        return _original_connect(address, timeout, source_address, **options)
    sock = lab.dial(host, int(port))
    sock.settimeout(socket.getdefaulttimeout() if timeout is _DEFAULT else timeout)
    return sock


def _getfqdn(name: str = "") -> str:
    """`socket.getfqdn`, which says the laptop's name while a lab runs."""
    lab = _reached()
    if lab is not None and name in ("", "0.0.0.0", "::"):
        return lab.laptop_name()
    return _original_fqdn(name)


class _Dice:
    """Stands where a module of the standard library looks for `random`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def randrange(self, below: int) -> int:
        lab = _reached()
        return random.randrange(below) if lab is None else lab.draw(self._kind, below)

    def randint(self, low: int, high: int) -> int:
        return low + self.randrange(high - low + 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(random, name)


_DICE: tuple[tuple[Any, str], ...] = ((imaplib, "imap tag"), (email.generator, "mime boundary"))
"""Modules that throw dice, and for what."""
