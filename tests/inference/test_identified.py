"""Components that n = 1 does not identify: against the rank of the information of V, written out for a small layout."""

from __future__ import annotations

import random

import numpy as np
import pytest

from leadterms import EvaluationError, Model, wald
from leadterms.asymptotics.sizes import size_values
from leadterms.inference.identified import require_identified

NORMAL, SIGNS, ARMS = "Normal(0, 1)", "Finite({-1: 1/2, 1: 1/2})", "Bernoulli(1/2)"


def rank_is_full(columns, effects, draws):
    """Tell whether the derivatives of V by its components are independent, phi among them.

    ``columns`` has the level of each observation in each grouping, ``effects`` pairs of a grouping and a predictor.
    """
    derivatives = [np.eye(len(draws))]
    for grouping, slope in effects:
        levels = np.asarray(columns[grouping])
        z = draws if slope else np.ones(len(draws))
        derivatives.append(np.equal.outer(levels, levels) * np.outer(z, z))
    flat = np.array([matrix.ravel() for matrix in derivatives])
    return np.linalg.matrix_rank(flat) == len(flat)


CROSSED = [(i, j) for i in range(3) for j in range(4)]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    ("formula", "law", "groupings", "effects"),
    [
        ("y ~ x + (1 | g)", NORMAL, ("ab",), [(0, False)]),
        ("y ~ x + (1 + x || g)", NORMAL, ("ab",), [(0, False), (0, True)]),
        ("y ~ x + (0 + x | g)", NORMAL, ("ab",), [(0, True)]),
        ("y ~ x + (0 + x | g)", SIGNS, ("ab",), [(0, True)]),
        ("y ~ x + (0 + x | g)", ARMS, ("ab",), [(0, True)]),
        ("y ~ x + (1 | a) + (1 | b)", NORMAL, ("a", "b"), [(0, False), (1, False)]),
        ("y ~ x + (1 | a) + (1 | b) + (1 | a:b)", NORMAL, ("a", "b", "ab"), [(0, False), (1, False), (2, False)]),
        ("y ~ x + (1 | a/b)", NORMAL, ("a", "ab"), [(0, False), (1, False)]),
        ("y ~ x + (1 | a) + (0 + x | a:b)", NORMAL, ("a", "ab"), [(0, False), (1, True)]),
    ],
)
def test_refused_where_the_derivatives_of_v_are_dependent(formula, law, groupings, effects, n):
    model = Model(formula, laws={"x": law})
    cells = [cell for cell in CROSSED for _ in range(n)]
    level = {"a": [i for i, _ in cells], "b": [j for _, j in cells], "ab": [4 * i + j for i, j in cells]}
    draw = random.Random(formula)
    sampled = {NORMAL: lambda: draw.gauss(0, 1), SIGNS: lambda: draw.choice([-1, 1]), ARMS: lambda: draw.choice([0, 1])}
    draws = np.array([sampled[law]() for _ in cells])
    sizes = dict.fromkeys(model.layout.sizes[:-1], 12) | {model.layout.sizes[-1]: n}
    if rank_is_full([level[name] for name in groupings], effects, draws):
        require_identified(model, sizes)
    else:
        assert n == 1
        with pytest.raises(EvaluationError, match=r"^n = 1: .* and phi are not identified, only their sum is: n > 1"):
            require_identified(model, sizes)


@pytest.mark.parametrize("sizes", [{"m": 50, "n": 1}, [1] * 50, {"m": 50, "N": 50, "n_h": 1}])
def test_sizes_of_one_in_every_spelling(sizes):
    model = Model("y ~ x + (1 | g)", laws={"x": NORMAL})
    estimates = {"1": 0, "x": 1, "sigma2": 1, "phi": 1}
    with pytest.raises(EvaluationError) as caught:
        wald(model, estimates, sizes)
    assert str(caught.value) == (
        "n = 1: with one observation in each level of g, sigma2 and phi are not identified, only their sum is: n > 1 "
        "is needed, or a model without this random effect of g"
    )
    # one group of two tells them apart
    require_identified(model, size_values([1] * 49 + [2]))
    # the counts of single observations vary by more than their mean
    require_identified(Model("y ~ x + (1 | g)", family="poisson", laws={"x": NORMAL}), size_values(sizes))
