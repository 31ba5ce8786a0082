"""The exercises of notebook 05, *How did one server know where the other is?*

The answers of 5.1, 5.2 and 5.4 are zones and a plan.  They are not compared with anything:
they are put into a world of their own, letters are sent, and what became of the letters is
looked at.  That of 5.3 is held against the zones that are served in the lab.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from labmail.course.exercises import Exercise, Goal, Scene, as_mapping
from labmail.course.moving import LAST_LETTER, LONGEST_OVERLAP, Move, Step, moved, read_plan
from labmail.dns.zone import ZoneError
from labmail.lab import Lab
from labmail.trace.events import (
    Accepted,
    Attempted,
    Bounced,
    ConnectFailed,
    Deferred,
    Delivered,
    Relayed,
)
from labmail.trace.recorder import Trace
from labmail.views.searches import plain

SON = "son@hanoi.example"

# --- zones that are tried ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a zone: `problem` says why it could not even be served; else `letters`
    are the traces of the letters that were sent, `address` is what the web found."""

    problem: str = ""
    letters: tuple[Trace, ...] = ()
    address: tuple[str, ...] = ()


def _text(answer: object) -> str:
    """The zone that was given, without the empty lines that frame it in a cell."""
    return textwrap.dedent(str(answer or "")).strip("\n") + "\n"


def _served(lab: Lab, text: str, domain: str) -> str:
    """Serve this zone for the domain; why that cannot be, or ""."""
    try:
        changed = lab.dns.load(text)
    except (ZoneError, LookupError) as error:
        return str(error)
    if changed.origin != domain:
        return f"This is a zone of {changed.origin}; wanted is one of {domain}."
    return ""


def _of(trial: Callable[[Scene], Tried], look: Callable[[Tried], str]) -> Callable[[Scene], str]:
    """A look at a zone that could be served."""

    def looked(scene: Scene) -> str:
        tried = trial(scene)
        return "The zone is not served yet." if tried.problem else look(tried)

    return looked


def _why(trace: Trace) -> str:
    """Why a letter is not where it should be, in the words of the server that had it."""
    ends = [e for e in trace if isinstance(e, (Bounced, Deferred))]
    if not ends:
        return "nobody has said why"
    end = ends[-1]
    if isinstance(end, Bounced):
        return f"{end.host} gave up ({end.status}): {end.reason}"
    return f"{end.host} keeps it for now: {end.reason}"


# --- 5.1: a domain with a first host and a backup -------------------------------------------------

CAFE = "caphe.example"
FIRST, BACKUP, NEW = "mx1.caphe.example", "mx2.caphe.example", "moi.caphe.example"
OWNER = "chu@caphe.example"


@lru_cache(maxsize=4)
def _open_the_cafe(text: str) -> Tried:
    """Two letters to the coffee house: one on a good day, one while mx1 is away."""
    with Lab("caphe", beside=True) as lab:
        if problem := _served(lab, text, CAFE):
            return Tried(problem)
        son = lab.user(SON)
        with lab.record() as good_day:
            son.send(to=OWNER, subject="Một bàn cho hai người", text="…")
            lab.settle()
        lab.host(FIRST).stop()
        with lab.record() as bad_day:
            son.send(to=OWNER, subject="Thêm một ghế", text="…")
            lab.settle()
        lab.host(FIRST).start()
        with lab.record() as afterwards:
            lab.advance("4h")
        return Tried(letters=(good_day, bad_day, afterwards))


def _cafe(scene: Scene) -> Tried:
    return _open_the_cafe(_text(scene.answer))


def _relayed_to(trace: Trace, sender: str) -> list[str]:
    return [e.to for e in trace.of(Relayed) if e.host == sender]


def _good_day(tried: Tried) -> str:
    trace = tried.letters[0]
    boxes = [e.host for e in trace.of(Delivered) if e.account == OWNER]
    if boxes == [FIRST]:
        called = [e.host for e in trace.of(Accepted) if e.role == "exchange"]
        return "" if called == [FIRST] else f"The letter came by way of {called[0]}."
    if boxes:
        return f"The letter lies at {boxes[0]}: that machine is not in service yet."
    return f"On a good day the letter did not arrive: {_why(trace)}."


