"""Lab time as a line."""

from datetime import datetime, timedelta

import pytest

from labmail.runtime.clock import LAB_MORNING
from labmail.views.timeline import Span


def names(span: Span) -> list[str]:
    return [name for _, name in span.ticks()]


def after(**length: float) -> Span:
    return Span(LAB_MORNING, LAB_MORNING + timedelta(**length))


@pytest.mark.parametrize(
    ("span", "first", "second"),
    [
        (after(minutes=40), "09:00", "09:05"),
        (after(hours=4), "09:00", "09:30"),
        (after(hours=9), "09:00", "10:00"),
        (after(days=2), "Mon 12:00", "Mon 18:00"),
        (after(days=5), "Tue 3 Mar", "Wed 4 Mar"),
    ],
)
def test_round_moments_are_named(span: Span, first: str, second: str) -> None:
    assert names(span)[:2] == [first, second]
    assert len(names(span)) <= 10
    places = [span.place(moment) for moment, _ in span.ticks()]
    assert places == sorted(places) and min(places) >= 0 and max(places) <= 1


def test_a_moment_alone_has_a_line_too() -> None:
    span = Span.around([LAB_MORNING])
    assert span.place(LAB_MORNING) == 0
    assert names(span) == ["09:00", "09:01"]


def test_nothing_has_no_line() -> None:
    none: list[datetime] = []
    with pytest.raises(ValueError, match="empty"):
        Span.around(none)
