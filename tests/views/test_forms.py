"""What holds for every view: safe HTML, masked secrets, no tricks, the same each time."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from labmail import Lab, views
from labmail.trace.parcel import Envelope
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import (
    BoxRow,
    BoxSnapshot,
    CacheRow,
    CacheSnapshot,
    DnsSnapshot,
    EnvelopeCard,
    HealthRow,
    HealthSnapshot,
    InboxRow,
    InboxSnapshot,
    QueueRow,
    QueueSnapshot,
    ZoneRow,
    ZoneSnapshot,
)

VIEWS: dict[str, Callable[[Trace], Any]] = {
    "trace": views.view_of,
    "ladder": views.ladder,
    "hops": lambda t: views.ladder(t, "hops"),
    "transcript": views.transcript,
    "wire": views.wire,
    "states": views.state_diagram,
    "map": views.world_map,
    "custody": views.custody,
    "dns": views.dns_table,
    "resolution": views.resolution,
    "decision": views.decision,
}
PICTURES = ["ladder", "hops", "map", "custody", "states", "resolution", "decision"]

TAGS = {
    "div", "span", "b", "pre", "img", "details", "summary",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"style", "alt", "src", "open"}
STYLES = {
    "border", "border-bottom", "border-collapse", "border-left", "border-radius", "cursor",
    "font-family", "font-size", "height", "line-height", "margin", "max-width", "opacity",
    "overflow-wrap", "overflow-x", "padding", "text-align", "vertical-align", "white-space",
}  # fmt: skip
"""Properties that JupyterLab's sanitiser lets through and that we use."""

EVIL = "x\x1b[2J\r\n<script>alert(1)</script> \"'>\u202e\u0000 <img src=x onerror=y>"


