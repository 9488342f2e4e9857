r"""The minimum of A/p + B/(1 - p) + C over 0 < p < 1 in closed form, with A, B, C free of p.

The derivative's numerator is a quadratic; its root inside (0, 1) is found by sympy with A and B as squares of positive
symbols, so that the sign of p(1 - p) and of the second derivative are decided, not assumed.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Poly, Symbol, cancel, diff, fraction, nan, roots, sqrt, symbols, together, zoo

from leadterms.algebra.canonical import canonical
from leadterms.expectation.held import Expectation
from leadterms.notation.text import to_text

_P, _RESIDUE, _T = symbols("p a t", positive=True)


@lru_cache(maxsize=1)
def _generic() -> tuple[Expr, Expr]:
    """Minimise a/p + a t^2/(1 - p) over 0 < p < 1: the root inside, and the value there, checked to be a minimum."""
    function = _RESIDUE / _P + _RESIDUE * _T**2 / (1 - _P)
    numerator = fraction(together(diff(function, _P)))[0]
    inside = [root for root in roots(Poly(numerator, _P)) if (root * (1 - root)).factor().is_positive]
    [best] = [cancel(root) for root in inside]
    assert diff(function, _P, 2).xreplace({_P: best}).factor().is_positive  # so that it is a minimum
    return best, function.xreplace({_P: best}).factor()


def closed_minimum(objective: Expr, share: Symbol) -> tuple[Expr, Expr, tuple[str, ...]] | None:
    """Return optimum, least value and conditions where the objective is A/p + B/(1 - p) + C; else None."""
    if any(share in node.free_symbols for node in objective.atoms(Expectation)):
        return None
    if not objective.is_rational_function(share):
        return None
    scaled = (together(share * objective), together((1 - share) * objective))
    ends = [cancel(part).subs(share, end) for end, part in enumerate(scaled)]
    if any(end.has(zoo, nan) for end in ends):
        return None
    first, second = map(canonical, ends)
    rest = canonical(objective - first / share - second / (1 - share))
    if share in rest.free_symbols or any(residue.is_positive is False for residue in (first, second)):
        return None
    conditions = tuple(f"{to_text(residue)} > 0" for residue in (first, second) if residue.is_positive is not True)
    best, least = _generic()
    values = {_RESIDUE: first, _T: sqrt(canonical(second / first))}
    return best.xreplace(values), least.xreplace(values) + rest, conditions
