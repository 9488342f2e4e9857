"""The errors of leadterms: one base, and one child for each kind of refusal.

Every message is one clear line: what was asked, what is wrong, where, and what to change.
"""

from __future__ import annotations


class LeadtermsError(ValueError):
    """Base of every error that leadterms raises on purpose."""


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
        self.message = message
        self.text = text
        self.start = start
        self.end = start + 1 if end is None else max(end, start + 1)
        super().__init__(f"{message}\n  {self.shown}\n  {self.caret}")

    @property
    def shown(self) -> str:
        """The text with control characters made visible, so that the caret stays in its column."""
        return "".join(c if c.isprintable() else " " for c in self.text)

    @property
    def caret(self) -> str:
        """The line that points at the span."""
        return " " * self.start + "^" * (self.end - self.start)


class ModelError(LeadtermsError):
    """A model statement that is refused."""


class ExistenceError(LeadtermsError):
    """An expectation that does not exist, or a condition of the theory that fails."""


class UndecidedError(LeadtermsError):
    """A question that could not be decided: neither a pass nor a refusal."""


class EvaluationError(LeadtermsError):
    """A value that was asked for and cannot be given: a bad point, or digits that were not reached."""


class UncertifiedError(EvaluationError):
    """No certified road leads to a number: there is no proven bound for it here."""
