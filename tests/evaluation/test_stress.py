"""Random and extreme parameters: the certified interval holds the value that independent sums give, no digit is wrong.

The sums share nothing with the package's: trapezoidal sums over the effects, Gauss-Legendre or trapezoidal sums over
predictors, in ball arithmetic used as plain arithmetic, with more nodes until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from functools import cache
from math import ceil, log, pi, sqrt
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sympy import Rational

import leadterms as lt
from leadterms.asymptotics.result import Entry
from leadterms.evaluation.number import Number
from leadterms.evaluation.precision import ball_precision

UNIT = "Uniform(-1, 1)"
Node = tuple[arb, arb]
"""A point and its mass."""
Weight = Callable[[arb], arb]
"""w as a function of exp(eta)."""


@cache
def entry_of(formula: str, family: str, link: str | None, law: str, term: str) -> Entry:
    laws = {name: law for name in ("x", "x1", "x2") if name in formula.split("(")[0].split()}
    return lt.leading_terms(lt.Model(formula, family=family, link=link, laws=laws))[term]


def slope_of(family: str, link: str | None = None, law: str = UNIT) -> Entry:
    return entry_of("y ~ x + (1 | g)", family, link, law, "x")


def number_of(value: Any) -> arb:
    value = Rational(value)
    return arb(fmpq(int(value.p), int(value.q)))


# ---- parameters


def decimals(lower: int, upper: int, places: int) -> st.SearchStrategy[str]:
    unit = 10**places
    return st.integers(lower * unit, upper * unit).map(lambda n: str(Decimal(n).scaleb(-places)))


def either(extremes: Sequence[str], *others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(extremes), *others)


INTERCEPTS = either(["50", "-50", "0", "1e-30"], decimals(-4, 4, 2), decimals(-50, 50, 1), decimals(-2, 2, 30))
SLOPES = either(["0", "1e-30", "-1e-30", "1e-8", "1e-2"], decimals(-3, 3, 2), decimals(-2, 2, 30))
STEEP = either(["20", "-20"], decimals(-20, 20, 1))
VARIANCES = either(["100", "1e-8"], decimals(1, 400, 0).map(lambda n: str(Decimal(n) / 100)), decimals(1, 100, 1))
MODERATE = either(["1e-8", "9"], decimals(1, 400, 0).map(lambda n: str(Decimal(n) / 100)))
often = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seldom = settings(often, max_examples=5)


# ---- the independent sums


def effect_nodes(variance: Any, centre: float, nats: float, finer: float, strip: float = 2.5) -> list[Node]:
    """Return nodes u and their masses under N(0, variance), for functions analytic in a strip."""
    deviation = sqrt(float(Rational(variance)))
    width = min(strip / deviation, sqrt(2 * nats))
    # an average of e^(-|u|) has its mass about one variance away from the middle, within what the centre allows
    reach = sqrt(2 * nats) + min(deviation, sqrt(2 * (nats + abs(centre)))) + finer
    step = 2 * pi * width / (nats + width**2 / 2 + 10) / finer
    count, h, root = ceil(reach / step), arb(step), number_of(variance).sqrt()
    scale = h / (2 * arb.pi()).sqrt()
    return [(root * h * k, scale * (-((h * k) ** 2) / 2).exp()) for k in range(-count, count + 1)]


def unit_nodes(slope: float, nats: float, finer: float, strip: float = 2.5) -> list[Node]:
    """Return Gauss-Legendre nodes on panels of (-1, 1), for a weight of slope * x analytic in a strip."""
    panels = max(1, ceil(abs(slope)))
    far = min(strip * panels / max(abs(slope), 1e-9), 1e9)
    count = ceil(finer * nats / (2 * log(far + sqrt(1 + far * far)))) + 4
    rule = [arb.legendre_p_root(count, k, True) for k in range(count)]
    return [((2 * j + 1 - panels + x) / panels, w / (2 * panels)) for j in range(panels) for x, w in rule]


def normal_nodes(slope: float, nats: float, finer: float, strip: float = 2.5) -> list[Node]:
    """Return nodes of the standard normal law, for a weight of slope * x analytic in a strip."""
    scaled = str(Rational(max(abs(slope), 1e-9)) ** 2)
    deviation = number_of(scaled).sqrt()
    return [(u / deviation, share) for u, share in effect_nodes(scaled, 50, nats, finer, strip)]


def logistic(q: arb) -> arb:
    return q / ((1 + q) * (1 + q))


def slope_coefficient(
    weight: Weight, predictor: Callable[..., list[Node]], point: dict[str, str], digits: int, strip: float = 2.5
) -> tuple[arb, arb]:
    """Return 1/E_U[m_2 - m_1^2/m_0], m_k = E[x^k w(beta0 + U + beta1 x)], and how far it can be from the truth."""
    nats = 2.31 * digits + 8
    centre, slope = (float(Rational(point[name])) for name in ("beta0", "beta1"))

    def once(finer: float) -> arb:
        nodes = [
            (x, share, (number_of(point["beta1"]) * x).exp())
            for x, share in predictor(slope, nats + (abs(slope) > 1) * abs(centre), finer, strip)
        ]
        level, total = number_of(point["beta0"]).exp(), arb(0)
        for u, mass in effect_nodes(point["sigma2"], centre, nats, finer, strip):
            raised = level * u.exp()
            m0, m1, m2 = arb(0), arb(0), arb(0)
            for x, share, tilt in nodes:
                part = share * weight(raised * tilt)
                m0 += part
                part *= x
                m1 += part
                m2 += part * x
            if m0 > 0:
                total += mass * (m2 - m1 * m1 / m0)
        return 1 / total

    with ball_precision(ceil(nats / log(2)) + 100):
        coarse, fine = once(1.0), once(1.3)
        return fine, abs(coarse - fine).upper() + fine.rad()


# ---- the claims


def last_place(number: Number) -> Decimal:
    return Decimal(1).scaleb(Decimal(str(number)).adjusted() - number.digits + 1)


def holds(number: Number, value: arb, doubt: arb, rounding: str = "nearest") -> None:
    """Check what a certified number says against an independent value with more digits."""
    assert number.certified
    unit = arb(str(last_place(number)))
    assert doubt < unit / 100, "the reference is too coarse to show anything"
    printed, error = arb(str(number)), number_of(number.error)
    for claimed in (printed, number_of(number.value)):
        assert abs(claimed - value) <= error + doubt
    # half a unit for the rounding, and a ball of at most a sixteenth; in one direction up to a whole one
    assert error <= unit * (0.6 if rounding == "nearest" else 1.2)
    if rounding == "down":
        assert printed <= value + doubt
    if rounding == "up":
        assert printed >= value - doubt


def no_wrong_digit(entry: Entry, point: dict[str, str], digits: int, more: int) -> None:
    """Check that shorter decimals are the longer ones, rounded in their direction."""
    short = {r: entry.evaluate(point, digits, method="balls", rounding=r) for r in ("nearest", "down", "up")}
    long = {r: Decimal(str(entry.evaluate(point, more, method="balls", rounding=r))) for r in ("down", "up")}
    assert long["down"] <= long["up"]
    down, nearest, up = (Decimal(str(short[r])) for r in ("down", "nearest", "up"))
    unit = last_place(short["nearest"])
    exact = Context(prec=more + 10)
    # what rounds to the nearest may do so from a midpoint a little off the truth
    assert abs(exact.subtract(nearest, long["down"])) <= unit * Decimal("0.6")
    middle = exact.divide(exact.add(long["down"], long["up"]), Decimal(2))
    if abs(exact.subtract(middle, nearest)) < unit * Decimal("0.4"):
        assert Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(middle) == nearest
    assert down <= long["down"]
    assert long["up"] <= up
    floor = Context(prec=digits, rounding=ROUND_FLOOR).create_decimal(long["down"])
    assert floor - down in (0, unit)
    assert exact.subtract(up, down) <= 3 * unit


# ---- logistic, random intercept


@often
@given(INTERCEPTS, SLOPES, VARIANCES, st.sampled_from(["nearest", "down", "up"]), st.sampled_from([1, 6, 15]))
@example("50", "0", "100", "nearest", 15)
@example("-50", "1e-30", "1e-8", "down", 15)
@example("0", "0", "1e-8", "up", 15)
def test_uniform_predictor(beta0: str, beta1: str, sigma2: str, rounding: str, digits: int) -> None:
    point = {"beta0": beta0, "beta1": beta1, "sigma2": sigma2}
    value, doubt = slope_coefficient(logistic, unit_nodes, point, max(2 * digits, digits + 6))
    number = slope_of("bernoulli").evaluate(point, digits, method="balls", rounding=rounding)
    with ball_precision(300):
        holds(number, value, doubt, rounding)


@pytest.mark.slow
@seldom
@given(INTERCEPTS, STEEP, MODERATE)
@example("50", "20", "1e-8")
@example("-50", "-20", "1")
def test_steep_uniform_predictor(beta0: str, beta1: str, sigma2: str) -> None:
    point = {"beta0": beta0, "beta1": beta1, "sigma2": sigma2}
    value, doubt = slope_coefficient(logistic, unit_nodes, point, 18)
    with ball_precision(300):
        holds(slope_of("bernoulli").evaluate(point, 9, method="balls"), value, doubt)


@pytest.mark.slow
@settings(often, max_examples=12)
@given(INTERCEPTS, SLOPES, VARIANCES, st.sampled_from(["nearest", "down", "up"]))
@example("50", "1", "100", "nearest")
@example("-50", "1e-30", "1e-8", "up")
def test_normal_predictor(beta0: str, beta1: str, sigma2: str, rounding: str) -> None:
    point = {"beta0": beta0, "beta1": beta1, "sigma2": sigma2}
    value, doubt = slope_coefficient(logistic, normal_nodes, point, 16)
    number = slope_of("bernoulli", law="Normal(0, 1)").evaluate(point, 8, method="balls", rounding=rounding)
    with ball_precision(300):
        holds(number, value, doubt, rounding)


# ---- other links, random intercept


def saturating(q: arb) -> arb:
    return q / (1 + q / 3)


def cloglog(q: arb) -> arb:
    # beyond 10^5 it is below e^-99000
    return q * q / q.expm1() if q < 100_000 else arb(0)


def probit(q: arb) -> arb:
    eta = q.log()
    z = eta / arb(2).sqrt()
    return 2 / arb.pi() * (-eta * eta).exp() / (z.erfc() * (-z).erfc())


@pytest.mark.slow
@seldom
@given(INTERCEPTS, SLOPES, VARIANCES)
@example("-50", "1e-30", "1e-8")
@example("50", "0", "100")
def test_negative_binomial(beta0: str, beta1: str, sigma2: str) -> None:
    point = {"beta0": beta0, "beta1": beta1, "sigma2": sigma2}
    value, doubt = slope_coefficient(saturating, unit_nodes, point, 16)
    with ball_precision(300):
        holds(slope_of("negative-binomial(3)").evaluate(point, 8, method="balls"), value, doubt)


MILD = either(["0", "1e-30"], decimals(-5, 4, 1))


@pytest.mark.slow
@seldom
@given(st.sampled_from(["probit", "cloglog"]), MILD, SLOPES, MODERATE)
@example("cloglog", "-50", "1", "1")
@example("cloglog", "0", "0", "100")
@example("probit", "1", "1e-30", "1e-8")
@example("probit", "0", "0", "100")
def test_other_links(link: str, beta0: str, beta1: str, sigma2: str) -> None:
    point = {"beta0": beta0, "beta1": beta1, "sigma2": sigma2}
    weight, strip = {"probit": (probit, 1.8), "cloglog": (cloglog, 1.3)}[link]
    value, doubt = slope_coefficient(weight, unit_nodes, point, 12, strip)
    with ball_precision(300):
        holds(slope_of("bernoulli", link).evaluate(point, 6, method="balls"), value, doubt)


# ---- Poisson, closed forms


@settings(often, max_examples=40)
@given(INTERCEPTS, st.one_of(SLOPES, STEEP), VARIANCES, st.integers(1, 40), st.sampled_from(["nearest", "down", "up"]))
@example("50", "1e-30", "1e-8", 40, "nearest")
@example("-50", "0", "100", 40, "down")
@example("0.3", "-1e-30", "100", 20, "up")
def test_poisson(beta0: str, beta1: str, sigma2: str, digits: int, rounding: str) -> None:
    """With w = exp(eta) the effect is a factor: C = exp(-beta0 - sigma2/2)/(m_2 - m_1^2/m_0) of the tilted law."""
    point = {"beta0": beta0, "beta1": beta1, "sigma2": sigma2}
    nats = 2.31 * (2 * digits + 4) + 10
    with ball_precision(ceil(nats / log(2)) + 250):
        scale = (-number_of(beta0) - number_of(sigma2) / 2).exp()
        values = []
        for finer in (1.0, 1.3):
            nodes = unit_nodes(float(Rational(beta1)), nats, finer, 1.0)
            tilted = [(x, share * (number_of(beta1) * x).exp()) for x, share in nodes]
            m0, m1, m2 = (sum((share * x**k for x, share in tilted), arb(0)) for k in range(3))
            values.append(scale / (m2 - m1 * m1 / m0))
        doubt = abs(values[0] - values[1]).upper() + values[1].rad()
        holds(
            slope_of("poisson").evaluate(point, digits, method="balls", rounding=rounding), values[1], doubt, rounding
        )
        # X ~ N(0, 1) tilted is N(beta1, 1): C = exp(-beta0 - beta1^2/2 - sigma2/2)
        normal = scale * (-(number_of(beta1) ** 2) / 2).exp()
        number = slope_of("poisson", law="Normal(0, 1)").evaluate(point, digits, method="balls", rounding=rounding)
        holds(number, normal, normal.rad() + abs(normal) * arb(10) ** -(digits + 9), rounding)


# ---- logistic, random intercept and slope


SLOPES_FORMULA = "y ~ x1 + x2 + (1 + x1 | g)"


def effect_grid(deviation: float, nats: float, finer: float) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes in standard units and masses, for functions analytic in a strip of 2.5/deviation."""
    width = min(2.5 / deviation, sqrt(2 * nats))
    step = np.longdouble(2 * pi * width / (nats + width**2 / 2 + 10) / finer)
    count = ceil((sqrt(2 * nats) + min(deviation, 9.0) + finer) / float(step))
    z = step * np.arange(-count, count + 1)
    return z, step * np.exp(-z * z / 2) / np.sqrt(2 * np.arccos(np.longdouble(-1)))


