"""The one thread that runs the world, and errands that run beside it.

All servers, all queues and the recorder live on one asyncio loop in one daemon
thread, so nothing in the lab needs a lock.  The notebook's thread asks for
something with `call` and waits for the answer.  This is the only file of the
package that knows threads.

A program that waits for an answer, as `smtplib` does, cannot wait in the notebook's thread when it
is the notebook that answers.  It runs as an `Errand`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LoopThread:
    """An asyncio loop in a thread of its own."""

    def __init__(self, name: str = "mail-lab") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the thread still serves calls."""
        return self._thread.is_alive() and not self._loop.is_closed()

    @property
    def ident(self) -> int | None:
        """The thread's identity, as `threading.get_ident` gives it."""
        return self._thread.ident

    def here(self) -> bool:
        """Whether the caller is on the loop's thread."""
        return threading.get_ident() == self._thread.ident

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result.

        An exception it raises is raised here.  Ctrl-C while waiting cancels it.
        Raises RuntimeError when called from the loop's own thread (it would wait
        for itself) or after `stop`.
        """
        if self.here() or not self.running:
            work.close()
            raise RuntimeError(
                "the lab's loop cannot wait for itself" if self.here() else "this lab is closed"
            )
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def run_soon(self, function: Callable[..., object], *args: object) -> None:
        """Run a plain function on the loop, without waiting."""
        self._loop.call_soon_threadsafe(function, *args)

    def stop(self) -> None:
        """End the loop and its thread; what is still under way is cancelled."""
        if not self.running:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._cancel_all()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


class Errand(Generic[T]):
    """A function that runs beside the notebook, on a daemon thread of its own, once.

    Whatever it waits for must end it: a socket that is closed, a time-out.
    """

    def __init__(self, work: Callable[[], T], name: str = "mail-lab errand") -> None:
        self._work = work
        self._result: T | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return not self._thread.is_alive()

    @property
    def error(self) -> Exception | None:
        """What it raised."""
        return self._error

    @property
    def result(self) -> T | None:
        """What it returned; None as long as it runs, or when it raised."""
        return self._result

    def wait(self, seconds: float) -> bool:
        """Wait for its end, but not for longer; whether it has ended."""
        self._thread.join(seconds)
        return self.done

    def _run(self) -> None:
        try:
            self._result = self._work()
        except Exception as error:
            self._error = error


def current_thread_ident() -> int:
    """The identity of the thread that asks."""
    return threading.get_ident()
