"""The exercises of notebook 01, *What happened between Send and the inbox?*

Three of them are about one journey: the letter goes from Sơn to Minh and is read.  Its
moments are numbered by the logbook; what each moment is, the trace itself knows, so that an
answer is held against what was recorded and not against a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labmail.course.exercises import Exercise, Goal, Scene, as_mapping
from labmail.course.measure import ACCESS_SERVICES
from labmail.course.moments import Logbook, logbook
from labmail.lab import Lab
from labmail.trace.events import (
    Accepted,
    Connected,
    Content,
    Deferred,
    Delivered,
    Dequeued,
    Event,
    Fetched,
    FlagsChanged,
    LoggedIn,
    LookedUp,
    Queued,
    Relayed,
    Routed,
    Side,
)
from labmail.trace.recorder import Trace

SON, MINH, HOA = "son@hanoi.example", "minh@saigon.example", "hoa@saigon.example"


def journey(lab: Lab) -> Trace:
    """Sơn writes, the world carries, Minh opens the letter; what was recorded."""
    son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
    with lab.record() as trace:
        son.send(to=minh, subject="Chào Minh", text="Bao giờ em về?\n\nSơn\n")
        lab.settle()
        minh.read(1)
    return trace


_AGAIN = (
    "Each Lab() begins a new world: run the cell again that sends the letter of this exercise "
    "(in E1.1, or journey(lab) under Two more exercises)."
)


def _travelled(scene: Scene) -> str:
    if not scene.delivered_to(MINH):
        return f"No letter has reached Minh in the lab that is open now. {_AGAIN}"
    if not any(e.account == MINH for e in scene.trace.of(Fetched)):
        return f"The letter lies in Minh's mailbox, but nobody has opened it. {_AGAIN}"
    return ""


JOURNEY = Goal("a letter has travelled from Sơn to Minh and was opened", _travelled)

# --- 1.1: roles ----------------------------------------------------------------------------------

ROLES = ("MUA", "MSA", "MTA", "MX", "MDA", "message store", "resolver")

_SPELLINGS = {
    "store": "message store",
    "mailbox": "message store",
    "mailstore": "message store",
    "ms": "message store",
    "kho thư": "message store",
    "dns resolver": "resolver",
    "bộ phân giải": "resolver",
    "mail exchanger": "MX",
}
"""Other names that people use, and what the course calls them."""


def role_of(event: Event) -> str:
    """Whose work this event is, as RFC 5598 names the roles; "" where several share it."""
    match event:
        case LookedUp():
            return "resolver"
        case Connected(connection=c):
            return "MTA" if c.service == "smtp" else "MUA"
        case Accepted(role=role):
            return "MSA" if role == "submission" else "MX"
        case Relayed() | Deferred():
            return "MTA"
        case Delivered():
            return "MDA"
        case Fetched() | FlagsChanged():
            return "message store"
    return ""


def _ten_moments(book: Logbook) -> tuple[int, ...]:
    """The ten moments that exercise 1.1 asks about."""
    asked: Iterable[Callable[[Event], bool]] = (
        lambda e: isinstance(e, LookedUp) and e.host.startswith("son-laptop"),
        lambda e: isinstance(e, Connected) and e.connection.service == "submission",
        lambda e: isinstance(e, Accepted) and e.role == "submission",
        lambda e: isinstance(e, LookedUp) and e.rtype == "MX",
        lambda e: isinstance(e, Connected) and e.connection.service == "smtp",
        lambda e: isinstance(e, Accepted) and e.role == "exchange",
        lambda e: isinstance(e, Relayed),
        lambda e: isinstance(e, Delivered),
        lambda e: isinstance(e, Connected) and e.connection.service in ACCESS_SERVICES,
        lambda e: isinstance(e, Fetched),
    )
    found = (next((m.number for m in book.moments if wanted(m.event)), None) for wanted in asked)
    return tuple(number for number in found if number is not None)


_MIXED_UP = {
    ("MTA", "MX"): "An MTA it is; but one with a narrower name: other domains find it by the DNS.",
    ("MX", "MTA"): "The MX is at the other end of this. Who acts here, and in which direction?",
    ("MTA", "MSA"): "This one took the letter from a user who had to log in. "
    "That counter has a name of its own.",
    ("MX", "MSA"): "This one took the letter from a user who had to log in, "
    "not from another domain.",
    ("message store", "MDA"): "That is where the letter lies afterwards. Who carries it in?",
    ("MX", "MDA"): "The MX has taken the letter before. "
    "Putting it into one person's box is another job.",
    ("MTA", "MDA"): "Nothing is passed on here: the letter has reached the last machine.",
    ("MDA", "message store"): "The carrier's work was over long before. "
    "What keeps letters and gives them out to their owner?",
    ("MUA", "message store"): "Minh's program asks. Who has the letter and gives it out?",
    ("MSA", "MUA"): "That is the end that was called. Who called?",
    ("MX", "resolver"): "An MX record is only what was asked for. Who asks such questions?",
    ("MTA", "resolver"): "The question is asked on behalf of the MTA; "
    "asking has a name of its own.",
    ("MUA", "resolver"): "The question is asked on behalf of the mail program; "
    "asking has a name of its own.",
}
"""What to say about (given, true): mistakes that a thinking person makes."""


def _role(word: object) -> str:
    """The course's name for a role, "" for an empty answer, else the word itself."""
    text = str(word if word is not None else "").strip()
    by_name = {role.casefold(): role for role in ROLES}
    return by_name.get(text.casefold()) or _SPELLINGS.get(text.casefold(), text)


