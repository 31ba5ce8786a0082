"""Every handler has the one shape."""

from __future__ import annotations

import inspect

from labmail.imap.core import HANDLERS


def test_every_command_takes_session_and_decoder() -> None:
    for verb, handler in HANDLERS.items():
        names = list(inspect.signature(handler).parameters)
        assert names[:2] == ["session", "dec"], verb
