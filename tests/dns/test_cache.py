"""A cache keeps facts for their time, and no more of them than it may."""

from __future__ import annotations

from datetime import timedelta

import dns.name
import dns.rdatatype
import pytest

from labmail.dns import cache as module
from labmail.dns.answers import Status
from labmail.dns.cache import Cache, Known
from labmail.dns.reply import Fact
from labmail.runtime.clock import LAB_MORNING

A = dns.rdatatype.A


def fact(name: str, ttl: int, address: str = "192.0.2.1") -> Fact:
    return Fact(dns.name.from_text(name), A, Status.NOERROR, ttl, (address,))


def test_a_fact_lives_as_long_as_its_ttl() -> None:
    cache, one = Cache(), fact("a.example", 60)
    cache.keep(one, LAB_MORNING)
    assert cache.get(one.key, LAB_MORNING + timedelta(seconds=59)) == (one, 1)
    assert cache.get(one.key, LAB_MORNING + timedelta(seconds=60)) is None


def test_a_newer_fact_takes_the_place_of_the_older() -> None:
    cache, old, new = Cache(), fact("a.example", 60), fact("A.example", 30, "192.0.2.2")
    cache.keep(old, LAB_MORNING)
    cache.keep(new, LAB_MORNING)
    assert cache.get(old.key, LAB_MORNING) == (new, 30)


def test_a_ttl_of_zero_is_not_kept_and_ends_what_was_known() -> None:
    cache, old = Cache(), fact("a.example", 60)
    cache.keep(old, LAB_MORNING)
    cache.keep(fact("a.example", 0), LAB_MORNING)
    assert cache.get(old.key, LAB_MORNING) is None


def test_the_oldest_goes_when_the_cache_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FACTS", 2)
    cache = Cache()
    for name in ("a.example", "b.example", "c.example"):
        cache.keep(fact(name, 60), LAB_MORNING)
    assert [known.name for known in cache.contents(LAB_MORNING)] == ["b.example", "c.example"]


def test_contents_are_for_people() -> None:
    cache, later = Cache(), LAB_MORNING + timedelta(seconds=10)
    cache.keep(Fact(dns.name.from_text("No.example"), None, Status.NXDOMAIN, 300), LAB_MORNING)
    cache.keep(fact("a.example", 60), LAB_MORNING)
    cache.keep(fact("gone.example", 10), LAB_MORNING)
    assert cache.contents(later) == (
        Known("a.example", "A", "NOERROR", ("192.0.2.1",), 50, LAB_MORNING + timedelta(seconds=60)),
        Known("no.example", "ANY", "NXDOMAIN", (), 290, LAB_MORNING + timedelta(seconds=300)),
    )
    cache.flush()
    assert cache.contents(later) == ()
