r"""Addresses and parameters, as they stand in commands (RFC 5321 §4.1.2).

    MAIL FROM:<son@hanoi.example> SIZE=1200 BODY=8BITMIME
               └──── path ─────┘  └──── parameters ─────┘

A *path* is an address in angle brackets.  It has forms that every server must
read and none should use; what they mean is settled here, so that nobody further
in can be fooled by spelling:

* ``<@a.example,@b.example:minh@c.example>``: a source route.  It is read and
  dropped (RFC 5321 §4.1.1.3, appendix C): the address is ``minh@c.example``.
* ``<"minh"@c.example>``: a quoted local part that needs no quotes is the same as
  the one without (§4.1.2), and comes out without.
* ``<minh%b.example@c.example>``: no route here.  The address is what stands left of
  the last ``@``, in the domain that stands right of it.
* ``<postmaster>``: the one address that may come without a domain (§4.5.1).
* ``<>``: the null path, nobody; a sender only (§4.5.5).

Letters beyond ASCII are read everywhere (RFC 6531 §3.3); whether they are welcome
is decided where SMTPUTF8 is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOCAL_PART_LIMIT = 64
"""Octets, RFC 5321 §4.5.3.1.1."""
DOMAIN_LIMIT = 255
"""Octets, RFC 5321 §4.5.3.1.2."""

_WIDE = "\u00a0-\U0010ffff"  # UTF8-non-ascii, RFC 6531 §3.3
_ATEXT = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_WIDE}-]"  # RFC 5322 §3.2.3
_DOT_STRING = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_QUOTED = rf'"(?:[\x20\x21\x23-\x5b\x5d-\x7e{_WIDE}]|\\[\x20-\x7e])*"'  # RFC 5321 §4.1.2
_LABEL = rf"[A-Za-z0-9_{_WIDE}-]+"  # with "_", which hosts in the wild have
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[[A-Za-z0-9.:-]+\]"  # RFC 5321 §4.1.3
_DOMAIN = rf"(?:{_NAME}|{_LITERAL})"

_PATH = re.compile(
    rf"<(?:(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?(?P<local>{_DOT_STRING}|{_QUOTED})@(?P<domain>{_DOMAIN})"
    r"|(?P<alone>[A-Za-z]+))?>(?P<rest>(?: .*)?)"
)
_HELLO_NAME = re.compile(rf"{_DOMAIN}\.?")
_NEEDS_NO_QUOTES = re.compile(_DOT_STRING)
_QUOTED_PAIR = re.compile(r"\\(.)")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\x00-\x20\x7f]+))?")  # RFC 5321 §4.1.2
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")  # RFC 3461 §4


class BadPath(ValueError):
    """This is no path."""


class PathTooLong(BadPath):
    """The address is longer than RFC 5321 §4.5.3.1 lets it be."""


@dataclass(frozen=True, slots=True)
class Path:
    """What stands behind ``MAIL FROM:`` or ``RCPT TO:``.

    `address` is "" for the null path; `rest` is the text behind the bracket.
    """

    address: str
    rest: str

    @property
    def unfinished(self) -> bool:
        """Whether the domain is a single word ("saigon"), which means something at home only."""
        _, at, domain = self.address.rpartition("@")
        return bool(at) and not domain.startswith("[") and "." not in domain


def read_path(text: str) -> Path:
    """Read a path and leave what follows it.

    Raises BadPath (also for a name without domain that is not postmaster) and
    PathTooLong.
    """
    found = _PATH.fullmatch(text)
    if found is None:
        raise BadPath(f"{text!r} is no path: expected <local@domain>")
    rest = found["rest"].strip()
    if found["local"] is not None:
        return Path(_address(found["local"], found["domain"]), rest)
    alone = found["alone"] or ""
    if alone and alone.lower() != "postmaster":  # RFC 5321 §4.5.1
        raise BadPath(f"{alone!r} has no domain: only postmaster may come without one")
    return Path(alone, rest)


def read_parameters(text: str) -> dict[str, str | None]:
    """The ESMTP parameters, names in capitals, None for one without ``=``.

    Raises ValueError when one cannot be read or stands there twice.
    """
    parameters: dict[str, str | None] = {}
    for word in text.split():
        found = _PARAMETER.fullmatch(word)
        if found is None:
            raise ValueError(f"Parameter {word} cannot be read")
        name = found[1].upper()
        if name in parameters:
            raise ValueError(f"Parameter {name} given twice")
        parameters[name] = found[2]
    return parameters


def is_hello_name(text: str) -> bool:
    """Whether this may stand behind EHLO: a host name, or an address in brackets.

    One without dots passes: whether to like such a name is policy, not syntax.
    """
    return len(text.encode()) <= DOMAIN_LIMIT and bool(_HELLO_NAME.fullmatch(text))


def is_xtext(text: str, limit: int) -> bool:
    """Whether this is xtext of at most `limit` characters (RFC 3461 §4)."""
    return len(text) <= limit and bool(_XTEXT.fullmatch(text))


def _address(local: str, domain: str) -> str:
    local = _without_needless_quotes(local)
    if len(local.encode()) > LOCAL_PART_LIMIT or len(domain.encode()) > DOMAIN_LIMIT:
        raise PathTooLong(f"{local}@{domain} is too long")
    if any(label.startswith("-") or label.endswith("-") for label in domain.split(".")):
        raise BadPath(f"{domain!r} is no domain: a label may not begin or end with a hyphen")
    return f"{local}@{domain}"


def _without_needless_quotes(local: str) -> str:
    if not local.startswith('"'):
        return local
    plain = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return plain if _NEEDS_NO_QUOTES.fullmatch(plain) else local
