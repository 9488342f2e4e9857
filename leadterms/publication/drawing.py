"""What figures share: an empty figure of matplotlib's, or the reason why there is none; names as mathematics."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from leadterms.errors import LeadtermsError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def empty_figure(what: str, width: float, height: float) -> Figure:
    """Return a figure without axes, outside pyplot: nothing is registered, and no window opens.

    Whoever asks for it places the axes: matplotlib's own layouts cut legends off that stand outside of square axes.

    Parameters
    ----------
    what
        What is to be drawn, for the message.
    width, height
        In inches.

    Raises
    ------
    LeadtermsError
        If matplotlib is not installed.

    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise LeadtermsError(
            f"cannot draw {what}: matplotlib is not installed (pip install 'leadterms[plots]')"
        ) from None

    class ShownFigure(Figure):  # type: ignore[misc,unused-ignore]
        """A figure that a notebook shows although pyplot does not know it."""

        def _repr_png_(self) -> bytes:
            stream = BytesIO()
            self.savefig(stream, format="png", bbox_inches="tight")
            return stream.getvalue()

    return ShownFigure(figsize=(width, height))


def label_latex(label: str) -> str:
    r"""Return the LaTeX of the name of a set of factors: letters as they are, words upright.

    Examples
    --------
    >>> print(label_latex("a:b"))
    a{:}b
    >>> print(label_latex("clinic:day_1"))
    \mathrm{clinic}{:}\mathrm{day\_1}

    """
    return "{:}".join(map(_name_latex, label.split(":")))


def _name_latex(name: str) -> str:
    if re.fullmatch(r"[A-Za-z]", name):
        return name
    escaped = name.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def figure_bytes(figure: Figure, path: Path) -> bytes:
    """Return a figure in the format that the name of a file ends with.

    Raises
    ------
    LeadtermsError
        If matplotlib has no such format.

    """
    ending = path.suffix.lstrip(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if ending not in known:
        raise LeadtermsError(f"cannot draw {path}: its name ends with none of {', '.join(sorted(known))}")
    stream = BytesIO()
    figure.savefig(stream, format=ending, bbox_inches="tight")
    return stream.getvalue()
