"""BODY and BODYSTRUCTURE: the shape of a message without its content (RFC 3501 §7.4.2).

A client that has this knows each part's number, type and size, and can fetch the text
of a letter without its ten megabytes of pictures.

    ("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 1152 23)
     type   subtype parameters           id  description encoding    octets lines

BODYSTRUCTURE adds extension data: digest, disposition, language, location.
"""

from __future__ import annotations

from labmail.imap.envelope import envelope
from labmail.imap.response import NIL, nstring, parenthesised, string
from labmail.letter.fields import Valued, valued
from labmail.letter.mime import Entity


def structure(entity: Entity, extended: bool) -> bytes:
    """The body structure of an entity; `extended` with extension data (BODYSTRUCTURE).

    The tree was bounded when it was scanned, so the recursion is.
    """
    if entity.parts:
        return _multipart(entity, extended)
    major, _, minor = entity.content_type.value.partition(b"/")
    fields = [
        string(major),
        string(minor),
        _parameters(entity.content_type),
        nstring(entity.field(b"content-id")),
        nstring(entity.field(b"content-description")),
        string(_encoding(entity)),
        b"%d" % (entity.end - entity.body),
    ]
    if entity.message is not None:  # body-type-msg
        fields += [envelope(entity.message), structure(entity.message, extended)]
    if entity.message is not None or major == b"text":  # body-type-text
        fields.append(b"%d" % entity.lines)
    if extended:
        fields += [nstring(entity.field(b"content-md5")), *_extension(entity)]
    return parenthesised(fields)


def _multipart(entity: Entity, extended: bool) -> bytes:
    # body-type-mpart = 1*body SP media-subtype: no spaces between the parts, §9
    parts = b"".join(structure(part, extended) for part in entity.parts)
    subtype = string(entity.content_type.value.partition(b"/")[2])
    extension = [_parameters(entity.content_type), *_extension(entity)] if extended else []
    return b"(" + b" ".join([parts, subtype, *extension]) + b")"


def _extension(entity: Entity) -> list[bytes]:
    """body-fld-dsp, body-fld-lang, body-fld-loc"""
    return [
        _disposition(entity.field(b"content-disposition")),
        _languages(entity.field(b"content-language")),
        nstring(entity.field(b"content-location")),
    ]


def _parameters(field: Valued) -> bytes:
    """body-fld-param: names and values in turn, or NIL."""
    pairs = [string(word) for pair in field.parameters for word in pair]
    return parenthesised(pairs) if pairs else NIL


def _disposition(value: bytes | None) -> bytes:
    if not value:
        return NIL
    disposition = valued(value)
    return parenthesised([string(disposition.value), _parameters(disposition)])


def _languages(value: bytes | None) -> bytes:
    """body-fld-lang: one, or a list of them (RFC 3282)."""
    tags = [tag.strip() for tag in (value or b"").split(b",") if tag.strip()]
    return NIL if not tags else parenthesised(string(tag) for tag in tags)


def _encoding(entity: Entity) -> bytes:
    """The transfer encoding; 7bit if it does not say (RFC 2045 §6.1)."""
    return valued(entity.field(b"content-transfer-encoding") or b"7bit").value or b"7bit"
