"""What the stories share: the two friends."""

import pytest

from labmail import Lab
from labmail.user import User


@pytest.fixture
def son(lab: Lab) -> User:
    return lab.user("son@hanoi.example")


@pytest.fixture
def minh(lab: Lab) -> User:
    return lab.user("minh@saigon.example")
