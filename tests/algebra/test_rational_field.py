"""Fields of fractions: reduced shapes, exact zero tests with exponentials and surds, linear algebra."""

import random

import pytest
from sympy import (
    Abs,
    E,
    Expr,
    Function,
    I,
    Integer,
    Integral,
    Matrix,
    Rational,
    Symbol,
    cosh,
    coth,
    csch,
    erf,
    exp,
    log,
    oo,
    pi,
    sech,
    sinh,
    sqrt,
    symbols,
    tanh,
)

from leadterms.algebra.exponents import coordinates, lattice_basis
from leadterms.algebra.rational_field import (
    SingularError,
    determinant,
    inverse,
    lift,
    schur_complement,
)
from leadterms.errors import LeadtermsError

x, y = symbols("x y", real=True)
s, t, k = symbols("s t k", positive=True)
z = Symbol("z")


class Held(Expr):
    """An expression class that the field has never heard of."""

    is_commutative = True


VANISHING = [
    cosh(x) ** 2 - sinh(x) ** 2 - 1,
    tanh(2 * x) - 2 * tanh(x) / (1 + tanh(x) ** 2),
    coth(x) - 1 / tanh(x),
    sech(x) * cosh(x) + csch(x) * sinh(x) - 2,
    exp(x / 2) ** 3 * exp(y / 3) - exp(3 * x / 2 + y / 3),
    exp((x + y) ** 2) - exp(x**2) * exp(2 * x * y) * exp(y**2),
    exp(x**2 / (1 - x)) * exp(x) - exp(x / (1 - x)),
    exp(exp(x) - exp(x) * (1 + z)) - exp(-z * exp(x)),
    exp(Rational(1, 2)) ** 2 - E,
    exp(2 * z + log(s)) - s * exp(z) ** 2,
    exp(z * log(s) / 2 + y) ** 2 - s**z * exp(2 * y),
    sqrt(2) * sqrt(3) - sqrt(6),
    1 / (sqrt(2) + sqrt(3)) - sqrt(3) + sqrt(2),
    1 / (1 + 2 ** Rational(1, 3)) - (1 - 2 ** Rational(1, 3) + 4 ** Rational(1, 3)) / 3,
    1 / (1 + sqrt(2) + sqrt(3) + sqrt(5)) * (1 + sqrt(2) + sqrt(3) + sqrt(5)) - 1,
    (sqrt(x + y) - sqrt(x - y)) * (sqrt(x + y) + sqrt(x - y)) - 2 * y,
    (1 - s**2 * t) ** Rational(3, 2) - sqrt(1 - s**2 * t) + s**2 * t * sqrt(1 - s**2 * t),
    sqrt((1 - x) * (1 + x)) - sqrt(1 - x**2),
    sqrt(x / y) ** 3 - x / y * sqrt(x / y),
    sqrt(8 - 8 * x) - 2 * sqrt(2) * sqrt(1 - x),
    sqrt(1 + sqrt(z)) ** 2 - 1 - sqrt(z),
    z ** Rational(1, 2) - (z ** Rational(1, 6)) ** 3,
    sqrt(x**2 + 2 * x * y + y**2) - Abs(x + y),
    Abs(x) ** 2 - x**2,
    (1 - x * s) ** (k + 2) / (1 - x * s) ** k - (1 - x * s) ** 2,
    4**k - 2 ** (2 * k),
    (s * t) ** k - s**k * t**k,
    (1 + I) ** 2 - 2 * I,
    erf((x + 1) ** 2) - erf(x**2 + 2 * x + 1),
    log(9) - 2 * log(3),
]

NOT_VANISHING = [
    cosh(x) ** 2 - sinh(x) ** 2 - 1 + Rational(1, 10**30),
    sqrt(2) + sqrt(3) - Rational(31462643699419723, 10**16),
    sqrt(z**2) - z,
    sqrt(x**2) - x,
    sqrt(x) * sqrt(y) - sqrt(x * y),
    exp(x) - 1 - x - x**2 / 2,
    exp(sqrt(2)) - exp(1) ** Rational(7, 5),
    (1 - x) ** k - (x - 1) ** k,
    2**k - 3**k,
    erf(x) + erf(-x) + log(1 + x**2),
    pi**2 - 10,
]


@pytest.mark.parametrize("expr", VANISHING, ids=str)
def test_identities_lift_to_zero(expr):
    _, (value,) = lift([expr])
    assert value.is_zero


