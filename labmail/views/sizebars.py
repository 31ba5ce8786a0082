"""What a text or a file costs on the wire, each transfer encoding beside the others.

A bar is as long as the octets that travel.  Where an encoding cannot carry the content at
all there is no bar, and the reason stands in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from labmail.letter.encodings import Cost, costs
from labmail.views import palette
from labmail.views.chars import pad, plural, visible, width
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

_COLOURS = {
    "7bit": palette.GREEN,
    "8bit": palette.SKY,
    "quoted-printable": palette.ORANGE,
    "base64": palette.PURPLE,
}
_FULL = 46
"""Characters of the longest bar in text."""
_LEFT, _BAR, _RIGHT = 132.0, 330.0, 150.0
_ROW, _HEAD, _GAP = 19.0, 22.0, 12.0


class SizeBars(Picture):
    """Encodings side by side, for one content or several.  `contents` names them."""

    def __init__(self, contents: Mapping[str, str | bytes], title: str = "") -> None:
        self.groups = {name: costs(content) for name, content in contents.items()}
        self._title = title or "What travels, in octets"
        self._most = max((c.wire for cs in self.groups.values() for c in cs if c.fits), default=1)

    def text(self) -> str:
        lines = [self._title]
        for name, group in self.groups.items():
            lines += ["", f"  {visible(name)}: {plural(group[0].octets, 'octet')}"]
            wide = max(width(c.encoding) for c in group)
            digits = max(len(f"{c.wire:,}") for c in group)
            lines += [self._line(cost, wide, digits) for cost in group]
        return "\n".join(lines)

    def _line(self, cost: Cost, wide: int, digits: int) -> str:
        name = pad(cost.encoding, wide, ">")
        if not cost.fits:
            return f"    {name}  {'–':>{digits}}  cannot carry it: {cost.why}"
        bar = "█" * max(1, round(_FULL * cost.wire / (self._most or 1)))
        return f"    {name}  {cost.wire:>{digits},}  {bar} {_growth(cost)}".rstrip()

    def alt(self) -> str:
        told = [
            f"{name}: " + ", ".join(_told(cost) for cost in group)
            for name, group in self.groups.items()
        ]
        return f"{self._title}. {'. '.join(told)}."

    def draw(self) -> Paper:
        from labmail.views.paper import Paper

        rows = sum(len(group) for group in self.groups.values())
        height = 34 + rows * _ROW + len(self.groups) * (_HEAD + _GAP)
        paper = Paper(_LEFT + _BAR + _RIGHT, height)
        paper.text(16, 22, self._title, 11, bold=True)
        y = 34.0
        for name, group in self.groups.items():
            y += _GAP
            octets = plural(group[0].octets, "octet")
            paper.text(16, y + 10, f"{visible(name)}: {octets}", 9.5, palette.SOFT)
            y += _HEAD - 4
            self._draw_group(paper, group, y)
            y += 4 + len(group) * _ROW
        return paper

    def _draw_group(self, paper: Paper, group: tuple[Cost, ...], y: float) -> None:
        for cost in group:
            paper.text(_LEFT - 10, y + 12, cost.encoding, 9.5, align="right")
            if cost.fits:
                long = max(2.0, _BAR * cost.wire / (self._most or 1))
                paper.box(_LEFT, y + 3, long, _ROW - 6, _COLOURS[cost.encoding], palette.INK)
                words = f"{cost.wire:,}  {_growth(cost)}".rstrip()
                paper.text(_LEFT + long + 7, y + 12.5, words, 9.5, bold=True)
            else:
                paper.line([(_LEFT, y + 3), (_LEFT, y + _ROW - 3)], palette.VERMILION, 2)
                words = f"cannot carry it: {cost.why}"
                paper.text(_LEFT + 7, y + 12.5, words, 9.5, palette.VERMILION)
            y += _ROW


def _growth(cost: Cost) -> str:
    return f"× {cost.growth:.2f}" if cost.wire != cost.octets else ""


def _told(cost: Cost) -> str:
    said = f"{cost.wire:,} octets" if cost.fits else f"not possible ({cost.why})"
    return f"{cost.encoding} {said}"
