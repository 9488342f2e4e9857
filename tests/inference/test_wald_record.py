"""The Wald record: intervals, tails and scales against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sympy import Rational

from leadterms import EvaluationError
from leadterms.inference.wald_record import wald_inference

VALUES = (0.4, -1.1, 0.02, 0.5, 0.1, 0.25)
"""As in conftest.py: three fixed effects, Sigma11, Sigma12, Sigma22."""


@pytest.mark.parametrize("level", ["0.5", "0.95", "0.999", "1/3"])
def test_intervals_have_their_level(level, estimated):
    source = estimated()
    low, high = wald_inference(source, "variance", level).interval("x")
    assert (low, high) == pytest.approx(norm.interval(float(Rational(level)), VALUES[1], np.sqrt(source.best[1, 1])))


def test_intervals_z_and_tails(estimated):
    source = estimated()
    found = wald_inference(source, "variance", "0.9")
    errors = np.sqrt(np.diag(source.best))
    assert found.standard_errors == pytest.approx(errors)
    assert found.standard_errors_one_term == pytest.approx(0.1)
    for index, (value, error) in enumerate(zip(VALUES, errors, strict=True)):
        assert found.intervals[index] == pytest.approx(norm.interval(0.9, value, error))
        assert found.intervals_one_term[index] == pytest.approx(norm.interval(0.9, value, 0.1))
    tested = [0, 1, 2, 4]
    assert found.p_values[tested] == pytest.approx(2 * norm.sf(np.abs(np.array(VALUES) / errors))[tested], rel=1e-10)
    assert np.isnan(found.z[[3, 5]]).all()
    assert np.isnan(found.p_values[[3, 5]]).all()
    assert found.interval("x") == found.interval("beta1") == pytest.approx(tuple(found.intervals[1]))


@pytest.mark.parametrize("level", [0, 1, "-0.1", "95"])
def test_a_level_lies_between_0_and_1(level, estimated):
    with pytest.raises(EvaluationError, match="a level lies between 0 and 1"):
        wald_inference(estimated(), "variance", level)


def test_scales_are_views_of_one_source(estimated):
    source = estimated()
    found = wald_inference(source, "variance", "0.95")
    other = found.on("sd", "0.8").on("correlation").on("variance", "0.95")
    assert other.intervals == pytest.approx(found.intervals)
    on = found.on("correlation")
    assert (on.interval("sd(Sigma11)")[0] > 0) & (abs(on.interval("cor(Sigma12)")[1]) < 1)
    assert "intervals of cor(Sigma12) are formed on Fisher's z scale and transformed back" in on.notes
    # delta method by linear propagation of many small normal draws
    rng = np.random.default_rng(8)
    draws = np.array(VALUES) + 1e-4 * rng.standard_normal((200_000, 6)) @ np.linalg.cholesky(source.best).T
    correlations = draws[:, 4] / np.sqrt(draws[:, 3] * draws[:, 5])
    assert np.std(correlations) / 1e-4 == pytest.approx(on.standard_errors[4], rel=0.01)


def test_on_the_log_scale_everything_is_of_the_logarithm(estimated):
    """Estimate, standard error and interval, against a normal law of the logarithm; exp gives an interval inside."""
    source = estimated()
    found = wald_inference(source, "log", "0.9")
    assert found.names[3:] == ("log(Sigma11)", "Sigma12", "log(Sigma22)")
    for row in (3, 5):
        value, error = np.log(VALUES[row]), np.sqrt(source.best[row, row]) / VALUES[row]
        assert found.estimates[row] == pytest.approx(value)
        assert found.standard_errors[row] == pytest.approx(error)
        assert found.intervals[row] == pytest.approx(norm.interval(0.9, value, error))
    assert found.working == ("plain",) * 6
    assert found.notes[-1] == (
        "exp of the ends of an interval of log(Sigma11), log(Sigma22) gives one of Sigma11, Sigma22"
    )
    # a variance of one is a hypothesis like any other there
    one = found.test("log(Sigma22) = 0")
    assert one.statistic == pytest.approx((np.log(0.25) / found.standard_errors[5]) ** 2)


def test_a_value_that_mixes_parameters_has_the_fewest_terms_of_them(estimated):
    found = wald_inference(estimated((2, 2, 1, 2, 2, 1)), "correlation", "0.95")
    assert found.terms == (2, 2, 1, 2, 1, 1)
