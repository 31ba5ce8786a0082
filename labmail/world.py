"""A world is data: hosts, domains, accounts, laptops, read from ``data/worlds/*.toml``.

The dataclasses here say *what there is*; `labmail.host` makes it run.  A file
with a mistake is refused with its name, the line, and what was expected.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from inspect import signature
from pathlib import Path
from typing import Any

from labmail.net.addresses import SERVICES
from labmail.paths import data_dir
from labmail.queue.schedule import Schedule


class WorldError(ValueError):
    """A world file cannot be used: which file, which line, what was expected."""

    def __init__(self, file: Path, line: int, problem: str, advice: str) -> None:
        self.file = file
        self.line = line
        self.problem = problem
        self.advice = advice
        where = f"{file.name}, line {line}" if line else file.name
        super().__init__(f"{where}: {problem}. {advice}")


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One mail host: its address, what it serves, which domains end here.

    `domains` are delivered to mailboxes of this host; mail for `relays_for` is
    taken and passed on to a better MX.  `also_known_as` are further names on
    its certificate.  `public` is the address by which others reach it where a
    translator of addresses stands before it (RFC 2663 §4.2): the host itself does not know it.
    """

    name: str
    address: str
    services: tuple[str, ...]
    domains: tuple[str, ...] = ()
    relays_for: tuple[str, ...] = ()
    also_known_as: tuple[str, ...] = ()
    public: str = ""


@dataclass(frozen=True, slots=True)
class LaptopSpec:
    """A machine that the notebook can play, and whose it is."""

    name: str
    address: str
    owner: str


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """A person's mail address, name and (worthless) password."""

    address: str
    name: str
    password: str = field(repr=False)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class DnsSpec:
    """The name server: where it is, and which zone files it serves."""

    host: str
    address: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class World:
    """Everything there is, before it runs."""

    name: str
    seed: str
    dns: DnsSpec
    schedule: Schedule
    hosts: Mapping[str, HostSpec]
    laptops: Mapping[str, LaptopSpec]
    accounts: Mapping[str, AccountSpec]

    def host_of(self, domain: str) -> HostSpec | None:
        """The host where mail for this domain ends; None when the world has none."""
        domain = domain.lower()
        return next((h for h in self.hosts.values() if domain in h.domains), None)

    def laptop_of(self, owner: str) -> LaptopSpec:
        """The machine of this person: their own, or else the first laptop of the world."""
        own = (m for m in self.laptops.values() if m.owner == owner)
        return next(own, next(iter(self.laptops.values())))


