"""What a ridge and cuts change on cells of the effects: against sums by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb
from scipy.special import gammaln

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.ridge_loss import RidgeLoss
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import Cut
from leadterms.evaluation.precision import ball_precision
from tests.evaluation.certified.residual import information, residual, residual_system

T = np.linspace(-9, 9, 3001)
K = np.arange(60)
LAWS = {
    "Normal(0, 1)": (T, np.exp(-T * T / 2) / np.sqrt(2 * np.pi) * (T[1] - T[0])),
    "Poisson(2)": (K * 1.0, np.exp(K * np.log(2) - 2 - gammaln(K + 1))),
}
RIDGES = [2.0**-10, 2.0**-20]
EFFECTS = (-3.0, -1.0, 0.1, 1.5, 5.0)


def ratios(link: str, law: str, cuts: tuple[Cut, ...]) -> list[float]:
    """The changes over their bounds, and the least bound over B + tau E[b^2]."""
    system = residual_system(link, law)
    points, masses = LAWS[law]
    low, high = (side if end is None else float(end) for side, end in zip((-99.0, 99.0), cuts[0], strict=True))
    inside = (points >= low) & (points <= high)
    found = []
    with ball_precision(64):
        loss = RidgeLoss(system, CutLaws(system.strands, everywhere=False), Bounds(Strands(system)))
        at = loss.at(cuts)
        for u in EFFECTS:
            whole = residual(information(link, points, masses, u))
            bounds = at.on(loss.on(((arb(u), arb(u + 1e-9)),)), RIDGES)
            for ridge, bound in zip(RIDGES, bounds, strict=True):
                part = residual(information(link, points[inside], masses[inside], u, ridge))
                found.append(abs(whole - part) / bound)
    return found


@pytest.mark.parametrize("link", ["cloglog", "probit"])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("end", [4, 9])
def test_no_change_is_above_its_bound(link: str, law: str, end: int) -> None:
    low = arb(-end) if law == "Normal(0, 1)" else None
    found = ratios(link, law, ((low, arb(end)), (None, None)))
    assert 1e-4 < max(found) <= 1


def test_where_one_count_alone_has_weight_the_ridge_changes_little() -> None:
    """At u = 5 all but x = 0 have weights below 1e-7: the least eigenvalue tells nothing, the value 0 does."""
    system = residual_system("cloglog", "Poisson(2)")
    with ball_precision(64):
        loss = RidgeLoss(system, CutLaws(system.strands, everywhere=False), Bounds(Strands(system)))
        (bound,) = loss.at(((None, arb(40)), (None, None))).on(loss.on(((arb(7), arb("7.01")),)), [2.0**-30])
    assert bound < 1e-4


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RidgeLoss, "_mean_square", lambda self: arb(1e-9))
    monkeypatch.setattr(Bounds, "top", lambda self, cell: arb(1e-9))
    assert max(ratios("cloglog", "Poisson(2)", ((None, arb(4)), (None, None)))) > 1
