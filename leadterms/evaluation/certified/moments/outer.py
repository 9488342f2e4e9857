"""A linear predictor seen from some predictors, the outer ones: at each of their values it is one of the others.

Eta is linear in the monomials of the inner predictors, and its constant and coefficients are polynomials in the outer
ones: as under random effects, to which the outer ones are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from flint import arb

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball, whole_power
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.moment_system import Strand

Exponents = tuple[int, ...]


class Outer:
    """Eta as a linear predictor of the inner predictors, its coefficients polynomials in the outer ones.

    Parameters
    ----------
    problem
        The strand.
    places
        Those of the outer predictors, whose powers are powers.

    Attributes
    ----------
    kept
        Places of the inner predictors.
    orders
        The highest exponent of each outer predictor in eta.
    inner
        The strand of the inner predictors, as if one effect moved what the outer ones and the effects move.
    moments
        For each moment its exponents of the outer predictors, and the place of the inner moment.

    """

    def __init__(self, problem: Problem, places: Sequence[int]) -> None:
        self.problem, self.places = problem, tuple(places)
        self.kept = tuple(i for i in range(len(problem.lines)) if i not in places)
        strand = problem.strand
        laws = tuple(strand.laws[i] for i in self.kept)
        split = [(_of(e, self.places), _of(e, self.kept)) for e in problem.predictor.monomials]
        units = [tuple(int(i == j) for j in range(len(laws))) for i in range(len(laws))]
        found = list(dict.fromkeys(own for _, own in split if any(own)))
        # where powers stand for functions the first stands for none
        straight = all(own in units for own in found) and not any(isinstance(law, CurveLaw) for law in laws)
        monomials = units if straight else found
        # of the constant and of each inner monomial, places in eta and outer exponents
        self._terms: list[list[tuple[int, Exponents]]] = [[] for _ in range(1 + len(monomials))]
        for m, (outer, own) in enumerate(split):
            self._terms[1 + monomials.index(own) if any(own) else 0].append((m, outer))
        self.orders = [max((outer[j] for outer, _ in split), default=0) for j in range(len(self.places))]
        moments = tuple(dict.fromkeys(_of(e, self.kept) for e in strand.moments))
        self.moments = [(_of(e, self.places), moments.index(_of(e, self.kept))) for e in strand.moments]
        fixed = [[problem.slopes[m] for m, outer in terms if not any(outer)] for terms in self._terms[1:]]
        self.inner = Problem(
            Strand(
                strand.weight,
                laws,
                strand.centre,
                tuple(sum(own, arb(0)) for own in fixed),
                ((arb(1), *(arb(int(self._is_moved(terms))) for terms in self._terms[1:])),),
                moments,
                None if straight else tuple(monomials),
                None if strand.cuts is None else tuple(strand.cuts[i] for i in self.kept),
            )
        )

    def _is_moved(self, terms: Sequence[tuple[int, Exponents]]) -> bool:
        rows = self.problem.loadings
        return any(any(outer) or any(not row[1 + m].is_zero() for row in rows) for m, outer in terms)

    def along(self, j: int, shift: Ball, slopes: Sequence[Ball], boxes: Sequence[Ball]) -> list[list[Ball]]:
        """Return the constant and the coefficients of the inner monomials, by rising power of outer predictor j.

        The other outer ones range over boxes.
        """
        found = []
        for terms in self._terms:
            own = [arb(0)] * (1 + self.orders[j])
            for m, outer in terms:
                factors = [whole_power(boxes[i], k) for i, k in enumerate(outer) if k and i != j]
                own[outer[j]] = own[outer[j]] + prod(factors, start=slopes[m])
            found.append(own)
        found[0][0] = found[0][0] + shift
        return found

    def tensors(self, slopes: Sequence[Ball]) -> list[list[Ball]]:
        """Return the constant, without the shift, and the coefficients of the inner monomials, as flat arrays.

        The axes are the exponents of the outer predictors, the last running fastest.
        """
        places = {e: n for n, e in enumerate(product(*(range(1 + k) for k in self.orders)))}
        found = []
        for terms in self._terms:
            flat = [arb(0)] * len(places)
            for m, outer in terms:
                flat[places[outer]] = flat[places[outer]] + slopes[m]
            found.append(flat)
        return found


def _of(exponents: Sequence[int], places: Sequence[int]) -> Exponents:
    return tuple(exponents[i] for i in places)
