"""What every view is: one set of facts, answered in several forms.

`text` is complete by itself.  `html` says the same for a notebook.  A `Picture`
also has `svg` and `png`, and `alt`: the picture told in a sentence or two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labmail.trace.recorder import Shown
from labmail.views import markup

if TYPE_CHECKING:
    from labmail.views.paper import Paper


class View(Shown, ABC):
    """Facts that show themselves: text in a terminal, HTML in a notebook."""

    @abstractmethod
    def text(self) -> str:
        """All of it in characters."""

    @abstractmethod
    def html(self) -> str:
        """All of it in HTML that a notebook's sanitiser leaves alone."""

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


class Picture(View):
    """A view that is drawn."""

    @abstractmethod
    def alt(self) -> str:
        """What the picture says, in a sentence or two."""

    @abstractmethod
    def draw(self) -> Paper:
        """The drawing.  (matplotlib is loaded here, and only here.)"""

    def svg(self) -> str:
        """The drawing as an SVG document: the same bytes each time."""
        return self.draw().svg()

    def png(self, path: str | Path, scale: float = 2.0) -> Path:
        """Write the drawing to `path` as PNG, `scale` pixels to the point; returns the path."""
        return self.draw().png(Path(path), scale)

    def html(self) -> str:
        return markup.page(markup.image(self.svg(), self.alt()), self.beside())

    def beside(self) -> str:
        """More HTML under the picture: by default its text form, folded."""
        return markup.details("the same as text", markup.pre(self.text()))
