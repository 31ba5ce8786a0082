"""Each sample letter is what its outline says: to us, to Python, to IMAP, and after a journey."""

from __future__ import annotations

import base64
import email.policy
import hashlib
import json
import quopri
import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from labmail import Lab
from labmail.imap.structure import structure
from labmail.letter import Part, charsets, encodings, read, threads
from labmail.letter.outline import outline
from labmail.paths import data_dir
from labmail.smtp.trace_fields import without_forgeries

FOLDER = data_dir() / "messages"
NAMES = sorted(path.stem for path in FOLDER.glob("*.eml"))
each_letter = pytest.mark.parametrize("name", NAMES)


def raw_of(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def told(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@each_letter
def test_we_read_what_the_outline_says(name: str) -> None:
    assert outline(read(raw_of(name))) == told(name)["expected"]


def test_the_folder_is_whole_and_small() -> None:
    assert len(NAMES) >= 40
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 300_000
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([\w-]+)\]\(\1\.eml\) \| (.+) \|$", listed, re.MULTILINE)
    assert sorted(name for name, _ in rows) == NAMES
    for name, why in rows:
        assert told(name)["why"] == why
        assert f"## {told(name)['theme']}\n" in listed


@each_letter
def test_the_files_are_as_they_would_travel(name: str) -> None:
    raw = raw_of(name)
    assert raw.endswith(b"\r\n") and b"\0" not in raw
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    domains = re.findall(rb"@([\w.-]+)", raw)
    assert all(d.rstrip(b".").endswith((b".example", b"=example")) for d in domains), domains


# --- Python's email package ---------------------------------------------------------------------

DISAGREES = {
    "body-tcvn3": "Python raises LookupError for a charset it does not know; we read it as UTF-8",
    "body-ascii-lie": "Python keeps to us-ascii and shows U+FFFD; we try UTF-8",
    "unclosed": "Python gives up on base64 that breaks off; we show what there is",
}
"""Letters of which Python's `email` reads a text or a name otherwise, and why."""


def as_python_reads(raw: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=email.policy.default).parsebytes(raw)


@each_letter
def test_python_sees_the_same_tree(name: str) -> None:
    ours = [part.type for part in read(raw_of(name)).walk()]
    assert [part.get_content_type() for part in as_python_walks(raw_of(name))] == ours


def as_python_walks(raw: bytes) -> Iterator[EmailMessage]:
    """Python takes a delivery report apart into groups of fields; we read it as text."""
    inside: list[EmailMessage] = []
    for part in as_python_reads(raw).walk():
        assert isinstance(part, EmailMessage)
        if part in inside:
            continue
        if part.get_content_type() == "message/delivery-status":
            inside += part.get_payload()
        yield part


@each_letter
def test_python_sees_the_same_fields(name: str) -> None:
    letter = read(raw_of(name))
    theirs = [key for key, _ in as_python_reads(raw_of(name)).raw_items()]
    assert [field.name for field in letter.header.fields] == theirs


@each_letter
def test_python_decodes_the_same_subject(name: str) -> None:
    letter, theirs = read(raw_of(name)), as_python_reads(raw_of(name))
    expected = re.sub(r"[\r\n]", "", letter.header.text("Subject"))
    if name == "header-injection-hidden":
        assert str(theirs["Subject"]).replace("\r", "").replace("\n", "") == expected
    elif name == "subject-cut-character":  # Python reads word by word: RFC 2047 §5 to the letter
        assert "\ufffd" in str(theirs["Subject"]) or str(theirs["Subject"]) == expected
    elif name != "subject-raw-8bit":
        assert str(theirs["Subject"] or "") == expected


@each_letter
def test_python_decodes_the_same_texts_and_files(name: str) -> None:
    pairs = zip(read(raw_of(name)).walk(), as_python_walks(raw_of(name)), strict=True)
    for ours, theirs in pairs:
        if ours.inner or ours.type == "message/delivery-status":
            continue
        if name not in DISAGREES:
            assert what_python_reads(theirs) == what_we_read(ours)


@pytest.mark.parametrize("name", DISAGREES)
def test_where_python_reads_otherwise_it_does(name: str) -> None:
    pairs = zip(read(raw_of(name)).walk(), as_python_walks(raw_of(name)), strict=True)
    leaves = [(ours, theirs) for ours, theirs in pairs if not ours.inner]
    assert any(what_python_reads(theirs) != what_we_read(ours) for ours, theirs in leaves), (
        f"Python now agrees about {name}: take it off the list"
    )


def what_python_reads(part: EmailMessage) -> tuple[bytes, str, str]:
    text = ""
    if part.get_content_maintype() == "text":
        try:
            text = part.get_content().replace("\r\n", "\n")
        except LookupError:
            text = "a charset that Python does not know"
    return part.get_payload(decode=True), text, part.get_filename() or ""


def what_we_read(part: Part) -> tuple[bytes, str, str]:
    name = part.filename.text if part.filename else ""
    return part.octets, part.text.replace("\r\n", "\n"), name


# --- IMAP -----------------------------------------------------------------------------------------


@each_letter
def test_imap_shows_the_same_tree(name: str) -> None:
    letter = read(raw_of(name))
    assert shape(structure(letter.entity, True)) == shape_of(letter)


def shape(answer: bytes) -> list[str]:
    """The types and sizes in a BODYSTRUCTURE, read back from its text alone."""
    tree = Reader(answer).value()
    return list(flat(tree))


def flat(node: Any) -> Iterator[str]:
    if isinstance(node[0], list):
        inner = [part for part in node if isinstance(part, list)]
        count = next(i for i, part in enumerate(node) if not isinstance(part, list))
        yield f"multipart/{node[count].lower()} {count}"
        for part in inner[:count]:
            yield from flat(part)
        return
    yield f"{node[0]}/{node[1]} {node[5]} {node[6]}".lower()
    if f"{node[0]}/{node[1]}".lower() == "message/rfc822":
        yield from flat(node[8])


def shape_of(part: Part) -> list[str]:
    if part.entity.parts:
        own = f"{part.type} {len(part.inner)}"
    else:
        own = f"{part.type} {part.encoding} {part.size}"
    return [own, *(line for each in part.inner for line in shape_of(each))]


class Reader:
    """A little reader of IMAP's parentheses, so that nothing of the server's is trusted."""

    def __init__(self, text: bytes) -> None:
        self.text, self.at = text, 0

    def value(self) -> Any:
        if self.text[self.at : self.at + 1] == b" ":
            self.at += 1
        if self.text[self.at : self.at + 1] == b"(":
            self.at += 1
            found = []
            while self.text[self.at : self.at + 1] != b")":
                found.append(self.value())
            self.at += 1
            return found
        literal = re.compile(rb"\{(\d+)\}\r\n").match(self.text, self.at)
        if literal:
            start = literal.end()
            self.at = start + int(literal[1])
            return self.text[start : self.at].decode("utf-8", "replace")
        word = re.compile(rb'"((?:[^"\\]|\\.)*)"|([^ ()]+)').match(self.text, self.at)
        assert word is not None, self.text[self.at :]
        self.at = word.end()
        return (word[1] if word[1] is not None else word[2]).decode("utf-8", "replace")


# --- a journey ----------------------------------------------------------------------------

TRAVELLERS = [name for name in NAMES if not told(name)["travels"].startswith("no")]


def test_letters_cross_the_lab_octet_for_octet(lab: Lab) -> None:
    """smtplib to mx1, from there to the mailbox; whatever is added stands before the letter."""
    minh = lab.user("minh@saigon.example")
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.ehlo("son-laptop.hanoi.example")
        for name in TRAVELLERS:
            options = {"7BIT": [], "8BITMIME": ["BODY=8BITMIME"]}.get(
                told(name)["travels"], ["BODY=8BITMIME", "SMTPUTF8"]
            )
            server.mail("son@hanoi.example", options)
            server.rcpt(minh.address)
            answer = server.data(raw_of(name))
            assert answer[0] == 250, (name, answer)
    lab.settle()
    box = minh.imap()
    box.select("INBOX", readonly=True)
    _, answers = box.uid("FETCH", "1:*", "(BODY.PEEK[])")
    box.logout()
    stored = [answer[1] for answer in answers if isinstance(answer, tuple)]
    assert len(stored) == len(TRAVELLERS)
    for name, raw in zip(TRAVELLERS, stored, strict=True):
        sent = without_forgeries(raw_of(name), ["mx1.saigon.example"])
        assert (sent == raw_of(name)) == (name != "authentication-results-forged")
        assert raw.endswith(sent), name
        added = read(raw[: len(raw) - len(sent)] + b"\r\n").header
        assert {field.name for field in added.fields} <= {"Return-Path", "Received"}, name
        assert "Received" in added


def test_what_may_not_travel_has_a_defect() -> None:
    for name in set(NAMES) - set(TRAVELLERS):
        assert read(raw_of(name)).all_defects(), name


# --- what single letters are there for -----------------------------------------------------


def test_one_text_in_three_encodings() -> None:
    names = ("body-8bit", "body-quoted-printable", "body-base64")
    letters = [read(raw_of(name)) for name in names]
    assert len({letter.text for letter in letters}) == 1
    text = letters[0].text
    for letter in letters:
        assert letter.size == encodings.cost(text, letter.encoding).wire
    assert letters[0].size < letters[2].size < letters[1].size


def test_the_long_text_has_the_sizes_that_the_course_quotes() -> None:
    """Counted with LF as line end, as Python's own encoders do."""
    text = read(raw_of("body-8bit")).text.replace("\r\n", "\n")
    octets = text.encode()
    assert len(octets) == 3720
    assert len(quopri.encodestring(octets)) == 6520
    assert len(base64.encodebytes(octets)) == 5026
    assert len(charsets.nfd(text).encode()) == 4300


def test_the_old_charset_can_be_read_by_who_knows_it() -> None:
    letter = read(raw_of("body-tcvn3"))
    assert charsets.from_tcvn3(letter.octets).replace("\r\n", "\n") == told("body-tcvn3")["tcvn3"]
    assert "\ufffd" in letter.text


def test_the_five_letters_are_threaded_whatever_their_order() -> None:
    cards = [threads.card(raw_of(n), n) for n in NAMES if n.startswith("thread-")]
    tree = [
        (0, "thread-1-root"),
        (1, "thread-2-answer"),
        (2, "<t3@mail.example>"),
        (3, "thread-3-missing-parent"),
        (1, "thread-4-other-subject"),
        (0, "thread-5-same-subject"),
    ]
    for shuffled in (cards, cards[::-1], cards[2:] + cards[:2]):
        roots = threads.thread(shuffled)
        lines = [pair for root in roots for pair in root.walk()]
        assert [(depth, n.card.label if n.card else n.message_id) for depth, n in lines] == tree


def test_the_marker_is_there_once_its_file_is_decoded() -> None:
    marker = told("marker")["marker"].encode()
    assert marker not in raw_of("marker")
    assert marker in read(raw_of("marker")).inner[1].octets


@pytest.mark.parametrize("name", [name for name in NAMES if "dkim" in told(name)])
def test_signatures_are_what_the_outline_says(name: str) -> None:
    """DKIM by hand: relaxed/relaxed, rsa-sha256 (RFC 6376 §3.4, §3.7)."""
    said, letter = told(name)["dkim"], read(raw_of(name))
    field = letter.header["DKIM-Signature"]
    tags = dict(tag.strip().split("=", 1) for tag in field.value.decode().split(";") if tag.strip())
    assert (tags["d"], tags["s"]) == (said["domain"], said["selector"])
    digest = base64.b64encode(hashlib.sha256(relaxed_body(letter.octets)).digest()).decode()
    assert ("holds" if digest == tags["bh"] else "broken") == said["body"]
    signed = []
    names = tags["h"].split(":")
    for place, wanted in enumerate(names):
        if wanted not in names[:place]:  # a field named once more than it stands: RFC 6376 §5.4.2
            signed.append(relaxed_field(letter.header[wanted].raw))
    unsigned = re.sub(rb"(\sb=)[^;]*$", rb"\1", relaxed_field(field.raw).rstrip())
    data = b"".join(line + b"\r\n" for line in signed) + unsigned
    key = serialization.load_der_public_key(base64.b64decode(said["record"].rpartition("p=")[2]))
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(re.sub(r"\s", "", tags["b"]))
    try:
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        holds = "holds"
    except InvalidSignature:
        holds = "broken"
    assert holds == said["header"]


def relaxed_body(body: bytes) -> bytes:
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def relaxed_field(raw: bytes) -> bytes:
    name, _, value = raw.partition(b":")
    return name.strip().lower() + b":" + re.sub(rb"[ \t\r\n]+", b" ", value).strip()


def test_git_leaves_the_letters_alone() -> None:
    rules = Path(FOLDER.parent.parent, ".gitattributes").read_text(encoding="utf-8")
    assert "data/messages/*.eml -text" in rules.splitlines()
