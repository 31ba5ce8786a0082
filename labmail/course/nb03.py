"""The exercises of notebook 03, *How do two programs hand over a letter?*

Nothing in them is judged by how it is written.  What a learner's program says goes to a
server of the lab; an order of lines is replayed there; reply codes are counted in the trace.
"""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from labmail.course.byhand import HUNG_UP, SILENT, talk
from labmail.course.codes import codes, decoded, provoke
from labmail.course.exercises import Exercise, Goal, Scene, as_mapping
from labmail.course.notice import Table
from labmail.course.visit import Visit, play_server
from labmail.lab import Lab
from labmail.smtp.counter import BY_HAND
from labmail.trace.events import Delivered, Event, FaultStruck, Reply
from labmail.views.chars import shorten
from labmail.views.spoken import is_smtp

SON, MINH, HOA = "son@hanoi.example", "minh@saigon.example", "hoa@saigon.example"
MX1 = "mx1.saigon.example"
WAIT = 5.0
"""Real seconds that a learner's program may wait for an answer while it is checked."""


def stored(lab: Lab, address: str, uid: int) -> bytes:
    """The octets of a letter as they lie in the file of its mailbox."""
    box = lab.box(address)
    name = next((row.file for row in box.rows if row.uid == uid), None)
    if name is None:
        raise LookupError(f"{address} has no letter with UID {uid}; there are {len(box.rows)}")
    return _file(lab, lab.user(address).home.name, name)


def _file(lab: Lab, host: str, name: str) -> bytes:
    base = name.rpartition("/")[2].partition(":")[0]
    found = next(p for p in (lab.folder / host).rglob("*,S=*") if p.name.startswith(base))
    return found.read_bytes()


# --- 3.1: a program of your own ---------------------------------------------------------------

Program = Callable[[list[str]], object]

PLAIN = [
    "From: son@hanoi.example",
    "To: minh@saigon.example",
    "Subject: Plain",
    "",
    "Three lines,",
    "and all of them",
    "begin with a letter.",
]
DOTTED = [
    *PLAIN[:2],
    "Subject: Dots",
    "",
    "The next line is one dot:",
    ".",
    ".. and this one begins with two,",
    ".hidden with one. In the middle... they are left alone.",
    "..",
    "Still here?",
]


class HelpSought(RuntimeError):
    """The program has asked a mail library to speak for it."""


def _not_here(*_: object, **__: object) -> NoReturn:
    raise HelpSought("smtplib knows SMTP already")


@contextmanager
def _bounded() -> Iterator[None]:
    """Sockets that are opened in this block lose patience, and `smtplib` calls nobody."""
    patience, connect = socket.getdefaulttimeout(), smtplib.SMTP.connect
    socket.setdefaulttimeout(WAIT)
    smtplib.SMTP.connect = _not_here  # type: ignore[method-assign]
    try:
        yield
    finally:
        socket.setdefaulttimeout(patience)
        smtplib.SMTP.connect = connect  # type: ignore[method-assign]


def _program(scene: Scene) -> Program | None:
    return scene.answer if callable(scene.answer) else None


_NO_PROGRAM = 'Give your function to the check, without brackets: check("3.1", send_raw).'


def _handed_over(scene: Scene, lines: list[str]) -> tuple[str, list[bytes]]:
    """Let the program send these lines: what went wrong, and what was delivered to Minh."""
    program = _program(scene)
    if program is None:
        return _NO_PROGRAM, []
    before = len(scene.delivered_to(MINH))
    trouble = ""
    try:
        with _bounded():
            program(list(lines))
    except TimeoutError:
        trouble = _waited_in_vain(scene)
    except HelpSought:
        trouble = (
            "Your program has left the talking to smtplib. Here the lines are yours: open a "
            "socket, as the cell of E3.1 does."
        )
    except Exception as error:
        trouble = f"It stopped with {type(error).__name__}: {error}."
    scene.lab.settle()
    new = scene.delivered_to(MINH)[before:]
    return trouble, [_file(scene.lab, e.host, e.file) for e in new]


