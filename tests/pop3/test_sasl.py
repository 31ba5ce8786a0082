"""AUTH PLAIN: what is taken, what is refused."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.pop3.sasl import BadCredentials, credentials

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT, st.booleans())
def test_user_and_password_come_out_as_they_went_in(user: str, word: str, named: bool) -> None:
    message = f"{user if named else ''}\0{user}\0{word}"
    assert credentials(b64encode(message.encode())) == (user, word)


@pytest.mark.parametrize(
    "message", [b"", b"minh", b"\0minh", b"\0minh\0", b"\0\0x", b"\0a\0b\0c", b"son\0minh\0x"]
)
def test_other_messages_are_refused(message: bytes) -> None:
    with pytest.raises(BadCredentials):
        credentials(b64encode(message))


@given(st.binary())
def test_any_bytes_are_answered(response: bytes) -> None:
    try:
        user, password = credentials(response)
    except BadCredentials:
        return
    assert user and password
