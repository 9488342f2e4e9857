"""Inverses that are not written out: entries of the inverse of a matrix, as they are in balls, mpmath and LaTeX."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb
from sympy import Expr, Rational, Symbol

import leadterms as lt
from leadterms.algebra.rational_field import SingularError, TooLongError, inverse, lift
from leadterms.asymptotics.derivation import STATED, VERIFIED
from leadterms.asymptotics.fixed_effects import inverted
from leadterms.asymptotics.steps import _pairs
from leadterms.errors import NoRuleError
from leadterms.evaluation.compile_balls import BallProgram
from leadterms.evaluation.number import evaluate
from leadterms.notation.functions import InverseEntry

POINT = {"beta0": "-1/2", "beta1": "1/3", "beta2": "1/4", "beta3": "-1/5", "sigma2": "1/2"}
LAWS = {"x": "Uniform(-1, 1)", "z": "Bernoulli(1/3)", "w": "Uniform(0, 2)"}


def dense(size: int) -> list[list[Expr]]:
    return [[Symbol(f"h{min(i, j)}{max(i, j)}", real=True) for j in range(size)] for i in range(size)]


def test_a_dense_inverse_of_nine_rows_is_not_written_out_and_has_the_value_of_numbers():
    rows = dense(9)
    _, flat = lift(entry for row in rows for entry in row)
    with pytest.raises(TooLongError, match="9 rows"):
        inverse([flat[9 * i : 9 * (i + 1)] for i in range(9)])
    found = inverted(rows)
    numbers = np.random.default_rng(7).normal(size=(9, 12)).round(3)
    numbers = (numbers @ numbers.T).round(3)
    point = {rows[i][j]: Rational(repr(float(numbers[i, j]))) for i in range(9) for j in range(i, 9)}
    exact = np.linalg.inv(numbers)
    for i, j in ((0, 0), (3, 7), (7, 3), (8, 8)):
        assert isinstance(found[i][j], InverseEntry)
        certified = evaluate(found[i][j], point, 12, method="balls")
        assert float(certified) == pytest.approx(exact[i, j], rel=1e-9)
        assert str(evaluate(found[i][j], point, 12, method="mpmath")) == str(certified)


def test_a_singular_matrix_of_nine_rows_is_refused():
    rows = dense(9)
    for k in range(9):
        rows[8][k] = rows[k][8] = rows[0][k] + rows[1][k]
    rows[8][8] = rows[0][0] + 2 * rows[0][1] + rows[1][1]
    with pytest.raises(SingularError, match="singular"):
        inverted(rows)


def test_balls_that_may_be_singular_have_no_value():
    program = BallProgram([Symbol("a")], [InverseEntry(1, 2, Symbol("a"), 1, 1)])
    assert not program(arb(1, 0.1))[0].is_finite()
    assert program(arb(3))[0].overlaps(arb(-1) / 2)


@pytest.mark.parametrize("effects", ["", " + (1 | g)"])
@pytest.mark.parametrize("family", ["bernoulli", "negative-binomial(2)"])
def test_entries_have_the_values_of_what_is_written_out(monkeypatch, family, effects):
    model = lt.Model(f"y ~ x + z + w{effects}", family=family, laws=LAWS)
    written = lt.leading_terms(model)
    monkeypatch.setattr("leadterms.algebra.rational_field.MOST_TERMS", 1)
    monkeypatch.setattr("leadterms.algebra.rational_field.MOST_PRODUCTS", 1)
    entries = lt.leading_terms(model)
    point = {name: value for name, value in POINT.items() if effects or name != "sigma2"}
    for pair in ("x", "w", ("x", "w"), ("z", "w")):
        if written[pair].coefficient == 0:
            assert float(entries[pair].evaluate(point, 12).error) < 1e-12
            continue
        assert entries[pair].coefficient.has(InverseEntry)
        found = entries[pair].evaluate(point, 12, method="balls")
        assert str(found) == str(written[pair].evaluate(point, 12, method="balls"))
    assert r"\end{bmatrix}^{-1}\right)_{" in entries["x"].latex()
    with pytest.raises(NoRuleError, match="InverseEntry"):
        entries["x"].array_function()


@pytest.mark.parametrize("effects", ["", " + (1 | g)"])
def test_steps_verify_the_matrix_and_say_that_its_inverse_is_stated(monkeypatch, effects):
    laws = {"x": "Bernoulli(1/3)", "z": "Bernoulli(1/2)"}
    model = lt.Model(f"y ~ x + z{effects}", family="bernoulli", laws=laws)
    written = [step.verification.verdict for step in lt.leading_terms(model).steps]
    monkeypatch.setattr("leadterms.algebra.rational_field.MOST_TERMS", 1)
    monkeypatch.setattr("leadterms.algebra.rational_field.MOST_PRODUCTS", 1)
    result = lt.leading_terms(model)
    assert result["x"].coefficient.has(InverseEntry)
    verdicts = [step.verification.verdict for step in result.steps]
    assert written[-1] == VERIFIED
    assert verdicts == [*written[:-1], STATED]


def test_steps_compare_the_entries_of_two_inverses():
    a, b, c, d = (Symbol(name) for name in "abcd")
    left, right = 2 * InverseEntry(1, 2, a, b, c), 2 * InverseEntry(1, 2, a, b, d)
    assert _pairs(left, right) == [(a, a), (b, b), (c, d)]
    assert _pairs(left, 3 * InverseEntry(1, 2, a, b, d)) == [(left, 3 * InverseEntry(1, 2, a, b, d))]
    assert _pairs(left, 2 * InverseEntry(1, 1, a, b, d)) == [(left, 2 * InverseEntry(1, 1, a, b, d))]
