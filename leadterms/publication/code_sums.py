"""Ratios of moments as sums over fixed nodes: what code does where a closed form is singular, or where there is none.

Moments are taken about the mean of the predictor, symbolically, so that determinants lose their large common part
before any number is computed: with y = x - c, E[w] E[x^2 w] - E[x w]^2 = E[w] E[y^2 w] - E[y w]^2.

A law with polynomial pieces is summed by the rule of Gauss and Legendre on panels, a normal one by the trapezoidal
rule.  How many panels suffice is not proven here: the finished code is compared with certified values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from typing import Any

from sympy import Add, Dummy, Expr, Function, Integer, Mul, Pow, Symbol, binomial, cosh, exp, expand, factor, sinh

from leadterms.errors import EvaluationError
from leadterms.evaluation.gauss_legendre import gauss_legendre
from leadterms.expectation.held import Expectation, outermost, revealed
from leadterms.model.laws import NormalLaw
from leadterms.publication.code_stable import expit, require_known, size, weight_form

POINTS = 16
"""Gauss-Legendre points on a panel."""
STEPS, REACH = 16, 12
"""The trapezoidal rule for a standard normal variable has the points k/STEPS, from -REACH to REACH."""
WIDEST = 4
"""The largest standard deviation of a linear predictor that the trapezoidal rule is used for."""
RATIO = 0.5
"""The largest relative change of eta from the middle of its range to an end, for weights that are powers of it."""
_EFFECT = re.compile(r"u\d+\Z")


@dataclass(frozen=True)
class Piece:
    """An interval on which the density is a polynomial, in y = x - centre."""

    low: Expr
    high: Expr
    density: Expr


@dataclass(frozen=True)
class NodeLoop:
    """Sums over the nodes of one law.

    Parameters
    ----------
    offset
        The variable of the summands: the predictor or random effect minus its mean.
    pieces
        Those of the density; none for a normal law.
    deviation
        The standard deviation of a normal law, else None.
    panels
        Panels on each piece.
    inner
        Loops that the summands need first.
    sums
        The summands, by the symbol of their weighted sum.

    """

    offset: Symbol
    pieces: tuple[Piece, ...]
    deviation: Expr | None
    panels: int
    inner: tuple[NodeLoop, ...]
    sums: tuple[tuple[Symbol, Expr], ...]


@dataclass(frozen=True)
class Extent:
    """How far a linear predictor moves over a law, and up to which limit the sums are used.

    Parameters
    ----------
    value
        ``slope`` times ``half``, the change of the predictor from the middle of a law to an end, or to one standard
        deviation; divided by ``middle``, the predictor in the middle, where the weight is a power of it.
    limit
        The largest value for which sums over nodes are used.
    kind
        "exponent", "power" or "normal".

    """

    value: Expr
    limit: float
    kind: str
    slope: Expr
    half: Expr
    middle: Expr


@dataclass(frozen=True)
class NodeSums:
    """An expression in sums over nodes."""

    loops: tuple[NodeLoop, ...]
    value: Expr
    extents: tuple[Extent, ...]


@lru_cache(maxsize=1)
def unit_rule() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the nodes and weights of Gauss and Legendre on (0, 1), nearest doubles.

    Examples
    --------
    >>> nodes, weights = unit_rule()
    >>> len(nodes), abs(sum(w * x**31 for x, w in zip(nodes, weights)) * 32 - 1) < 1e-14
    (16, True)

    """
    pairs = sorted((sign * x, w) for x, w in gauss_legendre(POINTS, 120) for sign in (-1, 1))
    one = 1 << 120
    return tuple((one + x) / (2 * one) for x, _ in pairs), tuple(w / (2 * one) for _, w in pairs)


