"""Play the server: a real client, a real connection, and nobody but the learner to answer."""

import os
import signal
import smtplib
import threading

import pytest

from labmail import Lab, state_diagram, transcript
from labmail.course import play_server
from labmail.course.visit import Visit
from labmail.trace.events import Accepted, FaultStruck, Reply

MX1 = "mx1.saigon.example"
GOOD = ["220 mx1", "250 mx1", "250 ok", "250 ok", "354 go", "250 mine", "221 bye"]


def threads() -> set[str]:
    return {t.name for t in threading.enumerate() if t.name.startswith("mail-lab")}


def test_step_by_step(lab: Lab) -> None:
    visit = play_server(lab)
    assert "son-laptop.hanoi.example [192.0.2.10] has called" in visit.text()
    assert "It is your turn" in visit.text()
    for reply in GOOD[:-1]:
        assert not visit.over
        assert visit.believes == "still waiting"
        visit.answer(reply)
    assert visit.turns[-1].verb == "QUIT"
    assert visit.letter is not None and b"\r\nTo: minh@saigon.example\r\n" in visit.letter
    assert visit.answer("221 bye") is visit
    assert (visit.over, visit.taken, visit.believes) == (True, True, "sent")
    assert "it is yours now" in " ".join(visit.judge().text().split())
    visit.answer("250 more")  # nobody is there: nothing happens
    assert len(visit.turns) == 7


def test_the_script_says_the_same_each_time(lab: Lab) -> None:
    first = play_server(lab, GOOD).judge().text()
    with Lab() as other:
        assert play_server(other, GOOD).judge().text() == first


@pytest.mark.parametrize(
    ("replies", "believes", "worth"),
    [
        (GOOD, "sent", {"fits"}),
        ([*GOOD[:4], "250 thanks", "221 bye"], "SMTPDataError: (250", {"fits", "wrong"}),
        (["nonsense"], "SMTPConnectError: (-1", {"wrong"}),
        (["554 go away"], "SMTPConnectError: (554", {"fits"}),
        (["421 later"], "SMTPConnectError: (421", {"fits"}),
        ([*GOOD[:2], "354 x", "250 x", "221 x"], "SMTPSenderRefused: (354", {"fits", "wrong"}),
        ([*GOOD[:3], "550 5.1.1 no", "250 x", "221 x"], "SMTPRecipientsRefused", {"fits"}),
        ([*GOOD[:5], "451 fire", "250 x", "221 x"], "SMTPDataError: (451", {"fits"}),
        (["220 x", "500 what?", "502 that neither", "221 x"], "SMTPHeloError", {"fits"}),
    ],
)
def test_what_the_client_makes_of_it(
    lab: Lab, replies: list[str], believes: str, worth: set[str]
) -> None:
    visit = play_server(lab, replies)
    assert visit.over
    assert visit.believes.startswith(believes)
    assert {v.worth for v in visit.verdicts()} == worth
    assert visit.taken is (replies is GOOD)


def test_it_is_on_record_like_any_session(lab: Lab) -> None:
    visit = play_server(lab, GOOD)
    assert visit.connection is not None
    assert [e.code for e in lab.trace.of(Reply)] == [r[:3] for r in GOOD]
    assert len(lab.trace.of(FaultStruck)) == 1
    assert lab.trace.of(Accepted) == (), "no server of the lab has taken the letter"
    assert "as planned: a person answers" in transcript(lab.trace, visit.connection).text()
    assert "→ data → ready → closed" in state_diagram(lab.trace, visit.connection).alt()


def test_yes_to_data_does_not_put_the_record_out_of_step(lab: Lab) -> None:
    visit = play_server(lab, [*GOOD[:4], "250 thanks", "221 bye"])
    path = state_diagram(lab.trace, visit.connection)
    assert [s.verb for s in path.steps][-2:] == ["DATA", "QUIT"]


def test_an_unfinished_reply(lab: Lab) -> None:
    visit = play_server(lab, ["220-one"])
    assert "Your reply is not finished" in visit.text()
    assert "the client waits for a further" in visit.judge().rows[0][4]
    assert [v.worth for v in visit.verdicts()] == ["wrong"]
    assert visit.answer("220 two").turns[-1].verb == "EHLO"


def test_a_carriage_return_is_not_to_be_said(lab: Lab) -> None:
    visit = play_server(lab)
    with pytest.raises(ValueError, match="leave CR out"):
        visit.answer("220 x\r\n")


def test_only_one_client_and_then_the_host_itself_again(lab: Lab) -> None:
    play_server(lab)
    with smtplib.SMTP(MX1, 25) as server:
        assert server.ehlo()[0] == 250


def test_the_next_visit_ends_the_one_before(lab: Lab) -> None:
    first = play_server(lab)
    second = play_server(lab)
    assert first.over and first.believes.startswith("SMTPServerDisconnected")
    assert not second.over


def test_another_client_and_another_host(lab: Lab) -> None:
    def hello() -> int:
        with smtplib.SMTP("mail.arrakis.example", 25) as server:
            return server.noop()[0]

    visit = play_server(
        lab, ["220 x", "250 ok", "221 x"], host="mail.arrakis.example", client=hello
    )
    assert [t.verb for t in visit.turns] == ["", "NOOP", "QUIT"]
    assert visit.believes == "sent"


def test_a_client_that_never_calls(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labmail.course.visit.MOMENT", 0.05)
    visit = play_server(lab, client=lambda: None)
    assert "Nobody has called" in visit.text()
    assert visit.over and visit.judge().rows == ()
    visit.leave()
    with smtplib.SMTP(MX1, 25) as server:
        assert server.noop()[0] == 250


def test_a_cell_that_is_interrupted_leaves_the_counter_to_the_host(lab: Lab) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    done = threading.Event()
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            play_server(lab, client=lambda: os.kill(os.getpid(), signal.SIGINT) or done.wait(60))
    finally:
        done.set()
        signal.signal(signal.SIGINT, before)
    with smtplib.SMTP(MX1, 25, timeout=10) as server:
        assert server.noop()[0] == 250


def leaves(visit: Visit, lab: Lab) -> None:
    visit.leave()


def closes(visit: Visit, lab: Lab) -> None:
    lab.close()


@pytest.mark.parametrize("end", [leaves, closes, lambda visit, lab: lab.reset()])
def test_nothing_stays_behind(lab: Lab, end: object) -> None:
    visit = play_server(lab)
    assert "mail-lab client" in threads()
    assert callable(end)
    end(visit, lab)
    assert visit._errand.wait(5)
    assert "mail-lab client" not in threads()


def test_a_world_with_a_visitor_can_come_to_rest(lab: Lab) -> None:
    play_server(lab)
    lab.settle()
    lab.advance("1h")


def test_it_shows_itself_as_html(lab: Lab) -> None:
    page = play_server(lab, ["220 <b>mx1</b>"]).html()
    assert "&lt;b&gt;mx1" in page and "It is your turn" in page
