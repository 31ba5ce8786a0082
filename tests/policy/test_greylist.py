"""Greylisting: who is put off, for how long, and who counts as the same caller."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labmail.policy.greylist import Greylist, Rules
from labmail.runtime.clock import LAB_MORNING

SON, MINH = "son@hanoi.example", "minh@saigon.example"
IP = "192.0.2.25"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def judged(greylist: Greylist, after: float, ip: str = IP, sender: str = SON) -> tuple[bool, str]:
    verdict = greylist.judge(ip, sender, MINH, LAB_MORNING + minutes(after))
    return verdict.welcome, verdict.why


def test_a_stranger_waits_and_is_known_from_then_on() -> None:
    greylist = Greylist()
    assert judged(greylist, 0) == (False, "seen for the first time")
    assert judged(greylist, 4.9) == (False, "came again too soon")
    assert judged(greylist, 5) == (True, "came again in time")
    assert judged(greylist, 5) == (True, "known")


def test_the_wait_counts_from_the_first_try_not_from_the_last() -> None:
    greylist = Greylist(Rules(after=minutes(10)))
    for moment in (0, 3, 6, 9):
        verdict = greylist.judge(IP, SON, MINH, LAB_MORNING + minutes(moment))
        assert verdict.again == LAB_MORNING + minutes(10)
    assert judged(greylist, 10)[0]


@pytest.mark.parametrize(
    ("ip", "sender", "recipient"),
    [("192.0.2.26", SON, MINH), (IP, "", MINH), (IP, SON, "hoa@saigon.example")],
)
def test_each_part_of_the_triplet_makes_another_stranger(
    ip: str, sender: str, recipient: str
) -> None:
    greylist = Greylist()
    judged(greylist, 0)
    later = LAB_MORNING + minutes(30)
    assert not greylist.judge(ip, sender, recipient, later).welcome
    assert greylist.judge(IP, SON.upper(), MINH.upper(), later).welcome


def test_a_pool_is_one_caller_when_fewer_bits_are_compared() -> None:
    exact, loose = Greylist(), Greylist(Rules(bits=24))
    for greylist in (exact, loose):
        judged(greylist, 0, "192.0.2.25")
    assert judged(exact, 30, "192.0.2.201") == (False, "seen for the first time")
    assert judged(loose, 30, "192.0.2.201") == (True, "came again in time")
    assert judged(loose, 30, "198.51.100.25") == (False, "seen for the first time")


def test_of_ipv6_the_network_is_compared() -> None:
    greylist = Greylist()
    judged(greylist, 0, "2001:db8::1")
    assert judged(greylist, 30, "2001:db8::ffff")[0]
    assert not judged(greylist, 30, "2001:db8:0:1::1")[0]


def test_who_comes_too_late_begins_anew() -> None:
    greylist = Greylist(Rules(window=timedelta(hours=4)))
    judged(greylist, 0)
    assert judged(greylist, 241) == (False, "seen too long ago")
    assert judged(greylist, 250)[0]


def test_who_is_known_is_forgotten_after_a_long_silence() -> None:
    greylist = Greylist(Rules(remember=timedelta(days=1)))
    judged(greylist, 0)
    judged(greylist, 10)
    assert judged(greylist, 10 + 24 * 60) == (True, "known")
    assert judged(greylist, 11 + 48 * 60) == (False, "seen too long ago")


def test_a_memory_can_be_given_back() -> None:
    greylist = Greylist()
    judged(greylist, 0)
    before = greylist.memory()
    judged(greylist, 10)
    greylist.recall(before)
    assert greylist.seen == before
    assert judged(greylist, 1) == (False, "came again too soon")


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ({"after": timedelta(0)}, "after"),
        ({"window": minutes(5)}, "window"),
        ({"remember": timedelta(0)}, "remember"),
        ({"bits": 0}, "bits=0"),
        ({"bits": 33}, "bits=33"),
    ],
)
def test_rules_that_make_no_sense(rules: dict[str, timedelta], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Rules(**rules)  # type: ignore[arg-type]
