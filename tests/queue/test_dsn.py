"""Notifications, read back with Python's own email package."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.queue.dsn import (
    Action,
    Report,
    compose,
    escaped,
    field,
    from_xtext,
    status_for,
    typed_address,
    wanted,
)
from labmail.queue.letter import Copy, Letter, State
from labmail.runtime.clock import LAB_MORNING
from labmail.runtime.ids import Ids
from labmail.trace.parcel import Envelope, Parcel, Recipient

CONTENT = b"From: son@hanoi.example\r\nSubject: Chao\r\n\r\nHello Minh.\r\n.. two dots\r\n"
MINH = Recipient("minh@saigon.example", orcpt="rfc822;minh+40saigon.example")
NOW = LAB_MORNING + timedelta(hours=2)


def copy_of(recipient: Recipient = MINH, **changes: Any) -> Copy:
    known = Copy(
        recipient,
        next_try=LAB_MORNING,
        state=State.BOUNCED,
        attempts=1,
        last_try=NOW,
        reply="550 5.1.1 no such user",
        status="5.1.1",
        to="mx1.saigon.example",
    )
    return replace(known, **changes)


def composed(
    *copies: Copy,
    actions: tuple[Action, ...] = (),
    content: bytes = CONTENT,
    sender: str = "son@hanoi.example",
    ret: str | None = None,
    envid: str | None = None,
    ids: Ids | None = None,
    at_most: int = 50_000,
) -> Parcel:
    copies = copies or (copy_of(),)
    failed: Action = "failed"
    said = actions or (failed,) * len(copies)
    envelope = Envelope(sender, tuple(c.recipient for c in copies), ret=ret, envid=envid)
    letter = Letter.fresh("4K7Q2MXB", Parcel(1, envelope, content), "submission", LAB_MORNING)
    return compose(
        host="smtp.hanoi.example",
        letter=letter,
        reports=[Report(c, a) for c, a in zip(copies, said, strict=True)],
        content=content,
        number=2,
        ids=ids or Ids("dsn"),
        now=NOW,
        retry_until=LAB_MORNING + timedelta(days=5),
        return_at_most=at_most,
    )


def read(parcel: Parcel) -> EmailMessage:
    message = message_from_bytes(parcel.content, policy=policy.SMTP)
    assert not message.defects
    return message


def parts(parcel: Parcel) -> tuple[EmailMessage, list[EmailMessage], EmailMessage]:
    """Text for people; field groups for programs; what was returned."""
    people, programs, returned = cast(list[EmailMessage], read(parcel).get_payload())
    return people, cast(list[EmailMessage], programs.get_payload()), returned


def assert_travels(content: bytes) -> None:
    """CRLF line ends only, no NUL, no line over 998 octets (RFC 5322 §2.1.1)."""
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", content)
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert content.endswith(b"--\r\n")


# --- the form ---------------------------------------------------------------------------


def test_a_failure_in_full() -> None:
    parcel = composed(envid="QQ314159+2B")
    assert parcel.number == 2
    assert parcel.envelope == Envelope.of("", ["son@hanoi.example"])
    message = read(parcel)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["From"] == "Mail Delivery System <postmaster@smtp.hanoi.example>"
    assert message["To"] == "son@hanoi.example"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Date"] == "Mon, 02 Mar 2026 11:00:00 +0700"
    people, (about_letter, about_minh), returned = parts(parcel)
    assert "no such user" in people.get_content()
    assert "4K7Q2MXB" in people.get_content()
    assert about_letter.items() == [
        ("Original-Envelope-Id", "QQ314159+"),
        ("Reporting-MTA", "dns; smtp.hanoi.example"),
        ("Arrival-Date", "Mon, 02 Mar 2026 09:00:00 +0700"),
    ]
    assert about_minh.items() == [
        ("Original-Recipient", "rfc822; minh@saigon.example"),
        ("Final-Recipient", "rfc822; minh@saigon.example"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Remote-MTA", "dns; mx1.saigon.example"),
        ("Diagnostic-Code", "smtp; 550 5.1.1 no such user"),
        ("Last-Attempt-Date", "Mon, 02 Mar 2026 11:00:00 +0700"),
    ]
    assert returned.get_content_type() == "message/rfc822"
    assert CONTENT in parcel.content
    assert_travels(parcel.content)


def test_the_same_seed_says_the_same_bytes() -> None:
    assert composed().content == composed().content
    assert composed().content != composed(ids=Ids("other")).content


def test_one_group_for_each_recipient() -> None:
    late = copy_of(Recipient("lan@saigon.example"), state=State.WAITING, status="4.2.1")
    parcel = composed(copy_of(), late, actions=("failed", "delayed"))
    _, (_, first, second), _ = parts(parcel)
    assert (first["Action"], second["Action"]) == ("failed", "delayed")
    assert "Will-Retry-Until" not in first
    assert second["Will-Retry-Until"] == "Sat, 07 Mar 2026 09:00:00 +0700"
    assert read(parcel)["Subject"].startswith("Undelivered")


def test_what_is_no_smtp_reply_is_not_called_one() -> None:
    _, (_, fields), _ = parts(composed(copy_of(reply="connection refused", to="", status="")))
    assert fields["Diagnostic-Code"] == "x-mail-lab; connection refused"
    assert fields["Status"] == "5.0.0"
    assert "Remote-MTA" not in fields


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.1.1", "5.1.1"),
        ("failed", "4.4.7", "4.4.7"),
        ("failed", "550", "5.0.0"),
        ("delayed", "", "4.0.0"),
        ("delivered", "2.1.5\r\nX: y", "2.0.0"),
    ],
)
def test_status_codes(action: Action, status: str, expected: str) -> None:
    assert status_for(action, status) == expected


# --- what is returned ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ret", "actions", "at_most", "kind"),
    [
        (None, ("failed",), 50_000, "message/rfc822"),
        ("FULL", ("failed",), 50_000, "message/rfc822"),
        ("full", ("failed",), 20, "text/rfc822-headers"),
        ("HDRS", ("failed",), 50_000, "text/rfc822-headers"),
        ("FULL", ("delayed",), 50_000, "text/rfc822-headers"),
        ("FULL", ("delivered",), 50_000, "text/rfc822-headers"),
    ],
)
def test_how_much_is_returned(
    ret: str | None, actions: tuple[Action, ...], at_most: int, kind: str
) -> None:
    parcel = composed(ret=ret, actions=actions, at_most=at_most)
    assert parts(parcel)[2].get_content_type() == kind
    assert (b"Hello Minh" in parcel.content) == (kind == "message/rfc822")
    assert_travels(parcel.content)


def test_a_huge_header_is_cut_at_a_line() -> None:
    content = b"X-Long: yes\r\n" * 10_000 + b"\r\nbody\r\n"
    parcel = composed(content=content, ret="HDRS", at_most=1_000)
    assert len(parcel.content) < 4_000
    assert set(parts(parcel)[2].get_content().split()) == {"X-Long:", "yes"}


def test_a_letter_that_cannot_travel_is_not_returned_whole() -> None:
    parcel = composed(content=b"Subject: a\nX: \0b\r\n\r\nbare\nline\r\n")
    assert parts(parcel)[2].get_content_type() == "text/rfc822-headers"
    assert_travels(parcel.content)


def test_nothing_to_return() -> None:
    assert_travels(composed(content=b"").content)
    assert_travels(composed(content=b"\r\nno header\r\n", ret="HDRS").content)


def test_a_letter_with_8_bit_text_comes_back_byte_for_byte() -> None:
    content = b"Subject: x\r\n\r\nCh\xc3\xa0o \xff\r\n"
    parcel = composed(content=content)
    assert content in parcel.content
    assert parcel.envelope.body == "8BITMIME"
    assert not parcel.envelope.smtputf8
    assert read(parcel)["Content-Transfer-Encoding"] == "8bit"
    assert parts(parcel)[2].get_content_type() == "message/rfc822"
    assert composed().envelope.body == "7BIT"


@pytest.mark.parametrize(
    ("ret", "kind"), [("FULL", "message/global"), ("HDRS", "message/global-headers")]
)
def test_an_international_header_has_its_own_type(ret: str, kind: str) -> None:
    parcel = composed(content="Subject: Chào\r\n\r\n.\r\n".encode(), ret=ret)
    assert parts(parcel)[2].get_content_type() == kind


def test_no_letter_can_end_its_own_part() -> None:
    guess = Ids("dsn").boundary().encode()
    parcel = composed(content=b"Subject: x\r\n\r\n--" + guess + b"--\r\nevil\r\n")
    assert read(parcel).get_boundary() != guess.decode()
    assert len(cast(list[EmailMessage], read(parcel).get_payload())) == 3


# --- strangers' text ----------------------------------------------------------------------------


def test_an_international_sender_and_recipient() -> None:
    parcel = composed(copy_of(Recipient("lân@saigon.example")), sender="sơn@hanoi.example")
    assert parcel.envelope.smtputf8
    assert "To: <sơn@hanoi.example>\r\n".encode() in parcel.content
    people, (_, fields), _ = parts(parcel)
    assert "<lân@saigon.example>" in people.get_content()
    assert fields["Final-Recipient"] == "utf-8; l\\x{E2}n@saigon.example"


EVIL = "x\r\nBcc: victim@x.example\r\n\r\n--boundary\0\n.\n\x85\u2028y"


def test_no_stranger_begins_a_line() -> None:
    recipient = Recipient("a@x.example", orcpt="rfc822;a+0D+0ABcc:+20b")
    evil = copy_of(recipient, reply=EVIL, to=EVIL, status=EVIL)
    parcel = composed(evil, envid="x+0D+0A+0D+0AInjected:+20yes")
    assert_travels(parcel.content)
    assert b"\r\nBcc:" not in parcel.content
    assert b"\r\nInjected:" not in parcel.content
    _, (about_letter, about), _ = parts(parcel)
    assert about_letter["Original-Envelope-Id"] == "x Injected: yes"
    assert about["Original-Recipient"] == "rfc822; a Bcc: b"


def test_an_original_recipient_beyond_ascii_is_written_in_seven_bits() -> None:
    recipient = Recipient("mình@x.example", orcpt="utf-8;mình@x.example")
    _, (_, about), _ = parts(composed(copy_of(recipient)))
    assert about["Original-Recipient"] == about["Final-Recipient"] == r"utf-8; m\x{EC}nh@x.example"


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_strangers_write_the_notification_is_sound(
    address: str, reply: str, to: str, orcpt: str
) -> None:
    copy = copy_of(Recipient("a@x.example"), reply=reply, to=to)
    copy = replace(copy, recipient=Recipient(address, orcpt=orcpt))
    letter = Letter("Q1", 1, "submission", LAB_MORNING, 9, Envelope(address, ()), (copy,))
    parcel = compose(
        host="smtp.hanoi.example",
        letter=letter,
        reports=[Report(copy, "failed")],
        content=CONTENT,
        number=2,
        ids=Ids(),
        now=NOW,
        retry_until=NOW,
    )
    assert_travels(parcel.content)
    people, groups, _ = parts(parcel)
    assert people.get_content_type() == "text/plain"
    assert len(groups) == 2
    assert groups[1]["Action"] == "failed"


@given(st.text(max_size=3_000))
def test_fields_are_folded_ascii(text: str) -> None:
    made = field("Diagnostic-Code", escaped(text))
    assert made.isascii()
    assert all(len(line) <= 998 for line in made.split(b"\r\n"))
    assert all(line.startswith(b" ") for line in made.split(b"\r\n")[1:-1])


def test_a_very_long_reply_is_cut() -> None:
    assert_travels(composed(copy_of(reply="550 " + "x" * 100_000)).content)
    assert len(escaped("x" * 100_000)) < 2_100


def test_addresses_and_xtext() -> None:
    assert from_xtext("a+2Bb+40c") == "a+b@c"
    assert from_xtext("a+2b+zz") == "a+2b+zz"  # hexadecimal digits are capitals
    assert typed_address("a@x.example") == "rfc822; a@x.example"
    assert typed_address("é+x@a.example") == "utf-8; \\x{E9}\\x{2B}x@a.example"


# --- who is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        (None, {"failed", "delayed"}),
        ("NEVER", set()),
        ("FAILURE", {"failed"}),
        ("success,FAILURE", {"failed", "delivered", "relayed"}),
        ("DELAY", {"delayed"}),
        ("SUCCESS", {"delivered", "relayed"}),
        ("", set()),
    ],
)
def test_notify_is_honoured(notify: str | None, told: set[Action]) -> None:
    recipient = Recipient("a@x.example", notify=notify)
    actions: tuple[Action, ...] = ("failed", "delayed", "delivered", "relayed")
    envelope = Envelope("son@hanoi.example", (recipient,))
    assert {a for a in actions if wanted(envelope, recipient, a)} == told
    assert not any(wanted(Envelope("", (recipient,)), recipient, a) for a in actions)
