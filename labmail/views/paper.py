"""A sheet of paper to draw on, in points, with y growing downwards.

All drawing of the package goes through `Paper`, and it alone knows matplotlib.  It
draws on a `Figure` of its own (no pyplot, no global state), so that drawing disturbs
no plot of the learner's, and it writes SVG that is the same byte for byte each
time: fixed salt for ids, no date.

Letters stay letters in the SVG (a third of the size of outlines, and any browser
has Vietnamese letters).  They are measured here in DejaVu Sans, which matplotlib
brings along and which is wider than nearly every font a browser may take instead:
what fits here fits there.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from labmail.views import palette


@contextmanager
def _quietly() -> Iterator[None]:
    """matplotlib's first import on a machine may log to stderr, into a learner's cell."""
    logger = logging.getLogger("matplotlib")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


with _quietly():
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties, get_font
    from matplotlib.lines import Line2D
    from matplotlib.patches import Ellipse, FancyBboxPatch, Polygon, Rectangle
    from matplotlib.transforms import Affine2D

Point = tuple[float, float]
Dash = Literal["solid", "dashed", "dotted"]
Align = Literal["left", "center", "right"]

_DASHES: dict[str, Any] = {"solid": "solid", "dashed": (0, (5, 2.5)), "dotted": (0, (1.2, 2.0))}
_WEB_FONTS = {
    "sans": "DejaVu Sans,Verdana,Helvetica,Arial,sans-serif",
    "mono": "DejaVu Sans Mono,Menlo,Consolas,monospace",
}
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "labmail",
    "svg.fonttype": "none",
    "path.simplify": False,
    "font.sans-serif": ["DejaVu Sans"],
    "font.monospace": ["DejaVu Sans Mono"],
    "text.usetex": False,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@lru_cache(maxsize=8)
def _font_file(mono: bool, bold: bool) -> str:
    name = f"DejaVuSans{'Mono' if mono else ''}{'-Bold' if bold else ''}.ttf"
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)


@lru_cache(maxsize=4096)
def measure(text: str, size: float, mono: bool = False, bold: bool = False) -> float:
    """How wide the text is, in points."""
    font = get_font(_font_file(mono, bold))
    known = font.get_charmap()
    drawn = "".join(c if ord(c) in known else "W" for c in text)
    font.set_size(100, 72)
    font.set_text(drawn, 0.0)
    return float(font.get_width_height()[0]) / 64 * size / 100


def fit(text: str, room: float, size: float, mono: bool = False, bold: bool = False) -> str:
    """The text, cut with an ellipsis where it is wider than `room` points."""
    if measure(text, size, mono, bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + "…", size, mono, bold) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def broken(
    text: str, room: float, size: float, mono: bool = False, bold: bool = False
) -> list[str]:
    """The text in lines no wider than `room` points, broken at spaces (a word that alone is
    too wide is cut)."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and measure(longer, size, mono, bold) > room:
            lines.append(line)
            line = fit(word, room, size, mono, bold)
        else:
            line = longer if line else fit(word, room, size, mono, bold)
    return [*lines, line] if line or not lines else lines


