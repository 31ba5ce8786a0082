"""Planned faults of the network: who is stopped, how, and how long a way takes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from labmail.net.connection import Listener
from labmail.net.faults import EVERYBODY, Block, Cut, Delay, Ends, Faults, Way
from labmail.net.limits import Limits
from labmail.trace.events import Closed, ConnectFailed, Datagram, Place, Side

SON, MX1, MX2 = "192.0.2.25", "198.51.100.25", "198.51.100.26"
HANOI = Ends("smtp.hanoi.example", frozenset({SON}))
SAIGON = Ends("saigon.example", frozenset({MX1, MX2}))
LAPTOP, ECHO = "192.0.2.10", "192.0.2.25"
MakeTown = Callable[..., Any]


# --- the rules ----------------------------------------------------------------------------------


def stopped(fault: Cut | Block, client: str, server: str, port: int = 25) -> Way | None:
    faults = Faults()
    faults.plan(fault)
    return faults.stopping(client, server, port)


def test_a_cut_works_in_both_directions_and_for_nobody_else() -> None:
    cut = Cut(HANOI, SAIGON, Way.REFUSED)
    assert stopped(cut, SON, MX2) is Way.REFUSED
    assert stopped(cut, MX1, SON) is Way.REFUSED
    assert stopped(cut, MX1, MX2) is None
    assert stopped(cut, "192.0.2.53", MX1) is None


def test_cut_off_from_everybody() -> None:
    cut = Cut(HANOI, EVERYBODY)
    assert stopped(cut, SON, "192.0.2.53") is stopped(cut, MX1, SON) is Way.TIMED_OUT
    assert stopped(cut, MX1, MX2) is None


def test_a_blocked_port_has_a_direction() -> None:
    outward, inward = Block(HANOI, 25), Block(HANOI, 25, inward=True)
    assert stopped(outward, SON, MX1) is Way.TIMED_OUT
    assert stopped(outward, SON, MX1, port=587) is None
    assert stopped(outward, MX1, SON) is None
    assert stopped(inward, MX1, SON) is Way.TIMED_OUT
    assert stopped(inward, SON, MX1) is None


def test_delays_on_one_way_add_up() -> None:
    faults = Faults()
    faults.plan(Delay(HANOI, SAIGON, timedelta(milliseconds=80)))
    faults.plan(Delay(HANOI, EVERYBODY, timedelta(milliseconds=20)))
    assert faults.delay(MX1, SON) == timedelta(milliseconds=100)
    assert faults.delay(SON, "192.0.2.53") == timedelta(milliseconds=20)
    assert faults.delay(MX1, MX2) == timedelta(0)


def test_the_newer_plan_counts() -> None:
    faults = Faults()
    faults.plan(Cut(HANOI, SAIGON))
    faults.plan(Cut(SAIGON, HANOI, Way.REFUSED))
    faults.plan(Block(HANOI, 25))
    faults.plan(Block(HANOI, 587))
    assert [str(fault) for fault in faults.planned] == [
        "saigon.example and smtp.hanoi.example are cut off from each other (refused)",
        "port 25 (smtp) is blocked out of smtp.hanoi.example (timed out)",
        "port 587 (submission) is blocked out of smtp.hanoi.example (timed out)",
    ]


def test_mending() -> None:
    faults = Faults()
    plans = (
        Cut(HANOI, SAIGON),
        Block(HANOI, 25),
        Cut(SAIGON, EVERYBODY),
        Delay(HANOI, SAIGON, timedelta(1)),
    )
    for plan in plans:
        faults.plan(plan)
    assert faults.mend(HANOI, SAIGON) == (plans[0], plans[3])
    assert faults.mend(HANOI) == (plans[1],)
    assert faults.mend() == (plans[2],)
    assert faults.planned == faults.mend() == ()


def test_a_way_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'slow'.*'timed out', 'refused', 'no route'"):
        Way.called("slow")


# --- on the network -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "error", "reason"),
    [
        (Way.TIMED_OUT, TimeoutError, "timed out"),
        (Way.REFUSED, ConnectionRefusedError, "connection refused"),
        (Way.NO_ROUTE, OSError, "no route to host"),
    ],
)
def test_who_dials_into_a_cut_finds_out_at_once(
    make_town: MakeTown, way: Way, error: type[OSError], reason: str
) -> None:
    town = make_town()
    town.loop.call(plan(town, Cut(Ends("laptop", frozenset({LAPTOP})), EVERYBODY, way)))
    with pytest.raises(error):
        town.dial()
    (event,) = town.trace.of(ConnectFailed)
    assert (event.reason, event.server.ip, event.client.ip) == (reason, ECHO, LAPTOP)


def test_a_cut_ends_the_conversations_it_cuts(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        sock.recv(7)
        town.loop.call(plan(town, Cut(Ends("x", frozenset({MX1})), EVERYBODY)))
        assert town.trace.of(Closed) == ()
        town.loop.call(plan(town, Cut(Ends("echo", frozenset({ECHO})), EVERYBODY)))
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(7) == b""
    town.until_closed()
    assert town.trace.of(Closed)[0].reason == "the network between the two was cut"


def test_datagrams_vanish_in_a_cut(make_town: MakeTown) -> None:
    town = make_town()
    town.loop.call(listen(town, Mute))
    town.loop.call(plan(town, Cut(Ends("smtp", frozenset({SON})), EVERYBODY)))
    with pytest.raises(TimeoutError, match="cut off"):
        town.loop.call(town.network.ask("smtp", SON, "192.0.2.53", 53, b"who is it"))
    assert [event.data for event in town.trace.of(Datagram)] == [b"who is it"]


def test_whoever_asks_a_mute_server_need_not_wait(
    make_town: MakeTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labmail.net.network.UDP_PATIENCE", 300.0)
    town = make_town()
    town.loop.call(listen(town, Mute))
    with pytest.raises(TimeoutError, match="keeps silent"):
        town.loop.call(town.network.ask("smtp", SON, "192.0.2.53", 53, b"who is it"))


def test_a_server_that_stops_leaves_nobody_waiting(
    make_town: MakeTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labmail.net.network.UDP_PATIENCE", 300.0)
    town = make_town()
    listener = town.loop.call(listen(town, Thoughtful))

    async def race() -> None:
        asking = asyncio.ensure_future(
            town.network.ask("smtp", SON, "192.0.2.53", 53, b"who is it")
        )
        while not town.trace.of(Datagram):
            await asyncio.sleep(0)
        await town.network.unlisten(listener)
        with pytest.raises(TimeoutError):
            await asking

    town.loop.call(race())


def test_a_long_way_takes_lab_time_for_each_wait(make_town: MakeTown) -> None:
    """Connecting is one round trip, and each of two lines that the client says after an answer."""
    town = make_town()
    passed: list[timedelta] = []
    town.network.pass_time = passed.append
    length = timedelta(milliseconds=80)
    town.loop.call(plan(town, Delay(Ends("laptop", frozenset({LAPTOP})), EVERYBODY, length)))
    with town.dial() as sock:
        greeting = sock.recv(100)
        for word in (b"one\r\n", b"two\r\n"):
            sock.sendall(word)
            assert sock.recv(100)
    town.until_closed()
    assert greeting
    assert passed == [length] * 3


def test_behind_a_translator(make_town: MakeTown) -> None:
    """RFC 2663: the outer address leads in; the host inside does not see it."""
    town = make_town()
    town.network.translate("203.0.113.96", ECHO)
    sock = town.loop.call(town.network.dial("laptop", LAPTOP, "203.0.113.96", 110, kind="laptop"))
    sock.close()
    town.until_closed()
    assert town.network.name_of("203.0.113.96") == "echo.hanoi.example"
    assert town.trace.connections[0].server.ip == ECHO
    town.loop.call(plan(town, Cut(Ends("echo", frozenset({ECHO})), EVERYBODY)))
    with pytest.raises(TimeoutError):
        town.loop.call(town.network.dial("laptop", LAPTOP, "203.0.113.96", 110))


class Mute(asyncio.DatagramProtocol):
    """Answers nothing, and says so."""

    def __init__(self, record: Callable[..., None], silent: Callable[..., None]) -> None:
        self._silent = silent

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._silent(addr)


class Thoughtful(asyncio.DatagramProtocol):
    """Hears, and has not answered yet."""

    def __init__(self, record: Callable[..., None], silent: Callable[..., None]) -> None:
        self._record = record

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._record(addr, Side.CLIENT, data)


async def plan(town: Any, fault: Cut | Block | Delay) -> None:
    town.network.plan(fault)


async def listen(town: Any, serve: Any) -> Listener:
    place = Place("ns.lab", "192.0.2.53", 53)
    listener = Listener(place, "domain", lambda line: asyncio.Protocol(), Limits())
    await town.network.listen_with_datagrams(listener, serve)
    return listener
