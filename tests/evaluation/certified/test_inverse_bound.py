"""Bounds of an inverse information under probit weights, and averages of it, by sums in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy.special import logsumexp
from sympy import Integer

from leadterms import EvaluationError, Model, expansion
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.ellipse_bounds import EllipseBounds
from leadterms.evaluation.certified.bounds.inverse_bound import InverseBound
from leadterms.evaluation.certified.bounds.inverse_ceiling import InverseForm, NumeratorTerm, inverse_ceiling
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import ProbitWeight
from tests.evaluation.certified.complex_weights import cloglog, log_cloglog, log_probit, probit
from tests.evaluation.certified.second_terms import normal, second_term, uniform

Array = Any
PROBIT = ProbitWeight(Integer(1))
LAW = UniformLaw(-1, 2)
ROOTS = {
    "intercept": ((fmpq(1, 2),),),
    "slope": ((fmpq(3, 4),),),
    "both": ((fmpq(3, 5), fmpq(1, 10)), (fmpq(0), fmpq(2, 5))),
}
"""u = root z."""
POWERS = {"intercept": (2,), "slope": (0,), "both": (1, 1)}


def strand(kind: str, law: Any = LAW, centre: fmpq = fmpq(-2, 5)) -> Strand:  # noqa: B008
    root = ROOTS[kind]
    rows = {
        "intercept": lambda column: (column[0], fmpq(0)),
        "slope": lambda column: (fmpq(0), column[0]),
        "both": lambda column: (column[0], column[1]),
    }[kind]
    loadings = tuple(rows([row[j] for row in root]) for j in range(len(root)))
    return Strand(PROBIT, (law,), centre, (fmpq(4, 5),), loadings, ((0,), (1,), (2,)))


def form(kind: str, powers: tuple[int, ...] | None = None) -> InverseForm:
    """u^powers times the first entry of the inverse information of u, the strand standing for itself and 2/3 of it."""
    root = tuple(tuple(arb(entry) for entry in row) for row in ROOTS[kind])
    moments = ((0, (2,)),) if kind == "both" else ()
    terms = (NumeratorTerm(arb(1), moments, POWERS[kind] if powers is None else powers),)
    return InverseForm(arb(1), (arb(1),), terms, (arb(0),) * len(root), root)


NODES, MASSES = np.polynomial.legendre.leggauss(60)
X, MASSES = 1.5 * NODES + 0.5, MASSES / 2


def value(kind: str, z: Array, powers: tuple[int, ...] | None = None) -> complex:
    root = np.array([[float(e.p) / float(e.q) for e in row] for row in ROOTS[kind]])
    u = root @ np.asarray(z, dtype=complex)
    random = {"intercept": u[0], "slope": u[0] * X, "both": u[0] + u[-1] * X}[kind]
    w = MASSES * probit(-0.4 + 0.8 * X + random)
    m = [np.sum(w * X**k) for k in range(3)]
    inverse = {"intercept": 1 / m[0], "slope": 1 / m[2], "both": m[2] / (m[0] * m[2] - m[1] ** 2)}[kind]
    return complex(np.prod(u ** np.array(POWERS[kind] if powers is None else powers)) * inverse)


def system(kind: str, powers: tuple[int, ...] | None = None) -> NumericSystem:
    root = ROOTS[kind]
    exponents = POWERS[kind] if powers is None else powers

    def integrand(values: Any) -> Any:
        m, z = values[:3], values[3:]
        found = 1 / m[0] if kind == "intercept" else 1 / m[2] if kind == "slope" else m[2] / (m[0] * m[2] - m[1] * m[1])
        for row, power in zip(root, exponents, strict=True):
            for _ in range(power):
                found = found * sum((arb(entry) * one for entry, one in zip(row, z, strict=True)), arb(0))
        return found

    ceiling, sector = inverse_ceiling([strand(kind)], form(kind, powers))
    return NumericSystem((strand(kind),), integrand, (ceiling,), sector, with_effects=True)


@pytest.mark.parametrize("kind", ROOTS)
def test_the_bound_is_above_the_integrand(kind: str) -> None:
    rng = np.random.default_rng(5)
    with ball_precision(64):
        bound = Bounds(Strands(system(kind)))
        for _ in range(40):
            z = rng.uniform(-6, 6, len(ROOTS[kind]))
            cell = tuple((arb(one) - 1e-3, arb(one) + 1e-3) for one in z)
            top = float(bound.top(cell))
            assert abs(value(kind, z)) <= top
            # sup w, the norm of T^+ and the panels lose some factors, the power of 1 + |u| more
            assert top < 5000 * (abs(value(kind, z, (0,) * len(z))) + 1)


@pytest.mark.parametrize("kind", ROOTS)
def test_the_bound_holds_on_ellipses(kind: str) -> None:
    angles = np.linspace(0, 2 * np.pi, 40)
    rng = np.random.default_rng(7)
    with ball_precision(64):
        strands = Strands(system(kind))
        bounds = EllipseBounds(strands, Bounds(strands), 20)
        found = 0
        for rho in (1.2, 1.6):
            for j in range(len(ROOTS[kind])):
                middle = rng.normal(size=len(ROOTS[kind]))
                width = 0.3
                cell = tuple((arb(one) - width, arb(one) + width) for one in middle)
                bound = float(bounds.on(cell, j, rho))
                if not bound < np.inf:
                    continue
                found += 1
                for edge in (rho * np.exp(1j * angles) + np.exp(-1j * angles) / rho) / 2:
                    z = middle.astype(complex)
                    z += np.where(np.arange(len(z)) == j, 0, rng.uniform(-width, width, len(z)))
                    z[j] = middle[j] + width * edge
                    density = np.exp(-np.sum(z * z) / 2) / (2 * np.pi) ** (len(z) / 2)
                    assert abs(value(kind, z) * density) <= bound
        assert found


@pytest.mark.parametrize("kind", ["intercept", "both"])
def test_the_tail_is_above_its_integral(kind: str) -> None:
    with ball_precision(64):
        bound = Bounds(Strands(system(kind)))
        for radius in (3.0, 4.0):
            z, step = np.linspace(-9, 9, 91, retstep=True)
            total = 0.0
            for point in np.stack(np.meshgrid(*[z] * len(ROOTS[kind])), -1).reshape(-1, len(ROOTS[kind])):
                if max(abs(point)) > radius + step / 2:
                    total += (
                        abs(value(kind, point)) * np.exp(-point @ point / 2) * (step / np.sqrt(2 * np.pi)) ** len(point)
                    )
            assert 0 < total <= float(bound.beyond(arb(radius)))


@pytest.mark.parametrize("kind", ["intercept", "slope"])
def test_averages_over_one_effect(kind: str) -> None:
    ball = certified_average(system(kind), 40)
    z, step = np.linspace(-12, 12, 1601, retstep=True)
    total = sum(value(kind, [one]).real * np.exp(-one * one / 2) for one in z) * step / np.sqrt(2 * np.pi)
    assert ball.rel_accuracy_bits() >= 40
    assert float(ball.mid()) == pytest.approx(total, rel=1e-11)


@pytest.mark.slow
def test_averages_over_two_effects() -> None:
    powers = (1, 1)
    ball = certified_average(system("both", powers), 14)
    z, step = np.linspace(-9, 9, 121, retstep=True)
    total = (
        sum(value("both", (a, b), powers).real * np.exp(-(a * a + b * b) / 2) for a in z for b in z)
        * step**2
        / (2 * np.pi)
    )
    assert ball.rel_accuracy_bits() >= 14
    assert abs(float(ball.mid()) - total) <= float(ball.rad()) + 1e-9 * total


def test_a_planted_false_bound_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the tails taken for nothing the box of the effects is far too small."""
    monkeypatch.setattr(InverseBound, "beyond", lambda self, *args: arb("1e-300"))
    ball = certified_average(system("intercept"), 40)
    z, step = np.linspace(-12, 12, 1601, retstep=True)
    total = sum(value("intercept", [one]).real * np.exp(-one * one / 2) for one in z) * step / np.sqrt(2 * np.pi)
    assert abs(float(ball.mid()) - total) > float(ball.rad()) + 1e-9


