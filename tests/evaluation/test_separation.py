"""An average over random effects is the sum of its parts over fewer of them, by sums that know nothing of classes."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import ImmutableMatrix, Rational, lambdify, symbols

from leadterms import Model, expansion, leading_terms
from leadterms.evaluation.held_plan import Average, Effects, plan
from leadterms.evaluation.internal import internal
from leadterms.evaluation.separation import separated
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.weights import LogisticWeight

AT = {"beta0": "-3/10", "beta1": "7/10", "beta2": "1/2", "Sigma11": "4/5", "Sigma12": "1/5", "Sigma22": "1/2"}
COVARIANCE = np.array([[0.8, 0.2], [0.2, 0.5]])
M, V = [internal(f"M{k}") for k in range(4)], symbols("v w", real=True)


def logit(eta):
    return 1 / (2 + 2 * np.cosh(eta))


def cloglog(eta):
    q = np.exp(np.minimum(eta, 6))
    return q**2 / np.expm1(q)


def effects(covariance, dimension=2):
    nodes = np.linspace(-9, 9, 181)
    z = np.stack(np.meshgrid(*[nodes] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    density = np.exp(-(z**2).sum(axis=1) / 2)
    return z @ np.linalg.cholesky(covariance).T, density / density.sum()


def variance_of_last(weight, design, beta, columns, covariance):
    """1/E[S], S what is left of the last column by weighted least squares on those of block A, at every node."""
    u, density = effects(covariance)
    probabilities, x = np.array([p for p, _ in design]), np.array([row for _, row in design])
    root = np.sqrt(probabilities * weight(x @ beta + u @ x[:, columns].T))
    triangle = np.linalg.qr(root[:, :, None] * x, mode="r")
    return 1 / np.sum(density * triangle[:, -1, -1] ** 2)


def rows(first, second):
    return [(p * q, (1.0, a, b)) for a, p in first for b, q in second]


@pytest.mark.parametrize(
    ("link", "weight", "random", "first", "law", "values"),
    [
        ("cloglog", cloglog, "(x || g)", "Bernoulli(1/3)", COVARIANCE * np.eye(2), [(0, 2 / 3), (1, 1 / 3)]),
        ("cloglog", cloglog, "(x | g)", "Bernoulli(1/3)", COVARIANCE, [(0, 2 / 3), (1, 1 / 3)]),
        ("logit", logit, "(x | g)", "Rademacher()", COVARIANCE, [(-1, 0.5), (1, 0.5)]),
    ],
)
def test_a_slope_on_two_values_splits(link, weight, random, first, law, values):
    laws = {"x": first, "z": "Binomial(2, 1/2)"}
    entry = leading_terms(Model(f"y ~ x + z + {random}", family="bernoulli", link=link, laws=laws))["z"]
    names = {str(symbol) for symbol in entry.coefficient.free_symbols}
    number = entry.evaluate({name: value for name, value in AT.items() if name in names}, digits=12)
    third = [(0, 0.25), (1, 0.5), (2, 0.25)]
    beta = np.array([-0.3, 0.7, 0.5])
    assert number.certified
    assert float(number.value) == pytest.approx(
        variance_of_last(weight, rows(values, third), beta, [0, 1], law), rel=1e-9
    )


def on_grid(average, point):
    """E F by a sum over a grid of the effects, F from its expression."""
    names = {str(s): s for s in average.integrand.free_symbols | average.effects.covariance.free_symbols}
    numbers = {names[k]: Rational(v) for k, v in point.items() if k in names}
    covariance = np.array(average.effects.covariance.subs(numbers).tolist(), dtype=float)
    u, density = effects(covariance, len(average.effects.symbols))
    inner = {}
    for symbol, moment in average.inner.items():
        eta = moment.eta.subs({s: Rational(point[str(s)]) for s in moment.eta.free_symbols if str(s) in point})
        ((_, coefficient),) = moment.polynomial
        inner[symbol] = float(coefficient) * logit(lambdify(average.effects.symbols, eta)(*u.T))
    arguments = (*average.effects.symbols, *inner)
    return np.sum(density * lambdify(arguments, average.integrand.subs(numbers))(*u.T, *inner.values()))


@pytest.mark.slow
def test_parts_add_up_where_the_effects_stand_outside_too():
    laws = {"x": "Bernoulli(1/3)", "z": "Bernoulli(1/2)"}
    entry = expansion(Model("y ~ x + z + (x | g)", family="bernoulli", laws=laws))["Sigma11", "Sigma22"]
    found = plan(entry.terms[-1].coefficient)
    split = 0
    for average in found.averages.values():
        parts = separated(average)
        if parts == (average,):
            continue
        split += bool(average.integrand.free_symbols & set(average.effects.symbols))
        assert all(len(part.effects.symbols) == 1 for part in parts)
        assert sum(on_grid(part, AT) for part in parts) == pytest.approx(on_grid(average, AT), rel=1e-9)
    assert split


def average_of(integrand, directions):
    u = V[: len(directions[0])]
    inner = {
        symbol: WeightedMoment(LogisticWeight(1), sum(a * v for a, v in zip(own, u, strict=True)), (), (), (((), 1),))
        for symbol, own in zip(M, directions, strict=False)
    }
    return Average(Effects(tuple(u), (0,) * len(u), ImmutableMatrix.eye(len(u))), integrand, inner)


def test_an_integrand_that_is_no_sum_stays_whole():
    apart = [(1, 0), (1, 0), (1, 1), (1, 1)]
    for integrand in (M[0] * M[2] / (M[0] + M[1] + M[3]), M[0] * M[2], M[0] + M[2] ** 2):
        average = average_of(integrand, apart)
        assert separated(average) == (average,)


def test_three_directions_in_a_plane_are_one_class():
    average = average_of(M[0] + M[1] + M[2], [(1, 0), (1, 1), (1, 2)])
    assert separated(average) == (average,)


def test_effects_that_act_together_are_one():
    average = average_of(M[0] * M[1] / (M[0] + M[1]), [(1, 1), (2, 2)])
    (part,) = separated(average)
    assert len(part.effects.symbols) == 1
    assert part.effects.covariance == ImmutableMatrix([[2]])
