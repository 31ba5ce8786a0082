"""The dialog files of IMAP, each played whatever way the network cuts the bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogs.runner import MODES, dialogs, play
from tests.imap.house import House


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", dialogs("imap"), ids=lambda path: path.stem)
def test_dialog(path: Path, mode: str, house: House) -> None:
    play(path, house.core, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", dialogs("imap_starttls"), ids=lambda path: path.stem)
def test_dialog_where_tls_is_offered(path: Path, mode: str, house: House) -> None:
    play(path, lambda: house.core(tls="offered"), mode)
