"""Node rules for one variable, chosen by properties of its law and never by the problem.

| property of the law | rule |
|---|---|
| finitely many points | the exact sum |
| density polynomial on pieces | Gauss-Legendre on each piece; where the integrand is rough at an end as below |
| normal | trapezoid on the standardised line (exponentially convergent for analytic integrands) |
| discrete, infinite | the sum, from the mean or the lower end outwards |
| any other density | double-exponential substitution on each interval between breakpoints |

A rule is an :class:`Axis`: arms of nodes, each running from the bulk of the law outwards, made as far
as they are asked for.  Weights include the density.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, pairwise
from math import ceil, pi, sqrt

from sympy import Basic, Expr, Integer, Lambda, Pow, Symbol, log, oo

from leadterms.errors import EvaluationError
from leadterms.evaluation.compile_mpmath import Program
from leadterms.evaluation.gauss_legendre import gauss_legendre
from leadterms.evaluation.precision import Context, Effort, Real, bits, precision, spelled
from leadterms.model.laws import Law, NormalLaw

_LARGEST_EXPONENT = 1_000_000
"""Binary exponents beyond it mean that the terms of an integral do not fall."""
_FARTHEST = 3000
"""Standard deviations from the mean within which the mass of an integral over a normal law is looked for."""

Node = tuple[Real, Real]
"""A point and its weight."""


class Arm:
    """A sequence of nodes that is computed as far as it is read, and kept."""

    def __init__(self, source: Iterator[Node], owner: Axis) -> None:
        self._source = source
        self._owner = owner
        self.known: list[Node] = []

    def __iter__(self) -> Iterator[Node]:
        for i in count():
            if i == len(self.known):
                node = next(self._source, None)
                if node is None:
                    return
                self.known.append(node)
                self._owner.peak = max(self._owner.peak, abs(node[1]))
            yield self.known[i]


class Axis:
    """The nodes of one variable at one level.

    Parameters
    ----------
    arms
        Sequences of nodes.
    finite
        Whether all nodes are to be used, without watching the terms.

    Attributes
    ----------
    peak
        The largest weight met so far.

    """

    def __init__(self, arms: Iterable[Iterator[Node]], finite: bool) -> None:
        self.peak: Real = 0
        self.arms = [Arm(iter(arm), self) for arm in arms]
        self.finite = finite

    @property
    def mass(self) -> Real:
        """The sum of all weights met so far: one, once a law is resolved."""
        return sum(weight for arm in self.arms for _, weight in arm.known)


def axis(context: Context, law: Law, effort: Effort, rough: bool = False) -> Axis:
    """Return the nodes for a law with exact parameters.

    Parameters
    ----------
    context
        Private mpmath context, at the working precision of ``effort``.
    law
        A law of one variable.
    effort
        Digits and level; the number of nodes grows with the level.
    rough
        Whether the integrand may be singular at an end of the support (`is_rough`).

    Raises
    ------
    EvaluationError
        Where the law is given by something that has no numerical rule.

    Examples
    --------
    >>> from leadterms.model.laws import UniformLaw
    >>> from leadterms.evaluation.precision import private_context
    >>> context = private_context()
    >>> nodes = axis(context, UniformLaw(0, 1), Effort(digits=10))
    >>> sum(w * x**3 for x, w in nodes.arms[0])
    mpf('0.25')

    """
    if not isinstance(law, Law):
        raise EvaluationError(f"no node rule for {spelled(law)}: a law of one variable is needed")
    if law.atoms_with_probability is not None:
        flat = [part for pair in law.atoms_with_probability for part in pair]
        values = constants(context, flat)
        return Axis([iter(list(zip(values[::2], values[1::2], strict=True)))], finite=True)
    if isinstance(law, NormalLaw):
        return _normal(context, law, effort)
    variable = Symbol("x", real=True)
    pieces = law.pieces(variable)
    if pieces is not None and not rough:
        return Axis([_polynomial_piece(context, variable, *piece, effort) for piece in pieces], finite=True)
    if law.is_discrete:
        return _discrete(context, law)
    if pieces is None:
        ends = [law.support[0], *law.breakpoints, law.support[1]]
        pieces = tuple((lower, upper, law.density(variable)) for lower, upper in pairwise(ends))
    arms: list[Iterator[Node]] = []
    for lower, upper, density in pieces:
        arms += _interval(context, law, (lower, upper), Lambda(variable, density), effort)
    return Axis(arms, finite=False)


def is_finite_rule(law: Law, rough: bool = False) -> bool:
    """Tell whether the rule of a law has finitely many nodes, all of which are used."""
    smooth = not rough and law.pieces(Symbol("x", real=True)) is not None
    return law.atoms_with_probability is not None or smooth


def is_rough(integrand: Basic, x: Symbol, law: Law) -> bool:
    """Tell whether logarithms, roots or reciprocals in an integrand are singular at an end of a law's support.

    Examples
    --------
    >>> from sympy import sqrt
    >>> from leadterms.model.laws import UniformLaw
    >>> x = Symbol("x", real=True)
    >>> is_rough(sqrt(x), x, UniformLaw(0, 1)), is_rough(sqrt(x), x, UniformLaw(1, 2))
    (True, False)

    """
    smooth = [part for part in integrand.atoms(Pow) if part.exp.is_Integer and part.exp > 0]
    parts = (part for part in integrand.atoms(log, Pow) if part not in smooth)
    return any(part.args[0].xreplace({x: end}) == 0 for part in parts if part.args[0].has(x) for end in law.support)


def constants(context: Context, expressions: Iterable[Expr]) -> list[Real]:
    """Return exact numbers in a context at its precision."""
    return [context.convert(value) for value in Program(context, [], list(expressions))()]


def _normal(context: Context, law: NormalLaw, effort: Effort) -> Axis:
    """Trapezoid on z = (x - mean)/std, midpoints: no node at the mean, where an integrand may be 0/0."""
    mean, std = constants(context, law.args)
    # for the Gaussian itself the error is 2 exp(-2 pi^2/step^2)
    step = context.mpf(1.2 * pi * sqrt(2 / effort.nats) / effort.refinement)
    height = step / context.sqrt(2 * context.pi)
    shrink = context.exp(-step * step)

    def arm(sign: int) -> Iterator[Node]:
        z = step / 2
        weight, factor = height * context.exp(-z * z / 2), shrink
        while z < _FARTHEST:
            yield mean + sign * std * z, weight
            # exp(-(z + h)^2/2) = exp(-z^2/2) exp(-h z - h^2/2), where z runs over (j + 1/2) h
            weight, factor, z = weight * factor, factor * shrink, z + step
        raise EvaluationError(
            f"an integral over {spelled(law)} does not end {_FARTHEST} standard deviations from the mean: does the "
            "expectation exist here? If it does, choose a milder point"
        )

    return Axis([arm(1), arm(-1)], finite=False)


def _polynomial_piece(
    context: Context, variable: Symbol, lower: Expr, upper: Expr, density: Expr, effort: Effort
) -> Iterator[Node]:
    """Gauss-Legendre on panels of one piece, the density included in the weights."""
    total = (0.15 * effort.nats + 4) * effort.refinement
    # beyond this order nodes cost more to make than panels need more of them
    panels = ceil(total / max(48.0, effort.nats))
    number = 2 * ceil(total / panels / 2)
    scale = bits(effort.working) + 10
    a, b = constants(context, (lower, upper))
    half = (b - a) / (2 * panels)
    value = Program(context, [variable], [density])
    for panel in range(panels):
        middle = a + (2 * panel + 1) * half
        for node, weight in gauss_legendre(number, scale):
            x, w = context.ldexp(node, -scale) * half, context.ldexp(weight, -scale) * half
            for point in (middle - x, middle + x):
                yield point, w * value(point)[0]


def _discrete(context: Context, law: Law) -> Axis:
    """Sum over the whole numbers of the support, outwards from the mean where that is known."""
    lower, upper = law.support
    variable = Symbol("x", real=True)
    probability = Program(context, [variable], [law.density(variable)])

    def arm(start: int, stop: Expr, step: int) -> Iterator[Node]:
        for i in count(start, step):
            if (stop - i) * step < 0:
                return
            point = context.mpf(i)
            yield point, context.convert(probability(point)[0])

    mean = law.raw_moment(1)
    start = mean if mean is not None else lower if lower.is_finite else Integer(0)
    first = int(start.floor() if hasattr(start, "floor") else start)
    return Axis([arm(first, upper, 1), arm(first - 1, lower, -1)], finite=False)


def _interval(
    context: Context, law: Law, ends: tuple[Expr, Expr], on_it: Lambda, effort: Effort
) -> list[Iterator[Node]]:
    """Double-exponential nodes on one interval, in the distance from the nearer end.

    tanh-sinh, exp-sinh or sinh-sinh as none, one or both ends are infinite (Takahasi and Mori 1974).
    """
    lower, upper = ends
    distance = Symbol("s", positive=True)
    step = context.mpf(1.5 * pi**2 / effort.nats / effort.refinement)
    quarter = context.pi / 2

    def density(point: Expr) -> Callable[[Real], Real]:
        program = Program(context, [distance], [on_it(point)])
        return lambda s: context.convert(program(s)[0])

    def arm(sign: int, change: Callable[[Real], tuple[Real, Real, Real]], at: Callable[[Real], Real]) -> Iterator[Node]:
        for j in count():
            t = sign * (j + context.mpf(1) / 2) * step
            point, s, jacobian = change(t)
            if s and abs(context.mag(s)) > _LARGEST_EXPONENT:
                raise EvaluationError(f"an integral over {spelled(law)} does not end: does the expectation exist here?")
            yield point, step * jacobian * at(s)

    if lower == -oo and upper == oo:
        both = Symbol("s", real=True)
        program = Program(context, [both], [on_it(both)])
        centre, scale = _bulk(context, lambda x: context.convert(program(x)[0]))

        def sinh_sinh(t: Real) -> tuple[Real, Real, Real]:
            y = quarter * context.sinh(t)
            x = centre + scale * context.sinh(y)
            return x, x, scale * quarter * context.cosh(t) * context.cosh(y)

        return [arm(sign, sinh_sinh, lambda s: context.convert(program(s)[0])) for sign in (1, -1)]
    if upper == oo or lower == -oo:
        side = 1 if upper == oo else -1
        end = lower if upper == oo else upper
        (a,) = constants(context, (end,))

        def exp_sinh(t: Real) -> tuple[Real, Real, Real]:
            s = context.exp(quarter * context.sinh(t))
            return a + side * s, s, quarter * context.cosh(t) * s

        at = density(end + side * distance)
        return [arm(sign, exp_sinh, at) for sign in (1, -1)]
    a, b = constants(context, (lower, upper))

    def tanh_sinh(t: Real) -> tuple[Real, Real, Real]:
        # share = distance from the nearer end over the length, accurate however small
        share = 1 / (1 + context.exp(2 * quarter * context.sinh(abs(t))))
        s = (b - a) * share
        return (a + s if t < 0 else b - s), s, (b - a) * 2 * quarter * context.cosh(t) * share * (1 - share)

    return [arm(-1, tanh_sinh, density(lower + distance)), arm(1, tanh_sinh, density(upper - distance))]


def _bulk(context: Context, density: Callable[[Real], Real]) -> tuple[Real, Real]:
    """Return about where a density on the line is largest, and about its width.

    Both only place the nodes: they change the speed of convergence, not the value.
    """
    with precision(context, 15):
        coarse = [context.sinh(context.mpf(i) / 2) for i in range(-60, 61)]
        best = max(range(1, 120), key=lambda i: density(coarse[i]))
        lower, upper = coarse[best - 1], coarse[best + 1]
        for _ in range(60):
            third = (upper - lower) / 3
            if density(lower + third) < density(upper - third):
                lower += third
            else:
                upper -= third
        centre = (lower + upper) / 2
        return centre, 1 / (2 * density(centre))
