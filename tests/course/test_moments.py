"""The logbook: the same letter, the same numbers."""

from labmail import Lab
from labmail.course import journey, logbook
from labmail.trace.events import Delivered, Sent


def test_a_journey_has_its_numbered_moments(lab: Lab) -> None:
    book = logbook(journey(lab))
    assert len(book) == 24
    assert [m.number for m in book.moments] == list(range(1, 25))
    assert isinstance(book.event(18), Delivered)
    assert book.event(0) is book.event(25) is None
    assert "puts the letter into minh@saigon.example's INBOX as UID 1" in book.text()
    assert "puts the letter into minh@saigon.example" in book.html()


def test_the_same_letter_has_the_same_numbers(lab: Lab) -> None:
    first = logbook(journey(lab)).text()
    lab.reset()
    assert logbook(journey(lab)).text() == first


def test_bytes_are_not_moments(lab: Lab) -> None:
    trace = journey(lab)
    assert trace.of(Sent)
    assert not any(isinstance(m.event, Sent) for m in logbook(trace).moments)


def test_trouble_is_told_too(lab: Lab) -> None:
    son = lab.user("son@hanoi.example")
    with lab.record() as trace:
        son.send(to="khong-co@saigon.example", subject="Ai đây?", text="…")
        lab.host("mx1.saigon.example").stop()
        lab.host("mx2.saigon.example").stop()
        son.send(to="minh@saigon.example", subject="Chậm", text="…")
        lab.settle()
        lab.advance("1d")
    said = " ".join(logbook(trace).text().split())
    for words in (
        "refuses khong-co@saigon.example: 550",
        "gives up on khong-co@saigon.example",
        "writes a notification",
        "cannot connect to mx1.saigon.example, port 25: connection refused",
        "could not pass the letter on; next try Mon 09:30",
    ):
        assert words in said
