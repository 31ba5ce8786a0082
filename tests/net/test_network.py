import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from typing import Any

import pytest

from labmail.net.addresses import port_of
from labmail.net.connection import Listener
from labmail.net.limits import Limits
from labmail.net.network import NoRoute
from labmail.trace.events import Closed, ConnectFailed, Datagram, Place, Side

MakeTown = Callable[..., Any]


class Upper(asyncio.DatagramProtocol):
    """Answers a datagram with its capitals; says nothing to "quiet"."""

    def __init__(self, record: Callable[..., None], silent: Callable[..., None]) -> None:
        self._record = record
        self._silent = silent

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._record(addr, Side.CLIENT, data)
        if data != b"quiet":
            self._record(addr, Side.SERVER, data.upper())
            self._transport.sendto(data.upper(), addr)


def test_nobody_listens_there(make_town: MakeTown) -> None:
    town = make_town()
    dial = town.network.dial("son-laptop.hanoi.example", "192.0.2.10", "192.0.2.25", 25)
    with pytest.raises(ConnectionRefusedError, match=r"echo.hanoi.example .* port 25 \(smtp\)"):
        town.loop.call(dial)
    assert town.trace.of(ConnectFailed)[0].reason == "connection refused"


def test_nobody_has_the_address(make_town: MakeTown) -> None:
    town = make_town()
    with pytest.raises(NoRoute, match=r"203\.0\.113\.99"):
        town.loop.call(town.network.dial("x", "192.0.2.10", "203.0.113.99", 25))


def test_a_second_listener_at_the_same_place_is_refused(make_town: MakeTown) -> None:
    town = make_town()
    with pytest.raises(OSError, match="already listens"):
        town.loop.call(town.network.listen(town.listener))


def test_two_networks_do_not_clash(make_town: MakeTown) -> None:
    one, two = make_town(), make_town()
    with one.dial() as a, two.dial() as b:
        assert a.recv(7) == b.recv(7) == b"hello\r\n"
    assert len(one.trace.connections) == len(two.trace.connections) == 1