class Paper:
    """A light sheet with a thin border, `width` by `height` points."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
        self._place = (
            Affine2D().scale(1 / 72, -1 / 72).translate(0, height / 72)
            + self._figure.dpi_scale_trans
        )
        self._depth = 1.0
        self.box(0.75, 0.75, width - 1.5, height - 1.5, palette.PAPER, palette.EDGE, radius=6)

    def _add(self, artist: Any) -> None:
        self._depth += 1
        artist.set_transform(self._place)
        artist.set_zorder(self._depth)
        artist.set_clip_on(False)
        self._figure.add_artist(artist)

    def line(
        self,
        points: Sequence[Point],
        colour: str = palette.INK,
        width: float = 1.0,
        dash: Dash = "solid",
    ) -> None:
        """A line through the points."""
        xs, ys = zip(*points, strict=True)
        style = {"color": colour, "linewidth": width, "linestyle": _DASHES[dash]}
        self._add(Line2D(xs, ys, solid_joinstyle="round", **style))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "none",
        edge: str = "none",
        *,
        radius: float = 0.0,
        line: float = 1.0,
        dash: Dash = "solid",
    ) -> None:
        """A rectangle whose upper left corner is (x, y); `radius` rounds its corners."""
        style = {
            "facecolor": fill,
            "edgecolor": edge,
            "linewidth": line if edge != "none" else 0,
            "linestyle": _DASHES[dash],
        }
        if radius:
            rounded = f"round,pad=0,rounding_size={radius}"
            self._add(FancyBboxPatch((x, y), width, height, boxstyle=rounded, **style))
        else:
            self._add(Rectangle((x, y), width, height, **style))

    def dot(self, x: float, y: float, radius: float, fill: str, edge: str = "none") -> None:
        """A disc, or with fill `palette.PAPER` a ring."""
        rim = 1.2 if edge != "none" else 0
        style: dict[str, Any] = {"facecolor": fill, "edgecolor": edge, "linewidth": rim}
        self._add(Ellipse((x, y), 2 * radius, 2 * radius, angle=0.0, **style))

    def polygon(
        self, points: Sequence[Point], fill: str, edge: str = "none", line: float = 1.0
    ) -> None:
        style = {"facecolor": fill, "edgecolor": edge, "linewidth": line if edge != "none" else 0}
        self._add(Polygon(list(points), closed=True, **style))

    def head(self, tip: Point, towards: Point, colour: str, size: float = 6.0) -> None:
        """An arrow head at `tip`, pointing along the direction `towards`."""
        (x, y), (dx, dy) = tip, towards
        length = (dx * dx + dy * dy) ** 0.5 or 1.0
        dx, dy = dx / length, dy / length
        back = (x - size * 1.25 * dx, y - size * 1.25 * dy)
        side = size * 0.5
        corners = [
            (x, y),
            (back[0] - side * dy, back[1] + side * dx),
            (back[0] + side * dy, back[1] - side * dx),
        ]
        self.polygon(corners, colour)

    def arrow(
        self,
        points: Sequence[Point],
        colour: str = palette.INK,
        width: float = 1.1,
        dash: Dash = "solid",
        size: float = 6.0,
    ) -> None:
        """A line through the points with a head at its end."""
        (x1, y1), (x2, y2) = points[-2], points[-1]
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
        short = min(size, length - 0.1) / length
        neck = (x2 - (x2 - x1) * short, y2 - (y2 - y1) * short)
        self.line([*points[:-1], neck], colour, width, dash)
        self.head((x2, y2), (x2 - x1, y2 - y1), colour, size)

    def letter(self, x: float, y: float, colour: str, direction: int = 0) -> None:
        """A small envelope around (x, y); `direction` -1 or 1 adds a mark that says where
        it goes: to the left or to the right."""
        w, h = 6.5, 4.2
        corners = [(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)]
        self.polygon(corners, palette.PAPER, colour, 1.1)
        self.line([(x - w, y - h), (x, y + 0.8), (x + w, y - h)], colour, 1.0)
        if direction:
            tip, back = x + direction * (w + 10), x + direction * (w + 1.5)
            mark = [(tip, y), (back, y - 5), (back, y + 5)]
            self.polygon(mark, colour, palette.PAPER, 1.0)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9.0,
        colour: str = palette.INK,
        *,
        align: Align = "left",
        mono: bool = False,
        bold: bool = False,
        halo: str = "",
    ) -> None:
        """One line of text whose baseline is at y.  `halo` is the colour of a patch laid under
        it, so that lines that pass do not cross the letters."""
        if halo:
            wide = measure(text, size, mono, bold)
            left = {"left": x, "center": x - wide / 2, "right": x - wide}[align]
            self.box(left - 2.5, y - size * 0.86, wide + 5, size * 1.14, halo)
        font = FontProperties(
            family="monospace" if mono else "sans-serif",
            size=size,
            weight="bold" if bold else "normal",
        )
        self._depth += 1
        self._figure.text(
            x / self.width,
            1 - y / self.height,
            text,
            fontproperties=font,
            color=colour,
            ha=align,
            va="baseline",
            parse_math=False,
            zorder=self._depth,
        )

    def svg(self) -> str:
        """The sheet as an SVG document."""
        out = StringIO()
        with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a letter DejaVu lacks: the browser has it
            self._figure.savefig(out, format="svg", metadata=_NO_METADATA)
        return _tidied(out.getvalue())

    def png(self, path: Path, scale: float = 2.0) -> Path:
        """Write the sheet as PNG, `scale` pixels to the point."""
        with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            FigureCanvasAgg(self._figure)
            self._figure.savefig(path, format="png", dpi=72 * scale, metadata={"Software": None})
        return path


def _tidied(svg: str) -> str:
    """matplotlib's SVG without what a picture in a notebook has no use for: half the size."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _LONE_GROUP.sub(r"\1", svg)
    svg = re.sub(r"font-family: [^;\"]*Mono[^;\"]*", f"font-family: {_WEB_FONTS['mono']}", svg)
    svg = re.sub(r" font-family: '[^;\"]*;?", "", svg)
    svg = svg.replace("*{", f"*{{font-family: {_WEB_FONTS['sans']}; ", 1)
    svg = svg.replace(" text-anchor: start;", "").replace("; stroke-linejoin: miter", "")
    svg = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", svg)
    svg = re.sub(r"\s*\n\s*(?=[MLQCz\"])", "", svg)
    return re.sub(r"\n\s+", "\n", svg)


_LONE_GROUP = re.compile(
    r'<g id="[a-z0-9]+_\d+">\s*(<path [^>]*/>|<text [^>]*>[^<]*</text>)\s*</g>'
)
