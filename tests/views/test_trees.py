"""Trees in characters and drawn."""

import pytest

from labmail.views.trees import Twig, branches, draw


@pytest.mark.parametrize(
    ("last", "drawn"),
    [
        ((), ""),
        ((False,), "├─ "),
        ((True,), "└─ "),
        ((False, True), "│  └─ "),
        ((True, False), "   ├─ "),
    ],
)
def test_the_lines_before_a_row(last: tuple[bool, ...], drawn: str) -> None:
    assert branches(last) == drawn


def test_each_row_hangs_below_the_right_one() -> None:
    twigs = [Twig(depth, f"row {i}", "", "", "#0072b2") for i, depth in enumerate((0, 1, 2, 1, 0))]
    svg = draw("A tree", twigs, ["a note"]).svg()
    assert all(f"row {i}" in svg for i in range(5))
    assert "✘ a note" in svg
    assert draw("Nothing", []).svg().startswith("<svg")
