"""What a cut for one cell of the effects takes from an inverse information: against sums over the law by NumPy."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
from leadterms.evaluation.certified.cuts.cell_inverse import InverseCellLoss
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.outside import Outside
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import InverseForm, NumeratorTerm, NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.weights import LogisticWeight

T = np.linspace(-12, 12, 6001)
BELL = np.exp(-T * T / 2) / np.sqrt(2 * np.pi) * (T[1] - T[0])
CASES = [(1.0, fmpq(1, 10)), (1.0, fmpq(1)), (1.5, fmpq(1, 100)), (2.0, fmpq(1, 100))]


def system_of(law: str, root: fmpq) -> tuple[NumericSystem, InverseForm]:
    """F = E[w]/E[w x^2], eta = root x z."""
    moments = ((0,), (1,), (2,))
    strand = Strand(
        LogisticWeight(Integer(1)), (read_law(law, ("x",)),), fmpq(0), (fmpq(0),), ((fmpq(0), root),), moments
    )
    term = NumeratorTerm(fmpq(1), ((0, (0,)),), (0,))
    form = InverseForm(fmpq(1), (fmpq(1),), (term,), (fmpq(0),), ((root,),))
    above, sector = inverse_ceiling((strand,), form)
    return NumericSystem((strand,), lambda m: m[0] / m[2], (above,), sector, inverse=form), form


def worst(sd: float, root: fmpq) -> float:
    """The largest ratio of |F - F_R|, or F_R, to its bound, over cuts and cells."""
    system, form = system_of(f"LogNormal(0, {sd:g})".replace("1.5", "3/2"), root)
    x, r = np.exp(sd * T), float(root.p) / float(root.q)
    found = []
    with ball_precision(64):
        laws = CutLaws(system.strands, everywhere=False)
        loss = InverseCellLoss(system, form, laws, Bounds(Strands(system)))
        within = (cut for cut in laws.spaced() if loss.holds_within(cut))
        for cut in islice(within, 0, 9, 2):
            low, high = (side if end is None else float(end) for side, end in zip((0.0, np.inf), cut[0], strict=True))
            inside = (x >= low) & (x <= high)
            at = loss.at(cut)
            for z in (1e-3, 1e-2, 0.1, 0.5, 1.5):
                eta = np.minimum(r * z * x, 700)
                w = BELL / (2 + np.exp(eta) + np.exp(-eta))
                whole, part = ((w * k).sum() / (w * x * x * k).sum() for k in (np.ones_like(x), inside))
                cell = ((arb(z), arb(z * (1 + 1e-9))),)
                found += [abs(whole - part) / float(at.on(loss.on(cell))), part / float(loss.top(cell))]
    return max(found)


@pytest.mark.parametrize(("sd", "root"), CASES)
def test_the_change_by_a_cut_and_what_is_left_are_bounded(sd: float, root: fmpq) -> None:
    assert 0 < worst(sd, root) <= 1


def test_a_false_bound_of_what_is_outside_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Outside.on
    monkeypatch.setattr(Outside, "on", lambda self, *args: right(self, *args) * arb("1e-4"))
    assert max(worst(*case) for case in CASES) > 1
