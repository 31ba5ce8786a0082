"""A zone is complete and free of contradictions, and finds what is asked for."""

from __future__ import annotations

from pathlib import Path

import dns.name
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmail.dns.zone import Kind, Zone, ZoneError, load_zone, load_zones, parse_zone

HEAD = "$TTL 60\n@ SOA ns.lab. h.lab. 7 2 3 4 5\n@ NS ns.lab.\n"


def zone(records: str) -> Zone:
    return parse_zone(HEAD + records, "test.zone", "hanoi.example")


def find(records: str, name: str, rtype: str) -> tuple[Kind, list[str]]:
    found = zone(records).find(dns.name.from_text(name), dns.rdatatype.from_text(rtype))
    return found.kind, [str(rrset) for rrset in found.rrsets]


def test_records_know_their_lines() -> None:
    assert [(r.line, str(r)) for r in zone("@ MX 10 smtp\n").records()] == [
        (2, "hanoi.example. 60 IN SOA ns.lab. h.lab. 7 2 3 4 5"),
        (3, "hanoi.example. 60 IN NS ns.lab."),
        (4, "hanoi.example. 60 IN MX 10 smtp.hanoi.example."),
    ]


def test_origin_and_serial() -> None:
    assert (zone("").origin, zone("").serial) == ("hanoi.example", 7)


SEARCHES = {
    # records, name asked, type asked, kind, the name and data found
    "there": ("a A 192.0.2.1", "a", "A", Kind.ANSWER, ["a 60 A 192.0.2.1"]),
    "capitals do not matter": ("a A 192.0.2.1", "A", "A", Kind.ANSWER, ["a 60 A 192.0.2.1"]),
    "other type": ("a A 192.0.2.1", "a", "MX", Kind.NODATA, []),
    "no such name": ("a A 192.0.2.1", "b", "A", Kind.NXDOMAIN, []),
    "nothing below a leaf": ("a A 192.0.2.1", "b.a", "A", Kind.NXDOMAIN, []),
    "empty non-terminal": ("b.a A 192.0.2.1", "a", "A", Kind.NODATA, []),
    "empty non-terminal, ANY": ("b.a A 192.0.2.1", "a", "ANY", Kind.NODATA, []),
    "alias": ("a CNAME b", "a", "A", Kind.ALIAS, ["a 60 CNAME b"]),
    "the alias itself": ("a CNAME b", "a", "CNAME", Kind.ANSWER, ["a 60 CNAME b"]),
    "wildcard": ("* A 192.0.2.1", "x", "A", Kind.ANSWER, ["x 60 A 192.0.2.1"]),
    "wildcard, two labels": ("* A 192.0.2.1", "x.y", "A", Kind.ANSWER, ["x.y 60 A 192.0.2.1"]),
    "wildcard, other type": ("* A 192.0.2.1", "x", "MX", Kind.NODATA, []),
    "wildcard alias": ("* CNAME a", "x", "A", Kind.ALIAS, ["x 60 CNAME a"]),
    "a name that exists hides the wildcard": (
        "* MX 1 m\na A 192.0.2.1",
        "a",
        "MX",
        Kind.NODATA,
        [],
    ),
    "and hides it from all below": ("* A 192.0.2.1\na A 192.0.2.2", "b.a", "A", Kind.NXDOMAIN, []),
    "an empty non-terminal hides it too": (
        "* A 192.0.2.1\nb.a A 192.0.2.2",
        "c.a",
        "A",
        Kind.NXDOMAIN,
        [],
    ),
    "the wildcard by its own name": ("* A 192.0.2.1", "*", "A", Kind.ANSWER, ["* 60 A 192.0.2.1"]),
    "two of a kind, in the file's order": (
        "a A 192.0.2.9\na A 192.0.2.1",
        "a",
        "A",
        Kind.ANSWER,
        ["a 60 A 192.0.2.9\na 60 A 192.0.2.1"],
    ),
    "the lowest TTL of a kind": (
        "a 30 A 192.0.2.9\na 20 A 192.0.2.1",
        "a",
        "A",
        Kind.ANSWER,
        ["a 20 A 192.0.2.9\na 20 A 192.0.2.1"],
    ),
    "a zone cut": ("sub NS ns.lab.", "sub", "A", Kind.REFERRAL, ["sub 60 NS ns.lab."]),
    "below a zone cut": ("sub NS ns.lab.", "x.y.sub", "A", Kind.REFERRAL, ["sub 60 NS ns.lab."]),
}


@pytest.mark.parametrize(
    ("records", "name", "rtype", "kind", "data"), SEARCHES.values(), ids=SEARCHES
)
def test_finds(records: str, name: str, rtype: str, kind: Kind, data: list[str]) -> None:
    got_kind, got = find(records + "\n", f"{name}.hanoi.example", rtype)
    assert got_kind is kind
    assert [text.replace(".hanoi.example.", "").replace(" IN", "") for text in got] == data


def test_a_wildcard_does_not_fit_the_longest_of_names() -> None:
    longest = ".".join(["x" * 63] * 3 + ["y" * 47])
    assert find("* A 192.0.2.1\n", f"{longest}.hanoi.example", "A")[0] is Kind.ANSWER


def test_any_is_everything_at_the_name() -> None:
    kind, rrsets = find("@ MX 10 smtp\n", "hanoi.example", "ANY")
    assert kind is Kind.ANSWER
    assert [text.split()[3] for text in rrsets] == ["SOA", "NS", "MX"]


