"""What the stories share: the two friends, and a tap that is not the lab's."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from labmail import Lab
from labmail.user import User


@pytest.fixture
def son(lab: Lab) -> User:
    return lab.user("son@hanoi.example")


@pytest.fixture
def minh(lab: Lab) -> User:
    return lab.user("minh@saigon.example")


class WireTap:
    """Stands between a client and the lab and copies every octet that passes.

    It knows nothing of the lab's own tap: what both have seen must be the same.
    """

    def __init__(self, server: socket.socket) -> None:
        self.octets = {"client": bytearray(), "server": bytearray()}
        self.client_end, ours = socket.socketpair()
        self._pumps = [
            threading.Thread(target=self._pump, args=(ours, server, "client")),
            threading.Thread(target=self._pump, args=(server, ours, "server")),
        ]
        self._sockets = (ours, server)
        for pump in self._pumps:
            pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, sender: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.octets[sender] += data
                with contextlib.suppress(OSError):  # who has hung up is not listening any more
                    sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def until_hung_up(self) -> None:
        for pump in self._pumps:
            pump.join(20)
        for sock in self._sockets:
            sock.close()


@pytest.fixture
def taps(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[WireTap]]:
    """Every connection of the notebook goes through a tap of the test's own."""
    taps: list[WireTap] = []
    dial = lab.dial

    def tapped(host: str, port: int) -> socket.socket:
        taps.append(WireTap(dial(host, port)))
        return taps[-1].client_end

    monkeypatch.setattr(lab, "dial", tapped)
    yield taps
    for tap in taps:
        tap.client_end.close()
        tap.until_hung_up()
