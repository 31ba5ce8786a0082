"""Lanes: so many places for a domain, then a line, first come first served."""

from __future__ import annotations

from labmail.queue.lanes import Lanes


def test_who_finds_a_lane_full_stands_in_line_once() -> None:
    lanes = Lanes(1)
    assert lanes.take("a.example", "ONE")
    assert not lanes.take("a.example", "TWO")
    assert not lanes.take("a.example", "TWO")
    assert not lanes.take("a.example", "THREE")
    assert lanes.maybe_next("a.example") is None
    lanes.leave("a.example")
    assert lanes.maybe_next("a.example") == "TWO"
    assert lanes.maybe_next("a.example") == "THREE"
    assert lanes.maybe_next("a.example") is None


def test_a_full_lane_stops_nobody_else() -> None:
    lanes = Lanes(1)
    assert lanes.take("a.example", "ONE")
    assert lanes.take("b.example", "ONE")


def test_unused_lanes_are_forgotten() -> None:
    lanes = Lanes(2)
    assert lanes.maybe_next("a.example") is None
    lanes.take("a.example", "ONE")
    lanes.take("a.example", "TWO")
    lanes.leave("a.example")
    assert len(lanes) == 1
    lanes.leave("a.example")
    assert len(lanes) == 0