def _waited_in_vain(scene: Scene) -> str:
    """What a program that waits for an answer may be waiting for."""
    last = next((e for e in reversed(scene.trace.of(Reply)) if is_smtp(e.connection)), None)
    if last is not None and last.after == "data":
        return (
            "It waited for an answer to the letter, but the server still reads: it has not seen "
            "CR LF, a dot, CR LF."
        )
    return "It waited for an answer that did not come: what it said was not a whole line yet."


def _arrived(scene: Scene, lines: list[str]) -> str:
    trouble, letters = _handed_over(scene, lines)
    if not letters:
        return trouble or "It came to an end, and no letter has reached Minh."
    octets = "".join(f"{line}\r\n" for line in lines).encode()
    if any(letter.endswith(b"\r\n" + octets) for letter in letters):
        return ""
    return _difference(octets, letters[-1])


def _difference(wanted: bytes, letter: bytes) -> str:
    """The first line that is not as it was written."""
    start = letter.find(wanted[:6])
    got = letter[start:].split(b"\r\n") if start >= 0 else [b"(another letter)"]
    for number, line in enumerate(wanted.split(b"\r\n"), 1):
        there = got[number - 1] if number <= len(got) else None
        if there is None or (line and number == len(got) and there == b""):
            return f"The letter lies in Minh's mailbox, but it ends before line {number}: {line!r}."
        if there != line:
            return (
                f"Line {number} was written as {line.decode()!r} and lies there as "
                f"{there.decode('utf-8', 'replace')!r}."
            )
    return "There is more in Minh's mailbox than was written."


def _plain_letter(scene: Scene) -> str:
    return _arrived(scene, PLAIN)


def _dotted_letter(scene: Scene) -> str:
    return _arrived(scene, DOTTED)


def _server(verb: str) -> str:
    """What a talkative server answers that does not take the letter."""
    return {
        "": f"220-{MX1} ESMTP\n220-Xin chao, welcome.\n220 Be brief, please.",
        "EHLO": f"250-{MX1}\n250-SIZE 1000000\n250-8BITMIME\n250 HELP",
        "HELO": f"250 {MX1}",
        "MAIL": "250-2.1.0 Noted.\n250 2.1.0 Go on.",
        "RCPT": "550-5.1.1 Nobody here has this address.\n550 5.1.1 Sorry.",
        "RSET": "250 2.0.0 Ok",
        "DATA": "503 5.5.1 No recipient yet: say RCPT TO first",
        "QUIT": "221 2.0.0 Good-bye",
    }.get(verb, "500 5.5.1 Unknown command")


def _listens(scene: Scene) -> str:
    program = _program(scene)
    if program is None:
        return _NO_PROGRAM
    if not (scene.delivered_to(MINH)):
        return "First let it hand over a letter."
    with _bounded():
        visit = play_server(scene.lab, client=lambda: program(list(PLAIN)))
        for _ in range(16):
            if visit.over:
                break
            visit.answer(_server(visit.turns[-1].verb))
        verbs = [turn.verb for turn in visit.turns]
        visit.leave()
    return _listened(verbs, visit)


def _listened(verbs: Sequence[str], visit: Visit) -> str:
    if "RCPT" not in verbs:
        return (
            "A server whose greeting had three lines was called, and the recipient was never named "
            f"to it. It heard: {', '.join(filter(None, verbs)) or 'nothing'}."
        )
    if "DATA" in verbs:
        return (
            "A server answered RCPT with 550, in two lines, and the program went on with DATA. "
            "Does it read every reply to its last line, and look at the number?"
        )
    return ""


