"""Choose the certified road of an average, by properties: kind of weight, class of the laws, how effects enter.

A road is chosen once for a coefficient, with the parameters as symbols; at a point it gets numbers only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flint import arb
from sympy import Add, Expr, Integer, Matrix, Mul, Poly, Symbol

from leadterms.errors import EvaluationError, UncertifiedError
from leadterms.evaluation.compile_balls import ball_program
from leadterms.evaluation.general_road import general_road
from leadterms.evaluation.held_plan import AffinePredictor, Average, affine, monomial_terms
from leadterms.evaluation.internal import internal
from leadterms.evaluation.road import Numbers, Road
from leadterms.evaluation.schur import schur_structure
from leadterms.evaluation.weighted_moment import WeightedMoment, shifted_monomial
from leadterms.expectation.gaussian import normal_polynomial_moment
from leadterms.model.laws import Law, NormalLaw, UniformLaw
from leadterms.model.weights import LogisticWeight


def roads(average: Average) -> tuple[Road, ...]:
    """Return the roads that fit, the fastest first; none where no bound is proven.

    Raises
    ------
    UncertifiedError
        If there is none: which property is missing.

    """
    shared = _shared(average)
    fast: list[Road] = []
    if shared is not None:
        kernels = (_logistic_line, _uniform_intercept, _normal_intercept, _uniform_slope)
        fast = [found for kernel in kernels if (found := kernel(average, shared)) is not None]
    if not fast or len(average.effects.symbols) < 2:
        try:
            return (*fast, general_road(average))
        except UncertifiedError:
            if not fast:
                raise
    return tuple(fast)


@dataclass(frozen=True)
class _Shared:
    """What all inner moments of an average have in common: predictors, laws, weight, linear predictor."""

    moment: WeightedMoment
    predictor: AffinePredictor


def _shared(average: Average) -> _Shared | None:
    moments = list(average.inner.values())
    if not moments or len({(m.weight, m.eta, m.variables, m.laws) for m in moments}) > 1:
        return None
    if average.integrand.free_symbols & set(average.effects.symbols):
        return None
    predictor = affine(moments[0].eta, moments[0].variables, average.effects.symbols)
    return None if predictor is None else _Shared(moments[0], predictor)


def _is_logistic(shared: _Shared, law: type[Law]) -> bool:
    return isinstance(shared.moment.weight, LogisticWeight) and all(isinstance(one, law) for one in shared.moment.laws)


def _is_intercept(shared: _Shared) -> bool:
    """Tell whether there is one random effect, and it moves all predictors' rows alike."""
    loadings = shared.predictor.loadings
    return len(loadings) == 1 and all(part == 0 for part in loadings[0][1:])


def _standard_moments(count: int) -> tuple[Symbol, ...]:
    return tuple(internal(f"m{k}") for k in range(count))


def _in_standard_moments(average: Average, expand: Callable[[tuple[int, ...]], dict[int, Expr]]) -> tuple[Expr, int]:
    """Write the integrand in moments of one standardised predictor, given how a monomial of predictors expands."""
    expansions: dict[Symbol, dict[int, Expr]] = {}
    for symbol, moment in average.inner.items():
        total: dict[int, Expr] = {}
        for exponents, coefficient in moment.polynomial:
            for k, c in expand(exponents).items():
                total[k] = total.get(k, Integer(0)) + coefficient * c
        expansions[symbol] = total
    count = 1 + max(k for total in expansions.values() for k in total)
    m = _standard_moments(count)
    values = {symbol: sum((c * m[k] for k, c in total.items()), Integer(0)) for symbol, total in expansions.items()}
    return average.integrand.xreplace(values), count


def _uniform_intercept(average: Average, shared: _Shared) -> Road | None:
    if not (_is_logistic(shared, UniformLaw) and len(shared.moment.laws) == 1 and _is_intercept(shared)):
        return None
    lower, upper = shared.moment.laws[0].args
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    integrand, count = _in_standard_moments(average, lambda e: shifted_monomial(e[0], middle, half))
    terms = monomial_terms(integrand, _standard_moments(count))
    if terms is None or not all(_supported(powers) for _, powers in terms):
        return None
    from leadterms.evaluation.kernels.uniform_intercept import uniform_intercept

    slope = shared.predictor.slopes[0]
    numbers = (*_centre_and_variance(average, shared, slope * middle), slope * half, *(c for c, _ in terms))

    def enclose(values: Numbers, bits: int) -> arb:
        centre, variance, slope, *coefficients = values
        powers = [power for _, power in terms]
        return uniform_intercept(bits, centre, slope, variance, list(zip(coefficients, powers, strict=True)))

    return Road("logistic weight, one random intercept, a uniform predictor", numbers, enclose)


