"""How the course speaks: the same words as text and as HTML, and never by colour alone."""

import pytest

from labmail.course import show_source
from labmail.course.notice import Bars, Listing, Notice, Table, Tone
from labmail.user import User
from labmail.views.view import View


def test_a_marked_line_hangs_under_its_mark() -> None:
    line = "✔ " + "từ " * 60
    said = Notice("Tiêu đề", [line]).text().splitlines()
    assert said[1].startswith("  ✔ từ")
    assert said[2].startswith("    từ")
    assert max(map(len, said)) <= 92


def test_tones_change_the_edge_and_not_the_words() -> None:
    pages = {Notice("Một", ["hai"], tone).html() for tone in Tone}
    assert len(pages) == len(Tone)
    assert all("Một" in page and "hai" in page for page in pages)


@pytest.mark.parametrize(
    "view",
    [
        Notice("<b>", ["<script>"]),
        Table("<b>", ["<th>"], [["<script>"]], note="<i>"),
        Bars("<b>", {"<script>": 3}),
        Listing("<b>", "x < 1  # <script>"),
    ],
)
def test_what_a_learner_writes_is_never_html(view: View) -> None:
    assert "<script>" in view.text()
    assert "<script>" not in view.html()
    assert "&lt;script&gt;" in view.html()


def test_bars_are_as_long_as_their_counts() -> None:
    said = Bars("Đếm", {"một": 50, "hai": 1, "không": 0}).text().splitlines()
    assert [line.count("█") for line in said[2:]] == [50, 1, 0]
    assert Bars("Đếm", {}).text() == "Đếm\n"


def test_source_is_fetched_from_the_package() -> None:
    shown = show_source(User.send)
    assert shown.title == "labmail.user.User.send"
    assert shown.source.startswith("def send(")
    assert "server.send_message(letter)" in shown.text()
