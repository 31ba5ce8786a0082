"""Single facts that views must get right."""

from __future__ import annotations

import re

import pytest

from labmail import Lab, views
from labmail.trace.events import Command, Connection, Deferred, Place, Reply
from labmail.trace.parcel import Envelope
from labmail.trace.snapshots import EnvelopeCard, HealthRow, HealthSnapshot
from labmail.views import explain, explain_imap, explain_pop3, explain_smtp
from labmail.views.chars import hidden, shorten, visible, width
from labmail.views.dnswire import read
from labmail.views.letterhead import fields, shown_header
from labmail.views.spoken import span
from labmail.views.tables import health_view


def connection(service: str) -> Connection:
    return Connection(1, service, Place("a", "192.0.2.1", 1), Place("b", "192.0.2.2", 2))


def reply(service: str, verb: str, code: str, *lines: bytes, tag: str = "") -> list[str]:
    import datetime

    event = Reply(
        seq=0, at=datetime.datetime(2026, 1, 5), connection=connection(service), verb=verb,
        code=code, lines=lines, before="", after="", tag=tag,
    )  # fmt: skip
    return [f"{m.words} [{m.section}]" for m in explain.reply(event)]


def test_each_digit_of_a_reply_is_explained() -> None:
    (line,) = reply("smtp", "RCPT", "450", b"450 4.2.1 try again later")
    assert "4xx not now" in line and "x5x about mail" in line
    assert "4.2.1 for now: mailbox disabled" in line
    assert "RFC 5321 §4.2.3, §4.2.1; RFC 3463 §3.3" in line


def test_extensions_are_explained_one_by_one() -> None:
    lines = reply("smtp", "EHLO", "250", b"250-mx", b"250-SIZE 1000", b"250 X-OWN")
    assert "largest letter" in lines[1] and "RFC 1870" in lines[1]
    assert lines[2] == "an extension [RFC 5321 §2.2]"


@pytest.mark.parametrize(
    ("service", "verb", "code", "line", "words"),
    [
        ("pop3", "PASS", "-ERR", b"-ERR [IN-USE] locked", "IN-USE: another session"),
        ("pop3", "RETR", "+OK", b"+OK 120 octets", "yes: the letter follows"),
        ("imap", "SELECT", "*", b"* OK [UIDVALIDITY 7] ok", "UIDVALIDITY: as long as"),
        ("imap", "SELECT", "*", b"* 3 EXISTS", "how many letters"),
        ("imap", "", "*", b"* OK hello", "the server greets"),
        ("imap", "APPEND", "+", b"+ go on", "go on: the server waits"),
    ],
)
def test_pop3_and_imap_replies(service: str, verb: str, code: str, line: bytes, words: str) -> None:
    assert words in reply(service, verb, code, line)[0]


def test_tagged_answers_name_their_tag() -> None:
    (line,) = reply("imap", "LOGIN", "NO", b"a7 NO [AUTHENTICATIONFAILED] no", tag="a7")
    assert "the command with tag a7 failed" in line and "RFC 3501 §7.1.2; RFC 5530 §3" in line


@pytest.mark.parametrize("module", [explain_smtp, explain_pop3, explain_imap])
def test_every_section_is_an_rfc(module: object) -> None:
    for name, table in vars(module).items():
        if not name.isupper() or not isinstance(table, dict):
            continue
        for key, row in table.items():
            if isinstance(row, tuple):
                words, section = row
                assert words and re.fullmatch(r"RFC \d{3,4}( §\d+(\.\d+)*)?", section), key


def test_smtp_parameters_are_explained() -> None:
    import datetime

    event = Command(
        seq=0, at=datetime.datetime(2026, 1, 5), connection=connection("smtp"), verb="MAIL",
        line=b"MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME", state="",
    )  # fmt: skip
    assert "SIZE announces" in explain.command(event).words
    assert "RFC 6152" in explain.command(event).section


def test_secret_spans() -> None:
    assert hidden(b"PASS geheim", [(5, 11)]) == "PASS ••••••••".encode()
    assert hidden(b"PASS geheim", [(5, 11)], show=True) == b"PASS geheim"
    assert hidden(b"ab", [(0, 1), (0, 2)]) == ("••••••••" * 2).encode()


def test_visible_and_width() -> None:
    assert visible("Chào\x1b[0m\u202e\ud800") == "Chào\\x1b[0m\\u202e\\ud800"
    assert width("Chào") == 4 == width("Cha\u0300o") and width("漢") == 2
    assert shorten("Nguyễn Văn Sơn", 8) == "Nguyễn…"


