import ssl
from pathlib import Path

import pytest

from labmail.net.tls import Records, TlsServer
from labmail.runtime.ca import Authority

NAME = "smtp.hanoi.example"
HELLO, ALERT = b"\x16\x03\x01\x00\x05hello", b"\x15\x03\x03\x00\x02\x01\x00"


class Pair:
    """A client and our server's end, joined by hand."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.server = TlsServer(authority.server_context(NAME))
        self._to_client, self._to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = authority.client_context().wrap_bio(
            self._to_client, self._to_server, server_hostname=NAME
        )

    def shake_hands(self) -> None:
        for _ in range(4):
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                self.pass_on()
        self.pass_on()

    def pass_on(self) -> bytes:
        """Give each side what the other has written; what the client's records said."""
        words = self.server.receive(self._to_server.read())
        self._to_client.write(self.server.records_to_send())
        return words


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_words_cross_in_both_directions(pair: Pair) -> None:
    assert not pair.server.established
    pair.shake_hands()
    assert pair.server.established
    pair.client.write(b"EHLO x\r\n")
    assert pair.pass_on() == b"EHLO x\r\n"
    pair.server.say(b"y" * 100_000)
    pair.pass_on()
    assert len(pair.client.read(200_000)) > 0


def test_a_client_that_says_good_bye_is_heard(pair: Pair) -> None:
    pair.shake_hands()
    pair.client.write(b"QUIT\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    assert pair.pass_on() == b"QUIT\r\n"
    assert pair.server.ended


def test_good_bye_before_the_handshake_does_no_harm(pair: Pair) -> None:
    pair.server.say_goodbye()
    pair.server.say_goodbye()


def test_what_is_no_tls_raises(pair: Pair) -> None:
    with pytest.raises(ssl.SSLError):
        pair.server.receive(b"EHLO x\r\n")


@pytest.mark.parametrize("size", range(1, len(HELLO + ALERT) + 1))
def test_records_come_out_whole_however_they_arrive(size: int) -> None:
    records, stream = Records(), HELLO + ALERT + HELLO
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert [record for piece in pieces for record in records.feed(piece)] == [HELLO, ALERT, HELLO]
    assert records.rest() == b""


def test_a_record_that_is_never_finished_is_kept_for_the_record() -> None:
    records = Records()
    assert list(records.feed(HELLO[:-1])) == []
    assert (records.rest(), records.rest()) == (HELLO[:-1], b"")


def test_what_is_no_record_comes_out_as_it_is() -> None:
    assert list(Records().feed(b"EHLO x\r\n")) == [b"EHLO x\r\n"]


def test_the_keys_of_a_session_are_those_of_its_client(pair: Pair) -> None:
    pair.shake_hands()
    keys = pair.server.take_keys()
    assert "CLIENT_TRAFFIC_SECRET_0 " in keys
    assert len({line.split()[1] for line in keys.splitlines()}) == 1
    assert pair.server.take_keys() == ""
