"""Who called? Three names of one caller, laid beside each other.

A server that is called knows an address for certain and hears a name in EHLO.  The reverse
zone has a name for the address too (PTR).  Anybody may say any name, and whoever has the
addresses writes into their reverse zone what they like; so a name counts only when it leads
back to the same address.  That is *forward-confirmed reverse DNS*, as RFC 8601 §3
calls it ("iprev").
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from labmail.course.notice import Table
from labmail.lab import Lab
from labmail.trace.events import Command
from labmail.trace.recorder import Trace


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller: the address it called from, the name it said in EHLO, the name that the
    reverse zone has for the address, and the addresses of that name."""

    ip: str
    helo: str
    ptr: str
    forward: tuple[str, ...]

    @property
    def confirmed(self) -> bool:
        """Whether the reverse name leads back to the address."""
        return self.ip in self.forward

    @property
    def says_so(self) -> bool:
        """Whether it said in EHLO the name that is confirmed."""
        return self.confirmed and self.helo == self.ptr

    @property
    def verdict(self) -> str:
        if not self.ptr:
            return "✘ no PTR: the address has no name"
        if not self.confirmed:
            there = ", ".join(self.forward) or "nowhere"
            return f"✘ not confirmed: {self.ptr} is at {there}"
        return "✔ confirmed, and says so" if self.says_so else "… confirmed, but said another name"


class Callers(Table):
    """The callers of a trace, one row each; `callers` are the facts behind the rows."""

    def __init__(self, callers: tuple[Caller, ...]) -> None:
        self.callers = callers
        rows = [
            (c.ip, c.helo, c.ptr or "–", ", ".join(c.forward) or "–", c.verdict) for c in callers
        ]
        head = ("called from", "said in EHLO", "PTR of the address", "A of that name", "so")
        super().__init__("Who called on port 25?", head, rows, whole=(0,))


def reverse_name(ip: str) -> str:
    """The name under which the reverse zone has an address (RFC 1035 §3.5)."""
    return ipaddress.ip_address(ip).reverse_pointer


def callers(lab: Lab, trace: Trace) -> Callers:
    """Everybody who called on port 25 in this trace, looked up both ways."""
    said: dict[str, str] = {}
    for command in trace.of(Command):
        if command.verb in ("EHLO", "HELO") and command.connection.service == "smtp":
            name = command.line.decode("utf-8", "replace").split(" ", 1)[-1].strip()
            said[command.connection.client.ip] = name
    return Callers(tuple(_caller(lab, ip, helo) for ip, helo in said.items()))


def _caller(lab: Lab, ip: str, helo: str) -> Caller:
    names = lab.dig(reverse_name(ip), "PTR").records
    ptr = names[-1].rstrip(".") if names else ""
    forward = lab.dig(ptr, "A").records if ptr else ()
    return Caller(ip, helo, ptr, tuple(record for record in forward if _is_address(record)))


def _is_address(record: str) -> bool:
    """An A lookup along an alias has the alias among its records."""
    try:
        ipaddress.ip_address(record)
    except ValueError:
        return False
    return True
