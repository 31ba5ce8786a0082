"""The zones of the course load, agree with each other, and are described."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest

from labmail.dns.zone import Record, Zone, ZoneError, load_zones, parse_zone

FOLDER = Path(__file__).parents[2] / "data" / "zones"
ZONES = load_zones(FOLDER)
RECORDS = [record for zone in ZONES for record in zone.records()]
CURRICULUM = {
    "smtp.hanoi.example.": "192.0.2.25",
    "mx1.saigon.example.": "198.51.100.25",
    "mx2.saigon.example.": "198.51.100.26",
    "arrakis.example.": "198.51.100.74",
    "www.arrakis.example.": "198.51.100.74",
    "mail.arrakis.example.": "198.51.100.75",
    "mail.alumni.example.": "203.0.113.50",
    "mail.lists.example.": "203.0.113.60",
    "mail.spam.example.": "203.0.113.66",
    "ns.lab.": "192.0.2.53",
    "son-laptop.hanoi.example.": "192.0.2.10",
    "minh-laptop.saigon.example.": "203.0.113.10",
}
MX = {
    "hanoi.example.": ["10 smtp.hanoi.example."],
    "saigon.example.": ["10 mx1.saigon.example.", "20 mx2.saigon.example."],
    "arrakis.example.": ["10 mail.arrakis.example."],
    "alumni.example.": ["10 mail.alumni.example."],
    "lists.example.": ["10 mail.lists.example."],
    "spam.example.": ["10 mail.spam.example."],
    "khongthu.example.": ["0 ."],
    "vong.example.": ["10 mx1.vong.example.", "20 backup.vong.example."],
}


def data(name: str, rtype: str) -> list[str]:
    return [r.data for r in RECORDS if (r.name, r.rtype) == (name, rtype)]


def of(rtype: str) -> list[Record]:
    return [r for r in RECORDS if r.rtype == rtype]


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.origin)
def test_each_file_is_about_the_zone_in_its_name(zone: Zone) -> None:
    assert zone.file == f"data/zones/{zone.origin}.zone"


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.origin)
def test_times_and_server(zone: Zone) -> None:
    assert {r.ttl for r in zone.records()} == {3600}
    assert zone.negative_soa().ttl == 300
    assert data(f"{zone.origin}.", "NS") == ["ns.lab."]


def test_the_addresses_of_the_curriculum() -> None:
    assert {name: data(name, "A") for name in CURRICULUM} == {
        name: [address] for name, address in CURRICULUM.items()
    }


def test_the_mx_records_of_the_curriculum() -> None:
    assert {r.name: data(r.name, "MX") for r in of("MX")} == MX


@pytest.mark.parametrize("record", of("MX"), ids=str)
def test_an_mx_target_has_an_address_and_is_no_alias(record: Record) -> None:
    target = record.data.split()[1]
    if target == ".":  # null MX: no host at all
        return
    assert data(target, "A")
    assert not data(target, "CNAME")


@pytest.mark.parametrize("record", of("CNAME"), ids=str)
def test_an_alias_leads_to_an_address_at_once(record: Record) -> None:
    assert data(record.data, "A")


@pytest.mark.parametrize("record", of("A"), ids=str)
def test_an_address_leads_back(record: Record) -> None:
    reverse = f"{ipaddress.ip_address(record.data).reverse_pointer}."
    hosts = data(reverse, "PTR")
    assert len(hosts) == 1
    assert data(hosts[0], "A") == [record.data]


def test_every_ptr_is_of_an_address_in_use() -> None:
    used = {f"{ipaddress.ip_address(r.data).reverse_pointer}." for r in of("A")}
    assert {r.name for r in of("PTR")} == used


def test_only_documentation_addresses() -> None:
    nets = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]
    networks = [ipaddress.ip_network(net) for net in nets]
    for record in of("A") + of("AAAA"):
        address = ipaddress.ip_address(record.data)
        assert any(address in net for net in networks if net.version == address.version), record


def test_only_reserved_names() -> None:
    reverse = "in-addr.arpa"
    assert {zone.origin.split(".")[-1] for zone in ZONES} == {"example", "lab", "arpa"}
    assert all(z.origin.endswith(reverse) for z in ZONES if z.origin.endswith("arpa"))


def test_no_mail_host_has_an_ipv6_address() -> None:
    mail_hosts = {r.data.split()[1] for r in of("MX")}
    assert of("AAAA")
    assert not mail_hosts & {r.name for r in of("AAAA")}


def spf_addresses(domain: str) -> set[str]:
    """The addresses that a domain's (simple) SPF record lets send."""
    allowed: set[str] = set()
    for term in data(domain, "TXT")[0].strip('"').split():
        if term == "mx":
            for mx in data(domain, "MX"):
                allowed |= set(data(mx.split()[1], "A"))
        elif term == "a":
            allowed |= set(data(domain, "A"))
        elif term.startswith("a:"):
            allowed |= set(data(f"{term[2:]}.", "A"))
        elif term.startswith("ip4:"):
            allowed.add(term[4:])
        else:
            assert term in ("v=spf1", "-all"), term
    return allowed


@pytest.mark.parametrize("record", of("TXT"), ids=str)
def test_spf_covers_the_mail_hosts_and_nobody_else(record: Record) -> None:
    exchanges = [mx.split()[1] for mx in data(record.name, "MX")] or [record.name]
    hosts = {address for host in exchanges for address in data(host, "A")}
    assert spf_addresses(record.name) == hosts


def test_the_readme_describes_each_file_and_no_other() -> None:
    described = re.findall(r"^\| `([^`]+\.zone)`", (FOLDER / "README.md").read_text("utf-8"), re.M)
    assert sorted(described) == sorted(path.name for path in FOLDER.glob("*.zone"))


def test_the_readmes_error_is_the_one_you_get() -> None:
    text = (FOLDER / "hanoi.example.zone").read_text("utf-8")
    broken = text.replace("A       192.0.2.25", "A       192.0.2.256")
    with pytest.raises(ZoneError) as caught:
        parse_zone(broken, "data/zones/hanoi.example.zone", "hanoi.example")
    readme = " ".join((FOLDER / "README.md").read_text("utf-8").split())
    assert str(caught.value) in readme
