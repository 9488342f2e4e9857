"""The glossary of symbols: domains, reserved names, LaTeX."""

import pytest

from leadterms.notation.symbols import (
    PHI,
    RESERVED,
    SIGMA2,
    M,
    N,
    effect_covariance,
    fixed_effect,
    random_effect,
    symbol_latex,
)


def test_domains():
    assert PHI.is_positive
    assert SIGMA2.is_positive
    assert M.is_integer
    assert M.is_positive
    assert N.is_integer
    assert fixed_effect(3).is_real
    assert not fixed_effect(3).is_positive
    assert random_effect(0).is_real
    assert effect_covariance(2, 2).is_positive
    assert effect_covariance(1, 2).is_positive is None
    assert effect_covariance(1, 2).is_real


def test_names():
    assert str(fixed_effect(12)) == "beta12"
    assert str(random_effect(0)) == "u0"
    assert effect_covariance(2, 1) == effect_covariance(1, 2)
    assert str(effect_covariance(2, 1)) == "Sigma12"
    # from the tenth on, row and column need a mark between them
    assert str(effect_covariance(1, 10)) == "Sigma1_10"
    assert len({str(effect_covariance(i, j)) for i in range(1, 13) for j in range(i, 13)}) == 78


@pytest.mark.parametrize(
    "name",
    [
        "beta0",
        "beta12",
        "sigma2",
        "sigma2_g",
        "Sigma11",
        "Sigma12_g",
        "phi",
        "m",
        "m_prime",
        "m_a",
        "n",
        "n_h",
        "N",
        "u0",
        "u11",
        "pi",
        "E",
        "I",
        "oo",
    ],
)
def test_our_names_are_reserved(name):
    assert RESERVED.match(name)


@pytest.mark.parametrize(
    "name", ["x", "beta", "b0", "sigma", "mu", "u", "nn", "n_x", "age", "M", "Sigma", "phi2", "pie"]
)
def test_other_names_are_free(name):
    assert not RESERVED.match(name)


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("beta0", r"\beta_0"),
        ("beta12", r"\beta_{12}"),
        ("sigma2", r"\sigma^2"),
        ("Sigma12", r"\Sigma_{12}"),
        ("u0", "u_0"),
        ("x", None),
        ("phi", None),
    ],
)
def test_latex_of_our_names(name, latex):
    assert symbol_latex(name) == latex


def test_latex_of_every_symbol_of_a_model_is_distinct():
    symbols = [PHI, SIGMA2, *(fixed_effect(i) for i in range(12)), *(random_effect(i) for i in range(12))]
    symbols += [effect_covariance(i, j) for i in range(1, 12) for j in range(i, 12)]
    shown = [symbol_latex(symbol.name) or symbol.name for symbol in symbols]
    assert len(set(shown)) == len(shown)
