"""The envelope card: what servers obey, beside what people read.

Two sets of addresses travel with every letter.  MAIL FROM and RCPT TO are the envelope: they
decide who gets the letter and who hears of trouble.  From and To stand in the letter
itself: no server looks at them to deliver.  Usually they agree, and nothing makes them.

In a mailbox the envelope is gone.  What is left of it is the Return-Path on top of the
letter, and that only tells who would have heard of trouble.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labmail.trace.parcel import Envelope
from labmail.trace.snapshots import EnvelopeCard
from labmail.views import markup, palette
from labmail.views.chars import pad, shorten, visible, width
from labmail.views.letterhead import Field, addresses, fields
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

WANTED = (
    "Return-Path",
    "Delivered-To",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "Message-ID",
)
_ALWAYS = ("From", "To", "Subject")
_LEFT = ("Return-Path", "Delivered-To")
"""Fields that the last server wrote down from the envelope (RFC 5321 §4.4)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one address of the envelope and its like in the letter compare: `same` is None where
    there is nothing to compare."""

    same: bool | None
    words: str

    @property
    def sign(self) -> str:
        return {True: "=", False: "≠", None: "·"}[self.same]


class CardView(Picture):
    """One letter's envelope and letterhead, side by side."""

    def __init__(self, card: EnvelopeCard) -> None:
        letter = "" if card.parcel is None else f" of letter {card.parcel}"
        where = f", {visible(card.where)}" if card.where else ""
        self.title = f"Envelope card{letter}{where}"
        self.gone = card.envelope is None
        found = fields(card.content, WANTED)
        missing = [Field(n, "(none)") for n in _ALWAYS if not any(f.name == n for f in found)]
        self.letter = sorted([*found, *missing], key=lambda f: WANTED.index(f.name))
        self.envelope = _outside(card.envelope) if card.envelope else self._left()
        self.sender, self.recipients = (
            self._compared(card.envelope) if card.envelope else self._gone()
        )

    def _left(self) -> list[tuple[str, str]]:
        """What a mailbox still knows of the envelope."""
        left = [(f.name, visible(f.value)) for f in self.letter if f.name in _LEFT]
        return left or [("(nothing)", "no Return-Path either")]

    def _gone(self) -> tuple[Verdict, Verdict]:
        paths = [f.value for f in self.letter if f.name == "Return-Path"]
        if not paths:
            first = Verdict(None, "MAIL FROM is not known any more")
        elif not (path := "".join(addresses(paths[:1]))):
            first = Verdict(None, "Return-Path is <>: nobody was to be told of trouble")
        else:
            same = path in self._authors()
            first = Verdict(same, f"Return-Path and From: {'agree' if same else 'differ'}")
        return first, Verdict(None, "RCPT TO was thrown away with the envelope")

    def _authors(self) -> list[str]:
        return addresses([f.value for f in self.letter if f.name == "From"])

    def _compared(self, envelope: Envelope) -> tuple[Verdict, Verdict]:
        """Where envelope and letter agree, and where they do not."""
        named = addresses([f.value for f in self.letter if f.name in {"To", "Cc", "Bcc"}])
        sender = envelope.reverse_path.lower()
        if not sender:
            first = Verdict(False, "MAIL FROM is empty (<>): nobody will be told of trouble")
        else:
            same = sender in self._authors()
            first = Verdict(same, f"MAIL FROM and From: {'agree' if same else 'differ'}")
        reached = [a for a in envelope.addresses if a.lower() not in named]
        verb = "are" if len(reached) > 1 else "is"
        second = f"{', '.join(map(visible, reached))} {verb} in no header" if reached else "agree"
        return first, Verdict(not reached, f"RCPT TO and To/Cc: {second}")

    @property
    def verdicts(self) -> tuple[Verdict, Verdict]:
        """What to say of the sender, and of the recipients."""
        return self.sender, self.recipients

    @property
    def heads(self) -> tuple[str, str]:
        """What stands above the two sides."""
        if self.gone:
            return "ENVELOPE: gone; what is left of it", "LETTER: people read it"
        return "ENVELOPE: servers obey it", "LETTER: people read it"

    def text(self) -> str:
        left = [f"{name + ':':<10} {value}" for name, value in self.envelope]
        right = [f"{f.name + ':':<12} {shorten(f.value, 58)}{_note(f)}" for f in self.letter]
        wide = max(width(self.heads[0]), *map(width, left))
        tall = max(len(left), len(right))
        left += [""] * (tall - len(left))
        right += [""] * (tall - len(right))
        lines = [
            f"  {pad(self.heads[0], wide)}  │  {self.heads[1]}",
            f"  {'─' * wide}──┼──{'─' * 46}",
            *(f"  {pad(a, wide)}  │  {b}" for a, b in zip(left, right, strict=True)),
        ]
        return "\n".join(line.rstrip() for line in [self.title, *lines, *self._signed()])

    def _signed(self) -> list[str]:
        return [f"  {verdict.sign} {verdict.words}" for verdict in self.verdicts]

    def alt(self) -> str:
        outside = ", ".join(f"{name} {value}" for name, value in self.envelope)
        inside = ", ".join(f"{f.name} {f.value}" for f in self.letter if f.name in _DRAWN)
        said = "; ".join(verdict.words for verdict in self.verdicts)
        return f"{self.title}. On the envelope: {outside}. In the letter: {inside}. {said}."

    def draw(self) -> Paper:
        from labmail.views.envelope_draw import drawn_card

        return drawn_card(self)

    def beside(self) -> markup.Html:
        left = markup.table(
            ("the envelope", "gone" if self.gone else "servers obey it"),
            [(markup.code(name), markup.code(value)) for name, value in self.envelope],
        )
        right = markup.table(
            ("the letter", "people read it", ""),
            [(markup.code(f.name), f.value, markup.quiet(f.written)) for f in self.letter],
        )
        both = markup.tag(
            "tr",
            _side(left, palette.ORANGE),
            _side(right, palette.BLUE),
            style="vertical-align:top",
        )
        frame = markup.tag("table", markup.tag("tbody", both), style="border-collapse:collapse")
        verdicts = [
            markup.chip(line, palette.GREEN if verdict.same else palette.VERMILION)
            for verdict, line in zip(self.verdicts, self._signed(), strict=True)
        ]
        spaced = [markup.Html(f"{verdict} &nbsp; ") for verdict in verdicts]
        return markup.details("all of it in words", frame, markup.paragraph(*spaced))


