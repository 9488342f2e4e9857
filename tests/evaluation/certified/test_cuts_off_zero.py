"""Laws cut off on one side of zero, or of their middle: tails and moments of what is left, against SciPy."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb
from scipy import integrate, stats

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws import named_lines
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law

LAWS: dict[str, Any] = {
    "Normal(5, 1)": stats.norm(5),
    "Normal(-3, 2)": stats.norm(-3, 2),
    "Laplace(4, 1/2)": stats.laplace(4, 0.5),
    "Laplace(-2, 1)": stats.laplace(-2),
    "Logistic(3, 1/2)": stats.logistic(3, 0.5),
    "Logistic(-3, 1)": stats.logistic(-3),
    "ExGaussian(3, 1, 2)": stats.exponnorm(0.5, 3, 1),
    "StudentT(5)": stats.t(5),
    "Gamma(3, 1)": stats.gamma(3),
    "Weibull(2, 2)": stats.weibull_min(2, scale=2),
    "Pareto(1, 7)": stats.pareto(7),
    "LogNormal(1, 1/2)": stats.lognorm(0.5, scale=np.e),
    "Frechet(7, 1)": stats.invweibull(7),
    "Uniform(-1, 5)": stats.uniform(-1, 6),
}
COUNTS: dict[str, Any] = {
    "Poisson(4)": stats.poisson(4),
    "NegativeBinomial(3, 1/2)": stats.nbinom(3, 0.5),
    "Skellam(9, 1)": stats.skellam(9, 1),
    "Binomial(9, 1/2)": stats.binom(9, 0.5),
}
TWO_SIDED = [name for name, law in LAWS.items() if not any(np.isfinite(law.support()))]
SLACK = 1 + 1e-7


def mean_between(law: Any, low: float, high: float, power: int) -> float:
    """E[X^power; low <= X <= high] by SciPy's quadrature, in parts of equal mass."""
    if isinstance(law.dist, stats.rv_discrete):
        x = np.arange(np.ceil(max(low, -200)), np.floor(min(high, 400)) + 1)
        return float(np.sum(x**power * law.pmf(x)))
    low, high = max(low, law.ppf(1e-15)), min(high, law.isf(1e-15))
    inner = [x for x in (*law.ppf(np.linspace(0.02, 0.98, 13)), 0.0) if low < x < high]
    ends = sorted([low, *inner, high])
    parts = (integrate.quad(lambda x: x**power * law.pdf(x), a, b, epsabs=1e-15)[0] for a, b in pairwise(ends))
    return float(sum(parts))


def cuts_of(law: Any, seed: int) -> tuple[float, float]:
    """Two ends with some mass between them, anywhere."""
    draw = Random(seed)
    first, last = sorted(draw.choice([1e-4, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999]) for _ in range(2))
    low, high = (float(law.ppf(p)) + draw.uniform(-0.1, 0.1) for p in (first, last + (1 - last) / 2))
    return round(low, 3), round(high, 3)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", [*LAWS, *COUNTS])
def test_moments_of_what_is_left(name: str, seed: int) -> None:
    law = (LAWS | COUNTS)[name]
    low, high = cuts_of(law, seed)
    with ball_precision(64):
        line = line_of(read_law(name, ("x",)))
        for cut in ((low, high), (low, None), (None, high)):
            own = CutLine(line, (None if cut[0] is None else arb(cut[0]), None if cut[1] is None else arb(cut[1])))
            ends = (-np.inf if cut[0] is None else low, np.inf if cut[1] is None else high)
            for power in (0, 1, 2, 3):
                found, true = own.expectation(power), mean_between(law, *ends, power)
                if found.is_finite():
                    assert abs(float(found.mid()) - true) <= float(found.rad()) + 1e-7 * (1 + abs(true)), cut
                bound = own.absolute(power)
                assert not bound.is_finite() or abs(true) <= float(bound) * SLACK