def test_what_the_density_does_not_outweigh_is_refused() -> None:
    steep = Strand(PROBIT, (LAW,), fmpq(0), (fmpq(1),), ((fmpq(1), fmpq(0)),), ((0,),))
    root = ((arb(1),),)
    one = InverseForm(arb(1), (arb(1),), (NumeratorTerm(arb(1), (), (0,)),), (arb(0),), root)
    ceiling, _ = inverse_ceiling([steep], one)
    with ball_precision(64), pytest.raises(EvaluationError, match="outweighed by the random effects"):
        InverseBound([Problem(steep)], ceiling)
    three = ((arb(1), arb(0), arb(0)), (arb(0), arb(1), arb(0)), (arb(0), arb(0), arb(1)))
    form_of_three = InverseForm(arb(1), (arb(1),), (NumeratorTerm(arb(1), (), (0,) * 3),), (arb(0),) * 3, three)
    with pytest.raises(EvaluationError, match="recognised as entries of the inverse"):
        inverse_ceiling([steep], form_of_three)
    # a moment that is not one of the random terms: of the normal predictor's fourth power
    other = strand("both", NormalLaw(0, 1))
    term = NumeratorTerm(arb(1), ((0, (4,)),), (0, 0))
    root_of_two = tuple(tuple(arb(entry) for entry in row) for row in ROOTS["both"])
    with pytest.raises(EvaluationError, match="not one of the random terms"):
        inverse_ceiling([other], InverseForm(arb(1), (arb(1),), (term,), (arb(0), arb(0)), root_of_two))


