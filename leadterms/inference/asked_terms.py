"""Terms that were asked for and do not exist: how they are refused, and what to ask for in their place."""

from __future__ import annotations

from collections.abc import Iterable

from leadterms.asymptotics.term import Term
from leadterms.errors import ExistenceError, UndecidedError

ONE_TERM = "ask for one term, terms=1 (--terms 1)"
"""What to change where a second term was asked for that does not exist."""
ONE_OR_WHAT_EXISTS = f"{ONE_TERM}, or for two where they exist, terms=None"
"""The same where None stands for two terms where they exist."""


def require_terms(terms: Iterable[Term], remedy: str = "") -> None:
    """Refuse terms that do not exist, or are not known to.

    Parameters
    ----------
    terms
        At the point, if their conditions hold parameters.
    remedy
        What to change, such as `ONE_TERM`; nothing where one term was asked for.

    Raises
    ------
    ExistenceError
        If one does not exist.
    UndecidedError
        If that is not known.

    """
    try:
        for term in terms:
            term.require_existence()
    except (ExistenceError, UndecidedError) as error:
        raise type(error)(f"{error}; {remedy}" if remedy else str(error)) from None