@pytest.mark.parametrize("name", TWO_SIDED)
def test_both_ends_known_exactly(name: str) -> None:
    """Between two ends around the law's middle that are on its side of zero the moments are known."""
    law = LAWS[name]
    low, high = (round(float(law.ppf(p)), 3) for p in (0.1, 0.9))
    with ball_precision(64):
        own = CutLine(line_of(read_law(name, ("x",))), (arb(low), arb(high)))
        for power in (0, 1, 2):
            found, true = own.expectation(power), mean_between(law, low, high, power)
            assert abs(float(found.mid()) - true) <= float(found.rad()) + 1e-9
            assert found.rad() < 2e-3


def beyond(law: Any, low: float, high: float, power: int, rate: float) -> float:
    """E|X|^power e^(rate X) outside an interval."""
    ends = sorted({law.ppf(1e-13), *law.ppf(np.linspace(0.02, 0.98, 9)), law.isf(1e-13), low, high, 0.0})
    total = 0.0
    for a, b in pairwise(ends):
        if b <= low or a >= high:
            total += integrate.quad(lambda x: abs(x) ** power * np.exp(rate * x) * law.pdf(x), a, b)[0]
    return total


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", TWO_SIDED)
def test_tails_beyond_ends_anywhere(name: str, seed: int) -> None:
    law, draw, line = LAWS[name], Random(seed), line_of(read_law(name, ("x",)))
    known = 0
    with ball_precision(64):
        for _ in range(8):
            p, q = draw.choice([0.0005, 0.01, 0.1, 0.4, 0.6]), draw.choice([0.4, 0.6, 0.9, 0.99, 0.9995])
            low, high = sorted((float(law.ppf(p)), float(law.ppf(q)) + 1e-3))
            rate = draw.choice([0.0, 0.0, 0.25, -0.25]) if name[0] != "S" else 0.0
            for power in range(4):
                bound = line.tail(arb(low), arb(high), power, arb(rate))
                known += bool(bound.is_finite())
                if bound.is_finite():
                    assert beyond(law, low, high, power, rate) <= float(bound.upper()) * SLACK, (low, high, power)
    assert known > 3


@pytest.mark.parametrize("name", TWO_SIDED)
def test_tails_on_one_side_of_zero_are_known(name: str) -> None:
    """Beyond both ends of the middle of a law, which are on one side of zero for most, and not far from the truth."""
    law, line = LAWS[name], line_of(read_law(name, ("x",)))
    low, high = float(law.ppf(1e-4)), float(law.isf(1e-4))
    with ball_precision(64):
        for power in range(4):
            bound = line.tail(arb(low), arb(high), power, arb(0))
            assert beyond(law, low, high, power, 0.0) <= float(bound.upper()) * SLACK < 2.0


def test_zero_as_an_end() -> None:
    line = line_of(read_law("Normal(5, 1)", ("x",)))
    with ball_precision(64):
        for low in (arb(0), arb(0, 1e-9)):
            assert line.tail(low, arb(12), 0, arb(0)) < 1e-6
            assert beyond(stats.norm(5), 0, 12, 1, 0) <= line.tail(low, arb(12), 1, arb(0)) < 1e-5


@pytest.mark.parametrize("name", [name for name in TWO_SIDED if name[0] != "S"])
def test_only_sides_that_leave_something_count(name: str) -> None:
    """One end is the cut, near the middle; beyond the other, far out, there is next to nothing."""
    law, line = LAWS[name], line_of(read_law(name, ("x",)))
    near = round(float(law.ppf(0.2)), 3)
    with ball_precision(64):
        own = CutLine(line, (arb(near), None))
        low, high = own.reach(8.0)
        for bound in (own.tail, own.tail_beside_mass):
            for power in (0, 1, 2):
                true = beyond(law, -1e9, float(high), power, 0.0)
                assert true <= float(bound(low, high, power, arb(0)).upper()) < 1e-6
        # nearer in than the cut something is left on this side, too
        assert own.tail(arb(near + 0.05), high, 0, arb(0)) >= law.cdf(near + 0.05) - law.cdf(near)


