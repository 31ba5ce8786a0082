from __future__ import annotations

import pytest

from labmail.smtp.commands import secret_part, split_command, tries_auth


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"NOOP", ("NOOP", b"")),
        (b"noop  ", ("NOOP", b"")),
        (b"mail FROM:<a@b> SIZE=1", ("MAIL", b"FROM:<a@b> SIZE=1")),
        (b"MAIL\t FROM:<>", ("MAIL", b"FROM:<>")),
        (b"EHLO\r", ("EHLO", b"")),
        (b"", ("", b"")),
        (b" NOOP", ("", b" NOOP")),
        (b"X-YZ a", ("", b"X-YZ a")),
        (b"A" * 21, ("", b"A" * 21)),
        (b"\xff", ("", b"\xff")),
    ],
)
def test_split(line, expected):
    assert split_command(line) == expected


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (b"AUTH PLAIN AGEAYg==", b"AGEAYg=="),
        (b"auth  plain  AGEAYg== more", b"AGEAYg== more"),
        (b"AUTH PLAIN =", b"="),
        (b"AUTH AGEAYg==", b"AGEAYg=="),
        (b"AUTH=PLAIN AGEAYg==", b"AGEAYg=="),
        (b"AUTHPLAIN AGEAYg==", b"AGEAYg=="),
        (b"AUTHPLAINAGEAYg==", b"PLAINAGEAYg=="),
        (b"AUTH PLAINAGEAYg==", b"PLAINAGEAYg=="),
        (b" \tAUTH PLAIN AGEAYg==", b"AGEAYg=="),
        (b"\0AUTH PLAIN AGEAYg==", b"AGEAYg=="),
        (b"AUTH PLAIN\rAGEAYg==", b"AGEAYg=="),
        (b"AUTH PLAIN:AGEAYg==", b":AGEAYg=="),
        (b"AUTHENTICATE PLAIN AGEAYg==", b"AGEAYg=="),
        (b"AUTH XYZZY AGEAYg==", b"XYZZY AGEAYg=="),
        (b"AUTH SCRAM-SHA-256-PLUS biws", b"biws"),
        (b"AUTH CRAM-MD5", None),
        (b"AUTH LOGIN", None),
        (b"AUTH LOGIN ", None),
        (b"AUTH", None),
        (b"MAIL FROM:<> AUTH=x y", None),
        (b"NOOP AUTH PLAIN", None),
    ],
)
def test_secret_part(line, secret):
    span = secret_part(line)
    assert (line[slice(*span)] if span else None) == secret
    assert secret is None or tries_auth(line)
