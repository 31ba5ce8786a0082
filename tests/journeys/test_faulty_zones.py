"""Each faulty zone has the symptom that data/zones/faulty/README.md promises, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labmail import Lab
from labmail.dns.masterfile import ZoneError
from labmail.trace.events import Bounced, Deferred, Delivered, Event, LookedUp, Routed

FOLDER = Path(__file__).parents[2] / "data" / "zones" / "faulty"
ROW = re.compile(r'^\| `(\d\d)\.zone` \|[^|]+\| ([\w ]+?)(?: `([\d.]+)`)?: "([^"]+)"', re.MULTILINE)
PROMISED = {
    number: (fate, code, words)
    for number, fate, code, words in ROW.findall((FOLDER / "README.md").read_text("utf-8"))
}


@pytest.fixture(scope="module")
def course() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(course: Lab) -> Lab:
    course.dns.reset()
    course.dns.flush()
    return course


def send(lab: Lab) -> tuple[Event, ...]:
    with lab.record() as trace:
        lab.user("son@hanoi.example").send("minh@saigon.example", "Chào", "…")
        lab.settle()
    return tuple(trace)


def fate(events: tuple[Event, ...]) -> list[str]:
    """What became of the letter: notifications that arrive are left out."""
    fates = []
    for event in events:
        match event:
            case Bounced():
                fates.append("bounced")
            case Deferred():
                fates.append("deferred")
            case Delivered(account="minh@saigon.example"):
                fates.append("delivered")
    return fates


def words(events: tuple[Event, ...]) -> str:
    said = [e.note for e in events if isinstance(e, Routed)]
    said += [e.reason for e in events if isinstance(e, Bounced | Deferred)]
    said += [f"{e.ttl}" for e in events if isinstance(e, LookedUp) and e.rtype == "MX"]
    return "\n".join(said)


def test_every_zone_has_its_row() -> None:
    assert sorted(PROMISED) == sorted(path.stem for path in FOLDER.glob("*.zone"))
    assert len(PROMISED) == 15


def test_the_files_give_nothing_away() -> None:
    telling = re.compile(r"alias|null mx|missing|wrong|lame|typo|fault", re.IGNORECASE)
    for path in FOLDER.glob("*.zone"):
        assert telling.search(path.read_text("utf-8")) is None, path


def numbers(*fates: str) -> list[str]:
    return [number for number, (fate, _, _) in PROMISED.items() if fate in fates]


@pytest.mark.parametrize("number", numbers("bounced", "deferred", "delivered"))
def test_what_becomes_of_a_letter(lab: Lab, number: str) -> None:
    expected, code, said = PROMISED[number]
    lab.dns.load(f"faulty/{number}")
    if number == "15":
        assert fate(send(lab)) == ["delivered"], "it goes unnoticed while the primary is up"
        lab.host("mx1.saigon.example").stop()
    try:
        events = send(lab)
    finally:
        lab.host("mx1.saigon.example").start()
    assert fate(events) == [expected]
    assert said in words(events)
    assert code == {"delivered": "2.0.0"}.get(expected, status(lab, events))


def status(lab: Lab, events: tuple[Event, ...]) -> str:
    """The enhanced code with which the letter was bounced, or would be if it never got better."""
    for event in events:
        match event:
            case Bounced():
                return event.status
            case Deferred() if "cannot connect" in event.reason:
                return "4.4.1"
            case Deferred():
                return lab.route("saigon.example", "smtp.hanoi.example").status
    return ""


@pytest.mark.parametrize("number", numbers("not loaded"))
def test_what_no_server_would_serve(lab: Lab, number: str) -> None:
    with pytest.raises(ZoneError, match=re.escape(PROMISED[number][2])):
        lab.dns.load(f"faulty/{number}")
    assert lab.dns.zone("saigon.example").serial == 1
    assert fate(send(lab)) == ["delivered"], "the zone from before is served on"


def test_an_address_without_a_name(lab: Lab) -> None:
    ptr = "25.100.51.198.in-addr.arpa"
    assert lab.dig(ptr, "PTR").records == ("mx1.saigon.example.",)
    lab.dns.load("faulty/14")
    lab.dns.flush()
    assert lab.dig(ptr, "PTR").status == PROMISED["14"][2]
    assert fate(send(lab)) == ["delivered"], "letters to it arrive all the same"


def test_a_week_of_the_old_address() -> None:
    """The zone is repaired at once; senders who have asked before hear of it in a week."""
    with Lab() as lab:
        lab.dns.load("faulty/09")
        assert fate(send(lab)) == ["delivered"]
        lab.dns.edit("saigon.example", "mx1 A 198.51.100.25", "mx1 60 A 198.51.100.26")
        lab.advance("6d")
        row = next(r for r in lab.dns.cache("smtp.hanoi.example").rows if r.rtype == "A")
        assert (row.records, row.ttl) == (("198.51.100.25",), 86400)
        lab.advance("1d")
        route = lab.route("saigon.example", "smtp.hanoi.example")
        assert route.hops[0].addresses == ("198.51.100.26",)
