"""What a ridge and cuts change on cells of the effects: against sums by NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, fmpq
from scipy.special import gammaln

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.ridge_loss import RidgeLoss
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import Ceiling, Cut, NumericSystem, Sector, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.complex_weights import cloglog
from tests.evaluation.certified.residual import WEIGHTS, information, residual, residual_system

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


def two_arms() -> NumericSystem:
    """b is 1 on the second arm, 0 on the first; eta = -10 + 4 x + u x/5, and -1 - 3 x + u x/5."""
    moments = ((0,), (1,), (2,))
    strands = tuple(
        Strand(WEIGHTS["cloglog"], (read_law("Normal(0, 1)", ("x",)),), fmpq(c), (fmpq(s),), ((fmpq(0), fmpq(1, 5)),),
               moments)
        for c, s in ((-10, 4), (-1, -3))
    )  # fmt: skip
    half = fmpq(1, 2)
    return NumericSystem(
        strands, lambda m: m[3] / 2 - m[4] ** 2 / (2 * (m[2] + m[5])), (Ceiling(half, 1, (0,)),),
        Sector(1, 2, turns=True), (half, half), (({}, {(0,): fmpq(1)}),),
    )  # fmt: skip


def test_an_arm_without_the_column_is_cut_off_too() -> None:
    system, found = two_arms(), []
    with ball_precision(64):
        loss = RidgeLoss(system, CutLaws(system.strands, everywhere=False), Bounds(Strands(system)))
        for end in (1.5, 2.5, 3.5):
            at = loss.at(((arb(-end), arb(end)),))
            for u in (-2.0, 0.0, 1.0):
                (bound,) = at.on(loss.on(((arb(u), arb(u + 1e-9)),)), [2.0**-40])
                sums = []
                for inside in (np.abs(T) < 99, np.abs(T) <= end):
                    first, second = (LAWS["Normal(0, 1)"][1] * cloglog(c + s * T + u * T / 5) * inside
                                     for c, s in ((-10, 4), (-1, -3)))  # fmt: skip
                    sums.append(second.sum() / 2 - (second * T).sum() ** 2 / (2 * ((first + second) * T * T).sum()))
                found.append(abs(sums[0] - sums[1]) / bound)
    assert 1e-4 < max(found) <= 1


def test_arms_with_other_terms_have_no_regions_of_their_own() -> None:
    system = two_arms()
    first, second = system.strands
    other = replace(
        second, slopes=(fmpq(1), fmpq(1)), monomials=((1,), (2,)), loadings=((fmpq(0), fmpq(1, 5), fmpq(0)),)
    )
    given = replace(system, strands=(first, other))
    with ball_precision(64):
        loss = RidgeLoss(given, CutLaws(given.strands, everywhere=False), Bounds(Strands(given)))
    assert len(loss.regions) == 1


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RidgeLoss, "_mean_square", lambda self: arb(1e-9))
    monkeypatch.setattr(Bounds, "top", lambda self, cell: arb(1e-9))
    assert max(ratios("cloglog", "Poisson(2)", ((None, arb(4)), (None, None)))) > 1
