"""Master files are read as RFC 1035 §5 says, and errors say where, what, and what to do."""

from __future__ import annotations

import dns.rdatatype
import pytest

from labmail.dns.masterfile import ZoneError, read_entries


def read(text: str) -> list[str]:
    entries = read_entries(text, "test.zone", "hanoi.example")
    return [
        f"{e.line} {e.name} {e.ttl} {dns.rdatatype.to_text(e.rdata.rdtype)} {e.rdata}"
        for e in entries
    ]


GOOD = {
    "a short name is continued with the origin": (
        "$TTL 60\nsmtp A 192.0.2.25",
        ["2 smtp.hanoi.example. 60 A 192.0.2.25"],
    ),
    "a name with its dot is complete": (
        "$TTL 60\nsmtp.hanoi.example. A 192.0.2.25",
        ["2 smtp.hanoi.example. 60 A 192.0.2.25"],
    ),
    "the classic: a long name without its dot is continued too": (
        "$TTL 60\n@ MX 10 smtp.hanoi.example",
        ["2 hanoi.example. 60 MX 10 smtp.hanoi.example.hanoi.example."],
    ),
    "an address behind MX is taken for a name, as everywhere": (
        "$TTL 60\n@ MX 10 192.0.2.25",
        ["2 hanoi.example. 60 MX 10 192.0.2.25.hanoi.example."],
    ),
    "a leading space means the name above, over comments and blank lines": (
        "$TTL 60\nwww A 192.0.2.80 ; a comment\n\n; another\n   \n AAAA 2001:db8::80",
        ["2 www.hanoi.example. 60 A 192.0.2.80", "6 www.hanoi.example. 60 AAAA 2001:db8::80"],
    ),
    "TTL and class in both orders": (
        "a 1h IN A 192.0.2.1\nb IN 30 A 192.0.2.2",
        ["1 a.hanoi.example. 3600 A 192.0.2.1", "2 b.hanoi.example. 30 A 192.0.2.2"],
    ),
    "without $TTL the last stated time holds": (
        "a 7 A 192.0.2.1\nb A 192.0.2.2",
        ["1 a.hanoi.example. 7 A 192.0.2.1", "2 b.hanoi.example. 7 A 192.0.2.2"],
    ),
    "$TTL beats the last stated time": (
        "$TTL 60\na 7 A 192.0.2.1\nb A 192.0.2.2",
        ["2 a.hanoi.example. 7 A 192.0.2.1", "3 b.hanoi.example. 60 A 192.0.2.2"],
    ),
    "$ORIGIN holds from its line on and may be short itself": (
        "$TTL 60\n$ORIGIN pho\nco A 192.0.2.1",
        ["3 co.pho.hanoi.example. 60 A 192.0.2.1"],
    ),
    "an entry in parentheses counts from its first line": (
        "$TTL 60\n@ SOA ns.lab. h (\n 1 ; serial\n 2 3 4\n 5 )\na A 192.0.2.1",
        [
            "2 hanoi.example. 60 SOA ns.lab. h.hanoi.example. 1 2 3 4 5",
            "6 a.hanoi.example. 60 A 192.0.2.1",
        ],
    ),
    "quotes keep a semicolon": (
        '$TTL 60\n_dmarc TXT "v=DMARC1; p=none"',
        ['2 _dmarc.hanoi.example. 60 TXT "v=DMARC1; p=none"'],
    ),
    "a type nobody knows by name (RFC 3597)": (
        "$TTL 60\n@ TYPE65400 \\# 2 ABCD",
        ["2 hanoi.example. 60 TYPE65400 \\# 2 abcd"],
    ),
    "CRLF line ends": (
        "$TTL 60\r\na A 192.0.2.1\r\nb A 192.0.2.2\r\n",
        ["2 a.hanoi.example. 60 A 192.0.2.1", "3 b.hanoi.example. 60 A 192.0.2.2"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), GOOD.values(), ids=GOOD)
def test_reads(text: str, expected: list[str]) -> None:
    assert read(text) == expected


BAD = {
    # text: (line, part of the problem, part of the advice)
    "bad IPv4 address": ("a A 192.0.2.256", 2, 'A record "a A 192.0.2.256"', "like 192.0.2.25"),
    "name where an address belongs": ("a A www", 2, "cannot read the A record", "an IPv4 address"),
    "bad IPv6 address": ("a AAAA 192.0.2.1", 2, "cannot read the AAAA", "like 2001:db8::25"),
    "MX without preference": ("@ MX mx1", 2, "cannot read the MX", "a preference and a host name"),
    "MX with a big preference": ("@ MX 70000 mx1", 2, "cannot read the MX", "like 10 mx1"),
    "too much data": ("a A 192.0.2.1 192.0.2.2", 2, "cannot read the A record", "IPv4 address"),
    "SOA too short": ("@ SOA ns.lab. h. 1 2 3 4", 2, "cannot read the SOA", "five numbers"),
    "SRV without port": ("_s._tcp SRV 0 0 a", 2, "cannot read the SRV", "weight, port and host"),
    "a type without own advice": ("@ LOC x", 2, "cannot read the LOC", "the RFC of LOC"),
    "text too long": (f'@ TXT "{"x" * 256}"', 2, "cannot read the TXT", "at most 255 octets"),
    "open quote": ('a A 192.0.2.1\n@ TXT "v=spf', 3, "cannot read the TXT", "quote must be closed"),
    "open parenthesis": (
        "@ SOA ns.lab. h. ( 1 2\n3 4 5\na A 192.0.2.1",
        2,
        "cannot read the SOA",
        "every ( needs its )",
    ),
    "closing parenthesis alone": ("a A 192.0.2.1 )", 2, "cannot read the A", "every ( needs"),
    "unknown type": ("a AX 192.0.2.1", 2, '"AX" is not a record type', "[name] [TTL] [IN] type"),
    "type left out": ("a 192.0.2.1", 2, '"192.0.2.1" is not a record type', "type data"),
    "type number too big": ("a TYPE99999 \\# 0", 2, "not a record type", "type data"),
    "type for questions only": ("a ANY x", 2, "not be stored in a zone", "type data"),
    "only a name": ("a", 2, "the entry ends where a record type", "type data"),
    "quoted type": ('a "A" 192.0.2.1', 2, '"A" stands where a record type', "type data"),
    "type at the very left": ("MX 10 mx1", 2, '"mx1" is not a record type', "put a space before"),
    "other class": ("a CH A 192.0.2.1", 2, "class CH is not served", "expected IN"),
    "TTL too big": ("a 2147483648 A 192.0.2.1", 2, "not a time to live", "at most 2147483647"),
    "empty label": ("a..b A 192.0.2.1", 2, '"a..b" is not a domain name', "single dots"),
    "long label": (f"{'x' * 64} A 192.0.2.1", 2, "is not a domain name", "1 to 63 octets"),
    "no name yet": (" A 192.0.2.1", 2, "this record has no name", "begin the line with a name"),
    "bad $TTL": ("$TTL soon", 2, '"soon" is not a time to live', "1h30m"),
    "$TTL alone": ("$TTL", 2, "the entry ends where a time after $TTL", "expected"),
    "two values": ("$TTL 60 61", 2, '"61" is too much after $TTL', "put a ; before a comment"),
    "bad $ORIGIN": ("$ORIGIN a..b", 2, '"a..b" is not a domain name', "expected labels"),
    "$INCLUDE": ("$INCLUDE /etc/passwd", 2, "directive $INCLUDE", "$ORIGIN or $TTL"),
    "$GENERATE": ("$GENERATE 1-9 a$ A 192.0.2.$", 2, "directive $GENERATE", "$ORIGIN or $TTL"),
}


@pytest.mark.parametrize(("text", "line", "problem", "advice"), BAD.values(), ids=BAD)
def test_says_what_is_wrong_where_and_what_to_do(
    text: str, line: int, problem: str, advice: str
) -> None:
    with pytest.raises(ZoneError) as caught:
        read(f"$TTL 60\n{text}\n")
    error = caught.value
    assert (error.file, error.line) == ("test.zone", line)
    assert problem in error.problem
    assert advice in error.advice
    assert str(error) == f"test.zone, line {line}: {error.problem}; {error.advice}"


def test_a_record_needs_a_time_from_somewhere() -> None:
    with pytest.raises(ZoneError, match=r"line 1: nothing says how long .* \$TTL 3600"):
        read("a A 192.0.2.1")


def test_entries_before_the_error_are_read() -> None:
    entries = read_entries("a 60 A 192.0.2.1\nb A x", "test.zone", "hanoi.example")
    assert next(entries).line == 1
    with pytest.raises(ZoneError):
        next(entries)


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("smtp A 192.0.2.256 ; too much", "       ^^^^^^^^^^^"),
        ("smtp AA 192.0.2.25", "     ^^"),
        ("a..b A 192.0.2.25", "^^^^"),
        ("smtp 99999999999 A 192.0.2.25", "     ^^^^^^^^^^^"),
        ("   MX mx1 ; the number is missing", "      ^^^"),
        ("   SOA", "   ^^^"),
        ("\tMX ten mx1", "           ^^^^^^^"),
    ],
)
def test_an_error_shows_the_line_and_marks_what_is_wrong(line: str, mark: str) -> None:
    with pytest.raises(ZoneError) as caught:
        read(f"$TTL 60\nwww A 192.0.2.80\n{line}\nmail A 192.0.2.81")
    head = "     3 | "
    assert caught.value.place == f"{head}{line.expandtabs()}\n{' ' * len(head)}{mark}"
    assert caught.value.__notes__ == [caught.value.place]
    assert caught.value._render_traceback_() == [f"ZoneError: {caught.value}", caught.value.place]


def test_an_error_at_the_end_of_the_file_shows_no_line() -> None:
    with pytest.raises(ZoneError) as caught:
        read("$TTL 60\n@ MX 10 (mx1\n")
    assert caught.value.line >= 2