def _kept_by_the_backup(tried: Tried) -> str:
    trace = tried.letters[1]
    if BACKUP in _relayed_to(trace, "smtp.hanoi.example"):
        given_up = [e for e in trace.of(Bounced) if e.host == BACKUP]
        return f"The backup took it, then {_why(trace)}." if given_up else ""
    if trace.of(Bounced):
        return f"While {FIRST} was away, {_why(trace)}."
    return f"While {FIRST} was away, nobody else took the letter: {_why(trace)}."


def _arrived_afterwards(tried: Tried) -> str:
    both = [e for trace in tried.letters for e in trace.of(Delivered) if e.host == FIRST]
    if len([e for e in both if e.account == OWNER]) == 2:
        return ""
    return f"Hours later {len(both)} of 2 letters lay at {FIRST}: {_why(tried.letters[-1])}."


def open_the_cafe(lab: Lab) -> str:
    """The way of exercise 5.1."""
    return """
    $ORIGIN caphe.example.
    $TTL 3600
    @    SOA  ns.lab. hostmaster.caphe.example. 1 7200 900 1209600 300
         NS   ns.lab.
         MX   10 mx1.caphe.example.   ; the mailboxes are here
         MX   20 mx2.caphe.example.   ; keeps letters while mx1 is away
    mx1  A    203.0.113.91            ; an MX names hosts, so the hosts need addresses
    mx2  A    203.0.113.92
    """


# --- 5.2: a domain that wants no mail -------------------------------------------------------------

FLORIST, WEB = "hoadep.example", "203.0.113.75"


@lru_cache(maxsize=4)
def _write_to_the_florist(text: str) -> Tried:
    """One letter to a domain that has only a web site."""
    with Lab(beside=True) as lab:
        if problem := _served(lab, text, FLORIST):
            return Tried(problem)
        found = lab.dig(FLORIST, "A").records
        with lab.record() as trace:
            lab.user(SON).send(to=f"chao@{FLORIST}", subject="Một bó hoa sen", text="…")
            lab.settle()
        return Tried(letters=(trace,), address=found)


def _florist(scene: Scene) -> Tried:
    return _write_to_the_florist(_text(scene.answer))


def _web_is_found(scene: Scene) -> str:
    tried = _florist(scene)
    if tried.problem:
        return tried.problem
    if WEB in tried.address:
        return ""
    found = ", ".join(tried.address) or "nothing"
    return f"Asked for the address of {FLORIST}, the DNS says: {found}. The web site is at {WEB}."


def _never_waits(tried: Tried) -> str:
    (trace,) = tried.letters
    if not trace.of(Deferred):
        return ""
    called = ", ".join(dict.fromkeys(e.server.ip for e in trace.of(ConnectFailed)))
    where = f" It was tried at {called}." if called else ""
    return f"The letter lies in a queue, for up to five days.{where} What made the server try?"


def _says_it_on_purpose(tried: Tried) -> str:
    ends = tried.letters[0].of(Bounced)
    if not ends:
        return "The sender has not been told anything yet."
    if ends[0].status == "5.1.10":  # RFC 7505 §4.1
        return ""
    return (
        f"The letter came back with {ends[0].status}: {ends[0].reason}. "
        "That looks like a mistake of yours; say that it is meant."
    )


def _nobody_is_called(tried: Tried) -> str:
    (trace,) = tried.letters
    servers = [e for e in trace.of(Attempted) if e.host == "smtp.hanoi.example" and e.ip]
    called = [e.ip for e in servers if e.recipients == (f"chao@{FLORIST}",)]
    return f"A mail server was looked for at {called[0]}." if called else ""


