"""Random slopes of crossed factors: the limits against (X'V^{-1}X)^{-1} and the informations of drawn designs."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model, ModelError, leading_terms

AT = {"Sigma11_a": 0.9, "Sigma12_a": 0.3, "Sigma22_a": 0.7, "Sigma11_b": 0.5, "Sigma12_b": -0.2, "Sigma22_b": 0.6,
      "sigma2_b": 0.8, "phi": 1.2, "mu": 0.4, "s": 1.1}  # fmt: skip
LAWS = {"x": "Normal(mu, s)", "z": "Uniform(-1, 1)"}


def draw(rng, size, replicates, slopes_b):
    """Return X and the derivatives of V with their parameters, for m = m' = size."""
    a = np.repeat(np.arange(size), size * replicates)
    b = np.tile(np.repeat(np.arange(size), replicates), size)
    x = AT["mu"] + AT["s"] * rng.standard_normal(len(a))
    design = np.column_stack([np.ones(len(a)), x, rng.uniform(-1, 1, len(a))])
    same_a, same_b = ((g[:, None] == g[None, :]).astype(float) for g in (a, b))
    one, cross, square = np.ones((len(a),) * 2), x[:, None] + x[None, :], np.outer(x, x)
    parts = {"Sigma11_a": same_a * one, "Sigma12_a": same_a * cross, "Sigma22_a": same_a * square}
    if slopes_b:
        parts |= {"Sigma11_b": same_b * one, "Sigma12_b": same_b * cross, "Sigma22_b": same_b * square}
    else:
        parts |= {"sigma2_b": same_b}
    parts["phi"] = np.eye(len(a))
    return design, parts


def exact(rng, size, replicates, slopes_b):
    design, parts = draw(rng, size, replicates, slopes_b)
    covariance = sum(AT[name] * part for name, part in parts.items())
    solved = {name: np.linalg.solve(covariance, part) for name, part in parts.items()}
    information = np.array([[np.sum(p * q.T) / 2 for q in solved.values()] for p in solved.values()])
    fixed = np.linalg.inv(design.T @ np.linalg.solve(covariance, design))
    return fixed, np.linalg.inv(information), list(parts)


@pytest.mark.slow
@pytest.mark.parametrize("slopes_b", [True, False])
def test_the_limits_are_approached_as_both_factors_grow(slopes_b):
    second = "(1 + x | b)" if slopes_b else "(1 | b)"
    result = leading_terms(Model(f"y ~ x + z + (1 + x | a) + {second}", laws=LAWS))
    rng = np.random.default_rng(20221)
    errors = []
    for size in (8, 24):
        fixed, components, names = exact(rng, size, 2, slopes_b)
        at = {"m": size, "m_prime": size, "n": 2}
        own = []
        for i, first in enumerate(["1", "x", "z"]):
            for j, other in enumerate(["1", "x", "z"]):
                limit = value(result[first, other], at)
                own.append(abs(fixed[i, j] - limit) / np.sqrt(fixed[i, i] * fixed[j, j]))
        for i, first in enumerate(names):
            for j, other in enumerate(names):
                limit = value(result[first, other], at)
                own.append(abs(components[i, j] - limit) / np.sqrt(components[i, i] * components[j, j]))
        errors.append(max(own))
    # errors of order 1/size: a third from 8 to 24 levels, up to the scatter of one drawn design
    assert errors[1] < 0.15
    assert errors[1] < 0.6 * errors[0]


def value(entry, sizes):
    if not entry.terms:
        return 0.0
    used = {
        name: AT[name] for name in AT if any(name == s.name for t in entry.terms for s in t.coefficient.free_symbols)
    }
    return float(str(entry.evaluate_variance({k: str(v) for k, v in used.items()}, sizes, digits=12)))


def test_the_deck_is_a_theorem_and_other_random_terms_are_derived():
    same = leading_terms(Model("y ~ x + (1 + x | a) + (1 + x | b)", laws={"x": "Normal(0, 1)"}))
    assert same.status == "theorem"
    assert same.regime == "m, m_prime, n -> oo with m ~ m_prime"
    other = leading_terms(Model("y ~ x + (1 + x | a) + (1 | b)", laws={"x": "Normal(0, 1)"}))
    assert other.status == "derived"
    assert str(other["1"].variance) == "Sigma11_a/m + sigma2_b/m_prime"


def test_nested_slopes_of_the_lower_level_are_seen_over_all_groups():
    model = Model("y ~ x + (1 | a) + (1 + x | a:b)", laws={"x": "Normal(0, 1)"})
    result = leading_terms(model)
    assert {str(entry.parameters[0]): str(entry.variance) for entry in result if len(set(entry.parameters)) == 1} == {
        "beta0": "sigma2_a/m_a",
        "beta1": "Sigma22_a_b/(m_a*m_b)",
        "sigma2_a": "2*sigma2_a**2/m_a",
        "Sigma11_a_b": "2*Sigma11_a_b**2/(m_a*m_b)",
        "Sigma12_a_b": "(Sigma11_a_b*Sigma22_a_b + Sigma12_a_b**2)/(m_a*m_b)",
        "Sigma22_a_b": "2*Sigma22_a_b**2/(m_a*m_b)",
        "phi": "2*phi**2/(m_a*m_b*n)",
    }


@pytest.mark.parametrize(
    ("formula", "places", "regime", "message"),
    [
        ("y ~ x + (1 + x | a) + (1 | a:b)", {}, "m_a, m_b -> oo", "the observations within a level of a:b must grow"),
        ("y ~ x + (1 + x | a) + (1 | b)", {}, "m, n -> oo", "the levels of b within a level of a must grow"),
        ("y ~ x + z + (1 + x | a) + (1 | b)", {"levels": {"z": "a"}}, None, "z is not; leave its level"),
    ],
)
def test_what_leaves_effects_uncertain_is_refused(formula, places, regime, message):
    laws = {"x": "Normal(0, 1)"} | ({"z": "Bernoulli(1/2)"} if "z" in formula else {})
    with pytest.raises(ModelError, match=message):
        leading_terms(Model(formula, laws=laws, **places), regime)
