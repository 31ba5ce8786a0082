"""The wire: every octet of a conversation, at its place."""

import pytest

from labmail import Lab, wire
from labmail.course import talk
from labmail.trace.events import Layer, Sent, Side
from labmail.views.wire import ended

MX1 = "mx1.saigon.example"
LETTER = "A: b\r\n\r\n" + "".join(f"{n}\r\n" for n in range(40)) + "."


def test_lines_stand_at_their_offsets(lab: Lab) -> None:
    talk(MX1, "EHLO x", b"NOOP a\rb\n", "QUIT")
    rows = wire(lab.trace).rows
    said = {side: b"" for side in Side}
    for event in lab.trace.of(Sent):
        said[event.sender] += event.data
    for row in rows:
        assert row.sender is not None
        octets = row.said.replace(r"\r", "\r").replace(r"\n", "\n").encode()
        assert said[row.sender][row.offset :].startswith(octets)
    assert [r.said for r in rows if r.sender is Side.CLIENT][1] == r"NOOP a\rb\n"


def test_the_state_stands_at_the_last_line_of_a_reply(lab: Lab) -> None:
    talk(MX1, "EHLO x", "MAIL FROM:<>", "QUIT")
    rows = wire(lab.trace, 1).rows
    assert [r.state for r in rows if r.state] == ["greeted", "ready", "mail", "closed"]
    assert all(r.said.startswith(("2", "5")) and r.said[3] == " " for r in rows if r.state)


def test_a_long_letter_is_folded_in_its_middle(lab: Lab) -> None:
    talk(MX1, "EHLO x", "MAIL FROM:<>", "RCPT TO:<minh@saigon.example>", "DATA", LETTER)
    text = wire(lab.trace, 1).text()
    assert "… 29 more lines …" in text
    assert r"0\r\n" in text and r"39\r\n" in text and r"20\r\n" not in text


def test_what_is_said_inside_tls_and_what_is_secret(lab: Lab) -> None:
    minh = lab.user("minh@saigon.example")
    with lab.record() as trace:
        minh.send(to="hoa@saigon.example", subject="x", text="y")
    text = wire(trace, trace.connections[0]).text()
    assert "─ TLS begins" in text and "MAIL FROM:<minh@saigon.example>" in text.replace(
        "mail", "MAIL"
    )
    assert minh.password not in text
    token = next(e for e in trace.of(Sent) if e.secrets and e.layer is Layer.INSIDE)
    start, end = token.secrets[0]
    assert token.data[start:end].decode() not in text + wire(trace).html()
    assert "••••••••" in text


def test_signs_for_what_cannot_be_seen() -> None:
    assert ended(b"a\r\n") == r"a\r\n"
    assert ended(b"\x1b[2J\xff\n") == r"\x1b[2J\xff\n"
    assert ended("Vâng\r".encode()) == r"Vâng\r"


def test_lone_line_ends_stand_out_in_a_notebook(lab: Lab) -> None:
    talk(MX1, "EHLO x", b"NOOP\n")
    page = wire(lab.trace).html()
    assert page.count("border:2px solid") == 1


def test_nothing_and_what_there_is_not(lab: Lab) -> None:
    assert wire(lab.trace).text() == "(no conversation)"
    assert "(no conversation)" in wire(lab.trace).html()
    with pytest.raises(ValueError, match="no connection #3; it has none"):
        wire(lab.trace, 3)