@pytest.mark.parametrize("expr", NOT_VANISHING, ids=str)
def test_near_misses_are_not_zero(expr):
    _, (value,) = lift([expr])
    assert not value.is_zero


def test_generators_are_the_fewest_exponentials():
    field, _ = lift([exp(x / 2 + y) + exp(x / 2 - y), sinh(2 * y)])
    assert len(field.generators) == 2


def test_unknown_nodes_are_opaque_and_taken_as_they_are():
    held, integral = Held(x, y), Integral(exp(-(z**2)) * exp(x * z), (z, -oo, oo))
    field, values = lift([exp(x) * held + 1, integral / held])
    assert set(field.generators) == {exp(x), held, integral}
    assert field.to_sympy(values[1]) == integral / held


def test_equal_arguments_of_opaque_functions_are_one_generator():
    f = Function("f")
    field, (a, b) = lift([f(sinh(x) / cosh(x)), f(tanh(x))])
    assert a == b
    assert len(field.generators) == 1


@pytest.mark.parametrize("expr", [Rational(1, 2) * 1.5 * x, oo + 0 * x, Symbol("A", commutative=False)], ids=str)
def test_inexact_and_noncommutative_input_is_refused(expr):
    with pytest.raises(LeadtermsError, match=r"needed|no floating-point"):
        lift([expr])


@pytest.mark.parametrize("expr", [1 / (cosh(x) ** 2 - sinh(x) ** 2 - 1), (sech(x) * cosh(x) - 1) ** -z], ids=str)
def test_division_by_a_hidden_zero_is_refused(expr):
    with pytest.raises(SingularError, match="vanishes identically"):
        lift([expr])


def test_arithmetic_keeps_the_reduced_shape():
    field, (a, b, r) = lift([x + y, x - y, sqrt(x)])
    quotient = (a**2 - b**2) / (4 * field.one) / a
    assert quotient * a == (a - b) * (a + b) * Rational(1, 4)
    assert 1 - a / b == -2 * (a - b) / (2 * b)
    assert (1 / (1 + r)) * (1 + r) == 1
    assert field.to_sympy(field.rationalised(1 / (1 + r))) == (sqrt(x) - 1) / (x - 1)
    assert 1 / (1 + r) == (1 - r) / (1 - r**2)
    assert r**2 != r
    assert (r**2 - r * r).is_zero
    assert hash(a + b) == hash(b + a)
    assert a != lift([x + y])[1][0]


def test_fractions_are_immutable_and_fields_do_not_mix():
    _, (a,) = lift([x])
    _, (b,) = lift([x])
    with pytest.raises(AttributeError):
        a.numerator = None
    with pytest.raises(LeadtermsError, match="two different fields"):
        a + b
    with pytest.raises(LeadtermsError, match="rational number is needed"):
        a + 0.5


