"""The mail log: a line for each step, found again by its queue id."""

from labmail import Lab
from labmail.course import mail_log
from labmail.trace.events import Accepted, Deferred

SON, MINH = "son@hanoi.example", "minh@saigon.example"
HANOI, MX1 = "smtp.hanoi.example", "mx1.saigon.example"


def words(lab: Lab) -> str:
    return " ".join(mail_log(lab.trace).text().split())


def test_a_letter_leaves_its_lines_at_each_server(lab: Lab) -> None:
    sent = lab.user(SON).send(MINH, "Chào", "…")
    lab.settle()
    log = mail_log(lab.trace)
    assert [(e.number, e.host) for e in log.entries] == [
        (1, HANOI), (2, MX1), (3, HANOI), (4, HANOI), (5, MX1), (6, MX1)
    ]  # fmt: skip
    assert len({e.queue_id for e in log.entries if e.host == HANOI}) == 1
    assert log.entries[0].words == (
        f"client=son-laptop.hanoi.example, from=<{SON}>, message-id={sent['Message-ID']}"
    )
    assert f"message-id={sent['Message-ID']}" in log.entries[1].words
    assert log.entries[2].words.startswith(f"to=<{MINH}>, relay={MX1}, status=sent (250 2.0.0")
    assert log.entries[4].words == f"to=<{MINH}>, status=delivered (INBOX, UID 1)"
    assert log.entries[5].queue_id == log.entries[1].queue_id
    assert isinstance(log.event(1), Accepted) and log.event(7) is None
    assert "Mail log" in log.html()


def test_trouble_leaves_lines_too(lab: Lab) -> None:
    lab.host(MX1).stop()
    lab.host("mx2.saigon.example").stop()
    lab.user(SON).send(MINH, "Chào", "…")
    lab.settle()
    queue = lab.host(HANOI).queue
    queue_id = queue.now().rows[0].queue_id
    queue.hold(queue_id)
    queue.bounce(queue_id)
    said = words(lab)
    assert f"to=<{MINH}>, status=deferred (cannot connect to" in said
    assert isinstance(mail_log(lab.trace).event(2), Deferred)
    assert f"{queue_id} held" in said
    assert "status=bounced (given up by the postmaster" in said
    assert "written here, from=<>, message-id=-" in said
