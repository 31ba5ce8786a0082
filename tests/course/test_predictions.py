"""Predictions: kept without being judged; and what they say was seen is what the lab shows."""

import smtplib
import unicodedata
from collections.abc import Callable
from datetime import timedelta

import pytest

from labmail import Lab, thread_tree
from labmail.course import abilities, journey, predict, review, stored, talk
from labmail.course.measure import delays
from labmail.course.moving import OWNER, ZONE
from labmail.course.notes import NOTES
from labmail.course.predictions import questions
from labmail.letter import read
from labmail.letter.compose import File, octets
from labmail.trace.events import Content, Delivered, LookedUp, Sent, Side

SON, MINH = "son@hanoi.example", "minh@saigon.example"
FREMAN = "freman.alpha@arrakis.example"


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


def with_the_web_host_off(lab: Lab) -> str:
    lab.user(SON).send(to=FREMAN, subject="Gia vị", text="…")
    lab.settle()
    return "c" if any(e.account == FREMAN for e in lab.trace.of(Delivered)) else "a"


def when_nobody_can_say(lab: Lab) -> str:
    lab.dns.fail("lists.example", "MX", "SERVFAIL")
    lab.user(SON).send(to="hoi@lists.example", subject="Có ai không?", text="…")
    waits = lab.queue("smtp.hanoi.example").rows
    lab.dns.heal()
    lab.advance("30m")
    asked = [e.status for e in lab.trace.of(LookedUp) if e.rtype == "MX"]
    return "b" if waits and "NOERROR" in asked else "a"


def a_minute_after_the_move(lab: Lab) -> str:
    with Lab("caphe", beside=True) as cafe:
        cafe.dns.load(ZONE)
        cafe.user(SON).send(to=OWNER, subject="1", text="…")
        cafe.advance("30m")
        cafe.dns.edit("caphe.example", "MX 10 mx1.caphe.example.", "MX 10 moi.caphe.example.")
        cafe.advance("1m")
        for writer in (SON, FREMAN):
            cafe.user(writer).send(to=OWNER, subject="2", text="…")
        cafe.settle()
        went = [e.host for e in cafe.trace.of(Delivered)][1:]
    return "d" if len(set(went)) == 2 else "c"


def to_somebody_else(lab: Lab) -> str:
    son = lab.user(SON)
    with son.smtp() as server:
        server.send_message(son.compose("khac@khac.example", "x", "…"), to_addrs=[MINH])
    lab.settle()
    return "c" if [e.account for e in lab.trace.of(Delivered)] == [MINH] else "?"


def who_hears_of_the_bounce(lab: Lab) -> str:
    son, freman = lab.user(SON), "freman.alpha@arrakis.example"
    with son.smtp() as server:
        letter = son.compose("khong-co@saigon.example", "x", "…")
        server.send_message(letter, freman)
    lab.settle()
    told = [e.account for e in lab.trace.of(Delivered)]
    return {(SON,): "a", (freman,): "b", (): "d"}.get(tuple(told), "c")


def who_hides_the_bcc(lab: Lab) -> str:
    son, hoa = lab.user(SON), "hoa@saigon.example"
    for careless in (False, True):
        letter = son.compose(MINH, "x", "…", bcc=[hoa])
        with son.smtp() as server:
            if careless:
                server.sendmail(SON, [MINH, hoa], letter.as_string())
            else:
                server.send_message(letter)
        lab.settle()
    leaks = [hoa.encode() in lab.box_card(MINH, uid).content for uid in (1, 2)]
    return "c" if leaks == [False, True] else "?"


def texts_for_three(lab: Lab) -> str:
    people = [MINH, "hoa@saigon.example", "postmaster@saigon.example"]
    with lab.record() as trace:
        lab.user(SON).send(to=people, subject="Họp", text="…")
        lab.settle()
    crossed = [e for e in trace.of(Content) if e.connection.service == "smtp"]
    return {1: "b", 3: "a"}.get(len(crossed), "?")


def a_line_with_a_dot(lab: Lab) -> str:
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.sendmail(SON, MINH, "Subject: x\r\n\r\na\r\n.\r\nb\r\n")
    lab.settle()
    return "c" if stored(lab, MINH, 1).endswith(b"a\r\n.\r\nb\r\n") else "a"


def lines_with_a_lone_lf(lab: Lab) -> str:
    session = talk(
        "mx1.saigon.example",
        *("EHLO x", "MAIL FROM:<>", f"RCPT TO:<{MINH}>", "DATA"),
        "Subject: x\n\nHello\r\n.",
        "NOOP",
    )
    return {(550, 250): "d", (250, 250): "a", (550, 0): "c"}[session.codes[-2:]]


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


def an_answer_of_450(lab: Lab) -> str:
    lab.host("mx1.saigon.example").answer("RCPT", "450 4.2.1 Busy", recipient="hoa@*", times=1)
    lab.host("mx2.saigon.example").stop()
    lab.user(SON).send(to="hoa@saigon.example", subject="450", text="…")
    kept = lab.queue("smtp.hanoi.example").rows and not lab.queue("mx1.saigon.example").rows
    lab.advance("1h")
    return "c" if kept and lab.box("hoa@saigon.example").rows and not lab.box(SON).rows else "b"


def cut_before_the_250(lab: Lab) -> str:
    lab.host("mx1.saigon.example").hang_up(".", "between", times=1)
    lab.user(SON).send(to=MINH, subject="Hai", text="…")
    lab.advance("1h")
    ids = {lab.user(MINH).peek(row.uid)["Message-ID"] for row in lab.box(MINH).rows}
    return "d" if len(lab.box(MINH).rows) == 2 and len(ids) == 1 else "a"


def six_days_away(lab: Lab) -> str:
    for mx in ("mx1.saigon.example", "mx2.saigon.example"):
        lab.host(mx).stop()
    sent = lab.now()
    lab.user(SON).send(to=MINH, subject="Im", text="…")
    lab.advance("6d")
    told = [row.date - sent for row in lab.box(SON).rows]
    return "b" if told == [timedelta(days=5)] else "a"


SEEN: dict[str, Callable[[Lab], str]] = {
    "P0.1": first_server,
    "P0.2": with_sai_gon_off,
    "P1.1": connections,
    "P1.2": without_readers_doors,
    "P1.3": a_letter_of_0945,
    "P5.1": with_the_web_host_off,
    "P5.2": when_nobody_can_say,
    "P5.3": a_minute_after_the_move,
    "P4.1": to_somebody_else,
    "P4.2": who_hears_of_the_bounce,
    "P4.3": who_hides_the_bcc,
    "P3.1": texts_for_three,
    "P3.2": a_line_with_a_dot,
    "P3.3": lines_with_a_lone_lf,
    "P2.1": a_photo,
    "P2.2": a_subject_beside_a_body_in_utf_8,
    "P2.3": a_changed_subject,
    "P8.1": an_answer_of_450,
    "P8.2": cut_before_the_250,
    "P8.3": six_days_away,
}


@pytest.mark.parametrize("key", questions())
def test_the_lab_shows_what_the_review_says(lab: Lab, key: str) -> None:
    assert SEEN[key](lab) == questions()[key].seen
