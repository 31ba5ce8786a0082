"""Faults that were planned: what a host does wrong because somebody asked it to.

Trouble in mail is hard to wait for, so a lesson plans it.  A *fault* names a moment
of the dialogue and says what happens there instead of what should:

* `Answer`: a refusal, temporary or for good.  The command is not carried out.
* `HangUp`: the connection ends.  It makes all the difference *when*:

      before    the command is heard and not carried out; nothing is said
      between   it is carried out, and the answer is never said
      after     it is carried out and answered; then the line is dead

  At the end of the content "between" is the oldest doubt in mail: the server has the
  letter, the client cannot know, and sends it again (RFC 1047).
* `Silence`: nothing is said, and nothing is done.  Hosts of the lab are told at once that
  their patience is over, so that silence costs no real minutes; a program of the
  notebook waits as long as it wants, at most `SILENCE_SECONDS`.

A moment is named by its verb: "RCPT" and the like, "" (or "CONNECT") for the greeting, "."
for the end of the content.  Plans are used up in the order in which they were made.
They are values; only how often each will still strike is counted, in `Faults`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

from labmail.runtime.counts import is_whole
from labmail.smtp.replies import Reply
from labmail.smtp.states import VERBS

SILENCE_SECONDS = 10.0
"""Real seconds after which a server that was told to be silent hangs up on a program that
waits: a notebook must not hang for ever."""

Moment = Literal["before", "between", "after"]

_MEANS = {"4": "means later", "5": "means never"}

_GREETING = {"CONNECT": "", "GREETING": ""}


@dataclass(frozen=True, slots=True)
class Answer:
    """Say no: `reply`, instead of carrying the command out."""

    reply: Reply

    def __str__(self) -> str:
        return f"answered {self.reply}"


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the connection, before, between or after doing it and saying so."""

    when: Moment

    def __str__(self) -> str:
        return _HUNG_UP[self.when]


@dataclass(frozen=True, slots=True)
class Silence:
    """Say nothing any more."""

    def __str__(self) -> str:
        return "never answered"


Deed: TypeAlias = Answer | HangUp | Silence

_HUNG_UP: dict[Moment, str] = {
    "before": "cut off: not done, not answered",
    "between": "done, then cut off without an answer",
    "after": "answered, then cut off",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """At `verb` this happens instead: the next `times` times, or (None) until it is healed.

    `sender` and `recipient` are patterns ("*@spam.example") that the addresses of the
    transaction must match; a recipient is known at RCPT only.
    """

    verb: str
    deed: Deed
    times: int | None = None
    sender: str = "*"
    recipient: str = "*"

    def __str__(self) -> str:
        whose = "".join(
            f" {word} <{pattern}>"
            for word, pattern in (("from", self.sender), ("to", self.recipient))
            if pattern != "*"
        )
        return f"{moment(self.verb)}{whose} is {self.deed}"

    def meets(self, verb: str, sender: str, recipient: str) -> bool:
        """Whether this is the moment, and these are the addresses."""
        return (
            verb == self.verb
            and fnmatchcase(sender.lower(), self.sender)
            and fnmatchcase(recipient.lower(), self.recipient)
        )


class Faults:
    """All that is planned at one host."""

    def __init__(self) -> None:
        self._left: dict[Fault, int | None] = {}

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._left)

    def __str__(self) -> str:
        """The plans in words, and how often each will still strike."""
        return "; ".join(f"{fault} ({_often(left)})" for fault, left in self._left.items())

    def memory(self) -> dict[Fault, int | None]:
        """The plans, and how often each will still strike."""
        return dict(self._left)

    def recall(self, memory: dict[Fault, int | None]) -> None:
        """Plan these, and nothing else."""
        self._left = dict(memory)

    def plan(self, fault: Fault) -> None:
        """Add a fault behind those there are; one that is there already counts anew."""
        self._left[fault] = fault.times

    def heal(self) -> None:
        """Forget them all."""
        self._left.clear()

    def strike(self, verb: str, sender: str, recipient: str) -> Fault | None:
        """The fault that strikes now, if one does; one of its times is then used up."""
        fault = next((f for f in self._left if f.meets(verb, sender, recipient)), None)
        if fault is not None:
            self._use_up(fault)
        return fault

    def _use_up(self, fault: Fault) -> None:
        left = self._left[fault]
        if left is None:
            return
        if left > 1:
            self._left[fault] = left - 1
        else:
            del self._left[fault]


def planned(
    verb: str,
    deed: Deed,
    *,
    times: int | None = None,
    sender: str | None = None,
    recipient: str | None = None,
) -> Fault:
    """A fault, as it was asked for; raises ValueError for one that cannot happen."""
    name = _verb(verb)
    if times is not None and not is_whole(times, 1):
        raise ValueError(
            f"times={times!r}: how often? Write a whole number, 1 or more, or None for every time "
            "until heal()"
        )
    if recipient is not None and name != "RCPT":
        raise ValueError(
            f"a recipient is known at RCPT only, not at {moment(name)}: leave recipient= out"
        )
    if sender is not None and name not in ("MAIL", "RCPT", "DATA", "."):
        raise ValueError(
            f"at {moment(name)} no sender is known: plan it for MAIL, RCPT, DATA or '.', "
            "or leave sender= out"
        )
    return Fault(name, deed, times, _pattern(sender), _pattern(recipient))


def refusal(text: str) -> Answer:
    """The refusal that this text is: "450 4.2.1 Mailbox busy".  Raises ValueError for another."""
    code, _, words = text.strip().partition(" ")
    if len(code) != 3 or not code.isdecimal() or not 400 <= int(code) <= 599:
        raise ValueError(
            f"{text!r} is no refusal: write a code of 4yz (later) or 5yz (never), perhaps an "
            "enhanced code, and words, as in '450 4.2.1 Mailbox busy, try again'"
        )
    reply = Reply.heard(int(code), words)
    if reply.enhanced and reply.enhanced[0] != code[0]:  # RFC 2034 §4
        mended = code[0] + reply.enhanced[1:]
        raise ValueError(
            f"{text!r} says two things: {code} {_MEANS[code[0]]}, {reply.enhanced} "
            f"{_MEANS.get(reply.enhanced[0], 'is no refusal')}. Both begin with the same digit "
            f"(RFC 2034 §4): write {code} {mended}"
        )
    return Answer(reply)


def hang_up(when: str) -> HangUp:
    """Raises ValueError for a moment that there is not."""
    for known in get_args(Moment):
        if when == known:
            return HangUp(known)
    raise ValueError(f"when={when!r}: hang up 'before', 'between' or 'after'?")


def moment(verb: str) -> str:
    """The moment, in words."""
    return {"": "the greeting", ".": "the end of the letter"}.get(verb, verb)


def _verb(text: str) -> str:
    verb = _GREETING.get(text.upper(), text.upper())
    if verb in ("", ".") or verb in VERBS:
        return verb
    raise ValueError(
        f"{text!r} is no moment of an SMTP session: use one of {', '.join(sorted(VERBS))}, "
        "'.' (the end of the letter) or 'CONNECT' (the greeting)"
    )


def _pattern(text: str | None) -> str:
    return "*" if text is None else text.lower()


def _often(left: int | None) -> str:
    return "always" if left is None else "once" if left == 1 else f"{left} times"
