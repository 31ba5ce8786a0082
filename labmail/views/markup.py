"""HTML that survives: the few elements a notebook keeps when it does not trust its author.

JupyterLab drops ``<style>``, ``<script>``, ``<svg>``, roles and aria attributes from the
outputs of a notebook that was not run here; GitHub does the same.  What stays is
tables, ``<details>``, images with data URIs and inline styles; so everything is said
with those.  Text colours are inherited, and borders and shades are greys that are seen
on white and on black: the same table works on light and dark themes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from labmail.views.chars import visible

MONO = "font-family:monospace;font-size:12px"
_CELL = "text-align:left;vertical-align:top;padding:3px 9px"
_HEAD = "text-align:left;vertical-align:bottom;padding:3px 9px"
_ROW = "border-bottom:1px solid #8c8c8c"
_TABLE = "border-collapse:collapse;margin:4px 0 8px 0;font-size:13px;line-height:1.45"


class Html(str):
    """Text that is HTML already: it is not escaped again."""

    __slots__ = ()


def html(text: str) -> Html:
    """Any text as HTML: escaped unless it is `Html`, nothing invisible left in it."""
    return text if isinstance(text, Html) else Html(escape(visible(text)))


def tag(name: str, *inside: str, style: str = "", **attributes: str) -> Html:
    """An element with escaped attributes and content."""
    given = {"style": style, **attributes}
    written = "".join(f' {k}="{escape(v)}"' for k, v in given.items() if v)
    return Html(f"<{name}{written}>{''.join(html(part) for part in inside)}</{name}>")


def code(*lines: str) -> Html:
    """Something that was said or written by a program, in equally wide letters."""
    return tag("span", Html("\n".join(map(html, lines))), style=f"{MONO};white-space:pre-wrap")


def quiet(text: str) -> Html:
    """Something that matters less: smaller, and not fully opaque."""
    return tag("span", text, style="font-size:12px;opacity:0.8")


def strong(text: str) -> Html:
    return tag("b", text)


def chip(text: str, colour: str) -> Html:
    """A short word in a coloured frame: the word says it, the colour only helps."""
    style = f"border:1px solid {colour};border-left:5px solid {colour};padding:0 6px"
    return tag("span", text, style=f"{style};border-radius:3px;white-space:nowrap;font-size:12px")


def pre(text: str) -> Html:
    """Characters laid out in lines, as they are."""
    return Html(f'<pre style="{MONO};line-height:1.3;overflow-x:auto">{escape(text)}</pre>')


def heading(text: str, note: str = "") -> Html:
    parts = [strong(text)] + ([quiet("  " + note)] if note else [])
    return tag("div", *parts, style="margin:8px 0 2px 0;font-size:14px")


def paragraph(*parts: str) -> Html:
    return tag("div", *parts, style="margin:2px 0 6px 0;font-size:13px")


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
) -> Html:
    """A table; columns listed in `right` hold numbers and are flush right, those in `whole`
    hold names that are never broken over two lines."""

    def cell(name: str, style: str, i: int, text: str) -> Html:
        flush = style.replace("text-align:left", "text-align:right") if i in right else style
        return tag(name, text, style=f"{flush};white-space:nowrap" if i in whole else flush)

    heads = (cell("th", _HEAD, i, t) for i, t in enumerate(head))
    top = tag("tr", *heads, style="border-bottom:2px solid #8c8c8c")
    body = [
        tag("tr", *(cell("td", _CELL, i, t) for i, t in enumerate(row)), style=_ROW) for row in rows
    ]
    return tag("table", tag("thead", top), tag("tbody", *body), style=_TABLE)


def details(summary: str, *inside: str, opened: bool = False) -> Html:
    """Something that can be folded away."""
    title = tag("summary", summary, style="cursor:pointer;padding:2px 0;font-size:13px")
    return tag(
        "details", title, *inside, style="margin:2px 0", **({"open": "open"} if opened else {})
    )


def image(svg: str, alt: str) -> Html:
    """A drawing, with the words that say the same to who cannot see it."""
    data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    source = f"data:image/svg+xml;base64,{data}"
    style = "max-width:100%;height:auto"
    return Html(f'<img alt="{escape(visible(alt))}" src="{source}" style="{style}">')


def page(*parts: str) -> str:
    """What a view answers as HTML: one block."""
    return str(tag("div", *parts, style="max-width:1100px"))
