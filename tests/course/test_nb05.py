"""Notebook 05: each exercise refuses what a person might plausibly do, and says why."""

import pytest

from labmail import Lab
from labmail.course import check, ward
from labmail.course.nb05 import (
    CASES,
    EXERCISES,
    FAULTS,
    fault_of,
    move_house,
    name_the_faults,
    open_the_cafe,
    want_no_mail,
)
from labmail.trace.events import Bounced, Deferred, Delivered


def said(key: str, answer: object = None) -> str:
    return " ".join(check(key, answer).text().split())


def head(domain: str) -> str:
    return (
        f"$ORIGIN {domain}.\n$TTL 3600\n"
        f"@    SOA  ns.lab. hostmaster.{domain}. 1 7200 900 1209600 300\n"
        "     NS   ns.lab.\n"
    )


ADDRESSES = "mx1 A 203.0.113.91\nmx2 A 203.0.113.92\n"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_the_way_passes_whatever_lab_is_open(lab: Lab, exercise) -> None:  # type: ignore[no-untyped-def]
    before = lab.fingerprint()
    assert f"{exercise.key} done" in said(exercise.key, exercise.solve(lab))
    assert lab.fingerprint() == before, "what is tried is tried in a world of its own"


# --- 5.1 -----------------------------------------------------------------------------------------

CAFE = head("caphe.example")


@pytest.mark.parametrize(
    ("answer", "feedback"),
    [
        (CAFE, "1 of 4 ✔ a zone of caphe.example can be served"),
        (CAFE, "caphe.example has neither MX nor address"),
        (CAFE + " MX 10 203.0.113.91.\n", "is an address; an MX names a host"),
        (CAFE + " MX 10 mx1.caphe.example\n" + ADDRESSES, "caphe.example.caphe.example does not"),
        (CAFE + " MX 10 mx1\n MX 20 mx2\n", "MX mx1.caphe.example does not exist"),
        (CAFE + " MX 10 mx1\n" + ADDRESSES, "nobody else took the letter: smtp.hanoi.example"),
        (CAFE + " MX 20 mx1\n MX 10 mx2\n" + ADDRESSES, "mx2.caphe.example gave up (5.4.6)"),
        (CAFE + " MX 10 mx1\n MX 10 mx2\n" + ADDRESSES, "loops back to us"),
        (CAFE + " MX 10 moi\n MX 20 mx2\nmoi A 203.0.113.93\n" + ADDRESSES, "not in service yet"),
        (CAFE + " MX 10 mx1\n MX 20 thu\nthu CNAME mx2\n" + ADDRESSES, "nobody else took"),
        (CAFE + " MX mx1\n" + ADDRESSES, "line 5"),
        (head("quan.example") + " A 203.0.113.91\n", "wanted is one of caphe.example"),
        (None, "0 of 4"),
        ("MX 10 mx1.caphe.example.", "0 of 4"),
    ],
)
def test_the_cafe(lab: Lab, answer: object, feedback: str) -> None:
    text = said("5.1", answer)
    assert text.startswith("5.1 not yet")
    assert feedback in text


def test_the_cafe_may_be_written_in_other_ways(lab: Lab) -> None:
    short = CAFE + ' MX 5 mx1\n MX 50 mx2\n TXT "v=spf1 mx -all"\n' + ADDRESSES
    assert "5.1 done" in said("5.1", short)
    indented = "\n".join(f"        {line}" for line in short.split("\n"))
    assert "5.1 done" in said("5.1", f"\n{indented}\n")


# --- 5.2 -----------------------------------------------------------------------------------------

FLORIST = head("hoadep.example")
WEB = " A 203.0.113.75\n"


@pytest.mark.parametrize(
    ("answer", "feedback"),
    [
        (FLORIST + WEB, "It was tried at 203.0.113.75. What made the server try?"),
        (FLORIST + " MX 0 .\n", "the DNS says: nothing. The web site is at 203.0.113.75"),
        (FLORIST + WEB + " MX 10 khong-co\n", "came back with 5.4.4"),
        (FLORIST + WEB + " MX 10 khong-co\n", "say that it is meant"),
        (FLORIST + WEB + " MX 0 .\n MX 10 www\nwww A 203.0.113.75\n", "lies in a queue"),
        (FLORIST + WEB + " MX 10 mail.lists.example.\n", "A mail server was looked for at"),
        (FLORIST + WEB + " MX 0\n", "line 6"),
        ("", "0 of 4"),
    ],
)
def test_the_florist(lab: Lab, answer: object, feedback: str) -> None:
    text = said("5.2", answer)
    assert text.startswith("5.2 not yet")
    assert feedback in text


def test_any_preference_does_for_a_null_mx(lab: Lab) -> None:
    text = said("5.2", want_no_mail(lab).replace("MX   0 .", "MX   10 ."))
    assert "5.2 done" in text and "Its number should be 0 (RFC 7505 §3)" in text


# --- 5.3 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "feedback"),
    [
        (dict.fromkeys(CASES, ""), "Nothing has been written yet"),
        ({1: "d"}, "Case 1: Nothing is misspelt there."),
        ({1: "e"}, "Case 1: The host has its address."),
        ({2: "j"}, "Who should be called first?"),
        ({3: "a"}, "what does that name itself say"),
        ({3: "h"}, "2 of 3 of these are right. Case 3: Run ward(3)"),
        ({4: "d"}, "A misspelt name would be NXDOMAIN"),
        ({4: "e"}, "Here nobody answers"),
        ({5: "j"}, "Was anybody reached here?"),
        ({5: "i"}, "The DNS answers every question here"),
        ({6: "g"}, "Stop mx1, and write to Minh once more"),
        ({6: "z"}, "'z' is none of the faults"),
        ({6: ""}, "Still open: 6"),
    ],
)
def test_six_cases(lab: Lab, other: dict[int, str], feedback: str) -> None:
    text = said("5.3", name_the_faults(lab) | other)
    assert text.startswith("5.3 not yet")
    assert feedback in text


def test_letters_may_be_written_in_other_ways(lab: Lab) -> None:
    answer = {str(n): f"{letter.upper()})" for n, letter in name_the_faults(lab).items()}
    assert "5.3 done" in said("5.3", answer)


@pytest.mark.parametrize(
    ("file", "fault"),
    [("01", "a"), ("04", "e"), ("05", "j"), ("07", "h"), ("08", "d"), ("09", "")],
)
def test_faults_are_read_from_the_zones(file: str, fault: str) -> None:
    assert fault_of(f"faulty/{file}") == fault


def test_every_case_is_another_fault_and_none_is_the_good_zone() -> None:
    found = [fault_of(zone) for zone in CASES.values()]
    assert len(set(found)) == len(CASES)
    assert set(found) < set(FAULTS)
    assert fault_of("saigon.example") == ""


FATES = {1: Bounced, 2: Bounced, 3: Bounced, 4: Deferred, 5: Deferred, 6: Delivered}
"""What becomes of a letter: the goals of 5.3 sort the cases by it."""


@pytest.mark.parametrize("case", CASES)
def test_the_letter_ends_as_the_goals_say(case: int) -> None:
    with ward(case) as lab:
        lab.user("son@hanoi.example").send(to="minh@saigon.example", subject="Ca", text="…")
        lab.settle()
        about = [
            e
            for e in lab.trace
            if isinstance(e, (Bounced, Deferred, Delivered))
            and e.recipient == "minh@saigon.example"
        ]
        assert [type(e) for e in about] == [FATES[case]]


def test_there_is_no_seventh_case() -> None:
    with pytest.raises(ValueError, match="choose one of 1, 2, 3, 4, 5, 6"):
        ward(7)


# --- 5.4 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "feedback"),
    [
        ([], "There are no steps yet"),
        ([("10:00", "mx moi"), ("10:00", "stop mx1")], "of 98 letters came late"),
        ([("10:00", "mx moi"), ("14:00", "stop mx1")], "either of two mailboxes for 4.0 hours"),
        ([("09:00", "ttl 300"), ("10:00", "mx moi"), ("10:30", "stop mx1")], "came late"),
        ([("09:00", "ttl 300"), ("13:00", "mx moi")], "In the evening mx1 still runs"),
        ([("12:00", "mx moi"), ("13:00", "stop mx1")], "4 of 98 letters came late"),
        ([("20:00", "mx moi"), ("21:00", "stop mx1")], "at 21:10 mail.arrakis.example called mx1"),
        ([("09:00", "ttl 300"), ("11:00", "mx moi"), ("12:00", "stop mx1")], "4 of 98 letters"),
        ([("20:00", "stop mx1")], "A letter of 01:00 still goes to nobody"),
        ([("09:00", "ttl 300")], "A letter of 01:00 still goes to mx1.caphe.example"),
    ],
)
def test_moving_house(lab: Lab, plan: object, feedback: str) -> None:
    text = said("5.4", plan)
    assert text.startswith("5.4 not yet")
    assert feedback in text


def test_a_plan_without_the_fourth_step_will_do(lab: Lab) -> None:
    assert "5.4 done" in said("5.4", move_house(lab)[:3])


def test_the_cafe_of_the_solution_is_what_the_move_begins_with(lab: Lab) -> None:
    assert "MX   10 mx1.caphe.example." in open_the_cafe(lab)
