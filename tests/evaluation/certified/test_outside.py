"""What laws leave beyond their cuts, where moments are infinite and the weight falls: against integrals by scipy."""

from itertools import islice

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import integrate, stats
from sympy import Integer

from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.outside import Outside
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.weights import LogisticWeight


def logistic(eta: float) -> float:
    q = np.exp(-abs(eta))
    return float(q / (1 + q) ** 2)


@pytest.mark.parametrize("centre", [-30, 0, 10, 1000])
@pytest.mark.parametrize("power", [1, 2])
def test_moments_beyond_cuts_of_a_law_on_either_side_of_zero(centre: int, power: int) -> None:
    """Beyond an end on the other side of zero |x| may be anything."""
    law = read_law(f"Cauchy({centre}, 1)", ("x",))
    strand = Strand(
        LogisticWeight(Integer(1)), (law,), fmpq(-3, 10), (fmpq(7, 10),), ((fmpq(0), fmpq(9, 10)),), ((2,),)
    )
    density = stats.cauchy(centre, 1).pdf
    checked = 0
    with ball_precision(64):
        laws = CutLaws((strand,), everywhere=True)
        outside = Outside(laws)
        for cuts in islice(laws.spaced(), 0, 12, 2):
            low, high = (float(end) for end in cuts[0] if end is not None)
            parts = outside.parts(cuts, 0, [(arb(1), (power,))])
            for u in (-1.9, -0.5, 0.2, 1.0):
                bound = float(outside.on(parts, ((arb(u), arb(u + 1e-9)),)))
                slope = 0.7 + 0.9 * u
                reach = 40 / abs(slope)

                def value(x: float, slope: float = slope) -> float:
                    return abs(x) ** power * logistic(-0.3 + slope * x) * float(density(x))

                pieces = [(max(high, -reach), reach)] if high < reach else []
                pieces += [(-reach, min(low, reach))] if low > -reach else []
                true = sum(integrate.quad(value, *ends, limit=200, points=[0.0])[0] for ends in pieces)
                checked += true > 1e-12
                assert true <= bound * (1 + 1e-6) + 1e-15
    assert checked
