"""Where the answers to a letter go.

Five kinds of answer, and five different places in which to look for the address.  A person's
reply follows the header, for people wrote it; a server's bounce follows the envelope, for that
is what servers hold; an automatic answer follows the envelope too, so that two
machines never write to each other for ever.

    answer       looks at                        who decides so
    reply        Reply-To, else From             RFC 5322 §3.6.2
    reply all    the same, and To and Cc         RFC 5322 §3.6.3
    bounce       MAIL FROM, later Return-Path    RFC 5321 §6.1, §4.4
    auto-reply   Return-Path, and many refusals  RFC 3834 §2, §4
    list post    List-Post                       RFC 2369 §3.4

Nothing is sent here, and nothing is asked of anybody: bytes in, addresses and reasons out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import Literal
from urllib.parse import unquote

Kind = Literal["reply", "reply all", "bounce", "auto-reply", "list post"]
KINDS: tuple[Kind, ...] = ("reply", "reply all", "bounce", "auto-reply", "list post")


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where one kind of answer goes.

    `to` is empty when it goes nowhere; `because` says why it goes where it goes, `source` is
    the RFC section.
    """

    kind: Kind
    to: tuple[str, ...]
    because: str
    source: str


def arrows(content: bytes, reverse_path: str | None = None, me: str = "") -> tuple[Arrow, ...]:
    """Where each kind of answer to this letter goes, in the order of `KINDS`.

    reverse_path: the MAIL FROM of the envelope, "" for ``<>``.  None when the envelope is gone,
    as in a mailbox: then Return-Path, which final delivery wrote, speaks for it.
    me: who answers; that address gets no copy of its own reply, and no answer of its own.
    """
    header = BytesHeaderParser(policy=policy.compat32).parsebytes(content)
    path = _return_path(header) if reverse_path is None else reverse_path
    where = "Return-Path" if reverse_path is None else "MAIL FROM"
    return (
        _reply(header),
        _reply_all(header, me),
        _bounce(path, where),
        _auto_reply(header, path, where, me),
        _list_post(header),
    )


def arrow(kind: Kind, content: bytes, reverse_path: str | None = None, me: str = "") -> Arrow:
    """One of them: ``arrow("reply", letter)``."""
    return arrows(content, reverse_path, me)[KINDS.index(kind)]


# --- a person answers ---------------------------------------------------------------------------


def _reply(header: Message) -> Arrow:
    to, field = _suggested(header)
    if not to:
        return Arrow("reply", (), "the letter names no author", "RFC 5322 §3.6.2")
    because = {
        "Reply-To": "Reply-To says where the author wants replies",
        "From": "no Reply-To, so the reply goes to who stands in From",
    }[field]
    if any(_NO_REPLY.match(address) for address in to):
        because += "; by its name nobody reads there, yet no rule stops the reply"
    return Arrow("reply", to, because, "RFC 5322 §3.6.2")


_NO_REPLY = re.compile(r"(no|donot|do-not)[-_.]?reply\b", re.IGNORECASE)
"""A habit, not a standard: a program cannot know that a mailbox is not read."""


def _reply_all(header: Message, me: str) -> Arrow:
    authors, field = _suggested(header)
    others = _addresses(header, "To") + _addresses(header, "Cc")
    to = tuple(dict.fromkeys(a for a in (*authors, *others) if a.lower() != me.lower()))
    because = f"{field or 'From'}, and everybody in To and Cc" + (" but oneself" if me else "")
    return Arrow("reply all", to, because, "RFC 5322 §3.6.3")


def _suggested(header: Message) -> tuple[tuple[str, ...], str]:
    """The addresses that a reply goes to, and the field they stand in."""
    for field in ("Reply-To", "From"):
        if found := _addresses(header, field):
            return found, field
    return (), ""


# --- a server answers ---------------------------------------------------------------------------


