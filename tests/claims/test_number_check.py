"""Printed numbers: agreement to the last digit, and repairs planted at random that are found first."""

from __future__ import annotations

import random

import pytest

from leadterms import EvaluationError, leading_terms
from leadterms.claims.number_check import check_number
from leadterms.claims.repairs import decimals
from tests.claims.models import model

SLOPE = leading_terms(model("poisson mixed"))["x"]


def drawn(rng):
    return {
        "beta0": f"{rng.uniform(-2, 2):.2f}",
        "beta1": f"{rng.uniform(0.3, 3):.2f}",
        "sigma2": f"{rng.uniform(0.2, 5):.2f}",
    }


@pytest.mark.parametrize("seed", range(10))
def test_a_planted_misprint_is_repaired(seed):
    """One input is misprinted after the value was worked out: the change back is among the repairs."""
    rng = random.Random(seed)
    inputs = drawn(rng)
    value = str(SLOPE.evaluate(inputs, digits=10))
    name = rng.choice(sorted(inputs))
    misprint = inputs | {name: f"{float(inputs[name]) + rng.choice([-0.31, 0.27, 1.1]):.2f}"}
    if float(misprint[name]) <= 0:
        misprint[name] = "6.66"
    verdict = check_number(SLOPE, misprint, value)
    assert verdict.verdict == "disagree"
    assert any(repair.changes == ((name, misprint[name], shortened(inputs[name])),) for repair in verdict.repairs)
    assert check_number(SLOPE, inputs, value).verdict == "agree"


@pytest.mark.slow
def test_two_roots_between_points_of_the_grid_are_found_around_an_extremum():
    """The variance is largest in beta1 near 2, and every root lies between the same two points of the grid."""
    for printed in ("0.9", "2.1", "2.77", "3.5"):
        inputs = {"beta0": "0.53", "beta1": printed, "sigma2": "3.83"}
        changes = [repair.changes for repair in check_number(SLOPE, inputs, "0.2749475866").repairs]
        assert (("beta1", printed, "1.95"),) in changes
        assert len(set(changes)) == len(changes)


def test_no_repair_is_proposed_twice():
    verdict = check_number(SLOPE, {"beta0": "-1.46", "beta1": "0", "sigma2": "3.79"}, "2.05")
    changes = [repair.changes[0][2] for repair in verdict.repairs if repair.changes[0][0] == "beta1"]
    assert changes == ["-2", "2"]


def shortened(text):
    return text.rstrip("0").rstrip(".") if "." in text else text


@pytest.mark.slow
def test_two_misprints_are_found_on_request():
    inputs = {"beta0": "-1.46", "beta1": "2.11", "sigma2": "3.79"}
    value = str(SLOPE.evaluate(inputs, digits=12))
    wrong = inputs | {"beta1": "2.14", "sigma2": "6.61"}
    alone = check_number(SLOPE, wrong, value)
    assert all(decimals(repair.changes[0][2]) > 2 for repair in alone.repairs)
    if not alone.repairs:
        both = check_number(SLOPE, wrong, value, pairs=True)
        assert any({change[0] for change in repair.changes} == {"beta1", "sigma2"} for repair in both.repairs)


def test_sizes_among_the_inputs_make_it_the_whole_variance():
    inputs = {"beta0": "-1.46", "beta1": "2.11", "sigma2": "3.79", "m": "40", "n": "5"}
    verdict = check_number(SLOPE, inputs, "0.01024")
    assert verdict.verdict == "agree"
    assert check_number(SLOPE, inputs | {"n": "6"}, "0.01024").verdict == "disagree"


def test_fractions_are_inputs_too():
    assert check_number(SLOPE, {"beta0": "-73/50", "beta1": "2.11", "sigma2": "3.79"}, "2.0487").verdict == "agree"
    verdict = check_number(SLOPE, {"beta0": "-1/3", "beta1": "2.11", "sigma2": "3.79"}, "2.0487282409")
    assert any(repair.changes[0][2] == "-1.46" for repair in verdict.repairs)


def test_inputs_far_out_are_refused_by_name_or_checked():
    at = {"beta0": "-1000", "beta1": "2.11", "sigma2": "3.79"}
    # among the inputs that are tried for a repair is -16000, where the value has 6949 digits
    found = check_number(SLOPE, at, "2.0487282409")
    assert found.verdict == "disagree"
    # the errata of the deck: this holds at -1.46
    assert found.repairs[0].changes == (("beta0", "-1000", "-1.46"),)
    with pytest.raises(EvaluationError, match=r"at beta0 = -146000, .* has more than 4000 digits .* a milder beta0$"):
        check_number(SLOPE, at | {"beta0": "-146000"}, "2.04")