def test_stopping_cuts_open_connections(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        sock.recv(7)
        town.loop.call(town.network.unlisten(town.listener))
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""
    assert town.trace.of(Closed)[0].reason == "the server was stopped"
    assert town.network.real_port("192.0.2.25", 110) is None
    town.loop.call(town.network.listen(town.listener))
    with town.dial() as sock:
        assert sock.recv(7) == b"hello\r\n"


def test_the_world_is_not_at_rest_while_a_host_of_it_talks(make_town: MakeTown) -> None:
    town = make_town()
    sock = town.dial(kind="host")

    async def rest_and_hang_up() -> list[str]:
        order = []
        waiting = asyncio.ensure_future(town.network.rest())
        for _ in range(10):
            await asyncio.sleep(0)
        order.append("resting" if waiting.done() else "waiting")
        sock.close()
        await waiting
        order.append("rest")
        return order

    assert town.loop.call(rest_and_hang_up()) == ["waiting", "rest"]


def test_a_program_of_the_notebook_may_keep_its_connection(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial(kind="laptop") as sock:
        sock.recv(7)
        town.rest()


def test_datagrams_and_streams_share_a_port(make_town: MakeTown) -> None:
    town = make_town()
    place = Place("ns.lab", "192.0.2.53", 53)
    listener = Listener(place, "domain", lambda line: asyncio.Protocol(), Limits())
    town.loop.call(town.network.listen_with_datagrams(listener, Upper))
    ask = town.network.ask("smtp.hanoi.example", "192.0.2.25", "192.0.2.53", 53, b"who is it")
    assert town.loop.call(ask) == b"WHO IS IT"
    question, answer = town.trace.of(Datagram)
    assert (question.client, answer.sender) == (answer.client, Side.SERVER)
    assert question.client.name == "smtp.hanoi.example"


def test_a_question_to_nobody_is_never_answered(make_town: MakeTown) -> None:
    town = make_town()
    with pytest.raises(TimeoutError, match="nothing listens there"):
        town.loop.call(town.network.ask("x", "192.0.2.25", "192.0.2.53", 53, b"hello?"))
    assert town.trace.of(Datagram)[0].data == b"hello?"


def test_who_has_dialled_has_been_heard(make_town: MakeTown) -> None:
    """The call is in the trace when `dial` returns, also when nobody waits for a greeting."""
    town = make_town()
    for number in range(1, 4):
        town.dial().close()
        assert len(town.trace.connections) == number
    town.rest()
    assert len(town.trace.of(Closed)) == 3


def test_who_calls_while_the_server_stops_is_turned_away(make_town: MakeTown) -> None:
    town = make_town()

    async def race() -> BaseException | None:
        dial = town.network.dial("x", "192.0.2.10", "192.0.2.25", 110)
        calling = asyncio.ensure_future(dial)
        await asyncio.sleep(0)
        await town.network.unlisten(town.listener)
        with contextlib.suppress(OSError):
            (await asyncio.wait_for(calling, 10)).close()
        return calling.exception()

    assert isinstance(town.loop.call(race()), OSError | None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("turns", range(8))
def test_no_caller_is_turned_away_behind_its_back(make_town: MakeTown, turns: int) -> None:
    """Twenty call, the server stops some turns of the loop later: each hears yes or no, and no
    second no is left for which nobody waits.

    (asyncio itself leaves a call to the garbage collector that it has accepted when its server is
    closed: its socket warns, and that is none of ours.)
    """
    town = make_town()
    unheard: list[dict[str, Any]] = []

    async def race() -> list[Any]:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: unheard.append(about))
        dial = town.network.dial
        calls = [dial("x", "192.0.2.10", "192.0.2.25", 110, kind="host") for _ in range(20)]
        calling = asyncio.gather(*calls, return_exceptions=True)
        for _ in range(turns):
            await asyncio.sleep(0)
        await town.network.unlisten(town.listener)
        return list(await asyncio.wait_for(calling, 10))

    ends = town.loop.call(race())
    refused = [end for end in ends if isinstance(end, ConnectionError)]
    connected = [end for end in ends if isinstance(end, socket.socket)]
    assert len(refused) + len(connected) == 20
    for sock in connected:
        sock.close()
    del ends, refused
    gc.collect()  # what nobody has heard is told when it is thrown away
    town.rest()
    assert unheard == []


def test_a_server_that_cannot_be_made_leaves_no_door_open(
    make_town: MakeTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town()
    opened: list[socket.socket] = []
    bound_socket = town.network._bound_socket

    def remember(*about: Any) -> socket.socket:
        opened.append(bound_socket(*about))
        return opened[-1]

    def broken(*_: object) -> asyncio.DatagramProtocol:
        raise RuntimeError("no zones")

    monkeypatch.setattr(town.network, "_bound_socket", remember)
    place = Place("ns.lab", "192.0.2.53", 53)
    listener = Listener(place, "domain", lambda line: asyncio.Protocol(), Limits())
    with pytest.raises(RuntimeError, match="no zones"):
        town.loop.call(town.network.listen_with_datagrams(listener, broken))
    assert [sock.fileno() for sock in opened] == [-1] * len(opened) != []
    assert town.network.real_port("192.0.2.53", 53) is None
    town.loop.call(town.network.listen_with_datagrams(listener, Upper))
    ask = town.network.ask("x", "192.0.2.25", "192.0.2.53", 53, b"again")
    assert town.loop.call(ask) == b"AGAIN"


@pytest.mark.parametrize(("port", "number"), [("smtp", 25), (25, 25), (1, 1), (65535, 65535)])
def test_a_port_by_name_or_number(port: int | str, number: int) -> None:
    assert port_of(port) == number


@pytest.mark.parametrize("port", [0, -1, 65536, 99999, True, 25.0, None])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(ValueError, match=f"{port!r} is no port: write a number from 1 to 65535"):
        port_of(port)


def test_a_service_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no service is called 'stmp'; there are: smtp,"):
        port_of("stmp")
