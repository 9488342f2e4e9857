"""GLM without random effects: Asy.Cov(beta^) = (phi/n) H^{-1}, H = E[w(eta) X X'] (textbook).

The order of the first neglected term is 1/n^2.  The dispersion estimator has asymptotic variance
1/{2 d'(phi)/phi + d''(phi)} over n, and no asymptotic covariance with beta^.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations_with_replacement

from sympy import Dummy, Expr, Function, Symbol, diff, exp
from sympy.functions.elementary.hyperbolic import HyperbolicFunction

from leadterms.algebra.canonical import canonical
from leadterms.algebra.fraction import Polynomial
from leadterms.algebra.parts import parts_of
from leadterms.algebra.rational_field import SingularError, TooLongError, inverse, lift, seems_singular
from leadterms.asymptotics.result import Term
from leadterms.asymptotics.signs import without_leading_minus
from leadterms.expectation.held import Expectation, outermost, revealed
from leadterms.information.conditional import ConditionalInformation
from leadterms.model.families import Family
from leadterms.notation.functions import InverseEntry
from leadterms.notation.symbols import PHI

Covariance = dict[tuple[Symbol, Symbol], Term]
Rows = Sequence[Sequence[Expr]]

MOST_OPAQUE = 4
"""More opaque functions than this are not brought over one denominator."""
LARGE = 6
"""Coefficients from which on their information is inverted with names for what is held."""


def inverse_terms(
    matrix: Rows,
    information: ConditionalInformation | None,
    parameters: tuple[Symbol, ...],
    dispersion: Expr,
    order: Expr,
    status: str,
) -> Covariance:
    """Return the terms of phi (matrix)^{-1} times an order, one for each pair of coefficients that are correlated.

    Parameters
    ----------
    matrix
        The information of the coefficients: H without random effects, G of block B with them.
    information
        Closes the expectations in it; None leaves coefficients as they come.
    parameters
        The coefficients, in the order of the matrix.
    dispersion
        phi, or 1 for a family without dispersion.
    order
        1/n or 1/(mn).
    status
        Status of the statement.

    """
    entries, is_written = _inverted(matrix)
    terms: Covariance = {}
    for i, j in combinations_with_replacement(range(len(parameters)), 2):
        unclosed = dispersion * entries[i][j]
        term = finished(unclosed, information, order, status, variance=i == j, is_written=is_written)
        if term is not None:
            terms[parameters[i], parameters[j]] = term
    return terms


def with_weights_whole(terms: Covariance, matrix: Rows, parameters: tuple[Symbol, ...], dispersion: Expr) -> Covariance:
    """Return the same terms with the unclosed forms made from a matrix in which weights are kept whole."""
    entries = inverted(matrix)
    place = {parameter: i for i, parameter in enumerate(parameters)}
    return {
        (first, second): replace(term, unclosed=dispersion * entries[place[first]][place[second]])
        for (first, second), term in terms.items()
    }


def inverted(matrix: Rows) -> list[list[Expr]]:
    """Invert a symmetric matrix of expressions exactly, held expectations being independent symbols.

    Raises
    ------
    SingularError
        If the matrix is singular.

    """
    return _inverted(matrix)[0]


def _inverted(matrix: Rows) -> tuple[list[list[Expr]], bool]:
    """Return the inverse, and whether it is written out.

    What is not stays an `InverseEntry`: a covariance that is zero is not told by its form then.
    """
    size = len(matrix)
    # sums of hundreds of products are sorted again and again: held expectations are long to compare, symbols are not
    held = sorted(set().union(*(outermost(entry) for row in matrix for entry in row)), key=str) if size >= LARGE else []
    names = {node: Dummy(f"E{i:04}", real=True) for i, node in enumerate(held)}
    field, flat = lift(entry.xreplace(names) for row in matrix for entry in row)
    rows = [flat[size * i : size * (i + 1)] for i in range(size)]
    try:
        found = inverse(rows)
    except TooLongError:
        if seems_singular(rows):
            raise SingularError("the matrix is singular; drop redundant rows and columns") from None
        return InverseEntry.inverse(matrix), False
    back = {name: node for node, name in names.items()}

    known: dict[str, Expr] = {}

    def written(polynomial: Polynomial) -> Expr:
        # the determinant stands below most entries
        key = str(polynomial)
        if key not in known:
            known[key] = field.polynomial_to_sympy(polynomial).xreplace(back)
        return known[key]

    shown = {
        (i, j): written(found[i][j].numerator) / written(found[i][j].denominator)
        for i in range(size)
        for j in range(i, size)
    }
    return [[shown[min(i, j), max(i, j)] for j in range(size)] for i in range(size)], True


def finished(
    unclosed: Expr,
    information: ConditionalInformation | None,
    order: Expr,
    status: str,
    *,
    variance: bool,
    is_written: bool = True,
) -> Term | None:
    """Close what a rule closes, bring to the canonical form; None for an exact zero.

    A variance is positive, and written without a leading minus sign where a sum can take it.
    With many opaque functions (logarithms, dilogarithms) or weights one fraction over everything is slow and long:
    then the canonical form is that of the coefficient in its held expectations, each of which is closed in place.
    Without an information that closes anything the coefficient is left as it comes, and so is an entry of an inverse
    that is not written out, but for closing what it holds.
    """
    if information is None:
        return Term(unclosed, order, status, may_vanish=not variance) if unclosed != 0 else None
    outline = canonical(unclosed) if is_written else unclosed
    if outline == 0:
        return None
    closure = information.close(outline)
    opaque = {part for part in parts_of(closure.expression, Function) if not isinstance(part, exp | HyperbolicFunction)}
    whole = {node for node in parts_of(outline, Expectation) if not node.bindings}
    if is_written and len(opaque) + len(whole) <= MOST_OPAQUE:
        coefficient = canonical(closure.expression)
    else:
        coefficient = information.close(outline, tidy=True).expression
    if variance:
        coefficient, outline = without_leading_minus(coefficient), without_leading_minus(outline)
    if coefficient == 0:
        return None
    return Term(
        coefficient,
        order,
        status,
        rules=closure.rules,
        unclosed=revealed(outline),
        nonzero=closure.nonzero,
        close_at=partial(information.close_at, outline),
        may_vanish=not variance,
    )


def dispersion_term(family: Family, order: Expr, status: str) -> Term:
    """Return 1/{2 d'(phi)/phi + d''(phi)}, per observation (Bhaskaran and Wand 2023; the deck's general theorem).

    d enters the log density with a minus sign; with it the value is positive.
    """
    assert family.dispersion_normaliser is not None
    d = family.dispersion_normaliser(PHI)
    information = 2 * diff(d, PHI) / PHI + diff(d, PHI, 2)
    return Term(without_leading_minus(canonical(1 / information)), order, status)
