"""Zones as sentences, edits as differences, memories as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from labmail.dns.zone import parse_zone
from labmail.trace.snapshots import CacheRow, CacheSnapshot, ZoneRow, ZoneSnapshot
from labmail.views import render, view_of, zone_change
from labmail.views.zones import meaning

TEXT = """\
$ORIGIN quan.example.
$TTL 3600
@     SOA   ns.lab. hostmaster.quan.example. 7 7200 900 1209600 300
      NS    ns.lab.
      MX    10 mx1
      MX    20 mx2
      MX    20 mx3
      TXT   "v=spf1 mx -all"
mx1   A     203.0.113.91
mx2   300 A 203.0.113.92
mx3   AAAA  2001:db8::93
mail  CNAME mx1
note  TXT   "mở cửa lúc 7 giờ"
_imaps._tcp SRV 0 1 993 mail
"""


def zone(text: str = TEXT, origin: str = "quan.example") -> ZoneSnapshot:
    parsed = parse_zone(text, "x.zone", origin)
    rows = tuple(ZoneRow(r.name, r.ttl, r.rtype, r.data, r.line) for r in parsed.records())
    return ZoneSnapshot(parsed.origin, parsed.file, parsed.serial, text, rows)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (3, "ns.lab has the original, hostmaster@quan.example looks after it; version 7"),
        (4, "ns.lab answers for quan.example"),
        (5, "mail for …@quan.example goes to mx1.quan.example, tried first"),
        (6, "goes to mx2.quan.example, tried second, in turn with others"),
        (8, "who may send in the name of quan.example (SPF"),
        (9, "mx1.quan.example has the address 203.0.113.91"),
        (11, "mx3.quan.example has the address 2001:db8::93"),
        (12, "mail.quan.example is only another name of mx1.quan.example"),
        (13, "a text about note.quan.example"),
        (14, "SRV of _imaps._tcp.quan.example"),
    ],
)
def test_each_record_is_a_sentence(line: int, words: str) -> None:
    snapshot = zone()
    (row,) = (row for row in snapshot.rows if row.line == line)
    assert words in meaning(row, snapshot)


def test_a_null_mx_and_a_reverse_name() -> None:
    null = zone(TEXT.replace("MX    10 mx1", "MX    0 ."))
    assert "quan.example takes no mail (null MX)" in view_of(null).text()
    soa = "$TTL 60\n@ SOA ns.lab. a.lab. 1 2 3 4 5\n NS ns.lab.\n91 PTR mx1.quan.example.\n"
    text = view_of(zone(soa, "113.0.203.in-addr.arpa")).text()
    assert "the address 203.0.113.91 belongs to mx1.quan.example" in text


def test_lines_are_numbered_and_unusual_times_are_said() -> None:
    text = view_of(zone()).text()
    assert "    5        MX    10 mx1" in text
    assert "mx2.quan.example has the address 203.0.113.92; may be kept for 5 min" in text
    assert "Others may keep what they were told for 1 h, unless the line says otherwise." in text


def test_a_change_shows_what_differs_and_who_may_still_use_the_old() -> None:
    after = TEXT.replace("hostmaster.quan.example. 7", "hostmaster.quan.example. 8")
    change = zone_change(zone(), zone(after.replace("MX    10 mx1", "MX    10 moi")))
    assert change.text().startswith("Zone quan.example, version 7 → 8")
    assert [(row.mark, row.number) for row in change.lines()] == [
        ("−", 3), ("+", 3), ("−", 5), ("+", 5),
    ]  # fmt: skip
    assert "go on using what is gone for up to 1 h" in change.text()
    assert "moi.quan.example" in change.html()


def test_what_is_only_added_leaves_nothing_to_remember() -> None:
    change = zone_change(zone(), zone(TEXT + "www A 203.0.113.80\n"))
    assert change.gone == () and change.note == ""


def test_a_memory_says_what_for_how_long_and_until_when() -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    rows = (
        CacheRow("quan.example", "MX", "NOERROR", ("10 mx1.quan.example.",), 3600,
                 now + timedelta(hours=1)),
        CacheRow("khong-co.example", "ANY", "NXDOMAIN", (), 300, now + timedelta(minutes=5)),
    )  # fmt: skip
    text = render(CacheSnapshot("smtp.hanoi.example", rows, now), "text")
    assert "MX quan.example" in text and "1 h" in text and "Mon 10:00:00" in text
    assert "any type khong-co.example  NXDOMAIN" in text
    empty = render(CacheSnapshot("smtp.hanoi.example", (), now), "text")
    assert "every question is asked anew" in empty
