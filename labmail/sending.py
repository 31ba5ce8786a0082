"""The way out of a host: from a letter and a domain to the next hop that takes it.

The route says which hosts to try, best first (RFC 5321 §5.1).  One after the
other is dialled; the first that answers gets the letter, and what it says counts.
A hop that cannot be reached, or has trouble of its own before it has heard of
any recipient, is passed over for the next.  So is one that takes no mail at all, and
says so in its greeting (RFC 5321 §3.1): a backup may.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

from labmail.dns.resolver import Resolver
from labmail.net.addresses import SERVICES
from labmail.net.network import Network
from labmail.queue.outcome import Outcome
from labmail.runtime.ids import Ids
from labmail.smtp.relay import HandOver, relay
from labmail.smtp.replies import Reply
from labmail.smtp.route import Answer, Route, find_route
from labmail.trace.events import Routed
from labmail.trace.parcel import Parcel
from labmail.trace.recorder import Emit

SMTP_PORT = SERVICES["smtp"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Hands letters from one host to others.

    name, address: of the host that sends.  names: all its names (a host that
    finds itself among the MX must not send to itself).  tls: for STARTTLS, used
    when the next hop offers it (opportunistic: nothing is verified, RFC 7435 §3).
    """

    name: str
    address: str
    names: tuple[str, ...]
    network: Network
    resolver: Resolver
    ids: Ids
    emit: Emit
    tls: ssl.SSLContext | None

    async def send(
        self, parcel: Parcel, domain: str, *, as_it_is: bool = False, source: str = ""
    ) -> list[Outcome]:
        """Hand a letter to the recipients of one domain; one outcome for each.

        as_it_is: a weakness, see `labmail.smtp.lenient`.  source: the address to call from, if
        not the host's own.
        """
        route = await self.route(domain, parcel.number)
        if not route.hops:
            result = "refused" if route.failure == "permanent" else "deferred"
            return [
                Outcome(r, result, route.note, route.status)  # type: ignore[arg-type]
                for r in parcel.envelope.addresses
            ]
        refused: list[Outcome] = []
        deferred: list[Outcome] = []
        for hop in route.hops:
            for ip in hop.addresses:
                outcomes, settled = await self._try(parcel, hop.host, ip, as_it_is, source)
                if settled:
                    return outcomes
                if _all_deferred(outcomes):
                    deferred = outcomes
                else:
                    refused = outcomes
        return deferred or refused  # who could not answer may take it later

    async def route(self, domain: str, parcel: int | None = None) -> Route:
        """The way to a domain as it is now, for this letter or for none."""

        async def lookup(name: str, rtype: str) -> Answer:
            return await self.resolver.lookup(name, rtype, parcel)

        route = await find_route(lookup, domain, self.names, self.ids, (self.address,))
        self.emit(
            Routed,
            host=self.name,
            parcel=parcel,
            domain=domain,
            hops=tuple((h.preference, h.host, h.addresses) for h in route.hops),
            note=route.note,
        )
        return route

    async def _try(
        self, parcel: Parcel, host: str, ip: str, as_it_is: bool, source: str
    ) -> tuple[list[Outcome], bool]:
        """What became of the letter at one address, and whether that settles it for now."""
        out_of_time = asyncio.Event()
        try:
            sock = await self.network.dial(
                self.name,
                source or self.address,
                ip,
                SMTP_PORT,
                parcel=parcel.number,
                out_of_time=out_of_time,
            )
        except OSError as error:  # RFC 3463 §3.5: X.4.1, no answer from host
            reason = f"cannot connect to {host} [{ip}]: {error.strerror or error}"
            nobody = self._all(parcel.envelope.addresses, "deferred", reason, "4.4.1", host, ip)
            return nobody, False
        handed = await relay(
            sock,
            helo=self.name,
            server_name=host,
            envelope=parcel.envelope,
            content=parcel.content,
            tls_context=self.tls,
            out_of_time=out_of_time,
            as_it_is=as_it_is,
        )
        outcomes = [self._outcome(r, handed, host, ip) for r in parcel.envelope.addresses]
        return outcomes, handed.welcome and not _all_deferred(outcomes)

    def _outcome(self, recipient: str, handed: HandOver, host: str, ip: str) -> Outcome:
        reply: Reply = handed.results[recipient]
        if reply.positive:
            return Outcome(
                recipient, "relayed", str(reply), reply.status, host, ip, notifies=handed.dsn
            )
        result = "deferred" if reply.temporary else "refused"
        return Outcome(recipient, result, str(reply), reply.status, host, ip)  # type: ignore[arg-type]

    @staticmethod
    def _all(
        recipients: Iterable[str], result: str, reply: str, status: str, host: str, ip: str
    ) -> list[Outcome]:
        return [Outcome(r, result, reply, status, host, ip) for r in recipients]  # type: ignore[arg-type]


def _all_deferred(outcomes: list[Outcome]) -> bool:
    """Whether nobody was taken and nobody refused for good."""
    return all(outcome.result == "deferred" for outcome in outcomes)
