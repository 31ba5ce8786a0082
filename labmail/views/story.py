"""How a trace shows itself: the ladder, and the transcript folded below it."""

from __future__ import annotations

from labmail.trace.recorder import Trace
from labmail.views import markup
from labmail.views.ladder import Ladder
from labmail.views.ladder_rows import MOST_ROWS, ladder_rows
from labmail.views.transcript import Transcript
from labmail.views.view import View

MOST_SESSIONS = 12
"""Conversations whose every line is put below the ladder; of more, the learner asks for one."""


class TraceView(View):
    """The whole story: what was said while it is short enough to read, else one arrow per
    connection."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        short = len(trace.connections) <= MOST_SESSIONS
        rows = ladder_rows(trace, "talk").rows if short else ()
        self._ladder = Ladder(trace, "talk" if rows and len(rows) < MOST_ROWS else "hops")

    def text(self) -> str:
        return self._ladder.text()

    def html(self) -> str:
        picture = markup.image(self._ladder.svg(), self._ladder.alt())
        return markup.page(picture, self._said(), self._ladder.beside())

    def _said(self) -> markup.Html:
        """The conversations, folded; each can be opened by itself."""
        count = len(self._trace.connections)
        if not count:
            return markup.Html("")
        if count > MOST_SESSIONS:
            return markup.quiet(f"{count} conversations: transcript(trace, number) shows one")
        return markup.details(
            "what was said, line by line", markup.Html(Transcript(self._trace).html())
        )