def want_no_mail(lab: Lab) -> str:
    """The way of exercise 5.2."""
    return """
    $ORIGIN hoadep.example.
    $TTL 3600
    @    SOA  ns.lab. hostmaster.hoadep.example. 1 7200 900 1209600 300
         NS   ns.lab.
         A    203.0.113.75
         MX   0 .        ; the null MX: preference 0, and no host at all
    """


# --- 5.3: six zones with a mistake ---------------------------------------------------------------

CASES = {n: f"faulty/{file:02}" for n, file in enumerate((3, 6, 2, 12, 13, 15), 1)}
"""The zones of exercise 5.3, as files of ``data/zones``."""
SICK, PATIENT = "saigon.example", "minh@saigon.example"

FAULTS = {
    "a": "the MX names an address instead of a host",
    "b": "the MX names an alias",
    "c": "a dot is missing at the end of a name",
    "d": "the host's name is misspelt",
    "e": "the host has no address",
    "f": "the host's address is nobody's",
    "g": "the preferences are the wrong way round",
    "h": "a null MX stands beside another MX",
    "i": "part of the names was left to a name server that nobody runs",
    "j": "the backup has not been told that it is one",
}


def ward(case: int) -> Lab:
    """A fresh lab in which saigon.example has the zone of this case (1 to 6)."""
    if case not in CASES:
        raise ValueError(f"there is no case {case!r}: choose one of {', '.join(map(str, CASES))}")
    lab = Lab()
    lab.dns.load(CASES[case])
    return lab


@lru_cache(maxsize=8)
def fault_of(zone: str) -> str:
    """What is wrong with a zone of saigon.example: a letter of `FAULTS`, "" for nothing.

    The zone is served in the course's world, and each host that it names is looked up and
    looked at there.
    """
    with Lab(beside=True) as lab:
        lab.dns.load(zone)
        pairs = (row.data.split(" ", 1) for row in lab.dns.zone(SICK).rows if row.rtype == "MX")
        named = sorted((int(number), plain(host)) for number, host in pairs)
        hosts = [host for _, host in named]
        if "" in hosts:
            return "h" if len(hosts) > 1 else ""
        faults = filter(None, (_fault_of_host(lab, host) for host in hosts))
        return next(faults, "g" if _backup_is_first(lab, hosts) else "")


def _fault_of_host(lab: Lab, host: str) -> str:
    """What is wrong with one host that an MX names; the address decides whose host it is."""
    if host.rpartition(".")[2].isdecimal():
        return "a"
    if host.endswith(f"{SICK}.{SICK}"):
        return "c"
    if lab.dig(host, "CNAME").records:
        return "b"
    found = lab.dig(host, "A")
    if found.status != "NOERROR":
        return {"NXDOMAIN": "d", "NODATA": "e"}.get(found.status, "i")
    homes = [h for h in lab.world.hosts.values() if h.address in found.records]
    if not homes:
        return "f"
    return "" if SICK in (*homes[0].domains, *homes[0].relays_for) else "j"


def _backup_is_first(lab: Lab, hosts: Sequence[str]) -> bool:
    """Whether the host that is called first has no mailboxes, while a later one has."""
    at_home = [SICK in lab.world.hosts[h].domains for h in hosts if h in lab.world.hosts]
    return any(at_home) and not at_home[0]


def _faults_given(scene: Scene) -> dict[int, str]:
    given = as_mapping(scene.answer).items()
    words = ((str(n).strip(), str(w or "").strip(" .)").casefold()) for n, w in given)
    return {int(n): word for n, word in words if n.isdecimal() and word}


def _each_case_named(scene: Scene) -> str:
    given = _faults_given(scene)
    if not given:
        return "Nothing has been written yet: replace the empty quotes by a letter from a to j."
    if strange := [word for word in given.values() if word not in FAULTS]:
        return f"{strange[0]!r} is none of the faults: choose a letter from a to j."
    missing = [str(n) for n in CASES if n not in given]
    return f"Still open: {', '.join(missing)}." if missing else ""


