"""Worlds are files: what they say, and what is said about mistakes in them."""

from pathlib import Path

import pytest

from labmail.paths import data_dir
from labmail.queue.schedule import Schedule
from labmail.world import WorldError, load_world

SMALL = """\
name = "small"
seed = "1"

[dns]
host = "ns.lab"
address = "192.0.2.53"
zones = ["hanoi.example"]

[queue]
first = "15m"

[hosts."smtp.hanoi.example"]
address = "192.0.2.25"
domains = ["hanoi.example"]
services = ["smtp", "imap"]

[laptops."son-laptop.hanoi.example"]
address = "192.0.2.10"
owner = "son@hanoi.example"

[accounts."son@hanoi.example"]
name = "Sơn"
password = "sen"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "small.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_small_world_is_read(tmp_path: Path) -> None:
    world = load_world(write(tmp_path, SMALL))
    assert (world.name, list(world.hosts)) == ("small", ["smtp.hanoi.example"])
    assert world.hosts["smtp.hanoi.example"].services == ("smtp", "imap")
    assert world.schedule.first.total_seconds() == 15 * 60
    assert world.accounts["son@hanoi.example"].domain == "hanoi.example"


def test_a_public_address_is_one(tmp_path: Path) -> None:
    place = 'services = ["smtp", "imap"]'
    assert place in SMALL
    said = SMALL.replace(place, f'{place}\npublic = "203.0.113.96"')
    assert load_world(write(tmp_path, said)).hosts["smtp.hanoi.example"].public == "203.0.113.96"
    with pytest.raises(WorldError, match=r"line \d+: 'outside' is not an IP address"):
        load_world(write(tmp_path, said.replace("203.0.113.96", "outside")))


def test_who_lives_where() -> None:
    world = load_world("course")
    home = world.host_of("Saigon.EXAMPLE")
    assert home is not None and home.name == "mx1.saigon.example"
    assert world.host_of("khongco.example") is None
    assert world.laptop_of("minh@saigon.example").name == "minh-laptop.saigon.example"
    assert world.laptop_of("freman.alpha@arrakis.example").name == "son-laptop.hanoi.example"


EVERY_WORLD = sorted(path.stem for path in (data_dir() / "worlds").glob("*.toml"))


@pytest.mark.parametrize("name", EVERY_WORLD)
def test_addresses_are_all_different(name: str) -> None:
    world = load_world(name)
    machines = [*world.hosts.values(), *world.laptops.values(), world.dns]
    assert len({machine.address for machine in machines}) == len(machines)


@pytest.mark.parametrize("name", EVERY_WORLD)
def test_every_account_has_a_home(name: str) -> None:
    world = load_world(name)
    assert all(world.host_of(account.domain) for account in world.accounts.values())


MISTAKES = {
    "not TOML": ('name = "small"', 'name = "small', 1, "not TOML"),
    "unknown key": ('seed = "1"', 'seed = "1"\nsede = "2"', 3, "unknown key 'sede'"),
    "missing key": ('name = "small"\n', "", 0, "'name' is missing"),
    "missing table": ("[dns]", "[nds]", 0, "nds"),
    "unknown service": ('"imap"', '"finger"', 15, "Choose from: smtp"),
    "no address": ("192.0.2.25", "192.0.2.256", 13, "is not an IP address"),
    "host name": ('"smtp.hanoi.example"', '"SMTP hanoi"', 12, "is not a host name"),
    "no list": ('["hanoi.example"]\nservices', '"hanoi.example"\nservices', 14, "domains = ["),
    "schedule": ('"15m"', '"soon"', 9, "Write times as"),
    "schedule key": ("first", "frist", 10, "unknown key 'frist'"),
    "schedule style": ('first = "15m"', 'style = "exim"', 0, "there is no style 'exim'"),
    "account": ('accounts."son@hanoi.example"', 'accounts."son"', 21, "someone@domain"),
    "empty password": ('"sen"', '""', 23, "password"),
}


@pytest.mark.parametrize(
    ("old", "new", "line", "words"), list(MISTAKES.values()), ids=list(MISTAKES)
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in SMALL
    with pytest.raises(WorldError) as caught:
        load_world(write(tmp_path, SMALL.replace(old, new, 1)))
    error = caught.value
    assert str(error).startswith("small.toml")
    assert words in str(error)
    if line:
        assert error.line == line


def test_a_schedule_can_be_named_and_changed(tmp_path: Path) -> None:
    text = SMALL.replace('first = "15m"', 'style = "postfix"\njitter = 0.1')
    schedule = load_world(write(tmp_path, text)).schedule
    assert schedule == Schedule.styled("postfix", jitter=0.1)


def test_a_world_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(WorldError, match="Worlds of this lab: caphe, course"):
        load_world("khongco")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    file.write_bytes(b'name = "x"\n# \xff\n')
    with pytest.raises(WorldError, match=r"small.toml, line 2: .* not UTF-8"):
        load_world(file)
