"""The exercises of notebook 08, *And if the other side does not answer?*

That of 8.1 is a schedule: a queue obeys it in a world of its own, in which Sài Gòn is away, and
the attempts are looked at.  Those of 8.2 and 8.4 look at what became of the letters in the lab;
that of 8.3 asks for lines of the mail log, and holds them against what the servers did.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email import message_from_bytes
from functools import lru_cache
from itertools import pairwise

from labmail.course.exercises import Exercise, Goal, Scene, as_mapping
from labmail.course.maillog import MailLog
from labmail.lab import Lab
from labmail.queue.schedule import Schedule
from labmail.queue.simulation import Outage, simulate
from labmail.trace.events import (
    Accepted,
    Attempted,
    Bounced,
    Deferred,
    Delivered,
    Event,
    Greylisted,
)
from labmail.trace.queues import Stay, stays
from labmail.trace.recorder import Trace
from labmail.views.depth import Forecasts
from labmail.views.spoken import moment, span

SON, LAN, MINH, HOA = (
    "son@hanoi.example",
    "lan@hanoi.example",
    "minh@saigon.example",
    "hoa@saigon.example",
)
FREMAN = "freman.alpha@arrakis.example"
HANOI, MX1, MX2 = "smtp.hanoi.example", "mx1.saigon.example", "mx2.saigon.example"

HALF_AN_HOUR = timedelta(minutes=30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def without_backup(lab: Lab) -> None:
    """Let mx1 be the only host that takes mail for Sài Gòn."""
    lab.dns.edit("saigon.example", "MX 20 mx2.saigon.example.", "")


def stampede() -> Forecasts:
    """A million letters, a large destination that is away for two hours and a half and can then
    take 20,000 a minute, and three schedules."""
    outage = Outage(0, 150, per_minute=20_000)
    schedules = {
        "every 30 minutes": Schedule.styled("sendmail"),
        "each wait doubled": Schedule(),
        "doubled, jitter 0.3": Schedule(jitter=0.3),
    }
    computed = {name: simulate(s, 1_000_000, 10, outage) for name, s in schedules.items()}
    return Forecasts(computed, outage, "A million letters wait for one destination")


# --- 8.1: a schedule ------------------------------------------------------------------------------


class NoSchedule(ValueError):
    """The answer is no schedule."""


def _schedule(answer: object) -> Schedule:
    words = as_mapping(answer)
    if not words:
        raise NoSchedule('Write the schedule as words, as in dict(first="30m", lifetime="5d").')
    try:
        return Schedule.of(**{str(k): v for k, v in words.items()})
    except TypeError:
        known = "first, factor, maximum, lifetime, warn_after, jitter, most_tries"
        raise NoSchedule(f"One of the words is unknown; there are: {known}.") from None
    except (ValueError, AttributeError) as error:
        raise NoSchedule(f"This schedule makes no sense: {error}.") from None


@lru_cache(maxsize=8)
def _two_weeks(schedule: Schedule) -> tuple[Trace, Trace]:
    """One letter by this schedule: Sài Gòn never comes back; Sài Gòn is back after 51 hours."""
    traces = []
    for away in (timedelta(days=8), timedelta(hours=51)):
        with Lab(beside=True) as lab:
            lab.host(HANOI).queue.retry(schedule)
            lab.host(MX1).stop()
            lab.host(MX2).stop()
            with lab.record() as trace:
                lab.user(SON).send(to=MINH, subject="Chờ", text="…")
                lab.advance(away)
                lab.host(MX1).start()
                lab.advance(timedelta(days=8) - away)
            traces.append(trace)
    return traces[0], traces[1]


def _letter(trace: Trace) -> Stay:
    return next(s for s in stays(trace, HANOI) if s.role == "submission")


def _can_be_read(scene: Scene) -> str:
    try:
        _schedule(scene.answer)
    except NoSchedule as problem:
        return str(problem)
    return ""


def _tried(scene: Scene) -> list[datetime]:
    return [n.at for n in _letter(_two_weeks(_schedule(scene.answer))[0]).attempts]


def _patient(scene: Scene) -> str:
    """Every pause but the last, which the end of the lifetime may cut short."""
    if not_yet := _can_be_read(scene):
        return not_yet
    tried = _tried(scene)
    pauses = [b - a for a, b in pairwise(tried)][:-1]
    short = [p for p in pauses if p < HALF_AN_HOUR]
    if short:
        return f"{len(short)} of {len(pauses)} pauses are too short, such as one of {_long(short)}."
    if len(tried) > 40:
        return f"A dead host was called {len(tried)} times for one letter. Let the pauses grow."
    return ""


def _long(lengths: Sequence[timedelta]) -> str:
    return span(min(lengths).total_seconds())


def _five_days(scene: Scene) -> str:
    if not_yet := _can_be_read(scene):
        return not_yet
    letter = _letter(_two_weeks(_schedule(scene.answer))[0])
    if letter.left is None:
        return "After eight days the letter still lies in the queue, and Sơn knows nothing."
    after = letter.left - letter.arrived
    if after < 4 * DAY:
        return f"The letter was given up after {span(after.total_seconds())}: too early."
    if after > 5 * DAY:
        return f"Sơn waits {span(after.total_seconds())} for the bad news: too long."
    return ""


def _told_in_time(scene: Scene) -> str:
    if not_yet := _can_be_read(scene):
        return not_yet
    letter = _letter(_two_weeks(_schedule(scene.answer))[0])
    told = [n.at - letter.arrived for n in letter.notes if n.what == "told"]
    if not told:
        return "Nobody tells Sơn that his letter is late, until it is too late."
    if told[0] > DAY:
        return f"Sơn hears that his letter is late after {span(told[0].total_seconds())}."
    if told[0] < HOUR:
        return "Sơn is alarmed after less than an hour: most delays are over before that."
    return ""


def _soon_after(scene: Scene) -> str:
    if not_yet := _can_be_read(scene):
        return not_yet
    letter = _letter(_two_weeks(_schedule(scene.answer))[1])
    relayed = [n.at for n in letter.notes if n.what == "relayed"]
    back = letter.arrived + timedelta(hours=51)
    if not relayed:
        return "When Sài Gòn was back after 51 hours, the letter had been given up."
    late = relayed[0] - back
    if late > 4 * HOUR:
        return f"Sài Gòn was back, and the letter waited {span(late.total_seconds())} more."
    return ""


def make_a_schedule(lab: Lab) -> dict[str, object]:
    """The way of exercise 8.1."""
    return dict(
        first="30m",  # no pause is shorter than this
        factor=2.0,  # each is twice as long as the one before …
        maximum="4h",  # … but never so long that a host that is back has to wait for half a day
        lifetime="5d",  # then Sơn hears that it is over
        warn_after="4h",  # and long before that, that it takes longer than usual
    )


# --- 8.2: past a greylist -------------------------------------------------------------------------

ROBOT = "robot@hanoi.example"
CONFIRMATION = (
    b"From: robot@hanoi.example\r\nTo: minh@saigon.example\r\n"
    b"Subject: Your order\r\nMessage-ID: <order-1@hanoi.example>\r\n\r\nThank you.\r\n"
)


def strict_saigon() -> Lab:
    """A fresh lab in which mx1 is the only host of Sài Gòn, and asks strangers to come again
    after ten minutes."""
    lab = Lab()
    without_backup(lab)
    lab.host(MX1).greylist(after="10m", window="4h")
    return lab


def confirm(sender: str = ROBOT) -> str:
    """What the script of the shop does: call mx1, hand over one letter, never look back.

    Returns what became of it, in one line.
    """
    with smtplib.SMTP(MX1, 25, timeout=10) as mx:
        try:
            mx.sendmail(sender, MINH, CONFIRMATION)
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = refused.recipients[MINH]
            return f"{code} {text.decode()}"
    return "250: taken"


def _greylist_is_on(scene: Scene) -> str:
    if not any(h.name == MX1 for h in scene.lab.hosts) or not scene.lab.host(MX1).greylists:
        return f"{MX1} does not greylist in this lab: run the cell with strict_saigon() again."
    return ""


def _judged(scene: Scene) -> list[Greylisted]:
    return [e for e in scene.trace.of(Greylisted) if e.host == MX1 and e.recipient == MINH]


def _was_put_off(scene: Scene) -> str:
    if any(not e.welcome for e in _judged(scene)):
        return ""
    return "Nobody has tried to write to Minh yet: run the cell with confirm() first."


def _is_there_once(scene: Scene) -> str:
    count = len(scene.delivered_to(MINH))
    if count == 1:
        return ""
    if count > 1:
        return f"Minh got {count} copies. Once is enough."
    judged = _judged(scene)
    if not judged:
        return "Nothing has been tried."
    last = judged[-1]
    if last.why == "came again too soon":
        return f"The last try came too soon. The door opens at {moment(last.again or last.at)}."
    others = {(e.network, e.sender) for e in judged}
    if len(others) > 1:
        return (
            f"{len(others)} different callers or senders have knocked: each is a stranger, and "
            "each was asked to come again."
        )
    return "Minh's mailbox is empty: nobody has come again."


def _at_the_second_attempt(scene: Scene) -> str:
    judged = _judged(scene)
    entered = next((e for e in judged if e.welcome), None)
    if entered is None:
        return "Nobody was let in yet."
    same = (entered.network, entered.sender)
    before = [e for e in judged if (e.network, e.sender) == same and e.seq < entered.seq]
    if len(before) == 1:
        return ""
    if not before:
        return "Who was let in had not been put off before."
    return (
        f"It took {len(before) + 1} attempts: impatience gained nothing. "
        "Start anew, and wait long enough before the second."
    )


def pass_the_greylist(lab: Lab) -> None:
    """The way of exercise 8.2."""
    from labmail.course import confirm

    lab.advance("10m")  # 450 says "not now": so come again, as the same caller, not too soon
    print(confirm())


def _knock(lab: Lab) -> None:
    """The stage of exercise 8.2: the lab is strict, and the robot has tried once."""
    without_backup(lab)
    lab.host(MX1).greylist(after="10m", window="4h")
    confirm()


# --- 8.3: where the second copy came from ---------------------------------------------------------


def twice() -> Lab:
    """A fresh lab after one hour: four letters were written to Minh, and five lie in his box."""
    lab = Lab()
    _an_hour(lab)
    return lab


def _an_hour(lab: Lab) -> None:
    without_backup(lab)
    son, lan, mx1 = lab.user(SON), lab.user(LAN), lab.host(MX1)
    for _ in range(2):  # Sơn is not sure whether he has pressed Send
        son.send(to=MINH, subject="Ảnh", text="Ảnh Hồ Gươm đây.")
    lab.advance("10m")
    mx1.answer("RCPT", "450 4.2.1 Mailbox busy, try again", times=1)
    lan.send(to=MINH, subject="Hẹn", text="Mai gặp nhau nhé?")
    lab.advance("10m")
    mx1.hang_up(".", "between", times=1)
    son.send(to=MINH, subject="Hóa đơn", text="Hóa đơn tháng ba.")
    lab.advance("40m")


def _copies(scene: Scene) -> set[int]:
    """The UIDs in Minh's box that hold the same letter: the same Message-ID more than once."""
    with suppress(LookupError):
        ids = {
            row.uid: str(message_from_bytes(scene.lab.stored(MINH, row.uid))["Message-ID"])
            for row in scene.lab.box(MINH).rows
        }
        return {u for u, name in ids.items() if list(ids.values()).count(name) > 1}
    return set()


