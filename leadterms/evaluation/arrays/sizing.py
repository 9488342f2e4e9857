r"""How many nodes an accuracy asks for: two bounds, and the strips in which integrands are analytic.

**Trapezoid.** For f analytic in :math:`|\mathrm{Im} z| \le a` and step h,
:math:`|I - T_h| \le 2N/(e^{2\pi a/h} - 1)`, N a bound of :math:`\int |f(x \pm ia)| dx`: on the lines
:math:`x \pm ia` the sum is the contour integral of f against
:math:`\mp 1/(1 - e^{\mp 2 \pi i z/h})`, which differs from that of f/2 on each line by at most
:math:`|f|/(e^{2\pi a/h} - 1)`.  With f(z) = phi(z) g(s z) the Gaussian factor contributes
:math:`|\phi(x + ia)| = \phi(x) e^{a^2/2}`, and g its growth on the line at height y = s a.  So the exponent
:math:`2\pi a/h - a^2/2 - \log K(y)` has to exceed the nats asked for; a is free below the strip of g over s.

**Gauss-Legendre.** For f analytic in the ellipse with foci -1, 1 and half axes
:math:`(\rho \pm 1/\rho)/2`, with :math:`|f| \le M` there, the Chebyshev coefficients are at most
:math:`2M\rho^{-k}`; n nodes are exact up to degree 2n - 1 and odd degrees cancel, and each
:math:`T_k` left contributes at most 2 + 2/(k^2 - 1): the error is at most
:math:`(64/15) M \rho^{-2n}/(1 - \rho^{-2})` for n >= 2.  With g(r x) the half axis across is y/r, y the height.

**Growth.** For the logistic weight :math:`|w(x + iy)| \le w(x)/\cos^2(y/2)`, since
:math:`|\cosh(z/2)|^2 = (\cosh x + \cos y)/2 \ge \cos^2(y/2) \cosh^2(x/2)`; and
:math:`|\arg w| \le |y|`, so that for |y| < pi/2 a moment E[w] has no zero, whatever the law, and
:math:`|E w| \ge \cos(y) E|w|`.  For one uniform predictor
:math:`E w = \sinh b/(2 b (\cosh c + \cosh b))` has none for |y| < pi.  The exponential and
:math:`e^\eta/(1 + \alpha e^\eta)` have arguments between 0 and y as well.  For the probit and complementary
log-log weights the strips are those of the poles, and half of them for quotients; what the bound leaves open
there, and the factor between the error of a moment and that of the coefficient, is answered by the comparison
with a finer rule that precedes every use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import asinh, ceil, cos, cosh, erfc, inf, log, pi, sqrt

import numpy as np
from sympy import Add, Basic, Expr, Function, Integer, Mul, Pow, Symbol, exp
from sympy import erfc as sympy_erfc
from sympy import sqrt as sympy_sqrt

from leadterms.errors import EvaluationError
from leadterms.evaluation.arrays.registers import Line
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.evaluation.precision import spelled

PROBIT_POLE = 2.8164
"""Least imaginary part of the zeros of erfc(eta/sqrt 2): sqrt(2) (-1.354810 +- 1.991467 i), DLMF table 7.13.2."""
_FRACTIONS = [i / 40 for i in range(8, 40)]
_DEGREE = 3
"""Powers of a predictor that a moment carries besides the weight, in the growth on an ellipse."""


@dataclass(frozen=True)
class Strip:
    """Where functions of linear predictors are analytic, |Im eta| < height, and how they grow towards the edge.

    Parameters
    ----------
    height
        Half the width of the strip; infinite for exponentials.
    order
        The growth at height y is taken as 2/cos(pi y/(2 height))^order.
    predictors
        The linear predictors, as they stand in the integrands.
    bounded
        Whether a weight is largest in the middle, so that it can not pull the mass far away.

    """

    height: float
    order: int
    predictors: tuple[Expr, ...]
    bounded: bool = False


def strip_of(integrands: Sequence[Expr], variables: Sequence[Symbol]) -> Strip:
    """Return the strip of analyticity of integrands in linear predictors, told from their denominators.

    A sum of exponentials c_i e^(eta_i) with positive c_i has no zero where the arguments of its terms lie in an open
    half-plane of directions, that is where all differences of Im eta_i are below pi: those differences are the
    predictors, and 1 + e^eta is a case of it.  e^(e^eta) - 1 has its first zeros at Im eta = pi/2, and
    erfc(+-eta/sqrt 2) at 2.816.  A sum of weights, each divided by such sums, is given half the height of their poles:
    below it the logistic weight and e^eta/(1 + alpha e^eta) have positive real parts.  For probit weights that height
    is a guess: w(x) + w(x + b) has zeros near Im x = pi/b, which lie below it for b from 3 on.  Rules that it makes too
    coarse are found out by the comparison with finer ones (`plans.Judge`), and a point where none passes has no value.

    Raises
    ------
    EvaluationError
        Where a denominator or a function is of another kind.

    Examples
    --------
    >>> from sympy import symbols
    >>> x = symbols("x", real=True)
    >>> strip_of([x * exp(x) / (1 + exp(x)) ** 2], [x])
    Strip(height=3.141592653589793, order=2, predictors=(x,), bounded=True)

    """
    height, found, bounded = inf, dict[Expr, None](), True
    for integrand in integrands:
        strange = [f for f in integrand.atoms(Function) if f.has(*variables) and not isinstance(f, exp | sympy_erfc)]
        if strange:
            raise EvaluationError(f"no rule for arrays where {spelled(strange[0])} is averaged")
        for base in _denominators(integrand, variables):
            below, predictors = _pole(base, variables)
            height = min(height, below)
            found |= dict.fromkeys(predictors)
        bounded = bounded and _is_logistic(integrand, variables)
    if not found:
        found = dict.fromkeys(node.args[0] for integrand in integrands for node in integrand.atoms(exp))
        bounded = False
    moving = tuple(predictor for predictor in found if predictor.has(*variables))
    return Strip(height, 2, moving, bounded)


def _denominators(expr: Basic, variables: Sequence[Symbol]) -> list[Basic]:
    whole = [node for node in expr.atoms(Pow) if not (node.exp.is_Integer and node.exp > 0)]
    return [node.base for node in whole if node.base.has(*variables)]


def _pole(base: Basic, variables: Sequence[Symbol]) -> tuple[float, list[Expr]]:
    """Return the height of the first zeros of a denominator, and the linear predictors in it."""
    # sympy writes erfc(-z) as 2 - erfc(z)
    plain = base if isinstance(base, sympy_erfc) else 2 - base
    if isinstance(plain, sympy_erfc):
        return PROBIT_POLE, [sympy_sqrt(2) * plain.args[0]]
    if isinstance(base + 1, exp) and isinstance((base + 1).args[0], exp):
        return pi / 2, [(base + 1).args[0].args[0]]
    if any(node.exp.is_negative for node in base.atoms(Pow) if node.base.has(*variables)):
        return _weights(base, variables)
    coefficients: dict[Expr, Expr] = {}
    for term in Add.make_args(base.expand(power_exp=False)):
        factor, rest = term.as_independent(exp, as_Add=False)
        if factor.has(*variables) or not (rest == 1 or isinstance(rest, exp)):
            raise _no_rule(base)
        exponent = Integer(0) if rest == 1 else rest.args[0]
        coefficients[exponent] = coefficients.get(exponent, Integer(0)) + factor
    # probabilities p and 1 - p are positive where they are ones, which no assumption on p says
    if any(factor.is_negative for factor in coefficients.values()):
        raise _no_rule(base)
    exponents = list(coefficients)
    return pi, list(dict.fromkeys((b - a).expand() for a, b in combinations(exponents, 2)))


def _weights(base: Basic, variables: Sequence[Symbol]) -> tuple[float, list[Expr]]:
    """Return the same for a sum of weights, as that of a predictor with two values: half the least height in them.

    No bound for probit weights: see `strip_of`.
    """
    if any(node.args[0].has(exp) for node in base.atoms(exp)):
        # complementary log-log: zeros of the sum come near the line as the values of the predictor part
        raise _no_rule(base)
    height, predictors = pi, dict[Expr, None]()
    for term in Add.make_args(base):
        factor, rest = term.as_independent(*variables, as_Add=False)
        strange = [own for own in Mul.make_args(rest) if not isinstance(own, exp | Pow)]
        if factor.is_negative or strange:
            raise _no_rule(base)
        for below in _denominators(rest, variables):
            own, found = _pole(below, variables)
            height = min(height, own)
            predictors |= dict.fromkeys(found)
    return height / 2, list(predictors)


def _no_rule(base: Basic) -> EvaluationError:
    return EvaluationError(f"no rule for arrays where an integrand is divided by {spelled(base)}")


def _is_logistic(integrand: Expr, variables: Sequence[Symbol]) -> bool:
    """Tell whether the exponential factor of an integrand is c e^eta/(1 + e^eta)^2."""
    bases = _denominators(integrand, variables)
    if len(bases) != 1 or bases[0].as_coeff_Add()[0] != 1:
        return False
    return bool(integrand.has((bases[0]) ** -2) and integrand.has(bases[0] - 1))


@lru_cache(maxsize=4096)
def trapezoid_shape(reach: float, nats: float, strip: Strip, centre: float) -> tuple[float, int]:
    """Return step and half the number of nodes for E g(reach Z), Z standard normal, to a relative error of e^-nats.

    The nodes end where the normal tail, tilted by the growth of g, is as small: a weight grows no faster than
    e^|eta|, which moves the mass by ``reach``; one that is bounded by its value at 0 gains e^|centre| at most.

    Parameters
    ----------
    reach
        What Z is multiplied by in the linear predictor.
    nats
        Digits in natural logarithms.
    strip
        Of g.
    centre
        |eta| at Z = 0.

    """
    step = pi * sqrt(2 / nats)
    if strip.height < inf and reach > 0:
        free = sqrt(2 * nats)
        steps = []
        for part in _FRACTIONS:
            a = min(part * strip.height / reach, free)
            loss = a * a / 2 + log(2) - strip.order * log(cos(part * pi / 2))
            steps.append(2 * pi * a / (nats + loss))
        step = min(step, max(steps))
    tail = _normal_tail(nats)
    tilted = tail + reach
    end = min(tilted, sqrt(tail**2 + 2 * (centre + reach))) if strip.bounded else tilted
    half = ceil(end / step - 0.5)
    return step, half


def trapezoid(step: float, half: int) -> tuple[Line, Array]:
    """Return nodes and weights for a standard normal variable."""
    nodes = np.arange(-half, half + 1) * step
    return Line(nodes, step), step * np.exp(-nodes * nodes / 2) / sqrt(2 * pi)


@lru_cache(maxsize=256)
def _normal_tail(nats: float) -> float:
    """Return t with P(|Z| > t) = e^-nats."""
    lower, upper = 0.0, 60.0
    for _ in range(60):
        middle = (lower + upper) / 2
        lower, upper = (middle, upper) if erfc(middle / sqrt(2)) > np.exp(-nats) else (lower, middle)
    return upper


@lru_cache(maxsize=4096)
def legendre_count(reach: float, nats: float, strip: Strip) -> int:
    """Return how many Gauss-Legendre nodes give a moment over (-1, 1) to a relative error of about e^-nats.

    Parameters
    ----------
    reach
        What the variable on (-1, 1) is multiplied by in the linear predictor.
    nats
        Digits in natural logarithms.
    strip
        Of the weight.

    """
    best = inf
    if strip.height < inf:
        heights = [(part * strip.height, -strip.order * log(cos(part * pi / 2))) for part in _FRACTIONS]
    else:
        heights = [(2.0 ** (i / 2), 0.0) for i in range(-6, 16)]
    for height, growth in heights:
        # at most so far, where powers of the variable alone decide
        u = min(asinh(height / max(reach, 1e-300)), 12.0)
        outside = cosh(u) - 1
        constant = log(64 / 15 / (1 - np.exp(-2 * u))) + growth + reach * outside + _DEGREE * log(cosh(u))
        best = min(best, (nats + constant) / (2 * u))
    return max(2, ceil(best))


@lru_cache(maxsize=256)
def legendre(count: int) -> tuple[Array, Array]:
    """Return Gauss-Legendre nodes and weights on (-1, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights
