"""Regimes: what they say, and dominance against sequences drawn from what they admit."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from scipy.optimize import linprog
from sympy import Symbol

from leadterms import LeadtermsError, ReadingError
from leadterms.asymptotics.regime import all_growing, read_regime

SIZES = tuple(Symbol(name, integer=True, positive=True) for name in ("m", "m_prime", "n"))


@pytest.mark.parametrize(
    ("text", "growing", "shown"),
    [
        ("m, m_prime, n -> oo", "m m_prime n", "m, m_prime, n -> oo"),
        ("m -> oo; m_prime -> oo, n fixed", "m m_prime", "m, m_prime -> oo, n fixed"),
        ("m, m_prime -> oo and n = 1", "m m_prime", "m, m_prime -> oo, n = 1"),
        ("n, m -> oo with n/m -> 0", "m n", "m, n -> oo with n << m, m_prime fixed"),
        ("n, m -> oo with n = o(m)", "m n", "m, n -> oo with n << m, m_prime fixed"),
        ("m, n -> infinity with m ~ n**2, m_prime is fixed", "m n", "m, n -> oo with m ~ n**2, m_prime fixed"),
    ],
)
def test_a_regime_is_read_and_said_again(text, growing, shown):
    regime = read_regime(text, SIZES)
    assert " ".join(size.name for size in regime.growing) == growing
    assert str(regime) == shown
    assert read_regime(shown, SIZES) == regime


def test_sizes_without_a_number_are_given():
    regime = read_regime("m -> oo, n = 4", SIZES)
    assert regime.given(SIZES) == (SIZES[1],)
    assert regime.at_values(SIZES[1] * SIZES[2]) == 4 * SIZES[1]


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ("m, q -> oo", "'q' is not a size of the model", "q"),
        ("m, n", "it does not say what becomes of m, n", None),
        ("m -> oo, m fixed", "m both grows and stays fixed", None),
        ("n fixed", "no size grows", None),
        ("m -> oo with n << m", "n is compared with another size, but does not grow", None),
        ("m, n -> oo with n << m, m << n", "its relations contradict each other", None),
        ("m, n -> oo with m ~ n, m << n", "its relations contradict each other", None),
        ("m, n -> oo with m + 1 << n", "'m + 1' is not a product of powers of sizes", "m + 1 << n"[:5]),
        ("m, n -> oo with m*( << n", "cannot be read", None),
        ("m -> oo, n = 0", "a size is a whole number, 1 or more", None),
        ("m -> 0", "write a ratio that tends to 0", None),
        ("m -> oo, n = 4, n = 5", "what becomes of n is stated twice", "n = 5"),
        ("m, m_prime -> oo, m = m_prime", "write m = 4 for a number, m ~ m_prime for comparable rates", "m = m_prime"),
        ("", "no size grows", None),
    ],
)
def test_a_bad_regime_is_refused_with_the_place(text, message, caret):
    with pytest.raises(ReadingError) as refused:
        read_regime(text, SIZES)
    assert message in refused.value.message
    if caret is not None:
        assert text[refused.value.start :].startswith(caret)


def test_a_regime_is_text():
    with pytest.raises(LeadtermsError, match="a regime is text"):
        read_regime(3, SIZES)


@pytest.mark.parametrize("seed", range(30))
def test_dominance_is_what_all_admissible_rates_say(seed):
    """Draw regimes and pairs of monomials; rates that satisfy the relations are found by rejection."""
    rng = random.Random(seed)
    relations = rng.sample(["n << m", "m << m_prime", "m ~ m_prime", "n**2 << m*m_prime", "m ~ n**2", "m << n**3"], 2)
    try:
        regime = all_growing(SIZES, relations)
    except ReadingError as error:
        assert "contradict" in error.message  # noqa: PT017
        return
    rates = list(_admissible(rng, relations, 60))
    assert rates
    for _ in range(40):
        first, second = (tuple(rng.randint(0, 2) for _ in SIZES) for _ in range(2))
        gaps = [sum(r * (a - b) for r, a, b in zip(rate, first, second, strict=True)) for rate in rates]
        verdict = regime.compare(first, second)
        if verdict == "smaller":
            assert all(gap < 0 for gap in gaps)
        elif verdict == "larger":
            assert all(gap > 0 for gap in gaps)
        elif verdict == "same":
            assert all(gap == 0 for gap in gaps)
        else:
            low, high = _extremes([a - b for a, b in zip(first, second, strict=True)], relations)
            assert low < -1e-9
            assert high > 1e-9


ROWS = {"n << m": (1, 0, -1), "m << m_prime": (-1, 1, 0), "n**2 << m*m_prime": (1, 1, -2), "m << n**3": (-1, 0, 3)}
EQUAL = {"m ~ m_prime": (1, -1, 0), "m ~ n**2": (1, 0, -2)}


def _extremes(exponents, relations):
    """Return the least and the largest rate of a ratio over the admissible rates, by linear programming."""
    above = [[-x for x in ROWS[relation]] for relation in relations if relation in ROWS]
    equal = [EQUAL[relation] for relation in relations if relation in EQUAL]
    found = []
    for sign in (1, -1):
        solved = linprog(
            [sign * e for e in exponents],
            A_ub=above or None,
            b_ub=[0] * len(above) or None,
            A_eq=equal or None,
            b_eq=[0] * len(equal) or None,
            bounds=[(0, 1)] * 3,
        )
        found.append(sign * solved.fun)
    return found


def _admissible(rng, relations, count):
    """Yield logarithmic rates that satisfy the relations, equalities by solving for the first size."""
    tests = {
        "n << m": lambda m, k, n: n < m,
        "m << m_prime": lambda m, k, n: m < k,
        "n**2 << m*m_prime": lambda m, k, n: 2 * n < m + k,
        "m << n**3": lambda m, k, n: m < 3 * n,
    }
    found = 0
    for _ in range(20_000):
        m, k, n = (Fraction(rng.randint(1, 60), 10) for _ in range(3))
        if "m ~ n**2" in relations:
            m = 2 * n
        if "m ~ m_prime" in relations:
            k = m
        if all(tests[relation](m, k, n) for relation in relations if relation in tests):
            yield m, k, n
            found += 1
            if found == count:
                return
