"""The outline: what is kept beside a letter."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

from labmail.letter import read
from labmail.letter.outline import as_json, outline

RAW = b"Subject: =?utf-8?q?Cha=CC=80o?=\r\n a\r\n\r\nhello\r\n"


def test_what_is_plain_is_left_out() -> None:
    found = outline(read(RAW))
    assert found["fields"] == [
        {
            "name": "Subject",
            "text": "Cha\u0300o a",
            "written": "encoded word, UTF-8 as Q",
            "lines": 2,
        }
    ]
    (part,) = found["parts"]
    assert "file" not in part and "disposition" not in part
    assert part["text"] == "hello\r\n" and part["size"] == part["decoded_size"] == 7


def test_what_cannot_be_seen_is_spelled_out() -> None:
    text = as_json(outline(read(RAW)))
    assert "Cha\\u0300o" in text and unicodedata.is_normalized("NFC", text)
    assert json.loads(text) == outline(read(RAW))


def test_a_file_is_known_by_its_hash() -> None:
    found = outline(read(b"Content-Type: image/png\r\n\r\nABC"))["parts"][0]
    assert "text" not in found and len(found["sha256"]) == 64


def test_it_can_be_had_in_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(RAW)
    command = [sys.executable, "-m", "labmail.letter.outline", str(tmp_path / "a.eml")]
    said = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    assert json.loads(said) == outline(read(RAW))
