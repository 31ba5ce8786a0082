import email.generator
import imaplib
import random
import socket
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from labmail.net import stdlib


class FakeLab:
    def __init__(self, name: str) -> None:
        self.name = name
        self.dialled: list[tuple[str, int]] = []
        self.ends: list[socket.socket] = []

    def knows(self, host: str) -> bool:
        return host.endswith(".example")

    def dial(self, host: str, port: int) -> socket.socket:
        self.dialled.append((host, port))
        here, there = socket.socketpair()
        self.ends.append(there)
        return here

    def laptop_name(self) -> str:
        return self.name

    def draw(self, kind: str, below: int) -> int:
        assert kind in ("imap tag", "mime boundary")
        return 7

    def close(self) -> None:
        for end in self.ends:
            end.close()


@pytest.fixture
def lab() -> Iterator[FakeLab]:
    lab = FakeLab("son-laptop.hanoi.example")
    stdlib.install(lab)
    yield lab
    stdlib.uninstall(lab)
    lab.close()


def test_names_of_the_lab_are_dialled_in_the_lab(lab: FakeLab) -> None:
    with socket.create_connection(("mx1.saigon.example", 25)) as sock:
        assert sock.gettimeout() is None
    with socket.create_connection(("mx1.saigon.example", 25), timeout=3) as sock:
        assert sock.gettimeout() == 3
    assert lab.dialled == [("mx1.saigon.example", 25)] * 2


def test_other_names_go_the_ordinary_way(lab: FakeLab) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2], timeout=5) as sock,
    ):
        assert sock.getpeername() == server.getsockname()
    assert lab.dialled == []


def test_a_mail_program_introduces_itself_with_the_laptops_name(lab: FakeLab) -> None:
    assert socket.getfqdn() == "son-laptop.hanoi.example"
    assert socket.getfqdn("localhost") != "son-laptop.hanoi.example"


def test_the_latest_lab_counts_and_an_earlier_one_cannot_take_it_away(lab: FakeLab) -> None:
    later = FakeLab("minh-laptop.saigon.example")
    stdlib.install(later)
    stdlib.uninstall(lab)
    assert socket.getfqdn() == "minh-laptop.saigon.example"
    stdlib.uninstall(later)
    assert socket.getfqdn() != "minh-laptop.saigon.example"


def test_afterwards_the_standard_library_is_as_it_was() -> None:
    before = (socket.create_connection, socket.getfqdn)
    lab = FakeLab("x")
    stdlib.install(lab)
    assert socket.create_connection is not before[0]
    stdlib.uninstall(lab)
    assert (socket.create_connection, socket.getfqdn) == before


def test_the_lab_throws_the_dice_of_the_standard_library(lab: FakeLab) -> None:
    """`imaplib` begins its tags, and `email` parts its letters, with what the lab draws."""
    letter = EmailMessage()
    letter.set_content("x")
    letter.add_attachment(b"y", maintype="image", subtype="png")
    assert "=0000000000000000007==" in letter.as_string()
    assert imaplib.random.randint(4096, 65535) == 4096 + 7
    assert imaplib.random.seed is random.seed


def test_without_a_lab_the_dice_are_the_librarys_own() -> None:
    assert imaplib.random is random
    assert email.generator.random is random


def test_within_a_block_an_earlier_lab_is_reached(lab: FakeLab) -> None:
    later = FakeLab("minh-laptop.saigon.example")
    stdlib.install(later)
    with stdlib.reaching(lab):
        assert socket.getfqdn() == "son-laptop.hanoi.example"
    assert socket.getfqdn() == "minh-laptop.saigon.example"
    stdlib.uninstall(later)
    assert socket.getfqdn() == "son-laptop.hanoi.example"