def load_world(name: str | Path = "course") -> World:
    """Read a world: a name of ``data/worlds/`` or the path of a file.

    Raises WorldError when the file is missing or has a mistake.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = data_dir() / "worlds" / f"{name}.toml"
    return _Reader(path).read()


_TABLES = ("dns", "queue", "hosts", "laptops", "accounts")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII)


class _Reader:
    """Reads one file and remembers where things stand in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise WorldError(
                path, 0, f"this world cannot be read ({error.strerror})", self._known_worlds()
            ) from None
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise WorldError(
                path, line, "this line is not UTF-8 text", "Save the file as UTF-8"
            ) from None

    def read(self) -> World:
        try:
            data = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise self._toml_error(error) from None
        self._only_known(data, {"name", "seed", *_TABLES}, ())
        return World(
            name=self._text_at(data, "name", ()),
            seed=self._text_at(data, "seed", ()),
            dns=self._dns(self._table(data, "dns")),
            schedule=self._schedule(self._table(data, "queue")),
            hosts=self._each(data, "hosts", self._host),
            laptops=self._each(data, "laptops", self._laptop),
            accounts=self._each(data, "accounts", self._account),
        )

    # --- parts -----------------------------------------------------------------------

    def _dns(self, data: dict[str, Any]) -> DnsSpec:
        where = ("dns",)
        self._only_known(data, {f.name for f in fields(DnsSpec)}, where)
        return DnsSpec(
            self._domain_at(data, "host", where),
            self._address_at(data, "address", where),
            self._list_at(data, "zones", where),
        )

    def _schedule(self, data: dict[str, Any]) -> Schedule:
        where = ("queue",)
        self._only_known(data, {"style", *signature(Schedule.of).parameters}, where)
        try:
            return Schedule.styled(**{"style": "standard", **data})
        except (ValueError, TypeError) as error:
            raise self._error(
                where,
                f"this schedule cannot be kept: {error}",
                "Write times as '30m', '4h' or '5d'",
            ) from None

    def _host(self, name: str, data: dict[str, Any], where: tuple[str, ...]) -> HostSpec:
        self._only_known(data, {f.name for f in fields(HostSpec)} - {"name"}, where)
        services = self._list_at(data, "services", where)
        for service in services:
            if service not in SERVICES:
                raise self._error(
                    (*where, service),
                    f"{name} offers {service!r}, which is no service here",
                    f"Choose from: {', '.join(SERVICES)}",
                )
        return HostSpec(
            self._domain(name, where),
            self._address_at(data, "address", where),
            services,
            self._list_at(data, "domains", where, default=()),
            self._list_at(data, "relays_for", where, default=()),
            self._list_at(data, "also_known_as", where, default=()),
            self._address_at(data, "public", where) if "public" in data else "",
        )

    def _laptop(self, name: str, data: dict[str, Any], where: tuple[str, ...]) -> LaptopSpec:
        self._only_known(data, {"address", "owner"}, where)
        return LaptopSpec(
            self._domain(name, where),
            self._address_at(data, "address", where),
            self._text_at(data, "owner", where),
        )

    def _account(self, name: str, data: dict[str, Any], where: tuple[str, ...]) -> AccountSpec:
        self._only_known(data, {"name", "password"}, where)
        if name.count("@") != 1 or name != name.lower():
            raise self._error(
                where,
                f"{name!r} is not a mail address",
                "Write it as someone@domain, in lower case",
            )
        return AccountSpec(
            name, self._text_at(data, "name", where), self._text_at(data, "password", where)
        )

    # --- values ------------------------------------------------------------------------

    def _table(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        value = data.get(key)
        if not isinstance(value, dict):
            raise self._error((key,), f"the table [{key}] is missing", f"Add a line [{key}]")
        return value

    def _each(self, data: dict[str, Any], key: str, read: Any) -> dict[str, Any]:
        result = {}
        for name, entry in self._table(data, key).items():
            where = (key, name)
            if not isinstance(entry, dict):
                raise self._error(
                    where, f"{name!r} is not a table", f'Begin it with a line [{key}."{name}"]'
                )
            result[name] = read(name, entry, where)
        return result

    def _text_at(self, data: dict[str, Any], key: str, where: tuple[str, ...]) -> str:
        value = data.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, where, value, f'{key} = "…"')
        return value

    def _list_at(
        self,
        data: dict[str, Any],
        key: str,
        where: tuple[str, ...],
        default: tuple[str, ...] | None = None,
    ) -> tuple[str, ...]:
        value = data.get(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise self._wrong(key, where, value, f'{key} = ["…", "…"]')
        return tuple(value)

    def _address_at(self, data: dict[str, Any], key: str, where: tuple[str, ...]) -> str:
        value = self._text_at(data, key, where)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise self._error(
                (*where, key), f"{value!r} is not an IP address", "Write it as 192.0.2.25"
            ) from None

    def _domain_at(self, data: dict[str, Any], key: str, where: tuple[str, ...]) -> str:
        return self._domain(self._text_at(data, key, where), (*where, key))

    def _domain(self, name: str, where: tuple[str, ...]) -> str:
        if not _DOMAIN.fullmatch(name):
            raise self._error(
                where, f"{name!r} is not a host name", "Use small letters, digits, '-' and dots"
            )
        return name

    # --- errors --------------------------------------------------------------------------

    def _only_known(self, data: dict[str, Any], known: set[str], where: tuple[str, ...]) -> None:
        for key in data:
            if key not in known:
                raise self._error(
                    (*where, key), f"unknown key {key!r}", f"Known here: {', '.join(sorted(known))}"
                )

    def _wrong(self, key: str, where: tuple[str, ...], value: Any, form: str) -> WorldError:
        if value is None:
            return self._error(where, f"{key!r} is missing", f"Add a line like {form}")
        return self._error((*where, key), f"{key!r} cannot be {value!r}", f"Write it like {form}")

    def _error(self, where: tuple[str, ...], problem: str, advice: str) -> WorldError:
        return WorldError(self._path, self._line_of(where), problem, advice)

    def _toml_error(self, error: tomllib.TOMLDecodeError) -> WorldError:
        message = str(error)
        found = re.search(r"\(at line (\d+)", message)
        line = int(found.group(1)) if found else self._text.count("\n") + 1
        problem = re.sub(r"\s*\(at .*\)$", "", message)
        return WorldError(
            self._path, line, f"this is not TOML: {problem}", "Compare with a line that works"
        )

    def _line_of(self, where: tuple[str, ...]) -> int:
        """The line where the last word of `where` stands, looked for below the words before it."""
        lines = self._text.split("\n")
        at = 0
        for word in where:
            pattern = re.compile(rf'(^|[\s\[."]){re.escape(word)}($|[\s\]."=])')
            for number in range(at, len(lines)):
                if pattern.search(lines[number].split("#")[0]):
                    at = number
                    break
        return at + 1 if where else 0

    def _known_worlds(self) -> str:
        worlds = sorted(p.stem for p in (data_dir() / "worlds").glob("*.toml"))
        return f"Worlds of this lab: {', '.join(worlds)}"
