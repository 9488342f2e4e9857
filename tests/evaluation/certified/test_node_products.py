"""The linear predictor at the nodes of a product of rules, against its monomials one by one."""

from __future__ import annotations

import cmath
import random
from itertools import product
from math import prod

import pytest
from flint import acb, arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.moments.node_products import NodeProducts
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import LogisticWeight

POINTS = ((0.5, -0.25, 0.75), (0.125, -1.0), (0.25, 0.5))
MONOMIALS = (((1, 0, 0), (0, 2, 0), (1, 0, 2), (2, 0, 0), (0, 1, 1)), None, ((2, 1, 1),), ())


@pytest.mark.parametrize("monomials", MONOMIALS, ids=str)
def test_against_the_monomials(monomials):
    draw = random.Random(3)
    own = monomials if monomials is not None else ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    laws = (UniformLaw(-1, 1),) * 3
    strand = Strand(LogisticWeight(Integer(1)), laws, fmpq(0), (fmpq(1),) * len(own), (), ((0, 0, 0),), monomials)
    rules = [LineRule(tuple(map(arb, x)), (arb(1),) * len(x), (arb(0),), arb(-1), arb(1)) for x in POINTS]
    with ball_precision(64):
        nodes = NodeProducts(Problem(strand), rules)
        for kind in (float, float, complex, float):
            slopes = [kind(draw.gauss(0, 1)) + (draw.gauss(0, 1) * 1j if kind is complex else 0) for _ in own]
            balls = [acb(one.real, one.imag) if kind is complex else arb(one) for one in slopes]
            for _ in range(2):
                offsets, exponentials = nodes.offsets(balls), nodes.exponentials(balls)
                assert len(offsets) == len(exponentials) == 12
                for x, offset, exponential in zip(product(*POINTS), offsets, exponentials, strict=True):
                    eta = sum(
                        slope * prod(value**k for value, k in zip(x, m, strict=True))
                        for slope, m in zip(slopes, own, strict=True)
                    )
                    assert complex(offset) == pytest.approx(eta, rel=1e-12, abs=1e-14)
                    assert complex(exponential) == pytest.approx(cmath.exp(eta), rel=1e-12)
