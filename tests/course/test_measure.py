"""Counting the work of a letter, and lab time."""

from datetime import timedelta
from math import comb

from labmail import Lab
from labmail.course import (
    delay_bars,
    delays,
    effort,
    fair_range,
    journey,
    share_bars,
    side_by_side,
)
from labmail.course.measure import Effort

SON, LAN, MINH = "son@hanoi.example", "lan@hanoi.example", "minh@saigon.example"


def test_a_letter_between_two_domains_and_one_within(lab: Lab) -> None:
    with lab.record() as near:
        lab.user(SON).send(to=LAN, subject="Gần", text="…")
        lab.settle()
    far = journey(lab)
    assert effort(near) == Effort(1, 1, 1, 0, 0, 0, 10)
    assert effort(far) == Effort(1, 2, 2, 1, 1, 5, 19)
    rows = {row[0]: row[1:] for row in side_by_side({"near": near, "far": far}).rows}
    assert rows["questions of mail servers to the DNS"] == ("0", "5")


def test_delays_are_lab_time(lab: Lab) -> None:
    hosts = [lab.host("mx1.saigon.example"), lab.host("mx2.saigon.example")]
    for host in hosts:
        host.stop()
    for to in (MINH, LAN):
        lab.user(SON).send(to=to, subject="Tới chưa?", text="…")
    lab.advance("10m")
    for host in hosts:
        host.start()
    lab.advance("1h")
    assert sorted(delays(lab.trace).values()) == [timedelta(0), timedelta(minutes=30)]
    assert list(delays(lab.trace, MINH).values()) == [timedelta(minutes=30)]
    assert delay_bars(lab.trace).counts == {"at once": 1, "30 min": 1}
    assert delay_bars(lab.trace, LAN).title.startswith("1 letters to lan@hanoi.example")


def test_nothing_to_count(lab: Lab) -> None:
    with lab.record() as trace:
        pass
    assert effort(trace) == Effort(0, 0, 0, 0, 0, 0, 0)
    assert delays(trace) == {}
    assert delay_bars(trace).counts == {}


def test_what_a_fair_coin_would_do() -> None:
    assert fair_range(1000) == (470, 530)
    assert fair_range(100) == (41, 59)
    outside = sum(comb(1000, k) for k in range(470)) * 2 / 2**1000
    assert 0.04 < outside < 0.06, "95 of 100, as the words say"


def test_shares_are_shown_beside_chance() -> None:
    text = share_bars({"mx2": 40, "mx1": 60}, "routes").text()
    assert text.startswith("100 routes")
    assert text.index("mx1") < text.index("mx2"), "in the order of names"
    assert "41 to 59" in text