@pytest.mark.slow
@pytest.mark.parametrize("law", ["Beta(2, 3)", "Gamma(1/2, 1)"])
def test_laws_whose_density_is_rough_at_an_end(law: str) -> None:
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": law})
    entry, at = expansion(model)["sigma2"], "beta0=0.2, beta1=0.3, sigma2=0.3"
    proven = entry.evaluate(at, 5, order="1/(m*n)", method="balls")
    estimate = entry.evaluate(at, 5, order="1/(m*n)", method="mpmath")
    assert abs(proven.value - estimate.value) <= proven.error + estimate.error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("random", "law", "variance"),
    [("1", "Normal(0, 1)", "0.3"), ("x", "Uniform(-1, 1)", "0.4")],
)
def test_second_terms_under_the_complementary_log_log_link(random: str, law: str, variance: str) -> None:
    formula = "y ~ x + (1 | g)" if random == "1" else "y ~ x + (0 + x | g)"
    model = Model(formula, family="bernoulli", link="cloglog", laws={"x": law})
    at = f"beta0=-0.3, beta1=0.7, sigma2={variance}"
    found = expansion(model)[random].evaluate(at, 5, order="1/(m*n)", method="balls")
    points = uniform(-1, 1) if law.startswith("Uniform") else normal()
    exact = second_term(
        lambda eta: cloglog(eta).real, points, [int(random == "x")], (-0.3, 0.7), [[float(variance)]], 0, step=0.02
    )
    assert float(found) == pytest.approx(exact, rel=1e-4)


FINITE = "Finite({-1: 1/4, 0: 1/2, 2: 1/4})"


