"""Leading parts in the sizes: against the sums themselves at large sizes, and what is refused."""

from __future__ import annotations

import pytest
from sympy import Integer, Rational, Symbol, symbols

from leadterms import ModelError
from leadterms.asymptotics.regime import all_growing, read_regime
from leadterms.asymptotics.size_series import (
    Quotient,
    inverse_series,
    leading,
    limit_matrix,
    monomial,
    negligible,
    quotient_sum,
    series,
)

M, K, N = SIZES = tuple(Symbol(name, integer=True, positive=True) for name in ("m", "m_prime", "n"))
A, B, PHI = symbols("a b phi", positive=True)
ALL = all_growing(SIZES)


def test_monomials_are_collected_and_cancel():
    assert series((M - 1) * (K - 1) + M - 1 + K, ALL) == {(1, 1, 0): 1}
    assert series(A / M + B / (M * N) + Integer(0), ALL) == {(-1, 0, 0): A, (-1, 0, -1): B}
    assert series(Integer(0), ALL) == {}
    fixed = read_regime("m -> oo, n = 3", SIZES)
    assert series((N - 1) * M * A + K, fixed) == {(1,): 2 * A, (0,): K}


def test_what_is_no_sum_of_monomials_is_refused():
    with pytest.raises(ModelError, match="is not a monomial in the sizes"):
        series(1 / (M + K), ALL)


def test_the_largest_monomials_stay():
    rank = series(M * K * N - M - K + 1, ALL)
    assert leading(rank, ALL) == {(1, 1, 1): 1}
    assert leading(series(A / M + B / K + PHI / (M * K * N), ALL), ALL) == {(-1, 0, 0): A, (0, -1, 0): B}
    smaller = read_regime("m, m_prime, n -> oo with m << m_prime", SIZES)
    assert leading(series(A / M + B / K, smaller), smaller) == {(-1, 0, 0): A}


def test_a_sum_of_quotients_is_its_leading_part_at_large_sizes():
    value = Rational(1, 2)
    parts = [
        Quotient(A * M * (K * N) ** 2, K * N * A + N * B + PHI, 2),
        Quotient(Integer(1) * (K * N) ** 2, M * N * B + K * N * A, 2),
    ]
    found = quotient_sum(parts, ALL)
    assert found == {(1, 0, 0): 1 / A}
    large = {M: 10**9, K: 10**8, N: 10**8, A: value, B: 3, PHI: 2}
    whole = sum(part.numerator / part.denominator**part.power for part in parts).subs(large)
    assert float(whole / (M / A).subs(large)) == pytest.approx(1, abs=1e-5)


def test_a_denominator_in_which_nothing_dominates_is_refused_unless_it_does_not_matter():
    rival = Quotient(M * K, M * A + K * B)
    with pytest.raises(ModelError, match=r"leaves the leading term undefined: neither of .* dominates"):
        quotient_sum([rival], ALL)
    assert quotient_sum([rival, Quotient(M * K, PHI)], ALL) == {(1, 1, 0): 1 / PHI}
    assert quotient_sum([rival], ALL, beside=(2, 2, 1)) == {}
    smaller = read_regime("m, m_prime, n -> oo with m << m_prime", SIZES)
    assert quotient_sum([rival], smaller) == {(1, 0, 0): 1 / B}


def test_a_matrix_is_normalised_and_its_small_limit_inverted():
    entries = [
        [[Quotient(M * A, Integer(1))], [Quotient(M * B, Integer(1))], [Quotient(M, Integer(1))]],
        [[Quotient(M * N * PHI + M * B, Integer(1))], [Quotient(M * N, Integer(1))]],
        [[Quotient(M * N * A + M, Integer(1))]],
    ]
    names = ["p", "q", "r"]
    matrix = limit_matrix(entries, names, ALL)
    assert matrix.rates == ((1, 0, 0), (1, 0, 1), (1, 0, 1))
    assert matrix.limit.tolist() == [[A, 0, 0], [0, PHI, 1], [0, 1, A]]
    inverse = inverse_series(matrix, names, ALL)
    assert set(inverse) == {(0, 0), (1, 1), (1, 2), (2, 2)}
    assert inverse[0, 0] == {(-1, 0, 0): 1 / A}
    whole = [[M * A, M * B, M], [M * B, M * N * PHI + M * B, M * N], [M, M * N, M * N * A + M]]
    from sympy import Matrix

    exact = Matrix(whole).subs({A: 3, B: 2, PHI: 5, M: 10**6, N: 10**6}).inv()
    for (i, j), own in inverse.items():
        ((key, value),) = own.items()
        limit = (value * monomial(key, ALL)).subs({A: 3, B: 2, PHI: 5, M: 10**6, N: 10**6})
        assert float(exact[i, j] / limit) == pytest.approx(1, abs=1e-4)


def test_no_information_and_a_singular_limit_are_refused():
    with pytest.raises(ModelError, match="p is not identified in the regime"):
        limit_matrix([[[Quotient(Integer(0), PHI)]]], ["p"], ALL)
    one = [Quotient(M, Integer(1))]
    with pytest.raises(ModelError, match="is singular in the limit"):
        inverse_series(limit_matrix([[one, one], [one]], ["p", "q"], ALL), ["p", "q"], ALL)


def test_a_covariance_is_negligible_beside_every_pair_of_rates():
    rates = {(-1, 0, 0): A, (0, -1, 0): B}
    assert negligible({(-1, -1, -1): PHI}, rates, {(-1, -1, -1): PHI}, ALL)
    assert not negligible({(-1, 0, 0): PHI}, rates, {(-1, 0, 0): PHI}, ALL)
