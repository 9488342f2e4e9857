"""Rules beside transforms: each part of the error against sums in NumPy, and where a split has no bound."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.moments import planning, split_plan
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.split_plan import SplitPlan, Tail, cut_errors, cut_where_small
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.test_falls import WEIGHTS
from tests.evaluation.certified.test_laplace_rule import Points, in_logarithms, on_line
from tests.evaluation.certified.test_many_predictors import LAWS

Array = Any
NOTHING = fmpq(0)
POINTS: dict[str, Points] = LAWS | {
    "Beta(2, 3)": on_line(stats.beta(2, 3), 0, 1, 1),
    "Bernoulli(1/3)": (np.arange(2.0), np.array([2 / 3, 1 / 3])),
    "Normal(0, 2)": on_line(stats.norm(0, 2), -18, 18, 4),
    "Normal(0, 1)": on_line(stats.norm(), -9, 9, 3),
    "Cauchy(0, 1)": on_line(stats.cauchy(), -128, 128, 128),
    "StudentT(2)": on_line(stats.t(2), -30, 30, 20),
    "Pareto(1, 3/2)": in_logarithms(stats.pareto(1.5), 0, 5, 12),
}


def logistic(eta: Any) -> Array:
    return np.exp(WEIGHTS["logit"][1](eta))


def problem_of(names: tuple[str, ...], centre: int, slopes: tuple[fmpq, ...], moments: Any, **more: Any) -> Problem:
    """The first predictor has a random slope, or the intercept is random where there are other monomials."""
    laws = tuple(read_law(name, ("x",)) for name in names)
    row = (fmpq(1), *slopes) if more else (NOTHING, fmpq(1), *slopes[1:])
    loadings = (tuple(b if i < (1 if more else 2) else NOTHING for i, b in enumerate(row)),)
    return Problem(Strand(WEIGHTS["logit"][0], laws, fmpq(centre), slopes, loadings, tuple(moments), **more))


def grid(parts: list[Points]) -> tuple[Array, Array]:
    rows = np.stack([g.ravel() for g in np.meshgrid(*(x for x, _ in parts), indexing="ij")])
    masses = np.prod([g.ravel() for g in np.meshgrid(*(m for _, m in parts), indexing="ij")], axis=0)
    return rows, masses


def sums(parts: list[Points], moments: Any, eta: Any) -> Array:
    """All moments; eta is a function of the predictors, one row each."""
    rows, masses = grid(parts)
    weights = masses * logistic(eta(rows))
    return np.array([np.sum(weights * np.prod(rows ** np.array(e)[:, None], axis=0)) for e in moments])


def asked_of(problem: Problem, z: Any, bits: int) -> planning._Asked:
    point = problem.at((z,))
    scale, sizes = problem.rough_scales(*point)
    everywhere = problem.weight.modulus(*problem.predictor.range(*point, problem.supports)).abs_upper()
    target = scale * arb(2) ** -bits
    return planning._Asked(problem, *point, everywhere, [tuple((target * s).abs_upper() for s in own) for own in sizes])


def points_of(rule: LineRule) -> Points:
    return np.array([float(x.mid()) for x in rule.points]), np.array([float(m.mid()) for m in rule.masses])


def test_laws_cut_off_and_made_whole_again() -> None:
    """Ends near in: the two changes together are below their bounds, which are not much larger."""
    names, slopes = ("Uniform(-1, 2)", "Normal(0, 1)", "Exponential(2)"), (fmpq(1, 10), fmpq(1, 10), fmpq(-1, 10))
    moments = [e for e in product(range(3), repeat=3) if sum(e) <= 2]
    ends = {1: (arb(-1.5), arb(2)), 2: (arb(0), arb(2))}
    with ball_precision(64):
        problem = problem_of(names, 0, slopes, moments)
        asked = asked_of(problem, arb("0.2"), 3)
        tails = {}
        for i, own in ends.items():
            errors = tuple(asked.everywhere * problem.lines[i].tail(*own, k, arb(0)) for k in range(3))
            tails[i] = Tail(own, errors)
        rules = planning._rules(asked, (0,), {i: tail.ends for i, tail in tails.items()})
        found = cut_errors(problem, tails, rules)
    whole = [POINTS["Normal(0, 1)"], POINTS["Exponential(2)"]]
    inside = [on_line(stats.norm(), -1.5, 2, 2), on_line(stats.expon(scale=0.5), 0, 2, 1)]
    total = np.zeros(len(moments))
    for x in (POINTS["Uniform(-1, 2)"], points_of(rules[0])):
        both = [sums([x, *z], moments, lambda r: 0.3 * r[0] + 0.1 * r[1] - 0.1 * r[2]) for z in (whole, inside)]
        total += np.abs(both[0] - both[1])
    for bound, true, exponents in zip(found, total, moments, strict=True):
        assert true <= float(bound.upper())
        if exponents == (0, 0, 0):
            assert float(bound.upper()) < 1.5 * true


def test_ends_that_leave_nothing_cost_nothing() -> None:
    """Though x has no second moment: a tail that is zero is no bound times it."""
    with ball_precision(64):
        problem = problem_of(("StudentT(2)", "Uniform(0, 1)", "Beta(2, 3)"), 0, (fmpq(1),) * 3, [(2, 1, 0)])
        assert not problem.absolute[0][2].is_finite()
        none = Tail((arb(0), arb(1)), (arb(0),) * 3)
        (error,) = cut_errors(problem, {1: none, 2: none}, {})
        assert error.is_zero()
        (error,) = cut_errors(problem, {1: none, 2: Tail(none.ends, (arb("1e-9"),) * 3)}, {})
        assert not error.is_finite()


@pytest.mark.parametrize("bits", [4, 12, 20])
def test_rules_hold_for_all_others_between_the_cuts(bits: int) -> None:
    """The weight's middle is far from where x is, but for z near the end of what is left of it."""
    names, slopes = ("Uniform(-1, 2)", "Normal(0, 2)", "Normal(0, 1)"), (fmpq(12), fmpq(3), fmpq(-1))
    with ball_precision(64):
        problem = problem_of(names, -20, slopes, [(0, 0, 0), (1, 0, 0)])
        asked = asked_of(problem, arb("0.2"), bits)
        tails = {i: cut_where_small(problem.lines[i], asked.everywhere, asked.targets[i]) for i in (1, 2)}
        rule = planning._rules(asked, (0,), {i: tail.ends for i, tail in tails.items()})[0]
    true, found = on_line(stats.uniform(-1, 3), -1, 2, 12), points_of(rule)
    lows, highs = zip(*([float(end.mid()) for end in tails[i].ends] for i in (1, 2)), strict=True)
    for first, second in product(np.linspace(lows[0], highs[0], 31), (lows[1], 0.0, highs[1])):
        for k, error in enumerate(rule.errors):
            whole, ruled = (
                float(np.sum(m * x**k * logistic(-20 + 12.2 * x + 3 * first - second))) for x, m in (true, found)
            )
            assert abs(whole - ruled) <= float(error.upper()) + 1e-14