def _centre_and_variance(average: Average, shared: _Shared, shift: Expr) -> tuple[Expr, Expr]:
    load = shared.predictor.loadings[0][0]
    centre = shared.predictor.constant + shift + load * average.effects.mean[0]
    return centre, load**2 * average.effects.covariance[0, 0]


def _supported(powers: tuple[int, ...]) -> bool:
    """Linear terms of low order, and monomials in m_0 (any power) and m_1."""
    if sum(powers) == 1 and set(powers) <= {0, 1}:
        return len(powers) <= _LINEAR_ORDERS
    return not any(powers[2:]) and all(power >= 0 for power in powers[1:])


_LINEAR_ORDERS = 3


def _normal_intercept(average: Average, shared: _Shared) -> Road | None:
    """Several normal predictors are one: given eta, the others are normal too and leave polynomials."""
    if not (_is_logistic(shared, NormalLaw) and _is_intercept(shared)):
        return None
    terms, predictors = _normal_terms(average, shared)
    if terms is None or not all(_supported(powers) for _, powers in terms):
        return None
    from leadterms.evaluation.kernels.normal_intercept import normal_intercept

    inputs = tuple(sorted(set().union(*(c.free_symbols for c, _ in terms)) - set(predictors.shares), key=str))
    coefficients = ball_program((*predictors.shares, *inputs), tuple(c for c, _ in terms))
    numbers = (*_centre_and_variance(average, shared, predictors.shift), *predictors.scales, *inputs)
    size = len(predictors.scales)

    def enclose(values: Numbers, bits: int) -> arb:
        centre, variance, *rest = values
        slope, shares = _direction(rest[:size])
        found = coefficients(*shares, *rest[size:])
        powers = [power for _, power in terms]
        return normal_intercept(bits, centre, slope, variance, list(zip(found, powers, strict=True)))

    return Road("logistic weight, one random intercept, normal predictors", numbers, enclose)


def _logistic_line(average: Average, shared: _Shared) -> Road | None:
    """No random effects, normal predictors: every moment is an integral over the line."""
    if average.effects.symbols or not _is_logistic(shared, NormalLaw):
        return None
    symbols = tuple(average.inner)
    standard = [replace(average, integrand=symbol) for symbol in symbols]
    parts = [_normal_terms(one, shared) for one in standard]
    from leadterms.evaluation.kernels.gaussian_line import gaussian_line

    predictors = parts[0][1]
    orders = 1 + max(_order(powers) for terms, _ in parts for _, powers in terms or ())
    table = [[Integer(0)] * orders for _ in symbols]
    for row, (terms, _) in zip(table, parts, strict=True):
        for coefficient, powers in terms or ():
            row[_order(powers)] += coefficient
    flat = tuple(entry for row in table for entry in row)
    parameters = average.integrand.free_symbols - set(symbols)
    inputs = tuple(sorted(set().union(parameters, *(c.free_symbols for c in flat)) - set(predictors.shares), key=str))
    coefficients = ball_program((*predictors.shares, *inputs), flat)
    outer = ball_program((*symbols, *inputs), (average.integrand,))
    numbers = (shared.predictor.constant + predictors.shift, *predictors.scales, *inputs)
    size = len(predictors.scales)

    def enclose(values: Numbers, bits: int) -> arb:
        centre, *rest = values
        slope, shares = _direction(rest[:size])
        if slope.is_zero():
            raise EvaluationError("the linear predictor is constant: close the expectation at this point")
        found = coefficients(*shares, *rest[size:])
        rows = [found[i * orders : (i + 1) * orders] for i in range(len(symbols))]
        moments = [gaussian_line(bits, centre, slope * slope, _rescaled(row, slope)) for row in rows]
        return outer(*moments, *rest[size:])[0]

    return Road("logistic weight, normal predictors", numbers, enclose)


def _rescaled(row: Sequence[arb], slope: arb) -> list[arb]:
    """Return the coefficients of powers of T = slope Z, given those of powers of Z."""
    return [entry / slope**k for k, entry in enumerate(row)]


def _order(powers: tuple[int, ...]) -> int:
    return powers.index(1)


