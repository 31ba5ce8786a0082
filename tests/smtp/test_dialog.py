from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.net.core import Carried, Heard, Say, Unread
from labmail.smtp.dialog import BACKLOG, LINE_KEPT, Dialog
from labmail.trace.events import Side

EHLO = ("C", b"EHLO x\r\n"), ("S", b"250-mx\r\n250 SIZE\r\n")


def listen(script, step: int = 0) -> list:
    """Play (who, bytes) pairs; "T" is the end of a handshake.  Each piece cut into `step`s."""
    dialog, reports = Dialog(), []
    for who, data in script:
        if who == "T":
            dialog.tls_started()
            continue
        say = dialog.client_said if who == "C" else dialog.server_said
        size = step or max(len(data), 1)
        for start in range(0, len(data), size):
            reports += say(data[start : start + size])
    return reports


def short(reports) -> list[str]:
    said = []
    for report in reports:
        match report:
            case Heard():
                said.append(f"C {report.state}: {report.verb}")
            case Say():
                said.append(f"S {report.verb} {report.code}: {report.before}>{report.after}")
            case Unread():
                said.append(f"unread {report.start}-{report.end}")
            case Carried():
                said.append(f"letter at {report.offset}, {report.size}")
    return said


GROUP = [
    ("S", b"220 mx\r\n"),
    *EHLO,
    ("C", b"MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
    ("S", b"250 2.1.0 ok\r\n550 5.1.1 no\r\n250 2.1.5 ok\r\n"),
    ("S", b"354 go\r\n"),
    ("C", b"Subject: x\r\n\r\n..\r\nQUIT\r\n.\r\nNOOP\r\nQUIT\r\n"),
    ("S", b"250 2.0.0 queued\r\n250 2.0.0 ok\r\n221 2.0.0 bye\r\n"),
]


@pytest.mark.parametrize("step", [0, 1, 2, 3, 7])
def test_a_pipelined_session(step):
    assert short(listen(GROUP, step)) == [
        "S  220: opening>greeted",
        "C greeted: EHLO",
        "S EHLO 250: greeted>ready",
        "C ready: MAIL",
        "S MAIL 250: ready>mail",
        "C mail: RCPT",
        "S RCPT 550: mail>mail",
        "C mail: RCPT",
        "S RCPT 250: mail>rcpt",
        "C rcpt: DATA",
        "S DATA 354: rcpt>data",
        "letter at 61, 27",
        "S . 250: data>ready",
        "C ready: NOOP",
        "S NOOP 250: ready>ready",
        "C ready: QUIT",
        "S QUIT 221: ready>closed",
    ]


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_cutting_makes_no_difference(step):
    assert listen(GROUP, step) == listen(GROUP)


def test_offsets_point_into_what_the_client_said():
    said = b"".join(data for who, data in GROUP if who == "C")
    for report in listen(GROUP):
        if isinstance(report, Heard):
            assert said[report.offset :].startswith(report.line + b"\r\n")
        if isinstance(report, Carried):
            assert report.sender is Side.CLIENT
            letter = said[report.offset : report.offset + report.size]
            assert letter == b"Subject: x\r\n\r\n..\r\nQUIT\r\n.\r\n"


def test_say_holds_the_whole_reply():
    reply = listen([("S", b"220 mx\r\n"), *EHLO])[-1]
    assert reply.data == b"250-mx\r\n250 SIZE\r\n"


def test_refused_data_is_followed_by_commands():
    script = [
        ("S", b"220 mx\r\n"),
        *EHLO,
        ("C", b"DATA\r\nNOOP\r\n"),
        ("S", b"503 no\r\n250 ok\r\n"),
    ]
    assert short(listen(script))[-4:] == [
        "C ready: DATA",
        "S DATA 503: ready>ready",
        "C ready: NOOP",
        "S NOOP 250: ready>ready",
    ]


AUTH = [
    ("S", b"220 mx\r\n"),
    *EHLO,
    ("C", b"AUTH PLAIN  AGEAYg==\r\n"),
    ("S", b"535 5.7.8 no\r\n"),
    ("C", b"AUTH LOGIN\r\n"),
    ("S", b"334 VXNlcm5hbWU6\r\n"),
    ("C", b"dXNlcg==\r\n"),
    ("S", b"334 UGFzc3dvcmQ6\r\n"),
    ("C", b"cGFzcw==\r\n"),
    ("S", b"235 2.7.0 ok\r\n"),
]


@pytest.mark.parametrize("step", [0, 1])
def test_secrets_are_marked(step):
    said = b"".join(data for who, data in AUTH if who == "C")
    heard = [r for r in listen(AUTH, step) if isinstance(r, Heard)]
    assert [r.verb for r in heard] == ["EHLO", "AUTH", "AUTH", "(auth)", "(auth)"]
    assert [r.state for r in heard] == ["greeted", "ready", "ready", "auth", "auth"]
    secrets = [r.line[a:b] for r in heard for a, b in r.secrets]
    on_wire = [said[a:b] for r in heard for a, b in r.wire_secrets]
    assert secrets == on_wire == [b"AGEAYg==", b"dXNlcg==", b"cGFzcw=="]


def test_cancelling_is_no_secret():
    script = [*AUTH[:5], ("C", b"AUTH LOGIN\r\n"), ("S", b"334 x\r\n"), ("C", b"*\r\n")]
    assert listen(script)[-1].secrets == ()


def test_passwords_of_clients_that_do_not_listen_are_marked():
    script = [
        *GROUP[:3],
        ("C", b"AUTH LOGIN\r\ndXNlcg==\r\ncGFzcw==\r\nNOOP\r\n"),
        ("S", b"538 5.7.11 no\r\n500 what\r\n500 what\r\n250 ok\r\n"),
    ]
    heard = [r for r in listen(script) if isinstance(r, Heard)]
    secrets = [r.line[a:b] for r in heard for a, b in r.secrets]
    assert secrets == [b"dXNlcg==", b"cGFzcw=="]


@pytest.mark.parametrize(
    "line", [b"AUTH PLAIN", b"AUTHPLAIN", b"AUTH=LOGIN", b" AUTH LOGIN", b"authenticate login"]
)
def test_who_spells_auth_wrong_and_does_not_listen_is_marked_too(line):
    script = [
        *GROUP[:3],
        ("C", line + b" AGEAYg==\r\ncGFzcw==\r\nNOOP\r\ncGFzcw==\r\n"),
        ("S", b"500 what\r\n500 what\r\n250 ok\r\n500 what\r\n"),
    ]
    heard = [r for r in listen(script) if isinstance(r, Heard)]
    assert [r.line[a:b] for r in heard for a, b in r.secrets] == [b"AGEAYg==", b"cGFzcw=="]


STARTTLS = [
    ("S", b"220 mx\r\n"),
    *EHLO,
    ("C", b"STARTTLS\r\nMAIL FROM:<injected@x>\r\n"),
    ("S", b"220 2.0.0 go\r\n"),
    ("T", b""),
    ("C", b"EHLO y\r\n"),
    ("S", b"250 mx\r\n"),
]


@pytest.mark.parametrize("step", [0, 1, 4])
def test_what_was_injected_before_tls_is_never_read(step):
    reports = listen(STARTTLS, step)
    assert short(reports)[-5:] == [
        "C ready: STARTTLS",
        "S STARTTLS 220: ready>greeted",
        "unread 18-42",
        "C greeted: EHLO",
        "S EHLO 250: greeted>ready",
    ]
    assert reports[-2].offset == len(b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<injected@x>\r\n")


@pytest.mark.parametrize("step", [0, 1])
def test_what_comes_between_the_reply_and_the_handshake_is_never_read(step):
    late = [*STARTTLS[:5], ("C", b"VRFY injected\r\n"), *STARTTLS[5:]]
    heard = [r.verb for r in listen(late, step) if isinstance(r, Heard)]
    assert heard == ["EHLO", "STARTTLS", "EHLO"]
    said = b"".join(data for who, data in late if who == "C")
    unread = b"".join(said[r.start : r.end] for r in listen(late, step) if isinstance(r, Unread))
    assert unread == b"MAIL FROM:<injected@x>\r\nVRFY injected\r\n"  # all of it counts as secret


def test_implicit_tls_changes_nothing():
    assert short(listen([("T", b""), ("S", b"220 mx\r\n"), *EHLO]))[-1].endswith("ready")


def test_a_word_nobody_asked_for():
    script = [("S", b"220 mx\r\n"), *EHLO, ("S", b"421 4.4.2 silent\r\n")]
    assert short(listen(script))[-1] == "S  421: ready>closed"


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        (b"noop\r\n", "NOOP"),
        (b"NOOP\n", "NOOP"),
        (b"\x16\x03\x01 tls\r\n", ""),
        (b"\r\n", ""),
        (b"12 x\r\n", ""),
        (b"MAIL\tFROM:<>\r\n", "MAIL"),
    ],
)
def test_verbs(line, verb):
    assert listen([("S", b"220 mx\r\n"), ("C", line)])[-1].verb == verb


