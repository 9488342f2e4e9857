r"""Which integrals of transforms a moment is made of, and which of them converge (`fourier_rule`).

An integral E[prod X_i^{k_i} (eta^d w)(eta)], d = 0 or 1, is taken if the exponents p of C t^-p, bounds of the
transforms near zero, have a sum below 1, and it is finite itself: |eta^d w| is bounded, and integrable over eta.  Let
X_i be those of the k_i > 0 without this moment.

- One X, or several with sum k of the k_i: if |x|^k f(x) <= c, f the density of each, the mean of |X|^k |w| given the
  others is at most c int |w|/|b|, and a product of powers is at most the sum of powers of their degree.
- Two, f(x) <= C (1 + |x|)^-p and g(z) <= D (1 + |z|)^-q (`Line.envelope`), j <= p, k <= q, p - j + q - k > 1: given
  the others and eta the mean of |X|^j |Z|^k has the density :math:`\int |x|^j |\zeta|^k f g\,dx/|c|`, bounded as in
  `pair_density`.

Where the sum is not below 1, or X_i^{k_i} has no bounds, with eta = a + sum_j b_j X_j

.. math:: b_i E[X_i Y w] = E[Y \eta w] - a E[Y w] - \sum_{j \ne i} b_j E[X_j Y w],

the moment of Y X_i is finite if those to the right are, being at most the sum of their bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb
from sympy import Expr, Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.transforms import Transform
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball

Exponents = tuple[int, ...]
Integral = tuple[int, Exponents]
"""d and the exponents."""


@dataclass(frozen=True)
class Share:
    """A coefficient of an integral in a moment, times a power of the shift a.

    Parameters
    ----------
    place
        Of the integral.
    coefficient, shift
        The coefficient and the power.

    """

    place: int
    coefficient: Ball
    shift: int


class FourierTerms:
    """The integrals that a strand's moments need, and the shares of these.

    Raises
    ------
    EvaluationError
        If a moment has no such integrals.

    """

    def __init__(self, problem: Problem, heavy: Sequence[Transform | None]) -> None:
        self._problem, self._heavy = problem, heavy
        self._known: dict[Exponents, tuple[Ball, Expr] | None] = {}
        places: dict[Integral, int] = {}
        self.shares: list[tuple[Share, ...]] = []
        for exponents in problem.strand.moments:
            own = [(places.setdefault(one, len(places)), c, s) for one, c, s in self._parts(exponents)]
            self.shares.append(tuple(Share(*share) for share in own))
        self.integrals: tuple[Integral, ...] = tuple(places)
        self.powers = [max((e[i] for _, e in places), default=0) for i in range(len(problem.lines))]

    def near(self, exponents: Exponents) -> tuple[Ball, Expr] | None:
        """Return C and p < 1 with |prod F_k(t)| <= C t^-p near zero, None where an integral is not taken."""
        if exponents not in self._known:
            self._known[exponents] = self._near(exponents)
        return self._known[exponents]

    def _near(self, exponents: Exponents) -> tuple[Ball, Expr] | None:
        size, order = arb(1), Rational(0)
        infinite = []
        for i, (part, k) in enumerate(zip(self._heavy, exponents, strict=True)):
            moment = self._problem.lines[i].absolute(k)
            if part is not None and not moment.is_finite():
                infinite.append(i)
            c, p = (moment, Rational(0)) if part is None else part.near(k)
            size, order = size * c, order + p
        taken = order < 1 and size.is_finite() and self._is_finite(exponents, infinite)
        return (size, order) if taken else None

    def _is_finite(self, exponents: Exponents, places: Sequence[int]) -> bool:
        degree = sum(exponents[i] for i in places)
        if all(part.falls_by(degree) for i in places if (part := self._heavy[i]) is not None):
            return True
        if len(places) != 2:
            return False
        left = [self._problem.lines[i].envelope()[1] - exponents[i] for i in places]
        return all(bool(one >= 0) for one in left) and bool(left[0] + left[1] > 1)

    def _parts(self, exponents: Exponents) -> list[tuple[Integral, Ball, int]]:
        if self.near(exponents) is not None:
            return [((0, exponents), arb(1), 0)]
        for i, part in enumerate(self._heavy):
            if part is None or not exponents[i]:
                continue
            rest = _moved(exponents, i, -1)
            others = [(j, _moved(rest, j, 1)) for j in range(len(exponents)) if j != i]
            if self.near(rest) is not None and all(self.near(e) is not None for _, e in others):
                b = self._problem.slopes
                return [
                    ((1, rest), 1 / b[i], 0),
                    ((0, rest), -1 / b[i], 1),
                    *(((0, e), -b[j] / b[i], 0) for j, e in others),
                ]
        raise EvaluationError("the densities of predictors without second moments fall too slowly")


def _moved(exponents: Exponents, i: int, by: int) -> Exponents:
    return (*exponents[:i], exponents[i] + by, *exponents[i + 1 :])