def _roles_given(scene: Scene) -> dict[int, str]:
    given = as_mapping(scene.answer).items()
    return {int(n): _role(word) for n, word in given if str(n).strip().isdecimal() and _role(word)}


def _every_moment_has_a_role(scene: Scene) -> str:
    asked, given = _ten_moments(logbook(scene.trace)), _roles_given(scene)
    if not given:
        return "No role has been written yet: replace the empty quotes."
    if "DNS" in (word.upper() for word in given.values()):
        return "The DNS is who is asked. Who asks has a name of its own among the seven."
    if strange := [word for word in given.values() if word not in ROLES]:
        return f"{strange[0]!r} is none of the seven names. They are: {', '.join(ROLES)}."
    missing = [number for number in asked if number not in given]
    return f"Still without a role: {', '.join(map(str, missing))}." if missing else ""


def _roles_fit(scene: Scene) -> str:
    book, given = logbook(scene.trace), _roles_given(scene)
    asked = _ten_moments(book)
    true = {n: role_of(event) for n in asked if (event := book.event(n)) is not None}
    wrong = [n for n in asked if n in given and given[n] != true[n]]
    fit = sum(given.get(n) == true[n] for n in asked)
    if fit == len(asked):
        return ""
    if not wrong:
        return f"{fit} of {len(asked)} fit so far."
    first = wrong[0]
    advice = _MIXED_UP.get(
        (given[first], true[first]), "Read the line again: who acts, and for whom?"
    )
    return f"{fit} of {len(asked)} fit. Look at {first}: {advice}"


def name_the_roles(lab: Lab) -> dict[int, str]:
    """The way of exercise 1.1."""
    return {
        1: "resolver",  # a name becomes an address
        2: "MUA",  # Sơn's mail program calls its server
        4: "MSA",  # which takes letters from its own users
        6: "resolver",  # a domain becomes the names of its mail hosts
        12: "MTA",  # the server calls another server
        13: "MX",  # which takes letters for saigon.example from anybody
        15: "MTA",  # the first server has done its part
        18: "MDA",  # the letter is put into the box
        21: "MUA",  # Minh's mail program calls
        24: "message store",  # and is given what lies there
    }


# --- 1.2: a letter that nobody asks the way for -------------------------------------------------


def _hoa_has_a_letter(scene: Scene) -> str:
    if scene.delivered_to(HOA):
        return ""
    if waiting := scene.waiting():
        return f"A letter waits in the queue of {', '.join(waiting)}; it has not reached Hoa."
    if scene.handed_in():
        return "A letter was handed in, but it was not for Hoa (hoa@saigon.example)."
    return "Nothing has been handed in yet."


def _nobody_asked(scene: Scene) -> str:
    if not scene.delivered_to(HOA):
        return "Hoa has no letter yet."
    servers = {host.name for host in scene.lab.hosts}
    asked = [
        e
        for e in scene.trace.of(LookedUp)
        if e.host in servers and (e.name == "saigon.example" or e.name.endswith(".saigon.example"))
    ]
    if not asked:
        return ""
    e = asked[0]
    return (
        f"{e.host} asked the DNS for {e.name} {e.rtype}, and {len(asked) - 1} times more. "
        "Why did it have to? Begin again with a fresh Lab()."
    )


def _one_server(scene: Scene) -> str:
    parcels = {e.parcel for e in scene.delivered_to(HOA)}
    between = [e for e in scene.trace.of(Relayed) if e.parcel in parcels]
    if between:
        first = between[0]
        return f"The letter was handed from {first.host} to {first.to}: that is two servers."
    return "" if parcels else "Hoa has no letter yet."