def _doubtful(trace: Trace) -> tuple[Accepted, Deferred] | None:
    """A letter was taken by the next host, and put off all the same by who had handed it over."""
    for put_off in trace.of(Deferred):
        taken = [
            e
            for e in trace.of(Accepted)
            if e.parcel == put_off.parcel and e.host != put_off.host and e.seq < put_off.seq
        ]
        if taken:
            return taken[-1], put_off
    return None


def _given(scene: Scene, key: str) -> int:
    value = as_mapping(scene.answer).get(key, 0)
    return value if isinstance(value, int) else 0


def _event(scene: Scene, key: str) -> Event | None:
    return MailLog(scene.trace).event(_given(scene, key))


def _is_staged(scene: Scene) -> str:
    return "" if _doubtful(scene.trace) else "Run the cell with twice() again."


def _same_letter(scene: Scene) -> str:
    if not_yet := _is_staged(scene):
        return not_yet
    given = as_mapping(scene.answer).get("copies", ())
    chosen = set(given) if isinstance(given, (tuple, list, set)) else set()
    if not chosen or chosen == {0}:
        return "Name the UIDs of the two copies, as in (1, 2)."
    if chosen == _copies(scene):
        return ""
    subjects = {r.subject for r in scene.lab.box(MINH).rows if r.uid in chosen}
    if subjects == {"Ảnh"}:
        return "Those two say the same, but they are two letters. What tells letters apart?"
    return "Those are not two copies of one letter: compare their Message-IDs."


