"""The dialog files of POP3, each played whatever way the network cuts the bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogs.runner import MODES, DialogFailed, dialogs, play, play_text

from .conftest import House
