"""The averages that entries of a covariance have in common are taken once, and never for another point."""

from itertools import product

import pytest

import leadterms as lt
from leadterms.evaluation import held_balls

NAMES = ("x", "z")


@pytest.fixture
def taken(monkeypatch):
    """The accuracies at which averages were taken."""
    found: list[int] = []
    first = held_balls._first

    def counted(ways, inputs, bits):
        found.append(bits)
        return first(ways, inputs, bits)

    monkeypatch.setattr(held_balls, "_first", counted)
    return found


def entries(slope):
    formula, laws = "y ~ x + z + (1 | g)", {"x": "Bernoulli(1/3)", "z": "DiscreteUniform([0, 1, 3])"}
    result = lt.leading_terms(lt.Model(formula, family="bernoulli", link="probit", laws=laws))
    point = {"beta0": "-1/3", "beta1": slope, "beta2": "1/7", "sigma2": "11/13"}
    return {(one, other): result[one, other].evaluate(point, 9) for one, other in product(NAMES, NAMES)}


def test_entries_share_their_averages(taken):
    entries("3/17")
    assert len(taken) == 3  # E S_xx, E S_xz, E S_zz
    entries("3/17")
    assert len(taken) == 3
    entries("4/17")
    assert len(taken) == 6


def test_averages_of_one_point_are_not_those_of_another():
    found = {slope: entries(slope) for slope in ("2/19", "5/19", "2/19")}
    held_balls._enclosed.cache_clear()
    for slope, numbers in found.items():
        assert {name: str(one) for name, one in entries(slope).items()} == {k: str(one) for k, one in numbers.items()}
    assert found["2/19"]["x", "x"].value != found["5/19"]["x", "x"].value
