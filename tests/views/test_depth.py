"""Waiting letters, counted over lab time and forecast."""

from datetime import timedelta

from labmail import Lab
from labmail.queue.schedule import Schedule
from labmail.queue.simulation import Outage, simulate
from labmail.views import forecasts, queue_depth
from labmail.views.depth import spark

HANOI, MX1, MX2 = "smtp.hanoi.example", "mx1.saigon.example", "mx2.saigon.example"


def test_the_depth_over_a_day(lab: Lab) -> None:
    lab.host(MX1).stop()
    with lab.record() as trace:
        for n in range(3):
            lab.user("son@hanoi.example").send("minh@saigon.example", f"{n}", "…")
            lab.advance("10m")
        lab.host(MX1).start()
        lab.advance("10h")
    depth = queue_depth(trace, HANOI, MX2)
    begin = trace.events[0].at
    assert (depth.most(MX2), depth.most(HANOI)) == (3, 0)
    assert [depth.at(MX2, begin + timedelta(minutes=m)) for m in (0, 10, 20, 600)] == [1, 2, 3, 0]
    line = next(x for x in depth.text().split("\n") if x.startswith(MX2))
    assert "▃" in line and line.endswith("most 3, at the end 0")
    assert "mx2.saigon.example: at most 3 letters" in depth.alt()
    assert depth.svg() == queue_depth(trace, HANOI, MX2).svg()


def test_no_letter_at_all(lab: Lab) -> None:
    with lab.record() as nothing:
        pass
    assert "(no letter lay in a queue)" in queue_depth(nothing).text()
    assert queue_depth(nothing).svg()


OUTAGE = Outage(0, 150, per_minute=20_000)


def test_schedules_beside_each_other() -> None:
    computed = {
        "fixed": simulate(Schedule.styled("sendmail"), 1_000_000, 10, OUTAGE),
        "jitter": simulate(Schedule(jitter=0.3), 1_000_000, 10, OUTAGE),
    }
    view = forecasts(computed, OUTAGE)
    fixed, jitter = (line.split() for line in view.text().split("\n")[3:5])
    assert fixed[:4] == ["fixed", "100,000", "100,000", "8,000,000"]
    assert jitter[:2] == ["jitter", "100,000"] and int(jitter[2].replace(",", "")) < 20_000
    assert view.attempts_after(computed["fixed"]) == 100_000
    assert "fixed: at most 100,000 attempts a minute after it is back" in view.alt()
    assert view.svg() == forecasts(computed, OUTAGE).svg()
    assert len(view.svg()) < 200_000


def test_a_spark_shows_whatever_is_more_than_nothing() -> None:
    assert spark([0, 0.001, 4, 8]) == "·▁▄█"
    assert spark([]) == ""
    assert spark([1], top=8) == "▁"
