"""The state file of a letter: what stands in ``<queue-id>.json``.

It is meant to be read by people too, so it is indented and keeps Vietnamese
letters as they are.  Reading trusts nothing: a file that was cut off or edited
by hand gives a `BadRecord` that names the field, never a half-read letter.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeVar

from labmail.queue.letter import Copy, Letter, State, check_envelope
from labmail.trace.parcel import Envelope, Recipient

T = TypeVar("T")


class BadRecord(ValueError):
    """The state file of a letter does not say what it should."""


def text_of(letter: Letter) -> bytes:
    """The state file's text, in UTF-8."""
    envelope = letter.envelope
    record = {
        "queue_id": letter.queue_id,
        "parcel": letter.parcel,
        "role": letter.role,
        "arrived": letter.arrived.isoformat(),
        "size": letter.size,
        "held": letter.held,
        "reverse_path": envelope.reverse_path,
        "body": envelope.body,
        "smtputf8": envelope.smtputf8,
        "ret": envelope.ret,
        "envid": envelope.envid,
        "recipients": [_record_of(copy) for copy in letter.copies],
    }
    # An address may hold half a surrogate pair: it must come back as it went in.
    return _spread(record).encode("utf-8", "surrogatepass")


def _spread(record: dict[str, Any]) -> str:
    """JSON to be read by people: a line for each field, and for each recipient.

    (`json` can indent, but only in its slow part.)
    """
    lines = []
    for name, value in record.items():
        text = _compact(value)
        if isinstance(value, list):
            text = "[\n  " + ",\n  ".join(_compact(item) for item in value) + "\n ]"
        lines.append(f" {_compact(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


_compact = json.JSONEncoder(ensure_ascii=False).encode


def letter_from(text: bytes) -> Letter:
    """The letter that a state file describes.

    Raises:
        BadRecord: the text is cut off, is not JSON, or a field is missing or wrong.
    """
    try:
        record = json.loads(text.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not a complete JSON text: {error}") from None
    if not isinstance(record, dict):
        raise BadRecord("expected one JSON object")
    return _letter(record)


def _letter(record: dict[str, Any]) -> Letter:
    copies = tuple(_copy(item) for item in _field(record, "recipients", list))
    envelope = Envelope(
        reverse_path=_field(record, "reverse_path", str),
        recipients=tuple(copy.recipient for copy in copies),
        body=_field(record, "body", str),
        smtputf8=_field(record, "smtputf8", bool),
        ret=_maybe(record, "ret"),
        envid=_maybe(record, "envid"),
    )
    try:
        check_envelope(envelope)
    except ValueError as error:
        raise BadRecord(str(error)) from None
    return Letter(
        queue_id=_field(record, "queue_id", str),
        parcel=_field(record, "parcel", int),
        role=_field(record, "role", str),
        arrived=_moment(record, "arrived"),
        size=_field(record, "size", int),
        envelope=envelope,
        copies=copies,
        held=_field(record, "held", bool),
    )


def _record_of(copy: Copy) -> dict[str, Any]:
    return {
        "address": copy.recipient.address,
        "notify": copy.recipient.notify,
        "orcpt": copy.recipient.orcpt,
        "state": str(copy.state),
        "attempts": copy.attempts,
        "next_try": copy.next_try.isoformat(),
        "last_try": None if copy.last_try is None else copy.last_try.isoformat(),
        "reply": copy.reply,
        "status": copy.status,
        "to": copy.to,
        "warned": copy.warned,
    }


def _copy(record: Any) -> Copy:
    if not isinstance(record, dict):
        raise BadRecord("each of 'recipients' should be an object")
    recipient = Recipient(
        _field(record, "address", str), _maybe(record, "notify"), _maybe(record, "orcpt")
    )
    state = _field(record, "state", str)
    if state not in list(State):
        raise BadRecord(f"'state' is {state!r}; expected one of {', '.join(State)}")
    return Copy(
        recipient=recipient,
        next_try=_moment(record, "next_try"),
        state=State(state),
        attempts=_field(record, "attempts", int),
        last_try=None if _maybe(record, "last_try") is None else _moment(record, "last_try"),
        reply=_field(record, "reply", str),
        status=_field(record, "status", str),
        to=_field(record, "to", str),
        warned=_field(record, "warned", bool),
    )


def _field(record: dict[str, Any], name: str, kind: type[T]) -> T:
    value = record.get(name)
    if type(value) is not kind:
        raise BadRecord(f"{name!r} is {value!r}; expected a value of type {kind.__name__}")
    return value


def _maybe(record: dict[str, Any], name: str) -> str | None:
    return None if record.get(name) is None else _field(record, name, str)


def _moment(record: dict[str, Any], name: str) -> datetime:
    text = _field(record, name, str)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRecord(f"{name!r} is {text!r}; expected a date and time") from None
    if moment.tzinfo is None:
        raise BadRecord(f"{name!r} is {text!r}; expected a time zone too")
    return moment
