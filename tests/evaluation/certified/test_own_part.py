"""Polynomials in heavy-tailed predictors, against sums in NumPy over x, z and eta."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer, Interval, Rational, Symbol, oo
from sympy.stats import ContinuousRV

from leadterms import EvaluationError, ExistenceError, Model, UndecidedError, leading_terms
from leadterms.evaluation.certified.bounds.bounds import falling
from leadterms.evaluation.certified.moments import own_part
from leadterms.evaluation.certified.moments.own_part import fall, growth
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.eta import top_of
from leadterms.evaluation.moment_system import Strand
from leadterms.model.law_reading import read_law
from leadterms.model.weights import LogisticWeight, SaturatingWeight
from tests.evaluation.certified.complex_weights import log_cloglog, log_probit

Array = Any
HALF = Rational(1, 2)

WEIGHTS = {
    "logit": lambda eta: np.exp(-2 * np.logaddexp(eta / 2, -eta / 2)),
    "probit": lambda eta: np.exp(log_probit(eta)),
    "cloglog": lambda eta: np.exp(log_cloglog(np.clip(eta, -300, 6))),
}
LAWS = {
    "StudentT(3)": stats.t(3),
    "StudentT(4)": stats.t(4),
    "Cauchy(0, 1)": stats.cauchy(),
    "Pareto(1, 3)": stats.pareto(3),
}


def grid(name: str) -> tuple[Array, Array]:
    """Return points x and the density times dx: x = sinh t, or 1 + e^t."""
    t = np.linspace(-40, 40, 80_001)
    x, slope = (1 + np.exp(t), np.exp(t)) if name.startswith("Pareto") else (np.sinh(t), np.cosh(t))
    return x, LAWS[name].pdf(x) * slope * (t[1] - t[0])


def variance(weight: Any, laws: tuple[str, ...], degree: int, beta: tuple[float, ...], sigma2: float = 0.0) -> float:
    """Return the last diagonal entry of the inverse of E[{E[w a a'; U]}^-1]^-1 for rows a = (1, x, .., x^degree)."""
    x, mass = grid(laws[0])
    rows = np.stack([x**k for k in range(degree + 1)])
    u, masses = np.polynomial.hermite_e.hermegauss(40) if sigma2 else (np.zeros(1), np.ones(1))
    total = 0.0
    for effect, share in zip(u, masses / masses.sum(), strict=True):
        eta = sum(b * x**k for k, b in enumerate(beta)) + np.sqrt(sigma2) * effect
        information = (rows * (weight(np.clip(eta, -700, 700)) * mass)) @ rows.T
        # the effect's own information is taken out
        rest = information[1:, 1:] - np.outer(information[1:, 0], information[0, 1:]) / information[0, 0]
        total = total + share * rest
    return float(np.linalg.inv(total)[-1, -1])


@pytest.mark.parametrize(
    ("link", "law", "degree", "sigma2"),
    [
        ("logit", "StudentT(4)", 2, 0),
        ("probit", "StudentT(3)", 2, 0),
        ("cloglog", "Cauchy(0, 1)", 2, 0),
        ("logit", "Pareto(1, 3)", 2, 0),
        ("logit", "StudentT(3)", 3, 0),
        ("logit", "StudentT(4)", 2, 0.5),
        ("probit", "Cauchy(0, 1)", 2, 0.5),
    ],
)
def test_powers_of_a_heavy_tail(link, law, degree, sigma2):
    beta = (-0.5, 0.5, 0.75, 0.25)[: degree + 1]
    right = " + ".join(["x", "I(x**2)", "I(x**3)"][:degree]) + (" + (1 | g)" if sigma2 else "")
    result = leading_terms(Model(f"y ~ {right}", family="bernoulli", link=link, laws={"x": law}))
    point = {f"beta{k}": repr(b) for k, b in enumerate(beta)} | ({"sigma2": repr(sigma2)} if sigma2 else {})
    entry = result[f"I(x**{degree})"]
    found = float(entry.evaluate(point, 4, method="balls"))
    assert found == pytest.approx(variance(WEIGHTS[link], (law,), degree, beta, sigma2), rel=2e-4)


@pytest.mark.parametrize(
    ("family", "law", "degree", "rate", "beta"),
    [
        ("poisson", "StudentT(3)", 2, 1, (0.3, 0.4, -0.3)),
        ("gaussian", "Cauchy(0, 1)", 2, 2, (-0.5, 0.5, -0.25)),
        ("inverse-gaussian", "StudentT(4)", 2, -1, (0.25, -0.5, 0.5)),
        ("poisson", "Pareto(1, 3)", 3, 1, (0.5, 0.25, 0.5, -0.25)),
        ("poisson", "StudentT(3)", 4, 1, (0.5, 0.5, -0.25, 0.25, -0.125)),
    ],
)
def test_powers_of_a_heavy_tail_under_the_log_link(family, law, degree, rate, beta):
    right = " + ".join(["x", "I(x**2)", "I(x**3)", "I(x**4)"][:degree])
    result = leading_terms(Model(f"y ~ {right} + (1 | g)", family=family, link="log", laws={"x": law}))
    sigma2 = 0.5
    point = {f"beta{k}": repr(b) for k, b in enumerate(beta)} | {"sigma2": repr(sigma2), "phi": "1"}
    at = {str(s): point[str(s)] for s in result.space.symbols}
    found = float(result[f"I(x**{degree})"].evaluate(at, 4, method="balls"))
    # w(eta + u) = w(eta) e^(rate u): the average over u is a factor
    exact = variance(lambda eta: np.exp(np.minimum(rate * eta, 700)), (law,), degree, beta)
    assert found == pytest.approx(exact * np.exp(-(rate**2) * sigma2 / 2), rel=2e-4)


@pytest.mark.parametrize(("family", "law", "rate"), [("poisson", "StudentT(3)", 1), ("gaussian", "Cauchy(0, 1)", 2)])
def test_an_interaction_with_a_bounded_predictor_under_the_log_link(family, law, rate):
    result = leading_terms(
        Model("y ~ x*z + I(x**2)", family=family, link="log", laws={"x": law, "z": "Uniform(-1, 2)"})
    )
    beta = {"beta0": 0.25, "beta1": -0.5, "beta2": 0.25, "beta3": -0.25, "beta4": 0.5, "phi": 1.0}
    at = {str(s): repr(beta[str(s)]) for s in result.space.symbols}
    assert [str(condition).lstrip("2*") for condition in result.conditions] == ["beta3 < 0"]
    found = float(result["x:z"].evaluate(at, 6, method="balls"))
    x, mass = grid(law)
    nodes, weights = np.polynomial.legendre.leggauss(30)
    total = np.zeros((5, 5))
    for z, share in zip(0.5 + 1.5 * nodes, weights / 2, strict=True):
        rows = np.stack([x**0, x, z * x**0, x**2, x * z])
        eta = 0.25 - 0.5 * x + 0.25 * z - 0.25 * x**2 + 0.5 * x * z
        total += share * (rows * (np.exp(np.clip(rate * eta, -700, 700)) * mass)) @ rows.T
    assert found == pytest.approx(float(np.linalg.inv(total)[4, 4]), rel=5e-5)


def test_a_random_slope_beside_a_square_is_not_called_infinite():
    """E[exp(u x + b x^2)] over normal u is E[exp((b + sigma^2/2) x^2)], which may be finite."""
    with pytest.raises(UndecidedError, match="and the normal random effects could not be decided"):
        leading_terms(Model("y ~ x + I(x**2) + (0 + x | g)", family="poisson", laws={"x": "StudentT(3)"}))


def test_odd_powers_that_grow_are_refused():
    with pytest.raises(ExistenceError, match="grows with x on an unbounded side"):
        leading_terms(Model("y ~ x + I(x**3)", family="poisson", laws={"x": "StudentT(3)"}))


def test_a_bounded_and_a_normal_predictor_beside_it():
    laws = {"x": "StudentT(3)", "z": "Normal(0, 1)"}
    result = leading_terms(Model("y ~ x + I(x**2) + z", family="bernoulli", link="logit", laws=laws))
    point = {"beta0": "-1/2", "beta1": "1/2", "beta2": "3/4", "beta3": "1/3"}
    found = float(result["I(x**2)"].evaluate(point, 4, method="balls"))
    x, mass = grid("StudentT(3)")
    nodes, masses = np.polynomial.hermite_e.hermegauss(40)
    total = np.zeros((4, 4))
    for z, share in zip(nodes, masses / masses.sum(), strict=True):
        rows = np.stack([x**0, x, x**2, z * x**0])
        weights = WEIGHTS["logit"](np.clip(-0.5 + 0.5 * x + 0.75 * x**2 + z / 3, -700, 700))
        total += share * (rows * (weights * mass)) @ rows.T
    assert found == pytest.approx(float(np.linalg.inv(total)[2, 2]), rel=2e-4)


def test_polynomials_grow_as_bounded():
    draw = Random(3)
    x = np.linspace(-60, 60, 24_001)
    for _ in range(40):
        coefficients = [draw.uniform(-3, 3) for _ in range(draw.randint(1, 4))]
        rate, slack = growth([arb(c) for c in coefficients])
        p = sum(c * x ** (k + 1) for k, c in enumerate(coefficients))
        assert np.all(np.abs(p) >= float(rate.lower()) * np.abs(x) - float(slack.upper()) - 1e-9)


@pytest.mark.parametrize("ends", [(None, None), (arb(1), None), (None, arb(-1)), (arb(-2), arb(3))])
def test_polynomials_are_at_most_their_tops(ends):
    draw = Random(4)
    low, high = (-60 if ends[0] is None else float(ends[0])), (60 if ends[1] is None else float(ends[1]))
    x = np.linspace(low, high, 24_001)
    kept = 0
    for _ in range(60):
        coefficients = [draw.uniform(-3, 3) for _ in range(draw.randint(1, 5))]
        top = top_of([arb(c) for c in coefficients], ends)
        most = float(np.max(sum(c * x ** (k + 1) for k, c in enumerate(coefficients))))
        if not top.is_finite():
            assert None in ends
            assert most > 1000 or abs(coefficients[-1]) < 0.1 or len(coefficients) == 1
            continue
        kept += 1
        assert most <= float(top.upper()) + 1e-9
        rate, slack = own_part.falling([arb(c) for c in coefficients], ends)
        if None in ends and slack.is_finite():
            far = float(slack.upper()) - float(rate.lower()) * np.abs(x)
            assert np.all(sum(c * x ** (k + 1) for k, c in enumerate(coefficients)) <= far + 1e-9)
    assert kept > 5


def strand(slopes: tuple[Any, ...]) -> Strand:
    law = read_law("StudentT(3)", "x")
    return Strand(
        LogisticWeight(Integer(1)), (law,), fmpq(1, 4), slopes, (), ((0,), (1,), (2,), (3,), (4,)), ((1,), (2,))
    )


def test_what_is_beyond_a_cut_is_bounded(monkeypatch):
    problem = Problem(strand((fmpq(1, 2), fmpq(3, 4))))
    x, mass = grid("StudentT(3)")
    weights = WEIGHTS["logit"](np.clip(0.25 + 0.5 * x + 0.75 * x**2, -700, 700))
    found = fall(problem, 0, problem.centre, problem.slopes)
    assert found is not None

    def holds() -> bool:
        far = np.abs(x) > 2
        exact = [float(np.sum((np.abs(x) ** k * weights * mass)[far])) for k in range(5)]
        now = fall(problem, 0, problem.centre, problem.slopes)
        line = problem.lines[0]
        bounds = [float(now.strip(arb(2), k, line.crest(k))) for k in range(5)]
        return all(a <= b for a, b in zip(exact, bounds, strict=True))

    assert holds()
    # a false bound is caught: the weight falls slower than with a rate that is a thousand times too large
    monkeypatch.setattr(own_part, "growth", lambda c: (1000 * growth(c)[0], growth(c)[1]))
    assert not holds()


def test_what_a_zero_of_the_last_coefficient_makes_undecided():
    laws = {"x": "StudentT(3)", "z": "Uniform(0, 1)"}
    with pytest.raises(UndecidedError, match=r"beta2 \+ beta4\*z != 0 holds on the whole support"):
        leading_terms(Model("y ~ x + I(x**2) + z + I(x**2):z", family="bernoulli", link="logit", laws=laws))


def test_a_square_that_an_effect_multiplies_is_refused():
    moved = Strand(
        LogisticWeight(Integer(1)),
        (read_law("StudentT(3)", "x"),),
        fmpq(1, 4),
        (fmpq(1, 2), fmpq(3, 4)),
        ((fmpq(1), fmpq(0), fmpq(1)),),
        ((4,),),
        ((1,), (2,)),
    )
    with pytest.raises(EvaluationError, match="or a fixed polynomial"):
        falling(Problem(moved), (4,))


def test_the_degree_counts_where_a_coefficient_is_random():
    """A left tail under a weight that falls to the left: of a parabola whose last coefficient is negative."""
    x = Symbol("x")
    left = ContinuousRV(x, 3 / (-x) ** 4, set=Interval(-oo, -1))
    for right in ("(1 | g)", "(0 + x | g)"):
        model = Model(f"y ~ x + I(x**2) + {right}", family="negative-binomial(2)", laws={"x": left})
        assert [str(condition) for condition in leading_terms(model).conditions] == ["beta2 < 0"]


@pytest.mark.parametrize(("law", "slopes"), [("StudentT(3)", (0.5, -0.75)), ("Pareto(1, 3)", (-0.5, 0.0))])
def test_weights_that_fall_to_one_side(monkeypatch: pytest.MonkeyPatch, law: str, slopes: tuple[float, float]) -> None:
    """w = 1/(e^-eta + 1/2) falls where the polynomial does; taken to fall where it rises the bound is false."""
    x = np.concatenate([np.linspace(-60, -1, 500), np.linspace(1, 60, 500)])
    x = x[x > 0] if law.startswith("Pareto") else x

    def holds(signs: float) -> bool:
        exact = [fmpq(round(4 * signs * slope), 4) for slope in slopes]
        weight = SaturatingWeight(Integer(1), HALF)
        given = Strand(weight, (read_law(law, "x"),), fmpq(1, 4), tuple(exact), (), ((0,), (2,)), ((1,), (2,)))
        problem = Problem(given)
        found = fall(problem, 0, problem.centre, problem.slopes)
        assert found is not None
        eta = 0.25 + signs * (slopes[0] * x + slopes[1] * x**2)
        w = 1 / (np.exp(-np.clip(eta, -700, 700)) + 0.5)
        bound = float(found.level) * np.exp(-float(found.rate) * np.abs(x))
        return bool(np.all(w <= bound * (1 + 1e-9) + 1e-290))

    assert holds(1)
    monkeypatch.setattr(own_part, "decay", lambda problem, i, part, height: problem.weight.decay_below(height))
    assert not holds(-1)