@pytest.mark.parametrize("step", [0, 1000])
def test_a_line_that_is_too_long_is_cut(step):
    script = [
        ("S", b"220 mx\r\n"),
        ("C", b"A" * (LINE_KEPT + 5000) + b"\r\nNOOP\r\n"),
        ("S", b"500 long\r\n250 ok\r\n"),
    ]
    heard = [r for r in listen(script, step) if isinstance(r, Heard)]
    assert [(r.verb, len(r.line)) for r in heard] == [("", LINE_KEPT), ("NOOP", 4)]
    assert heard[1].offset == LINE_KEPT + 5000 + 2


def test_memory_is_bounded_whatever_is_said():
    dialog = Dialog()
    dialog.server_said(b"220 mx\r\n")
    for _ in range(300):
        dialog.client_said(b"A" * 65536)
        assert len(dialog._waiting) <= 65536
    dialog = Dialog()
    for _ in range(300):
        dialog.client_said(b"NOOP\r\n" * 10_000)  # never answered
        assert len(dialog._waiting) <= BACKLOG
    for _ in range(300):
        dialog.server_said(b"250-" + b"x" * 65536)
        assert len(dialog._unfinished) <= LINE_KEPT


def test_an_endless_letter_is_not_kept():
    script = [*GROUP[:6], ("C", b"a" * 65536 + b"\r\n")]
    dialog = Dialog()
    for who, data in script:
        (dialog.client_said if who == "C" else dialog.server_said)(data)
    for _ in range(100):
        assert dialog.client_said(b"a" * 65536) == []
        assert len(dialog._waiting) == 0
        assert dialog._letter.kept == 0


