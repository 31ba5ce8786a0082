"""Every link from a page or a notebook to a local file leads somewhere."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

LINK = re.compile(r"\]\(\s*<?([^)<>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)|(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)  # https:, mailto:, data:
HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The names a page's headings can be linked by, as GitHub makes them."""
    names = set()
    for heading in HEADING.findall(text):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        names.add(plain.replace(" ", "-"))
    return names


def markdown(path: Path, text: str) -> str:
    """The Markdown of a page, or of a notebook's text cells."""
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return "\n\n".join(texts)


def broken(path: Path, text: str) -> list[str]:
    """The local links of a page that lead nowhere."""
    wrong = []
    for match in LINK.finditer(CODE.sub("", text)):
        target = match[1] or match[2]
        if ELSEWHERE.match(target):
            continue
        file, _, anchor = unquote(target).partition("#")
        place = (path.parent / file) if file else path
        if not place.exists():
            wrong.append(target)
        elif anchor and place.suffix == ".md":
            if anchor not in anchors(place.read_text(encoding="utf-8")):
                wrong.append(target)
        elif anchor and not file and path.suffix == ".ipynb":
            # JupyterLab keeps capitals in the names of headings.
            spelled = {name.replace(" ", "-") for name in HEADING.findall(text)}
            if anchor not in spelled | anchors(text):
                wrong.append(target)
    return wrong


def test_local_links_lead_somewhere(text_files: dict[Path, str], root: Path) -> None:
    wrong = [
        f"{path.relative_to(root).as_posix()}: {target}"
        for path, text in text_files.items()
        if path.suffix in {".md", ".ipynb"}
        for target in broken(path, markdown(path, text))
    ]
    assert wrong == []


def test_a_broken_link_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "Báo cáo.md").write_text("# Hai phần\n", encoding="utf-8")
    text = (
        "# Two `words`\n[a](#two-words) [b](#three) [c](gone.md) [d](B%C3%A1o%20c%C3%A1o.md)\n"
        '[e](<https://x.example/y>) `[f](code)` <img src="none.png">\n'
        "[g](B%C3%A1o%20c%C3%A1o.md#hai-phần)\n"
    )
    page.write_text(text, encoding="utf-8")
    assert broken(page, text) == ["#three", "gone.md", "none.png"]
