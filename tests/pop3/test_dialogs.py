"""The dialog files of POP3, each played whatever way the network cuts the bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogs.runner import MODES, dialogs, play
from tests.pop3.house import House


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", dialogs("pop3"), ids=lambda path: path.stem)
def test_dialog(path: Path, mode: str, house: House) -> None:
    play(path, house.core, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", dialogs("pop3_stls"), ids=lambda path: path.stem)
def test_dialog_where_tls_is_offered(path: Path, mode: str, house: House) -> None:
    play(path, lambda: house.core(tls="offered"), mode)
