r"""What only changes the looks of LaTeX is blanked out, character for character, so that every place stays.

Blanked are comments, math shifts, environments of one equation, sizes of delimiters, spacing, fonts, colours, labels,
alignment marks, and punctuation at the end. Line breaks go where an operator or a relation continues the formula.
"""

from __future__ import annotations

import re

from leadterms.claims.hypergeometric import without_columns
from leadterms.errors import ReadingError

_ENVIRONMENTS = (
    "align|alignat|aligned|equation|displaymath|math|gather|gathered|multline|split|eqnarray|array|IEEEeqnarray"
)
_SPACING = r"quad|qquad|thinspace|enspace|medspace|thickspace|hfill|mathstrut|strut|relax|null"
_STYLES = r"displaystyle|textstyle|scriptstyle|scriptscriptstyle|limits|nolimits|nonumber|notag|noindent|centering"
_FONTS = (
    r"rm|bf|it|sf|tt|sl|em|normalfont|boldmath|boldsymbol|bm|pmb|mathbf|mathit|mathnormal|ensuremath|mathord|"
    r"mathopen|mathclose|mathbin|small|large|Large|LARGE|huge|Huge|footnotesize|normalsize"
)
_SIZED = r"[bB]igg?[lrm]?"

_LOOKS = re.compile(
    r"(?P<newline>\\\\\*?(?:\s*\[[^\[\]{}]*\])?)"
    r"|(?<!\\)%[^\n]*"
    rf"|\\(?:begin|end)\s*\{{(?:{_ENVIRONMENTS})\*?\}}(?:\s*\{{[lrc|@\s\d!]*\}})?"
    r"|\$|&|~|\\[\[\]()]|\\[,;:!>\s/]"
    r"|\\(?:left|right|middle)(?![A-Za-z])(?:\s*\.)?"
    rf"|\\(?:{_SIZED}|{_SPACING}|{_STYLES}|{_FONTS})(?![A-Za-z])"
    r"|\\(?:tag\*?|label|hspace\*?|vspace\*?|color|phantom|hphantom|vphantom)\s*\{[^{}]*\}"
    r"|\\textcolor\s*\{[^{}]*\}"
)
_LEAD = re.compile(r"\s*(?:\\(?:implies|Longrightarrow|Rightarrow|therefore|because)(?![A-Za-z])|:(?!=)|=>)")
_TAIL = " \t\r\n\f.,;"
_CONTINUES = re.compile(r"[+\-=/]|\\(?:times|cdot|approx|simeq|sim|to|equiv|pm|mp)(?![A-Za-z])")
_OPEN_END = re.compile(r"(?:[+\-=/({\[]|\\(?:times|cdot|approx|simeq|sim|to|equiv))\Z")
_DAMAGED = re.compile(r"[\x07\x08\x0b\x0c]|\t(?=frac|imes|au\b|ext|heta|anh|ilde)|\r(?=ight|m\b)")
_NAMED_BRACKETS = re.compile(r"\\(lbrace|rbrace|lbrack|rbrack)(?![A-Za-z])")
_BRACKETS = {"lbrace": r"\{", "rbrace": r"\}", "lbrack": "[", "rbrack": "]"}
_LETTERS = {"\x07": "a", "\x08": "b", "\x0b": "v", "\x0c": "f", "\t": "t", "\r": "r"}


def blanked(text: str, start: int, end: int) -> str:
    """Return a text with blanks in place of a span.

    Examples
    --------
    >>> blanked("abcd", 1, 3)
    'a  d'

    """
    return text[:start] + " " * (end - start) + text[end:]


def without_looks(text: str) -> str:
    r"""Return LaTeX with blanks in place of all that only changes its looks.

    Parameters
    ----------
    text
        LaTeX; its characters are the positions in errors.

    Returns
    -------
    str
        A text of the same length.

    Raises
    ------
    ReadingError
        Where two lines follow each other without an operator, and where backslashes were lost to control characters.

    Examples
    --------
    >>> without_looks(r"$\left(m\,n\right)$.").split()
    ['(m', 'n', ')']

    """
    if damage := _DAMAGED.search(text):
        letter = _LETTERS[damage[0]]
        raise ReadingError(
            f"a control character stands where \\{letter}... was meant: in Python write a raw string, r'...'",
            text,
            damage.start(),
        )
    shown = without_columns(text)
    shown = _LOOKS.sub(lambda found: found[0] if found["newline"] else " " * len(found[0]), shown)
    shown = _NAMED_BRACKETS.sub(lambda found: _BRACKETS[found[1]].ljust(len(found[0])), shown)
    if lead := _LEAD.match(shown):
        shown = blanked(shown, 0, lead.end())
    shown = _without_newlines(shown)
    return blanked(shown, len(shown.rstrip(_TAIL)), len(shown))


def _without_newlines(text: str) -> str:
    """Blank line breaks; each needs an operator on one of its sides, or nothing at all."""
    breaks = [match for match in _LOOKS.finditer(text) if match["newline"]]
    pieces = list(text)
    for found in breaks:
        pieces[found.start() : found.end()] = " " * (found.end() - found.start())
    shown = "".join(pieces)
    last = -1
    for found in breaks:
        if not shown[last + 1 : found.start()].strip():
            continue  # the start, or one break behind another
        last = found.end() - 1
        before = shown[max(found.start() - 200, 0) : found.start()].rstrip()
        after = shown[found.end() : found.end() + 200].strip(_TAIL)
        if after and not (_CONTINUES.match(after) or _OPEN_END.search(before)):
            raise ReadingError(
                "two lines without an operator between them: give one formula at a time",
                text,
                found.start(),
                found.end(),
            )
    return shown
