"""Cards of letters wherever they lie, and the arrows of their answers."""

from dataclasses import replace
from pathlib import Path

import pytest

from labmail import Lab, envelope_card, four_arrows
from labmail.trace.parcel import Envelope
from labmail.trace.snapshots import CardRow, EnvelopeCard
from labmail.views import view_of
from labmail.views.envelope import CardView
from labmail.views.envelope_draw import sheet_lines
from labmail.views.view import Picture

SON, LAN, MINH = "son@hanoi.example", "lan@hanoi.example", "minh@saigon.example"
LETTER = f"From: Sơn <{SON}>\r\nTo: {LAN}\r\nSubject: Chào\r\n\r\nThân.\r\n".encode()


def shown(thing: object) -> str:
    return " ".join(view_of(thing).text().split())


def card(reverse_path: str = SON, *to: str, content: bytes = LETTER) -> EnvelopeCard:
    return EnvelopeCard(Envelope.of(reverse_path, to or (LAN,)), content, "here", 1)


def test_what_agrees_and_what_differs() -> None:
    assert "= MAIL FROM and From: agree = RCPT TO and To/Cc: agree" in shown(card())
    assert "≠ MAIL FROM and From: differ" in shown(card(MINH))
    assert f"≠ RCPT TO and To/Cc: {MINH}, a@b are in no header" in shown(card(SON, MINH, "a@b"))
    assert "≠ MAIL FROM is empty (<>)" in shown(card(""))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (f"Return-Path: <{SON}>", "= Return-Path and From: agree"),
        (f"Return-Path: <{MINH}>", "≠ Return-Path and From: differ"),
        ("Return-Path: <>", "· Return-Path is <>: nobody was to be told"),
        (f"Delivered-To: {LAN}", "· MAIL FROM is not known any more"),
        ("X: y", "(nothing): no Return-Path either"),
    ],
)
def test_an_envelope_that_is_gone(field: str, said: str) -> None:
    text = shown(envelope_card(None, f"{field}\r\n".encode() + LETTER))
    assert "ENVELOPE: gone; what is left of it" in text
    assert said in text
    assert "RCPT TO was thrown away" in text


def test_a_row_tells_what_changed() -> None:
    longer = b"Received: from a by b;\r\n\tMon\r\n" + LETTER + b"P.S.\r\n"
    forwarded = card(MINH, MINH, content=longer)
    text = shown(CardRow(1, (card(), card(), forwarded)))
    assert "the envelope is the same ▸ not an octet of the letter changed" in text
    assert f"MAIL FROM: <{SON}> → <{MINH}>" in text
    assert f"RCPT TO: without {LAN}" in text and f"RCPT TO: and now {MINH}" in text
    assert "+ Received: from a by b; Mon" in text and "the body changed" in text


def test_what_was_taken_off_is_told() -> None:
    text = shown(CardRow(1, (card(content=b"Bcc: a@b\r\n" + LETTER), card())))
    assert "− Bcc: a@b" in text and "the body is the same" in text


def test_a_forged_return_path_is_drawn_on_the_sheet_until_it_is_taken_off() -> None:
    forged = b"Return-Path: <x@y.example>\r\n" + LETTER
    handed_in = CardView(card(SON, MINH, content=forged))
    stored = CardView(replace(card(SON, MINH, content=forged), envelope=None))
    assert ("Return-Path", "<x@y.example>") in sheet_lines(handed_in)
    assert "Return-Path" not in dict(sheet_lines(stored))
    assert ("Return-Path", "<x@y.example>") in stored.envelope


def test_the_arrows_of_a_letter() -> None:
    text = shown(four_arrows(card(MINH), LAN))
    assert "if lan@hanoi.example answers" in text
    assert f"reply {SON}" in text
    assert f"bounce {MINH} MAIL FROM says" in text
    assert f"auto-reply {MINH}" in text
    assert "list post ✘ nobody" in text
    gone = shown(four_arrows(envelope_card(None, b"Return-Path: <>\r\n" + LETTER)))
    assert "bounce ✘ nobody Return-Path is <>" in gone


