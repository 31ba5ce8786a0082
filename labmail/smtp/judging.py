"""Is this a reply that an SMTP client can work with?

A server may put what it likes into the text.  The rest is narrow: three digits of a certain
range, the same in each line, ``-`` behind them while more lines follow (RFC 5321 §4.2,
§4.2.1).  And not every number fits every command: RFC 5321 §4.3.2 lists for each command
the replies of success and of refusal.  A client that meets another number is to go by the
first digit alone (§4.2.1); many insist on the number they expect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labmail.smtp import states

REPLY_LINE = 512  # RFC 5321 §4.5.3.1.5

SUCCESS: dict[str, tuple[int, ...]] = {
    "": (220,),
    "EHLO": (250,),
    "HELO": (250,),
    "MAIL": (250,),
    "RCPT": (250, 251),
    "DATA": (354,),
    ".": (250,),
    "RSET": (250,),
    "VRFY": (250, 251, 252),
    "EXPN": (250, 252),
    "HELP": (211, 214),
    "NOOP": (250,),
    "QUIT": (221,),
    "STARTTLS": (220,),  # RFC 3207 §4
    "AUTH": (235, 334),  # RFC 4954 §4
}
"""What says yes to a command (RFC 5321 §4.3.2)."""

REFUSAL: dict[str, tuple[int, ...]] = {
    "": (554,),
    "EHLO": (502, 504, 550),
    "HELO": (502, 504, 550),
    "MAIL": (451, 452, 455, 503, 550, 552, 553, 555),
    "RCPT": (450, 451, 452, 455, 503, 550, 551, 552, 553, 555),
    "DATA": (450, 451, 503, 550, 554),
    ".": (450, 451, 452, 550, 552, 554),
    "VRFY": (502, 504, 550, 551, 553),
    "EXPN": (502, 504, 550),
    "HELP": (502, 504),
    "STARTTLS": (454,),
    "AUTH": (432, 454, 504, 530, 534, 535, 538),
}
"""What says no to a command (RFC 5321 §4.3.2)."""

ANYTIME = (421, 500, 501)
"""The server must close; the line is no command; its arguments are wrong: possible everywhere."""

Worth = Literal["fits", "unusual", "wrong"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply is worth, why, and where that is written."""

    worth: Worth
    words: str
    section: str


def judge(state: str, verb: str, lines: tuple[str, ...]) -> Verdict:
    """Whether these lines are a reply to `verb`, said in `state` of a session."""
    return _form(lines) or _order(state, verb, int(lines[0][:3])) or _number(verb, lines)


def finished(lines: tuple[str, ...]) -> bool:
    """Whether a client takes the last of these lines for the last of the reply."""
    return bool(lines) and lines[-1][3:4] != "-"


# --- the form ---------------------------------------------------------------------------------


def _form(lines: tuple[str, ...]) -> Verdict | None:
    if strange := [line for line in lines if not _begins_with_code(line)]:
        begin = repr(strange[0][:8]) if strange[0] else "an empty line"
        return _wrong(f"{begin}: a reply begins with three digits, 200 to 559", "§4.2")
    if len({line[:3] for line in lines}) > 1:
        return _wrong("each line of one reply repeats the same number", "§4.2.1")
    if not finished(lines):
        return _wrong("with '-' behind the number the client waits for a further line", "§4.2.1")
    if inner := [line for line in lines[:-1] if line[3:4] != "-"]:
        return _wrong(
            f"{inner[0][:12]!r} ends the reply: the lines after it answer nothing", "§4.2.1"
        )
    if any(len(line.encode()) + 2 > REPLY_LINE for line in lines):
        return _wrong("a line of a reply has at most 512 octets with its CR LF", "§4.5.3.1.5")
    if not all(line.isascii() for line in lines):
        return _wrong("a reply is ASCII, unless the client has asked for SMTPUTF8", "§4.2")
    return None


def _begins_with_code(line: str) -> bool:
    """Reply-code = %x32-35 %x30-35 %x30-39 (RFC 5321 §4.2)."""
    code = line[:3]
    digits = code.isascii() and code.isdecimal() and len(code) == 3
    return digits and "2" <= code[0] <= "5" and code[1] <= "5" and line[3:4] in ("", " ", "-")


# --- the number --------------------------------------------------------------------------------


def _order(state: str, verb: str, code: int) -> Verdict | None:
    if not verb or states.in_order(state, verb) or code >= 400:
        return None
    if verb not in states.VERBS:
        return _wrong("nobody knows this command: the reply is 500", "§4.2.4")
    return _wrong(f"{verb} is out of order in the state {state!r}: the reply is 503", "§4.1.4")


def _number(verb: str, lines: tuple[str, ...]) -> Verdict:
    code, kind = int(lines[0][:3]), lines[0][0]
    enhanced = lines[0][4:5] if lines[0][5:6] == "." and lines[0][4:5].isdecimal() else kind
    if enhanced != kind:
        return _wrong(
            f"{code} and {lines[0].split()[1]} contradict each other: both begin with the same "
            "digit",
            "§4",
            "RFC 2034",
        )
    if code in SUCCESS.get(verb, ()):
        return _yes(verb, lines)
    if code in REFUSAL.get(verb, ()) or code in ANYTIME:
        return Verdict("fits", _NO[kind], "RFC 5321 §4.2.1")
    if verb == "DATA" and kind == "2":
        return _wrong("the client asked to send the letter, and waits for 354", "§4.1.1.4")
    if kind == "3":
        return _wrong("3yz says: go on with more of this. Here there is no more", "§4.2.1")
    expected = " or ".join(map(str, SUCCESS.get(verb, ()) if kind == "2" else ()))
    wish = f"; {expected} is expected here" if expected else ""
    return Verdict("unusual", f"not listed for this command{wish}", "RFC 5321 §4.3.2")


_NO = {
    "4": "not now: the client keeps the letter and may come again",
    "5": "no: the client should not say the same again",
}


def _yes(verb: str, lines: tuple[str, ...]) -> Verdict:
    if verb in ("", "EHLO", "HELO") and not lines[0][4:].strip():
        return Verdict("unusual", "the name of the server is missing", "RFC 5321 §4.2")
    return Verdict("fits", _MEANT.get(verb, "yes, done"), "RFC 5321 §4.3.2")


_MEANT = {
    "": "you are there, and you speak SMTP",
    "EHLO": "you greet back; more lines would offer extensions",
    "HELO": "you greet back",
    "MAIL": "a letter is begun; its sender is noted",
    "RCPT": "this recipient is noted; nothing is delivered yet",
    "DATA": "go on: the letter may come",
    ".": "the letter is yours now, and so is the duty to deliver it or to tell its sender",
    "RSET": "what was begun is forgotten",
    "QUIT": "good-bye; you hang up",
}


def _wrong(words: str, section: str, document: str = "RFC 5321") -> Verdict:
    return Verdict("wrong", words, f"{document} {section}")