def _first_copy(scene: Scene) -> str:
    found = _doubtful(scene.trace)
    if found is None:
        return "Run the cell with twice() again."
    event = _event(scene, "taken")
    if event is None:
        return "Name the number of the line in which mx1 took the first copy."
    if event == found[0]:
        return ""
    if isinstance(event, Accepted) and event.parcel == found[0].parcel:
        return "That is the same letter, taken by a server, but another time or another server."
    if isinstance(event, Delivered):
        return "There it was put into the mailbox. Who had taken it before, when?"
    return "In that line no server takes a copy of that letter."


def _mistaken_retry(scene: Scene) -> str:
    found = _doubtful(scene.trace)
    if found is None:
        return "Run the cell with twice() again."
    event = _event(scene, "put_off")
    if event is None:
        return "Name the line in which the sender decided to try again."
    if event == found[1]:
        return ""
    if isinstance(event, Deferred):
        return "That letter was put off for a good reason: mx1 had said 450. It came once."
    return "In that line nothing is put off."


def explain_the_copy(lab: Lab) -> dict[str, object]:
    """The way of exercise 8.3."""
    return {"copies": (3, 5), "taken": 16, "put_off": 17}


# --- 8.4: a queue that is stuck -------------------------------------------------------------------

DEADLINE = HOUR
"""How long after the first look all letters must have arrived."""
NOON = 12


