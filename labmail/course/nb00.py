"""The exercises of notebook 00, *Is my mail world alive?*

The first is a letter of one's own.  The second breaks the far side and finds the letter
safe on the near one.  The third puts the world back as it was on the first morning.
"""

from __future__ import annotations

from functools import cache

from labmail.course.exercises import Exercise, Goal, Scene
from labmail.lab import Lab
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.events import Bounced, HostStopped, LoginFailed, RecipientRefused
from labmail.world import World

SON, MINH = "son@hanoi.example", "minh@saigon.example"
HANOI, SAIGON = "smtp.hanoi.example", ("mx1.saigon.example", "mx2.saigon.example")
COURSE_SUBJECT = "Chào Minh"
"""The subject of the letter that the notebook itself sends."""

# --- 0.1 ---------------------------------------------------------------------------------------


def _son_wrote(scene: Scene) -> str:
    letters = scene.handed_in()
    if any(e.envelope.reverse_path == SON for e in letters):
        return ""
    if letters:
        return (
            f"A letter was handed in, but by {letters[0].envelope.reverse_path or 'nobody'}: "
            "this one is Sơn's to write."
        )
    if refused := scene.trace.of(RecipientRefused):
        return (
            f"Sơn's server refused the recipient {refused[-1].recipient!r}. Compare it with "
            "Minh's address, letter by letter."
        )
    if scene.trace.of(LoginFailed):
        return "Sơn's server did not let the sender in: the password was wrong."
    return "No letter has been handed in to Sơn's server yet."


def _minh_has_one(scene: Scene) -> str:
    count = len(scene.delivered_to(MINH))
    if count == 1:
        return ""
    if count > 1:
        return (
            f"Minh has {count} new letters; one is asked for. Begin again with a fresh Lab() "
            "and send once."
        )
    to = [r.address for e in scene.handed_in() for r in e.envelope.recipients]
    if to and MINH not in to:
        return f"The letter is on its way to {to[-1]}. Who is to get it?"
    if waiting := scene.waiting():
        return f"The letter waits in the queue of {', '.join(waiting)}: somebody does not answer."
    return "Nothing has reached Minh's mailbox yet."


def _own_subject(scene: Scene) -> str:
    subjects = [row.subject.strip() for row in scene.lab.box(MINH).rows]
    own = [s for s in subjects if s and s.casefold() != COURSE_SUBJECT.casefold()]
    if own:
        return ""
    if not subjects:
        return "There is no letter whose subject could be looked at."
    if "" in subjects:
        return "The letter has no subject: Minh's list shows an empty line."
    return f"The subject is {COURSE_SUBJECT!r}: that one was mine. Write your own."


def send_a_letter(lab: Lab) -> None:
    """The way of exercise 0.1."""
    son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
    son.send(to=minh, subject="Cuối tuần này", text="Thứ bảy mình đi Huế, em đi không?")
    lab.settle()


# --- 0.2 ---------------------------------------------------------------------------------------


def _nobody_listens(scene: Scene) -> str:
    listening = [name for name in SAIGON if "smtp" in scene.lab.host(name).running]
    if not listening:
        return ""
    if len(listening) == len(SAIGON):
        if scene.trace.of(HostStopped):
            return "Something was stopped, but both hosts of saigon.example still take letters."
        return "All hosts of saigon.example still take letters."
    held = scene.waiting().get(listening[0], 0)
    if held:
        return (
            f"The letter has left Hà Nội: it waits at {listening[0]}, which also takes letters "
            "for saigon.example."
        )
    return (
        f"{listening[0]} still takes letters for saigon.example. "
        "Its MX records name more hosts than one."
    )


def _waits_in_hanoi(scene: Scene) -> str:
    rows = [r for r in scene.lab.queue(HANOI).rows if r.recipient == MINH]
    if rows and "cannot connect" in rows[0].reason:
        return ""
    if rows:
        return f"The letter waits, but for another reason: {rows[0].reason}"
    if scene.trace.of(Bounced):
        return "Too much lab time has passed: the server has given up and told Sơn."
    if scene.delivered_to(MINH):
        return (
            "The letter has reached Minh. It was sent before the way was shut: "
            "start a fresh Lab() and mind the order."
        )
    if not scene.handed_in():
        if HANOI in _stopped(scene):
            return "Sơn's own server is stopped: he cannot even hand the letter in."
        return "Nobody has handed in a letter for Minh yet."
    return "There is no letter for Minh in the queue of smtp.hanoi.example."


def _stopped(scene: Scene) -> set[str]:
    return {host.name for host in scene.lab.hosts if not host.running}


def _not_lost(scene: Scene) -> str:
    if scene.delivered_to(MINH):
        return "It is in Minh's mailbox already: nothing is waiting any more."
    return "" if scene.lab.queue(HANOI).rows else "No letter is waiting anywhere in Hà Nội."


