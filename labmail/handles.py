"""The parts of a world, as the notebook handles them: a host, the DNS, a laptop, a program outside.

A handle is a name and a way to ask for things.  It holds nothing of its own, so it stays
good when the lab is reset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.world import LaptopSpec

if TYPE_CHECKING:
    from labmail.lab import Lab


class HostHandle:
    """One host, as the notebook handles it: stop it, start it again."""

    def __init__(self, name: str, lab: Lab) -> None:
        self.name = name
        self._lab = lab

    def __repr__(self) -> str:
        listening = ", ".join(self.running) or "nothing"
        return f"{self.name}: listens for {listening}"

    @property
    def running(self) -> tuple[str, ...]:
        """The services that listen now."""
        return self._lab._look(lambda w: w.services_of(self.name))

    def stop(self, *services: str) -> None:
        """Stop services of the host, or all of it: from now on connections are refused."""
        self._change("stop", services)

    def start(self, *services: str) -> None:
        """Start services of the host again, or all of it."""
        self._change("start", services)

    def _change(self, what: str, services: tuple[str, ...]) -> None:
        self._lab.settle()
        self._lab._do(self._lab._running.change(self.name, what, services))


class DnsHandle:
    """The DNS of the world: plan failures that no zone file can express."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __repr__(self) -> str:
        zones = self._lab._look(lambda w: [zone.origin for zone in w.dns.zones])
        return f"the DNS of the world: {', '.join(zones)}"

    def fail(self, name: str, rtype: str, status: str, times: int | None = None) -> None:
        """Fail questions for `name` and `rtype`: the next `times` of them, or all until `heal`.

        status: "SERVFAIL", "REFUSED", or "TIMEOUT" (silence).  Raises ValueError for another
        one, or when name or type cannot be one.
        """
        self._lab._look(lambda w: w.dns.fail(name, rtype, status, times))

    def heal(self) -> None:
        """Forget all planned failures."""
        self._lab._look(lambda w: w.dns.heal())


class Laptop:
    """The machine that the notebook plays; as a context manager, until the block ends."""

    def __init__(self, spec: LaptopSpec, before: LaptopSpec, lab: Lab) -> None:
        self.name = spec.name
        self.address = spec.address
        self._before = before
        self._lab = lab

    def __repr__(self) -> str:
        return f"{self.name} [{self.address}]"

    def __enter__(self) -> Laptop:
        return self

    def __exit__(self, *_: object) -> None:
        self._lab._default_laptop = self._before


class ForeignHandle:
    """A program outside the lab that has an address in it; as a context manager, until the
    block ends."""

    def __init__(self, name: str, address: str, lab: Lab) -> None:
        self.name = name
        self.address = address
        self._lab = lab

    def __repr__(self) -> str:
        attached = self._lab._look(lambda w: w.foreign.get(self.name))
        services = ", ".join(attached.ports) if attached else "nothing any more"
        return f"{self.name} [{self.address}], a program outside the lab: reached for {services}"

    def detach(self) -> None:
        """Take the address back: from now on connections are refused.  Harmless twice."""
        self._lab.settle()
        self._lab._do(self._lab._running.detach(self.name))

    def __enter__(self) -> ForeignHandle:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lab.is_open:
            self.detach()
