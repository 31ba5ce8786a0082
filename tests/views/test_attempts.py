"""The attempts at letters: every mark stands where it happened."""

from labmail import Lab, attempts
from labmail.trace.recorder import Trace
from labmail.views.attempts import MOST_ROWS, Attempts

HANOI, MX1, MX2 = "smtp.hanoi.example", "mx1.saigon.example", "mx2.saigon.example"
SON, MINH, HOA = "son@hanoi.example", "minh@saigon.example", "hoa@saigon.example"


def day(lab: Lab) -> Trace:
    """One letter arrives late, one is told to be late and given up."""
    lab.host(HANOI).queue.retry("standard", warn_after="1h", lifetime="4h")
    lab.host(MX1).stop()
    lab.host(MX2).stop()
    with lab.record() as trace:
        lab.user(SON).send(MINH, "Chào", "…")
        lab.dns.fail("lists.example", "MX", "SERVFAIL")
        lab.user(SON).send("ai@lists.example", "Chờ", "…")
        lab.advance("1h")
        lab.host(MX1).start()
        lab.advance("4h")
    return trace


def row(view: Attempts, parcel: int) -> list[str]:
    lines = view.text().split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(f"letter {parcel} at {HANOI}"))
    return lines[at : at + 4]


def test_signs_times_and_waits(lab: Lab) -> None:
    view = attempts(day(lab))
    assert view.text().startswith("Attempts, Mon 2 Mar 2026, 09:00:00 to Mon 2 Mar 2026, 13:00:00")
    head, bar, tries, end = row(view, 1)
    assert head.endswith("for minh@saigon.example")
    assert bar.strip().startswith("○") and bar.strip().endswith("●") and bar.count("○") == 2
    assert tries == "  3 tries: 09:00, 09:30, 10:30; waits: 30 min, 1 h"
    assert end == "  handed to mx1.saigon.example Mon 2 Mar 2026, 10:30:00"


def test_the_end_without_success(lab: Lab) -> None:
    view = attempts(day(lab))
    late = next(s for s in view.waits if any(n.what == "told" for n in s.notes))
    _, bar, tries, end = row(view, late.parcel or 0)
    assert "▲" in bar and bar.endswith("■")
    assert tries.startswith("  5 tries: 09:00, 09:30, 10:30, 12:30, 13:00; waits:")
    assert end.startswith("  given up Mon 2 Mar 2026, 13:00:00: not delivered within 4h")
    assert "▲ the sender hears: late   ■ given up" in view.text()


def test_quick_letters_are_left_out_unless_there_are_no_others(lab: Lab) -> None:
    with lab.record() as quick:
        lab.user(SON).send(HOA, "Chào", "…")
        lab.settle()
    assert [s.parcel for s in attempts(quick).waits] == [1]
    day(lab)
    assert 1 not in [s.parcel for s in attempts(lab.trace).waits]
    assert [s.parcel for s in attempts(lab.trace, parcel=2).waits] == [2]


def test_letters_that_wait_and_too_many_rows(lab: Lab) -> None:
    lab.host(MX1).stop()
    lab.host(MX2).stop()
    with lab.record() as trace:
        for n in range(MOST_ROWS + 2):
            lab.user(SON).send(MINH, f"{n}", "…")
        lab.advance("1h")
    view = attempts(trace)
    assert len(view.waits) == MOST_ROWS and view.more == 2
    assert "and 2 more" in view.text()
    assert "not yet: cannot connect to mx2" in view.alt()
    svg = view.svg()
    assert svg == attempts(trace).svg() and "and 2 more" in svg


def test_nothing_at_all(lab: Lab) -> None:
    with lab.record() as nothing:
        pass
    assert attempts(nothing).text() == "Attempts\n(no letter was tried)"
    assert attempts(nothing).svg() and attempts(nothing).alt() == "No letter was tried."


def test_each_recipient_of_a_letter_has_a_row(lab: Lab) -> None:
    lab.host(MX2).stop()
    lab.host(MX1).answer("RCPT", "450 4.2.1 Busy", times=1, recipient="hoa@*")
    with lab.record() as trace:
        lab.user(SON).send([MINH, HOA, "ai@saigon.example"], "Cả ba", "…")
        lab.advance("1h")
    view = attempts(trace)
    assert [(w.recipient, len(w.tried)) for w in view.waits] == [
        (MINH, 1), (HOA, 2), ("ai@saigon.example", 1)
    ]  # fmt: skip
    bars = [line.strip() for line in view.text().split("\n")[3::5]][:3]
    assert bars[0] == "●" and bars[1][0] + bars[1][-1] == "○●" and bars[2] == "■"
