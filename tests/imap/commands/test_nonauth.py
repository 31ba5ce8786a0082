"""Who are you: LOGIN, AUTHENTICATE PLAIN, STARTTLS."""

from __future__ import annotations

import base64

import pytest

from labmail.net.core import LogIn
from tests.imap.house import ADDRESS, Client, House


def plain(*words: str) -> str:
    return base64.b64encode("\0".join(words).encode()).decode()


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (plain("", "minh", "nuoc mam"), "OK"),
        (plain("minh", "minh", "nuoc mam"), "OK"),
        (plain("", "minh", "nước mắm"), "OK"),
        (plain("", "minh", "x"), "NO [AUTHENTICATIONFAILED]"),
        (plain("son", "minh", "nuoc mam"), "NO [AUTHORIZATIONFAILED]"),
        (plain("minh", "nuoc mam"), "BAD"),
        ("AG1pbmg", "BAD"),
        ("=", "BAD"),
        ("", "BAD"),
    ],
)
def test_plain_with_initial_response(house: House, response: str, answer: str) -> None:
    assert Client(house.core()).answer(f"AUTHENTICATE PLAIN {response}").startswith(answer)


def test_a_login_is_reported(house: House) -> None:
    client = Client(house.core())
    client.do('LOGIN minh "x"')
    assert LogIn("minh", "LOGIN", False) in client.outputs
    client.do('LOGIN minh "nuoc mam"')
    assert LogIn(ADDRESS, "LOGIN", True) in client.outputs


def test_in_the_clear_only_if_a_lesson_wants_it(house: House) -> None:
    login = 'LOGIN minh "nuoc mam"'
    assert Client(house.core(tls="offered")).answer(login).startswith("NO [PRIVACYREQUIRED]")
    assert Client(house.core(tls="offered", allow_clear=True)).answer(login).startswith("OK")
    assert Client(house.core(tls="none")).answer(login).startswith("OK")


def test_starttls_where_there_is_none(house: House) -> None:
    assert Client(house.core(tls="none")).answer("STARTTLS") == "BAD This server has no TLS"
