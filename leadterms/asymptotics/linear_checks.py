"""What the steps in a balanced layout say, as equalities on a road that the engine does not take.

The spectrum of V is compared with determinants of V written out, at small sizes; limits are taken of the product of
the exact information with the leading terms, both scaled to variances of one, along one path of the regime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement, product

from flint import fmpq, fmpq_mat
from sympy import Add, Expr, Integer, Matrix, Mul, Poly, Rational, Symbol, fraction, oo, together

from leadterms.asymptotics.derivation import Equality
from leadterms.asymptotics.random_points import random_points
from leadterms.asymptotics.regime import Regime
from leadterms.asymptotics.term import Terms, between
from leadterms.evaluation.compile_balls import exact_ball
from leadterms.expectation.held import Expectation
from leadterms.information.balanced import BalancedModel
from leadterms.information.strata import Strata
from leadterms.model.statement import Model

SIZES = (2, 3, 2, 3, 2, 2)
"""Of the factors in turn, where V is written out."""
SHIFTS = (Rational(1, 7), Rational(-3, 5), Rational(11, 4))
T = Symbol("t", positive=True)


def spectrum_checks(strata: Strata) -> list[Equality]:
    """The ranks add up to N, and det(V - x I) is prod (lambda_k - x)^rank_k at small sizes and rational variances."""
    layout = strata.layout
    equalities = [Equality(Add(*(stratum.rank for stratum in strata)), layout.total)]
    point, where = _small(strata)
    written = _written_out(strata, point)
    for shift in SHIFTS:
        stated = Mul(*((s.eigenvalue - shift).xreplace(point) ** s.rank.xreplace(point) for s in strata))
        shifted = written - exact_ball(shift) * _unit(written.nrows())
        equalities.append(Equality(_number(shifted.det()), stated, where))
    return equalities


def components_checks(strata: Strata, information: Matrix) -> list[Equality]:
    """The information of the variance components is tr(V^{-1} V_r V^{-1} V_s)/2, written out at small sizes."""
    point, where = _small(strata)
    inverse = _written_out(strata, point).inv()
    scaled = [inverse * _written_out(strata, {**point, **_only(own, strata)}) for own in strata.parameters]
    equalities = []
    for r, s in combinations_with_replacement(range(len(scaled)), 2):
        both = scaled[r] * scaled[s]
        trace = sum((both[i, i] for i in range(both.nrows())), fmpq(0))
        equalities.append(Equality(_number(trace / 2), information[r, s].xreplace(point), where))
    return equalities


def _small(strata: Strata) -> tuple[dict[Symbol, Expr], str]:
    """Return small sizes and rational variances, and the same in words."""
    sizes = {factor.size: Integer(n) for factor, n in zip(strata.layout.factors, SIZES, strict=False)}
    point = {**sizes, **random_points(strata.parameters, (), 1)[0]}
    return point, "at " + ", ".join(f"{symbol.name} = {value}" for symbol, value in point.items())


def _only(parameter: Symbol, strata: Strata) -> dict[Symbol, Expr]:
    return {symbol: Integer(int(symbol == parameter)) for symbol in strata.parameters}


def _written_out(strata: Strata, point: Mapping[Symbol, Expr]) -> fmpq_mat:
    """V by its entries: two observations share the components of the sets in which their levels agree."""
    units = list(product(*(range(int(point[factor.size])) for factor in strata.layout.factors)))

    def entry(a: tuple[int, ...], b: tuple[int, ...]) -> Expr:
        return Add(*(point[symbol] for chosen, symbol in strata.components if all(a[f] == b[f] for f in chosen)))

    return fmpq_mat([[exact_ball(entry(a, b)) for b in units] for a in units])


def _unit(size: int) -> fmpq_mat:
    return fmpq_mat([[int(i == j) for j in range(size)] for i in range(size)])


def _number(value: fmpq) -> Expr:
    return Rational(int(value.p), int(value.q))


def moments_checks(balanced: BalancedModel) -> list[Equality]:
    """The M_k add up to E(XX'); not for centred terms, whose own means are subtracted."""
    model = balanced.model
    if model.centred:
        return []
    total = sum((Matrix(matrix) for matrix in balanced.within), Matrix.zeros(*balanced.within[0].shape))
    pairs = combinations_with_replacement(range(len(model.design)), 2)
    return [Equality(second_moment(model, i, j), total[i, j]) for i, j in pairs]


def second_moment(model: Model, i: int, j: int) -> Expr:
    """E[X_i X_j], held over the laws that it needs."""
    product_of = model.design[i] * model.design[j]
    bindings = [b for b in model.bindings if product_of.has(*Expectation(Integer(1), b).bound_symbols)]
    return Expectation(product_of, *bindings) if bindings else product_of


def limit_checks(
    information: Matrix, parameters: Sequence[Symbol], terms: Terms, balanced: BalancedModel, regime: Regime
) -> list[Equality]:
    """Information times leading covariance, scaled to variances of one, tends to the identity along a path."""
    rates = [sum(entries) for entries in zip(*regime.rays, strict=True)]
    path = {size: T ** (2 * rate) for size, rate in zip(regime.growing, rates, strict=True)}
    fixed = dict(regime.values)
    fixed |= {size: Integer(3) for size in balanced.strata.layout.sizes if size not in path and size not in fixed}
    covariance = Matrix(
        len(parameters), len(parameters), lambda i, j: covariance_of(parameters[i], parameters[j], terms)
    )
    symbols = sorted((information.free_symbols | covariance.free_symbols) - {*path, *fixed}, key=str)
    values = random_points(symbols, [c for _, law in balanced.model.bindings for c in law.conditions], 1)[0]
    point = {**values, **fixed, **path}
    one, other = (matrix.xreplace(point) for matrix in (information, covariance))
    orders = [-_degree(other[i, i]) for i in range(len(parameters))]
    where = ", ".join(f"{size.name} = {shown}" for size, shown in path.items())
    where = f"in the limit t -> oo of {where}" + "".join(f", {s.name} = {v}" for s, v in {**fixed, **values}.items())
    size = range(len(parameters))
    equalities = []
    for i, j in product(size, size):
        found = Add(*(other[i, k] * one[k, j] for k in size)) * T ** Rational(orders[i] - orders[j], 2)
        equalities.append(Equality(_limit(found), Integer(int(i == j)), where))
    return equalities


def covariance_of(first: Symbol, second: Symbol, terms: Terms) -> Expr:
    """Return the sum of the terms of two parameters, in whichever order they are named."""
    return Add(*(term.variance for term in between(first, second, terms)))


def _degree(value: Expr) -> int:
    above, below = (Poly(part, T) for part in fraction(together(value)))
    return int(above.degree() - below.degree())


def _limit(value: Expr) -> Expr:
    """Return the limit of a quotient of polynomials in t as t tends to infinity."""
    above, below = (Poly(part, T) for part in fraction(together(value)))
    if above.is_zero or above.degree() < below.degree():
        return Integer(0)
    return above.LC() / below.LC() if above.degree() == below.degree() else oo
