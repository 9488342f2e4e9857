"""Random slopes beside many predictors: rules for the former, transforms for the latter, against sums in NumPy."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import acb, arb, fmpq

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.moments import planning, split_plan
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.split_plan import SplitPlan, has_many_beside, rest_of
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.test_falls import WEIGHTS
from tests.evaluation.certified.test_many_predictors import AT, grid_of

Array = Any
MOVING = ("Uniform(-1, 2)", "Normal(1/2, 1)", "Poisson(1)")
OTHERS = ("Uniform(0, 1)", "Exponential(2)", "Gamma(2, 1/2)", "Normal(1/2, 1)")
CUTS = {"Normal(1/2, 1)": (arb(-1), arb("2.5")), "Exponential(2)": (None, arb("1.5")), "Gamma(2, 1/2)": (None, arb(2))}
WHOLE = (None, None)


def drawn(seed: int) -> tuple[tuple[str, ...], tuple[fmpq, ...]]:
    """Return x with the random slope among two others, and their slopes."""
    draw = Random(seed)
    names = [draw.choice(MOVING), *draw.sample(OTHERS, 2)]
    draw.shuffle(names)
    return tuple(names), tuple(fmpq(draw.choice([-1, 1]) * draw.randint(2, 7), 10) for _ in names)


def place(names: tuple[str, ...]) -> int:
    return next(i for i, name in enumerate(names) if name in MOVING)


def problem_of(seed: int, link: str, *, is_cut: bool = False) -> Problem:
    names, slopes = drawn(seed)
    cuts = tuple(CUTS.get(name, WHOLE) for name in names) if is_cut else None
    row = [fmpq(0), *(fmpq(int(i == place(names))) for i in range(3))]
    moments = tuple(e for e in product(range(3), repeat=3) if sum(e) <= 2)
    laws = tuple(read_law(name, ("x",)) for name in names)
    return Problem(Strand(WEIGHTS[link][0], laws, fmpq(1, 4), slopes, (tuple(row),), moments, cuts=cuts))


def sums(seed: int, link: str, shift: Any, turn: Any) -> Array:
    """Return all moments where x has the slope b + turn."""
    names, exact = drawn(seed)
    slopes = np.array([float(b.p) / float(b.q) for b in exact], dtype=complex)
    slopes[place(names)] += turn
    rows, masses = grid_of(names)
    eta = shift + slopes @ rows
    if link == "logit":
        weights = masses / (4 * np.cosh((np.clip(eta.real, -300, 300) + 1j * eta.imag) / 2) ** 2)
    else:
        weights = masses * np.exp(WEIGHTS[link][1](eta.real))
    moments = problem_of(seed, link).strand.moments
    return np.array([np.sum(weights * np.prod(rows ** np.array(e)[:, None], axis=0)) for e in moments])


@pytest.fixture
def by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two predictors beside the random slope are many: few enough for the other road and for sums."""
    monkeypatch.setattr(split_plan, "FEWEST", 2)


def planned(problem: Problem, z: Any, bits: int, at: Any = None) -> Any:
    point = problem.at((z,))
    found = plan(problem, *point, bits, *problem.rough_scales(*(point if at is None else problem.at((at,)))))
    assert isinstance(found, SplitPlan)
    return found


@pytest.mark.parametrize("seed", range(9))
@pytest.mark.usefixtures("by_two")
def test_moments(seed: int) -> None:
    """At several effects in an interval that the plan was made for."""
    link = ("logit", "probit", "cloglog")[seed % 3]
    with ball_precision(80):
        problem = problem_of(seed, link)
        found = planned(problem, arb(0.25, 0.25), 34)
        ends = [arb(0), arb("0.3"), arb("0.5")]
        for z, values in zip(ends, found.moments([problem.at((z,)) for z in ends]), strict=True):
            for value, true in zip(values, sums(seed, link, 0.25, float(z)), strict=True):
                assert abs(float(value.mid()) - true) < 1e-8 * max(1.0, abs(true))
                assert value.rad() < 1e-6


