"""What one line of a session means, looked up in the tables of its protocol.

The tables (`explain_smtp`, `explain_pop3`, `explain_imap`) hold the words; here is only the
way to the right row.  A `Meaning` is short words and the section that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from labmail.trace.events import Command, Reply
from labmail.views import explain_imap as imap
from labmail.views import explain_pop3 as pop3
from labmail.views import explain_smtp as smtp
from labmail.views.spoken import is_smtp

_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})(?:\s|$)")
_BRACKETS = re.compile(r"\[([A-Za-z0-9/_-]+)")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a line says, and where that is written."""

    words: str = ""
    section: str = ""


Row = tuple[str, str]


def _join(rows: Iterable[Row | None]) -> Meaning:
    found = [row for row in rows if row]
    words = " · ".join(words for words, _ in found if words)
    return Meaning(words, _sections(section for _, section in found if section))


def _sections(sections: Iterable[str]) -> str:
    """Sections, each document named once: "RFC 5321 §4.2.1, §4.2.5; RFC 3463 §3.1"."""
    documents: dict[str, dict[str, None]] = {}
    for section in sections:
        document, _, place = section.partition(" §")
        documents.setdefault(document, {}).update({f"§{place}": None} if place else {})
    return "; ".join(f"{doc} {', '.join(places)}".rstrip() for doc, places in documents.items())


def command(event: Command) -> Meaning:
    """What a command asks for."""
    verb = event.verb
    if is_smtp(event.connection):
        return _join([smtp.COMMANDS.get(verb, _UNKNOWN), *_parameters(event)])
    if event.connection.service.startswith("pop3"):
        return _join([pop3.COMMANDS.get(verb, _UNKNOWN)])
    if event.connection.service.startswith("imap"):
        return _join([imap.COMMANDS.get(verb, _UNKNOWN)])
    return Meaning()


_UNKNOWN: Row = ("not a command of this protocol", "")


def _parameters(event: Command) -> list[Row]:
    """The ESMTP parameters behind the address of MAIL and RCPT."""
    if event.verb not in {"MAIL", "RCPT"}:
        return []
    _, _, after = event.line.decode("latin-1").rpartition(">")
    names = (word.partition("=")[0].upper() for word in after.split())
    return [smtp.PARAMETERS[name] for name in names if name in smtp.PARAMETERS]


def reply(event: Reply) -> list[Meaning]:
    """What each line of a reply says."""
    texts = [line.decode("utf-8", "replace") for line in event.lines]
    if is_smtp(event.connection):
        return [_smtp_line(event, i, text) for i, text in enumerate(texts)]
    if event.connection.service.startswith("pop3"):
        return [_pop3_line(event, i, text) for i, text in enumerate(texts)]
    if event.connection.service.startswith("imap"):
        return [_imap_line(event, text) if i == 0 else Meaning() for i, text in enumerate(texts)]
    return [Meaning() for _ in texts]


# --- SMTP -------------------------------------------------------------------------------


def _smtp_line(event: Reply, index: int, text: str) -> Meaning:
    code, rest = text[:3], text[4:]
    if index and event.verb in {"EHLO", "LHLO"}:
        return _join([smtp.EXTENSIONS.get(rest.partition(" ")[0].upper(), _PRIVATE)])
    if index:
        return Meaning("the same reply, next line", "RFC 5321 §4.2.1")
    known = smtp.AFTER.get((event.verb, code)) or smtp.CODES.get(code)
    return _join([known, *_digits(code), enhanced(rest)])


_PRIVATE: Row = ("an extension", "RFC 5321 §2.2")


def _digits(code: str) -> list[Row]:
    """ "250" → "2xx yes, done", "x5x about mail"."""
    if not re.fullmatch(r"[2-5]\d\d", code):
        return []
    rows = [(f"{code[0]}xx {smtp.FIRST_DIGIT[code[0]]}", smtp.DIGITS_SECTION)]
    if code[1] in smtp.SECOND_DIGIT:
        words, section = smtp.SECOND_DIGIT[code[1]]
        rows.append((f"x{code[1]}x {words}", section))
    return rows


def enhanced(text: str) -> Row | None:
    """The meaning of an enhanced status code at the beginning of the text, if there is one:
    class, subject, detail (RFC 3463 §2)."""
    found = _ENHANCED.match(text)
    if not found:
        return None
    kind, subject, detail = found.groups()
    about, section = smtp.SUBJECTS.get(subject, ("something newer", "RFC 3463 §2"))
    key = f"{subject}.{detail}"
    words = smtp.DETAILS.get(key, about)
    code = f"{kind}.{key}"
    return f"{code} {smtp.CLASSES[kind]}: {words}", smtp.DETAIL_SECTIONS.get(key, section)


# --- POP3 -------------------------------------------------------------------------------


def _pop3_line(event: Reply, index: int, text: str) -> Meaning:
    if index:
        if text == ".":
            return _join([pop3.END_OF_LINES])
        if event.verb == "CAPA":
            return _join([pop3.CAPABILITIES.get(text.partition(" ")[0].upper())])
        return _join([pop3.LINES.get(event.verb)])
    words, section = pop3.INDICATORS.get(event.code, ("", ""))
    if event.code == "+OK" and event.verb in pop3.ANSWERS:
        words = f"{words}: {pop3.ANSWERS[event.verb]}"
    return _join([(words, section), _in_brackets(text, pop3.RESPONSE_CODES)])


# --- IMAP -------------------------------------------------------------------------------


def _imap_line(event: Reply, text: str) -> Meaning:
    code = _in_brackets(text, imap.RESPONSE_CODES)
    if text.startswith("+"):
        return _join([imap.CONTINUE])
    if not text.startswith("*"):
        words, section = imap.TAGGED.get(event.code, ("", imap.TAG))
        return _join([(words.replace("this tag", f"tag {event.tag}"), section), code])
    words_after = text[2:].split(" ")
    number = words_after[0].isdigit() and len(words_after) > 1
    word = (words_after[1] if number else words_after[0]).upper()
    if not event.verb and word == "OK":
        return _join([("the server greets", "RFC 3501 §7.1.1"), code])
    status = word in {"OK", "NO", "BAD", "BYE", "PREAUTH"}
    return _join([imap.UNTAGGED.get(word), code if status else None])


def _in_brackets(text: str, table: dict[str, Row]) -> Row | None:
    """The meaning of the response code in [ ], if the line has one."""
    found = _BRACKETS.search(text)
    row = table.get(found.group(1).upper()) if found else None
    return (f"{found.group(1).upper()}: {row[0]}", row[1]) if found and row else None