TURNS = st.lists(
    st.tuples(
        st.sampled_from("CS"),
        st.sampled_from(
            [
                *(b"EHLO x\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<a@b>\r\n", b"DATA\r\n"),
                *(b".\r\n", b"AUTH LOGIN\r\n", b"STARTTLS\r\n", b"\r\n", b"x", b"\n", b"\r"),
                *(b"250 ok\r\n", b"354 go\r\n", b"334 \r\n", b"550 no\r\n", b"220 go\r\n"),
                *(b"250-a\r\n250 b\r\n", b"421 x\r\n", b"junk\r\n"),
            ]
        ),
    ),
    max_size=30,
)


@given(TURNS)
def test_any_dialogue_cut_anywhere(turns):
    assert listen(turns, 1) == listen(turns)


@pytest.mark.parametrize(
    ("script", "secrets"),
    [
        ([("S", b"220 mx\r\n"), *EHLO, ("C", b"AUTH PLAIN AG1p")], [(19, 23)]),
        (
            [
                ("S", b"220 mx\r\n"),
                *EHLO,
                ("C", b"AUTH LOGIN\r\n"),
                ("S", b"334 x\r\n"),
                ("C", b"bWlu"),
            ],
            [(20, 24)],
        ),
        ([("S", b"220 mx\r\n"), ("C", b"EHLO x\r\nAUTH PLAIN AG1p\r\n")], [(19, 23)]),
        ([("S", b"220 mx\r\n"), *EHLO, ("C", b"MAIL FROM:<son")], []),
    ],
)
def test_a_password_in_a_line_that_was_cut_off_is_marked(script, secrets) -> None:
    dialog = Dialog()
    for who, data in script:
        (dialog.client_said if who == "C" else dialog.server_said)(data)
    assert [span for report in dialog.lost() for span in report.wire_secrets] == secrets
    assert dialog.lost() == []
