"""The server answers every query as the RFCs say, and survives any bytes."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labmail.dns.server import EDNS_UDP_SIZE, DnsServer
from labmail.dns.zone import parse_zone

HANOI = """\
$TTL 60
@        SOA    ns.lab. h.lab. 1 2 3 4 5
@        NS     ns.lab.
@        MX     10 smtp
@        MX     20 mx.saigon.example.
@        TXT    "v=spf1 mx -all"
smtp     A      192.0.2.25
smtp     AAAA   2001:db8::25
mail     CNAME  smtp
twice    CNAME  mail
gone     CNAME  nothing
notype   CNAME  txt
txt      TXT    "only text"
across   CNAME  mx.saigon.example.
outside  CNAME  www.elsewhere.example.
loop1    CNAME  loop2
loop2    CNAME  loop1
self     CNAME  self
a.empty  A      192.0.2.1
*.wild   A      192.0.2.77
*.wild   MX     10 smtp
alias.mx MX     10 mail
_imap._tcp SRV  0 1 143 smtp
sub      NS     ns.sub
ns.sub   A      192.0.2.54
"""
SAIGON = "$TTL 60\n@ SOA ns.lab. h.lab. 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\nmx A 198.51.100.25\n"
BIG = "\n".join(f'big TXT "{number:03} {"x" * 90}"' for number in range(30))


def server() -> DnsServer:
    return DnsServer(
        [
            parse_zone(f"{HANOI}{BIG}\n", "hanoi.zone", "hanoi.example"),
            parse_zone(SAIGON, "saigon.zone", "saigon.example"),
        ]
    )


def ask(query: dns.message.Message, udp: bool = True) -> dns.message.Message:
    reply = server().answer(query.to_wire(), udp)
    assert reply is not None
    return dns.message.from_wire(reply)


def lines(rrsets: list[dns.rrset.RRset]) -> list[str]:
    """Records without TTL and class, and without .hanoi.example.: "@ MX 10 smtp"."""
    shown = []
    for rrset in rrsets:
        for rdata in rrset:
            text = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
            text = text.replace(".hanoi.example.", "").replace("hanoi.example.", "@")
            shown.append(text)
    return shown


SOA = "@ SOA ns.lab. h.lab. 1 2 3 4 5"
ANSWERS = {
    # name, type: reply code, answer, authority, additional
    "MX, with the hosts' addresses added": (
        "@ MX",
        "NOERROR",
        ["@ MX 10 smtp", "@ MX 20 mx.saigon.example."],
        [],
        ["smtp A 192.0.2.25", "smtp AAAA 2001:db8::25", "mx.saigon.example. A 198.51.100.25"],
    ),
    "an MX that is an alias gets no address": (
        "alias.mx MX",
        "NOERROR",
        ["alias.mx MX 10 mail"],
        [],
        [],
    ),
    "SRV": (
        "_imap._tcp SRV",
        "NOERROR",
        ["_imap._tcp SRV 0 1 143 smtp"],
        [],
        ["smtp A 192.0.2.25", "smtp AAAA 2001:db8::25"],
    ),
    "A": ("smtp A", "NOERROR", ["smtp A 192.0.2.25"], [], []),
    "TXT": ("@ TXT", "NOERROR", ['@ TXT "v=spf1 mx -all"'], [], []),
    "the SOA itself": ("@ SOA", "NOERROR", [SOA], [], []),
    "NODATA": ("smtp MX", "NOERROR", [], [SOA], []),
    "NXDOMAIN": ("nothing A", "NXDOMAIN", [], [SOA], []),
    "empty non-terminal": ("empty A", "NOERROR", [], [SOA], []),
    "CNAME asked for": ("mail CNAME", "NOERROR", ["mail CNAME smtp"], [], []),
    "CNAME followed": (
        "twice A",
        "NOERROR",
        ["twice CNAME mail", "mail CNAME smtp", "smtp A 192.0.2.25"],
        [],
        [],
    ),
    "CNAME to nothing": ("gone A", "NXDOMAIN", ["gone CNAME nothing"], [SOA], []),
    "CNAME to another type": ("notype A", "NOERROR", ["notype CNAME txt"], [SOA], []),
    "CNAME into another zone of ours": (
        "across A",
        "NOERROR",
        ["across CNAME mx.saigon.example.", "mx.saigon.example. A 198.51.100.25"],
        [],
        [],
    ),
    "CNAME out of our zones": (
        "outside A",
        "NOERROR",
        ["outside CNAME www.elsewhere.example."],
        [],
        [],
    ),
    "CNAME loop": (
        "loop1 A",
        "NOERROR",
        ["loop1 CNAME loop2", "loop2 CNAME loop1"],
        [],
        [],
    ),
    "CNAME to itself": ("self A", "NOERROR", ["self CNAME self"], [], []),
    "wildcard": ("x.y.wild A", "NOERROR", ["x.y.wild A 192.0.2.77"], [], []),
    "wildcard, another type": ("x.wild TXT", "NOERROR", [], [SOA], []),
    "a type without records and without a name": ("@ TYPE65400", "NOERROR", [], [SOA], []),
    "ANY": (
        "smtp ANY",
        "NOERROR",
        ["smtp A 192.0.2.25", "smtp AAAA 2001:db8::25"],
        [],
        [],
    ),
    "ANY at an alias": ("mail ANY", "NOERROR", ["mail CNAME smtp"], [], []),
    "a zone cut": ("www.sub A", "NOERROR", [], ["sub NS ns.sub"], ["ns.sub A 192.0.2.54"]),
    "AXFR": ("@ AXFR", "REFUSED", [], [], []),
    "IXFR": ("@ IXFR", "REFUSED", [], [], []),
    "MAILB": ("@ MAILB", "NOTIMP", [], [], []),
}


@pytest.mark.parametrize("udp", [True, False], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("question", "rcode", "answer", "authority", "additional"), ANSWERS.values(), ids=ANSWERS
)
def test_answers(
    question: str,
    rcode: str,
    answer: list[str],
    authority: list[str],
    additional: list[str],
    udp: bool,
) -> None:
    name, rtype = question.split()
    domain = "hanoi.example" if name == "@" else f"{name}.hanoi.example"
    query = dns.message.make_query(domain, rtype)
    reply = ask(query, udp)
    assert query.is_response(reply)
    assert dns.rcode.to_text(reply.rcode()) == rcode
    assert lines(reply.answer) == answer
    assert lines(reply.authority) == authority
    assert lines(reply.additional) == additional


@pytest.mark.parametrize("name", ["elsewhere.example", "example", ".", "xhanoi.example"])
def test_what_is_not_ours_is_refused(name: str) -> None:
    reply = ask(dns.message.make_query(name, "A"))
    assert reply.rcode() == dns.rcode.REFUSED
    assert not reply.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("name", "authoritative"),
    [("smtp", True), ("nothing", True), ("across", True), ("www.sub", False)],
)
def test_the_flags_of_a_reply(name: str, authoritative: bool) -> None:
    reply = ask(dns.message.make_query(f"{name}.hanoi.example", "A"))
    assert reply.flags & dns.flags.QR
    assert reply.flags & dns.flags.RD  # as it was asked
    assert not reply.flags & dns.flags.RA
    assert bool(reply.flags & dns.flags.AA) is authoritative


def test_a_negative_soa_lives_as_long_as_the_no() -> None:
    assert ask(dns.message.make_query("nothing.hanoi.example", "A")).authority[0].ttl == 5


def test_capitals_do_not_matter_and_are_given_back() -> None:
    reply = ask(dns.message.make_query("SmTp.Hanoi.EXAMPLE", "A"))
    assert str(reply.question[0].name) == "SmTp.Hanoi.EXAMPLE."
    assert lines(reply.answer) != []


def test_the_order_is_that_of_the_file_every_time() -> None:
    query = dns.message.make_query("big.hanoi.example", "TXT").to_wire()
    one = server()
    assert len({one.answer(query, False) for _ in range(5)}) == 1


def test_a_longer_zone_wins() -> None:
    one = server()
    inner = "$TTL 60\n@ SOA ns.lab. h.lab. 1 2 3 4 5\n@ NS ns.lab.\nwww A 192.0.2.99\n"
    one.replace(parse_zone(inner, "sub.zone", "sub.hanoi.example"))
    query = dns.message.make_query("www.sub.hanoi.example", "A")
    reply = dns.message.from_wire(one.answer(query.to_wire(), True) or b"")
    assert [str(rrset[0]) for rrset in reply.answer] == ["192.0.2.99"]


def test_the_root_can_be_served_too() -> None:
    root = "$TTL 60\n@ SOA ns.lab. h.lab. 1 2 3 4 5\n@ NS ns.lab.\n"
    one = DnsServer([parse_zone(root, "root.zone", ".")])
    reply = one.answer(dns.message.make_query("nothing.example", "A").to_wire(), True)
    assert dns.message.from_wire(reply or b"").rcode() == dns.rcode.NXDOMAIN


# --- size ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "limit"),
    [(None, 512), (0, 512), (100, 512), (512, 512), (1000, 1000), (65535, EDNS_UDP_SIZE)],
)
def test_udp_is_cut_at_what_the_client_takes(payload: int | None, limit: int) -> None:
    edns = {} if payload is None else {"use_edns": 0, "payload": payload}
    query = dns.message.make_query("big.hanoi.example", "TXT", **edns)  # type: ignore[arg-type]
    wire = server().answer(query.to_wire(), True)
    assert wire is not None
    reply = dns.message.from_wire(wire)
    assert len(wire) <= limit
    assert reply.flags & dns.flags.TC
    assert (reply.edns >= 0) is (payload is not None)


def test_tcp_is_not_cut() -> None:
    reply = ask(dns.message.make_query("big.hanoi.example", "TXT"), udp=False)
    assert not reply.flags & dns.flags.TC
    assert len(reply.answer[0]) == 30


def test_over_64k_even_tcp_is_cut() -> None:
    huge = "\n".join(f'huge TXT "{number:04} {"x" * 240}"' for number in range(300))
    one = DnsServer([parse_zone(f"{HANOI}{huge}\n", "hanoi.zone", "hanoi.example")])
    wire = one.answer(dns.message.make_query("huge.hanoi.example", "TXT").to_wire(), False)
    assert wire is not None
    assert dns.message.from_wire(wire).flags & dns.flags.TC


def test_losing_additional_records_only_is_no_truncation() -> None:
    hosts = "".join(
        f"@ MX 10 h{n}\nh{n} A 192.0.2.{n}\nh{n} AAAA 2001:db8::{n}\n" for n in range(12)
    )
    text = f"$TTL 60\n@ SOA ns.lab. h.lab. 1 2 3 4 5\n@ NS ns.lab.\n{hosts}"
    one = DnsServer([parse_zone(text, "hanoi.zone", "hanoi.example")])
    wire = one.answer(dns.message.make_query("hanoi.example", "MX").to_wire(), True)
    reply = dns.message.from_wire(wire or b"")
    assert len(reply.answer[0]) == 12
    assert 0 < len(reply.additional) < 24
    assert not reply.flags & dns.flags.TC


def test_padding_is_not_answered_with_padding() -> None:
    padding = dns.edns.GenericOption(dns.edns.OptionType.PADDING, b"\0" * 100)
    query = dns.message.make_query("hanoi.example", "ANY", payload=1232, options=[padding])
    assert ask(query).rcode() == dns.rcode.NOERROR


# --- bad queries -----------------------------------------------------------------------------


def test_an_edns_version_we_do_not_speak() -> None:
    query = dns.message.make_query("hanoi.example", "MX", use_edns=1)
    reply = ask(query)
    assert reply.rcode() == dns.rcode.BADVERS
    assert reply.edns == 0


def test_another_class_is_refused() -> None:
    assert ask(dns.message.make_query("version.bind", "TXT", "CH")).rcode() == dns.rcode.REFUSED


def test_class_any_is_answered() -> None:
    assert lines(ask(dns.message.make_query("hanoi.example", "TXT", "ANY")).answer) != []


@pytest.mark.parametrize("count", [0, 2])
def test_one_question_each(count: int) -> None:
    query = dns.message.make_query("hanoi.example", "MX")
    query.question = query.question * count
    wire = server().answer(query.to_wire(), True)
    assert wire is not None
    assert dns.message.from_wire(wire).rcode() == dns.rcode.FORMERR


HEADER = bytes.fromhex("abcd 0100 0001 0000 0000 0000".replace(" ", ""))
QUESTION = b"\x05hanoi\x07example\x00\x00\x0f\x00\x01"
MALFORMED = {
    "no question where one is promised": HEADER,
    "a name that ends too soon": HEADER + b"\x05han",
    "a compression pointer to itself": HEADER + b"\xc0\x0c\x00\x0f\x00\x01",
    "a compression pointer forwards": HEADER + b"\xc0\xff\x00\x0f\x00\x01",
    "a reserved label type": HEADER + b"\x80\x00\x00\x0f\x00\x01",
    "a name over 255 octets": HEADER + (b"\x3f" + b"x" * 63) * 4 + b"\x00\x00\x0f\x00\x01",
    "something behind the message": HEADER + QUESTION + b"x",
    "counts of 65535": HEADER[:4] + b"\xff" * 8 + QUESTION,
}


@pytest.mark.parametrize("query", MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_read_gets_formerr(query: bytes) -> None:
    assert server().answer(query, True) == bytes.fromhex("abcd 8101 0000 0000 0000 0000")


@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 6, 15])
def test_other_opcodes_are_not_implemented(opcode: int) -> None:
    query = HEADER[:2] + (opcode << 11).to_bytes(2, "big") + HEADER[4:] + QUESTION
    reply = server().answer(query, True)
    assert reply is not None
    assert reply[:2] == b"\xab\xcd"
    assert int.from_bytes(reply[2:4], "big") == 0x8000 | opcode << 11 | dns.rcode.NOTIMP


@pytest.mark.parametrize("query", [b"", b"x", HEADER[:11]], ids=["nothing", "one octet", "eleven"])
def test_less_than_a_header_gets_silence(query: bytes) -> None:
    assert server().answer(query, True) is None


def test_a_reply_is_never_answered() -> None:
    one = server()
    reply = one.answer(HEADER + QUESTION, True)
    assert reply is not None
    assert one.answer(reply, True) is None


# --- any bytes -------------------------------------------------------------------------------

SERVER = server()
QUERIES = [
    dns.message.make_query(name, rtype, use_edns=edns, id=7).to_wire()
    for name in (
        "hanoi.example",
        "mail.hanoi.example",
        "x.wild.hanoi.example",
        "self.hanoi.example",
    )
    for rtype in ("MX", "A", "ANY", "AXFR")
    for edns in (False, 0)
]


def check(query: bytes, udp: bool) -> None:
    """Whatever was asked: silence, or a reply to it that can be read and is not too long."""
    wire = SERVER.answer(query, udp)
    if wire is None:
        return
    reply = dns.message.from_wire(wire)
    assert wire[:2] == query[:2]
    assert reply.flags & dns.flags.QR
    assert len(wire) <= (EDNS_UDP_SIZE if udp else 65535)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), st.booleans())
@example(b"\x00" * 12, True)
@example(b"\xff" * 512, True)
def test_any_bytes(query: bytes, udp: bool) -> None:
    check(query, udp)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(QUERIES),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=4),
    st.integers(0, 80),
    st.binary(max_size=20),
    st.booleans(),
)
def test_queries_with_octets_changed_cut_and_added(
    query: bytes, changes: list[tuple[int, int]], cut: int, more: bytes, udp: bool
) -> None:
    octets = bytearray(query)
    for place, value in changes:
        octets[place % len(octets)] = value
    check(bytes(octets[: len(octets) - cut % 5]) + more, udp)


# --- reload and planned failures ---------------------------------------------------------------


def test_replace_serves_the_new_zone_at_once() -> None:
    one = server()
    new = "$TTL 60\n@ SOA ns.lab. h.lab. 2 2 3 4 5\n@ NS ns.lab.\n@ MX 5 new\n"
    one.replace(parse_zone(new, "hanoi.zone", "hanoi.example"))
    reply = one.answer(dns.message.make_query("hanoi.example", "MX").to_wire(), True)
    assert lines(dns.message.from_wire(reply or b"").answer) == ["@ MX 5 new"]
    assert one.zone("HANOI.example").serial == 2
    assert [zone.origin for zone in one.zones] == ["hanoi.example", "saigon.example"]


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(LookupError, match=r"'hue.example' .* there are: hanoi.example, saigon"):
        server().zone("hue.example")


@pytest.mark.parametrize("status", ["SERVFAIL", "REFUSED"])
def test_a_planned_failure_meets_its_question_only(status: str) -> None:
    one = server()
    one.fail("hanoi.example", "MX", status)

    def rcode(name: str, rtype: str) -> str:
        reply = one.answer(dns.message.make_query(name, rtype).to_wire(), True)
        return dns.rcode.to_text(dns.message.from_wire(reply or b"").rcode())

    assert [rcode("HANOI.example", "MX") for _ in range(3)] == [status] * 3
    assert rcode("hanoi.example", "TXT") == "NOERROR"
    assert rcode("smtp.hanoi.example", "MX") == "NOERROR"
    one.heal()
    assert rcode("hanoi.example", "MX") == "NOERROR"


def test_a_failure_can_be_planned_for_some_times() -> None:
    one = server()
    one.fail("hanoi.example", "MX", "TIMEOUT", times=2)
    query = dns.message.make_query("hanoi.example", "MX").to_wire()
    assert [one.answer(query, True) is None for _ in range(4)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "rtype", "status", "told"),
    [
        ("hanoi.example", "MX", "NXDOMAIN", "'NXDOMAIN' cannot be planned"),
        ("hanoi.example", "MX", "servfail", "'servfail' cannot be planned"),
        ("hanoi.example", "MXX", "SERVFAIL", "'MXX' is not a record type: write one like 'MX'"),
        ("hanoi.example", 15, "SERVFAIL", "15 is not a record type"),
        ("a..b", "MX", "SERVFAIL", r"'a\.\.b' is not a domain name: .* single dots"),
    ],
)
def test_a_failure_that_cannot_be_planned(name: str, rtype: str, status: str, told: str) -> None:
    one = server()
    with pytest.raises(ValueError, match=told):
        one.fail(name, rtype, status)
    assert one.failures == ()


@pytest.mark.parametrize("rtype", ["mx", "Mx", "TYPE15"])
def test_a_type_is_healed_however_it_is_written(rtype: str) -> None:
    one = server()
    one.fail("saigon.example", "MX", "SERVFAIL")
    one.fail("saigon.example", "A", "SERVFAIL")
    assert [f.rtype for f in one.heal("SAIGON.example.", rtype)] == ["MX"]
    assert [f.rtype for f in one.failures] == ["A"]


@pytest.mark.parametrize("rtype", ["mx", "TYPE15"])
def test_a_new_plan_takes_the_place_of_the_old_however_it_is_written(rtype: str) -> None:
    one = server()
    one.fail("saigon.example", "MX", "SERVFAIL")
    one.fail("saigon.example", rtype, "TIMEOUT", times=2)
    assert [str(f) for f in one.failures] == ["saigon.example, MX: TIMEOUT, 2 more"]


@pytest.mark.parametrize(
    ("name", "rtype", "told"),
    [
        ("a..b", None, "is not a domain name"),
        (7, None, "7 is not a domain name"),
        ("saigon.example", "EMEX", "'EMEX' is not a record type"),
    ],
)
def test_what_cannot_be_healed(name: str, rtype: str | None, told: str) -> None:
    """Nothing is forgotten then: whoever mistypes would believe that it was."""
    one = server()
    one.fail("saigon.example", "MX", "SERVFAIL")
    with pytest.raises(ValueError, match=told):
        one.heal(name, rtype)
    assert len(one.failures) == 1


def answer(one: DnsServer, name: str, rtype: str = "MX", udp: bool = True) -> dns.message.Message:
    reply = one.answer(dns.message.make_query(name, rtype).to_wire(), udp)
    return dns.message.from_wire(reply or b"")


def test_truncated_as_planned_is_whole_over_tcp() -> None:
    one = server()
    one.fail("hanoi.example", "MX", "TRUNCATED")
    cut, whole = answer(one, "hanoi.example"), answer(one, "hanoi.example", udp=False)
    assert (bool(cut.flags & dns.flags.TC), cut.answer) == (True, [])
    assert (bool(whole.flags & dns.flags.TC), len(whole.answer)) == (False, 1)


@pytest.mark.parametrize("name", ["hanoi.example", "smtp.hanoi.example", "nobody.hanoi.example"])
def test_a_lame_server_sends_the_client_to_itself(name: str) -> None:
    """The whole zone is unknown to it: neither yes nor no, and no authority (AA)."""
    one = server()
    one.fail("hanoi.example", "ANY", "LAME")
    reply = answer(one, name)
    assert (reply.rcode(), reply.answer) == (dns.rcode.NOERROR, [])
    assert not reply.flags & dns.flags.AA
    assert [str(rrset) for rrset in reply.authority] == [
        "hanoi.example. 3600 IN NS ns.lab.\nhanoi.example. 3600 IN NS ns.saigon.example."
    ]
    assert answer(one, "mx.saigon.example", "A").flags & dns.flags.AA


def test_every_type_of_one_name_fails() -> None:
    one = server()
    one.fail("hanoi.example", "ANY", "SERVFAIL")
    assert answer(one, "hanoi.example", "TXT").rcode() == dns.rcode.SERVFAIL
    assert answer(one, "smtp.hanoi.example", "A").rcode() == dns.rcode.NOERROR


def test_plans_can_be_read_replaced_and_healed_one_by_one() -> None:
    one = server()
    one.fail("hanoi.example", "mx", "SERVFAIL")
    one.fail("hanoi.example", "MX", "TIMEOUT", times=2)
    one.fail("saigon.example", "ANY", "LAME")
    assert [str(failure) for failure in one.failures] == [
        "hanoi.example, MX: TIMEOUT, 2 more",
        "saigon.example and below, every type: LAME",
    ]
    assert one.answer(dns.message.make_query("hanoi.example", "MX").to_wire(), True) is None
    assert str(one.failures[0]) == "hanoi.example, MX: TIMEOUT, 1 more"
    assert [f.status for f in one.heal("hanoi.example")] == ["TIMEOUT"]
    assert [f.status for f in one.heal()] == ["LAME"]
    assert one.heal() == one.failures == ()


@pytest.mark.parametrize("times", [0, -1, 1.5, "2", True])
def test_a_plan_for_no_number_of_times(times: int) -> None:
    one = server()
    with pytest.raises(ValueError, match=f"times={times!r}: give a whole number from 1 on"):
        one.fail("hanoi.example", "MX", "SERVFAIL", times=times)
    assert one.failures == ()


def test_a_removed_zone_is_none_of_our_business() -> None:
    one = server()
    one.remove(one.zone("saigon.example"))
    assert answer(one, "mx.saigon.example", "A").rcode() == dns.rcode.REFUSED
