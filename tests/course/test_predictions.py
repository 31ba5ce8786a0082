"""Predictions: kept without being judged; and what they say was seen is what the lab shows."""

import unicodedata
from collections.abc import Callable
from datetime import timedelta

import pytest

from labmail import Lab, thread_tree
from labmail.course import abilities, journey, predict, review
from labmail.course.measure import delays
from labmail.course.notes import NOTES
from labmail.course.predictions import questions
from labmail.letter import read
from labmail.letter.compose import File, octets
from labmail.trace.events import Content, Sent, Side

SON, MINH = "son@hanoi.example", "minh@saigon.example"


def test_untouched_it_asks_and_says_that_nothing_is_predicted() -> None:
    said = predict("P1.1").text()
    assert said.startswith("P1.1: From Sơn's Send")
    assert all(f"{letter}) " in said for letter in "abcd")
    assert "Nothing predicted yet" in said


def test_an_answer_is_kept_and_not_judged() -> None:
    said = predict("P1.1", "A").text()
    assert "your prediction is kept" in said
    assert "a) one, from Sơn's computer to Minh's" in said
    assert NOTES.predictions == {"P1.1": "a"}
    assert "Nothing predicted yet" in predict("P1.1").text(), "the untouched cell always asks"


@pytest.mark.parametrize("answer", ["e", "ab", 7, "yes", ("a",), {"a"}])
def test_what_is_no_answer_is_asked_again(answer: object) -> None:
    assert "give a, b, c or d" in predict("P1.1", answer).text()
    assert NOTES.predictions == {}


def test_keys_may_be_spelled_loosely() -> None:
    assert predict("p1.2").text().startswith("P1.2")
    assert predict("1.2").text().startswith("P1.2")
    assert "There is no prediction 'P9.9'; there are: P0.1" in predict("P9.9").text()


def test_review_lays_both_beside_each_other() -> None:
    assert "Nothing was predicted" in review("01").text()
    predict("P1.1", "c")
    predict("P1.2", "d")
    said = " ".join(review("01").text().split())
    assert "1 of 3 as you predicted." in said
    assert "d) is lost" in said
    assert "(nothing)" in said
    assert [row[0] for row in review("00").rows] == ["P0.1", "P0.2"]
    assert review(1).rows == review("01").rows


def test_all_as_predicted() -> None:
    for key, question in questions().items():
        predict(key, question.seen)
    assert "2 of 2 as you predicted." in review("00").text()
    assert "Where they differ" not in review("00").text()


def test_the_questions_are_well_made() -> None:
    for key, question in questions().items():
        text = repr(question)
        assert unicodedata.is_normalized("NFC", text)
        assert question.seen in "abcd"
        assert len(set(question.choices.values())) == 4
        assert question.misconception and question.why and question.experiment
        assert question.notebook == f"0{key[1]}"


# --- what was seen -------------------------------------------------------------------------------


def first_server(lab: Lab) -> str:
    called = journey(lab).connections[0].server.name
    return {"minh-laptop.saigon.example": "a", "mx1.saigon.example": "b", "ns.lab": "c"}.get(
        called, "d"
    )


def with_sai_gon_off(lab: Lab) -> str:
    for name in ("mx1.saigon.example", "mx2.saigon.example"):
        lab.host(name).stop()
    lab.user(SON).send(to=MINH, subject="Có ai không?", text="…")
    return "b" if lab.queue("smtp.hanoi.example").rows else "c"


def connections(lab: Lab) -> str:
    trace = journey(lab)
    ways = [e.sender for e in trace.of(Content)]
    assert {e.connection.number for e in trace.of(Sent)} == {1, 2, 3}
    return "c" if ways == [Side.CLIENT, Side.CLIENT, Side.SERVER] else "?"


def without_readers_doors(lab: Lab) -> str:
    works = abilities("smtp.hanoi.example pop3 pop3s imap imaps")
    return "a" if works["Sơn gets a letter from Minh"] else "c"


def a_letter_of_0945(lab: Lab) -> str:
    mx = [lab.host("mx1.saigon.example"), lab.host("mx2.saigon.example")]
    lab.advance("30m")
    for host in mx:
        host.stop()
    lab.advance("15m")
    lab.user(SON).send(to=MINH, subject="Tới chưa?", text="…")
    lab.advance("75m")
    for host in mx:
        host.start()
    lab.advance("8h")
    (waited,) = delays(lab.trace).values()
    return "a" if waited == timedelta(minutes=75) else "d" if waited > timedelta(0) else "c"


def a_photo(lab: Lab) -> str:
    son = lab.user(SON)
    photo = File("hoa-mai.jpg", bytes(range(256)) * 400)
    with son.smtp() as server:
        server.send_message(son.compose(MINH, "Ảnh", "Đây.", files=[photo]))
    lab.settle()
    content = lab.card(1).content
    assert len(lab.trace.connections) == 2
    assert 1.36 < len(content) / len(photo.content) < 1.38
    return "c" if content.isascii() and photo.content not in content else "b"


def a_subject_beside_a_body_in_utf_8(lab: Lab) -> str:
    plain = octets(lab.user(SON).compose(MINH, "x", "Chào em.\n"))
    assert read(plain).charset == "utf-8"
    label = f"=?windows-1252?q?{'Chào'.encode().hex('=').upper()}?=".replace("?q?", "?q?=")
    letter = plain.replace(b"Subject: x", f"Subject: {label}".encode())
    return "a" if read(letter).header.text("Subject") != "Chào" else "b"


def a_changed_subject(lab: Lab) -> str:
    first = lab.user(MINH).compose(SON, "Ăn trưa?", "…")
    second = lab.user("lan@hanoi.example").compose(SON, "Trời mưa!", "…", answers=first)
    tree = thread_tree({"Minh": octets(first), "Lan": octets(second)})
    return "b" if tree.parents["Lan"] == "Minh" else "a"


SEEN: dict[str, Callable[[Lab], str]] = {
    "P0.1": first_server,
    "P0.2": with_sai_gon_off,
    "P1.1": connections,
    "P1.2": without_readers_doors,
    "P1.3": a_letter_of_0945,
    "P2.1": a_photo,
    "P2.2": a_subject_beside_a_body_in_utf_8,
    "P2.3": a_changed_subject,
}


@pytest.mark.parametrize("key", questions())
def test_the_lab_shows_what_the_review_says(lab: Lab, key: str) -> None:
    assert SEEN[key](lab) == questions()[key].seen