class Sanitiser(HTMLParser):
    """Refuses what an untrusted notebook would lose."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[str] = []
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        given = {k: v or "" for k, v in attrs}
        assert set(given) <= ATTRIBUTES, attrs
        for rule in filter(None, given.get("style", "").split(";")):
            assert rule.partition(":")[0] in STYLES, rule
        if tag == "img":
            assert given["src"].startswith("data:image/svg+xml;base64,")
            assert len(given["alt"]) > 20
            self.images.append(given["src"].partition(",")[2])
        else:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")


def checked(html: str) -> list[str]:
    """The drawings in this HTML, which is found to be safe."""
    parser = Sanitiser()
    parser.feed(html)
    assert parser.open_tags == []
    return [base64.b64decode(image).decode() for image in parser.images]


def harmless(text: str) -> bool:
    """No character in it steers a terminal or hides (lines may end)."""
    return all(unicodedata.category(c) not in {"Cc", "Cf"} for c in text.replace("\n", ""))


@pytest.mark.parametrize("name", VIEWS)
def test_html_is_safe_and_text_harmless(name: str, story: Any) -> None:
    view = VIEWS[name](story.trace)
    drawings = checked(view.html())
    assert harmless(view.text())
    assert view._repr_mimebundle_()["text/plain"] == view.text() == repr(view)
    for drawing in drawings:
        assert harmless(drawing)
        assert "<script" not in drawing and "onerror=y" not in drawing


@pytest.mark.parametrize("name", VIEWS)
def test_same_bytes_each_time(name: str, tell: dict) -> None:
    first, second = (VIEWS[name](tell["journey"]().trace) for _ in range(2))
    assert first.html() == second.html() == first.html()
    assert first.text() == second.text()


@pytest.mark.parametrize("name", VIEWS)
def test_secrets_are_never_shown(name: str, tell: dict) -> None:
    view = VIEWS[name](tell["journey"]().trace)
    html = view.html()
    everything = view.text() + html + "".join(checked(html))
    token = base64.b64encode(b"\0son@hanoi.example\0hoa-sen-2026").decode()
    assert "hoa-sen-2026" not in everything
    assert token not in everything


def test_secrets_are_shown_to_who_asks(tell: dict) -> None:
    text = views.transcript(tell["journey"]().trace, show_secrets=True).text()
    assert "PASS hoa-sen-2026" in text
    assert "base64 of \\x00son@hanoi.example\\x00hoa-sen-2026" in text


EVIL_LETTER = (
    b"Subject: " + EVIL.encode() + b"\r\nMessage-ID: <a\x1b@b>\r\n"
    b"Content-Type: text/plain; charset=\"<b>\"\r\n"
    b"Content-Disposition: attachment; filename=\"" + EVIL.encode() + b"\"\r\n\r\n" + EVIL.encode()
)  # fmt: skip
LETTER_VIEWS: dict[str, Callable[[bytes], Any]] = {
    "hex strip": lambda letter: views.hex_strip(letter, EVIL),
    "octets": lambda letter: views.hex_strip(letter, EVIL, as_letter=False),
    "fields": lambda letter: views.field_list(letter, title="A letter"),
    "mime": views.mime_tree,
    "threads": lambda letter: views.thread_tree({EVIL: letter}),
    "sizes": lambda letter: views.size_bars({EVIL: letter}),
}


@pytest.mark.parametrize("name", LETTER_VIEWS)
def test_views_of_a_hostile_letter(name: str) -> None:
    view = LETTER_VIEWS[name](EVIL_LETTER)
    drawings = checked(view.html())
    assert harmless(view.text())
    assert view.html() == LETTER_VIEWS[name](EVIL_LETTER).html()
    for drawing in drawings:
        assert harmless(drawing)
        assert "<script" not in drawing and "onerror=y>" not in drawing


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name: str, story: Any, tmp_path: Path) -> None:
    picture = VIEWS[name](story.trace)
    svg = picture.svg()
    assert svg.startswith("<svg") and svg.rstrip().endswith("</svg>")
    assert "<metadata" not in svg and "<script" not in svg
    ids = re.findall(r'id="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert picture.png(tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_vietnamese_letters_stay_letters(tell: dict) -> None:
    story = tell["journey"]()
    story.emit(
        _stored(), host="mx1.saigon.example", account="minh@saigon.example", mailbox="Thư đã gửi",
        uid=1, file="f", size=1, how="APPEND",
    )  # fmt: skip
    ladder = views.ladder(story.trace)
    assert "Thư đã gửi" in ladder.text() and "Thư đã gửi" in ladder.svg()


def _stored() -> type:
    from labmail.trace.events import Stored

    return Stored


def test_alt_tells_the_story(tell: dict) -> None:
    trace = tell["journey"]().trace
    assert "opens a connection to smtp.hanoi.example (push)" in views.ladder(trace).alt()
    assert "(pull)" in views.ladder(trace).alt()
    assert "INBOX of minh@saigon.example" in views.custody(trace).alt()
    assert "6 steps" in views.world_map(trace).alt()


def snapshots(now: Any) -> list[Any]:
    letter = (
        f"From: {EVIL}\r\nSubject: =?utf-8?q?=0D=0ABcc:_x@y=1B[2J?=\r\nTo: a@b\r\n\r\n"
    ).encode()
    return [
        EnvelopeCard(Envelope.of(EVIL, [EVIL, "b@c"]), letter, EVIL, 1),
        BoxSnapshot(EVIL, EVIL, 1, (BoxRow(1, (EVIL,), 5, now, EVIL, EVIL),)),
        InboxSnapshot(EVIL, EVIL, (InboxRow(1, (), EVIL, EVIL, EVIL),)),
        QueueSnapshot(EVIL, (QueueRow(EVIL, EVIL, EVIL, 1, now, EVIL),), now),
        HealthSnapshot((HealthRow(EVIL, EVIL, 25, EVIL, EVIL, False),)),
        DnsSnapshot(EVIL, EVIL, EVIL, EVIL, (EVIL,), 60),
        ZoneSnapshot(EVIL, EVIL, 1, EVIL, (ZoneRow(EVIL, 60, "TXT", EVIL, 1),)),
        CacheSnapshot(EVIL, (CacheRow(EVIL, EVIL, EVIL, (EVIL,), 60, now),), now),
        BoxSnapshot("minh@saigon.example", "INBOX", 1, ()),
        QueueSnapshot("smtp.hanoi.example", ()),
    ]


def test_snapshots_show_themselves_safely(tell: dict) -> None:
    for snapshot in snapshots(tell["journey"]().now):
        assert harmless(views.render(snapshot, "text"))
        checked(views.render(snapshot, "html"))


def test_hostile_words_are_not_lost(tell: dict) -> None:
    """Masking tricks must not hide that there was one."""
    text = views.transcript(tell["hostile"]().trace).text()
    assert "\\x1b[2J" in text and "\\u202e" in text and "<script>alert(1)</script>" in text


def test_an_empty_trace_shows_itself(tell: dict) -> None:
    story = tell["journey"]()
    story.start = len(story.recorder)
    for name, make in VIEWS.items():
        if name != "states":  # a way through the states is somebody's way
            view = make(story.trace)
            assert view.text()
            checked(view.html())
    with pytest.raises(ValueError, match="no conversation in SMTP, POP3 or IMAP"):
        views.state_diagram(story.trace)


def test_many_lanes_and_long_talk_are_folded(tell: dict) -> None:
    story = tell["journey"]()
    for _ in range(12):
        story.relays()
    rows = views.ladder(story.trace).rows
    assert len(rows.rows) <= 91
    checked(views.render(story.trace, "html"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda t: views.ladder(t, "all"), "'talk' or 'hops'"),
        (lambda t: views.transcript(t, 99), "no connection #99; it has #1"),
        (lambda t: views.custody(t, 99), "no letter 99; it has 1"),
        (lambda t: views.resolution(t, 99), "no host looked for the way of a letter 99"),
        (lambda t: views.resolution(t, 1, 5), "letter 1 has 1 searches here; there is no 5"),
        (lambda t: views.view_of(7), "no view for int"),
    ],
)
def test_errors_say_what_there_is(make: Callable[[Trace], Any], words: str, tell: dict) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        make(tell["journey"]().trace)


def test_views_load_without_matplotlib() -> None:
    program = "import sys, labmail.views; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_tab_in_a_letter_is_white_space() -> None:
    with Lab(beside=True) as lab:
        lab.user("son@hanoi.example").send(to="lan@hanoi.example", subject="Chào", text="…")
        with lab.record() as trace:
            lab.user("lan@hanoi.example").read(1)
    text = views.transcript(trace).text()
    assert "S:     by smtp.hanoi.example" in text
    assert "\\t" not in text