@pytest.mark.parametrize("seed", range(9, 17))
@pytest.mark.usefixtures("by_two")
def test_errors_hold(seed: int) -> None:
    """With few bits: sums over all predictors are inside."""
    link = ("logit", "probit", "cloglog")[seed % 3]
    with ball_precision(64):
        problem = problem_of(seed, link)
        at = problem.at((arb("0.2"),))
        exact = sums(seed, link, 0.25, 0.2).real
        for bits in (3, 10):
            (rough,) = planned(problem, arb("0.2"), bits).moments([at])
            for value, true in zip(rough, exact, strict=True):
                assert abs(float(value.mid()) - true) <= float(value.rad()) + 1e-9 * max(1.0, abs(true))
            assert rough[0].rad() < 40 * 2.0**-bits * exact[0]


@pytest.mark.usefixtures("by_two")
def test_as_many_bits_as_are_current() -> None:
    """Slopes that are no doubles do not limit the accuracy."""
    with ball_precision(160):
        problem = problem_of(3, "logit")
        at = problem.at((arb("0.2"),))
        (values,) = planned(problem, arb("0.2"), 110).moments([at])
        assert all(value.rad() < 1e-30 for value in values)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("by_two")
def test_laws_cut_off(seed: int) -> None:
    """What is left of laws cut off, against rules for all predictors."""
    with ball_precision(64):
        problem = problem_of(seed, "probit", is_cut=True)
        at = problem.at((arb("0.2"),))
        (values,) = planned(problem, arb("0.2"), 30).moments([at])
        rules = planning._rules(planning._Asked(problem, *at, arb(1), [(arb(2) ** -40,) * 3] * 3), range(3), {})
        total = [arb(0)] * len(values)
        for nodes in product(*(zip(rule.points, rule.masses, strict=True) for rule in rules.values())):
            eta = sum((b * x for b, (x, _) in zip(at[1], nodes, strict=True)), at[0])
            front = problem.weight.at(eta)
            for _, mass in nodes:
                front *= mass
            for n, e in enumerate(problem.strand.moments):
                term = front
                for (x, _), k in zip(nodes, e, strict=True):
                    term *= x**k if k else 1
                total[n] += term
        for value, true in zip(values, total, strict=True):
            assert abs(float(value.mid()) - float(true.mid())) < 1e-7


@pytest.mark.usefixtures("by_two")
def test_enclosures_off_the_line() -> None:
    seed = next(s for s in range(40) if MOVING[0] in drawn(s)[0])
    with ball_precision(64):
        problem = problem_of(seed, "logit")
        box = acb(arb(0.3, 0.05), arb(0.4, 0.05))
        found = planned(problem, box, 25, arb("0.3"))
        (inside,) = found.moments([problem.at((box,))])
        for z in (0.25 + 0.35j, 0.35 + 0.45j, 0.3 + 0.4j):
            for value, true in zip(inside, sums(seed, "logit", 0.25, z), strict=True):
                assert abs(true.real - float(value.real.mid())) <= float(value.real.rad()) + 1e-8
                assert abs(true.imag - float(value.imag.mid())) <= float(value.imag.rad()) + 1e-8
                assert value.real.rad() < 4


