"""The counter reads as a server does, and says nothing by itself."""

import asyncio
from typing import Any, cast

import pytest

from labmail.smtp.counter import BY_HAND, Counter


class FakeLine:
    """Remembers what was said, and whether it was closed."""

    connection = "a connection"

    def __init__(self) -> None:
        self.said = b""
        self.closed = ""
        self.events: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self, reason: str = "") -> None:
        self.closed = reason

    def emit(self, kind: type, **fields: Any) -> None:
        self.events.append(fields)


@pytest.fixture
def line() -> FakeLine:
    return FakeLine()


@pytest.fixture
def counter(line: FakeLine) -> Counter:
    counter = Counter(cast(Any, line))
    counter.connection_made(cast(asyncio.BaseTransport, None))
    return counter


def say(counter: Counter, *replies: str) -> None:
    for reply in replies:
        counter.answer(tuple(reply.split("\n")))


def test_it_is_on_record_that_a_person_answers(line: FakeLine, counter: Counter) -> None:
    assert [e["fault"] for e in line.events] == [BY_HAND]


def test_one_command_at_a_time_however_they_arrive(line: FakeLine, counter: Counter) -> None:
    counter.data_received(b"EHLO x\r\nMAIL FROM:<>\r\nRC")
    assert [t.verb for t in counter.turns] == [""]
    say(counter, "220 hi")
    assert [t.verb for t in counter.turns] == ["", "EHLO"]
    say(counter, "250-hi\n250 SIZE")
    counter.data_received(b"PT TO:<a@b.example>\r\n")
    say(counter, "250 ok")
    assert [t.said for t in counter.turns] == [
        b"",
        b"EHLO x",
        b"MAIL FROM:<>",
        b"RCPT TO:<a@b.example>",
    ]
    assert line.said == b"220 hi\r\n250-hi\r\n250 SIZE\r\n250 ok\r\n"
    assert counter.state == "mail" and counter.waits


def letter(counter: Counter, answer_to_data: str) -> None:
    say(counter, "220 hi")
    for command in (b"EHLO x", b"MAIL FROM:<>", b"RCPT TO:<a@b.example>"):
        counter.data_received(command + b"\r\n")
        say(counter, "250 ok")
    counter.data_received(b"DATA\r\n")
    say(counter, answer_to_data)


def test_a_letter_is_read_only_after_354(line: FakeLine, counter: Counter) -> None:
    letter(counter, "354 go")
    assert counter.state == "data" and not counter.waits
    counter.data_received(b"A: b\r\n\r\n..x\r\n.")
    assert not counter.waits
    counter.data_received(b"\r\nQUIT\r\n")
    assert (counter.turns[-1].verb, counter.turns[-1].said) == (".", b"A: b\r\n\r\n.x\r\n")
    say(counter, "250 mine")
    assert counter.turns[-1].verb == "QUIT" and counter.state == "ready"
    say(counter, "221 bye")
    assert line.closed and counter.state == "closed"


@pytest.mark.parametrize("answer", ["250 thanks", "451 later", "nonsense"])
def test_without_354_the_next_line_is_a_command(counter: Counter, answer: str) -> None:
    letter(counter, answer)
    counter.data_received(b"QUIT\r\n")
    assert counter.turns[-1].verb == "QUIT"
    assert counter.state == "rcpt"


def test_an_unfinished_reply_is_gone_on_with(line: FakeLine, counter: Counter) -> None:
    say(counter, "220-one")
    assert counter.waits
    say(counter, "220 two")
    assert counter.turns[0].lines == ("220-one", "220 two")
    assert not counter.waits and counter.state == "greeted"


def test_421_ends_it(line: FakeLine, counter: Counter) -> None:
    say(counter, "421 closed for lunch")
    assert line.closed


def test_a_line_without_end_is_cut(counter: Counter) -> None:
    say(counter, "220 hi")
    counter.data_received(b"x" * 5000)
    assert len(counter.turns[-1].said) == 5000 and counter.waits


def test_whoever_waits_is_told_when_the_client_is_gone() -> None:
    async def story() -> bool:
        counter = Counter(cast(Any, FakeLine()))
        say(counter, "220 hi")
        waiting = asyncio.ensure_future(counter.next_turn())
        await asyncio.sleep(0)
        counter.connection_lost(None)
        await asyncio.wait_for(waiting, 5)
        return counter.gone

    assert asyncio.run(story())
