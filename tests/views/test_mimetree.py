"""The MIME tree: what is in what, and how large it is."""

from labmail import Lab, mime_tree
from labmail.letter.compose import File

PDF = b"%PDF" + bytes(2996)


def test_a_letter_with_everything(lab: Lab) -> None:
    letter = lab.user("son@hanoi.example").compose(
        "minh@saigon.example", "Báo cáo", "Gửi em.\n", html="<p>Gửi em <img src='cid:a@b'></p>",
        pictures=[File("a.png", b"\x89PNG", content_id="<a@b>")],
        files=[File("Báo cáo.pdf", PDF)],
    )  # fmt: skip
    tree = mime_tree(letter)
    assert [row.part.type for row in tree.rows] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related",
        "text/html", "image/png", "application/pdf",
    ]  # fmt: skip
    text = tree.text()
    assert "│  └─ 1.2 " in text and "│     ├─ 1.2.1" in text
    assert "3,000 → 4,106" in text
    assert '"Báo cáo.pdf"' in text and "attachment, name: RFC 2231" in text
    assert "2 is application/pdf, base64" in tree.alt()
    assert "Báo cáo.pdf" in tree.svg()
    assert tree.html().count("<img") == 1


def test_what_is_wrong_stands_below() -> None:
    tree = mime_tree(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nlost\r\n")
    assert "✘ the closing boundary is missing" in tree.text()
    assert "✘ the closing boundary is missing" in tree.svg()


def test_hostile_names_are_shown_harmless() -> None:
    letter = (
        b"Content-Type: text/html; charset=\x1b[2J\r\n"
        b'Content-Disposition: attachment; filename="a\x1b[2J\xe2\x80\xaefdp.exe"\r\n\r\n<b>\r\n'
    )
    tree = mime_tree(letter)
    for form in (tree.text(), tree.svg(), tree.alt()):
        assert "\x1b" not in form and "\u202e" not in form


def test_a_letter_in_a_letter() -> None:
    inner = b"Subject: in\r\n\r\nhello\r\n"
    tree = mime_tree(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert [len(row.last) for row in tree.rows] == [0, 1]
    assert "a letter within" in tree.text()
