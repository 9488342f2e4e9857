r"""Bounds of E[|X|^j |Z|^k |w|] for real effects by the densities of two predictors with fixed slopes b and c.

Let eta = a + b X + c Z, |w(eta)| <= K e^-|eta|, and densities f(x) <= C (1 + |x|)^-p and g(z) <= D (1 + |z|)^-q
(`Line.envelope`).  Given the other predictors, in a, it is the integral over s of |w(a + s)| G(s),
:math:`G(s) = \int |x|^j |\zeta|^k f(x) g(\zeta)\,dx/|c|`, :math:`\zeta = (s - b x)/c`.

- j <= p, k <= q, r = p - j + q - k > 1: G <= 2 C D (1/|b| + 1/|c|)/(r - 1) (`pair_density`), and the integral of |w|
  is at most 2 K, whatever a is.
- d = j - p in (0, 1], r = q - k - d > 1: |x|^j f <= C |x|^d, |x|^d <= (|s|/|b|)^d + (|c zeta|/|b|)^d, and the integral
  of (1 + |zeta|)^-r over x is |c/b| 2/(r - 1); so

  .. math:: G(s) \le \frac{2 C D}{|b| (r - 1)} \Big\{\Big(\frac{|s|}{|b|}\Big)^d + \Big(\frac{|c|}{|b|}\Big)^d\Big\}.

  With |s|^d <= (1 + |eta|) + (1 + |a|) and 4 K for the integral of (1 + |eta|) |w|, that of |w| G is at most
  2 C D K {(6 + 2 |a|)/|b|^d + 2 (|c|/|b|)^d}/{|b| (r - 1)}.  Other predictors, with fixed slopes b_l, and effects have
  |a| <= |a_0| + sum |b_l X_l| + sum |l_j u_j|, and A + B y <= max(A, B) e^y.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from flint import arb

from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball


def bound_of_two(problem: Problem, exponents: Sequence[int], places: Sequence[int]) -> Ball:
    """Return the first bound of the module, not finite where it is not proven."""
    tops, orders = zip(*(problem.lines[i].envelope() for i in places), strict=True)
    left = [order - exponents[i] for order, i in zip(orders, places, strict=True)]
    if not (all(bool(one >= 0) for one in left) and left[0] + left[1] > 1):
        return NAN
    slopes = sum((1 / abs(problem.slopes[i]) for i in places), arb(0))
    others = [line.absolute(k) for i, (line, k) in enumerate(_pairs(problem, exponents)) if i not in places]
    whole = prod(others, start=2 * problem.weight.decay(arb(0)))
    level = whole * 2 * tops[0] * tops[1] * slopes / (left[0] + left[1] - 1)
    return level.abs_upper() if level.is_finite() else NAN


def growth_of_two(problem: Problem, exponents: Sequence[int]) -> tuple[list[Ball], Ball] | None:
    """Return growth and level of the second bound, level e^(sum growth_j |u_j|); None where it is not proven."""
    if not (problem.predictor.is_affine and problem.fixed_slopes):
        return None
    slow = [i for i, (line, k) in enumerate(_pairs(problem, exponents)) if not line.absolute(k).is_finite()]
    best: Ball = NAN
    for i in slow:
        for j in range(len(problem.lines)):
            if j != i and all(one in (i, j) for one in slow):
                level = _growing(problem, exponents, i, j)
                if level.is_finite() and not best <= level:
                    best = level
    return ([abs(row[0]) for row in problem.loadings], best) if best.is_finite() else None


def _growing(problem: Problem, exponents: Sequence[int], i: int, j: int) -> Ball:
    (top, order), (level, fall) = problem.lines[i].envelope(), problem.lines[j].envelope()
    b, c = abs(problem.slopes[i]), abs(problem.slopes[j])
    d = exponents[i] - order
    r = fall - exponents[j] - d
    if not (d > 0 and d <= 1 and r > 1 and b > 0 and c > 0):
        return NAN
    rest = [one for one in range(len(problem.lines)) if one not in (i, j)]
    sizes = {one: problem.lines[one].absolute(exponents[one]) for one in rest}
    whole = prod(sizes.values(), start=arb(1))
    # E[|a| prod |X_l|^(k_l)] without effects
    shift = abs(problem.centre) * whole
    for one in rest:
        more = problem.lines[one].absolute(exponents[one] + 1)
        others = prod((size for other, size in sizes.items() if other != one), start=more)
        shift += abs(problem.slopes[one]) * others
    scale = (d * b.log()).exp()
    constant = (6 * whole + 2 * shift) / scale + 2 * (d * (c / b).log()).exp() * whole
    front = 2 * top * level * problem.weight.decay(arb(0)) / (b * (r - 1))
    found = front * constant.max(2 * whole / scale)
    return found.abs_upper() if found.is_finite() else NAN


def _pairs(problem: Problem, exponents: Sequence[int]) -> list[tuple[Line, int]]:
    return list(zip(problem.lines, exponents, strict=True))