_MIXED_UP = {
    ("d", "c"): "Nothing is misspelt there. Read the host's name in the notification to its end.",
    ("e", "c"): "The host has its address. But is that the host which the MX names?",
    ("a", "b"): "A name it is. But what does that name itself say when it is asked?",
    ("e", "b"): "It has an address in the end. By which way is it found?",
    ("j", "g"): "It knows that it is the backup, and that is why it gives up. "
    "Who should be called first?",
    ("d", "i"): "A misspelt name would be NXDOMAIN, and the letter would come back at once.",
    ("e", "i"): "That would be NODATA, which is an answer. Here nobody answers.",
    ("j", "f"): "Who refuses has been reached. Was anybody reached here?",
    ("i", "f"): "The DNS answers every question here. What is at the end of the answer?",
    ("g", "j"): "The order is right. Stop mx1, and write to Minh once more.",
}
"""What to say about (given, true): mistakes that a thinking person makes."""


def _cases_right(cases: Sequence[int]) -> Callable[[Scene], str]:
    """A look at these cases."""

    def look(scene: Scene) -> str:
        given = _faults_given(scene)
        wrong = [n for n in cases if given.get(n) != fault_of(CASES[n])]
        if not wrong:
            return ""
        first = wrong[0]
        said = given.get(first, "")
        advice = _MIXED_UP.get(
            (said, fault_of(CASES[first])),
            f"Run ward({first}), send a letter, and follow it from host to host.",
        )
        return (
            f"{len(cases) - len(wrong)} of {len(cases)} of these are right. Case {first}: {advice}"
        )

    return look


def name_the_faults(lab: Lab) -> dict[int, str]:
    """The way of exercise 5.3."""
    return {
        1: "c",  # mx1.saigon.example.saigon.example: the domain stands there twice
        2: "g",  # mx2 is called first, finds nobody better than itself, and gives up: 5.4.6
        3: "b",  # mail.saigon.example is a CNAME
        4: "i",  # SERVFAIL: below thu.saigon.example nobody answers, so the letter waits
        5: "f",  # a name, an address, and no route to it
        6: "j",  # all is well, until mx1 is away: then 550 relay access denied
    }


# --- 5.4: to move without loss -------------------------------------------------------------------


def _plan(scene: Scene) -> tuple[tuple[Step, ...], str]:
    return read_plan(scene.answer)


def _after(look: Callable[[Move], str]) -> Callable[[Scene], str]:
    """A look at the evening of a day that was lived by the plan."""

    def looked(scene: Scene) -> str:
        steps, problem = _plan(scene)
        return "There is no plan yet." if problem else look(moved(steps))

    return looked


def _plan_is_read(scene: Scene) -> str:
    return _plan(scene)[1]


def _at_the_new_machine(move: Move) -> str:
    if move.last_at != NEW:
        return f"A letter of {LAST_LETTER:%H:%M} still goes to {move.last_at or 'nobody'}."
    return "" if move.old_is_off else "In the evening mx1 still runs: nobody has stopped it."


def _nothing_lost_nothing_late(move: Move) -> str:
    if move.lost:
        return f"{move.lost} of {move.sent} letters did not arrive: {move.first_trouble}"
    if move.late:
        return f"{move.late} of {move.sent} letters came late. {move.first_trouble}"
    return ""


def _short_overlap(move: Move) -> str:
    if move.overlap is None:
        return "The plan does not point the MX to the new machine and stop the old one later."
    if move.overlap <= LONGEST_OVERLAP:
        return ""
    hours = move.overlap.total_seconds() / 3600
    return f"Letters could fall into either of two mailboxes for {hours:.1f} hours."


