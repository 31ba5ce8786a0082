"""Where answers go: each kind looks at one place, and each silence has its reason."""

import pytest

from labmail.letter.arrows import KINDS, Kind, arrow, arrows

SON, LAN, MINH, HOA = (
    "son@hanoi.example",
    "lan@hanoi.example",
    "minh@saigon.example",
    "hoa@saigon.example",
)


def letter(*fields: str) -> bytes:
    standard = (f"From: Sơn <{SON}>", f"To: Minh <{MINH}>, {LAN}", f"Cc: {HOA}")
    mentioned = {field.partition(":")[0] for field in fields}
    kept = [f for f in standard if f.partition(":")[0] not in mentioned]
    return "\r\n".join([*fields, *kept, "", "Chào\r\n"]).encode()


def test_a_plain_letter() -> None:
    reply, everybody, bounce, automatic, post = arrows(letter(), LAN, MINH)
    assert reply.to == (SON,)
    assert everybody.to == (SON, LAN, HOA)
    assert bounce.to == automatic.to == (LAN,)
    assert post.to == ()
    assert [a.kind for a in arrows(letter(), LAN)] == list(KINDS)


@pytest.mark.parametrize(
    ("kind", "field", "reverse_path", "to"),
    [
        ("reply", f"Reply-To: {HOA}", SON, (HOA,)),
        ("reply", f"Reply-To: {HOA}, {LAN}", SON, (HOA, LAN)),
        ("reply", "Reply-To: ", SON, (SON,)),
        ("reply", "Return-Path: <lan@hanoi.example>", None, (SON,)),
        ("reply", "From: no-reply@hanoi.example", SON, ("no-reply@hanoi.example",)),
        ("reply", "From: not an address", SON, ()),
        ("reply all", f"Reply-To: {HOA}", SON, (HOA, LAN)),
        ("bounce", f"Reply-To: {HOA}", SON, (SON,)),
        ("bounce", "X: y", "", ()),
        ("bounce", "Return-Path: <lan@hanoi.example>", None, (LAN,)),
        ("bounce", "Return-Path: <lan@hanoi.example>", SON, (SON,)),
        ("bounce", "Return-Path: <>", None, ()),
        ("bounce", "X: y", None, ()),
        ("auto-reply", f"Reply-To: {HOA}", LAN, (LAN,)),
        ("auto-reply", "Auto-Submitted: no", LAN, (LAN,)),
        ("auto-reply", "Auto-Submitted: No (a person)", LAN, (LAN,)),
        ("auto-reply", "Precedence: first-class", LAN, (LAN,)),
        ("list post", "List-Post: <mailto:hoi@lists.example>", LAN, ("hoi@lists.example",)),
        (
            "list post",
            "List-Post: <mailto:a%2Bb@lists.example?subject=x>",
            LAN,
            ("a+b@lists.example",),
        ),
        ("list post", "List-Post: NO (announcements only)", LAN, ()),
        ("list post", "List-Post: <https://lists.example/post>", LAN, ()),
    ],
)
def test_where_it_goes(
    kind: Kind, field: str, reverse_path: str | None, to: tuple[str, ...]
) -> None:
    found = arrow(kind, letter(field), reverse_path, MINH)
    assert found.to == to
    assert found.because and found.source.startswith("RFC ")


@pytest.mark.parametrize(
    ("field", "reverse_path", "reason"),
    [
        ("X: y", "", "MAIL FROM is <>"),
        ("Return-Path: <>", None, "Return-Path is <>"),
        ("X: y", None, "no Return-Path"),
        ("X: y", MINH, "it comes from oneself"),
        ("Auto-Submitted: auto-replied", LAN, "Auto-Submitted: auto-replied"),
        ("auto-submitted: Auto-Generated; x=y", LAN, "auto-generated"),
        ("List-Id: <hoi.lists.example>", LAN, "List-Id"),
        ("List-Post: NO", LAN, "List-Post"),
        ("Precedence: bulk", LAN, "Precedence: bulk"),
        ("Precedence: List", LAN, "Precedence: list"),
        (f"To: {LAN}", LAN, "stands in none of To, Cc, Bcc"),
        ("X: y", "owner-hoi@lists.example", "belongs to a program"),
        ("X: y", "hoi-request@lists.example", "belongs to a program"),
        ("X: y", "MAILER-DAEMON@hanoi.example", "belongs to a program"),
        ("X: y", "MAILER-DAEMON", "belongs to a program"),
    ],
)
def test_when_a_program_keeps_silent(field: str, reverse_path: str | None, reason: str) -> None:
    found = arrow("auto-reply", letter(field), reverse_path, MINH)
    assert found.to == ()
    assert reason in found.because
    assert found.source == "RFC 3834 §2"


def test_a_name_with_a_program_in_it_is_no_program() -> None:
    assert arrow("auto-reply", letter(), "postmaster.lan@hanoi.example", MINH).to


def test_what_nobody_can_read_breaks_nothing() -> None:
    hostile = b"From: \xff\xfe <a@b>\r\nReply-To: (((\r\nList-Post: <mailto:\r\nTo: \x00\r\n\r\n"
    assert [a.to for a in arrows(hostile, "")] == [("a@b",), ("a@b",), (), (), ()]
    assert all(not a.to for a in arrows(b""))