def write_next_door(lab: Lab) -> None:
    """The way of exercise 1.2."""
    minh = lab.user("minh@saigon.example")
    minh.send(to="hoa@saigon.example", subject="Ăn trưa nhé?", text="12 giờ, quán cũ.")
    lab.settle()


# --- 1.3: six steps --------------------------------------------------------------------------


def _is_step(step: int, event: Event) -> bool:
    """Whether this event is what the article's step tells."""
    match step, event:
        case 1, Connected(connection=c):
            return c.service == "submission"
        case 2, Accepted(role="submission"):
            return True
        case 3, Routed(local=False):
            return True
        case 4, LookedUp(host=host):
            return host == "smtp.hanoi.example"
        case 5, Connected(connection=c):
            return c.service == "smtp"
        case 6, Accepted(role="exchange") | Delivered() | Routed(local=True):
            return True
        case 6, Queued(host=host):
            return host != "smtp.hanoi.example"
    return False


def _nobody_mentions(event: Event) -> bool:
    """Events of the journey that none of the six steps tells."""
    match event:
        case LoggedIn() | Relayed() | Dequeued() | FlagsChanged():
            return True
        case LookedUp(host=host):
            return "laptop" in host
        case Queued(host=host):
            return host == "smtp.hanoi.example"
    return False


_STEP_HINTS = {
    1: "Step 1 is the mail program calling its own server: look for the first connection of all.",
    2: "Step 2 is the hand-over itself: which line says that the server took the letter?",
    3: "Step 3 is a decision: same domain or another one? One line says what was decided.",
    4: "Step 4 is a question of the server (not of the laptop) to the DNS.",
    5: "Step 5 is one server calling the other: look at port 25.",
    6: "Step 6 happens on the recipient's server: from taking the letter to the mailbox.",
}


def _number(value: object) -> int | None:
    text = str(value).strip()
    return int(text) if text.isdecimal() else None


def _steps_mapped(scene: Scene) -> str:
    book, given = logbook(scene.trace), as_mapping(scene.answer)
    numbers = {step: _number(given.get(step)) for step in range(1, 7)}
    if not any(n is not None for n in numbers.values()):
        return "No step has a number yet: replace None by numbers of the logbook."
    for step, number in numbers.items():
        if number is None:
            return f"Step {step} has no number yet."
        event = book.event(number)
        if event is None:
            return f"There is no line {number} in the logbook: it ends at {len(book)}."
        if not _is_step(step, event):
            return f"Line {number} is not step {step}. {_STEP_HINTS[step]}"
    return ""


def _gaps_found(scene: Scene) -> str:
    book = logbook(scene.trace)
    given = as_mapping(scene.answer).get("nobody tells", ())
    items = given if isinstance(given, (list, tuple, set, frozenset)) else (given,)
    numbers = {n for n in map(_number, items) if n is not None}
    if len(numbers) < 2:
        return "Name two different lines that no step tells."
    for number in sorted(numbers):
        event = book.event(number)
        if event is None:
            return f"There is no line {number} in the logbook: it ends at {len(book)}."
        if not _nobody_mentions(event):
            step = next((s for s in range(1, 7) if _is_step(s, event)), None)
            told = f"step {step} tells it" if step else "the steps do tell it, in fewer words"
            return f"Line {number} does not count: {told}."
    return ""


def map_the_steps(lab: Lab) -> dict[object, Any]:
    """The way of exercise 1.3."""
    return {
        1: 2,  # the mail program connects
        2: 4,  # addresses and letter have been handed over
        3: 11,  # another domain: the letter must go elsewhere
        4: 6,  # the DNS is asked
        5: 12,  # the two servers are connected
        6: 18,  # and the letter is put into the box
        "nobody tells": [3, 5],  # Sơn logs in; his server writes the letter down before it says 250
    }


# --- 1.4: push or pull --------------------------------------------------------------------------


def ways(trace: Trace) -> dict[int, str]:
    """For each connection that a letter crossed: "push" when the side that opened it
    gave the letter, "pull" when it took it."""
    moved = {e.connection.number: e.sender for e in trace.of(Content)}
    return {n: "push" if sender is Side.CLIENT else "pull" for n, sender in sorted(moved.items())}


_WAY_NAMES = {"đẩy": "push", "kéo": "pull"}


