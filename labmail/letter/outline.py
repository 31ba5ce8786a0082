"""All that was read of a letter, as plain data: to keep beside it, and to compare.

`data/messages/` has such an outline beside each letter.  Field by field it says what a
mail program shows and how it was written; part by part where it lies and what it carries.

    python -m labmail.letter.outline data/messages/plain.eml
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import category

from labmail.letter import threads
from labmail.letter.parts import Part, read

_HIDDEN = frozenset({"Cc", "Cf", "Mn", "Zl", "Zp"})
MAX_SHOWN = 2000
"""Characters of a text that are kept."""


def outline(letter: Part) -> dict[str, Any]:
    """The letter in lists, texts and numbers, as JSON knows them.

    What is plain is left out: a field in ASCII has no "written", a part without a
    file no "file".
    """
    card = threads.card(letter.raw)
    return {
        "octets": len(letter.raw),
        "body_at": letter.body_at,
        "fields": [
            {"name": f.name, "text": f.text}
            | ({"written": f.written} if f.kind != "ASCII" else {})
            | ({"lines": f.folded} if f.folded > 1 else {})
            for f in letter.header.fields
        ],
        "parts": [_part(part) for part in letter.walk()],
        "thread": {"message_id": card.message_id, "references": list(card.references)},
        "defects": list(letter.all_defects()),
    }


def _part(part: Part) -> dict[str, Any]:
    found: dict[str, Any] = {"number": part.number, "type": part.type}
    if part.is_text:
        found["charset"] = part.charset
    found |= {"encoding": part.encoding, "at": part.at, "body_at": part.body_at, "size": part.size}
    if part.disposition:
        found["disposition"] = part.disposition
    if part.content_id:
        found["content_id"] = part.content_id
    if part.filename:
        found["file"] = {"name": part.filename.text, "written": part.filename.way}
    if part.inner:
        return found
    found["decoded_size"] = len(part.octets)
    if part.is_text:
        return found | {"text": part.text[:MAX_SHOWN]}
    return found | {"sha256": sha256(part.octets).hexdigest()}


def as_json(found: object) -> str:
    """The data as it is kept: what cannot be seen, or is not in NFC, is spelled ``\\u0301``."""
    text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    return "".join(f"\\u{ord(c):04x}" if category(c) in _HIDDEN and c != "\n" else c for c in text)


if __name__ == "__main__":
    letters = (read(Path(name).read_bytes()) for name in sys.argv[1:])
    sys.stdout.write("".join(as_json(outline(letter)) for letter in letters))
