"""A predictor that enters through several functions of it, as in x + I(exp(x)): one law for all of their values.

The columns of the design are written in the functions f_1, ..., f_s that stand in the linear predictor, f_0 = 1, and
its moments in their products f_i f_j.  Both are powers of x by name: f_i is the power with the exponent `MARKS`[i], and
f_i f_j that with the sum of their exponents, so that exponents add as they should in all products of two columns.  No
two pairs of marks have the same sum.  The same function may have several exponents, as 1 = x (1/x) has: `reduced` is
one of them.  What such a power is at a point only `CurveLine` knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

from sympy import Abs, Add, Dummy, Expr, Integer, Pow, Symbol, Tuple, default_sort_key, log, oo

from leadterms.evaluation.growth import Growth, growth, has_linear_base
from leadterms.evaluation.marked_coefficients import with_marks
from leadterms.expectation.mapped_law import LawOfMap, MappedLaw
from leadterms.expectation.slow_functions import with_lines
from leadterms.model.laws import Law

MARKS = (0, 2, 3, 7, 13, 21, 30, 45, 61)
"""Each is the least by which all sums of two are different; not 1, so that no linear predictor looks affine."""


class CurveLaw(LawOfMap):
    """The law of (f_1(X), ..., f_s(X)): arguments law, functions, x."""

    name = "Curve"

    @property
    def support(self) -> tuple[Expr, Expr]:
        """Those of X."""
        support: tuple[Expr, Expr] = self.base.support
        return support

    @property
    def powers(self) -> dict[int, Expr]:
        """The function of x that stands for each exponent."""
        return _powers(self.args[1])

    @property
    def exponents(self) -> dict[Expr, int]:
        """The least exponent of each function."""
        return _exponents(self.args[1], self.variable)

    @property
    def marks(self) -> tuple[int, ...]:
        """The exponents of f_1, ..., f_s."""
        return MARKS[1 : 1 + len(self.args[1])]

    def reduced(self, exponent: int) -> int:
        """Return the least exponent of the same function; that which stands for none is left as it is."""
        function = self.powers.get(exponent)
        return exponent if function is None else self.exponents[_written(function, self.variable)]


@lru_cache(maxsize=256)
def _powers(functions: Tuple) -> dict[int, Expr]:
    columns = zip(MARKS, (Integer(1), *functions), strict=False)
    return {a + b: f * g for (a, f), (b, g) in combinations_with_replacement(columns, 2)}


@lru_cache(maxsize=256)
def _exponents(functions: Tuple, x: Symbol) -> dict[Expr, int]:
    found: dict[Expr, int] = {}
    for exponent, function in sorted(_powers(functions).items()):
        found.setdefault(_written(function, x), exponent)
    return found


@dataclass(frozen=True)
class OnCurve:
    """The linear predictor and a factor in powers of x that stand for functions of it, and the law of these.

    The last is what x is, the predictor itself or a function of it.
    """

    eta: Expr
    factor: Expr
    law: CurveLaw
    coordinate: Expr


def on_curve(x: Symbol, law: Law, eta: Expr, factor: Expr, beside: tuple[Expr, ...] = ()) -> OnCurve | None:
    """Return a linear predictor and a factor in functions of x and their products, None where they are not.

    The functions are some that are given, those of the terms of eta, and of the factor where they are no products of
    two of these: few enough, and finite at the ends of a bounded support, or with known tails (`growth`).

    Examples
    --------
    >>> from sympy import exp
    >>> from leadterms.model.laws import UniformLaw
    >>> x, b = Symbol("x", real=True), Symbol("b")
    >>> found = on_curve(x, UniformLaw(1, 2), x + b * exp(x), x * exp(x))
    >>> found.eta, found.factor, found.law.powers[3]
    (b*x**3 + x**2, x**5, exp(x))

    """
    finite = [end for end in law.support if end.is_finite]
    eta, factor = with_lines(eta, x), with_lines(factor, x)
    # a sum in a denominator is no product of powers and exponentials: seen before all is multiplied out
    if len(finite) < 2 and any(_is_quotient(expression, x) for expression in (eta, factor)):
        return None
    parts = [_parts(expression, x) for expression in (eta, factor)]
    if not all(f.free_symbols <= {x} and not f.has(Abs) for own in parts for f, _ in own):
        return None
    functions = sorted({*beside, *(f for f, _ in parts[0])} - {Integer(1)}, key=default_sort_key)
    products = {_written(f * g, x) for f, g in combinations_with_replacement((Integer(1), *functions), 2)}
    functions += sorted({f for f, _ in parts[1]} - products, key=default_sort_key)
    if len(functions) >= len(MARKS):
        return None
    if len(finite) < 2 and not all(_has_tails(f, x, law) for f in functions):
        return None
    ends = [f.xreplace({x: end}) for f in functions for end in finite]
    if not all(end.is_extended_real and end.is_finite for end in ends):
        return None
    curve = CurveLaw(law, Tuple(*functions), x)
    marks = dict(zip(functions, curve.marks, strict=True))
    known = curve.exponents
    written = Add(*(c * x ** marks.get(f, 0) for f, c in parts[0]))
    return OnCurve(written, Add(*(c * x ** known[f] for f, c in parts[1])), curve, x)


def _is_quotient(expression: Expr, x: Symbol) -> bool:
    """Tell whether a sum with x that is no line stands in a denominator."""
    return any(
        power.exp.is_negative and isinstance(power.base, Add) and power.base.has(x) and not has_linear_base(power, x)
        for power in expression.atoms(Pow)
    )


def _has_tails(function: Expr, x: Symbol, law: Law) -> bool:
    """Tell whether tails of a function are known on an unbounded support: e^(k e^x) has them for logarithms alone.

    Logarithms and powers of a x + d are seen on supports that go to infinity from where a x + d > 0, or from where it
    is zero if the law is discrete: next to zero a continuous one has no root as an analytic function.
    """
    found = growth(function, x)
    if found is None:
        return False
    return (bool(found.inner <= 0) or _is_logarithmic(law)) and (not found.slow or _keeps_off_zero(found, x, law))


def _is_logarithmic(law: Law) -> bool:
    return isinstance(law, MappedLaw) and bool(law.map == log(law.variable))


def _keeps_off_zero(found: Growth, x: Symbol, law: Law) -> bool:
    low, high = law.support
    if high != oo or not low.is_finite:
        return False
    ends = [(factor, factor.inside.xreplace({x: low})) for factor in found.slow]
    return all(
        end.is_positive or (end.is_zero and law.is_discrete and factor.exponent > 0 and not factor.is_logarithm)
        for factor, end in ends
    )


def _parts(expression: Expr, x: Symbol) -> list[tuple[Expr, Expr]]:
    """Return the terms of a sum as functions of x alone, where they are products, and what else is in them."""
    marked, back = with_marks(expression, (x,))
    pairs = (term.as_independent(x, as_Add=False) for term in Add.make_args(_written(marked, x)) if term != 0)
    return [(_written(f, x), c.xreplace(back)) for c, f in pairs]


def _written(function: Expr, x: Symbol) -> Expr:
    """Write a product of functions so that equal ones look alike; what stands in denominators is not multiplied out."""
    function = with_lines(function, x)
    below = {p: Dummy() for p in function.atoms(Pow) if p.exp.is_negative and isinstance(p.base, Add)}
    return function.xreplace(below).expand().xreplace({dummy: p for p, dummy in below.items()})