@pytest.mark.usefixtures("by_two")
def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laws cut off near their middles, as if their tails were nothing, with rules for what is between alone."""
    seed = next(s for s in range(40) if MOVING[1] in drawn(s)[0])
    with ball_precision(64):
        problem = problem_of(seed, "logit")
        at = problem.at((arb("0.2"),))
        (exact,) = planned(problem, arb("0.2"), 50).moments([at])
        line = problem.lines[place(drawn(seed)[0])]
        monkeypatch.setattr(type(line), "tail", lambda self, *given: arb(0))
        (wrong,) = planned(problem_of(seed, "logit"), arb("0.2"), 30).moments([at])
    assert any(not a.overlaps(b) for a, b in zip(wrong, exact, strict=True))


def test_which_are_the_rest() -> None:
    with ball_precision(64):
        problem = problem_of(0, "logit")
        rest = rest_of(problem)
        assert rest is not None
        assert rest.moving == (place(drawn(0)[0]),)
        assert not has_many_beside(rest)
        # without random slopes there is none
        strand = problem.strand
        shifted = Strand(
            strand.weight, strand.laws, strand.centre, strand.slopes, ((fmpq(1), *(fmpq(0),) * 3),), strand.moments
        )
        assert rest_of(Problem(shifted)) is None


@pytest.mark.parametrize(
    ("monomials", "moving"),
    [(((1, 0, 0, 0), (2, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)), (0,)),
     (((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (1, 1, 0, 0), (0, 0, 0, 1)), (0, 1))],
)  # fmt: skip
@pytest.mark.usefixtures("by_two")
def test_polynomials_and_interactions(monomials: Any, moving: tuple[int, ...]) -> None:
    """One predictor in a square, or two in their product, beside two that are alone, at complex shifts too."""
    names = ("Uniform(-1, 2)", "Uniform(0, 1)", "Exponential(2)", "Gamma(2, 1/2)")
    size = max(i for m in monomials for i, k in enumerate(m) if k) + 1
    names, monomials = names[:size], tuple(m[:size] for m in monomials)
    exact = tuple(fmpq(b, 10) for b in (5, -3, 4, 2, -6))[: len(monomials)]
    moments = tuple(e for e in product(range(3), repeat=size) if sum(e) <= 2)
    laws = tuple(read_law(name, ("x",)) for name in names)
    intercept = ((fmpq(1), *(fmpq(0),) * len(monomials)),)
    rows, masses = grid_of(names)
    with ball_precision(80):
        problem = Problem(Strand(WEIGHTS["logit"][0], laws, fmpq(1, 4), exact, intercept, moments, monomials))
        rest = rest_of(problem)
        assert rest is not None
        assert rest.moving == moving
        for z, bits in ((arb("0.3"), 34), (acb(arb(0.3, 0.05), arb(0.2, 0.05)), 20)):
            (values,) = planned(problem, z, bits, arb("0.3")).moments([problem.at((z,))])
            shift = 0.55 if bits == 34 else 0.55 + 0.2j
            eta = shift + sum(
                float(b.p) / float(b.q) * np.prod(rows ** np.array(m)[:, None], axis=0)
                for b, m in zip(exact, monomials, strict=True)
            )
            weights = masses / (4 * np.cosh(eta / 2) ** 2)
            for value, e in zip(values, moments, strict=True):
                true = np.sum(weights * np.prod(rows ** np.array(e)[:, None], axis=0))
                assert abs(float(value.real.mid()) - true.real) <= float(value.real.rad()) + 1e-8
                assert abs(float(value.imag.mid()) - true.imag) <= float(value.imag.rad()) + 1e-8
                assert value.rad() < (1e-7 if bits == 34 else 4)


NAMES = ("Uniform(-1, 2)", "Exponential(2)", "Uniform(0, 1)", "Gamma(2, 1/2)")


def test_models() -> None:
    """A random slope on x beside three predictors with densities: the information left of x, averaged over it."""
    laws = dict(zip("xzwv", NAMES, strict=True))
    model = Model("y ~ x + z + w + v + (0 + x | g)", family="bernoulli", link="logit", laws=laws)
    rows, masses = grid_of(NAMES)
    columns = np.vstack([np.ones(rows.shape[1]), rows])
    slopes = np.array([0.5, -0.6, 0.4, 0.25])
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    total = np.zeros((4, 4))
    kept = [0, 2, 3, 4]
    for one, weight in zip(nodes, weights / weights.sum(), strict=True):
        w = masses * np.exp(WEIGHTS["logit"][1](1 / 3 + slopes @ rows + np.sqrt(0.125) * one * rows[0]))
        h = (columns * w) @ columns.T
        total += weight * (h[np.ix_(kept, kept)] - np.outer(h[kept, 1], h[kept, 1]) / h[1, 1])
    inverse = np.linalg.inv(total)
    leading = leading_terms(model)
    for key, i in (("z", 1), ("v", 3)):
        entry = leading[key]
        value = entry.evaluate({str(s): AT[str(s)] for s in entry.coefficient.free_symbols}, 3, method="balls")
        assert value.certified
        assert float(value.value) == pytest.approx(inverse[i, i], rel=1e-6, abs=float(value.error))
