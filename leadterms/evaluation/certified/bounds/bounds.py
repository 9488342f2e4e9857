"""Bounds of the integrand for real effects, far out and on cells: by the absolute moments that are its ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.inverse_bound import InverseBound
from leadterms.evaluation.certified.bounds.layers import Layers
from leadterms.evaluation.certified.bounds.masses import mass_of
from leadterms.evaluation.certified.bounds.two_densities import bound_of_two, growth_of_two
from leadterms.evaluation.certified.moments.own_part import decay, integral, own_part
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.moments.weight_balls import rate_of
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, interval
from leadterms.evaluation.moment_system import Ceiling, InverseCeiling
from leadterms.evaluation.precision import spelled


class Bounds:
    """Proven bounds of |F| for real effects.

    Raises
    ------
    EvaluationError
        If a part of the ceiling is not bounded.

    """

    def __init__(self, strands: Strands) -> None:
        whole = strands.system.whole
        strands = strands if whole is None else Strands(whole)
        self._problems = strands.problems
        self._terms = [
            _of_moment(strands.problems[part.strand], part)
            if isinstance(part, Ceiling)
            else InverseBound(strands.problems, part)
            if isinstance(part, InverseCeiling)
            else _Growing(list(part.growth), part.level)
            for part in strands.system.ceiling
        ]

    def on(self, cell: Cell) -> Ball:
        """Bound the integral of |F| phi over a cell."""
        return (self.top(cell) * mass_of(cell, 0)).abs_upper()

    def top(self, cell: Cell) -> Ball:
        """Bound |F| on a cell of real effects."""
        return _added(term.top(cell) for term in self._terms)

    def on_lattice(self, cell: Cell) -> Ball:
        """Bound the integral of the ceiling times phi over a cell, or its sum over a lattice of steps at most 1.

        The sum times the steps, in some of the directions: at most 1 + the width over the step are the nodes in a side.
        """
        return (self.top(cell) * mass_of(cell, 1)).abs_upper()

    def beyond(self, radius: Ball) -> Ball:
        """Bound the integral of |F| phi over the effects outside the cube of this radius."""
        return _added(term.beyond(radius, 0) for term in self._terms)

    def beyond_on_lattice(self, radius: Ball) -> Ball:
        """Bound the same of the ceiling, or its sum over a lattice of steps at most 1 as in `on_lattice`."""
        return _added(term.beyond(radius, 1) for term in self._terms)

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie, beyond a few standard deviations."""
        return max(term.growth_of_effects() for term in self._terms)

    def reach(self, j: int) -> float:
        """Return about how far a linear predictor moves when one effect moves by one."""
        totals = []
        for problem in self._problems:
            row = problem.loadings[j]
            sizes = problem.predictor.sizes([line.reach(2.0) for line in problem.lines])
            parts = (abs(float(entry)) * float(size) for entry, size in zip(row[1:], sizes, strict=True))
            totals.append(abs(float(row[0])) + sum(parts))
        return max(totals)


def _added(parts: Iterable[Ball]) -> Ball:
    total = arb(0)
    for part in parts:
        if not part.is_finite():
            return NAN
        total += part
    return total.abs_upper()


def _of_moment(problem: Problem, part: Ceiling) -> _Growing | _Bounded:
    """Return proven bounds of c M(u), M an absolute moment of one strand, for real effects.

    Bounded weights: M(u) <= sup of w over the range of eta, times E|X|^powers; `without_moment` if that is infinite.  A
    weight scale e^(rate eta) on bounded predictors: M(u) <= level e^(sum growth_j |u_j|).
    """
    sizes = [line.absolute(k) for line, k in zip(problem.lines, part.exponents, strict=True)]
    factor = abs(arb(part.factor))
    if not all(bool(size.is_finite()) for size in sizes):
        growth, level = without_moment(problem, part.exponents)
        return _Growing(growth, factor * level)
    size = prod(sizes, start=factor)
    rate = problem.weight.rate
    return _Bounded(problem, part.exponents, size) if rate is None else _Growing(*_exponential(problem, size, rate))


def without_moment(problem: Problem, exponents: Sequence[int]) -> tuple[list[Ball], Ball]:
    """Return growth and level where an E|X_i|^power is infinite: by its density, or two, or else `falling`."""
    level = by_density(problem, exponents)
    if level.is_finite():
        return [arb(0)] * len(problem.loadings), level
    return growth_of_two(problem, exponents) or falling(problem, exponents)


def largest_moment(problem: Problem, exponents: Sequence[int], without: int | None = None) -> Ball:
    """Bound E[|X|^exponents w] for all real effects, by the largest w or `by_density`; at any value of one predictor.

    The value of the one left out enters no power.
    """
    rest = [0 if i == without else k for i, k in enumerate(exponents)]
    sizes = (line.absolute(k) for line, k in zip(problem.lines, rest, strict=True))
    size = prod(sizes, start=problem.weight.modulus(None, None, arb(0)))
    return size if size.is_finite() else by_density(problem, rest, without)


