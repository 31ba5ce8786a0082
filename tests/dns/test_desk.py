"""Zones are loaded, edited and removed; what changed is told, and a forgotten serial too."""

from __future__ import annotations

from pathlib import Path

import dns.message
import pytest

from labmail.dns.desk import ZoneChange, ZoneDesk
from labmail.dns.server import DnsServer
from labmail.dns.zone import ZoneError, parse_zone
from labmail.paths import data_dir
from labmail.runtime.clock import Clock
from labmail.trace.events import ZoneChanged
from labmail.trace.recorder import Recorder, Trace

TEXT = """\
$ORIGIN muadong.example.
$TTL 300
@       SOA  ns.lab. hostmaster.muadong.example. (
             7      ; serial
             7200 900 1209600 300 )
        NS   ns.lab.
        MX   10   mx1.saigon.example.
        MX   20   mx2.saigon.example.
"""


class Office:
    """A server with the zone hanoi.example, and its desk."""

    def __init__(self) -> None:
        recorder = Recorder(Clock().now)
        self.trace = Trace(recorder)
        text = (data_dir() / "zones" / "hanoi.example.zone").read_text("utf-8")
        self.server = DnsServer([parse_zone(text, "hanoi.example.zone", "hanoi.example")])
        self.desk = ZoneDesk(self.server, ["hanoi.example"], "ns.lab", recorder.emit)

    @property
    def events(self) -> list[ZoneChanged]:
        return list(self.trace.of(ZoneChanged))

    def mx(self, name: str) -> list[str]:
        query = dns.message.make_query(name, "MX")
        reply = dns.message.from_wire(self.server.answer(query.to_wire(), udp=True) or b"")
        return sorted(str(record) for rrset in reply.answer for record in rrset)


@pytest.fixture
def office() -> Office:
    return Office()


# --- loading ------------------------------------------------------------------------------------


def test_a_text_is_served_from_the_next_question_on(office: Office) -> None:
    assert office.mx("muadong.example") == []
    change = office.desk.load(TEXT)
    assert office.mx("muadong.example") == ["10 mx1.saigon.example.", "20 mx2.saigon.example."]
    assert (change.origin, change.serial_before, change.serial) == ("muadong.example", None, 7)
    (event,) = office.events
    assert (event.host, event.how, event.origin) == ("ns.lab", "loaded", "muadong.example")
    assert event.added == change.added
    assert len(event.added) == 4


def test_the_same_again_changes_nothing(office: Office) -> None:
    office.desk.load(TEXT)
    again = office.desk.load(TEXT)
    assert not again
    assert str(again) == "muadong.example: as it was, serial 7"
    assert len(office.events) == 1


def test_a_serial_that_did_not_grow_is_spoken_of(office: Office) -> None:
    office.desk.load(TEXT)
    forgotten = office.desk.load(TEXT.replace("MX   20", "MX   30"))
    assert office.mx("muadong.example")[1] == "30 mx2.saigon.example."
    assert "did not grow (7, then 7)" in forgotten.note
    thought_of = office.desk.load(TEXT.replace("MX   20", "MX   40").replace("7  ", "8  "))
    assert thought_of.note == ""
    assert str(thought_of) == (
        "muadong.example: loaded, serial 7 → 8; 1 gone, 1 new\n"
        "  - muadong.example. 300 IN MX 30 mx2.saigon.example.\n"
        "  + muadong.example. 300 IN MX 40 mx2.saigon.example."
    )


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [(7, 8, True), (7, 7, False), (8, 7, False), (2**32 - 1, 0, True), (0, 2**31, False)],
)
def test_serials_go_round(office: Office, before: int, after: int, grown: bool) -> None:
    """RFC 1982 §3.2."""
    office.desk.load(TEXT.replace("7  ", f"{before}  "))
    change = office.desk.load(TEXT.replace("7  ", f"{after}  ").replace("MX   20", "MX   30"))
    assert (change.note == "") is grown