def send_raw(lines: list[str]) -> None:
    """Hand these lines to mx1: a letter from Sơn to Minh."""
    import socket

    with (
        socket.create_connection(("mx1.saigon.example", 25)) as sock,
        sock.makefile("rb") as answers,
    ):

        def hear() -> bytes:
            while (line := answers.readline())[3:4] == b"-":
                pass  # more lines follow
            return line

        def say(text: str, hoped: bytes) -> None:
            sock.sendall(text.encode() + b"\r\n")
            if not (answer := hear()).startswith(hoped):
                raise RuntimeError(f"{text}: {answer.decode()}")

        hear()
        say("EHLO son-laptop.hanoi.example", b"250")
        say("MAIL FROM:<son@hanoi.example>", b"250")
        say("RCPT TO:<minh@saigon.example>", b"250")
        say("DATA", b"354")
        stuffed = ["." + line if line.startswith(".") else line for line in lines]
        say("\r\n".join([*stuffed, "."]), b"250")
        say("QUIT", b"221")


def write_a_client(lab: Lab) -> Program:
    """The way of exercise 3.1."""
    return send_raw


# --- 3.2: lines in order -----------------------------------------------------------------------

CARDS = {
    "A": "RCPT TO:<hoa@saigon.example>",
    "B": "Subject: Chieu nay\r\n\r\nCa phe 5 gio?",
    "C": "DATA",
    "D": "QUIT",
    "E": "MAIL FROM:<son@hanoi.example>",
    "F": ".",
    "G": "EHLO son-laptop.hanoi.example",
    "H": "RCPT TO:<minh@saigon.example>",
    "I": "354 Send the letter; end it with <CRLF>.<CRLF>",
}
"""What the client says, and one line that it never says."""


def _laid(scene: Scene) -> list[str]:
    return [c for c in str(scene.answer or "").upper() if c.isalnum()]


def _all_laid(scene: Scene) -> str:
    laid = _laid(scene)
    if not laid:
        return "No order yet: write the letters of the cards, first to last."
    if strange := [c for c in laid if c not in CARDS]:
        return f"There is no card {strange[0]}: they are A to I."
    if twice := [c for c in laid if laid.count(c) > 1]:
        return f"Card {twice[0]} lies there twice."
    if "I" in laid:
        return "One card is not the client's: whose line begins with a number?"
    missing = [c for c in CARDS if c not in laid and c != "I"]
    return f"Not laid yet: {', '.join(missing)}." if missing else ""


def _said_yes(scene: Scene) -> str:
    return _replay(scene)[0]


def _both_have_it(scene: Scene) -> str:
    trouble, delivered = _replay(scene)
    got = {e.account for e in delivered}
    missing = [name for name in (MINH, HOA) if name not in got]
    if missing:
        return trouble or f"The letter has not reached {' and '.join(missing)}."
    return ""


def _replay(scene: Scene) -> tuple[str, list[Delivered]]:
    """Say the cards to mx1 in their order: what was refused, and what was delivered."""
    laid = _laid(scene)
    if trouble := _all_laid(scene):
        return trouble, []
    if laid.index("C") > laid.index("F"):
        return "A dot ends a letter that was never asked for: which line asks?", []
    before = len(scene.trace.of(Delivered))
    session = talk(MX1, *_lines(laid))
    scene.lab.settle()
    delivered = list(scene.trace.of(Delivered)[before:])
    for said, reply in zip(["the greeting", *_lines(laid)], session.replies, strict=False):
        if reply in (HUNG_UP, SILENT) or reply[:1] not in ("2", "3"):
            return f"{shorten(said.partition(chr(13))[0], 40)!r} was answered: {reply}", delivered
    return _swallowed(scene, delivered), delivered


def _swallowed(scene: Scene, delivered: Sequence[Delivered]) -> str:
    """A command that was said between DATA and the dot: no server hears it (RFC 5321
    §4.1.1.4)."""
    lines = {line for e in delivered for line in _file(scene.lab, e.host, e.file).split(b"\r\n")}
    said = (card for name, card in CARDS.items() if name != "B" and card.encode() in lines)
    if (command := next(said, None)) is None:
        return ""
    return f"{command} was said while the server was reading: it lies in Minh's letter."