def node_sums(expression: Expr, limit: float) -> NodeSums:
    """Return an expression of held expectations as sums over nodes.

    Parameters
    ----------
    expression
        Made of expectations over single predictors, and of averages of such over one normal variable.
    limit
        How far a linear predictor may move from the middle of a bounded law: sets the number of panels.

    Raises
    ------
    EvaluationError
        If it is another kind of expression.

    Examples
    --------
    >>> from leadterms.model.laws import UniformLaw
    >>> x, b = Symbol("x", real=True), Symbol("b", real=True)
    >>> moments = [Expectation(x**k * exp(b * x), (x, UniformLaw(1, 3))) for k in range(3)]
    >>> node_sums(moments[0] / (moments[0] * moments[2] - moments[1] ** 2), 3.0).value
    _s1*exp(-2*b)/(_s1*_s3 - _s2**2)

    """
    reader = _Reader(limit)
    level = _Level()
    value = reader.converted(revealed(expression), level, 0)
    loops = reader.finished(level, value)
    require_known(value)
    return NodeSums(loops, value, tuple(reader.extents.values()))


@dataclass
class _Level:
    """Moments that are summed in loops beside each other."""

    loops: dict[tuple[Symbol, Expr], _Open] = field(default_factory=dict)


@dataclass
class _Open:
    """A loop while its summands are gathered."""

    offset: Symbol
    sums: dict[Expr, Symbol] = field(default_factory=dict)
    inner: _Level = field(default_factory=_Level)


