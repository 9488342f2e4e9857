"""Poisson GLM: the sinh formula and its value, against the information by quadrature."""

from __future__ import annotations

from types import SimpleNamespace

import mpmath
import pytest

from derivations import poisson_glm
from leadterms.asymptotics.result import Expansion
from leadterms.publication.statements import compare_formula


@pytest.mark.parametrize(("b0", "b1"), [("0.34", "0.82"), ("-1", "2.5"), ("0.5", "-0.01")])
def test_the_printed_formula_is_the_inverse_information(b0, b1):
    with mpmath.workdps(30):
        a, b = mpmath.mpf(b0), mpmath.mpf(b1)
        h = [mpmath.quad(lambda x, k=k: x**k * mpmath.exp(a + b * x) / 2, [-1, 0, 1]) for k in range(3)]
        slope = h[0] / (h[0] * h[2] - h[1] ** 2)
        found = poisson_glm.derive()["x"].evaluate({"beta0": b0, "beta1": b1}, 25)
        assert abs(mpmath.mpf(str(found)) / slope - 1) < mpmath.mpf("1e-22")


def test_the_derived_formula_is_the_printed_one_structurally():
    assert isinstance(poisson_glm.derive(), Expansion)
    assert poisson_glm.derive()["x"].coefficient == poisson_glm.PRINTED_SLOPE


def test_a_wrong_formula_would_not_agree():
    found = poisson_glm.derive()["x"].coefficient
    for wrong in (2 * poisson_glm.PRINTED_SLOPE, poisson_glm.PRINTED_SLOPE * poisson_glm.B1):
        assert compare_formula(found, wrong).verdict == "disagree"


def test_a_wrong_engine_would_not_agree(monkeypatch):
    doubled = {"x": SimpleNamespace(coefficient=2 * poisson_glm.derive()["x"].coefficient)}
    monkeypatch.setattr(poisson_glm, "derive", lambda: doubled)
    assert poisson_glm.STATEMENTS[0].outcome().verdict == "disagree"


def test_the_statements_agree():
    found = [s.outcome() for s in poisson_glm.STATEMENTS]
    assert [outcome.verdict for outcome in found] == ["agree", "agree"]
    assert found[1].recomputed.startswith("2.17786656811262749271")
    assert [step.title for step in poisson_glm.steps()][-1] == "Leading terms: the inverse of the information"