@pytest.mark.parametrize("bits", [6, 16])
def test_slopes_that_move_eta_far(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By 60 from the shift: the transforms serve what x adds to it, too."""
    monkeypatch.setattr(split_plan, "FEWEST", 2)
    names, slopes = ("Uniform(-1, 2)", "Normal(1/2, 1)", "Uniform(0, 1)"), (fmpq(20), fmpq(1, 2), fmpq(-3, 2))
    moments = [e for e in product(range(3), repeat=3) if sum(e) <= 2]
    with ball_precision(64):
        problem = problem_of(names, 0, slopes, moments)
        point = problem.at((arb(0),))
        found = plan(problem, *point, bits, *problem.rough_scales(*point))
        assert isinstance(found, SplitPlan)
        far = found.inner.moments([(arb(shift), ()) for shift in (-20, 0, 40)])
        (values,) = found.moments([point])
    others = [POINTS[name] for name in names[1:]]
    inner = found.rest.problem.strand.moments
    for shift, own in zip((-20, 0, 40), far, strict=True):
        near = sums(others, inner, lambda r, shift=shift: shift + 0.5 * r[0] - 1.5 * r[1])
        for value, true in zip(own, near, strict=True):
            assert abs(float(value.mid()) - true) <= float(value.rad()) + 1e-13
    x = on_line(stats.uniform(-1, 3), -1, 2, 12)
    for value, true in zip(values, sums([x, *others], moments, lambda r: slopes_of(slopes) @ r), strict=True):
        assert abs(float(value.mid()) - true) <= float(value.rad()) + 1e-12


def slopes_of(slopes: tuple[fmpq, ...]) -> Array:
    return np.array([float(b.p) / float(b.q) for b in slopes])


@pytest.mark.parametrize("heavy", ["Cauchy(0, 1)", "Pareto(1, 3/2)"])
def test_rules_where_a_split_has_no_bound(heavy: str) -> None:
    """A law without a second moment among three that are alone."""
    names, slopes = ("Bernoulli(1/3)", heavy, "Uniform(0, 1)", "Beta(2, 3)"), (fmpq(1, 2), fmpq(1), fmpq(-1), fmpq(1))
    moments = [(0, 0, 0, 0), (0, 2, 0, 0), (1, 1, 0, 0)]
    with ball_precision(64):
        problem = problem_of(names, 0, slopes, moments)
        point = problem.at((arb("0.2"),))
        found = plan(problem, *point, 20, *problem.rough_scales(*point))
        assert isinstance(found, Plan)
        (values,) = found.moments([point])
    parts = [POINTS[name] for name in names]
    for value, true in zip(values, sums(parts, moments, lambda r: np.array([0.7, 1, -1, 1]) @ r), strict=True):
        assert abs(float(value.mid()) - true) <= float(value.rad()) + 1e-9
        assert value.rad() < 1e-4


def test_a_split_beside_a_law_without_moments() -> None:
    """Student's law with two degrees of freedom in a square, beside three bounded predictors: nothing is cut off."""
    names = ("StudentT(2)", "Uniform(0, 1)", "Uniform(-1, 2)", "Beta(2, 3)")
    monomials = ((1, 0, 0, 0), (2, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
    slopes = (fmpq(1, 2), fmpq(1, 3), fmpq(-3, 10), fmpq(1, 2), fmpq(2, 5))
    moments = [(0, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0), (1, 1, 0, 0)]
    with ball_precision(64):
        problem = problem_of(names, 0, slopes, moments, monomials=monomials)
        point = problem.at((arb("0.2"),))
        found = plan(problem, *point, 20, *problem.rough_scales(*point))
        assert isinstance(found, SplitPlan)
        (values,) = found.moments([point])

    def eta(r: Array) -> Array:
        return 0.2 + r[0] / 2 + r[0] ** 2 / 3 - 0.3 * r[1] + r[2] / 2 + 0.4 * r[3]

    for value, true in zip(values, sums([POINTS[name] for name in names], moments, eta), strict=True):
        assert abs(float(value.mid()) - true) <= float(value.rad()) + 1e-9
        assert value.rad() < 1e-4


def test_a_model_with_a_heavy_tail_beside_many_predictors() -> None:
    laws = {"x": "Uniform(-1, 2)", "c": "Pareto(1, 3/2)", "z": "Uniform(0, 1)", "w": "Beta(2, 3)"}
    model = Model("y ~ x + c + z + w + I(x**2) + (1 | g)", family="bernoulli", link="logit", laws=laws)
    entry = leading_terms(model)["z"]
    values = {"sigma2": "1/2", **{f"beta{i}": b for i, b in enumerate(["1/4", "1/2", "-2/5", "3/5", "1/3", "1/5"])}}
    value = entry.evaluate({str(s): values[str(s)] for s in entry.coefficient.free_symbols}, 3, method="balls")
    assert value.certified
    x = on_line(stats.uniform(-1, 3), -1, 2, 1)
    rows, masses = grid([x, POINTS["Pareto(1, 3/2)"], POINTS["Uniform(0, 1)"], POINTS["Beta(2, 3)"]])
    columns = np.vstack([np.ones(rows.shape[1]), rows, rows[0] ** 2])
    eta = np.array([0.25, 0.5, -0.4, 0.6, 1 / 3, 0.2]) @ columns
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    total = np.zeros((6, 6))
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        h = (columns * (masses * logistic(eta + np.sqrt(0.5) * node))) @ columns.T
        total += weight * (h - np.outer(h[0], h[0]) / h[0, 0])
    true = np.linalg.inv(total[1:, 1:])[2, 2]
    assert float(value.value) == pytest.approx(true, abs=float(value.error) + 1e-6 * true)