class _Reader:
    """Names the moments of an expression, and remembers centres and extents."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.extents: dict[Expr, Extent] = {}
        self._centres: dict[tuple[Symbol, Expr], tuple[Symbol, Expr]] = {}
        self._count = 0

    def converted(self, expression: Expr, level: _Level, depth: int) -> Expr:
        """Return an expression in the symbols of sums, with centres cancelled where they do."""
        atoms = sorted(outermost(expression), key=str)
        replaced = expression.xreplace({held: self._moment(held, level, depth) for held in atoms})
        return _tidied(replaced).xreplace(dict(self._centres.values()))

    def finished(self, level: _Level, *users: Expr) -> tuple[NodeLoop, ...]:
        """Return the loops of a level, without the sums that nothing uses."""
        used = set().union(*(user.free_symbols for user in users))
        loops = []
        for (variable, law), loop in level.loops.items():
            sums = tuple((symbol, summand) for summand, symbol in loop.sums.items() if symbol in used)
            if not sums:
                continue
            for _, summand in sums:
                require_known(summand)
            inner = self.finished(loop.inner, *(summand for _, summand in sums))
            if isinstance(law, NormalLaw):
                loops.append(NodeLoop(loop.offset, (), law.args[1], 1, inner, sums))
                continue
            centre = law.raw_moment(1)
            pieces = tuple(
                Piece(expand(low - centre), expand(high - centre), factor(f.xreplace({variable: centre + loop.offset})))
                for low, high, f in law.pieces(variable)
            )
            width = 2.25 if any(summand.has(expit) for _, summand in sums) else 3.0
            loops.append(NodeLoop(loop.offset, pieces, None, max(1, ceil(self.limit / width)), inner, sums))
        return tuple(loops)

    def _moment(self, held: Expectation, level: _Level, depth: int) -> Expr:
        if len(held.bindings) != 1 or len(held.bound_symbols) != 1 or depth > 1:
            raise EvaluationError(_refusal(held))
        variable, law = held.bound_symbols[0], held.bindings[0][1]
        normal = isinstance(law, NormalLaw)
        if not normal and law.pieces(variable) is None:
            raise EvaluationError(_refusal(held))
        centre = law.args[0] if normal else law.raw_moment(1)
        loop = level.loops.setdefault((variable, law), _Open(Dummy("y", real=True)))
        self._measure(held.integrand, variable, law, centre)
        if held.integrand.has(Expectation) or _EFFECT.match(variable.name):
            moved = held.integrand.xreplace({variable: centre + loop.offset})
            inside = self.converted(moved, loop.inner, depth + 1) if moved.has(Expectation) else moved
            return self._symbol(loop, weight_form(inside))
        degree, rest = _power_of(variable, held.integrand)
        outside, weight = _split(weight_form(_shifted(rest, variable, centre + loop.offset)), loop.offset)
        shift = self._centre(variable, law, centre)
        powers = range(degree + 1) if shift != 0 else (degree,)
        return outside * Add(
            *(
                binomial(degree, j) * shift ** (degree - j) * self._symbol(loop, _summand(loop.offset, j, weight))
                for j in powers
            )
        )

    def _symbol(self, loop: _Open, summand: Expr) -> Symbol:
        if summand not in loop.sums:
            self._count += 1
            loop.sums[summand] = Dummy(f"s{self._count}", real=True)
        return loop.sums[summand]

    def _centre(self, variable: Symbol, law: Expr, centre: Expr) -> Expr:
        if centre == 0:
            return Integer(0)
        return self._centres.setdefault((variable, law), (Dummy("c", real=True), centre))[0]

    def _measure(self, integrand: Expr, variable: Symbol, law: Any, centre: Expr) -> None:
        """Remember how far the linear predictors of an integrand move with a variable."""
        growing = sorted(integrand.atoms(exp, cosh, sinh), key=str)
        exponents = [node.args[0] for node in growing if node.has(variable)]
        bases = [
            node.args[0]
            for node in sorted(integrand.atoms(Pow), key=str)
            if not isinstance(node, exp) and node.has(variable) and not node.args[0].has(exp, Expectation, cosh)
        ]
        for linear in dict.fromkeys([*exponents, *(base for base in bases if base != variable)]):
            slope = linear.diff(variable)
            if slope.has(variable):
                raise EvaluationError(f"no code is written for a weight that depends on {linear}")
            middle = expand(linear.xreplace({variable: centre}))
            if isinstance(law, NormalLaw):
                spread, kind, limit = law.args[1], "normal", float(WIDEST)
                value = size(slope) * spread if not slope.is_number else abs(slope) * spread
            else:
                low, high = law.support
                spread = (high - low) / 2
                if linear in exponents:
                    kind, limit, value = "exponent", self.limit, size(slope) * spread
                else:
                    kind, limit, value = "power", RATIO, size(slope) * spread / middle
            self.extents.setdefault(value, Extent(value, limit, kind, slope, spread, middle))


def _power_of(variable: Symbol, integrand: Expr) -> tuple[int, Expr]:
    """Return k and w of an integrand x^k w."""
    factors = list(Mul.make_args(integrand))
    for place, one in enumerate(factors):
        base, power = one.as_base_exp()
        if base == variable and power.is_Integer and power > 0:
            return int(power), Mul(*factors[:place], *factors[place + 1 :])
    return 0, integrand


def _summand(offset: Symbol, power: int, weight: Expr) -> Expr:
    """Return y^k w; for y e^{by} without what y contributes nothing to, so that small sums keep their digits."""
    if power == 1 and isinstance(weight, exp):
        return offset * Function("expm1")(weight.args[0])
    return offset**power * weight


def _shifted(weight: Expr, variable: Symbol, moved: Expr) -> Expr:
    result = weight.xreplace({variable: moved})
    return result.xreplace({node: exp(expand(node.args[0])) for node in result.atoms(exp)})


def _split(weight: Expr, offset: Symbol) -> tuple[Expr, Expr]:
    """Return the factors without and with the offset; exponentials are split."""
    outside, inside = [], []
    for one in Mul.make_args(weight):
        if isinstance(one, exp):
            still, moving = expand(one.args[0]).as_independent(offset, as_Add=True)
            outside.append(exp(still))
            inside.append(exp(moving))
        else:
            (inside if one.has(offset) else outside).append(one)
    return Mul(*outside), Mul(*inside)


def _tidied(expression: Expr) -> Expr:
    """Expand every sum, and take the exponential that all of its terms share out of it."""
    if not isinstance(expression, Add | Mul | Pow) or isinstance(expression, exp):
        return expression
    result = expression.func(*map(_tidied, expression.args))
    if not isinstance(result, Add):
        return result
    result = expand(result, power_base=False, power_exp=False, log=False)
    if not isinstance(result, Add):
        return result
    shared = {Mul(*(f for f in Mul.make_args(term) if isinstance(f, exp))) for term in result.args}
    if len(shared) != 1:
        return result
    (common,) = shared
    return common * Add(*(term / common for term in result.args))


def _refusal(held: Expectation) -> str:
    return (
        f"the coefficient is an integral without closed form over {held.bound_names}, for which no code is written: "
        "use --format json with --at, or array_function"
    )