@pytest.mark.parametrize("name", ["LogNormal(1, 1/2)", "Frechet(7, 1)"])
def test_next_to_an_end_of_the_support_that_is_not_cut_something_is_left(name: str) -> None:
    """Where the other end is cut off, and the interval goes up to the cut or not."""
    law, line = LAWS[name], line_of(read_law(name, ("x",)))
    low, cut = (round(float(law.ppf(p)), 3) for p in (0.1, 0.999))
    with ball_precision(64):
        own = CutLine(line, (None, arb(cut)))
        for high in (cut - 0.1, cut, cut + 1):
            true = law.cdf(low) + max(0.0, law.cdf(cut) - law.cdf(high))
            assert true <= float(own.tail(arb(low), arb(high), 0, arb(0)).upper()) < 2 * true


@pytest.mark.parametrize("name", TWO_SIDED)
def test_cuts_that_are_far_from_the_middle(name: str) -> None:
    """Fewer spreads than the cut is away from the middle reach no part of what it leaves."""
    law, line = LAWS[name], line_of(read_law(name, ("x",)))
    low, high = (round(float(law.isf(p)), 3) for p in (1e-3, 1e-4))
    with ball_precision(64):
        own = CutLine(line, (arb(low), arb(high)))
        first, last = own.reach(1.5)
        assert low <= float(first) < float(last) <= high
        true = mean_between(law, float(last), high, 1)
        assert true <= float(own.tail(first, last, 1, arb(0)).upper()) < 100


def test_points_of_a_sum_of_poisson_variables() -> None:
    """Beyond ends between whole numbers around zero there is zero itself."""
    line, law = line_of(read_law("Skellam(1, 1)", ("x",))), stats.skellam(1, 1)
    with ball_precision(64):
        for low, high in ((arb(0.5), arb(3)), (arb(-3), arb(-0.5))):
            assert not line.tail(low, high, 0, arb(0)).is_finite()
            assert [float(x) for x, _ in line.atoms(low, high) or ()] == ([1, 2, 3] if low > 0 else [-3, -2, -1])
        bound = line.tail(arb(-2.5), arb(2.5), 0, arb(0))
        assert law.cdf(-3) + law.sf(2) <= float(bound) < 1


@pytest.mark.parametrize("name", ["Poisson(4)", "NegativeBinomial(3, 1/2)", "Binomial(9, 1/2)"])
def test_points_outside_a_cut_are_gone(name: str) -> None:
    line = line_of(read_law(name, ("x",)))
    with ball_precision(64):
        own = CutLine(line, (arb(2), arb(6.5)))
        assert [float(x) for x, _ in own.atoms(*own.reach(10.0)) or ()] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", ["Gamma(3, 1)", "Uniform(-1, 5)", "Pareto(1, 7)"])
def test_cuts_that_segments_do_not_follow_are_refused(name: str) -> None:
    line = line_of(read_law(name, ("x",)))
    with ball_precision(64):
        own = CutLine(line, (arb(2), arb(4)))
        assert not own.expectation(1).is_finite()
        with pytest.raises(EvaluationError, match="can not be cut off"):
            own.segments(*own.reach(10.0))


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound for ends on their own side of zero beyond any."""

    def false(one: Any, ends: Any, power: int, rate: Any, unit: Any) -> Any:
        return sum((one(side, end, power, rate) for side, end in zip((-1, 1), ends, strict=True)), arb(0))

    law = stats.norm(5)
    with ball_precision(64):
        line: Line = line_of(read_law("Normal(5, 1)", ("x",)))
        ends = arb(1), arb(9)
        assert line.tail(*ends, 1, arb(0)) >= beyond(law, 1, 9, 1, 0.0)
        monkeypatch.setattr(named_lines, "both_tails", false)
        assert not line.tail(*ends, 1, arb(0)) >= beyond(law, 1, 9, 1, 0.0)
