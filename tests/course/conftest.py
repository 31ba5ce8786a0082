"""A lab for each test, and a learner without a past."""

from collections.abc import Callable, Iterator

import pytest

from labmail import Lab
from labmail.course.checks import EXERCISES
from labmail.course.notes import NOTES


@pytest.fixture(autouse=True)
def no_past() -> Iterator[None]:
    """A fresh kernel remembers nothing."""
    NOTES.forget()
    yield
    NOTES.forget()


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def staged(lab: Lab) -> Callable[[str], Lab]:
    """The lab as the notebook leaves it when the learner begins an exercise."""

    def stage(key: str) -> Lab:
        EXERCISES[key].stage(lab)
        return lab

    return stage