_DRAWN = ("From", "Reply-To", "To", "Cc", "Bcc", "Subject")


def _outside(envelope: Envelope) -> list[tuple[str, str]]:
    """What the envelope says, line by line."""
    return [
        ("MAIL FROM", f"<{visible(envelope.reverse_path)}>"),
        *(("RCPT TO", f"<{visible(address)}>") for address in envelope.addresses),
        *_parameters(envelope),
    ]


def _side(table: markup.Html, colour: str) -> markup.Html:
    style = f"vertical-align:top;text-align:left;padding:2px 14px;border-left:5px solid {colour}"
    return markup.tag("td", table, style=style)


def _note(field: Field) -> str:
    return f"  ⟨{field.written}⟩" if field.written else ""


def _parameters(envelope: Envelope) -> list[tuple[str, str]]:
    """What else the envelope says, where it says it."""
    rows = [("BODY", envelope.body)] if envelope.body != "7BIT" else []
    rows += [("SMTPUTF8", "yes")] if envelope.smtputf8 else []
    rows += [("RET", visible(envelope.ret))] if envelope.ret else []
    rows += [("ENVID", visible(envelope.envid))] if envelope.envid else []
    rows += [("NOTIFY", visible(r.notify)) for r in envelope.recipients if r.notify]
    return rows
