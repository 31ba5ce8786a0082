"""Play the server: a client has called, and a person answers.

``visit = play_server(lab)`` puts the learner behind the counter of a host and lets Sơn's mail
program call there: real `smtplib`, a real connection, with nobody but the learner to answer.
``visit.answer("220 …")`` says a reply and waits for what the client says next.
Everything is on record like any session, and `judge` holds the replies against RFC 5321.

With a list of replies the same happens by itself, until they are used up.
"""

from __future__ import annotations

import asyncio
import smtplib
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress

from labmail.course.notice import Notice, Table, Tone
from labmail.lab import Lab
from labmail.net.connection import Line
from labmail.running import RunningWorld
from labmail.runtime.loop import Errand
from labmail.smtp.counter import Counter, Turn
from labmail.smtp.judging import Verdict, judge
from labmail.trace.events import Connection
from labmail.views import markup, palette
from labmail.views.chars import decoded, plural, visible
from labmail.views.view import View

PATIENCE = 3600.0
"""Real seconds that the client waits for an answer: a person may think."""
MOMENT = 10.0
"""Real seconds in which a program says its next word, or has hung up."""
SHOWN_LINES = 6
_WORTH = {"fits": "✔ fits", "unusual": "△ unusual", "wrong": "✘ wrong"}

_visits: weakref.WeakKeyDictionary[Lab, Visit] = weakref.WeakKeyDictionary()

Client = Callable[[], object]


class Visit(View):
    """One client at the counter, from its call to its end."""

    def __init__(self, lab: Lab, host: str, client: Client) -> None:
        self._lab, self._host = lab, host
        self._counter: Counter | None = None
        self._connection: Connection | None = None
        self._arrived = lab._look(lambda _: asyncio.Event())
        self._errand: Errand[object]
        try:
            lab._look(lambda w: setattr(w.mail_host(host), "stand_in", self._serve))
            self._errand = Errand(client, "mail-lab client")
            self._wait()
        except BaseException:  # Ctrl-C, most likely: nobody stays behind the counter
            self.leave()
            raise

    # --- what the learner does ----------------------------------------------------------------

    def answer(self, reply: str) -> Visit:
        r"""Say this to the client, and wait for what it says next.

        Lines are parted by ``\n``; all but the last have a "-" behind the number.  Raises
        ValueError when there is a CR in it.
        """
        if "\r" in reply:
            raise ValueError("leave CR out: \\n parts lines, and each is sent with CR LF")
        counter, lines = self._counter, tuple(reply.split("\n"))
        if counter is not None and counter.waits:
            self._lab._look(lambda _: counter.answer(lines))
            if not counter.waits:
                self._wait()
        return self

    def hang_up(self) -> Visit:
        """End the connection without a word."""
        if (counter := self._counter) is not None and not counter.gone:
            self._lab._look(lambda _: counter.hang_up())
            self._wait()
        return self

    def leave(self) -> None:
        """Give the counter back to the host's own server; a client that is there is cut off."""
        if self._lab.is_open:
            self.hang_up()
            self._lab._look(self._give_back)

    # --- what there is to see -------------------------------------------------------------------

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said and answered so far."""
        return tuple(self._counter.turns) if self._counter else ()

    @property
    def connection(self) -> Connection | None:
        """The connection that the client opened; None when it did not get through."""
        return self._connection

    @property
    def over(self) -> bool:
        """Whether the client is gone."""
        return self._counter is None or self._counter.gone

    @property
    def letter(self) -> bytes | None:
        """The letter that the client has given, dots as they were written."""
        return next((t.said for t in self.turns if t.verb == "."), None)

    @property
    def taken(self) -> bool:
        """Whether you have said yes to a letter: it would be yours now."""
        return any(t.verb == "." and t.lines and t.lines[0][0] == "2" for t in self.turns)

    @property
    def believes(self) -> str:
        """What the client's program makes of it: "sent", or the error it raises."""
        if not self._errand.done:
            return "still waiting"
        error = self._errand.error
        return "sent" if error is None else visible(f"{type(error).__name__}: {error}")

    def verdicts(self) -> tuple[Verdict, ...]:
        """What each of your replies is worth."""
        return tuple(judge(t.before, t.verb, t.lines) for t in self.turns if t.lines)

    def judge(self) -> Table:
        """Your replies, held against the state table and the grammar of replies."""
        answered = [t for t in self.turns if t.lines]
        rows = [
            (str(n), _said(t), _reply(t), _WORTH[v.worth], f"{v.words} [{v.section}]")
            for n, (t, v) in enumerate(zip(answered, self.verdicts(), strict=True), 1)
        ]
        head = ("", "the client said", "you said", "", "because")
        title, limits = f"Your replies as {self._host}", (0, 30, 24, 0, 44)
        return Table(title, head, rows, note=self._end(), limits=limits, right=(0,), whole=(3,))

    def text(self) -> str:
        lines = [self._title(), *(line for t in self.turns for line in _shown(t)), self._last()]
        return "\n".join(lines)

    def html(self) -> str:
        rows = [
            (markup.chip(who, colour), markup.code(*said))
            for turn in self.turns
            for who, said, colour in (
                ("C", _words(turn), palette.BLUE),
                ("S", list(turn.lines), palette.GREEN),
            )
            if said
        ]
        last = Notice(self._last(), (), Tone.PLAIN if self.over else Tone.OPEN)
        table = markup.table(("", ""), rows)
        return markup.page(markup.heading(self._title()), table, markup.Html(last.html()))

    # --- inside ---------------------------------------------------------------------------------

    def _serve(self, line: Line) -> Counter:
        """The first caller is the visitor; who comes later finds the host's own server."""
        self._give_back(self._lab._running)
        self._counter = Counter(line)
        self._connection = line.connection
        self._arrived.set()
        return self._counter

    def _give_back(self, world: RunningWorld) -> None:
        host = world.mail_host(self._host)
        if host.stand_in == self._serve:
            host.stand_in = None

    def _wait(self) -> None:
        """Until the client has said its next word, or has gone and knows what to think of it."""
        self._lab._do(self._next())
        if self.over:
            self._errand.wait(MOMENT)

    async def _next(self) -> None:
        async def next_word() -> None:
            await self._arrived.wait()
            assert self._counter is not None
            await self._counter.next_turn()

        with suppress(TimeoutError):  # the view says that the client is silent
            await asyncio.wait_for(next_word(), MOMENT)

    def _title(self) -> str:
        if self._connection is None:
            return f"You are {self._host}, port 25. Nobody has called."
        client = self._connection.client
        return f"You are {self._host}, port 25. {client.name} [{client.ip}] has called."

    def _last(self) -> str:
        if self.over:
            return f"The client has hung up. Its program says: {self.believes}."
        if not self._counter or not self._counter.waits:
            return "The client is silent."
        if self.turns[-1].lines:
            return "Your reply is not finished: after '-' the client waits for a further line."
        return 'It is your turn: visit.answer("…")'

    def _end(self) -> str:
        if not self.over:
            return "The client is still here."
        if self.taken:
            yours = "You have said yes to the letter: it is yours now (RFC 5321 §4.2.5)."
        elif self.letter is not None:
            yours = "You were given the letter, and said no: it is still the client's."
        else:
            yours = "No letter has crossed."
        return f"{yours} The client's program says: {self.believes}."


