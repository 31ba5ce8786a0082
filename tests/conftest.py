"""A lab for whoever wants one, and the proof that it left nothing behind."""

import threading
from collections.abc import Iterator

import pytest

from labmail import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The course world, running, for one test."""
    with Lab() as lab:
        yield lab
    assert [t.name for t in threading.enumerate() if t.name == "mail-lab"] == []