def symmetric(size):
    entries = {
        (i, j): (i + 1) * x**j + sinh((j + 1) * y) + sqrt(s + i) * int(i == j < 2)
        for i in range(size)
        for j in range(i + 1)
    }
    field, values = lift(entries.values())
    table = dict(zip(entries, values, strict=True))
    return field, [[table[max(i, j), min(i, j)] for j in range(size)] for i in range(size)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_inverse_times_matrix_is_the_identity(size):
    _, matrix = symmetric(size)
    found = inverse(matrix)
    for i in range(size):
        for j in range(size):
            assert sum(matrix[i][p] * found[p][j] for p in range(size)) == int(i == j)
            assert found[i][j] == found[j][i]


@pytest.mark.parametrize("hole", [None, (3, 3), (0, 0), (1, 4)], ids=str)
def test_a_dense_inverse_of_six_rows(hole):
    """Of independent symbols, one entry zero in some: at random numbers it is the inverse by numbers."""
    size, draw = 6, random.Random(str(hole))
    names = {(i, j): Symbol(f"h{i}{j}") for i in range(size) for j in range(i, size) if (i, j) != hole}
    flat = [names.get((min(i, j), max(i, j)), Integer(0)) for i in range(size) for j in range(size)]
    field, entries = lift(flat)
    found = inverse([entries[size * i : size * (i + 1)] for i in range(size)])
    values = {symbol: Rational(draw.randint(-9, 9) or 1, draw.randint(1, 5)) for symbol in names.values()}
    numbers = Matrix(size, size, [entry.xreplace(values) for entry in flat])
    exact = numbers.inv()
    for i in range(size):
        for j in range(size):
            assert field.to_sympy(found[i][j]).xreplace(values) == exact[i, j]


@pytest.mark.parametrize("twice", [False, True])
def test_a_dense_inverse_with_rational_factors(twice):
    """By minors where each entry is one product, by elimination where some are sums: the inverse by numbers."""
    size, draw = 6, random.Random(twice)
    h = [[Symbol(f"h{min(i, j)}{max(i, j)}") for j in range(size)] for i in range(size)]
    factors = {symbol: Rational(draw.randint(1, 9), draw.randint(1, 9)) for row in h for symbol in row}
    rows = [[symbol * factors[symbol] for symbol in row] for row in h]
    if twice:
        rows = [[entry.xreplace({h[4][5]: h[0][1] + h[0][0], h[3][5]: h[0][1]}) for entry in row] for row in rows]
        rows = [[0 * entry if i != j and max(i, j) < 4 else entry for j, entry in enumerate(row)]
                for i, row in enumerate(rows)]  # fmt: skip
    field, entries = lift(entry for row in rows for entry in row)
    found = inverse([entries[size * i : size * (i + 1)] for i in range(size)])
    values = {symbol: Rational(draw.randint(-9, 9) or 1, draw.randint(1, 5)) for symbol in factors}
    exact = Matrix(size, size, [entry.xreplace(values) for row in rows for entry in row]).inv()
    for i in range(size):
        for j in range(size):
            assert field.to_sympy(found[i][j]).xreplace(values) == exact[i, j]


@pytest.mark.parametrize("size", [2, 4])
def test_a_matrix_of_products_that_is_singular_is_refused(size):
    field, (a, b, zero) = lift([x, y, Integer(0)])
    rows = [[zero] * size for _ in range(size)]
    rows[0][:2], rows[1][:2] = [a * a, a * b], [a * b, b * b]
    for k in range(2, size):
        rows[k][k] = field.one
    with pytest.raises(SingularError, match="rank is"):
        inverse(rows)


def test_schur_complement_is_the_inverse_of_a_block_of_the_inverse():
    _, matrix = symmetric(3)
    found = schur_complement(matrix, [1], [2, 0])
    block = inverse(found)
    whole = inverse(matrix)
    assert [[block[i][j] == whole[a][b] for j, b in enumerate([2, 0])] for i, a in enumerate([2, 0])] == [
        [True] * 2
    ] * 2


def test_schur_complement_without_elimination_is_the_block():
    _, matrix = symmetric(2)
    assert schur_complement(matrix, [], [1, 0]) == (
        (matrix[1][1], matrix[1][0]),
        (matrix[0][1], matrix[0][0]),
    )


def test_determinant_agrees_with_sympy():
    entries = Matrix([[0, x, y], [x, 0, 1], [y, 1, x * y]])
    _, values = lift([*entries, entries.det()])
    rows = [values[0:3], values[3:6], values[6:9]]
    assert determinant(rows) == values[9]


def test_singular_matrices_are_refused_by_inverse_and_have_determinant_zero():
    _, (a, b, c) = lift([cosh(x) ** 2, sinh(x) * cosh(x), sinh(x) ** 2])
    matrix = [[a, b], [b, c]]
    assert determinant(matrix) == 0
    with pytest.raises(SingularError, match="rank is 1 of 2"):
        inverse(matrix)
    with pytest.raises(SingularError):
        schur_complement([[a - a, b], [b, c]], [0], [1])


def test_misshapen_matrices_are_refused():
    _, (a, b) = lift([x, y])
    with pytest.raises(LeadtermsError, match="square"):
        inverse([[a, b]])
    with pytest.raises(LeadtermsError, match="symmetric"):
        inverse([[a, b], [a, a]])
    with pytest.raises(LeadtermsError, match="both"):
        schur_complement([[a, b], [b, a]], [0], [0, 1])
    with pytest.raises(LeadtermsError, match="empty"):
        determinant([])
    assert inverse([]) == ()


@pytest.mark.parametrize("rows", [[(6, 4), (4, 10), (2, 6)], [(1, 1, 0), (0, 1, 1), (1, 0, -1)], [(4,), (6,)]])
def test_lattice_basis_spans_the_rows_with_integer_coordinates(rows):
    basis = lattice_basis(rows)
    found = coordinates(basis, rows)
    assert len(basis) == Matrix(rows).rank()
    for row, vector in zip(rows, found, strict=True):
        assert tuple(sum(c * b[i] for c, b in zip(vector, basis, strict=True)) for i in range(len(row))) == row