def _ways_given(scene: Scene) -> dict[int, str]:
    given = as_mapping(scene.answer).items()
    words = ((str(n).strip("# "), str(w or "").strip().casefold()) for n, w in given)
    return {int(n): _WAY_NAMES.get(w, w) for n, w in words if n.isdecimal() and w}


def _each_named(scene: Scene) -> str:
    given, true = _ways_given(scene), ways(scene.trace)
    if not given:
        return 'Nothing has been written yet: replace the empty quotes by "push" or "pull".'
    if strange := [word for word in given.values() if word not in ("push", "pull")]:
        return f'{strange[0]!r} is neither "push" nor "pull".'
    missing = [f"#{n}" for n in true if n not in given]
    return f"Still open: {', '.join(missing)}." if missing else ""


def _ways_true(scene: Scene) -> str:
    given, true = _ways_given(scene), ways(scene.trace)
    wrong = [n for n in true if given.get(n) != true[n]]
    if not wrong:
        return ""
    connection = next(c for c in scene.trace.connections if c.number == wrong[0])
    caller = connection.client.name
    held = "had" if true[wrong[0]] == "push" else "did not have"
    return (
        f"{len(true) - len(wrong)} of {len(true)} fit. #{wrong[0]} was opened by {caller}, "
        f"which {held} the letter at that moment. So did it give or take?"
    )


def tell_push_from_pull(lab: Lab) -> dict[int, str]:
    """The way of exercise 1.4."""
    return {1: "push", 2: "push", 3: "pull"}


def _journey_stage(lab: Lab) -> None:
    journey(lab)


EXERCISES = (
    Exercise(
        key="1.1",
        title="Seven roles, ten moments",
        minutes=8,
        goals=(
            JOURNEY,
            Goal("each of the ten moments has one of the seven names", _every_moment_has_a_role),
            Goal("the names fit what was recorded", _roles_fit),
        ),
        hints=(
            "Three questions for each line: which machine acts? For whom? What kind of work is it?",
            "Two roles take letters: the MSA from users who log in, the MX from other domains. "
            "Two roles open connections: the MUA for a person, the MTA for a letter.",
            "Whoever asks the DNS is a resolver, wherever it sits. The MDA puts the letter in; "
            "the message store gives it out.",
        ),
        solve=name_the_roles,
        done="Seven roles, four machines: what people call a mail server is a bundle of roles.",
        stage=_journey_stage,
    ),
    Exercise(
        key="1.2",
        title="A letter that nobody asks the way for",
        minutes=6,
        goals=(
            Goal("Hoa (hoa@saigon.example) has a letter", _hoa_has_a_letter),
            Goal("no mail server asked the DNS about saigon.example", _nobody_asked),
            Goal("the letter was in the hands of one server only", _one_server),
        ),
        hints=(
            "Who has to ask for the way, and who knows it without asking?",
            "Look at E1.2: one of the two letters needed no question. "
            "What did its two people share?",
            "lab.user(…) gives you anybody of this world. Somebody lives where Hoa lives.",
        ),
        solve=write_next_door,
        done="A server that is at home in a domain needs no DNS to deliver there.",
    ),
    Exercise(
        key="1.3",
        title="Six steps, and what they leave out",
        minutes=10,
        goals=(
            JOURNEY,
            Goal("each of the six steps has its line in the logbook", _steps_mapped),
            Goal("two lines are named that no step tells", _gaps_found),
        ),
        hints=(
            "Begin with the easy ones: steps 1 and 5 are connections, step 4 is a question.",
            "Step 3 comes before step 4 in the article; in the logbook the decision is written "
            "down after the DNS has answered. Look for the word 'decides'.",
            "What never appears in the article: passwords, the queue of the sending server, the "
            "questions of the laptops, and the moment a server may forget its copy.",
        ),
        solve=map_the_steps,
        done="Six steps are a good map; what a map leaves out is where letters get stuck.",
        stage=_journey_stage,
    ),
    Exercise(
        key="1.4",
        title="Push or pull?",
        minutes=4,
        goals=(
            JOURNEY,
            Goal("each connection of the journey has its word", _each_named),
            Goal("the words fit who opened it and who had the letter", _ways_true),
        ),
        hints=(
            "For each connection two facts: who opened it (the logbook says so), and at which end "
            "the letter lay before.",
            "Opened it and gave the letter: push. Opened it and took the letter: pull.",
            "Sơn's program and Sơn's server both had the letter when they called. Minh's had not.",
        ),
        solve=tell_push_from_pull,
        done="Mail is pushed from queue to queue as far as the mailbox; only the reader pulls.",
        stage=_journey_stage,
    ),
)
