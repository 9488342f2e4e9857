r"""Kummer's function :math:`{}_1F_1(a; b; z)` as LaTeX writes it, with columns and bars, as a call with commas.

Laws on an interval such as Beta have it as their moment generating function. Only its marks are changed, character for
character, so that every place stays.
"""

from __future__ import annotations

import re

COMMAND = r"\hyp"
"""What stands for the name: a command, which cannot be taken for a product of letters."""

_ONE = r"_\s*(?:\{\s*1\s*\}|1)"
# without empty braces the subscript in front would belong to a symbol, as in \beta_1 F_1
_NAME = re.compile(rf"(?:\{{\s*\}}|\A|(?<=[-+*/=({{\[]))\s*{_ONE}\s*F\s*{_ONE}(?=\s*(?:\\left\s*)?\()")
_COLUMN = re.compile(
    r"(?P<begin>\\begin\s*\{matrix\})[^&]*?(?P<middle>\\\\)[^&]*?(?P<end>\\end\s*\{matrix\}\s*(?:\\middle\s*)?\|)"
)
_CLOSING = {"(": ")", "{": "}", "[": "]"}


def without_columns(text: str) -> str:
    r"""Return LaTeX in which every :math:`{}_1F_1` is a call ``\hyp(a, b, z)``, padded with blanks.

    Parameters
    ----------
    text
        LaTeX; the argument of the function in a column and behind a bar, or with semicolons.

    Returns
    -------
    str
        A text of the same length.

    Examples
    --------
    >>> without_columns(r"{}_1F_1(a; b; z)")
    '\\hyp    (a, b, z)'

    """
    pieces = list(text)
    for found in _NAME.finditer(text):
        _put(pieces, found.start(), found.end(), COMMAND)
        start = text.index("(", found.end())
        column = _COLUMN.search(text, start)
        if column is not None and re.fullmatch(r"\(\s*(?:\\!\s*)?", text[start : column.start()]):
            for mark, sign in (("begin", ""), ("middle", ","), ("end", ",")):
                _put(pieces, *column.span(mark), sign)
        else:
            for place in _semicolons(text, start):
                pieces[place] = ","
    return "".join(pieces)


def _put(pieces: list[str], start: int, end: int, mark: str) -> None:
    pieces[start:end] = mark.ljust(end - start)


def _semicolons(text: str, start: int) -> list[int]:
    """Return the places of semicolons inside the bracket that opens here, but not inside others."""
    waiting: list[str] = []
    found = []
    for place in range(start, len(text)):
        sign = text[place]
        if sign in _CLOSING:
            waiting.append(_CLOSING[sign])
        elif waiting and sign == waiting[-1]:
            waiting.pop()
            if not waiting:
                break
        elif sign == ";" and len(waiting) == 1 and text[place - 1] != "\\":
            found.append(place)
    return found
