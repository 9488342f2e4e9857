"""Numbers of groups: against scipy's quantiles, and the published table's integers."""

from __future__ import annotations

from math import ceil

import pytest
from scipy.stats import norm

from derivations.sample_size_table import CELLS, NAMES, derive
from leadterms import EvaluationError, Model, expansion, leading_terms
from leadterms.inference.sample_size import groups_needed


@pytest.mark.parametrize(("cell", "printed"), CELLS)
def test_the_published_integers(cell, printed):
    """Slide 'The Clincher': one-sided level 0.05, power 0.9, n = 20, one term and two."""
    at = dict(zip(NAMES, cell, strict=True))
    slope = derive()["x"]
    found = tuple(groups_needed(slope, at, 20, alpha="0.05", power="0.9", sides=1, terms=terms) for terms in (1, 2))
    assert found == printed


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize(("alpha", "power"), [("0.05", "0.8"), ("0.01", "0.95"), ("1/1000", "0.5")])
def test_the_quotient_is_rounded_up_once(sides, alpha, power):
    entry = expansion(Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(1/2)"}))["x"]
    at = {"beta0": "0.2", "beta1": "-0.37", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.25"}
    level = 0.001 if "/" in alpha else float(alpha)
    variance = float(str(entry.evaluate_variance(at, {"m": 1, "n": 7})))
    needed = (norm.ppf(1 - level / sides) + norm.ppf(float(power))) ** 2 * variance / 0.37**2
    assert groups_needed(entry, at, 7, alpha=alpha, power=power, sides=sides) == ceil(needed)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"beta1": "0"}, {}, "no number of groups shows an effect of zero"),
        ({}, {"power": "1"}, "level and power lie between 0 and 1"),
        ({}, {"alpha": "-0.1"}, "level and power lie between 0 and 1"),
        ({}, {"sides": 3}, "sides and terms are 1 or 2"),
    ],
)
def test_what_has_no_answer_is_refused(change, options, message):
    at = dict(zip(NAMES, CELLS[0][0], strict=True)) | change
    with pytest.raises(EvaluationError, match=message):
        groups_needed(derive()["x"], at, 20, **options)


def test_a_coefficient_without_a_random_effect_is_refused():
    slope = leading_terms(Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Bernoulli(1/2)"}))["x"]
    with pytest.raises(EvaluationError, match="has no term of order 1/m"):
        groups_needed(slope, {"beta0": "0", "beta1": "1", "sigma2": "1"}, 20)