def stuck() -> Lab:
    """A fresh lab at noon: twelve letters lie in the queue of Hà Nội, and nothing moves."""
    lab = Lab()
    _a_bad_morning(lab)
    return lab


def _a_bad_morning(lab: Lab) -> None:
    son, lan = lab.user(SON), lab.user(LAN)
    lab.network.block(HANOI, 25)
    lab.dns.fail("arrakis.example", "MX", "SERVFAIL")
    for n in range(1, 5):
        son.send(to=MINH, subject=f"Thư {n}", text="…")
        lan.send(to=HOA, subject=f"Tin {n}", text="…")
        son.send(to=FREMAN, subject=f"Gia vị {n}", text="…")
        lab.advance("15m")
    waiting = lab.queue(HANOI).rows
    for row in (waiting[0], waiting[5]):  # somebody wanted to look at them, and forgot
        lab.host(HANOI).queue.hold(row.queue_id)
    lab.advance_to(lab.now().replace(hour=NOON, minute=0))


def _due(scene: Scene) -> dict[int, str]:
    """The letters that were written in the morning: {parcel: recipient}."""
    return {
        e.parcel: e.envelope.addresses[0]
        for e in scene.handed_in()
        if e.parcel is not None and e.at.hour < NOON
    }


def _morning_is_staged(scene: Scene) -> str:
    return "" if len(_due(scene)) == 12 else "Run the cell with stuck() again."


def _arrived(scene: Scene) -> dict[int, datetime]:
    due = _due(scene)
    return {
        e.parcel: e.at
        for e in scene.trace.of(Delivered)
        if e.parcel is not None and due.get(e.parcel) == e.recipient
    }


def _some_arrived(scene: Scene) -> str:
    if not_yet := _morning_is_staged(scene):
        return not_yet
    saigon = [p for p, to in _due(scene).items() if to.endswith("saigon.example")]
    if any(p in _arrived(scene) for p in saigon):
        return ""
    flushed = [e for e in scene.trace.of(Attempted) if e.at.hour >= NOON]
    if flushed:
        return f"{len(flushed)} attempts since noon, and each failed: {flushed[-1].reply}"
    return "Nothing has been tried since noon. What do the letters wait for?"


def _all_arrived(scene: Scene) -> str:
    if not_yet := _morning_is_staged(scene):
        return not_yet
    missing = len(_due(scene)) - len(_arrived(scene))
    if not missing:
        return ""
    why = [row for row in scene.lab.queue(HANOI).rows if row.state != "relayed"]
    if not why:
        return f"{missing} of 12 letters have not arrived, and no queue has them any more."
    row = why[0]
    reason = "it is on hold" if row.state == "held" else row.reason
    return f"{missing} of 12 letters have not arrived. One for {row.recipient}: {reason}."


def _none_dropped(scene: Scene) -> str:
    if not_yet := _morning_is_staged(scene):
        return not_yet
    due = _due(scene)
    dropped = [e for e in scene.trace.of(Bounced) if e.parcel in due]
    if not dropped:
        return ""
    return f"{len(dropped)} letters were given up: {dropped[0].reason}. Start anew with stuck()."