def _lines(laid: Sequence[str]) -> list[str]:
    """The cards as they are said: what lies between DATA and the dot is one letter."""
    start, end = laid.index("C"), laid.index("F")
    letter = "\r\n".join(CARDS[c] for c in laid[start + 1 : end + 1])
    return [*(CARDS[c] for c in laid[: start + 1]), letter, *(CARDS[c] for c in laid[end + 1 :])]


def lay_in_order(lab: Lab) -> str:
    """The way of exercise 3.2."""
    return "GEHACBFD"


# --- 3.3: eleven replies ------------------------------------------------------------------------

EVERYDAY, EARNED, TROUBLE = (250, 354, 500, 501, 503), (550, 552, 554), (421, 450, 452)


def codes_heard(events: Sequence[Event]) -> tuple[set[int], set[int]]:
    """The reply codes of the world's own servers: those that were earned, and those that were
    planned.  What a person at the counter says does not count."""
    earned: set[int] = set()
    by_plan: set[int] = set()
    struck: set[int] = set()
    by_hand: set[int] = set()
    for event in events:
        if isinstance(event, FaultStruck):
            (by_hand if event.fault == BY_HAND else struck).add(event.connection.number)
        elif isinstance(event, Reply) and is_smtp(event.connection) and event.code.isdecimal():
            number = event.connection.number
            if number not in by_hand:
                (by_plan if number in struck else earned).add(int(event.code))
            struck.discard(number)
    return earned, by_plan


def _heard(wanted: Sequence[int], *, planned: bool) -> Callable[[Scene], str]:
    def look(scene: Scene) -> str:
        earned, by_plan = codes_heard(scene.trace.events)
        have = earned | by_plan if planned else earned
        missing = [code for code in wanted if code not in have]
        if not missing:
            return ""
        only_planned = [code for code in missing if code in by_plan]
        if only_planned:
            return f"{only_planned[0]} was planned. Earn it: what must a client say to hear it?"
        said = ", ".join(str(code) for code in sorted(have)) or "nothing"
        return f"Still missing: {', '.join(map(str, missing))}. Heard so far: {said}."

    return look


def hear_them_all(lab: Lab) -> None:
    """The way of exercise 3.3."""
    from labmail.course import talk

    talk(
        "mx1.saigon.example",
        "HALLO",  # 500: no such command
        "DATA",  # 503: not now
        "EHLO son-laptop.hanoi.example",  # 250
        "MAIL son@hanoi.example",  # 501: not written as it should be
        "MAIL FROM:<son@hanoi.example> SIZE=99999999",  # 552: too big
        "MAIL FROM:<son@hanoi.example>",
        "RCPT TO:<ai-do@saigon.example>",  # 550: nobody has this address
        "RCPT TO:<minh@saigon.example>",
        "DATA",  # 354
        "Subject: x\r\n\r\na NUL: \0\r\n.",  # 554: what no letter may hold
        "GET / HTTP/1.1",  # 421: a browser at the wrong door
    )
    mx1 = lab.host("mx1.saigon.example")
    mx1.answer("RCPT", "450 4.2.1 Mailbox busy, try again", times=1)
    mx1.answer("RCPT", "452 4.5.3 Too many recipients", times=1)
    recipient = "RCPT TO:<minh@saigon.example>"
    talk("mx1.saigon.example", "EHLO x", "MAIL FROM:<>", recipient, recipient, "QUIT")


# --- 3.4: what to do with it -------------------------------------------------------------------

