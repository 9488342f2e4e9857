r"""Expectations over one bounded predictor of a function that is no polynomial times a weight: as one integral.

Such is what is left where a normal predictor x is averaged over in closed form beside z,

.. math:: E_x[x^k e^{a + b x + c(z) x^2}] = p(b, c(z)) (1 - 2 c(z))^{-1/2 - k} e^{a + b^2/(2 - 4 c(z))},\quad
   x \sim N(0, 1).

The integral of the function times the density is taken in balls over the segments of the law, its error by bounds of
the integrand on complex boxes on which that is found to be analytic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flint import acb, arb
from sympy import Expr, Pow, Symbol, factor

from leadterms.errors import UncertifiedError
from leadterms.evaluation.binding import independent
from leadterms.evaluation.internal import MARK
from leadterms.evaluation.precision import ball_precision, spelled
from leadterms.expectation.held import Expectation
from leadterms.expectation.support import is_bounded
from leadterms.model.laws import Law

GUARD = 32
"""Bits beyond those asked for, which the integral is taken with."""


@dataclass(frozen=True)
class BoundedIntegral:
    """E f(x), f in the predictor and the parameters, over a bounded law with a density and exact numbers."""

    integrand: Expr
    variable: Symbol
    law: Law

    def enclose(self, values: Mapping[Symbol, arb], bits: int) -> arb:
        """Return a ball that contains it, to about so many bits.

        Raises
        ------
        UncertifiedError
            If the integrand is not found to be analytic next to the support.

        """
        from leadterms.evaluation.certified.laws.line_base import Line
        from leadterms.evaluation.certified.moments.lines import line_of
        from leadterms.evaluation.certified.tools.balls import value_of

        with ball_precision(bits + GUARD):
            line: Line = line_of(self.law)

            def function(x: acb) -> acb:
                return value_of(self.integrand, {**values, self.variable: x})

            found = line.mean_between(line.low, line.high, function)
        if not found.is_finite():
            raise UncertifiedError(
                f"the integral over {spelled(self.law)} of a function of it could not be enclosed: a singularity is on "
                "its support, or too close to it"
            )
        return found


def bounded_integral(node: Expectation) -> BoundedIntegral | None:
    """Return an expectation without inner ones as such an integral, None where it is of another kind."""
    if len(node.bindings) != 1 or any(law.free_symbols for _, law in node.bindings):
        return None
    integrand, laws, variables = independent(node, f"{MARK}x")
    if len(laws) != 1 or laws[0].is_discrete or not is_bounded(laws[0]):
        return None
    return BoundedIntegral(_in_factors(integrand), variables[0], laws[0])


def _in_factors(integrand: Expr) -> Expr:
    """Write denominators as powers: multiplied out they are far wider on boxes than they are."""
    return integrand.replace(
        lambda part: isinstance(part, Pow) and part.exp.is_Integer and part.exp.is_negative,
        lambda part: factor(part.base) ** part.exp,
    )