def by_density(problem: Problem, exponents: Sequence[int], without: int | None = None) -> Ball:
    """Bound E[|X|^exponents w] for all real effects where one E|X_i|^power is infinite, not finite where not known.

    With |x|^power f <= C for the density f of X_i (`Line.crest`), eta = a + b x_i, b != 0 fixed, it is at most
    C/|b| times the integral of w, and the other moments: whatever a is, so at any value of the one left out, too.  Of
    two: `two_densities`.
    """
    sizes = [line.absolute(k) for line, k in zip(problem.lines, exponents, strict=True)]
    infinite = [i for i, size in enumerate(sizes) if not size.is_finite()]
    if len(infinite) not in (1, 2) or without in infinite or not problem.predictor.is_affine:
        return NAN
    if any(_is_moved(problem, i) or problem.slopes[i].contains(0) for i in infinite):
        return NAN
    if len(infinite) == 2:
        return bound_of_two(problem, exponents, infinite)
    (i,) = infinite
    others = prod((size for size in sizes if size.is_finite()), start=arb(1))
    part = own_part(problem, i, problem.centre, problem.slopes)
    if part is None:
        return NAN
    level = problem.lines[i].crest(exponents[i]) * integral(problem, part, arb(0)) * others
    return level.abs_upper() if level.is_finite() else NAN


def falling(problem: Problem, exponents: Sequence[int]) -> tuple[list[Ball], Ball]:
    """Return growth and level where E|X_i|^power is infinite, but the weight falls: |w(eta)| <= K e^-|eta|.

    Or |w(eta)| <= K e^eta where b x_i keeps to the left, then with t (a + b x) for -t |eta| below (`own_part.decay`).

    Let eta = a + p(x_i) with a fixed p, |p(x)| >= r |x| - s (`own_part`), the effects and the bounded predictors being
    in a.  For 0 < t <= 1 |w| <= K e^(-t |eta|) <= K e^(t (|a| + s)) e^(-t r |x_i|), and
    |x|^k e^(-t r |x|) <= {k/(e t r)}^k.  With a t of about 1/|a| the level is of the size of |a|^k.  Beside unbounded
    predictors with slopes the rate is r/2, and what is opposed adds its bound (`falls`), whatever the effects are.
    """
    sizes = [line.absolute(k) for line, k in zip(problem.lines, exponents, strict=True)]
    infinite = [i for i, size in enumerate(sizes) if not size.is_finite()]
    if len(infinite) != 1:
        raise EvaluationError("no proven bound of the predictors' absolute moments")
    i, others = infinite[0], prod((size for size in sizes if size.is_finite()), start=arb(1))
    power = exponents[i]
    refusal = EvaluationError(
        f"no proven bound of the absolute moments of {spelled(problem.strand.laws[i])}: without a moment of order "
        f"{power} it needs a fixed slope other than zero, or a fixed polynomial, other predictors that are "
        f"bounded, or have a moment of order {max(power + k for k in exponents)} and fixed slopes, and a weight that "
        "falls to both sides, or where the predictor goes"
    )
    part = own_part(problem, i, problem.centre, problem.slopes)
    if part is None or _is_moved(problem, i):
        raise refusal
    ends = [(arb(0), arb(0)) if j == i else side for j, side in enumerate(problem.supports)]
    sizes = problem.predictor.sizes(ends)
    growth = [_reach(row, sizes) for row in problem.loadings]
    slope, decayed, offset = part.falling_rate, decay(problem, i, part, arb(0)), part.offset + part.slack
    aside = part.opposed(problem).part(power, exponents, arb(0)) * problem.weight.modulus(None, None, arb(0))
    if not slope > 0 or not all(bool(one.is_finite()) for one in (decayed, aside, *growth)):
        raise refusal
    t = 1 / (1 + offset + sum(growth, arb(0)))
    near = decayed * (t * offset).exp() * (power / (arb(1).exp() * t * slope)) ** power
    return [(t * one).abs_upper() for one in growth], (others * (near + aside)).abs_upper()


def _is_moved(problem: Problem, i: int) -> bool:
    """Tell whether an effect multiplies a predictor, alone or in a product."""
    monomials = problem.predictor.monomials
    return any(
        not entry.is_zero() and exponents[i]
        for row in problem.loadings
        for entry, exponents in zip(row[1:], monomials, strict=True)
    )


def _reach(row: Sequence[Ball], sizes: Sequence[Ball]) -> Ball:
    """Bound |row[0] + sum row[m] x^m| by the sizes of the monomials."""
    terms = (abs(entry) * size for entry, size in zip(row[1:], sizes, strict=True) if not entry.is_zero())
    return sum(terms, abs(row[0])).abs_upper()


