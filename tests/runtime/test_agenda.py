import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from labmail.runtime.agenda import Agenda
from labmail.runtime.clock import LAB_MORNING, Clock, RunningClock

MINUTE = timedelta(minutes=1)


class Story:
    """An agenda whose work writes down what was done, and when."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.done: list[tuple[str, float]] = []
        self.errors: list[str] = []
        self.agenda = Agenda(
            self.clock, self.rest, lambda what, error: self.errors.append(f"{what}: {error}")
        )

    async def rest(self) -> None:
        await asyncio.sleep(0)

    def work(
        self, name: str, then: Callable[[], None] = lambda: None
    ) -> Callable[[], Awaitable[None]]:
        async def do() -> None:
            self.done.append((name, (self.clock.now() - LAB_MORNING) / MINUTE))
            then()

        return do

    def plan(self, name: str, minutes: float, then: Callable[[], None] = lambda: None) -> None:
        self.agenda.at(LAB_MORNING + minutes * MINUTE, name, self.work(name, then))


def test_due_work_is_done_in_the_order_of_time_then_of_writing() -> None:
    async def play() -> list[tuple[str, float]]:
        story = Story()
        story.plan("later", 5)
        story.plan("b", 0)
        story.plan("a", 0)
        assert await story.agenda.run_due() == 2
        return story.done

    assert asyncio.run(play()) == [("b", 0), ("a", 0)]


def test_advance_hops_from_one_due_thing_to_the_next() -> None:
    async def play() -> Story:
        story = Story()
        story.plan("first", 30, lambda: story.plan("second", 90))
        story.plan("too late", 300)
        assert await story.agenda.advance_to(LAB_MORNING + 240 * MINUTE) == 2
        return story

    story = asyncio.run(play())
    assert story.done == [("first", 30), ("second", 90)]
    assert story.clock.now() == LAB_MORNING + 240 * MINUTE
    assert story.agenda.upcoming() == [(LAB_MORNING + 300 * MINUTE, "too late")]


def test_cancelled_work_is_not_done() -> None:
    async def play() -> list[tuple[str, float]]:
        story = Story()
        story.agenda.at(LAB_MORNING, "x", story.work("x")).cancel()
        assert story.agenda.next_due() is None
        await story.agenda.run_due()
        return story.done

    assert asyncio.run(play()) == []


def test_broken_work_is_told_and_stops_nothing() -> None:
    async def play() -> Story:
        story = Story()

        def break_down() -> None:
            raise ValueError("no paper")

        story.plan("broken", 0, break_down)
        story.plan("next", 0)
        await story.agenda.run_due()
        return story

    story = asyncio.run(play())
    assert story.errors == ["broken: no paper"]
    assert [name for name, _ in story.done] == ["broken", "next"]


def test_a_live_agenda_does_work_by_itself_and_side_by_side() -> None:
    async def play() -> list[str]:
        meeting = asyncio.Barrier(2)
        met: list[str] = []
        clock = RunningClock()
        story = Story(clock)

        async def meet() -> None:
            await meeting.wait()
            met.append("met")

        running = asyncio.ensure_future(story.agenda.run_forever())
        story.agenda.at(clock.now(), "one", meet)
        story.agenda.at(clock.now() + timedelta(milliseconds=1), "two", meet)
        while len(met) < 2:
            await asyncio.sleep(0)
        await story.agenda.idle()
        running.cancel()
        return met

    assert asyncio.run(asyncio.wait_for(play(), 10)) == ["met", "met"]
