"""Take a held coefficient apart for the kernels: outer averages, moments inside them, what enters how.

A coefficient is an expression in outer expectations.  Each of them is either an expectation of a weight over the
predictors, or an average over normal random effects of a function F of such expectations.  A plan keeps all of it
symbolic in the parameters: compiled once, it serves every point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sympy import Add, Expr, ImmutableMatrix, Integer, Poly, Symbol, Tuple, exp, fraction, together
from sympy.functions.elementary.hyperbolic import HyperbolicFunction

from leadterms.evaluation.bounded_integral import BoundedIntegral, bounded_integral
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.internal import internal
from leadterms.evaluation.signed_moments import with_signs
from leadterms.evaluation.weighted_moment import Beside, WeightedMoment, beside_each_other, weighted_moment
from leadterms.expectation.held import Expectation, outermost, variables_of
from leadterms.model.laws import JointNormalLaw, NormalLaw
from leadterms.model.weights import ExponentialWeight

ONE = Integer(1)
OUTSIDE = "no certified road: the random effects stand outside the weights"


@dataclass(frozen=True)
class Effects:
    """Jointly normal random effects: symbols, mean and covariance, in the parameters."""

    symbols: tuple[Symbol, ...]
    mean: tuple[Expr, ...]
    covariance: ImmutableMatrix


@dataclass(frozen=True)
class Average:
    """E_U[F(U, M(U))].

    Parameters
    ----------
    effects
        The random effects; none where F is a function of plain expectations.
    integrand
        F, in the effects, the parameters and the symbols of ``inner``.
    inner
        Each expectation given the effects, by its symbol.

    """

    effects: Effects
    integrand: Expr
    inner: Mapping[Symbol, WeightedMoment]

    def __hash__(self) -> int:
        return hash((self.effects, self.integrand, *self.inner.items()))

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """What it depends on."""
        parts = [*self.effects.mean, self.effects.covariance, self.integrand]
        inside = {*self.effects.symbols, *self.inner}
        for moment in self.inner.values():
            parts += [moment.eta, *(c for _, c in moment.polynomial)]
            inside |= set(moment.variables)
        found = set().union(*(part.free_symbols for part in parts)) - inside
        return tuple(sorted(found, key=str))


@dataclass(frozen=True)
class Plan:
    """A coefficient: an expression in the symbols of averages and integrals, and in parameters."""

    top: Expr
    averages: Mapping[Symbol, Average]
    integrals: Mapping[Symbol, BoundedIntegral] = field(default_factory=dict)


@lru_cache(maxsize=256)
def plan(expr: Expr) -> Plan | None:
    """Return the plan of a held coefficient, or None where an expectation has another shape."""
    averages: dict[Symbol, Average] = {}
    names: dict[Expectation, Symbol] = {}
    plain: dict[Symbol, WeightedMoment] = {}
    integrals: dict[Symbol, BoundedIntegral] = {}
    for node in sorted(outermost(expr), key=str):
        name = internal(f"A{len(names)}")
        names[node] = name
        effects = _effects(node)
        inner = sorted(outermost(node.integrand), key=str)
        if effects is not None and (inner or node.integrand.free_symbols & set(effects.symbols)):
            moments = _moments(inner)
            if moments is not None and (inner or weighted_moment(node) is None):
                symbols = {held: symbol for symbol, held in zip(moments, inner, strict=True)}
                averages[name] = _without_exponentials(effects, node.integrand.xreplace(symbols), moments)
                continue
        moment = None if inner else weighted_moment(node)
        if moment is not None:
            plain[name] = with_signs(moment)
            continue
        found = None if inner else bounded_integral(node)
        if found is None:
            return None
        integrals[name] = found
    top = expr.xreplace(names)
    if plain and not averages and not integrals:
        whole = internal("A")
        nothing = Effects((), (), ImmutableMatrix(0, 0, []))
        return Plan(whole, {whole: Average(nothing, top, plain)})
    nothing = Effects((), (), ImmutableMatrix(0, 0, []))
    averages.update({name: Average(nothing, name, {name: moment}) for name, moment in plain.items()})
    return Plan(top, averages, integrals)


@lru_cache(maxsize=1024)
def outside_weights(expr: Expr) -> bool:
    """Tell whether an average over normal effects is none of weights, whatever their means and covariances are.

    Such a coefficient is tried last: its road is the longest where it has one, as a quotient of exponentials.
    """
    for node in outermost(expr):
        effects = _effects(node)
        if effects is None or outermost(node.integrand) or not node.integrand.free_symbols & set(effects.symbols):
            continue
        found = weighted_moment(Expectation(node.integrand, *((own, _standard(law)) for own, law in node.bindings)))
        # a power of functions of effects is no weight of a linear predictor
        if found is None or any(isinstance(law, CurveLaw) for law in found.laws):
            return True
    return False


def _standard(law: NormalLaw | JointNormalLaw) -> NormalLaw | JointNormalLaw:
    if isinstance(law, NormalLaw):
        return NormalLaw(0, 1)
    return JointNormalLaw(Tuple(*[Integer(0)] * law.dimension), ImmutableMatrix.eye(law.dimension))


def _effects(node: Expectation) -> Effects | None:
    """Return the bindings of an expectation as jointly normal random effects, or None."""
    symbols: list[Symbol] = []
    mean: list[Expr] = []
    blocks: list[ImmutableMatrix] = []
    for binding in node.bindings:
        law = binding[1]
        if isinstance(law, NormalLaw):
            mean.append(law.args[0])
            blocks.append(ImmutableMatrix([[law.args[1] ** 2]]))
        elif isinstance(law, JointNormalLaw):
            mean.extend(law.mean)
            blocks.append(ImmutableMatrix(law.covariance))
        else:
            return None
        symbols.extend(variables_of(binding))
    return Effects(tuple(symbols), tuple(mean), ImmutableMatrix.diag(*blocks))


def _without_exponentials(effects: Effects, integrand: Expr, inner: Mapping[Symbol, WeightedMoment]) -> Average:
    """Take exponentials of the effects as moments without predictors: what sums over a law with few values leave.

    A quotient with hyperbolic functions is written as one of two sums of exponentials first.
    """
    hyperbolic = {part for part in integrand.atoms(HyperbolicFunction) if part.has(*effects.symbols)}
    if hyperbolic:
        above, below = fraction(together(integrand.xreplace({part: part.rewrite(exp) for part in hyperbolic})))
        integrand = above.expand() / below.expand()
    moments = dict(inner)
    for part in sorted(integrand.atoms(exp), key=str):
        eta = part.args[0]
        if eta.has(*effects.symbols) and affine(eta, (), effects.symbols) is not None:
            symbol = internal(f"M{len(moments)}")
            moments[symbol] = WeightedMoment(ExponentialWeight(ONE, ONE), eta, (), (), (((), ONE),))
            integrand = integrand.xreplace({part: symbol})
    return Average(effects, integrand, moments)


def _moments(nodes: list[Expectation]) -> dict[Symbol, WeightedMoment] | None:
    moments = _all(nodes, {})
    if moments is not None and (beside := beside_each_other(moments)):
        moments = _all(nodes, beside) or moments
    return None if moments is None else {internal(f"M{k}"): moment for k, moment in enumerate(moments)}


def _all(nodes: list[Expectation], beside: Beside) -> list[WeightedMoment] | None:
    moments = [weighted_moment(node, beside) for node in nodes]
    known = [with_signs(moment) for moment in moments if moment is not None]
    return known if len(known) == len(moments) else None


@dataclass(frozen=True)
class AffinePredictor:
    """eta = constant + sum_i slopes[i] x_i + sum_j u_j (loadings[j][0] + sum_i loadings[j][1 + i] x_i)."""

    constant: Expr
    slopes: tuple[Expr, ...]
    loadings: tuple[tuple[Expr, ...], ...]


def affine(eta: Expr, variables: tuple[Symbol, ...], effects: tuple[Symbol, ...]) -> AffinePredictor | None:
    """Return a linear predictor in its parts, or None if it is not affine in predictors and in effects."""
    symbols = (*variables, *effects)
    if not eta.is_polynomial(*symbols):
        return None
    if not symbols:
        return AffinePredictor(eta, (), ())
    parts: dict[tuple[int, ...], Expr] = dict(Poly(eta, *symbols).terms())
    size = len(variables)

    def part(*ones: int) -> Expr:
        return parts.pop(tuple(1 if i in ones else 0 for i in range(len(symbols))), Integer(0))

    constant, slopes = part(), tuple(part(i) for i in range(size))
    loadings = tuple((part(size + j), *(part(i, size + j) for i in range(size))) for j in range(len(effects)))
    return None if any(value != 0 for value in parts.values()) else AffinePredictor(constant, slopes, loadings)


@dataclass(frozen=True)
class PolynomialPredictor:
    """eta = constant + sum_m slopes[m] x^monomials[m] + sum_j u_j (loadings[j][0] + sum_m loadings[j][1 + m] x^m)."""

    constant: Expr
    monomials: tuple[tuple[int, ...], ...]
    """Exponents of the predictors, none all zero."""
    slopes: tuple[Expr, ...]
    loadings: tuple[tuple[Expr, ...], ...]


def polynomial(eta: Expr, variables: tuple[Symbol, ...], effects: tuple[Symbol, ...]) -> PolynomialPredictor | None:
    """Return a linear predictor in its parts, or None if it is not polynomial in predictors and affine in effects.

    Examples
    --------
    >>> x, u, a, b = Symbol("x"), Symbol("u"), Symbol("a"), Symbol("b")
    >>> parts = polynomial(a + b * x**2 + u * x, (x,), (u,))
    >>> parts.monomials, parts.slopes, parts.loadings
    (((1,), (2,)), (0, b), ((0, 1, 0),))

    """
    if not (eta.is_polynomial(*variables, *effects)):
        return None
    if not (variables or effects):
        return PolynomialPredictor(eta, (), (), ())
    parts: dict[tuple[int, ...], Expr] = dict(Poly(eta, *variables, *effects).terms())
    size = len(variables)
    if any(sum(exponents[size:]) > 1 for exponents in parts):
        return None
    nothing = (0,) * size
    found = {exponents[:size] for exponents in parts} - {nothing}
    monomials = tuple(sorted(found, key=lambda e: (sum(e), tuple(-k for k in e))))

    def row(*ones: int) -> tuple[Expr, ...]:
        tail = tuple(int(j in ones) for j in range(len(effects)))
        return tuple(parts.get(exponents + tail, Integer(0)) for exponents in (nothing, *monomials))

    constant, *slopes = row()
    return PolynomialPredictor(constant, monomials, tuple(slopes), tuple(row(j) for j in range(len(effects))))


def monomial_terms(expr: Expr, symbols: tuple[Symbol, ...]) -> list[tuple[Expr, tuple[int, ...]]] | None:
    """Return an expression as a sum of coefficients times integer powers of symbols, or None.

    Examples
    --------
    >>> m, k = Symbol("m"), Symbol("k")
    >>> monomial_terms((2 * m * k - k**2) / m, (m, k))
    [(2, (0, 1)), (-1, (-1, 2))]

    """
    collected: dict[tuple[int, ...], Expr] = {}
    for term in Add.make_args(expr.expand()):
        powers = term.as_powers_dict()
        exponents = tuple(powers.get(symbol, Integer(0)) for symbol in symbols)
        if not all(exponent.is_Integer for exponent in exponents):
            return None
        whole = tuple(int(exponent) for exponent in exponents)
        coefficient = term
        for symbol, exponent in zip(symbols, whole, strict=True):
            coefficient = coefficient / symbol**exponent
        if coefficient.free_symbols & set(symbols):
            return None
        collected[whole] = collected.get(whole, Integer(0)) + coefficient
    return [(c, e) for e, c in collected.items() if c != 0]
