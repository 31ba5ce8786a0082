"""The resolution tree: what was asked, who was called, what was left out and why."""

from labmail import Lab, resolution
from labmail.trace.recorder import Trace
from labmail.views.resolution import Resolution

SON, MINH = "son@hanoi.example", "minh@saigon.example"


def sent(lab: Lab, to: str) -> Trace:
    with lab.record() as trace:
        lab.user(SON).send(to=to, subject="Đường đi", text="…")
        lab.settle()
    return trace


def tree(lab: Lab, to: str) -> Resolution:
    return resolution(sent(lab, to))


def test_hosts_stand_in_the_order_in_which_they_are_called(lab: Lab) -> None:
    lab.host("mx1.saigon.example").stop()
    seen = tree(lab, MINH)
    assert [b.name for b in seen.branches] == ["10 mx1.saigon.example", "20 mx2.saigon.example"]
    lines = seen.text().split("\n")
    assert "│     ✘ 198.51.100.25 no connection: connection refused" in lines
    assert any(line.startswith("      ✔ 198.51.100.26 took the letter: 250") for line in lines)
    assert lines[-1] == "mx2.saigon.example took the letter."
    assert "first" not in seen.alt() and "mx2.saigon.example took the letter" in seen.alt()


def test_what_was_not_needed_is_there_and_says_so(lab: Lab) -> None:
    assert "· 198.51.100.26 not called" in tree(lab, MINH).text()


def test_no_mx_means_the_domain_itself(lab: Lab) -> None:
    seen = tree(lab, "ba@nhaminh.example")
    assert "└─ nhaminh.example (no MX: the domain itself)" in seen.text()
    assert "Note: no MX: the domain itself" in seen.text()


def test_a_null_mx_is_a_host_that_is_none(lab: Lab) -> None:
    seen = tree(lab, "ai@khongthu.example")
    assert "└─ 0 .   ✘ left out" in seen.text()
    assert seen.ending == (
        "Never (5.1.10), the sender is told: khongthu.example takes no mail (null MX)"
    )
    assert seen.note == "", "the ending says it already"


def test_no_such_domain_has_no_branches(lab: Lab) -> None:
    seen = tree(lab, "ai@khong-co.example")
    assert seen.branches == ()
    assert "MX?    NXDOMAIN" in seen.text()


def test_nobody_can_say(lab: Lab) -> None:
    lab.dns.fail("saigon.example", "MX", "SERVFAIL")
    seen = tree(lab, MINH)
    assert "MX?    SERVFAIL   (ns.lab)" in seen.text()
    assert seen.ending.startswith("Not now, next try 09:30:00: the MX records")


def test_what_is_remembered_says_so(lab: Lab) -> None:
    sent(lab, MINH)
    lab.advance("10m")
    assert "(remembered, for 50 min more)" in tree(lab, MINH).text()


def test_a_later_attempt(lab: Lab) -> None:
    lab.dns.fail("saigon.example", "MX", "SERVFAIL", times=1)
    trace = lab.trace
    sent(lab, MINH)
    lab.advance("1h")
    (parcel,) = trace.parcels
    assert resolution(trace, parcel).ending.startswith("Not now")
    assert resolution(trace, parcel, attempt=2).ending == "mx1.saigon.example took the letter."


def test_nobody_looked_for_a_way(lab: Lab) -> None:
    assert tree(lab, "lan@hanoi.example").text() == "(no host looked for a way in this trace)"