def shut_the_way(lab: Lab) -> None:
    """The way of exercise 0.2."""
    for name in ("mx1.saigon.example", "mx2.saigon.example"):
        lab.host(name).stop("smtp")
    lab.user("son@hanoi.example").send(
        to="minh@saigon.example", subject="Có ai ở nhà không?", text="Anh gọi mãi không được."
    )
    lab.settle()


# --- 0.3 ---------------------------------------------------------------------------------------


def make_a_mess(lab: Lab) -> None:
    """What the cell of exercise 0.3 does to the world before the learner comes."""
    lab.user("son@hanoi.example").send(to="minh@saigon.example", subject="Thư 1", text="…")
    lab.host("mx1.saigon.example").stop()
    lab.user("son@hanoi.example").send(to="minh@saigon.example", subject="Thư 2", text="…")
    lab.advance("1d")


def _first_morning(scene: Scene) -> str:
    now = scene.lab.now()
    if now == LAB_MORNING:
        return ""
    return f"The lab's clock shows {now:%a %d %b %H:%M}. It only moves forward by itself."


def _all_listen(scene: Scene) -> str:
    lab, hosts, dns = scene.lab, scene.lab.world.hosts.values(), scene.lab.world.dns.host
    silent = [h.name for h in hosts if set(lab.host(h.name).running) != set(h.services)]
    if not lab.host(dns).running:
        silent.append(dns)
    return f"{', '.join(silent)} is not listening for all it should." if silent else ""


def _nothing_lies_about(scene: Scene) -> str:
    if waiting := scene.waiting():
        count = sum(waiting.values())
        return f"{count} in the queue of {', '.join(waiting)}: left over from before."
    full = [a for a in scene.lab.world.accounts if scene.lab.box(a).rows]
    return f"There is old mail in the box of {', '.join(full)}." if full else ""


def _like_new(scene: Scene) -> str:
    if scene.lab.fingerprint() == _fresh(scene.lab.world.name):
        return ""
    return "Something still differs from a world that was just started."


@cache
def _fresh(world: str | World) -> str:
    """The fingerprint of a world on its first morning."""
    with Lab(world, beside=True) as lab:
        return lab.fingerprint()


def start_over(lab: Lab) -> None:
    """The way of exercise 0.3."""
    lab.reset()


EXERCISES = (
    Exercise(
        key="0.1",
        title="A letter of your own",
        minutes=5,
        goals=(
            Goal("Sơn's server has taken a letter from Sơn", _son_wrote),
            Goal("exactly one letter was put into Minh's mailbox", _minh_has_one),
            Goal("its subject is your own", _own_subject),
        ),
        hints=(
            "You have seen the line already: it is the one that sent the first letter.",
            "son.send(to=…, subject=…, text=…) hands a letter in; lab.settle() lets the world "
            "finish its work.",
            "Copy the line from E0.2, and put other words between the quotes of subject=.",
        ),
        solve=send_a_letter,
        done="You wrote, the world carried, and the trace can prove it.",
    ),
    Exercise(
        key="0.2",
        title="Nobody at home in Sài Gòn",
        minutes=8,
        goals=(
            Goal("no host takes letters for saigon.example", _nobody_listens),
            Goal("a letter for Minh waits in the queue of smtp.hanoi.example", _waits_in_hanoi),
            Goal("the letter is neither delivered nor given up", _not_lost),
        ),
        hints=(
            "lab.host(name).stop() makes a host deaf. Do it before Sơn writes.",
            'lab.dig("saigon.example", "MX") tells which hosts take letters for saigon.example. '
            "Count them.",
            "Stop mx1.saigon.example and mx2.saigon.example, both; then son.send(…) and "
            'lab.settle(); then look at lab.queue("smtp.hanoi.example").',
        ),
        solve=shut_the_way,
        done="A letter that cannot go on is not lost: the last server that said 250 keeps it, "
        "and when it gives up it tells the sender.",
    ),
    Exercise(
        key="0.3",
        title="The first morning again",
        minutes=3,
        goals=(
            Goal("it is Monday, 2 March 2026, 09:00 again", _first_morning),
            Goal("every host listens for everything it serves", _all_listen),
            Goal("no queue and no mailbox holds a letter", _nothing_lies_about),
            Goal("nothing distinguishes this world from a fresh one", _like_new),
        ),
        hints=(
            "Repairing piece by piece will not turn the clock back. Is there a way to begin anew?",
            "Type lab. and press Tab: one of the methods is named after what you want.",
            "lab.reset() starts over in place. A new Lab() does the same.",
        ),
        solve=start_over,
        done="Break what you like from now on: one line brings the first morning back.",
        stage=make_a_mess,
    ),
)