def _in_time(scene: Scene) -> str:
    if not_yet := _morning_is_staged(scene) or _all_arrived(scene):
        return not_yet
    arrived = _arrived(scene)
    last = max(arrived.values())
    end = last.replace(hour=NOON, minute=0) + DEADLINE
    if last <= end and last.date() == min(e.at for e in scene.handed_in()).date():
        return ""
    return f"The last letter arrived {moment(last)}. It did not have to wait for its next try."


def drain_the_queue(lab: Lab) -> None:
    """The way of exercise 8.4."""
    lab.network.mend()  # the reason of most: nothing went out to port 25
    lab.dns.heal()  # the reason of Freman's: nobody knew his MX
    queue = lab.host("smtp.hanoi.example").queue
    for row in lab.queue("smtp.hanoi.example").rows:
        if row.state == "held":
            queue.release(row.queue_id)
    queue.flush()  # only now: a flush repairs nothing, it only tries


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        key="8.1",
        title="A schedule for Hà Nội",
        minutes=10,
        goals=(
            Goal("no pause is shorter than 30 minutes, and there are not too many", _patient),
            Goal("the letter is given up after 4 to 5 days, not earlier, not later", _five_days),
            Goal("within the first day Sơn hears, once, that it is late", _told_in_time),
            Goal("when Sài Gòn is back after 51 hours, the letter comes in 4 hours", _soon_after),
        ),
        hints=(
            "The attempts of E8.4 obeyed a schedule that meets all but one of the goals.",
            'first="…" is the first pause; each next one is factor times longer, until maximum.',
            'lifetime="5d" ends the attempts; warn_after="4h" tells the sender once.',
        ),
        solve=make_a_schedule,
        done="Patience for days, news within hours, and no hammering: that is what is asked for.",
    ),
    Exercise(
        key="8.2",
        title="Come again",
        minutes=8,
        goals=(
            Goal("mx1 still asks strangers to come again", _greylist_is_on),
            Goal("mx1 has put somebody off who wrote to Minh", _was_put_off),
            Goal("the confirmation lies in Minh's mailbox, once", _is_there_once),
            Goal("it was taken at the second attempt of the same caller", _at_the_second_attempt),
        ),
        hints=(
            "450 is not a no. What does a mail server do that the script does not?",
            "lab.advance('5m') lets lab time pass. Then try again; the answer says how it went.",
            "The same address must call, with the same sender, for the same recipient. "
            "And ten minutes must have passed since the first try.",
        ),
        solve=pass_the_greylist,
        stage=_knock,
        done="Who has a queue passes a greylist without noticing. Scripts that send straight to "
        "an MX have none: let them hand their letters to a mail server.",
    ),
    Exercise(
        key="8.3",
        title="Four letters written, five received",
        minutes=12,
        goals=(
            Goal("the two copies of one letter are found", _same_letter),
            Goal("the line in which mx1 took the first copy", _first_copy),
            Goal("the line in which Hà Nội decided to send it again", _mistaken_retry),
        ),
        hints=(
            "Two letters with the same text may be two letters. A Message-ID belongs to one: "
            "lab.user('minh@saigon.example').peek(1)['Message-ID'].",
            "Find the lines that name this Message-ID: they give the queue id that the letter has "
            "at each server. Then follow these ids.",
            "Look for a letter that mx1 takes, and that Hà Nội puts off right after it.",
        ),
        solve=explain_the_copy,
        stage=_an_hour,
        done="Both servers did what they must: one kept what it had taken, one sent again what "
        "nobody had confirmed.",
    ),
    Exercise(
        key="8.4",
        title="Twelve letters are stuck",
        minutes=15,
        goals=(
            Goal("letters leave Hà Nội again", _some_arrived),
            Goal("all twelve letters have arrived", _all_arrived),
            Goal("none was given up", _none_dropped),
            Goal("all were there by 13:00", _in_time),
        ),
        hints=(
            "Read the last column of the queue. There are two reasons, and one state that is none.",
            "lab.network shows what is wrong on the way, lab.dns what is wrong with names. Both "
            "can be put right: mend() and heal().",
            "lab.host('smtp.hanoi.example').queue can release(queue_id) and flush().",
        ),
        solve=drain_the_queue,
        stage=_a_bad_morning,
        done="First the cause, then the flush: a flush repairs nothing.",
    ),
)
