"""State diagrams: drawn from the tables, and true to what was recorded."""

import re
from typing import Any

import pytest

from labmail import Lab, state_diagram
from labmail.course import talk
from labmail.imap import states as imap
from labmail.pop3 import states as pop3
from labmail.smtp import states as smtp
from labmail.views.machine import IMAP, POP3, SMTP, Fate, Machine
from labmail.views.machine_draw import _lanes, _Plan, main_road

MX1 = "mx1.saigon.example"
SESSION = [
    *("DATA", "EHLO x", "NOOP", "HALLO", "MAIL FROM:<>", "RCPT TO:<x@saigon.example>"),
    *("RCPT TO:<minh@saigon.example>", "RCPT TO:<hoa@saigon.example>", "RSET", "QUIT"),
]


@pytest.mark.parametrize(
    ("machine", "table"), [(SMTP, smtp.STATES), (POP3, pop3.STATES), (IMAP, imap.STATES)]
)
def test_every_verb_of_the_table_is_on_the_map(machine: Machine, table: Any) -> None:
    for state, verbs in table.items():
        shown = {v for m in machine.moves if m.source == state for v in m.verbs}
        assert shown | set(machine.staying(str(state))) == set(verbs)
        for move in (m for m in machine.moves if m.source == state and not m.note):
            assert all(str(verbs[v]) == move.target for v in move.verbs)


def test_what_does_not_fit_the_table_is_on_the_map_too() -> None:
    noted = {(m.source, m.target, m.verbs, m.note) for m in SMTP.moves if m.note}
    assert noted == {
        ("opening", "unwelcome", ("",), "5yz"),
        ("ready", "auth", ("AUTH",), "3yz"),
        ("rcpt", "data", ("DATA",), "3yz"),
    }


def test_the_main_road() -> None:
    assert main_road(SMTP) == ["opening", "greeted", "ready", "mail", "rcpt", "data"]
    assert main_road(POP3) == ["AUTHORIZATION", "TRANSACTION"]
    assert main_road(IMAP) == ["not authenticated", "authenticated", "selected"]


def test_lines_above_the_road_do_not_run_into_each_other() -> None:
    assert _lanes([(1, 2), (2, 3), (2, 4), (2, 5)]) == [0, 0, 1, 2]


@pytest.mark.parametrize("machine", [SMTP, POP3, IMAP])
def test_boxes_do_not_overlap(machine: Machine) -> None:
    boxes = list(_Plan(machine).boxes.values())
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            beside = a.x + a.width <= b.x or b.x + b.width <= a.x
            assert beside or a.below <= b.y or b.below <= a.y


@pytest.mark.parametrize("machine", ["smtp", "pop3", "imap"])
def test_letters_can_be_read_in_a_notebook(machine: str) -> None:
    """A notebook shows a picture 1,100 pixels wide at most."""
    svg = state_diagram(machine).svg()
    (width,) = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ', svg))
    sizes = [float(n) * 1100 / width for n in re.findall(r"font-size: ([\d.]+)px", svg)]
    assert sizes and min(sizes) > 10.5


def test_a_session_as_it_went(lab: Lab) -> None:
    talk(MX1, *SESSION)
    way = state_diagram(lab.trace)
    assert [(s.verb, s.fate, s.after) for s in way.steps] == [
        ("", Fate.MOVED, "greeted"),
        ("DATA", Fate.REFUSED, "greeted"),
        ("EHLO", Fate.MOVED, "ready"),
        ("NOOP", Fate.STAYED, "ready"),
        ("HALLO", Fate.REFUSED, "ready"),
        ("MAIL", Fate.MOVED, "mail"),
        ("RCPT", Fate.REFUSED, "mail"),
        ("RCPT", Fate.MOVED, "rcpt"),
        ("RCPT", Fate.STAYED, "rcpt"),
        ("RSET", Fate.MOVED, "ready"),
        ("QUIT", Fate.MOVED, "closed"),
    ]
    assert "opening → greeted → ready → mail → rcpt → ready → closed" in way.alt()
    assert "3 commands refused" in way.alt()
    (reset,) = [m for m in SMTP.moves if (m.source, m.target) == ("rcpt", "ready")]
    assert way.numbers(reset) == (10,)
    assert way.numbers_at("ready", Fate.REFUSED) == (5,)
    assert "✘ refused, stays" in way.text()


def test_sessions_of_the_readers(lab: Lab, tmp_path: Any) -> None:
    minh = lab.user("minh@saigon.example")
    with lab.record() as trace:
        minh.pop3().quit()
        minh.imap().logout()
    pop, box = (state_diagram(trace, c) for c in trace.connections)
    assert "AUTHORIZATION → TRANSACTION → UPDATE" in pop.alt()
    assert "not authenticated → authenticated → logout" in box.alt()
    assert minh.password not in pop.text() + box.text() + pop.svg() + box.svg()
    assert box.png(tmp_path / "x.png").stat().st_size > 1000


def test_the_map_alone_and_what_there_is_not(lab: Lab) -> None:
    assert state_diagram("smtp").text().startswith("The states of a session in SMTP")
    assert "opening, greeted" in state_diagram("SMTP").alt()
    with pytest.raises(ValueError, match="'smtp', 'pop3', 'imap'"):
        state_diagram("dns")
    with pytest.raises(ValueError, match="no conversation in SMTP"):
        state_diagram(lab.trace)
    talk(MX1)
    with pytest.raises(ValueError, match="no connection #9; it has #1"):
        state_diagram(lab.trace, 9)


def test_the_same_bytes_each_time(lab: Lab) -> None:
    talk(MX1, *SESSION)
    assert state_diagram(lab.trace).html() == state_diagram(lab.trace).html()