def test_a_file_and_a_name_of_the_course(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "muadong.example.zone"
    file.write_text(TEXT.partition("\n")[2], encoding="utf-8")  # its name says what it is about
    assert office.desk.load(file).origin == "muadong.example"
    assert not office.desk.load(str(file))
    assert office.desk.load("saigon.example").origin == "saigon.example"
    assert office.desk.load("faulty/07").serial == 2


@pytest.mark.parametrize("name", ["saigom.example", "", "   ", "../course", "faulty"])
def test_a_name_that_is_not_there(office: Office, name: str) -> None:
    with pytest.raises(LookupError, match=r"no zone .* there are: .*saigon\.example"):
        office.desk.load(name)
    assert office.events == []


def test_what_the_text_is_about(office: Office) -> None:
    short = TEXT.partition("\n")[2]
    assert office.desk.load(short, origin="muadong.example").origin == "muadong.example"
    whole = short.replace("@  ", "muaha.example.  ")
    assert office.desk.load(whole).origin == "muaha.example"
    with pytest.raises(ZoneError, match=r"which domain it is about.*\$ORIGIN"):
        office.desk.load(short)


@pytest.mark.parametrize("name", ["gmail.com.", "com.", "."])
def test_names_of_others_are_not_served(office: Office, name: str) -> None:
    with pytest.raises(ZoneError, match="somebody's real name"):
        office.desk.load(TEXT.replace("$ORIGIN muadong.example.", f"$ORIGIN {name}"))
    assert [zone.origin for zone in office.server.zones] == ["hanoi.example"]


def test_a_mistake_changes_nothing_and_is_shown(office: Office) -> None:
    office.desk.load(TEXT)
    with pytest.raises(ZoneError) as caught:
        office.desk.load(TEXT.replace("MX   10  ", "MX   ten "))
    assert str(caught.value).startswith("your zone, line 7: cannot read the MX record")
    assert "^^^" in caught.value.place
    assert office.mx("muadong.example")[0] == "10 mx1.saigon.example."


@pytest.mark.parametrize("origin", [None, "muadong..example", "x" * 64])
def test_an_origin_that_is_no_name(office: Office, origin: str | None) -> None:
    text = TEXT.replace("$ORIGIN muadong.example.", "; mine\n$ORIGIN muadong..example.")
    with pytest.raises(ZoneError, match="the origin, is not a domain name; expected lab") as caught:
        office.desk.load(text, origin)
    assert caught.value.line == (1 if origin and origin not in text else 2)
    assert ("^^^^" in caught.value.place) is (caught.value.line == 2)
    with pytest.raises(ZoneError, match="the origin, is not a domain name"):
        office.desk.load("saigon.example", "muadong..example")
    assert office.events == []


def test_a_slip_of_the_pen_is_spoken_of(office: Office) -> None:
    """The zone is served: a server could not know what was meant."""
    change = office.desk.load(TEXT.replace("mx1.saigon.example.", "mx1.saigon.example"))
    assert office.mx("muadong.example")[0] == "10 mx1.saigon.example.muadong.example."
    assert "note: line 7: mx1.saigon.example.muadong.example. is the name here" in repr(change)
    assert office.events[0].note == change.note
    both = office.desk.load(TEXT.replace("mx2.saigon.example.", "192.0.2.3"))
    assert "line 8: MX names a host, so 192.0.2.3 was read" in both.note
    assert "; the serial did not grow" in both.note


def test_an_edit_speaks_of_its_own_slips_only(office: Office) -> None:
    office.desk.load(TEXT.replace("mx1.saigon.example.", "mx1.saigon.example"))
    assert office.desk.edit("muadong.example", "MX 20", "; more\n MX 30").note == ""
    change = office.desk.edit("muadong.example", "mx2.saigon.example.", "mx2.saigon.example")
    assert change.note.startswith("line 9: mx2.saigon.example.muadong.example. is the name here")


@pytest.mark.parametrize("number", ["01", "03"])
def test_the_faulty_zones_do_not_give_themselves_away(office: Office, number: str) -> None:
    assert office.desk.load(f"faulty/{number}").note == ""
    assert office.desk.load(data_dir() / "zones" / "faulty" / f"{number}.zone").note == ""


# --- editing ------------------------------------------------------------------------------------


def test_an_edit_counts_the_serial_up(office: Office) -> None:
    """RFC 2136 §3.6; and whoever edits writes spaces as they come."""
    office.desk.load(TEXT)
    change = office.desk.edit("muadong.example", "MX 20 mx2", "MX 5 mx2")
    assert (change.serial_before, change.serial, change.note) == (7, 8, "")
    assert office.mx("muadong.example") == ["10 mx1.saigon.example.", "5 mx2.saigon.example."]
    assert "8      ; serial" in office.server.zone("muadong.example").text
    assert [event.how for event in office.events] == ["loaded", "edited"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MX 20 mx2", "MX 5 mx2"),
        ("MX 20 mx2", "; MX 20 mx2"),
        ("MX   20   mx2.saigon.example.\n", "TXT hello\n"),
        ("mx2.saigon.example.", "mx2.saigon.example"),
        ("mx2.saigon.example.\n", "mx2\n"),
    ],
)
def test_the_same_edit_again_changes_nothing(office: Office, old: str, new: str) -> None:
    office.desk.load(TEXT)
    assert office.desk.edit("muadong.example", old, new)
    assert not office.desk.edit("muadong.example", old, new)
    assert office.server.zone("muadong.example").serial == 8