@pytest.mark.parametrize(
    ("raw", "value", "written"),
    [
        (b"Subject: plain\r\n\r\n", "plain", ""),
        (b"Subject: =?utf-8?q?Ch=C3=A0o?=\r\n\r\n", "Chào", "UTF-8 as quoted-printable-like"),
        ("Subject: Chào\r\n\r\n".encode(), "Chào", "raw UTF-8"),
        (b"Subject: Ch\xe0o\r\n\r\n", "Ch\\xe0o", "raw 8-bit bytes, no UTF-8"),
        (b"Subject: =?x-nope?b?YQ==?=\r\n\r\n", "a", "X-NOPE as base64"),
    ],
)
def test_how_a_subject_was_written(raw: bytes, value: str, written: str) -> None:
    (field,) = fields(raw, ("Subject",))
    assert field.value == value and field.written.endswith(written)


def test_an_encoded_line_break_stays_one_line() -> None:
    assert shown_header("=?utf-8?q?=0D=0ABcc:_x@y?=") == "\\r\\nBcc: x@y"


def test_envelope_and_letter_are_compared() -> None:
    letter = b"From: boss@hanoi.example\r\nTo: all@hanoi.example\r\n\r\n"
    card = EnvelopeCard(Envelope.of("spam@spam.example", ["minh@saigon.example"]), letter)
    text = views.render(card, "text")
    assert "≠ MAIL FROM and From: differ" in text
    assert "≠ RCPT TO and To/Cc: minh@saigon.example is in no header" in text
    assert "<> " not in text
    null = EnvelopeCard(Envelope.of("", ["a@b"]), b"To: a@b\r\n\r\n")
    assert "nobody will be told of trouble" in views.render(null, "text")


def test_custody_never_ends_between_two_holders(tell: dict) -> None:
    custody = views.custody(tell["journey"]().trace)
    for held, following in zip(custody.holdings, custody.holdings[1:], strict=False):
        assert held.end is None or held.end >= following.start


def test_many_deferrals_are_counted(tell: dict) -> None:
    story = tell["failover"]()
    for attempt in range(1, 9):
        story.defers(attempt, hours=attempt)
    deferred = [m for m in views.custody(story.trace).moments if m.mark == "deferred"]
    assert len(story.trace.of(Deferred)) == 8
    assert len(deferred) == 3 and deferred[1].words == "… 6 times …"


def test_dns_packets() -> None:
    packet = read(b"\0\1\x84\3\0\1\0\2\0\0\0\0\2vn\0\0\x0f\0\1")
    assert packet is not None
    assert (packet.name, packet.rtype, packet.status, packet.answers) == ("vn", "MX", "NXDOMAIN", 2)
    assert read(b"\0\1") is None and read(b"\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c") is None


def test_lengths_of_time() -> None:
    lengths = [span(s) for s in (0, 0.08, 90, 1800, 93_600)]
    assert lengths == ["0 s", "80 ms", "1 min 30 s", "30 min", "1 d 2 h"]


def test_stopped_hosts_are_on_the_map(tell: dict) -> None:
    text = views.world_map(tell["failover"]().trace).text()
    assert "smtp.hanoi.example ──✘ mx1.saigon.example: port 25: connection refused" in text


def test_the_answer_to_the_final_dot_is_the_promise() -> None:
    (line,) = reply("smtp", ".", "250", b"250 2.0.0 Ok: queued as 2B491Z1J")
    assert line.startswith("the promise: from here on the server is responsible")
    assert "RFC 5321 §4.2.5" in line


def service(host: str, name: str, ok: bool = True) -> HealthRow:
    return HealthRow(host, name, 25, "220 ready" if ok else "refused", "takes mail", ok)


def test_services_are_folded_by_host_and_what_is_silent_is_open() -> None:
    rows = (
        service("a.example", "smtp"),
        service("b.example", "smtp"),
        service("b.example", "imap"),
        service("c.example", "smtp", ok=False),
    )
    view = health_view(HealthSnapshot(rows))
    assert view.text().count("✔ answers") == 3
    page = view.html()
    assert [("open=" in fold) for fold in page.split("<details")[1:]] == [True, False, True]
    assert "✔ a.example: 1 service answers" in page
    assert "✔ b.example: 2 services answer" in page
    assert "✘ c.example: smtp silent" in page


def test_planned_faults_are_told(lab: Lab) -> None:
    lab.host("mx1.saigon.example").answer("RCPT", "450 4.2.1 Busy", times=1)
    with lab.record() as trace:
        lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
        lab.settle()
    words = "as planned: RCPT is answered 450 4.2.1 Busy"
    for shown in (views.ladder(trace), views.ladder(trace, "hops"), views.transcript(trace)):
        assert words in shown.text()
