from __future__ import annotations

import asyncio

import pytest

from labmail.smtp.intake import HIGH, Intake, LineTooLong


def with_intake(story):
    async def main():
        moves = []
        intake = Intake(lambda: moves.append("pause"), lambda: moves.append("resume"))
        await story(intake, moves)

    asyncio.run(main())


def test_lines_as_they_end():
    async def story(intake, moves):
        waiting = asyncio.ensure_future(intake.line(100))
        for byte in (b"a", b"b", b"\r"):
            intake.feed(byte)
            await asyncio.sleep(0)
            assert not waiting.done()
        intake.feed(b"\nc\n\n")
        assert await waiting == b"ab\r\n"
        assert [await intake.line(100), await intake.line(100)] == [b"c\n", b"\n"]
        intake.feed(b"rest")
        intake.end()
        assert await intake.line(100) is None
        assert await intake.chunk() == b"rest"
        assert await intake.chunk() is None

    with_intake(story)


def test_the_limit_needs_no_end_of_line():
    async def story(intake, moves):
        intake.feed(b"a" * 9 + b"\n")
        assert len(await intake.line(10)) == 10
        intake.feed(b"a" * 10)
        with pytest.raises(LineTooLong):
            await intake.line(10)
        intake.feed(b"\n")
        with pytest.raises(LineTooLong):
            await intake.line(10)

    with_intake(story)


def test_forget_and_give_back():
    async def story(intake, moves):
        intake.feed(b"NOOP\r\n")
        intake.forget()
        assert len(intake) == 0
        intake.feed(b"b\n")
        intake.give_back(b"a\n")
        assert await intake.line(10) == b"a\n"

    with_intake(story)


def test_too_much_makes_the_client_wait():
    async def story(intake, moves):
        intake.feed(b"a" * HIGH)
        assert moves == []
        intake.feed(b"a")
        intake.feed(b"a")
        assert moves == ["pause"]
        await intake.chunk()
        assert moves == ["pause", "resume"]

    with_intake(story)