@pytest.mark.parametrize(
    ("old", "where"),
    [("MX 30", "nowhere"), ("saigon.example.", r"on lines 7, 8"), ("CNAME", "nowhere")],
)
def test_an_edit_is_of_one_place(office: Office, old: str, where: str) -> None:
    office.desk.load(TEXT)
    with pytest.raises(LookupError, match=f"stands {where} in muadong"):
        office.desk.edit("muadong.example", old, "x")


def test_an_edit_of_nothing(office: Office) -> None:
    with pytest.raises(ValueError, match="words to replace"):
        office.desk.edit("hanoi.example", " ", "x")
    with pytest.raises(LookupError, match=r"no zone 'hanoy\.example'.*hanoi\.example"):
        office.desk.edit("hanoy.example", "a", "b")


def test_an_edit_that_breaks_the_zone_is_shown_in_its_new_text(office: Office) -> None:
    office.desk.load(TEXT)
    with pytest.raises(ZoneError, match="your zone as edited, line 8") as caught:
        office.desk.edit("muadong.example", "MX 20", "MC 20")
    assert "MC 20" in caught.value.place
    assert office.server.zone("muadong.example").serial == 7


SOAS = [
    "@ SOA ns.lab. h.lab. 7 1 2 3 4",
    "@ 60 IN SOA ns.lab. h.lab. (7 1 2 3 4)",
    "@ soa ns.lab. h.lab. ( ; 1 2 3\n ; 9\n 7 ; serial\n 1 2 3 4 )",
    "; the SOA record counts 7 things: 1 2 3 4\n@ SOA ns.lab. h.lab. 7 1 2 3 4",
    "@ SOA ( ns.lab. h.lab. ; a SOA b c 7 1 2 3 4\n 7 1h 2h 3w 4 )",
    '@ TXT "SOA a b 5 1 2 3 4 ;" ; "SOA\n@ SOA ns.lab. h.lab. 7 1 2 3 4',
    "soa TXT a 5\n@ SOA ns.lab. h.lab. 7 1 2 3 4",
]


@pytest.mark.parametrize("soa", SOAS)
def test_the_serial_is_found_in_every_way_of_writing(office: Office, soa: str) -> None:
    before = f"$ORIGIN a.example.\n$TTL 60\n{soa}\n@ NS ns.lab.\nb A 192.0.2.7\n"
    office.desk.load(before)
    assert office.desk.edit("a.example", "192.0.2.7", "192.0.2.8").serial == 8
    text = office.server.zone("a.example").text
    assert len(text) == len(before)
    assert [(a, b) for a, b in zip(before, text, strict=True) if a != b] == [("7", "8"), ("7", "8")]


# --- removing, and starting over ----------------------------------------------------------------


def test_a_zone_is_removed(office: Office) -> None:
    office.desk.load(TEXT)
    change = office.desk.remove("muadong.example")
    assert str(change).startswith("muadong.example: not served any more\n  - muadong.example.")
    assert office.mx("muadong.example") == []
    with pytest.raises(LookupError, match="no zone 'muadong"):
        office.desk.remove("muadong.example")


def test_starting_over(office: Office) -> None:
    before = office.server.zone("hanoi.example").text
    office.desk.load(TEXT)
    office.desk.edit("hanoi.example", "$TTL 3600", "$TTL 60")
    office.desk.reset()
    assert [zone.origin for zone in office.server.zones] == ["hanoi.example"]
    assert office.server.zone("hanoi.example").text == before
    assert [event.how for event in office.events][-2:] == ["removed", "restored"]
    assert office.desk.remove("hanoi.example")
    office.desk.reset()
    assert office.server.zone("hanoi.example").text == before


def test_a_change_of_nothing_is_false() -> None:
    assert not ZoneChange("a.example", "loaded", 1, 1)
    assert ZoneChange("a.example", "loaded", 1, 2)
