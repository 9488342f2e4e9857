"""Tables of what stays fixed beside random slopes and interactions, by rules and transforms: against sums in NumPy."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from leadterms.evaluation.certified.moments import planning
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.in_double_words import MOST_BITS
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.patch_plan import PatchPlan
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.shared_sums import FINEST
from leadterms.evaluation.certified.moments.split_plan import SplitPlan, rest_of
from leadterms.evaluation.certified.moments.table_sums import Transformed
from leadterms.evaluation.certified.tools.word_balls import rows_of
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.test_falls import WEIGHTS
from tests.evaluation.certified.test_many_predictors import grid_of
from tests.evaluation.certified.test_split_plan import problem_of, sums

INTERCEPT = (fmpq(1),)
FORMS = {
    "x*z + w": ((1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1)),
    "x + x^2 + z + w": ((1, 0, 0), (2, 0, 0), (0, 1, 0), (0, 0, 1)),
    "x + x:z + z^2 + w": ((1, 0, 0), (1, 1, 0), (0, 2, 0), (0, 0, 1)),
}
LAWS = ("Uniform(-1, 2)", "Uniform(0, 1)", "Normal(1/2, 1)")
SLOPES = (fmpq(7, 10), fmpq(-2, 5), fmpq(1, 5), fmpq(3, 10))
MOMENTS = tuple(e for e in product(range(3), repeat=3) if sum(e) <= 2)


@pytest.fixture(autouse=True)
def at_any_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a few points tables do not pay."""
    monkeypatch.setattr("leadterms.evaluation.certified.moments.shared_sums.SHARED", 10**9)


def planned(problem: Problem, bits: int, kind: type = SplitPlan) -> Any:
    """For effects in [0, 1/2]."""
    found = plan(problem, *problem.at((arb(0.25, 0.25),)), bits, *problem.rough_scales(*problem.at((arb(0.25),))),
                 shares=True)  # fmt: skip
    assert isinstance(found, kind)
    return found


def looked_up(problem: Problem, found: Any, effects: Any) -> list[list[Any]]:
    rows = found.looked_up(rows_of([problem.at((arb(float(z)),)) for z in effects]))
    assert rows is not None
    return rows.rows()


def in_balls(problem: Problem, found: Any, effects: Any) -> list[list[Any]]:
    """Without tables."""
    alone = replace(found, aim=replace(found.aim, shared=None))
    rows: list[list[Any]] = alone.moments([problem.at((arb(float(z)),)) for z in effects])
    return rows


def weight_of(link: str, eta: Any, masses: Any) -> Any:
    return masses / (4 * np.cosh(eta / 2) ** 2) if link == "logit" else masses * np.exp(WEIGHTS[link][1](eta))


def with_interactions(form: str, link: str, names: tuple[str, ...] = LAWS) -> Problem:
    monomials = FORMS[form]
    row = (fmpq(1), *(fmpq(int(m == (1, 0, 0)), 2) for m in monomials))
    laws = tuple(read_law(name, ("x",)) for name in names)
    return Problem(Strand(WEIGHTS[link][0], laws, fmpq(1, 4), SLOPES, (row,), MOMENTS, monomials))


def sums_with_interactions(form: str, link: str, z: float, names: tuple[str, ...] = LAWS) -> Any:
    rows, masses = grid_of(names)
    eta = 1 / 4 + z
    for m, slope in zip(FORMS[form], SLOPES, strict=True):
        own = float(slope.p) / float(slope.q) + z / 2 * (m == (1, 0, 0))
        eta = eta + own * np.prod(rows ** np.array(m)[:, None], axis=0)
    values = weight_of(link, eta, masses)
    return np.array([np.sum(values * np.prod(rows ** np.array(e)[:, None], axis=0)) for e in MOMENTS])


