"""Factors of equal power are multiplied out again where that reads shorter: (sinh b - b)(sinh b + b)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from leadterms.algebra.fraction import Polynomial
from leadterms.algebra.survey import structural_order
from leadterms.algebra.writing import Form, Written

MERGED_TERMS = 60  # products that may get longer are not tried


def merged(
    factors: Sequence[tuple[Polynomial, int]],
    forms: Callable[[Polynomial], tuple[Form, ...]],
    exponential: Callable[[Polynomial], bool],
) -> list[Written]:
    """Return the factors with their forms, merged greedily in pairs while the cost does not rise.

    Parameters
    ----------
    factors
        Polynomials with multiplicities.
    forms
        The forms of a polynomial, cheapest first.
    exponential
        Whether a polynomial holds exponentials; factors merge only with their own kind.

    """
    written = sorted((Written(f, k, forms(f)) for f, k in factors), key=_order)
    while True:
        best: tuple[int, Written, tuple[Written, Written]] | None = None
        for a, b in combinations(written, 2):
            if _may_merge(a, b) and exponential(a.polynomial) == exponential(b.polynomial):
                product = a.polynomial * b.polynomial
                both = Written(product, a.multiplicity, forms(product))
                saved = a.forms[0].cost + b.forms[0].cost + 1 - both.forms[0].cost
                if saved >= 0 and (best is None or saved > best[0]):
                    best = (saved, both, (a, b))
        if best is None:
            return [_reduced_power(single, forms, exponential) for single in written]
        written = [w for w in written if w not in best[2]] + [best[1]]
        written.sort(key=_order)


def _reduced_power(
    single: Written,
    forms: Callable[[Polynomial], tuple[Form, ...]],
    exponential: Callable[[Polynomial], bool],
) -> Written:
    """cosh(x/2)**2 as cosh(x) + 1, where that is shorter."""
    if single.multiplicity % 2 or not 2 <= len(single.polynomial) <= 4 or not exponential(single.polynomial):
        return single
    square = single.polynomial**2
    double = Written(square, single.multiplicity // 2, forms(square))
    return double if double.forms[0].cost <= single.forms[0].cost else single


def _may_merge(a: Written, b: Written) -> bool:
    sizes = len(a.polynomial), len(b.polynomial)
    return a.multiplicity == b.multiplicity and min(sizes) > 1 and sizes[0] * sizes[1] <= MERGED_TERMS


def _order(single: Written) -> tuple[int, object]:
    return single.multiplicity, structural_order(single.forms[0].shown)
