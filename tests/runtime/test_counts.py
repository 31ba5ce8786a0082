"""What is a whole number, and what only looks like one."""

from __future__ import annotations

import pytest

from labmail.runtime.counts import is_whole


@pytest.mark.parametrize("value", [1, 2, 65535])
def test_whole(value: object) -> None:
    assert is_whole(value, 1, 65535)


@pytest.mark.parametrize("value", [0, -1, 65536, True, False, 1.0, 1.5, "2", None, float("nan")])
def test_not_whole(value: object) -> None:
    assert not is_whole(value, 1, 65535)


def test_without_an_end() -> None:
    assert is_whole(10**9, 1)