@pytest.mark.parametrize(("ttl", "minimum", "expected"), [(60, 5, 5), (5, 60, 5)])
def test_a_no_lives_as_long_as_the_soa_says(ttl: int, minimum: int, expected: int) -> None:
    text = f"$TTL {ttl}\n@ SOA ns.lab. h.lab. 1 2 3 4 {minimum}\n@ NS ns.lab.\n"
    assert parse_zone(text, "test.zone", "hanoi.example").negative_soa().ttl == expected


CONTRADICTIONS = {
    # text, line, part of the problem, part of the advice
    "empty file": ("", 1, "no SOA record", "@ SOA ns.lab."),
    "comment only": ("; nothing\n", 1, "no SOA record", "as the first record"),
    "two SOAs": (HEAD + "@ SOA ns.lab. h.lab. 8 2 3 4 5", 4, "first is on line 2", "delete one"),
    "no NS": ("$TTL 60\n@ SOA ns.lab. h.lab. 7 2 3 4 5", 2, "which server answers", "@ NS ns.lab."),
    "NS elsewhere only": (
        "$TTL 60\n@ SOA ns.lab. h.lab. 7 2 3 4 5\nsub NS ns.lab.",
        2,
        "which server answers",
        "add a line",
    ),
    "outside": (HEAD + "smtp.saigon.example. A 192.0.2.1", 4, "outside of the zone", "own zone"),
    "a short name with a dot": (HEAD + "smtp. A 192.0.2.1", 4, "smtp. lies outside", "final dot"),
    "CNAME and A": (HEAD + "a CNAME b\na A 192.0.2.1", 5, "a CNAME and another", "keep the one"),
    "A and CNAME": (HEAD + "a A 192.0.2.1\na CNAME b", 5, "a CNAME and another", "keep the one"),
    "two CNAMEs": (HEAD + "a CNAME b\na CNAME c", 5, "a CNAME and another", "one CNAME"),
    "CNAME at the origin": (HEAD + "@ CNAME www", 4, "a CNAME and another", "an A record instead"),
}


@pytest.mark.parametrize(
    ("text", "line", "problem", "advice"), CONTRADICTIONS.values(), ids=CONTRADICTIONS
)
def test_contradictions_are_named(text: str, line: int, problem: str, advice: str) -> None:
    with pytest.raises(ZoneError) as caught:
        parse_zone(text, "test.zone", "hanoi.example")
    assert caught.value.line == line
    assert problem in caught.value.problem
    assert advice in caught.value.advice


def test_the_same_record_twice_is_one() -> None:
    kind, rrsets = find("a CNAME b\na CNAME b\n", "a.hanoi.example", "CNAME")
    assert (kind, rrsets) == (Kind.ANSWER, ["a.hanoi.example. 60 IN CNAME b.hanoi.example."])


# --- any text --------------------------------------------------------------------------------

COURSE = Path(__file__).parents[2] / "data" / "zones"
HANOI = (COURSE / "hanoi.example.zone").read_text("utf-8")
PIECES = [
    "(",
    ")",
    '"',
    "\n",
    " ",
    "\\",
    ";",
    "@",
    "$ORIGIN",
    ".",
    "\0",
    "\r",
    "\u2028",
    "ở",
    "\\#",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(HANOI)),
            st.integers(0, 9),
            st.one_of(st.sampled_from(PIECES), st.text(max_size=5)),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_zone_or_an_error_that_names_the_line(edits: list[tuple[int, int, str]]) -> None:
    text = HANOI
    for place, cut, more in edits:
        text = text[:place] + more + text[place + cut :]
    try:
        parse_zone(text, "test.zone", "hanoi.example")
    except ZoneError as error:
        assert 1 <= error.line <= text.count("\n") + text.count("\r") + 1


# --- files ----------------------------------------------------------------------------------


def test_the_file_name_is_the_origin(tmp_path: Path) -> None:
    (tmp_path / "pho.example.zone").write_text(HEAD, encoding="utf-8")
    assert load_zone(tmp_path / "pho.example.zone").origin == "pho.example"


def test_origin_in_the_file_beats_its_name(tmp_path: Path) -> None:
    (tmp_path / "broken-1.zone").write_text(f"$ORIGIN pho.example.\n{HEAD}", encoding="utf-8")
    assert load_zone(tmp_path / "broken-1.zone").origin == "pho.example"


def test_vietnamese_comments_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "pho.example.zone"
    path.write_bytes(b"\xef\xbb\xbf" + f"; phở bò\n{HEAD}".encode())
    assert load_zone(path).serial == 7


def test_a_file_is_named_by_its_last_folders(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "zones"
    folder.mkdir(parents=True)
    (folder / "x.zone").write_text("$TTL 60\n@ A x\n", encoding="utf-8")
    with pytest.raises(ZoneError, match=r"^data/zones/x\.zone, line 2: "):
        load_zone(folder / "x.zone")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ZoneError, match=r"the file cannot be read .* check its name"):
        load_zone(tmp_path / "nothing.zone")


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "x.zone").write_bytes(b"$TTL 60\n; ph\xf3\n")
    with pytest.raises(ZoneError, match=r"line 2: this line is not UTF-8; save the file as UTF-8"):
        load_zone(tmp_path / "x.zone")


def test_a_folder_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.example", "a.example"):
        (tmp_path / f"{name}.zone").write_text(HEAD, encoding="utf-8")
    (tmp_path / "README.md").write_text("not a zone", encoding="utf-8")
    assert [zone.origin for zone in load_zones(tmp_path)] == ["a.example", "b.example"]


def test_one_zone_in_two_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.zone").write_text(f"$ORIGIN c.example.\n{HEAD}", encoding="utf-8")
    with pytest.raises(ZoneError, match=r"b\.zone, line 1: .* c\.example is already in .*a\.zone"):
        load_zones(tmp_path)
