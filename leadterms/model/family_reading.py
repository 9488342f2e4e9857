"""Families from text: ``poisson``, ``binomial(10)``, ``negative-binomial(3)``."""

from __future__ import annotations

from difflib import get_close_matches

from sympy import Expr, Integer, Symbol

from leadterms.errors import ReadingError
from leadterms.model.families import (
    FAMILY_NAMES,
    Family,
    binomial,
    gamma,
    gaussian,
    inverse_gaussian,
    negative_binomial,
    poisson,
)
from leadterms.notation.symbols import RESERVED
from leadterms.reading.expressions import read_family_call, resolve

_EXAMPLES = {
    "binomial": "binomial(10), or bernoulli for a single trial",
    "negative-binomial": "negative-binomial(3)",
}
"""How families with an argument are written."""


def _nearest(name: str) -> str | None:
    """Return the family whose name is next to one that is not known, as R's Gamma is."""
    return next(iter(get_close_matches(name.lower(), FAMILY_NAMES, n=1)), None)


def read_family(text: str) -> Family:
    """Return the family that the text names, with its argument where it takes one.

    Raises
    ------
    ModelError, ReadingError
        If the family is unknown or its argument is missing or out of range.

    """
    call = read_family_call(text)
    plain = {"gaussian": gaussian, "poisson": poisson, "gamma": gamma, "inverse-gaussian": inverse_gaussian}
    if call.name in plain and not call.arguments:
        return plain[call.name]()
    if call.name == "bernoulli" and not call.arguments:
        return binomial(Integer(1))
    if call.name not in (*plain, "bernoulli", "binomial", "negative-binomial"):
        near = _nearest(call.name)
        hint = f"did you mean {near}? " if near else ""
        raise ReadingError(
            f"family {call.name!r} is not known: {hint}choose one of {', '.join(FAMILY_NAMES)}",
            text,
            call.start,
            call.end,
        )
    takes = 1 if call.name in ("binomial", "negative-binomial") else 0
    if len(call.arguments) != takes:
        example = _EXAMPLES.get(call.name, call.name)
        raise ReadingError(
            f"the family {call.name} takes {takes} argument(s), but {len(call.arguments)} given: write {example}",
            text,
            call.start,
            call.end,
        )
    argument = call.arguments[0]
    value = resolve(argument, {}, lambda name: None if RESERVED.match(name) else Symbol(name, positive=True))
    if call.name == "binomial":
        if not (isinstance(value, Expr) and value.is_Integer and value > 0):
            raise ReadingError(
                "the number of trials of a binomial is a whole number, 1 or more",
                text,
                argument.start,
                argument.end,
            )
        return binomial(value)
    if not (isinstance(value, Expr) and value.is_positive):
        raise ReadingError("the size of a negative binomial is positive", text, argument.start, argument.end)
    return negative_binomial(value)
