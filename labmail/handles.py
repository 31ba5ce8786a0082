"""The parts of a world, as the notebook handles them: a host, the DNS, a laptop.

A handle is a name and a way to ask for things.  It holds nothing of its own, so it stays
good when the lab is reset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.smtp import faults
from labmail.smtp.faults import Deed
from labmail.smtp.lenient import leniencies
from labmail.world import LaptopSpec

if TYPE_CHECKING:
    from labmail.lab import Lab


class HostHandle:
    """One host, as the notebook handles it: stop it, start it again, plan trouble for it.

    Trouble is planned at a *moment* of an SMTP session: a verb ("RCPT"), "CONNECT" for the
    greeting, "." for the end of the letter.  It strikes the next `times` times, or every
    time until `heal`.  ``sender="*@hanoi.example"`` and (at RCPT) ``recipient=…`` say whom
    it is meant for.  Several plans for one moment are used up one after the other.
    """

    def __init__(self, name: str, lab: Lab) -> None:
        self.name = name
        self._lab = lab

    def __repr__(self) -> str:
        listening = ", ".join(self.running) or "nothing"
        trouble = self._lab._look(lambda w: w.trouble_of(self.name))
        return f"{self.name}: listens for {listening}" + (f"; {trouble}" if trouble else "")

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

    # --- planned trouble ------------------------------------------------------------------

    def answer(
        self,
        verb: str,
        reply: str,
        *,
        times: int | None = None,
        sender: str | None = None,
        recipient: str | None = None,
    ) -> None:
        """Refuse a command: ``host.answer("RCPT", "450 4.2.1 Mailbox busy, try again", times=2)``.

        It is not carried out, and `reply` is the answer; 421 also ends the session.  Raises
        ValueError when there is no such moment, or when `reply` is no refusal.
        """
        self._plan(verb, faults.refusal(reply), times, sender, recipient)

    def hang_up(
        self,
        verb: str,
        when: str = "before",
        *,
        times: int | None = None,
        sender: str | None = None,
        recipient: str | None = None,
    ) -> None:
        """End the connection: *before* the command is carried out, *between* that and the
        answer, or *after* the answer.

        ``host.hang_up(".", "between", times=1)``: the letter is taken, and the client never
        hears the 250.
        """
        self._plan(verb, faults.hang_up(when), times, sender, recipient)

    def silence(
        self,
        verb: str,
        *,
        times: int | None = None,
        sender: str | None = None,
        recipient: str | None = None,
    ) -> None:
        """Do not answer.  Other hosts lose patience at once, without waiting real minutes; a
        program of yours waits for as long as its own ``timeout=`` says, at most 10 seconds."""
        self._plan(verb, faults.Silence(), times, sender, recipient)

    def lenient(self, *roles: str) -> None:
        """Make the host lenient about line ends, as old servers were: as ``"sender"`` it takes a
        lone LF and passes it on, as ``"receiver"`` it takes LF for the end of a line, and LF .
        LF for the end of a letter.  Together they let letters be smuggled (see
        `labmail.smtp.lenient`).  It holds for connections to come, until `heal`."""
        self._lab.settle()
        found = leniencies(roles)
        self._lab._look(lambda w: w.mail_host(self.name).be_lenient(found))

    def heal(self) -> None:
        """Forget all planned trouble, and be strict about line ends again."""
        self._lab._look(lambda w: w.mail_host(self.name).heal())

    def _plan(
        self,
        verb: str,
        deed: Deed,
        times: int | None,
        sender: str | None,
        recipient: str | None,
    ) -> None:
        fault = faults.planned(verb, deed, times=times, sender=sender, recipient=recipient)
        self._lab._look(lambda w: w.mail_host(self.name).faults.plan(fault))

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