def check(rows: Any, exact: Any, bits: int) -> None:
    for values, true in zip(rows, exact, strict=True):
        for value, one in zip(values, true, strict=True):
            assert abs(float(value.mid()) - one) <= float(value.rad()) + 1e-8 * max(1.0, abs(one))
            assert value.rad() < 2.0 ** (8 - bits)


@pytest.mark.parametrize(("seed", "bits"), [(0, 60), (1, 10), (1, 34), (2, 10), (3, 10), (3, 34), (4, 34)])
def test_transforms_beside_a_random_slope(seed: int, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadterms.evaluation.certified.moments.split_plan.FEWEST", 2)
    monkeypatch.setattr("leadterms.evaluation.certified.moments.fourier_plan.FEWEST", 2)
    link = ("logit", "probit", "cloglog")[seed % 3]
    effects = (0.0, 0.2, 0.5)
    with ball_precision(96):
        problem = problem_of(seed, link)
        found = planned(problem, bits)
        assert isinstance(found.inner, FourierPlan)
        rows = looked_up(problem, found, effects)
        balls = in_balls(problem, found, effects)
    check(rows, [sums(seed, link, 0.25, z).real for z in effects], bits)
    assert all(a.overlaps(b) for row, other in zip(rows, balls, strict=True) for a, b in zip(row, other, strict=True))


@pytest.mark.parametrize(("link", "bits"), [("logit", 10), ("logit", 60), ("cloglog", 34)])
@pytest.mark.parametrize("form", FORMS)
def test_rules_beside_interactions(form: str, link: str, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "FEW_NODES", 10**9)
    effects = (0.0, 0.2, 0.5)
    with ball_precision(96):
        problem = with_interactions(form, link)
        found = planned(problem, bits)
        assert isinstance(found.inner, Plan)
        rows = looked_up(problem, found, effects)
        balls = in_balls(problem, found, effects)
        whole = plan(problem, *problem.at((arb(0.25, 0.25),)), bits, *problem.rough_scales(*problem.at((arb(0.25),))))
        assert isinstance(whole, Plan)
        others = whole.moments([problem.at((arb(z),)) for z in effects])
    check(rows, [sums_with_interactions(form, link, z) for z in effects], bits)
    for known in (balls, others):
        for row, other in zip(rows, known, strict=True):
            assert all(a.overlaps(b) for a, b in zip(row, other, strict=True))


@pytest.mark.parametrize(
    ("law", "link", "bits"),
    # of the double exponential the sums over nodes of Laguerre's are off by more than 1e-8
    [(law, "logit", bits) for law in ("Uniform(-1, 2)", "Exponential(2)") for bits in (10, 60)]
    + [("Uniform(-1, 2)", "cloglog", 34)],
)
def test_patches_beside_interactions(law: str, link: str, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same by patches of x and z, with tables of w and without, at fewer nodes than rules have."""
    effects, laws = (0.0, 0.2, 0.5), (law, *LAWS[1:])
    with ball_precision(96):
        problem = with_interactions("x*z + w", link, laws)
        monkeypatch.setattr(planning, "FEW_NODES", 10**9)
        rules = planned(problem, bits)
        monkeypatch.setattr(planning, "FEW_NODES", 1)
        monkeypatch.setattr(planning, "FEWER", 0.5)
        found = planned(problem, bits, PatchPlan)
        assert found.aim is not None
        rows = looked_up(problem, found, effects)
        balls = in_balls(problem, found, effects)
        others = rules.moments([problem.at((arb(z),)) for z in effects])
    check(rows, [sums_with_interactions("x*z + w", link, z, laws) for z in effects], bits)
    for known in (balls, others):
        for row, other in zip(rows, known, strict=True):
            assert all(a.overlaps(b) for a, b in zip(row, other, strict=True))


def test_patches_are_taken_where_rules_have_many_nodes() -> None:
    """Beside a long tail that multiplies it a bounded predictor needs many nodes where there is little mass."""
    laws = tuple(read_law(name, ("x",)) for name in ("Exponential(1/2)", "Uniform(0, 1)"))
    row = (fmpq(1), fmpq(1, 2), fmpq(0), fmpq(0))
    own = Strand(WEIGHTS["logit"][0], laws, fmpq(1, 4), SLOPES[:3], (row,), ((0, 0), (1, 1)), ((1, 0), (0, 1), (1, 1)))
    with ball_precision(96):
        problem = Problem(own)
        at = problem.at((arb(0.25),))
        found = plan(problem, *at, 40, *problem.rough_scales(*at), shares=True)
    assert isinstance(found, PatchPlan)


@pytest.mark.parametrize("bits", [30, 60])
def test_transforms_of_all_predictors(bits: int) -> None:
    names = ("Uniform(0, 1)", "Exponential(2)", "Gamma(2, 1/2)", "Normal(1/2, 1)")
    slopes = (fmpq(7, 10), fmpq(-2, 5), fmpq(1, 5), fmpq(3, 10))
    moments = ((0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 0, 2))
    laws = tuple(read_law(name, ("x",)) for name in names)
    with ball_precision(96):
        own = Strand(WEIGHTS["logit"][0], laws, fmpq(0), slopes, ((fmpq(1), *[fmpq(0)] * 4),), moments)
        problem = Problem(own)
        found = planned(problem, bits)
        rows = looked_up(problem, found, (0.0, 0.5))
        balls = in_balls(problem, found, (0.0, 0.5))
    grid, masses = grid_of(names)
    for z, values, others in zip((0.0, 0.5), rows, balls, strict=True):
        weights = weight_of("logit", z + np.array([0.7, -0.4, 0.2, 0.3]) @ grid, masses)
        for e, value, other in zip(moments, values, others, strict=True):
            true = np.sum(weights * np.prod(grid ** np.array(e)[:, None], axis=0))
            assert abs(float(value.mid()) - true) < 1e-7
            assert value.overlaps(other)
            assert value.rad() < 2.0 ** (6 - bits)


def test_a_table_that_is_off_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where transforms are wrong by more than they say tables are, too."""
    honest = Transformed.at
    monkeypatch.setattr("leadterms.evaluation.certified.moments.split_plan.FEWEST", 2)
    monkeypatch.setattr("leadterms.evaluation.certified.moments.fourier_plan.FEWEST", 2)
    monkeypatch.setattr(
        Transformed, "at", lambda self, shifts: [[v * arb("1.001") for v in row] for row in honest(self, shifts)]
    )
    with ball_precision(96):
        problem = problem_of(0, "logit")
        found = planned(problem, 34)
        (row,) = looked_up(problem, found, (0.2,))
        (other,) = in_balls(problem, found, (0.2,))
    assert not row[0].overlaps(other[0])


def test_what_has_no_table_is_left_to_balls() -> None:
    with ball_precision(96):
        problem = with_interactions("x*z + w", "logit")
        found = planned(problem, 30)
        points = rows_of([problem.at((arb(0.2),))])
        assert found.looked_up(points) is not None
        too_fine = replace(found, aim=replace(found.aim, tolerance=arb(2) ** -FINEST))
        assert too_fine.looked_up(points) is None
        assert replace(found, aim=replace(found.aim, bits=MOST_BITS + 1)).looked_up(points) is None
        huge = rows_of([(arb(10) ** 400, problem.slopes)])
        assert found.looked_up(huge) is None


def test_nothing_is_fixed_where_all_predictors_multiply_each_other() -> None:
    rows = ((fmpq(1), fmpq(0), fmpq(0)),)
    laws = tuple(read_law(name, ("x",)) for name in LAWS[:2])
    own = Problem(Strand(WEIGHTS["logit"][0], laws, fmpq(0), SLOPES[:2], rows, ((0, 0),), ((1, 0), (1, 1))))
    assert rest_of(own) is None