@pytest.mark.slow
@pytest.mark.parametrize("law", [FINITE, "Finite({-1: 1/2, 2: 1/2})"])
def test_a_random_slope_on_a_predictor_with_few_values(law: str) -> None:
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", link="probit", laws={"x": law})
    found = expansion(model)["x"].evaluate("beta0=-0.5, beta1=0.8, sigma2=0.5", 6, order="1/(m*n)", method="balls")
    exact = second_term(lambda eta: probit(eta).real, POINTS[law], [1], (-0.5, 0.8), [[0.5]], 0)
    # six digits are asked for
    assert float(found) == pytest.approx(exact, rel=1e-5)


POINTS = {
    FINITE: (np.array([-1.0, 0.0, 2.0]), np.array([0.25, 0.5, 0.25])),
    "Finite({-1: 1/2, 2: 1/2})": (np.array([-1.0, 2.0]), np.array([0.5, 0.5])),
}


@pytest.mark.slow
def test_an_intercept_and_a_slope_on_a_predictor_with_three_values() -> None:
    """The rows of each value are dependent: the bounds far out take the values by twos."""
    model = Model("y ~ x + (1 + x | g)", family="bernoulli", link="probit", laws={"x": FINITE})
    at = "beta0=-0.5, beta1=0.8, Sigma11=0.125, Sigma12=-0.025, Sigma22=0.025"
    found = expansion(model)["x"].evaluate(at, 3, order="1/(m*n)", method="balls")
    exact = second_term(
        lambda eta: probit(eta).real, POINTS[FINITE], [0, 1], (-0.5, 0.8), [[0.125, -0.025], [-0.025, 0.025]], 1
    )
    assert float(found) == pytest.approx(exact, rel=1e-2)


@pytest.mark.slow
def test_an_intercept_that_only_a_normal_predictor_outweighs() -> None:
    # finite for sigma2 < 1 + beta1^2; at beta0 = 0 the part of the fixed slope in it is zero by symmetry
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Normal(0, 1)"})
    found = expansion(model)["1"].evaluate("beta0=0, beta1=1, sigma2=1.2", 6, order="1/(m*n)", method="balls")
    z, v = np.linspace(-30, 30, 601), np.linspace(-40, 40, 801)
    eta = v + np.sqrt(1.2) * z[:, None]
    logs = -(z**2) / 2 - logsumexp(log_probit(eta) - v**2 / 2 + np.log(0.1 / np.sqrt(2 * np.pi)), axis=1)
    assert float(found) == pytest.approx(np.exp(logs).sum() * 0.1 / np.sqrt(2 * np.pi), rel=1e-5)


@pytest.mark.parametrize(("link", "sigma2"), [("cloglog", 0.25), ("probit", 3.0)])
def test_covariances_with_a_fixed_effect_where_the_variances_do_not_exist(link: str, sigma2: float) -> None:
    """-E[(1, 2u) H_A^-1 H_Ab] G^-1 of a random intercept, (beta0, beta1) and (sigma2, beta1), by sums over x and u."""
    model = Model("y ~ x + (1 | g)", family="bernoulli", link=link, laws={"x": "Uniform(-1, 1)"})
    found = expansion(model)
    x, masses = np.polynomial.legendre.leggauss(40)
    z, step = np.linspace(-9, 9, 401, retstep=True)
    u, density = z * np.sqrt(sigma2), step * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    log_weight = log_cloglog if link == "cloglog" else log_probit
    logs = log_weight(-0.3 + 0.7 * x + u[:, None]) + np.log(masses / 2)
    w = np.exp(logs - logs.max(axis=1, keepdims=True))
    top = np.exp(logs.max(axis=1))
    h = [(w * x**k).sum(axis=1) for k in range(3)]
    g = np.sum(density * top * (h[2] - h[1] ** 2 / h[0]))
    at = f"beta0=-0.3, beta1=0.7, sigma2={sigma2}"
    for other, factor in (("1", 1 + 0 * u), ("sigma2", 2 * u)):
        exact = -np.sum(density * factor * h[1] / h[0]) / g
        value = found[other, "x"].evaluate(at, 4, order="1/(m*n)", method="balls")
        assert abs(float(value.value) - exact) <= float(value.error) + 1e-9