TWELVE = (
    (450, "4.2.1"),
    (550, "5.1.1"),
    (503, "5.5.1"),
    (452, "4.3.1"),
    (552, "5.3.4"),
    (501, "5.5.4"),
    (451, "4.3.0"),
    (530, "5.7.0"),
    (554, "5.4.6"),
    (421, "4.4.2"),
    (500, "5.5.1"),
    (535, "5.7.8"),
)
"""The replies of exercise 3.4, in their order."""
RETRY, GIVE_UP, FIX = "retry", "give up", "fix"
_SAME = {"try again": RETRY, "again": RETRY, "later": RETRY, "fix client": FIX, "giveup": GIVE_UP}
_ADVICE = {
    (RETRY, GIVE_UP): "The first digit says that the same will fail again, at any hour.",
    (RETRY, FIX): "The first digit says that the same line will fail again, at any hour.",
    (GIVE_UP, RETRY): "The first digit says: not now. Who gives up has lost a letter for nothing.",
    (FIX, RETRY): "The client has done nothing wrong: read the first digit again.",
    (GIVE_UP, FIX): "It is not about this letter or its reader: the client does something "
    "that no server of this kind takes.",
    (
        FIX,
        GIVE_UP,
    ): "The client spoke well. What it asked for cannot be had; its user must hear so.",
}


def twelve_replies(lab: Lab) -> Table:
    """Let the lab's servers answer twelve replies, and take them apart."""
    rows = {row.key: row for row in codes()}
    heard = [provoke(lab, rows[key]).replies[-1] for key in TWELVE]
    return decoded(heard, "Twelve replies of today")


def what_to_do(code: int) -> str:
    """What a client does with a refusal: the first digit says whether to come again, and among
    those for good x0z and x3z are about what the client says and not about the letter
    (RFC 5321 §4.2.1, RFC 4954 §6)."""
    if code < 500:
        return RETRY
    return FIX if code // 10 % 10 in (0, 3) else GIVE_UP


def _twelve_heard(scene: Scene) -> str:
    heard = {
        (int(e.code), word.decode())
        for e in scene.trace.of(Reply)
        if e.code.isdecimal() and e.lines
        for word in e.lines[0].split()[1:2]
    }
    missing = [f"{code} {enhanced}" for code, enhanced in TWELVE if (code, enhanced) not in heard]
    if missing:
        return (
            f"In the lab that is open now nobody has answered {missing[0]}: run the cell of E3.8 "
            "again."
        )
    return ""


def _deeds(scene: Scene) -> dict[int, str]:
    given = as_mapping(scene.answer).items()
    words = ((str(n).strip(), str(w or "").strip().casefold()) for n, w in given)
    return {int(n): _SAME.get(w, w) for n, w in words if n.isdecimal() and w}


def _each_decided(scene: Scene) -> str:
    given = _deeds(scene)
    if not given:
        return f'Replace the empty quotes by "{RETRY}", "{GIVE_UP}" or "{FIX}".'
    if strange := [w for w in given.values() if w not in (RETRY, GIVE_UP, FIX)]:
        return f'{strange[0]!r} is none of "{RETRY}", "{GIVE_UP}", "{FIX}".'
    missing = [n for n in range(1, len(TWELVE) + 1) if n not in given]
    return f"Still open: {', '.join(map(str, missing))}." if missing else ""


def _well_decided(scene: Scene) -> str:
    given = _deeds(scene)
    true = {n: what_to_do(code) for n, (code, _) in enumerate(TWELVE, 1)}
    wrong = [n for n in true if n in given and given[n] != true[n]]
    fit = sum(given.get(n) == true[n] for n in true)
    if fit == len(true):
        return ""
    if not wrong:
        return f"{fit} of {len(true)} fit so far."
    first = wrong[0]
    code, enhanced = TWELVE[first - 1]
    advice = _ADVICE.get((given[first], true[first]), "Read its digits again.")
    return f"{fit} of {len(true)} fit. Look at {first} ({code} {enhanced}): {advice}"


