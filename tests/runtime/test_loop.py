import asyncio
import socket

import pytest

from labmail.runtime.loop import Errand, LoopThread


def test_answers_and_errors_come_back_to_the_caller() -> None:
    async def double(n: int) -> int:
        return 2 * n

    async def fail() -> None:
        raise KeyError("lost")

    loop = LoopThread()
    try:
        assert loop.call(double(21)) == 42
        with pytest.raises(KeyError, match="lost"):
            loop.call(fail())
    finally:
        loop.stop()


def test_the_loop_does_not_wait_for_itself() -> None:
    loop = LoopThread()

    async def call_from_inside() -> str:
        try:
            loop.call(asyncio.sleep(0))
        except RuntimeError as error:
            return str(error)
        return "it waited"

    try:
        assert "cannot wait for itself" in loop.call(call_from_inside())
    finally:
        loop.stop()


def test_stop_ends_what_is_under_way_and_can_be_said_twice() -> None:
    loop = LoopThread()
    ended: list[str] = []

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    async def begin() -> asyncio.Task[None]:
        task = asyncio.ensure_future(wait_for_ever())
        await asyncio.sleep(0)
        return task

    loop.call(begin())
    loop.stop()
    loop.stop()
    assert ended == ["ended"] and not loop.running
    with pytest.raises(RuntimeError, match="closed"):
        loop.call(asyncio.sleep(0))


def test_an_errand_runs_beside_and_says_how_it_ended() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        errand = Errand(lambda: theirs.recv(10))
        assert not errand.done and errand.result is None
        assert not errand.wait(0.01)
        ours.sendall(b"hello")
        assert errand.wait(5)
    assert (errand.result, errand.error) == (b"hello", None)


def test_an_errand_that_fails() -> None:
    errand = Errand(lambda: 1 / 0)
    assert errand.wait(5)
    assert isinstance(errand.error, ZeroDivisionError)