MANY = [f"nguoi-{n}@saigon.example" for n in range(12)]


@pytest.mark.parametrize(
    "view",
    [
        view_of(card()),
        view_of(card("", *MANY)),
        view_of(envelope_card(None, b"")),
        view_of(CardRow(1, (card(), card(MINH), envelope_card(None, LETTER)))),
        view_of(CardRow(1, (card(),) * 7)),
        four_arrows(card("x" * 90 + "@hanoi.example", MINH)),
    ],
    ids=["agree", "many", "empty", "row", "long row", "arrows"],
)
def test_pictures_are_drawn_the_same_each_time(view: Picture, tmp_path: Path) -> None:
    assert view.svg() == view.svg()
    assert view.alt().endswith(".")
    assert view.png(tmp_path / "x.png").stat().st_size > 1000
    assert "<details" in view.html() and 'alt="' in view.html()


def test_a_long_envelope_counts_what_it_does_not_draw() -> None:
    svg = view_of(card(SON, *MANY)).svg()  # type: ignore[attr-defined]
    assert "… and 7 more" in svg
    assert MANY[-1] in shown(card(SON, *MANY))


# --- in a world ---------------------------------------------------------------------------------


def test_cards_of_a_letter_at_every_station() -> None:
    with Lab() as lab:
        son = lab.user(SON)
        lab.host("mx1.saigon.example").stop("smtp")
        lab.host("mx2.saigon.example").stop()
        son.send([MINH, LAN], "Hai người", "…")
        (row,) = (r for r in lab.queue("smtp.hanoi.example").rows if r.recipient == MINH)
        waiting = lab.queue_card("smtp.hanoi.example", row.queue_id)
        assert waiting.envelope is not None and waiting.envelope.addresses == (MINH,)
        assert waiting.content.startswith(b"Received: ")
        assert "as it waits in the queue" in shown(waiting)
        lab.host("mx1.saigon.example").start()
        lab.advance("1h")
        where = [c.where for c in lab.cards(1).cards]
        assert where == [
            "as smtp.hanoi.example accepted it",
            f"as it lies in INBOX of {LAN}",
            "as mx1.saigon.example accepted it",
            f"as it lies in INBOX of {MINH}",
        ]
        assert shown(lab.cards(1)).count("+ Return-Path: <son@hanoi.example>") == 2
        assert lab.box_card(MINH, 1).content == lab.cards(1).cards[-1].content
        with pytest.raises(LookupError, match="letters there: none"):
            lab.queue_card("smtp.hanoi.example", row.queue_id)
        with pytest.raises(LookupError, match="letter 9 was not accepted"):
            lab.cards(9)
        with pytest.raises(ValueError):
            lab.box_card(MINH, 9)


def test_cards_of_a_bounce_that_stays_that_travels_and_that_waits() -> None:
    with Lab() as lab:
        lab.user(SON).send("khong-co@saigon.example", "x", "…")
        lab.settle()
        wrote, lies = lab.cards(2).cards
        assert wrote.envelope == lab.card(2).envelope == Envelope.of("", [SON])
        assert lies.content == b"Return-Path: <>\r\n" + wrote.content
        with lab.user(SON).smtp() as server:
            letter = lab.user(SON).compose("khong-co@saigon.example", "y", "…")
            server.send_message(letter, MINH, ["khong-co@saigon.example"])
        lab.settle()
        wrote, taken, _ = lab.cards(4).cards
        assert (wrote.where, taken.where) == (
            "as smtp.hanoi.example wrote it",
            "as mx1.saigon.example accepted it",
        )
        with lab.user(SON).smtp() as server:
            letter = lab.user(SON).compose("khong-co@hanoi.example", "y", "…")
            lab.host("mail.arrakis.example").stop()
            server.send_message(letter, "freman.alpha@arrakis.example", ["ai@saigon.example"])
        lab.settle()
        (waits,) = lab.cards(6).cards
        assert waits.envelope == Envelope.of("", ["freman.alpha@arrakis.example"])
        assert waits.content.startswith(b"Date: ") or b"Undelivered" in waits.content
