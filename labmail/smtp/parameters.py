"""The parameters of MAIL and RCPT, each with its rule.

Which parameter goes with which extension, and what it may say:

    SIZE=octets        RFC 1870 §3      how large the letter is going to be
    BODY=7BIT|8BITMIME RFC 6152 §2      whether it holds octets above 127
    SMTPUTF8           RFC 6531 §3.4    addresses and header may be UTF-8
    RET=FULL|HDRS      RFC 3461 §4.3    how much of the letter a bounce gives back
    ENVID=xtext        RFC 3461 §4.4    the sender's own name for this envelope
    AUTH=xtext         RFC 4954 §5      who submitted it; read and not trusted
    NOTIFY=…           RFC 3461 §4.1    when to report about this recipient
    ORCPT=type;xtext   RFC 3461 §4.2    the recipient as the first sender knew it

A value that cannot be taken is refused with 501, a parameter nobody knows with 555.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labmail.smtp import replies
from labmail.smtp.paths import is_xtext, read_parameters
from labmail.smtp.replies import Refusal

Value = str | None
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870 §3
_ORCPT = re.compile(r"[A-Za-z0-9-]+;(.+)")
_WIDE = re.compile("[\u00a0-\U0010ffff]")
_NOTIFY = frozenset({"SUCCESS", "FAILURE", "DELAY"})


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL said beside the address.  `size` is None where none was declared."""

    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False
    ret: str | None = None
    envid: str | None = None


@dataclass(frozen=True, slots=True)
class RcptParameters:
    """What RCPT said beside the address."""

    notify: str | None = None
    orcpt: str | None = None


def mail_parameters(text: str) -> MailParameters:
    """Read what follows MAIL's path.  Raises Refusal."""
    given = _checked(text, _MAIL)
    size = given.get("SIZE")
    return MailParameters(
        size=None if size is None else int(size),
        body=(given.get("BODY") or "7BIT").upper(),
        smtputf8="SMTPUTF8" in given,
        ret=_upper(given.get("RET")),
        envid=given.get("ENVID"),
    )


def rcpt_parameters(text: str) -> RcptParameters:
    """Read what follows RCPT's path.  Raises Refusal."""
    given = _checked(text, _RCPT)
    return RcptParameters(notify=_upper(given.get("NOTIFY")), orcpt=given.get("ORCPT"))


def _is_notify(value: str) -> bool:
    """NEVER alone, or a list of the others (RFC 3461 §4.1)."""
    words = value.upper().split(",")
    return words == ["NEVER"] or (_NOTIFY.issuperset(words) and len(set(words)) == len(words))


def _is_orcpt(value: str) -> bool:
    """An address type, a semicolon and xtext; UTF-8 stands for itself (RFC 6533 §3)."""
    found = _ORCPT.fullmatch(value)
    return found is not None and is_xtext(_WIDE.sub("u", found[1]), 500)  # RFC 3461 §4


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which values are fine; `hint` says what was expected.  `bare` means: no value at all."""

    fine: Callable[[str], bool]
    hint: str
    bare: bool = False

    def admits(self, value: Value) -> bool:
        return self.bare if value is None else not self.bare and self.fine(value)


_MAIL = {
    "SIZE": _Rule(lambda v: bool(_SIZE.fullmatch(v)), "a number of octets"),
    "BODY": _Rule(lambda v: v.upper() in {"7BIT", "8BITMIME"}, "7BIT or 8BITMIME"),
    "SMTPUTF8": _Rule(lambda v: False, "no value", bare=True),
    "RET": _Rule(lambda v: v.upper() in {"FULL", "HDRS"}, "FULL or HDRS"),
    "ENVID": _Rule(lambda v: is_xtext(v, 100), "xtext of at most 100 characters"),
    "AUTH": _Rule(lambda v: is_xtext(v, 500), "xtext"),
}
_RCPT = {
    "NOTIFY": _Rule(_is_notify, "NEVER, or a list of SUCCESS, FAILURE and DELAY"),
    "ORCPT": _Rule(_is_orcpt, "type;xtext, as in rfc822;minh@saigon.example"),
}


def _checked(text: str, rules: Mapping[str, _Rule]) -> dict[str, Value]:
    try:
        given = read_parameters(text)
    except ValueError as error:
        raise Refusal(replies.bad_parameter(str(error))) from error
    for name, value in given.items():
        if name not in rules:
            raise Refusal(replies.unknown_parameter(name))
        if not rules[name].admits(value):
            raise Refusal(replies.bad_parameter(f"{name}: expected {rules[name].hint}"))
    return given


def _upper(value: Value) -> Value:
    return value.upper() if value else None