@dataclass(frozen=True)
class _NormalPredictors:
    """x_i = mean_i + sd_i xi_i; xi = share Z + rest, where eta depends on Z alone and rest is independent of it."""

    shift: Expr
    scales: tuple[Expr, ...]
    shares: tuple[Symbol, ...]


def _normal_terms(
    average: Average, shared: _Shared
) -> tuple[list[tuple[Expr, tuple[int, ...]]] | None, _NormalPredictors]:
    """Return an integrand as monomials in E[Z^k w], Z the direction of the normal predictors in which eta moves."""
    laws, slopes = shared.moment.laws, shared.predictor.slopes
    shares = tuple(internal(f"r{i}") for i in range(len(laws)))
    rest = tuple(internal(f"e{i}") for i in range(len(laws)))
    z = internal("z")
    spread = Matrix.eye(len(laws)) - Matrix(shares) * Matrix(shares).T

    def monomial(exponents: tuple[int, ...]) -> dict[int, Expr]:
        factors = [
            (law.args[0] + law.args[1] * (share * z + e)) ** power
            for law, share, e, power in zip(laws, shares, rest, exponents, strict=True)
        ]
        given = normal_polynomial_moment(Mul(*factors), rest, [Integer(0)] * len(laws), spread)
        return {degree: c for (degree,), c in Poly(given, z).terms()}

    shift = Add(*(slope * law.args[0] for slope, law in zip(slopes, laws, strict=True)))
    scales = tuple(slope * law.args[1] for slope, law in zip(slopes, laws, strict=True))
    integrand, count = _in_standard_moments(average, monomial)
    return monomial_terms(integrand, _standard_moments(count)), _NormalPredictors(shift, scales, shares)


def _direction(scales: Sequence[arb]) -> tuple[arb, list[arb]]:
    """Return the length of a vector and the vector divided by it; any direction serves a vector that is zero."""
    if all(scale.is_zero() for scale in scales):
        return arb(0), [arb(1)] + [arb(0)] * (len(scales) - 1)
    if len(scales) == 1:
        return scales[0], [arb(1)]
    length = sum((scale * scale for scale in scales), arb(0)).sqrt()
    return length, [scale / length for scale in scales]


def _uniform_slope(average: Average, shared: _Shared) -> Road | None:
    """A random intercept and slope of one uniform predictor, a second uniform predictor without: Schur complement."""
    loadings = shared.predictor.loadings
    if not (_is_logistic(shared, UniformLaw) and len(shared.moment.laws) == len(loadings) == 2):
        return None
    structure = schur_structure(average)
    if structure is None or structure.reduced not in ((1, 0), (0, 1)):
        return None
    fixed = structure.reduced.index(1)
    random = 1 - fixed
    if any(loading[1 + fixed] != 0 for loading in loadings):
        return None
    ones = [loading[0] for loading in loadings], [loading[1 + random] for loading in loadings]
    return _slope_road(average, shared, random, ones, structure.factor)


def _slope_road(
    average: Average, shared: _Shared, random: int, load: tuple[list[Expr], list[Expr]], factor: Expr
) -> Road:
    from leadterms.evaluation.kernels.uniform_slope import uniform_slope

    fixed = 1 - random
    ends = [law.args for law in shared.moment.laws]
    middle = [(lower + upper) / 2 for lower, upper in ends]
    half = [(upper - lower) / 2 for lower, upper in ends]
    mean, covariance = Matrix(average.effects.mean), Matrix(average.effects.covariance)
    # the effect on the level at the middle of x, and on the slope in units of half the range
    rows = Matrix([[a + middle[random] * b for a, b in zip(*load, strict=True)], [half[random] * b for b in load[1]]])
    shift = rows * mean
    spread = rows * covariance * rows.T
    slopes = shared.predictor.slopes
    centre = shared.predictor.constant + slopes[0] * middle[0] + slopes[1] * middle[1] + shift[0]
    numbers = (
        centre,
        slopes[random] * half[random] + shift[1],
        slopes[fixed] * half[fixed],
        spread[0, 0],
        spread[0, 1],
        spread[1, 1],
        factor * half[fixed] ** 2,
    )

    def enclose(values: Numbers, bits: int) -> arb:
        centre, slope, fixed, first, mixed, second, scale = values
        return scale * uniform_slope(bits, centre, slope, fixed, (first, mixed, second))

    return Road("logistic weight, random intercept and slope, uniform predictors", numbers, enclose)
