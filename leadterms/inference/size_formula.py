"""Sample size, power and detectable effect as formulas in parameters, sizes and quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Eq, Expr, Function, Integer, Matrix, Symbol, sqrt

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


def equation(known: ContrastVariance, solve: str, size: Symbol, sides: int) -> Eq:
    """Return what is solved for as an equation, before it is rounded up.

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

    Returns
    -------
    equation
        Solved where it can be: ``m = ...``. Else what the size solves, ``lambda_ = d'V^{-1}d`` for several rows, of
        which lambda_ is the noncentrality, and ``(z_alpha + z_power)^2 = d^2/V`` for one.

    Raises
    ------
    ModelError
        If the variance matrix of several rows is singular.

    """
    several = known.hypothesis.rows > 1
    if solve == EFFECT:
        return _equation(Symbol(EFFECT), (Z_ALPHA + Z_POWER) * sqrt(known.variance))
    if not several and solve != POWER:
        solved = _solved(known.entries[0][0].terms, size, known.hypothesis.difference[0])
        return _equation((Z_ALPHA + Z_POWER) ** 2, _information(known)) if solved is None else _equation(size, solved)
    information = _information(known)
    if several:
        proportional = information.xreplace({TOTAL: M * MEAN_SIZE}) / size
        unsolved = solve == POWER or proportional.has(size)
        return _equation(NONCENTRALITY, information) if unsolved else _equation(size, NONCENTRALITY / proportional)
    delta = sqrt(information)
    upper = Phi(delta - Z_ALPHA)
    return _equation(Symbol(POWER), upper + Phi(-delta - Z_ALPHA) if sides == 2 else upper)


def _equation(left: Expr, right: Expr) -> Eq:
    return Eq(left, right, evaluate=False)


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


def _solved(terms: Sequence[Term], size: Symbol, effect: Expr) -> Expr | None:
    """Solve z^2 (A + B/size) = d^2 for the size; None where the variance is not linear in 1/size."""
    free, scaled = Integer(0), Integer(0)
    needed = (Z_ALPHA + Z_POWER) ** 2
    for term in terms:
        order = term.order.xreplace({TOTAL: M * MEAN_SIZE}) if size == M else term.order
        if term.coefficient.has(size) or (order.has(size) and (order * size).has(size)):
            return None
        if order.has(size):
            scaled += term.coefficient * order * size
        else:
            free += term.coefficient * order
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
