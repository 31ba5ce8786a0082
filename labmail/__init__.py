"""Mail Lab: a small world of mail that runs in one Python process.

    >>> from labmail import Lab
    >>> lab = Lab()
    >>> son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
    >>> with lab.record() as trace:
    ...     letter = son.send(to=minh, subject="Chào Minh", text="…")
    ...     lab.settle()
    >>> minh.inbox()

One letter walks through the package like this:

1.  `user`       Sơn's mail program writes the letter and speaks SMTP to port 587.
2.  `net`        The network finds the server behind the name; the tap records every byte.
3.  `smtp`       The submission server checks who he is and takes the letter.
4.  `queue`      It lies in the spool before the server says 250.
5.  `dns`        The queue's runner asks for the MX of saigon.example, then for addresses.
6.  `smtp`       It hands the letter to mx1 on port 25, which takes it — or does not.
7.  `mailbox`    mx1's queue delivers it: a file in Minh's Maildir, a line in the index.
8.  `pop3`, `imap`  Minh's mail program fetches it.
9.  `trace`      All of this is one list of events;
10. `views`      and this list is what every picture is drawn from.

`labmail/README.md` tells it at length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labmail.trace.recorder import set_renderer

if TYPE_CHECKING:
    from labmail.course import check, hint, predict, solution
    from labmail.lab import Lab
    from labmail.views import (
        attempts,
        custody,
        decision,
        dns_table,
        envelope_card,
        field_list,
        forecasts,
        four_arrows,
        hex_strip,
        ladder,
        mime_tree,
        queue_at,
        queue_depth,
        resolution,
        size_bars,
        state_diagram,
        thread_tree,
        transcript,
        wire,
        world_map,
        zone_change,
    )

__version__ = "0.1.0"

_HOMES = {
    "Lab": "labmail.lab",
    "check": "labmail.course",
    "hint": "labmail.course",
    "predict": "labmail.course",
    "solution": "labmail.course",
    "ladder": "labmail.views",
    "transcript": "labmail.views",
    "world_map": "labmail.views",
    "custody": "labmail.views",
    "envelope_card": "labmail.views",
    "state_diagram": "labmail.views",
    "wire": "labmail.views",
    "four_arrows": "labmail.views",
    "dns_table": "labmail.views",
    "resolution": "labmail.views",
    "decision": "labmail.views",
    "zone_change": "labmail.views",
    "hex_strip": "labmail.views",
    "field_list": "labmail.views",
    "mime_tree": "labmail.views",
    "size_bars": "labmail.views",
    "thread_tree": "labmail.views",
    "attempts": "labmail.views",
    "forecasts": "labmail.views",
    "queue_at": "labmail.views",
    "queue_depth": "labmail.views",
}
"""Where each public name lives.  It is imported when it is first used, so that
``import labmail`` stays quick and never loads matplotlib."""

__all__ = [
    "Lab",
    "__version__",
    "attempts",
    "check",
    "custody",
    "decision",
    "dns_table",
    "envelope_card",
    "field_list",
    "forecasts",
    "four_arrows",
    "hex_strip",
    "hint",
    "ladder",
    "mime_tree",
    "predict",
    "queue_at",
    "queue_depth",
    "resolution",
    "size_bars",
    "solution",
    "state_diagram",
    "thread_tree",
    "transcript",
    "wire",
    "world_map",
    "zone_change",
]


def _render(thing: Any, form: str) -> str:
    from labmail.views import render

    return render(thing, form)


set_renderer(_render)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'labmail' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
