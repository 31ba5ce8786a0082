"""The envelope card: what servers obey, beside what people read.

Two sets of addresses travel with every letter.  MAIL FROM and RCPT TO are the envelope: they
decide who gets the letter and who hears of trouble.  From and To stand in the letter
itself: no server looks at them to deliver.  Usually they agree, and nothing makes them.
"""

from __future__ import annotations

from labmail.trace.snapshots import EnvelopeCard
from labmail.views import markup, palette
from labmail.views.chars import pad, shorten, visible, width
from labmail.views.letterhead import Field, addresses, fields
from labmail.views.view import View

WANTED = (
    "Return-Path",
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


class CardView(View):
    """One letter's envelope and letterhead, side by side."""

    def __init__(self, card: EnvelopeCard) -> None:
        envelope = card.envelope
        letter = "" if card.parcel is None else f" of letter {card.parcel}"
        where = f", {visible(card.where)}" if card.where else ""
        self._title = f"Envelope card{letter}{where}"
        self._envelope = [
            ("MAIL FROM", f"<{visible(envelope.reverse_path)}>"),
            *(("RCPT TO", f"<{visible(address)}>") for address in envelope.addresses),
            *_parameters(card),
        ]
        found = fields(card.content, WANTED)
        missing = [Field(n, "(none)") for n in _ALWAYS if not any(f.name == n for f in found)]
        self._letter = sorted([*found, *missing], key=lambda f: WANTED.index(f.name))
        self._verdicts = self._compared(card)

    def _compared(self, card: EnvelopeCard) -> list[str]:
        """Where envelope and letter agree, and where they do not."""
        from_ = addresses([f.value for f in self._letter if f.name == "From"])
        named = addresses([f.value for f in self._letter if f.name in {"To", "Cc", "Bcc"}])
        sender = card.envelope.reverse_path.lower()
        if not sender:
            first = "MAIL FROM is empty (<>): nobody will be told of trouble"
        else:
            first = "MAIL FROM and From: " + ("agree" if sender in from_ else "differ")
        reached = [a for a in card.envelope.addresses if a.lower() not in named]
        second = "RCPT TO and To/Cc: "
        second += f"{', '.join(map(visible, reached))} is in no header" if reached else "agree"
        if len(reached) > 1:
            second = second.replace(" is in no", " are in no")
        return [first, second]

    def text(self) -> str:
        left = [f"{name + ':':<10} {value}" for name, value in self._envelope]
        right = [f"{f.name + ':':<12} {shorten(f.value, 58)}{_note(f)}" for f in self._letter]
        wide = max(width("ENVELOPE: servers obey it"), *map(width, left))
        tall = max(len(left), len(right))
        left += [""] * (tall - len(left))
        right += [""] * (tall - len(right))
        lines = [
            f"  {pad('ENVELOPE: servers obey it', wide)}  │  LETTER: people read it",
            f"  {'─' * wide}──┼──{'─' * 46}",
            *(f"  {pad(a, wide)}  │  {b}" for a, b in zip(left, right, strict=True)),
        ]
        return "\n".join(line.rstrip() for line in [self._title, *lines, *self._signed()])

    def _signed(self) -> list[str]:
        return [f"  {'=' if v.endswith('agree') else '≠'} {v}" for v in self._verdicts]

    def html(self) -> str:
        left = markup.table(
            ("the envelope", "servers obey it"),
            [(markup.code(name), markup.code(value)) for name, value in self._envelope],
        )
        right = markup.table(
            ("the letter", "people read it", ""),
            [(markup.code(f.name), f.value, markup.quiet(f.written)) for f in self._letter],
        )
        both = markup.tag(
            "tr",
            _side(left, palette.ORANGE),
            _side(right, palette.BLUE),
            style="vertical-align:top",
        )
        frame = markup.tag("table", markup.tag("tbody", both), style="border-collapse:collapse")
        verdicts = [
            markup.chip(v, palette.GREEN if v.endswith("agree") else palette.VERMILION)
            for v in self._signed()
        ]
        spaced = [markup.Html(f"{verdict} &nbsp; ") for verdict in verdicts]
        return markup.page(markup.heading(self._title), frame, markup.paragraph(*spaced))


def _side(table: markup.Html, colour: str) -> markup.Html:
    style = f"vertical-align:top;text-align:left;padding:2px 14px;border-left:5px solid {colour}"
    return markup.tag("td", table, style=style)


def _note(field: Field) -> str:
    return f"  ⟨{field.written}⟩" if field.written else ""


def _parameters(card: EnvelopeCard) -> list[tuple[str, str]]:
    """What else the envelope says, where it says it."""
    envelope = card.envelope
    rows = [("BODY", envelope.body)] if envelope.body != "7BIT" else []
    rows += [("SMTPUTF8", "yes")] if envelope.smtputf8 else []
    rows += [("RET", visible(envelope.ret))] if envelope.ret else []
    rows += [("ENVID", visible(envelope.envid))] if envelope.envid else []
    rows += [("NOTIFY", visible(r.notify)) for r in envelope.recipients if r.notify]
    return rows
