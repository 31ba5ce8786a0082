"""The thread tree: names make it, and a letter that is not here keeps its place."""

from labmail import thread_tree


def letter(name: str, subject: str, *before: str) -> bytes:
    references = " ".join(f"<{each}@x>" for each in before)
    field = f"References: {references}\r\n" if before else ""
    return f"Message-ID: <{name}@x>\r\nSubject: {subject}\r\n{field}\r\nx\r\n".encode()


LETTERS = {
    "Lan": letter("3", "Trời mưa!", "1", "2"),
    "Sơn": letter("1", "Ăn trưa?"),
    "Hoa": letter("5", "Re: Ăn trưa?", "1", "4"),
    "An": letter("9", "Ăn trưa?"),
    "Minh": letter("2", "Re: Ăn trưa?", "1"),
}


def test_who_answers_whom() -> None:
    tree = thread_tree(LETTERS)
    assert tree.parents == {"Sơn": None, "Minh": "Sơn", "Lan": "Minh", "Hoa": None, "An": None}
    text = tree.text()
    assert text.startswith("5 letters, 2 threads\n")
    assert "├─ (not here)" in text and "│  └─ Hoa" in text
    assert "└─ Minh" in text and "   └─ Lan" in text


def test_by_subject_too() -> None:
    tree = thread_tree(LETTERS, "Joined", by_subject=True)
    assert tree.parents["An"] == "Sơn"
    assert tree.text().startswith("Joined: 5 letters, 1 thread\n")


def test_it_is_drawn_and_told() -> None:
    tree = thread_tree(LETTERS)
    assert "Minh answers Sơn; Lan answers Minh" in tree.alt()
    assert "Hoa answers a letter that is not here" in tree.alt()
    assert "An begins" in tree.alt()
    assert "others answer it" in tree.svg()
    assert tree.svg() == thread_tree(LETTERS).svg()


def test_letters_without_names() -> None:
    tree = thread_tree({"a": b"\r\n", "b": b"\r\n"})
    assert tree.parents == {"a": None, "b": None}
    assert "(no Message-ID)" in tree.text()
    assert thread_tree({}).text().startswith("0 letters, 0 threads")


def test_a_long_chain_of_answers() -> None:
    chain = {str(n): letter(str(n), "x", *([str(n - 1)] if n else [])) for n in range(2000)}
    assert thread_tree(chain).parents["1999"] == "1998"
