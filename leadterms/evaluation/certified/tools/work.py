"""How much work the certified road does before it gives up: counted in evaluations of weights, not in seconds.

The count is the same on every machine.  A unit is about the time of one enclosure of a weight over a complex box;
values at real points cost less, and more from some bits on.  More units are granted where more bits are asked for, and
where the caller is patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from leadterms.errors import EvaluationError, UncertifiedError

MOST_UNITS = 1_000_000
"""Twenty to fifty seconds of one core at 15 digits."""
PANEL_UNITS = 60
"""Finding the ellipse of a panel."""
REAL_UNITS, FEW_UNITS = 1 / 6, 1 / 24
"""A value at a real point, and one of a rational function of e^eta."""
WORD, COSTLY = 64, 256
"""Bits beyond which more units are granted, and beyond which values cost more."""
TOO_LONG = "the certified road is too long here (patience=10 grants ten times as much)"


@dataclass
class _Account:
    left: float
    granted: float

    def error(self) -> EvaluationError:
        return EvaluationError(f"more than {round(self.granted)} evaluations of the weight: {TOO_LONG}")


_patience: ContextVar[float] = ContextVar("patience", default=1.0)
_account: ContextVar[_Account | None] = ContextVar("account", default=None)


@contextmanager
def patient(times: float) -> Iterator[None]:
    """Grant so many times the usual work to what is done inside."""
    token = _patience.set(times)
    try:
        yield
    finally:
        _patience.reset(token)


def patience() -> float:
    """Return how many times the usual work is granted, and what usually takes far too long is tried if more than 1."""
    return _patience.get()


def require_patience(what: str) -> None:
    """Refuse what usually takes far too long, unless more than the usual work is granted.

    Raises
    ------
    UncertifiedError
        With what it is.

    """
    if patience() == 1:
        raise UncertifiedError(f"{what}: {TOO_LONG}")


@contextmanager
def limited_work(bits: int, units: float = MOST_UNITS) -> Iterator[None]:
    """Grant so many units, more for more than 64 bits, to what is done inside; an inner block shares the outer's.

    Examples
    --------
    >>> with limited_work(64, units=10):
    ...     spend(8)
    ...     spend(8)
    Traceback (most recent call last):
    ...
    leadterms.errors.EvaluationError: more than 10 evaluations of the weight: the certified road is too long here \
(patience=10 grants ten times as much)

    """
    if _account.get() is not None:
        yield
        return
    granted = units * patience() * max(1.0, bits / WORD)
    account = _Account(granted, granted)
    token = _account.set(account)
    try:
        yield
    except EvaluationError as error:
        # where a bound that fails has its place the first message may have been taken for one
        raise (account.error() if account.left < 0 else error) from None
    finally:
        _account.reset(token)


@contextmanager
def attempt() -> Iterator[None]:
    """Give back what was taken off the account inside where that ends in an error: another road has as much again."""
    account = _account.get()
    left = 0.0 if account is None else account.left
    try:
        yield
    except EvaluationError:
        if account is not None:
            account.left = left
        raise


def is_left(units: float, bits: int = 0) -> bool:
    """Tell whether so many units could be taken off the account, or there is none."""
    account = _account.get()
    return account is None or account.left >= units * max(1.0, bits / COSTLY)


def spend(units: float, bits: int = 0) -> None:
    """Take units off the account, if there is one.

    Raises
    ------
    EvaluationError
        If none are left.

    """
    account = _account.get()
    if account is None:
        return
    account.left -= units * max(1.0, bits / COSTLY)
    if account.left < 0:
        raise account.error()
