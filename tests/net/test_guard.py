import asyncio
import socket

import pytest

from labmail.net.guard import LeavingTheLab, guard_thread, is_loopback, release_thread
from labmail.runtime.loop import LoopThread


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", b"127.0.0.1", None])
def test_this_machine(host: object) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.25", "0.0.0.0", "::", "mail.hanoi.example", "", 7])
def test_not_this_machine(host: object) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("action", ["connect", "sendto", "bind", "getaddrinfo"])
def test_the_labs_thread_does_not_leave(action: str) -> None:
    async def leave() -> None:
        kind = socket.SOCK_DGRAM if action == "sendto" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as sock:
            match action:
                case "connect":
                    sock.connect(("192.0.2.1", 25))
                case "sendto":
                    sock.sendto(b"x", ("192.0.2.1", 25))
                case "bind":
                    sock.bind(("0.0.0.0", 0))
                case "getaddrinfo":
                    socket.getaddrinfo("mail.hanoi.example", 25)

    loop = LoopThread()
    assert loop.ident is not None
    guard_thread(loop.ident)
    try:
        with pytest.raises(LeavingTheLab, match="loopback only"):
            loop.call(leave())
    finally:
        loop.stop()
        release_thread(loop.ident)


def test_loopback_is_free_and_other_threads_are_not_guarded() -> None:
    async def stay() -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))

    loop = LoopThread()
    assert loop.ident is not None
    guard_thread(loop.ident)
    try:
        loop.call(stay())
        with socket.socket() as sock:
            sock.bind(("0.0.0.0", 0))  # here, in the test's own thread
    finally:
        loop.stop()
        release_thread(loop.ident)
    assert asyncio.iscoroutinefunction(stay)
