"""Estimates that the tests of Wald inference share."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Float, ImmutableMatrix

from leadterms.inference.estimated import Estimated
from leadterms.notation.symbols import effect_covariance, fixed_effect

SYMBOLS = (*map(fixed_effect, range(3)), effect_covariance(1, 1), effect_covariance(1, 2), effect_covariance(2, 2))
VALUES = (0.4, -1.1, 0.02, 0.5, 0.1, 0.25)


def make_estimated(terms=(2, 2, 1, 2, 2, 2)) -> Estimated:
    """Return three fixed effects and a 2 x 2 covariance matrix with some covariance of the estimates."""
    rng = np.random.default_rng(5)
    root = 0.05 * rng.standard_normal((6, 6))
    one = 0.01 * np.eye(6)
    block = ImmutableMatrix(2, 2, lambda i, j: effect_covariance(1 + int(i), 1 + int(j)))
    return Estimated(
        "a model", dict(zip(SYMBOLS, map(Float, VALUES), strict=True)),
        ("1", "x", "z", "Sigma11", "Sigma12", "Sigma22"),
        (block,), one, one + root @ root.T, terms, False, ("a note",),
    )  # fmt: skip


@pytest.fixture
def estimated():
    """Make estimates with given numbers of terms."""
    return make_estimated