def of_exponential_weight(problem: Problem, exponents: Sequence[int]) -> tuple[list[Ball], Ball]:
    """Return growth and level: E[|X|^exponents w] <= level e^(sum growth_j |u_j|)."""
    sizes = (line.absolute(k) for line, k in zip(problem.lines, exponents, strict=True))
    return _exponential(problem, prod(sizes, start=arb(1)), rate_of(problem.weight))


def _exponential(problem: Problem, size: Ball, rate: Ball) -> tuple[list[Ball], Ball]:
    """Return growth and level of an exponential weight."""
    moved = moved_monomials(problem)
    sizes = problem.predictor.sizes(problem.supports)
    growth = [sum((abs(rate * row[1 + m]) * sizes[m] for m in moved), abs(rate * row[0])) for row in problem.loadings]
    if not all(bool(one.is_finite()) for one in growth):
        raise EvaluationError(
            "no bound of the integrand for large random effects: a random slope on an unbounded predictor, and the "
            "weight grows exponentially"
        )
    return growth, problem.weight.scale * exponential_of_fixed(problem, rate) * size


def moved_monomials(problem: Problem) -> list[int]:
    """Return the monomials that random effects multiply."""
    count = len(problem.predictor.monomials)
    return [m for m in range(count) if not all(bool(row[1 + m].is_zero()) for row in problem.loadings)]


def exponential_of_fixed(problem: Problem, rate: Ball) -> Ball:
    """Bound e^(rate c(x)) on the support, c the part of eta without effects.

    Raises
    ------
    EvaluationError
        If it is not bounded.

    """
    shift, slopes = rate * problem.centre, [rate * slope for slope in problem.slopes]
    top = problem.predictor.range(shift, slopes, problem.supports)[1]
    if top is None or not top.is_finite():
        raise EvaluationError(
            "no bound of the integrand for large random effects: a predictor is unbounded and the weight grows "
            "exponentially"
        )
    return top.exp().abs_upper()


class _Growing:
    """Bounds by level e^(sum growth_j |u_j|)."""

    def __init__(self, growth: list[Ball], level: Ball) -> None:
        self.growth, self.level = growth, level

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie, beyond a few standard deviations."""
        return max((float(g.upper()) for g in self.growth), default=0.0)

    def top(self, cell: Cell) -> Ball:
        """Bound it on a cell of real effects."""
        exponent = sum((g * interval(*side).abs_upper() for g, side in zip(self.growth, cell, strict=True)), arb(0))
        return (self.level * exponent.exp()).abs_upper()

    def beyond(self, radius: Ball, step: int) -> Ball:
        """Bound its integral with phi outside a cube, or its sum on a lattice."""
        return _beyond(self.level, self.growth, [2 * (g * g / 2).exp() for g in self.growth], radius, step)


class _Bounded:
    """Bounds by the largest value of a bounded weight, in layers of the predictors (`layers`)."""

    def __init__(self, problem: Problem, exponents: Sequence[int], size: Ball) -> None:
        self.problem, self.size = problem, size
        self._layers = Layers(problem, exponents)

    def growth_of_effects(self) -> float:
        """Nothing grows."""
        return 0.0

    def top(self, cell: Cell) -> Ball:
        """Bound it on a cell of real effects."""
        share = self._layers.bound(*self.problem.at([interval(*side) for side in cell]))
        return (share * self.size).abs_upper() if share.is_finite() else NAN

    def beyond(self, radius: Ball, step: int) -> Ball:
        """Bound its integral with phi outside a cube, or its sum on a lattice."""
        effects = len(self.problem.loadings)
        top = self.problem.weight.modulus(None, None, arb(0)) * self.size
        return _beyond(top, [arb(0)] * effects, [arb(1)] * effects, radius, step)


def _beyond(top: Ball, growth: Sequence[Ball], whole: Sequence[Ball], radius: Ball, step: int) -> Ball:
    """Bound the integral of top e^(sum g_j |u_j|) phi outside a cube, or its sum on a lattice of steps h <= ``step``.

    ``whole`` bounds the integral over all of the line, for each effect.

    The integral of e^(g |u|) phi(u) over |u| > R is 2 e^(g^2/2) Q(R - g), Q(x) = erfc(x/sqrt 2)/2: there the
    integrand is e^(g^2/2) phi(|u| - g), which falls from |u| = g on, so that h times its sum over the nodes beyond R
    is at most the integral from R - h on, for R - h >= g.  Over all nodes it is at most the integral and one node,
    e^(g^2/2) times 2 (1 + h/sqrt(2 pi)).
    """
    root = arb(2).sqrt()
    if not (top.is_finite() and all(bool(radius - step >= g) for g in growth)):
        return NAN
    all_nodes = [w * (1 + step / (2 * arb.pi()).sqrt()) for w in whole]
    total = arb(0)
    for i, g in enumerate(growth):
        tail = (g * g / 2).exp() * ((radius - step - g) / root).erfc()
        total += prod((w for j, w in enumerate(all_nodes) if j != i), start=tail)
    return (top * total).abs_upper()
