"""The averages that entries of a covariance have in common are taken once and together, and never for another point."""

from itertools import product

import pytest

import leadterms as lt
from leadterms.evaluation.certified.averages import road, together

NAMES = ("x", "z")


@pytest.fixture
def taken(monkeypatch):
    """The numbers of moments of the averages that were taken."""
    found: list[int] = []
    average = road.certified_average

    def counted(system, bits, *more):
        found.append(len(system.strands[0].moments))
        return average(system, bits, *more)

    monkeypatch.setattr(road, "certified_average", counted)
    return found


def entries(slope):
    formula, laws = "y ~ x + z + (1 | g)", {"x": "Bernoulli(1/3)", "z": "DiscreteUniform([0, 1, 3])"}
    result = lt.leading_terms(lt.Model(formula, family="bernoulli", link="probit", laws=laws))
    point = {"beta0": "-1/3", "beta1": slope, "beta2": "1/7", "sigma2": "11/13"}
    return {(one, other): result[one, other].evaluate(point, 9) for one, other in product(NAMES, NAMES)}


def test_entries_share_their_averages(taken):
    entries("3/17")
    assert len(taken) == 1
    entries("3/17")
    assert len(taken) == 1
    entries("4/17")
    assert len(taken) == 2


def test_averages_of_one_point_are_not_those_of_another(forget_averages):
    found = {slope: entries(slope) for slope in ("2/19", "5/19", "2/19")}
    forget_averages()
    for slope, numbers in found.items():
        assert {name: str(one) for name, one in entries(slope).items()} == {k: str(one) for k, one in numbers.items()}
    assert found["2/19"]["x", "x"].value != found["5/19"]["x", "x"].value


def test_averages_that_are_not_to_be_had_together_are_taken_one_by_one(monkeypatch, taken, forget_averages):
    beside = entries("3/17")
    forget_averages()
    asked = []

    def without_sizes(strands, bounds):
        asked.append(strands)
        return [together.NAN] * 2, [together.NAN]

    monkeypatch.setattr(together, "rough_sizes", without_sizes)
    alone = entries("3/17")
    assert len(taken) == 1 + 3  # E S_xx, E S_xz, E S_zz
    assert len(asked) == 1
    for name, number in alone.items():
        assert abs(number.value - beside[name].value) <= number.error + beside[name].error