def decide(lab: Lab) -> dict[int, str]:
    """The way of exercise 3.4."""
    return {
        1: "retry",  # 450: the mailbox is busy
        2: "give up",  # 550 5.1.1: nobody has this address; the sender must hear so
        3: "fix",  # 503: the client's order is wrong
        4: "retry",  # 452: the disk is full, today
        5: "give up",  # 552: this letter is too big, and will be tomorrow
        6: "fix",  # 501: the line is not written as it should be
        7: "retry",  # 451: something broke over there
        8: "fix",  # 530: TLS or a login first: the client's settings
        9: "give up",  # 554 5.4.6: the letter goes round in a loop
        10: "retry",  # 421: the server hangs up; call again
        11: "fix",  # 500: no such command
        12: "fix",  # 535: the password in the settings is wrong
    }


def _twelve_stage(lab: Lab) -> None:
    twelve_replies(lab)


EXERCISES = (
    Exercise(
        key="3.1",
        title="A mail program of your own",
        minutes=15,
        goals=(
            Goal("a plain letter reaches Minh as it was written", _plain_letter),
            Goal("so does one with dots at the beginning of its lines", _dotted_letter),
            Goal("replies of many lines are read to their end, and a no is a no", _listens),
        ),
        hints=(
            "Begin with the lines of E3.1's cell: they can say a line and read a reply. What do "
            "they do with a reply that is not the one you hoped for?",
            "The server reads until CR LF, dot, CR LF. So each line of the letter ends with CR LF, "
            "and a line that begins with a dot needs one more in front.",
            'A reply is over at the first line that has no "-" behind its number. Compare that '
            "number with the one you need, and stop if it is another.",
        ),
        solve=write_a_client,
        done="That is a whole SMTP client. What real ones add is patience, TLS and a queue.",
    ),
    Exercise(
        key="3.2",
        title="Lines in order",
        minutes=5,
        goals=(
            Goal("all that the client says is laid, and nothing else", _all_laid),
            Goal("the server hears every line, and says yes", _said_yes),
            Goal("Minh and Hoa have the letter", _both_have_it),
        ),
        hints=(
            "Find the state diagram of E3.1 and walk along its main road.",
            "Both recipients belong before DATA. What stands between DATA and the dot is the "
            "letter.",
        ),
        solve=lay_in_order,
        done="The order is the state machine's; between the two recipients it does not matter.",
    ),
    Exercise(
        key="3.3",
        title="Eleven replies",
        minutes=15,
        goals=(
            Goal("250, 354, 500, 501 and 503 were heard", _heard(EVERYDAY, planned=False)),
            Goal("550, 552 and 554 were earned", _heard(EARNED, planned=False)),
            Goal("421, 450 and 452 were heard, planned or not", _heard(TROUBLE, planned=True)),
        ),
        hints=(
            "50z is about the line: no such command, badly written, at the wrong time. You have "
            "seen all three in E3.2.",
            "55z is about the letter: to nobody, too big, or with something in it that no letter "
            "may hold (an octet with the value 0, for instance).",
            "450 and 452 are bad luck. The line that plans the first stands in the exercise; "
            "change its number and its words for the second. 421 is what a browser hears at the "
            "wrong door.",
        ),
        solve=hear_them_all,
        done="Whoever has heard them on purpose will not be frightened by them in a log.",
    ),
    Exercise(
        key="3.4",
        title="Retry, give up, or fix the client?",
        minutes=6,
        goals=(
            Goal("the twelve replies were answered in this lab", _twelve_heard),
            Goal("each has its word", _each_decided),
            Goal("the words fit the digits", _well_decided),
        ),
        hints=(
            "First digit: 4 or 5? That decides between coming again and not.",
            "Among the 5yz: is it about the letter and its reader (55z), or about what the client "
            "says and how it is set up (50z, 53z)?",
        ),
        solve=decide,
        done="Two digits decide: the first says whether to come again, the second what about.",
        stage=_twelve_stage,
    ),
)
