"""Searches: what belongs to which attempt of which letter, read from real deliveries."""

from labmail import Lab
from labmail.trace.events import Bounced, Deferred, Relayed
from labmail.trace.recorder import Trace
from labmail.views.searches import Search, searches

SON, MINH = "son@hanoi.example", "minh@saigon.example"
MX1, MX2 = "198.51.100.25", "198.51.100.26"


def sent(lab: Lab, *to: str) -> Trace:
    with lab.record() as trace:
        for recipient in to:
            lab.user(SON).send(to=recipient, subject="Đường đi", text="…")
        lab.settle()
    return trace


def fates(search: Search) -> list[tuple[str, str]]:
    return [(call.ip, call.fate) for call in search.calls]


def test_one_letter_is_one_search(lab: Lab) -> None:
    (search,) = searches(sent(lab, MINH))
    assert (search.host, search.domain) == ("smtp.hanoi.example", "saigon.example")
    assert [(e.rtype, e.name) for e in search.lookups] == [
        ("MX", "saigon.example"),
        ("A", "mx1.saigon.example"),
        ("AAAA", "mx1.saigon.example"),
        ("A", "mx2.saigon.example"),
        ("AAAA", "mx2.saigon.example"),
    ]
    assert search.records == ((10, "mx1.saigon.example"), (20, "mx2.saigon.example"))
    assert fates(search) == [(MX1, "took it")]
    assert isinstance(search.end, Relayed)


def test_who_could_not_be_called_and_who_was_called_next(lab: Lab) -> None:
    lab.host("mx1.saigon.example").stop()
    first, *later = searches(sent(lab, MINH))
    assert fates(first) == [(MX1, "no connection"), (MX2, "took it")]
    assert [s.host for s in later] == ["mx2.saigon.example"], "the backup searches for itself"
    assert later[0].records == first.records
    assert fates(later[0]) == [(MX1, "no connection")]
    assert isinstance(later[0].end, Deferred)


def test_each_attempt_is_a_search(lab: Lab) -> None:
    hosts = [lab.host("mx1.saigon.example"), lab.host("mx2.saigon.example")]
    for host in hosts:
        host.stop()
    with lab.record() as trace:
        lab.user(SON).send(to=MINH, subject="Có ai không?", text="…")
        lab.settle()
        for host in hosts:
            host.start()
        lab.advance("1h")
    first, second = searches(trace)
    assert isinstance(first.end, Deferred) and isinstance(second.end, Relayed)
    assert fates(second) == [(MX1, "took it")]
    assert {e.server for e in second.lookups if e.rtype == "MX"} == {"cache"}


def test_a_host_that_says_no(lab: Lab) -> None:
    (search,) = searches(sent(lab, "khong-co@saigon.example"))
    (call,) = search.calls
    assert call.fate == "refused" and call.words.startswith("550 5.1.1")
    assert isinstance(search.end, Bounced)


def test_letters_side_by_side_are_kept_apart(lab: Lab) -> None:
    lab.host("mx1.saigon.example").stop("smtp")
    trace = sent(lab, *[MINH] * 6, "a@khongthu.example")
    of_hanoi = [s for s in searches(trace) if s.host == "smtp.hanoi.example"]
    to_saigon = [s for s in of_hanoi if s.domain == "saigon.example"]
    assert [fates(s) for s in to_saigon] == [[(MX1, "no connection"), (MX2, "took it")]] * 6
    (null,) = (s for s in of_hanoi if s.domain == "khongthu.example")
    assert null.records == ((0, ""),) and null.calls == []


def test_who_is_at_home_searches_for_nothing(lab: Lab) -> None:
    assert searches(sent(lab, "lan@hanoi.example")) == ()


def test_only_one_letter(lab: Lab) -> None:
    trace = sent(lab, MINH, "freman.alpha@arrakis.example")
    second = trace.parcels[1]
    assert [s.domain for s in searches(trace, second)] == ["arrakis.example"]
