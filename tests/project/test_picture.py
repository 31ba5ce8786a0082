"""The picture in README.md is drawn from a real run; here it is drawn again.

``LABMAIL_WRITE_PICTURE=1 pytest tests/project/test_picture.py`` writes it anew.
"""

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from labmail import Lab, world_map

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "data" / "pictures" / "first-letter.svg"


def draw() -> tuple[str, str]:
    with Lab(beside=True) as lab:
        son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
        with lab.record() as trace:
            son.send(to=minh, subject="Chào Minh", text="Bao giờ em về?\n\nSơn\n")
            lab.settle()
            minh.read(1)
        picture = world_map(trace)
        return picture.svg(), picture.alt()


@pytest.mark.skipif(
    f"matplotlib=={version('matplotlib')}" not in (ROOT / "pins.txt").read_text("utf-8"),
    reason="another matplotlib than the pinned one draws another SVG",
)
def test_the_picture_in_the_readme_is_of_a_real_run() -> None:
    svg, alt = draw()
    if os.environ.get("LABMAIL_WRITE_PICTURE"):
        PICTURE.write_text(svg, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == svg
    assert f"]({PICTURE.relative_to(ROOT).as_posix()})" in (ROOT / "README.md").read_text("utf-8")
    assert "saigon" in alt