def _words(turn: Turn) -> list[str]:
    """What the client said, as lines."""
    if turn.verb == "." and turn.before == "data":
        lines = [decoded(line) for line in turn.said.removesuffix(b"\r\n").split(b"\r\n")]
        rest = len(lines) - SHOWN_LINES
        more = [f"… {plural(rest, 'more line')} …"] if rest > 0 else []
        return [*lines[:SHOWN_LINES], *more, "."]
    return [decoded(turn.said) or "(waits for a greeting)"]


def _shown(turn: Turn) -> list[str]:
    return [
        *(f"  C: {line}" for line in _words(turn)),
        *(f"  S: {visible(line)}" for line in turn.lines),
    ]


def _said(turn: Turn) -> str:
    if turn.verb == "." and turn.before == "data":
        return f"(a letter of {len(turn.said)} octets)"
    return _words(turn)[0]


def _reply(turn: Turn) -> str:
    more = len(turn.lines) - 1
    return visible(turn.lines[0]) + (f" … +{plural(more, 'line')}" if more else "")


def play_server(
    lab: Lab,
    replies: Sequence[str] = (),
    *,
    host: str = "mx1.saigon.example",
    client: Client | None = None,
) -> Visit:
    """Be `host` on port 25 for the next client, which calls at once.

    client: what the client does; without it Sơn's program hands over one letter for Minh, with
    `smtplib`.  replies: said one after the other, as long as the client is there.
    """
    if (before := _visits.get(lab)) is not None:
        before.leave()
    lab.settle()
    visit = _visits[lab] = Visit(lab, host, client or _one_letter(lab, host))
    for reply in replies:
        visit.answer(reply)
    return visit


def _one_letter(lab: Lab, host: str) -> Client:
    """Sơn's mail program, told to hand a letter to `host` straight away."""
    son = lab.user("son@hanoi.example")
    letter = son.compose("minh@saigon.example", "Chào quầy số 1", "Có ai ở đó không?\n\nSơn\n")

    def hand_over() -> None:
        with lab.at_laptop_of(son.address), smtplib.SMTP(host, 25, timeout=PATIENCE) as server:
            server.send_message(letter)

    return hand_over