def _bounce(path: str | None, where: str) -> Arrow:
    source = "RFC 5321 §6.1" if where == "MAIL FROM" else "RFC 5321 §4.4"
    if path is None:
        return Arrow("bounce", (), "the envelope is gone and left no Return-Path", source)
    if not path:
        return Arrow("bounce", (), f"{where} is <>: nobody is to be told", "RFC 5321 §4.5.5")
    return Arrow("bounce", (path,), f"{where} says who hears of trouble", source)


# --- a program answers in a person's place ------------------------------------------------------


def _auto_reply(header: Message, path: str | None, where: str, me: str) -> Arrow:
    if reason := _no_answer(header, path, where, me):
        return Arrow("auto-reply", (), reason, "RFC 3834 §2")
    assert path
    because = f"to {where}, as bounces go; never to From or Reply-To"
    return Arrow("auto-reply", (path,), because, "RFC 3834 §4")


def _no_answer(header: Message, path: str | None, where: str, me: str) -> str:
    """Why a program must keep silent; "" when it may answer (RFC 3834 §2)."""
    if not path:
        return f"{where} is <>: silence" if path == "" else "no Return-Path: no way to know"
    if path.lower() == me.lower():
        return "it comes from oneself: silence"
    if _RESPONDER.match(path):
        return "the sender's address belongs to a program: silence"
    submitted = _first_word(header, "Auto-Submitted")
    if submitted not in ("", "no"):
        return f"Auto-Submitted: {submitted}: a program wrote it, silence"
    if listed := next((n for n in header.keys() if n.lower().startswith("list-")), ""):  # noqa: SIM118
        return f"{listed}: it came through a mailing list, silence"
    precedence = _first_word(header, "Precedence")
    if precedence in ("bulk", "list", "junk"):
        return f"Precedence: {precedence}: sent to many, silence"
    if me and me.lower() not in _named(header):
        return f"{me} stands in none of To, Cc, Bcc: not meant personally, silence"
    return ""


_RESPONDER = re.compile(r"owner-.*@|.*-request@|mailer-daemon(@|$)|postmaster(@|$)", re.IGNORECASE)
"""Return addresses that programs use."""


def _named(header: Message) -> set[str]:
    return {a.lower() for field in ("To", "Cc", "Bcc") for a in _addresses(header, field)}


# --- a member answers everybody -----------------------------------------------------------------


def _list_post(header: Message) -> Arrow:
    value = _raw(header, "List-Post")
    if not value:
        return Arrow("list post", (), "no List-Post: this came through no list", "RFC 2369 §3.4")
    if value[0].strip().split(maxsplit=1)[:1] == ["NO"]:
        return Arrow("list post", (), "List-Post: NO: only the list itself posts", "RFC 2369 §3.4")
    found = re.search(r"<mailto:([^?>]+)", value[0], re.IGNORECASE)
    if not found:
        return Arrow("list post", (), "List-Post names no mail address", "RFC 2369 §3.4")
    address = unquote(found[1])
    return Arrow(
        "list post", (address,), "List-Post says where the list takes mail", "RFC 2369 §3.4"
    )


# --- reading a header ---------------------------------------------------------------------------


def _raw(header: Message, name: str) -> list[str]:
    """The values of a field, unfolded, each as often as it stands there."""
    return [
        " ".join(str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
        for key, value in header.raw_items()
        if key.lower() == name.lower()
    ]


def _addresses(header: Message, name: str) -> tuple[str, ...]:
    found = (address for _, address in getaddresses(_raw(header, name)))
    return tuple(dict.fromkeys(address for address in found if "@" in address))


def _return_path(header: Message) -> str | None:
    """The reverse-path that final delivery wrote down: "" for ``<>``, None when there is none."""
    value = _raw(header, "Return-Path")
    if not value:
        return None
    return value[0].strip().removeprefix("<").removesuffix(">").strip()


def _first_word(header: Message, name: str) -> str:
    """The value of a field without its comments and parameters, in lower case."""
    value = _raw(header, name)
    plain = re.sub(r"\([^)]*\)", " ", value[0]) if value else ""
    return (re.split(r"[;\s]+", plain.strip()) or [""])[0].lower()