def move_house(lab: Lab) -> list[tuple[str, str]]:
    """The way of exercise 5.4."""
    return [
        ("09:00", "ttl 300"),  # from now on nobody is told "4 hours" any more
        ("13:00", "mx moi"),  # who was told so at 09:00 has forgotten it now
        ("13:05", "stop mx1"),  # who was told "5 minutes" at 13:00 has forgotten that too
        ("13:10", "ttl 14400"),  # and back: fewer questions for everybody
    ]


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        key="5.1",
        title="The coffee house gets a domain",
        minutes=10,
        goals=(
            Goal("a zone of caphe.example can be served", lambda scene: _cafe(scene).problem),
            Goal("on a good day a letter goes straight to mx1", _of(_cafe, _good_day)),
            Goal(
                "while mx1 is away, mx2 takes the letter and keeps it",
                _of(_cafe, _kept_by_the_backup),
            ),
            Goal("when mx1 is back, both letters are there", _of(_cafe, _arrived_afterwards)),
        ),
        hints=(
            "Two things are missing: who takes the letters, in which order; and where those are.",
            "An MX record names a host. Nobody knows yet where a host of that name is. And a name "
            "without a dot at its end is continued with the domain.",
            "Lower numbers are called first. Give mx1 and mx2 one MX record each, with different "
            "numbers, and one A record each: 203.0.113.91 and 203.0.113.92.",
        ),
        solve=open_the_cafe,
        done="A domain needs no mail server of its own: it needs records that name one.",
    ),
    Exercise(
        key="5.2",
        title="Flowers, but no letters",
        minutes=6,
        goals=(
            Goal("the web site is still found", _web_is_found),
            Goal("a letter never lies in a queue", _of(_florist, _never_waits)),
            Goal("no mail server is looked for anywhere", _of(_florist, _nobody_is_called)),
            Goal(
                "the sender is told that no mail is wanted here", _of(_florist, _says_it_on_purpose)
            ),
        ),
        hints=(
            "What does a server do with a domain that has an address and no MX? See E5.2.",
            "An MX to a host that does not exist ends as quickly, but it looks like a mistake. "
            "There is a record that says it on purpose; a letter of E5.5 met it.",
            "lab.dns.zone('khongthu.example') shows a zone that does it.",
        ),
        solve=want_no_mail,
        done="Silence costs the sender days; a null MX tells the truth at once. Its number should "
        "be 0 (RFC 7505 §3); this lab takes any.",
    ),
    Exercise(
        key="5.3",
        title="Six zones, six mistakes",
        minutes=15,
        goals=(
            Goal("each of the six cases has its letter", _each_case_named),
            Goal("the three are right whose letter comes back at once", _cases_right((1, 2, 3))),
            Goal("the two are right whose letter waits", _cases_right((4, 5))),
            Goal("the one is right whose letter arrives, today", _cases_right((6,))),
        ),
        hints=(
            "Let the letter tell you: does it come back, does it wait, does it arrive? The "
            "words of the notification or of the queue name a host. Look it up with lab.dig.",
            "Three kinds of names: one that does not exist (NXDOMAIN), one without this record "
            "(NODATA), one about which nobody answers (SERVFAIL). And an address may be "
            "anybody's, or nobody's.",
            "Case 6 works on a good day. When is a backup needed? "
            "lab.host('mx1.saigon.example').stop() makes such a day.",
        ),
        solve=name_the_faults,
        done="The code says whose turn it is; the name in the text says where to look.",
    ),
    Exercise(
        key="5.4",
        title="Moving house",
        minutes=12,
        goals=(
            Goal("the plan can be read", _plan_is_read),
            Goal("in the evening letters go to moi, and mx1 is off", _after(_at_the_new_machine)),
            Goal("no letter was lost, and none came late", _after(_nothing_lost_nothing_late)),
            Goal("both machines were needed for one hour at most", _after(_short_overlap)),
        ),
        hints=(
            "Sơn's server knows the old answer until 13:00, whatever you do to the zone. Freman's "
            "forgets it at 11:00 and asks again. What will it be told, and for how long?",
            "So before you change the answer, change how long it may be remembered, and wait until "
            "everybody who was told the long time has forgotten.",
            "Four steps: a short TTL; after the old TTL is over the new MX; after the short TTL is "
            "over stop mx1. (The fourth puts the long TTL back.)",
        ),
        solve=move_house,
        done="First shorten the memory of others, then change your mind.",
    ),
)
