r"""Logistic weights, one normal intercept and one normal predictor: averages of products of moments, in proven balls.

m_k(u) = E[Z^k w(centre + u + slope Z)], Z ~ N(0, 1), U ~ N(0, variance), w(eta) = e^eta/(1 + e^eta)^2.  Write b for
the slope and c for centre + u; by symmetry centre >= 0 and b > 0.  A single moment is linear in w: its average is one
over the line eta ~ N(centre, variance + b^2), where Z given eta is normal.  The average over U of another product
f = m_0^i m_1^j m_2^l (j, l >= 0; n = i + j + l) is a trapezoidal sum of step h.

Strip.  For |y| < pi, m_0 has no zero and |m_0(x + iy)| >= cos(y/2) m_0(x).  Proof: a normal law is a mixture of
symmetric uniform laws (Khinchin), and the average of w over (c - V, c + V) is g(V)/(cosh c + cosh V) with
g(V) = sinh V/(2V) > 0; so m_0(c) = E_V of that.  As V grows from 0,

    cosh c + cosh V = cosh x cos y + cosh V + i sinh x sin y

runs along a horizontal ray to the right from 2 cosh^2(c/2), whose argument 2 arctan(tanh(x/2) tan(y/2)) is at most |y|
in modulus.  So all 1/(cosh c + cosh V) lie in one sector of opening <= |y|; projected on its bisector, each counts with
at least cos(y/2) times its modulus, and |cosh c + cosh V| <= cosh x + cosh V.  (Any symmetric unimodal law would do.)
With the bounds of `logistic_moments` for |w| and |w'|, and m_1 = b E w'(c + bZ), m_2 = E Z^2 w(c + bZ),

    |f(x + iy)| <= b^j (1 + b^2)^l m_0(x)^n / cos(y/2)^e,    e = 3j + 2l + max(2i, -i).

The density of U grows by e^{a^2/2 variance} at height a, so the sum is off by at most

    2 e^{a^2/2 variance} b^j (1 + b^2)^l cos(a/2)^{-e} E[m_0^n]/(e^{2 pi a/h} - 1),    0 < a < pi.

Ends.  On the line |f| <= b^j (1 + b^2)^l m_0^n, and `intercept_plan` bounds phi(u) m_0^n by shifted normal densities
that fall where they are cut: the nodes left out weigh no more than the tails of their integrals.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, comb, inf, log, prod, sqrt

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels.gaussian_line import gaussian_line, gaussian_row
from leadterms.evaluation.kernels.intercept_plan import (
    Plan,
    Point,
    Term,
    average_power,
    ends_of,
    logarithm,
    nodes_of,
    plan_sum,
    tilts,
)
from leadterms.evaluation.kernels.logistic_moments import Columns, Line
from leadterms.evaluation.moment_system import Exact
from leadterms.evaluation.precision import ball_precision

Exponents = tuple[int, ...]
_GUARD = 6
_ROUGH = 64
_SPARE = 256
"""Bits for sums of exact numbers given as balls, beyond those asked for."""


def normal_intercept(
    bits: int, centre: Exact, slope: Exact, variance: Exact, terms: Sequence[tuple[Exact, Exponents]]
) -> arb:
    """Return a ball that contains E_U[ sum_t c_t prod_k m_k(U)^(e_tk) ], m_k(u) = E[Z^k w(centre + u + slope Z)].

    Parameters
    ----------
    bits
        Accuracy aimed at, relative to the value; less is reached where terms cancel.
    centre, slope, variance
        Real; the variance of the intercept is positive.
    terms
        Coefficients, and exponents of m_0, m_1, m_2, ...: one moment alone, or any power of m_0 times powers >= 0 of
        m_1 and m_2.

    Raises
    ------
    EvaluationError
        For other powers, a variance that is not positive, or where the work would be absurd.

    Examples
    --------
    >>> from flint import fmpq
    >>> conditional = [(1, (0, 0, 1)), (-1, (-1, 2))]
    >>> print(normal_intercept(60, fmpq(-3, 10), fmpq(7, 10), fmpq(13, 10), conditional).str(15, radius=False))
    0.153413977784618

    """
    with ball_precision(bits + _SPARE):
        linear, products, constant = _sorted(centre, slope, terms)
        total_variance = variance + slope * slope
    with ball_precision(_ROUGH):
        if not 1e-280 < float(arb(variance).mid()) < inf or not arb(variance) > 0:
            raise EvaluationError("the variance of the normal intercept must be positive, and above 1e-280")
        mass = gaussian_line(30, centre, total_variance, [1])
        point = Point(abs(arb(centre)), abs(arb(slope)), arb(variance), mass)
        linear_size, linear_value = _linear_size(point, linear)
        products = [_estimated(point, term) for term in products]
        values = [linear_value, *(term.value for term in products), logarithm(arb(constant))]
        # m_2 and m_1^2/m_0 cancel the more, the wider the predictor
        target = max(values) - (bits + _GUARD) * log(2) - log(1 + point.doubles[1])
    with ball_precision(bits + _ROUGH):
        total = arb(constant)
    if linear:
        needed = max(ceil((linear_size - target) / log(2)), 10)
        polynomial = _given_eta(needed + _ROUGH, slope, variance, linear)
        line = gaussian_line(needed, centre, total_variance, polynomial)
        with ball_precision(needed + _ROUGH):
            total += line
    if products:
        ratio = _products(point, (centre, slope, variance), products, target)
        with ball_precision(bits + 2 * _ROUGH):
            total += ratio
    if not total.is_finite():
        raise EvaluationError(
            "the average over the normal intercept was not bounded: give its parameters more accurately"
        )
    return total


def _sorted(
    centre: Exact, slope: Exact, terms: Sequence[tuple[Exact, Exponents]]
) -> tuple[dict[int, Exact], list[Term], Exact]:
    """Split the terms: coefficients of single moments, products at the reflected point, and the constant."""
    linear: dict[int, Exact] = {}
    products: list[Term] = []
    constant: Exact = 0
    # w is even and so is the law of U: m_k(-centre; slope) = m_k(centre; -slope) = (-1)^k m_k(centre; slope)
    reflected = (arb(centre).mid() < 0) != (arb(slope).mid() < 0)
    for coefficient, exponents in terms:
        powers = {k: e for k, e in enumerate(exponents) if e}
        odd = sum(k * e for k, e in powers.items()) % 2
        if odd and (centre == 0 or slope == 0):
            continue
        if odd and (arb(centre).contains(0) or arb(slope).contains(0)):
            raise EvaluationError("the sign of a centre or of a slope is open: give it more accurately")
        if not powers:
            constant = constant + coefficient
        elif list(powers.values()) == [1]:
            (k,) = powers
            linear[k] = linear.get(k, 0) + coefficient
        elif any(k > 2 or (k and e < 0) for k, e in powers.items()):
            raise EvaluationError(
                f"no rule for the powers {exponents} of moments over a normal intercept and predictor"
            )
        elif not (slope == 0 and powers.get(1)):
            sign = -1 if odd and reflected else 1
            products.append(Term(sign * coefficient, powers.get(0, 0), powers.get(1, 0), powers.get(2, 0)))
    return linear, products, constant


def _given_eta(precision: int, slope: Exact, variance: Exact, linear: dict[int, Exact]) -> list[Exact]:
    """Return the polynomial sum_k c_k E[Z^k | T] of T = U + slope Z: Z given T is N(T slope/v, variance/v)."""
    with ball_precision(precision):
        total = variance + slope * slope
        ratio, rest = slope / total, variance / total
        polynomial: list[Exact] = [0] * (max(linear) + 1)
        for k, coefficient in linear.items():
            for pairs in range(k // 2 + 1):
                number = comb(k, 2 * pairs) * prod(range(1, 2 * pairs, 2))
                polynomial[k - 2 * pairs] += coefficient * number * rest**pairs * ratio ** (k - 2 * pairs)
        return polynomial


def _typical(point: Point, odd: bool) -> float:
    """Return the logarithm of about |m_1/(b m_0)|, or of its mean where positive and negative ones cancel."""
    c, b, s2 = point.doubles
    return log(min(1.0, (c if odd else sqrt(c * c + s2)) / (b * b + 3.3)))


def _linear_size(point: Point, linear: dict[int, Exact]) -> tuple[float, float]:
    """Return logarithms of about a bound and about the value of the linear terms."""
    b = point.doubles[1]
    mass, size, value = logarithm(point.mass), -inf, -inf
    for k, coefficient in linear.items():
        log_c = logarithm(arb(coefficient)) + mass
        odd = logarithm(point.slope) + _typical(point, True) if k % 2 else 0.0
        size = max(size, log_c + k * log(sqrt(k + 1) + b))
        value = max(value, log_c + odd - (k - k % 2) / 2 * log(1 + b * b / 2))
    return size, value


def _estimated(point: Point, term: Term) -> Term:
    """Add the logarithms of the size of the coefficient and of about the value of a term."""
    b = point.doubles[1]
    size = logarithm(arb(term.coefficient))
    value = size + term.power * logarithm(point.mass) - term.l * log(1 + b * b / 2)
    if term.j:
        value += term.j * logarithm(point.slope) + (term.j - term.j % 2) * _typical(point, False)
        value += _typical(point, True) if term.j % 2 else 0.0
    return Term(term.coefficient, term.i, term.j, term.l, size, value)


def _products(point: Point, exact: tuple[Exact, Exact, Exact], terms: list[Term], target: float) -> arb:
    """Return the ball of all nonlinear terms."""
    target -= log(4 * len(terms))
    with ball_precision(_ROUGH):
        plan = plan_sum(point, terms, target)
    with ball_precision(plan.precision):
        centre, slope, variance = (arb(number) for number in exact)
        centre, slope = abs(centre), abs(slope)
        h, line = arb(plan.step), nodes_of(plan.step, plan.first, plan.last)
        columns = plan.moments(line, slope)
        weights = gaussian_row(h, centre, variance, plan.first, plan.last)
        folded = [_folded(weights, plan, line, sign) for sign in (1, -1)]
        total = arb(0)
        for term in terms:
            values = _column(columns, term)
            products = (weight * value for weight, value in zip(folded[term.j % 2], values, strict=True))
            total += arb(term.coefficient) * sum(products, arb(0))
        total = total * h / (2 * arb.pi() * variance).sqrt()
    with ball_precision(_ROUGH):
        error = sum((_error(point, plan, term, target) for term in terms), arb(0))
    with ball_precision(plan.precision):
        return total + arb(0, error)


def _folded(weights: list[arb], plan: Plan, line: Line, sign: int) -> list[arb]:
    """Return the weight of each node c >= 0, that of -c included, with the sign of odd products."""
    if plan.first >= 0:
        return weights
    zero = arb(0)
    right = weights[-plan.first :]
    left = weights[-plan.first - 1 :: -1]
    right += [zero] * (line.last + 1 - len(right))
    left = [zero, *left, *[zero] * (line.last - len(left))]
    return [a + sign * b for a, b in zip(right, left, strict=True)]


def _column(columns: Columns, term: Term) -> list[arb]:
    """Return m_0^i m_1^j m_2^l at all nodes."""
    factors = [columns[0]] * max(term.i, 0)
    for k, exponent in ((1, term.j), (2, term.l)):
        if exponent:
            factors += [columns[k]] * exponent
    values = factors[0] if factors else [arb(1)] * len(columns[0])
    for column in factors[1:]:
        values = [a * b for a, b in zip(values, column, strict=True)]
    for _ in range(-term.i):
        values = [a / b for a, b in zip(values, columns[0], strict=True)]
    return values


def _error(point: Point, plan: Plan, term: Term, target: float) -> arb:
    """Return the bound of discretisation and truncation of one term."""
    c, s2, a, h, n = point.centre, point.variance, arb(plan.height), arb(plan.step), term.power
    discretisation = 2 * (a * a / (2 * s2)).exp() * average_power(point, n) / (a / 2).cos() ** term.loss
    total = discretisation / ((2 * arb.pi() * a / h).exp() - 1)
    ends = ends_of(point, term, target)
    for side, node, (m, _) in ((-1, plan.first, ends[0]), (1, plan.last, ends[1])):
        for constant, shift in tilts(point, n, m):
            reach = side * (node * h - c - shift)
            if not reach > 0:
                raise EvaluationError(
                    "the normal intercept could not be cut off: give its variance and centre more accurately"
                )
            total += constant * (reach / (2 * s2).sqrt()).erfc() / 2
    return abs(arb(term.coefficient)) * term.factor(point.slope) * total
