"""Looking in changes nothing, and what is seen stays seen."""

import smtplib

import pytest

from labmail import Lab
from labmail.mailbox.errors import NoSuchMailbox
from labmail.net.addresses import SERVICES


def test_a_queue_shows_why_a_letter_waits(lab: Lab) -> None:
    lab.host("mx1.saigon.example").stop("smtp")
    lab.host("mx2.saigon.example").stop()
    lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
    snapshot = lab.queue("smtp.hanoi.example")
    (row,) = snapshot.rows
    assert (snapshot.host, snapshot.at) == ("smtp.hanoi.example", lab.now())
    assert (row.sender, row.recipient, row.attempts, row.parcel) == (
        "son@hanoi.example",
        "minh@saigon.example",
        1,
        1,
    )
    assert "does not listen on port 25" in row.reason
    lab.advance("1h")
    assert lab.queue("smtp.hanoi.example").rows[0].attempts == 2
    assert snapshot.rows == (row,)


def test_a_box_shows_files_that_are_there(lab: Lab) -> None:
    son = lab.user("son@hanoi.example")
    son.send("lan@hanoi.example", "Trà?", "…")
    snapshot = lab.box("lan@hanoi.example")
    (row,) = snapshot.rows
    assert (row.uid, row.subject, row.date, snapshot.uidnext) == (1, "Trà?", lab.now(), 2)
    (file,) = lab.folder.rglob(row.file)
    assert file.stat().st_size == row.size
    with pytest.raises(NoSuchMailbox):
        lab.box("lan@hanoi.example", "Không có")


def test_a_letter_without_a_subject_and_one_of_noise(lab: Lab) -> None:
    with smtplib.SMTP("smtp.hanoi.example", 25) as server:
        for letter in (
            b"x: y\r\n\r\n",
            b"\xff\xfe\r\n",
            b"Subject: =?utf-8?q?a=0D=0ABcc:_x@y?=\r\n\r\n",
        ):
            server.sendmail("", ["son@hanoi.example"], letter)
    subjects = [row.subject for row in lab.box("son@hanoi.example").rows]
    assert subjects[:2] == ["", ""]
    assert subjects[2] == "a␍␊Bcc: x@y"


def test_looking_changes_nothing(lab: Lab) -> None:
    lab.user("son@hanoi.example").send("lan@hanoi.example", "x", "…")
    before = lab.fingerprint()
    lab.box("lan@hanoi.example")
    lab.queue("smtp.hanoi.example")
    lab.health()
    assert lab.fingerprint() == before


@pytest.mark.parametrize("change", ["time", "letter", "flags", "stopped"])
def test_the_fingerprint_sees_every_change(lab: Lab, change: str) -> None:
    lan = lab.user("lan@hanoi.example")
    lan.send(lan, "x", "…")
    before = lab.fingerprint()
    match change:
        case "time":
            lab.advance("1s")
        case "letter":
            lan.send(lan, "y", "…")
        case "flags":
            lan.read(1)
        case "stopped":
            lab.host("mx2.saigon.example").stop()
    assert lab.fingerprint() != before


def test_health_knocks_at_every_door(lab: Lab) -> None:
    rows = lab.health().rows
    assert [(r.host, r.service) for r in rows] == [
        (host.name, service) for host in lab.world.hosts.values() for service in host.services
    ]
    for row in rows:
        assert row.ok
        assert row.port == SERVICES[row.service]
        assert row.role
        assert row.banner.startswith(("220 ", "+OK ", "* OK "))
    lab.settle()
    assert lab._look(lambda world: len(world.network._lines)) == 0
