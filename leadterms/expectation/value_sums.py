"""Held expectations over predictors with finitely many values among others, as sums over these values."""

from __future__ import annotations

from itertools import product
from math import prod

from sympy import Add, Expr, Integer

from leadterms.expectation.held import Expectation, outermost
from leadterms.expectation.support import at_value
from leadterms.model.laws import Law


def summed_over_values(expression: Expr) -> Expr:
    """Return an expression in which no expectation is held over a predictor with finitely many values.

    Examples
    --------
    >>> from sympy import Rational, Symbol, Tuple, exp
    >>> from leadterms.model.laws import BernoulliLaw, NormalLaw
    >>> a, x = Symbol("a", real=True), Symbol("x", real=True)
    >>> held = Expectation(a / (1 + exp(a + x)), Tuple(a, BernoulliLaw(Rational(1, 3))), Tuple(x, NormalLaw(0, 1)))
    >>> summed_over_values(2 * held)
    2*E[1/(exp(x + 1) + 1); x ~ Normal(0, 1)]/3

    """
    return expression.xreplace({node: _summed(node) for node in outermost(expression)})


def _summed(node: Expectation) -> Expr:
    integrand = summed_over_values(node.integrand)
    atoms = {x: law.atoms_with_probability for x, law in node.bindings if isinstance(law, Law)}
    few = {x: own for x, own in atoms.items() if own is not None}
    rest = tuple(binding for binding in node.bindings if binding[0] not in few)
    terms = []
    for chosen in product(*few.values()):
        value = integrand
        for x, (v, _) in zip(few, chosen, strict=True):
            value = at_value(value, x, v)
        if value != 0:
            chance = prod((p for _, p in chosen), start=Integer(1))
            terms.append(chance * (value if few and not rest else Expectation(value, *rest)))
    return Add(*terms)
