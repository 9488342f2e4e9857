"""What a bounded weight, or one that eta keeps bounded, needs over predictors."""

from __future__ import annotations

from sympy import Expr, Integer, Poly, Symbol, Tuple, oo

from leadterms.errors import UndecidedError
from leadterms.expectation.admissions import Admissions
from leadterms.expectation.existence import moment_conditions, opposed_conditions, weighted_conditions
from leadterms.expectation.held import variables_of
from leadterms.expectation.monomials import has_monomials
from leadterms.expectation.slow_functions import grows_slowly
from leadterms.expectation.support import is_bounded, require_smooth
from leadterms.expectation.tails import tail_indices
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw
from leadterms.model.weights import (
    CloglogWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

BOUNDED = (LogisticWeight, ProbitWeight, CloglogWeight, SaturatingWeight, PowerWeight)
"""A power weight is where eta keeps above a positive number, which its links require."""


def admit_weighted(met: Admissions, weight: Weight, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> None:
    """Admit what E[factor * w(eta)] needs over predictors in eta, or that the factor couples with them."""
    straight = [one for one in bindings if not _is_tilted(met, weight, factor, eta, one, bindings)]
    require_smooth([factor, eta], straight)
    for binding in bindings:
        _admit_one(met, weight, factor, eta, binding)
    _admit_opposed(met, weight, factor, eta, bindings)


def _is_tilted(
    met: Admissions, weight: Weight, factor: Expr, eta: Expr, binding: Tuple, bindings: tuple[Tuple, ...]
) -> bool:
    """Tell whether a factor of a bounded weight is a sum of powers times exponentials, logarithms among them.

    Then E|factor w| <= sup w E|factor|, and that is finite where the law surely has these moments.  The other
    predictors must have all moments: none may need the weight.  No random effect may multiply functions of x.
    """
    x, law = binding
    if not isinstance(law, Law) or not isinstance(weight, BOUNDED):
        return False
    if any(eta.diff(effect).has(x) for effect in met.effects):
        return False
    if not all(one is binding or is_bounded(one[1]) or isinstance(one[1], NormalLaw) for one in bindings):
        return False
    # whether the weight tames more than that is not asked: what fails here may exist
    return has_monomials(factor, eta, x, law) or grows_slowly(factor, eta, x, law)


def _admit_one(met: Admissions, weight: Weight, factor: Expr, eta: Expr, binding: Tuple) -> None:
    variables, law = variables_of(binding), binding[1]
    polynomial = factor.is_polynomial(*variables) and eta.is_polynomial(*variables)
    if isinstance(law, JointNormalLaw) or not polynomial:
        return  # all moments exist; or the support is bounded
    x = variables[0]
    power = Poly(factor, x).degree()
    degree = Poly(eta, x).degree()
    if degree < 1:
        met.admit(moment_conditions(law, power, x.name))
        return
    coefficients = [Poly(eta, x).coeff_monomial(x**k) for k in range(1, degree + 1)]
    beside = set().union(*(c.free_symbols for c in coefficients))
    if beside & (met.effects | met.predictors):
        # where the last one comes near to zero another may take eta back to zero far out
        coefficients = [Integer(0)] * (degree - 1) + coefficients[-1:]
    conditions = weighted_conditions(law, power, weight, coefficients, x.name)
    met.admit(conditions)
    heavy = [z for z in _heavy(met) if z in beside]
    if conditions and heavy:
        raise UndecidedError(
            f"whether E[{x.name}^{power}*w] exists could not be decided: {heavy[0]}, whose tail is heavy, "
            f"multiplies powers of {x.name}"
        )


def _heavy(met: Admissions) -> list[Symbol]:
    """The predictors that lack some moments."""
    laws = ((x, law) for x, law in met.bindings if isinstance(law, Law) and not is_bounded(law))
    return [x for x, law in laws if set(tail_indices(law, x.name)) != {oo}]


def _admit_opposed(met: Admissions, weight: Weight, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> None:
    """Admit what unbounded predictors need together that are in eta by polynomials of their own."""
    laws = {x: law for x, law in bindings if isinstance(law, Law) and not is_bounded(law)}
    moved = [x for x in laws if factor.is_polynomial(x) and eta.is_polynomial(x) and Poly(eta, x).degree() > 0]
    if len(moved) > 1:
        powers, degrees = ([Poly(part, x).degree() for x in moved] for part in (factor, eta))
        names = [x.name for x in moved]
        met.admit(opposed_conditions([laws[x] for x in moved], powers, weight, names, degrees))
