"""A conversation by hand."""

import smtplib

import pytest

from labmail import Lab
from labmail.course import offers, talk

MX1, HANOI = "mx1.saigon.example", "smtp.hanoi.example"


def test_lines_go_out_and_replies_come_back(lab: Lab) -> None:
    said = talk(MX1, "EHLO x", "NOOP", b"NOOP\n", "QUIT", "NOOP", "NOOP")
    assert said.codes == (220, 250, 250, 500, 221, 0)
    assert said.replies[1].startswith("250-mx1.saigon.example\n250-PIPELINING")
    assert "250-mx1.saigon.example … +8 lines" in said.text()
    assert r"NOOP\n" in said.text()
    assert "hung up" in said.replies[-1]


def test_a_letter_is_one_line(lab: Lab) -> None:
    letter = "Subject: x\r\n\r\n" + "y" * 1000 + "\r\n."
    said = talk(
        MX1, "EHLO x", "MAIL FROM:<>", "RCPT TO:<minh@saigon.example>", "DATA", letter, "QUIT"
    )
    assert said.codes[-3:] == (354, 250, 221)
    assert len(lab.box("minh@saigon.example").rows) == 1
    assert max(map(len, said.text().splitlines())) < 110


def test_it_goes_on_inside_tls(lab: Lab) -> None:
    said = talk(HANOI, "EHLO x", "STARTTLS", "EHLO x", "AUTH LOGIN", "*", port=587)
    assert said.codes == (220, 250, 220, 250, 334, 501)
    assert "AUTH PLAIN LOGIN" in said.replies[3]


def test_silence_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labmail.course.byhand.PATIENCE", 0.2)
    said = talk(MX1, "EHLO x", b"NOO", "NOOP")
    assert said.replies[-1] == "(no answer)"
    assert len(said.replies) == 3, "the rest is not said"


def test_a_host_that_hangs_up(lab: Lab) -> None:
    lab.host(MX1).hang_up("NOOP", "before", times=1)
    assert talk(MX1, "EHLO x", "NOOP", "NOOP").codes == (220, 250, 0)


def test_offers_are_what_the_servers_said(lab: Lab) -> None:
    table = offers(
        {"in": (MX1, 25, "EHLO"), "old": (MX1, 25, "HELO"), "tls": (HANOI, 587, "STARTTLS")}
    )
    with smtplib.SMTP(MX1, 25) as server:
        server.ehlo()
        assert {w.lower() for w in table.sets["in"]} == set(server.esmtp_features)
    assert table.sets["old"] == {}
    assert table.sets["tls"]["AUTH"] == "PLAIN LOGIN"
    assert "STARTTLS" not in table.sets["tls"]
    assert table.known[-1] == "AUTH"
