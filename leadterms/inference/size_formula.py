"""Sample size, power and detectable effect as formulas in parameters, sizes and quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr, Function, Integer, Matrix, Symbol, sqrt

from leadterms.algebra.canonical import canonical
from leadterms.algebra.rational_field import SingularError
from leadterms.asymptotics.fixed_effects import inverted
from leadterms.asymptotics.signs import without_leading_minus
from leadterms.asymptotics.term import Term
from leadterms.errors import ModelError
from leadterms.inference.contrast_variance import ContrastVariance
from leadterms.notation.symbols import TOTAL, M

POWER, EFFECT = "power", "effect"
Z_ALPHA, Z_POWER = Symbol("z_alpha", real=True), Symbol("z_power", real=True)
"""z_{1 - alpha/sides} and z_power, the quantiles of the standard normal law."""
NONCENTRALITY = Symbol("lambda_", positive=True)
"""What several rows need: the noncentrality at which chi^2_r has the power."""
MEAN_SIZE = Symbol("n_bar", positive=True)
"""Mean size of groups of unequal sizes."""
Phi = Function("Phi", real=True)
"""Distribution function of the standard normal law."""


def solved_formula(known: ContrastVariance, solve: str, size: Symbol, sides: int) -> Expr:
    """Return what is solved for as an expression, before it is rounded up.

    Parameters
    ----------
    known
        The variance.
    solve
        A size, "power" or "effect".
    size
        The symbol of the size.
    sides
        Of the test.

    Raises
    ------
    ModelError
        If there is no formula.

    """
    tested = known.hypothesis
    several = tested.rows > 1
    if solve == POWER:
        if several:
            raise ModelError("the power of several rows is that of a noncentral chi-squared law: no formula is given")
        delta = sqrt(_information(known))
        upper = Phi(delta - Z_ALPHA)
        return upper + Phi(-delta - Z_ALPHA) if sides == 2 else upper
    if solve == EFFECT:
        return (Z_ALPHA + Z_POWER) * sqrt(known.variance)
    if not several:
        return _solved(known.entries[0][0].terms, size, tested.difference[0])
    information = _information(known).xreplace({TOTAL: M * MEAN_SIZE}) / size
    if information.has(size):
        raise ModelError(f"the information of several rows is not proportional to {size}: no formula is given")
    return NONCENTRALITY / information


def abbreviated(
    known: ContrastVariance, everything: bool = False
) -> tuple[ContrastVariance, dict[Symbol, tuple[int, int, Expr]]]:
    """Return a variance with v1, v2, ... for coefficients that are held integrals (or all), and where they stand."""
    names: dict[tuple[int, int, Expr], Symbol] = {}
    rows = []
    for i, row in enumerate(known.entries):
        entries = []
        for j, entry in enumerate(row):
            terms = []
            for term in entry.terms:
                place = (min(i, j), max(i, j), term.order)
                if everything or not term.is_closed_form:
                    names.setdefault(place, Symbol(f"v{len(names) + 1}", real=True))
                    term = replace(term, coefficient=names[place])
                terms.append(term)
            entries.append(replace(entry, terms=tuple(terms)))
        rows.append(tuple(entries))
    return replace(known, entries=tuple(rows)), {name: place for place, name in names.items()}


def _solved(terms: Sequence[Term], size: Symbol, effect: Expr) -> Expr:
    """Solve z^2 (A + B/size) = d^2 for the size."""
    free, scaled = Integer(0), Integer(0)
    needed = (Z_ALPHA + Z_POWER) ** 2
    for term in terms:
        order = term.order.xreplace({TOTAL: M * MEAN_SIZE}) if size == M else term.order
        if term.coefficient.has(size):
            raise ModelError(f"{size} is fixed in the regime, and the variance not linear in 1/{size}: no formula")
        if not order.has(size):
            free += term.coefficient * order
        elif not (order * size).has(size):
            scaled += term.coefficient * order * size
        else:
            raise ModelError(f"the variance is not linear in 1/{size}: no formula is given")
    return needed * scaled / (effect**2 - needed * free) if free != 0 else needed * scaled / effect**2


def _information(known: ContrastVariance) -> Expr:
    """Return d' V^{-1} d as an expression."""
    effect = Matrix(known.hypothesis.difference)
    if known.hypothesis.rows == 1:
        return effect[0] ** 2 / known.variance
    try:
        inverse = Matrix(inverted([[entry.variance for entry in row] for row in known.entries]))
    except SingularError:
        raise ModelError("the variance matrix of the rows is singular: test fewer rows, or one at a time") from None
    return without_leading_minus(canonical((effect.T * inverse * effect)[0, 0]))
