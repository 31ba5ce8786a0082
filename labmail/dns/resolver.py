"""The resolver of one host: asks, checks, follows aliases, remembers.

A lookup walks along what is known: records end it, a CNAME leads on to the next
name, and where nothing is known the server is asked.  What the reply teaches
(`reply`) goes into the cache, and the walk goes on.  So a chain that runs through
several zones costs as many questions as its parts that nobody knows yet.

The resolver has no socket: it is handed ``ask``, and reaches only what that
lets it reach.  It never reads the settings of the machine it runs on.

What does not fit: a resolver at large starts at the root and is sent from server
to server; in the lab one server knows all zones, so there is one to ask.  And
query ids are to be unpredictable, lest replies be forged (RFC 5452 §9.2): here
they come from the lab's seed, so that every run is the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from labmail.dns.answers import Answer, Status
from labmail.dns.cache import Cache, Known
from labmail.dns.reply import Fact, Key, Lesson, read_reply
from labmail.dns.server import EDNS_UDP_SIZE
from labmail.runtime.ids import Ids
from labmail.trace.events import LookedUp
from labmail.trace.recorder import Emit

__all__ = ["MAX_ALIASES", "Answer", "Ask", "Known", "Resolver", "Status"]

Ask = Callable[[bytes, bool], Awaitable[bytes]]
"""``await ask(query, tcp)``: the reply.  Raises TimeoutError or OSError when none comes."""

MAX_ALIASES = 8
"""How many CNAMEs a lookup follows before it gives up."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far facts lead from a name: the facts, the seconds they all hold, and the name
    about which nothing is known yet.

    With nothing missing the walk has `ended` at a yes or a no; or it has not,
    and only aliases were found (a loop, or a chain too long to follow)."""

    facts: tuple[Fact, ...] = ()
    ttl: int | None = None
    missing: dns.name.Name | None = None
    ended: bool = False


class Resolver:
    """Looks names up for one host.

    host: the host's name, for the trace.  ask: sends a query to the server.
    now: lab time.  server: how the trace names the server that is asked.
    """

    def __init__(
        self,
        host: str,
        ask: Ask,
        now: Callable[[], datetime],
        emit: Emit,
        ids: Ids,
        server: str = "ns.lab",
    ) -> None:
        self._host = host
        self._ask = ask
        self._now = now
        self._emit = emit
        self._ids = ids
        self._server = server
        self._cache = Cache()

    def known(self) -> tuple[Known, ...]:
        """What the cache holds now, with the seconds each thing has left."""
        return self._cache.contents(self._now())

    def memory(self) -> dict[Key, tuple[Fact, datetime]]:
        """What the cache holds."""
        return self._cache.memory()

    def recall(self, memory: dict[Key, tuple[Fact, datetime]]) -> None:
        """Know this, and nothing else."""
        self._cache.recall(memory)

    def flush(self) -> None:
        """Forget everything, as an administrator does who cannot wait for a TTL."""
        self._cache.flush()

    async def lookup(self, name: str, rtype: str, parcel: int | None = None) -> Answer:
        """Look up the records of one type at one name, along its CNAMEs.

        The trace gets one `LookedUp` for each question asked, or one for an
        answer out of the cache.  A name that cannot be one (an empty label, a
        label over 63 octets) does not exist: NXDOMAIN, and nobody is asked.
        Raises ValueError when `rtype` is not a record type.
        """
        rdtype = _record_type(rtype)
        try:
            start = dns.name.from_text(name).canonicalize()
        except (dns.exception.DNSException, ValueError):
            self._report(name, rdtype, Lesson(Status.NXDOMAIN), "nobody", parcel)
            return _answer(name, rdtype, Status.NXDOMAIN, _Walk())
        return await self._lookup(start, rdtype, parcel)

    async def _lookup(
        self, start: dns.name.Name, rdtype: dns.rdatatype.RdataType, parcel: int | None
    ) -> Answer:
        name = _text(start)
        fresh: dict[Key, Fact] = {}
        while (walk := self._walk(start, rdtype, fresh)).missing is not None:
            lesson = await self._question(walk.missing, rdtype, parcel)
            if not lesson.status.known:
                return _answer(name, rdtype, lesson.status, walk)
            fresh.update((fact.key, fact) for fact in lesson.facts)
        status = walk.facts[-1].status if walk.ended else Status.SERVFAIL
        if not fresh:
            self._report(name, rdtype, Lesson(status, walk.facts), "cache", parcel, walk.ttl)
        return _answer(name, rdtype, status, walk)

    # --- walking along facts -----------------------------------------------------------

    def _walk(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, fresh: dict[Key, Fact]
    ) -> _Walk:
        """Follow what this lookup has just learned (`fresh`) and what the cache knows."""
        facts: list[Fact] = []
        ttl: int | None = None
        while len(facts) <= MAX_ALIASES:
            known = self._fact(name, rdtype, fresh)
            if known is None:
                return _Walk(tuple(facts), ttl, missing=name)
            fact, left = known
            facts.append(fact)
            ttl = left if ttl is None else min(ttl, left)
            if fact.target is None or rdtype == dns.rdatatype.CNAME:
                return _Walk(tuple(facts), ttl, ended=True)
            name = fact.target
        return _Walk(tuple(facts), ttl)

    def _fact(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, fresh: dict[Key, Fact]
    ) -> tuple[Fact, int] | None:
        """What is known about a name, and for how many seconds: records or their absence,
        the absence of the name, or an alias."""
        keys: tuple[Key, ...] = ((name, rdtype), (name, None))
        for key in keys:
            if known := self._held(key, fresh):
                return known
        alias = self._held((name, dns.rdatatype.CNAME), fresh)
        # That a name is no alias says nothing about its other records.
        return alias if alias and alias[0].target is not None else None

    def _held(self, key: Key, fresh: dict[Key, Fact]) -> tuple[Fact, int] | None:
        """What this lookup has learned under this key, or the cache knows."""
        if key in fresh:
            return fresh[key], fresh[key].ttl
        return self._cache.get(key, self._now())

    # --- asking the server ---------------------------------------------------------------

    async def _question(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, parcel: int | None
    ) -> Lesson:
        """Ask about one name, remember what the reply teaches, and record it."""
        query = dns.message.make_query(
            name,
            rdtype,
            use_edns=0,
            payload=EDNS_UDP_SIZE,
            flags=0,
            id=self._ids.number("dns query") % 0x1_0000,
        )
        lesson = await self._exchange(query, tcp=False)
        if lesson.truncated:  # RFC 2181 §9: ask again by a way with more room
            lesson = await self._exchange(query, tcp=True)
        for fact in lesson.facts:
            self._cache.keep(fact, self._now())
        self._report(_text(name), rdtype, lesson, self._server, parcel)
        return lesson

    async def _exchange(self, query: dns.message.Message, tcp: bool) -> Lesson:
        try:
            reply = await self._ask(query.to_wire(), tcp)
        except (TimeoutError, OSError, EOFError):  # silence, refusal, a stream that ends too soon
            return Lesson(Status.TIMEOUT)
        return read_reply(query, reply)

    def _report(
        self,
        name: str,
        rdtype: dns.rdatatype.RdataType,
        lesson: Lesson,
        server: str,
        parcel: int | None,
        ttl: int | None = None,
    ) -> None:
        self._emit(
            LookedUp,
            host=self._host,
            parcel=parcel,
            name=name,
            rtype=dns.rdatatype.to_text(rdtype),
            status=lesson.status.value,
            answers=lesson.records,
            ttl=lesson.ttl if ttl is None else ttl,
            server=server,
        )


def _record_type(rtype: str) -> dns.rdatatype.RdataType:
    try:
        rdtype = dns.rdatatype.from_text(rtype)
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"{rtype!r} is not a record type: use A, AAAA, MX, TXT, PTR, …") from None
    if dns.rdatatype.is_metatype(rdtype):
        raise ValueError(f"a lookup is for one record type: {rtype!r} is not one")
    return rdtype


def _answer(name: str, rdtype: dns.rdatatype.RdataType, status: Status, walk: _Walk) -> Answer:
    end = walk.facts[-1] if walk.facts else None
    canonical = name
    if end is not None:
        canonical = _text(end.name if walk.ended else end.target or end.name)
    return Answer(
        name=name,
        rtype=dns.rdatatype.to_text(rdtype),
        status=status,
        records=end.records if end is not None and status is Status.NOERROR else (),
        ttl=walk.ttl if status.known else None,
        canonical=canonical,
    )


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
