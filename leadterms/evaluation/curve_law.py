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

from sympy import Abs, Add, Expr, Integer, Mul, Pow, Symbol, Tuple, default_sort_key, exp, log

from leadterms.expectation.mapped_law import LawOfMap, MappedLaw
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
    def marks(self) -> tuple[int, ...]:
        """The exponents of f_1, ..., f_s."""
        return MARKS[1 : 1 + len(self.args[1])]

    def reduced(self, exponent: int) -> int:
        """Return the least exponent of the same function; that which stands for none is left as it is."""
        function = self.powers.get(exponent)
        return exponent if function is None else _exponents(self.args[1])[_written(function)]


@lru_cache(maxsize=256)
def _powers(functions: Tuple) -> dict[int, Expr]:
    columns = zip(MARKS, (Integer(1), *functions), strict=False)
    return {a + b: f * g for (a, f), (b, g) in combinations_with_replacement(columns, 2)}


@lru_cache(maxsize=256)
def _exponents(functions: Tuple) -> dict[Expr, int]:
    found: dict[Expr, int] = {}
    for exponent, function in sorted(_powers(functions).items()):
        found.setdefault(_written(function), exponent)
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
    # a sum in a denominator is no product of powers and exponentials: seen before all is multiplied out
    if len(finite) < 2 and any(_is_quotient(expression, x) for expression in (eta, factor)):
        return None
    parts = [_parts(expression, x) for expression in (eta, factor)]
    if not all(f.free_symbols <= {x} and not f.has(Abs) for own in parts for f, _ in own):
        return None
    functions = sorted({*beside, *(f for f, _ in parts[0])} - {Integer(1)}, key=default_sort_key)
    products = {_written(f * g) for f, g in combinations_with_replacement((Integer(1), *functions), 2)}
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
    known = _exponents(curve.args[1])
    written = Add(*(c * x ** marks.get(f, 0) for f, c in parts[0]))
    return OnCurve(written, Add(*(c * x ** known[f] for f, c in parts[1])), curve, x)


def _is_quotient(expression: Expr, x: Symbol) -> bool:
    """Tell whether a sum with x stands in a denominator."""
    return any(
        power.exp.is_negative and isinstance(power.base, Add) and power.base.has(x) for power in expression.atoms(Pow)
    )


def _has_tails(function: Expr, x: Symbol, law: Law) -> bool:
    """Tell whether tails of a function are known on an unbounded support: e^(k e^x) has them for logarithms alone."""
    found = growth(function, x)
    if found is None:
        return False
    return bool(found.inner <= 0) or (isinstance(law, MappedLaw) and law.map == log(law.variable))


@dataclass(frozen=True)
class Growth:
    """Of x^power e^(rate x) e^(inner e^x)."""

    power: int
    rate: Expr
    inner: Expr


def growth(function: Expr, x: Symbol) -> Growth | None:
    """Return how a function x^i e^(c x) e^(k e^x) with exact c and k grows, None for another function.

    Examples
    --------
    >>> x = Symbol("x", real=True)
    >>> growth(x**2 * exp(x) * exp(-2 * exp(x)), x)
    Growth(power=2, rate=1, inner=-2)

    """
    power, rate, inner = 0, Integer(0), Integer(0)
    for part in Mul.make_args(function):
        if isinstance(part, exp):
            for term in Add.make_args(part.args[0].expand()):
                if (term / x).is_Rational:
                    rate += term / x
                elif (term / exp(x)).is_Rational:
                    inner += term / exp(x)
                else:
                    return None
        elif part == x or (isinstance(part, Pow) and part.base == x and part.exp.is_Integer and part.exp > 0):
            power += int(part.as_base_exp()[1])
        elif part != 1:
            return None
    return Growth(power, rate, inner)


def _parts(expression: Expr, x: Symbol) -> list[tuple[Expr, Expr]]:
    """Return the terms of a sum as functions of x alone, where they are products, and what else is in them."""
    pairs = (term.as_independent(x, as_Add=False) for term in Add.make_args(expression.expand()) if term != 0)
    return [(_written(f), c) for c, f in pairs]


def _written(function: Expr) -> Expr:
    """Write a product of functions so that equal ones look alike."""
    return function.expand()