def legendre(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss-Legendre nodes and masses of Uniform(-1, 1) to all digits of numpy's longest float."""
    with ball_precision(120):
        rule = [arb.legendre_p_root(count, k, True) for k in range(count)]
        return tuple(
            np.array([np.longdouble(v.str(30, radius=False)) for v in column]) for column in zip(*rule, strict=True)
        )


def with_random_slope(point: dict[str, str]) -> tuple[arb, arb]:
    """Return 1/E[residual information of x2 given 1 and x1], X1 and X2 uniform, in numpy's longest floats."""
    numbers = {name: np.longdouble(str(Rational(value).evalf(30))) for name, value in point.items()}
    b0, b1, b2, s11, s12, s22 = (numbers[n] for n in ("beta0", "beta1", "beta2", "Sigma11", "Sigma12", "Sigma22"))
    first = np.sqrt(s11)
    mixed = s12 / first
    second = np.sqrt(s22 - mixed * mixed)
    nats = 36.0
    found = []
    for finer in (1.0, 1.25):
        steep = float(abs(b1) + (abs(mixed) + second) * 7)
        x1, p1 = legendre(ceil(finer * (10 + 9 * steep)))
        x2, p2 = legendre(ceil(finer * (10 + 9 * float(abs(b2)))))
        p2 = p2 / 2
        v, q = effect_grid(float(second), nats, finer)
        total = np.longdouble(0)
        for u, p in zip(*effect_grid(float(first + abs(mixed)), nats, finer), strict=True):
            level = b0 + first * u + np.multiply.outer(b1 + mixed * u + second * v, x1)
            m = [np.longdouble(0)] * 3
            for x, share in zip(x2, p2, strict=True):
                e = np.exp(-abs(level + b2 * x))
                w = share * e / (1 + e) ** 2
                m = [a + w * x**k for k, a in enumerate(m)]
            # moments of x1 with each power of x2
            i00, i01, i11 = (m[0] @ (p1 * x1**k / 2) for k in range(3))
            c0, c1, d = m[1] @ (p1 / 2), m[1] @ (p1 * x1 / 2), m[2] @ (p1 / 2)
            slope = i11 - i01 * i01 / i00
            total += p * (q @ (d - c0 * c0 / i00 - (c1 - c0 * i01 / i00) ** 2 / slope))
        found.append(1 / total)
    error = abs(found[0] - found[1]) + 1000 * np.finfo(np.longdouble).eps * found[1]
    return arb(np.format_float_scientific(found[1], 25)), arb(float(error))


CORRELATIONS = st.sampled_from(["0", "1/2", "-9/10", "1/10"])
SPREADS = either(["1e-8", "1/100", "1"], decimals(1, 200, 0).map(lambda n: str(Decimal(n) / 100)))


@pytest.mark.slow
@settings(often, max_examples=2)
@given(either(["50", "-50", "0"], decimals(-3, 3, 2)), SLOPES, SLOPES, SPREADS, SPREADS, CORRELATIONS)
@example("50", "0", "1e-30", "1", "1/4", "1/2")
@example("-0.3", "1e-30", "0", "1e-8", "1e-8", "0")
def test_random_slope(beta0: str, beta1: str, beta2: str, s11: str, s22: str, correlation: str) -> None:
    mixed = Rational(correlation) * Rational(str(round(sqrt(float(Rational(s11) * Rational(s22))), 12)))
    point = {"beta0": beta0, "beta1": beta1, "beta2": beta2, "Sigma11": s11, "Sigma12": str(mixed), "Sigma22": s22}
    value, doubt = with_random_slope(point)
    number = entry_of(SLOPES_FORMULA, "bernoulli", None, UNIT, "x2").evaluate(point, 8, method="balls")
    with ball_precision(300):
        holds(number, value, doubt)


# ---- no wrong digit


@settings(often, max_examples=25)
@given(INTERCEPTS, SLOPES, VARIANCES, st.integers(1, 50))
@example("50", "0", "100", 50)
@example("-50", "1e-30", "1e-8", 50)
@example("0", "20", "1.3", 50)
def test_no_wrong_digit(beta0: str, beta1: str, sigma2: str, digits: int) -> None:
    point = {"beta0": beta0, "beta1": beta1, "sigma2": sigma2}
    for entry in (slope_of("bernoulli"), slope_of("bernoulli", law="Normal(0, 1)"), slope_of("poisson")):
        no_wrong_digit(entry, point, digits, digits + 30)


@seldom
@given(MILD, SLOPES, SLOPES, st.sampled_from(["1/2", "1/100"]), st.integers(1, 20))
def test_no_wrong_digit_with_a_random_slope(beta0: str, beta1: str, beta2: str, variance: str, digits: int) -> None:
    point = {"beta0": beta0, "beta1": beta1, "beta2": beta2}
    point |= {"Sigma11": variance, "Sigma12": "1/200", "Sigma22": "1/4"}
    no_wrong_digit(entry_of(SLOPES_FORMULA, "bernoulli", None, UNIT, "x2"), point, digits, digits + 10)


def test_a_wrong_digit_is_seen() -> None:
    """A last digit that is wrong by one, planted, does not pass."""
    point = {"beta0": "-0.3", "beta1": "0.7", "sigma2": "1.3"}
    value, doubt = slope_coefficient(logistic, unit_nodes, point, 30)
    number = slope_of("bernoulli").evaluate(point, 15, method="balls")
    with ball_precision(300):
        holds(number, value, doubt)
        wrong = replace(number, value=number.value + Rational(str(last_place(number))))
        with pytest.raises(AssertionError):
            holds(wrong, value, doubt)
