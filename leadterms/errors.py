"""The errors of leadterms: one base, and one child for each kind of refusal.

Every message is one clear line: what was asked, what is wrong, where, and what to change.
"""

from __future__ import annotations

import re

WINDOW = 100
"""Characters of a text that are shown around a caret."""

NAME = 60
"""Characters of a name that a message repeats."""

QUOTED = 120
"""Characters between quotes that a message repeats: formulas are longer than names."""

CUT = "..."


class LeadtermsError(ValueError):
    """Base of every error that leadterms raises on purpose.

    Names of any length may be in what a user writes: in a message, they are cut.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(_cut_names(own) if isinstance(own, str) else own for own in arguments))


def _cut_names(message: str) -> str:
    """Return a message with long names, and long texts in quotes, cut; an excerpt below it stays as it is."""
    line, *below = message.split("\n", 1)
    line = re.sub(rf"(?<![\w.])[^\W\d]\w{{{NAME},}}", lambda own: own[0][: NAME - len(CUT)] + CUT, line)
    line = re.sub(rf"(?<!\w)'([^'\n]{{{QUOTED + 1},}})'(?!\w)", _cut_quoted, line)
    return "\n".join([line, *below])


def _cut_quoted(found: re.Match[str]) -> str:
    return f"'{found[1][: QUOTED - len(CUT)]}{CUT}'"


class ReadingError(LeadtermsError):
    """Text that cannot be read; the message is followed by the text and a caret at the place.

    Parameters
    ----------
    message
        One line: what is wrong and what to change.
    text
        The whole text that was being read.
    start, end
        The span in ``text`` (half-open, character positions) that could not be read.

    """

    def __init__(self, message: str, text: str, start: int, end: int | None = None) -> None:
        self.message = _cut_names(message)
        self.text = text
        self.start = start
        self.end = start + 1 if end is None else max(end, start + 1)
        super().__init__(self.message)
        self.args = ("\n  ".join((self.message, *self.excerpt)),)

    @property
    def shown(self) -> str:
        """The text with control characters made visible, so that the caret stays in its column."""
        return "".join(c if c.isprintable() else " " for c in self.text)

    @property
    def caret(self) -> str:
        """The line that points at the span."""
        return " " * self.start + "^" * (self.end - self.start)

    @property
    def excerpt(self) -> tuple[str, str]:
        """The lines of text and caret of the message: of a long text, only what stands around the span's start."""
        length = len(self.text)
        if length <= WINDOW:
            return self.shown, self.caret
        first = max(0, min(self.start - WINDOW // 2, length - WINDOW))
        last = first + WINDOW
        before, after = CUT if first else "", CUT if last < length else ""
        # a span that begins where the text ends has its caret one column further
        caret = self.caret[first : max(last, self.start + 1)]
        return f"{before}{self.shown[first:last]}{after}", " " * len(before) + caret


class ModelError(LeadtermsError):
    """A model statement that is refused."""


class ExistenceError(LeadtermsError):
    """An expectation that does not exist, or a condition of the theory that fails."""


class UndecidedError(LeadtermsError):
    """A question that could not be decided: neither a pass nor a refusal."""


class EvaluationError(LeadtermsError):
    """A value that was asked for and cannot be given: a bad point, or digits that were not reached."""


class OutOfRangeError(EvaluationError):
    """A value with more decimal places than any use has for: on no road is it looked for."""


class NoRuleError(EvaluationError):
    """An expression that there is no rule for over arrays; single values may be had all the same."""


class UncertifiedError(EvaluationError):
    """No certified road leads to a number: there is no proven bound for it here."""
