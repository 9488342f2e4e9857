"""How a function of a predictor grows: a product of powers, exponentials, and of logarithms and powers of a x + d."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul, Poly, Pow, Rational, Symbol, exp, log


@dataclass(frozen=True)
class Slow:
    """A factor (a x + d)^exponent, a > 0, or the same power of its logarithm, a whole one above zero."""

    inside: Expr
    exponent: Rational
    is_logarithm: bool

    @property
    def function(self) -> Expr:
        """The factor as it stands in a product."""
        return (log(self.inside) if self.is_logarithm else self.inside) ** self.exponent


@dataclass(frozen=True)
class Growth:
    """Of x^power e^(rate x) e^(inner e^x), times slow factors."""

    power: int
    rate: Expr
    inner: Expr
    slow: tuple[Slow, ...] = ()

    @property
    def is_slow(self) -> bool:
        """Whether it is a product of slow factors alone."""
        return bool(self.slow) and self.power == self.rate == self.inner == 0


def growth(function: Expr, x: Symbol) -> Growth | None:
    """Return how a function x^i e^(c x) e^(k e^x) with exact c and k and slow factors grows, None for another function.

    Examples
    --------
    >>> x = Symbol("x", real=True)
    >>> growth(x**2 * exp(x) * exp(-2 * exp(x)), x)
    Growth(power=2, rate=1, inner=-2, slow=())
    >>> growth(x * log(x + 1) ** 2, x).slow
    (Slow(inside=x + 1, exponent=2, is_logarithm=True),)

    """
    power, rate, inner = 0, Integer(0), Integer(0)
    slow = []
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
        elif (factor := _slow(part, x)) is not None:
            slow.append(factor)
        elif part != 1:
            return None
    return Growth(power, rate, inner, tuple(slow))


def _slow(part: Expr, x: Symbol) -> Slow | None:
    base, exponent = part.as_base_exp()
    is_logarithm = isinstance(base, log)
    inside = base.args[0] if is_logarithm else base
    if not exponent.is_Rational or (is_logarithm and not (exponent.is_Integer and exponent > 0)):
        return None
    if not inside.is_polynomial(x) or inside.free_symbols != {x}:
        return None
    line = Poly(inside, x)
    straight = line.degree() == 1 and all(c.is_Rational for c in line.all_coeffs()) and line.LC() > 0
    return Slow(inside, exponent, is_logarithm) if straight else None


def has_linear_base(part: Expr, x: Symbol) -> bool:
    """Tell whether a power has a base a x + d, a > 0."""
    return isinstance(part, Pow) and _slow(part, x) is not None and not isinstance(part.base, log)
