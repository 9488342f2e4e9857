r"""Does E[p(U) H_AA(U)^{-1}] exist for normal random effects U and polynomials p: decided by growth.

H_AA(u) = E[w(eta) a a' | u] with a = X_A, eta = c(X) + u'a, and E[a a'] > 0.

**Weights with tails no lighter than exponential** (constant, exponential, logistic, saturating: w(eta) >= c e^{-r|eta|}
for some c, r > 0).  Choose support points, or small sets around them, whose rows a span: on them w(eta) is at least
c' e^{-r'|u|}, so that H_AA^{-1} grows at most like e^{r'|u|}, and every normal law bears that.

**Probit.**  w(eta) lies between constants times e^{-eta^2/2} and (1 + |eta|) e^{-eta^2/2}.

- *Sufficient.*  If rows a_1, ..., a_d span, with neighbourhoods of probability p_k, then (for a predictor with a
  density the rows of any neighbourhood of one point span: they are linearly independent functions of it)
  H_AA >= sum_k p_k w(eta_k) a_k a_k' and the inverse is at most the sum of the terms 1/(p_k w(eta_k)) times constants;
  E[p(U)/w(eta_k)] is finite where Var(U'a_k) < 1.  A predictor with a density is taken where Var(U'a) is least on its
  support, V.
- *One predictor x in the rows, with a density on an interval, rows affine in it*: finite where V < 1, infinite where
  V > 1.  Let a_0 = a(x_0) be the row of least variance and S the covariance of U.  The rows are convex, so that
  a(x)'S a_0 >= V for all x in the support (a projection).  At u = t S a_0 eta is at least t V less a constant for
  bounded x, and H_AA at most e^{-t^2 V^2/2 + O(t)}, against the density e^{-t^2 V/2}, in a tube of width 1/t.  For
  unbounded x the slope's effect is zero along S a_0: in the tube where it cancels the fixed slope, U'a has the
  conditional variance V, which is at least 1 where the average is infinite.
- *A random intercept alone*, H_AA(u) = E[w(c(X) + u)].  With bounded X it decays like e^{-u^2/2} times e^{O(|u|)}:
  finite where sigma^2 < 1, infinite where sigma^2 > 1.  If c(X) = c_0 + Z with Z bounded plus normal of variance v,
  then E[e^{-(u + Z)^2/2}] decays like e^{-u^2/(2(1 + v))}: finite where sigma^2 < 1 + v, infinite beyond.
- *As many support points as random effects*: H_AA^{-1} is the sum over k of 1/{p_k w(eta_k)} times d_k d_k', d_k the
  dual basis: finite exactly where each Var(U'a_k) < 1 (averages over other predictors as above).

**Complementary log-log.**  w(eta) decays like e^{2 eta - e^eta} to the right.  With bounded X and a combination of
a that is positive on the support H_AA decays so in some open cone of u: never finite.  A random intercept with
c(X) = c_0 + bounded + normal of variance v: H_AA(u) >= P(c(X) + u in [-1, 0]) w(-1)-ish decays like e^{-u^2/(2v)},
up to e^{O(u log u)}: finite where sigma^2 < v, infinite where sigma^2 > v.  A random slope alone, a proportional to one
predictor: if that takes both signs then, whichever way u goes, eta goes to minus infinity on part of the support, where
w(eta) >= e^eta/(e - 1) for eta <= 0, so that H_AA^{-1} grows at most like e^{r|u|}: finite.  If it stays on one side of
zero, away from it but for where it is zero itself and adds nothing to E[w a a'], with bounded X, eta goes to infinity
everywhere else: infinite.

What none of this settles is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from sympy import (
    Add,
    Expr,
    ImmutableMatrix,
    Integer,
    Lt,
    Matrix,
    Mul,
    Poly,
    Symbol,
    Tuple,
    erfc,
    exp,
    false,
    fraction,
    sign,
    sqrt,
    together,
    true,
)
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError
from leadterms.expectation.gaussian import tilt
from leadterms.expectation.held import Expectation, variables_of
from leadterms.expectation.random_rows import BlockA, is_bounded, nearest, spanning_rows
from leadterms.model.laws import JointNormalLaw, NormalLaw
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

Verdict = bool | Literal["undecided"]


@dataclass(frozen=True)
class Existence:
    """Whether an expectation exists.

    Parameters
    ----------
    verdict
        True, where the conditions hold; False for all parameters; or "undecided".
    conditions
        Strict inequalities in the parameters.
    exact
        Whether the expectation is infinite as soon as one of them fails strictly. Where one holds with equality,
        and where they are only sufficient and fail, existence is undecided.
    reason
        Why it does not exist, or is undecided.

    """

    verdict: Verdict = True
    conditions: tuple[Boolean, ...] = ()
    exact: bool = True
    reason: str = ""

    def at(self, point: Mapping[Symbol, Expr]) -> Existence:
        """Return what is known at a point; conditions whose parameters have no value stay."""
        left: dict[Boolean, None] = {}
        verdict: Verdict = self.verdict
        reason = self.reason
        for condition in self.conditions:
            holds = condition.xreplace(dict(point))
            if holds == true:
                continue
            if holds != false:
                left[condition] = None
                continue
            equal = (condition.lhs - condition.rhs).xreplace(dict(point)) == 0
            shown = f"{condition} fails" + (" with equality" if equal else "")
            if self.exact and not equal:
                return Existence(False, self.conditions, self.exact, f"infinite: {shown}")
            verdict, reason = "undecided", f"{shown}, and it is not known to be necessary" if not equal else shown
        return Existence(verdict, tuple(left), self.exact, reason)

    def not_necessary(self) -> Existence:
        """Return the same with conditions that are only known to suffice."""
        if self.verdict is False:
            return undecided(f"the inverse information as a whole is {self.reason}")
        return replace(self, exact=self.exact and not self.conditions)

    def __and__(self, other: Existence) -> Existence:
        """Return what is known where both must exist."""
        for one in (self, other):
            if one.verdict is False:
                return one
        conditions = tuple(dict.fromkeys((*self.conditions, *other.conditions)))
        if "undecided" in (self.verdict, other.verdict):
            reason = "; ".join(dict.fromkeys(one.reason for one in (self, other) if one.reason))
            return Existence("undecided", conditions, False, reason)
        # a condition that is necessary for one of them is necessary for both
        necessary = {condition for one in (self, other) if one.exact for condition in one.conditions}
        return Existence(True, conditions, set(conditions) <= necessary)


EXISTS = Existence()
AT_MOST_EXPONENTIAL = (ConstantWeight, ExponentialWeight, LogisticWeight, SaturatingWeight)
"""Weights with w(eta) >= c e^(-r|eta|)."""


def undecided(reason: str) -> Existence:
    """Return that nothing is known."""
    return Existence("undecided", (), False, reason)


def inverse_exists(block: BlockA) -> Existence:
    """Return whether E[p(U) H_AA^{-1}] exists for every polynomial p."""
    if isinstance(block.weight, AT_MOST_EXPONENTIAL):
        return EXISTS
    widening = _normal_variance(block)
    if isinstance(block.weight, CloglogWeight):
        return _cloglog(block, widening)
    found = spanning_rows(block)
    if not isinstance(block.weight, ProbitWeight) or found is None:
        return undecided("the growth of the inverse information could not be decided")
    points = found.points
    if len(block.rows) == 1 and points and points[0].free_symbols == set():
        points = nearest(points)
    limit = Integer(1) if widening is None else 1 + widening
    conditions: dict[Boolean, None] = {}
    for row in points:
        conditions[Lt((row.T * block.covariance * row)[0].expand(), limit)] = None
    exact = found.convex or (widening is not None and found.complete and len(points) == len(block.rows))
    kept = tuple(c for c in conditions if c != true)
    if false in conditions:
        return Existence(False, reason="infinite") if exact else undecided("a sufficient condition fails")
    return Existence(True, kept, exact)


def regression_exists(block: BlockA, others: Sequence[Expr]) -> Existence:
    """Return whether E[p(U) H_AA^{-1} H_AB] exists for every polynomial p.

    |H_AA^{-1} H_Ab|^2 <= H_bb/lambda_min(H_AA).  For bounded weights H_bb is at most sup w E[b^2], so that it exists
    where the inverse does; for a random intercept alone it is a mean of b weighted by w, no larger than |b|.  For
    exponential weights H_bb(u) grows exponentially, or like the exponential of a quadratic form where a normal
    predictor carries a random slope: then the average is closed, with the condition for that (`gaussian.tilt`).
    """
    if isinstance(block.weight, AT_MOST_EXPONENTIAL) or not others:
        return EXISTS
    constant = len(block.rows) == 1 and not block.rows[0].free_symbols
    touched = [b for b in block.bindings if any(term.has(*variables_of(b)) for term in others)]
    if constant and all(is_bounded(binding) for binding in touched):
        return EXISTS
    found = inverse_exists(block)
    if found.verdict is True:
        return Existence(True, found.conditions, not found.conditions)
    return undecided("whether the average of the regression of block B on block A exists could not be decided")


def entry_exists(integrand: Expr, block: BlockA, otherwise: Existence) -> Existence:
    """Return whether the average of one entry exists: by its own terms where they are monomials in weights at points.

    Parameters
    ----------
    integrand
        In the effects and weights that are kept whole.
    block
        Block A.
    otherwise
        What holds for all entries.

    """
    if isinstance(block.weight, AT_MOST_EXPONENTIAL):
        return EXISTS
    if len(block.rows) > 1:
        # what is infinite for the whole inverse may be finite for one of its entries
        otherwise = otherwise.not_necessary()
    held = integrand.atoms(Expectation)
    if any(node.bindings for node in held):
        return otherwise
    found = EXISTS
    above, below = fraction(together(integrand))
    # only the numerator is multiplied out: a factor of the denominator that is a sum stays one
    for term in Add.make_args(above.expand()):
        one = _monomial_exists(term / below, block)
        if one is None:
            return otherwise
        found = found & one
    return found


def _monomial_exists(term: Expr, block: BlockA) -> Existence | None:
    """Decide a monomial in weights: w(eta_1)^{e_1} ... times a polynomial, None for another form."""
    exponent: Expr = Integer(0)
    inverse = False
    for factor in Mul.make_args(term):
        base, power = factor.as_base_exp()
        if not factor.has(*block.effects):
            continue
        if isinstance(base, Expectation) and power.is_Integer:
            at = _linear_part(base.integrand, block.weight, block.effects)
            if at is None:
                return None
            inverse = inverse or power.is_negative
            exponent += -power * at**2 / 2
        elif not factor.is_polynomial(*block.effects):
            return None
    if exponent == 0 or not inverse:
        return EXISTS
    if isinstance(block.weight, CloglogWeight):
        whole = sum(1 for f in Mul.make_args(term) if isinstance(f.as_base_exp()[0], Expectation))
        if whole == 1:
            return Existence(False, reason="infinite: 1/w grows like exp(exp(eta)), and eta is normal")
        return None
    return _gaussian_exists(exponent.expand(), block.effects, ImmutableMatrix(block.covariance))


@lru_cache(maxsize=256)
def _gaussian_exists(exponent: Expr, effects: tuple[Symbol, ...], covariance: ImmutableMatrix) -> Existence:
    """Decide E[p(U) e^exponent] for a quadratic exponent."""
    try:
        square = tilt(exponent, effects, [Integer(0)] * len(effects), covariance)
    except ExistenceError as error:
        return Existence(False, reason=f"infinite: {error}")
    assert square is not None
    return Existence(True, square.conditions)


@lru_cache(maxsize=256)
def _linear_part(at_point: Expr, weight: Weight, effects: tuple[Symbol, ...]) -> Expr | None:
    """Return u'a of a weight at a point of the design, found by matching it with the weight."""
    for candidate in _etas(at_point, effects):
        if (weight.at(candidate) - at_point).expand() == 0:
            return Add(*(candidate.diff(u) * u for u in effects))
    return None


def _etas(integrand: Expr, effects: Sequence[Symbol]) -> list[Expr]:
    """Return affine expressions of the effects in an integrand, up to a factor of the usual arguments."""
    found: dict[Expr, None] = {}
    for node in integrand.atoms(erfc, exp):
        argument = node.args[0]
        for candidate in (argument, (argument * sqrt(2)).expand(), (argument / 2).expand()):
            if not (candidate.has(*effects) and candidate.is_polynomial(*effects)):
                continue
            if Poly(candidate, *effects).total_degree() == 1:
                found[candidate.expand()] = None
                found[(-candidate).expand()] = None
    return list(found)


def _normal_variance(block: BlockA) -> Expr | None:
    """Return the variance of the normal part of eta given U, all else in it being bounded; None if it is not so.

    Only predictors that carry no random effect count, and only where eta is affine in the normal ones.
    """
    total: Expr = Integer(0)
    fixed = block.eta.xreplace({u: Integer(0) for u in block.effects})
    random = [block.eta.diff(u) for u in block.effects]
    for binding in block.bindings:
        variables, law = variables_of(binding), binding[1]
        if not fixed.has(*variables) and not any(slope.has(*variables) for slope in random):
            continue
        if is_bounded(binding):
            continue
        if not isinstance(law, NormalLaw | JointNormalLaw) or any(slope.has(*variables) for slope in random):
            return None
        if not fixed.is_polynomial(*variables) or Poly(fixed, *variables).total_degree() > 1:
            return None
        slopes = Matrix([fixed.diff(x) for x in variables])
        if any(slope.free_symbols & _variables(block.bindings) for slope in slopes):
            return None
        spread = Matrix(law.covariance) if isinstance(law, JointNormalLaw) else Matrix([[law.args[1] ** 2]])
        total += (slopes.T * spread * slopes)[0]
    return total.expand()


def _variables(bindings: Sequence[Tuple]) -> set[Symbol]:
    return {x for binding in bindings for x in variables_of(binding)}


def _cloglog(block: BlockA, widening: Expr | None) -> Existence:
    never = Existence(False, reason="infinite: 1/w grows like exp(exp(eta)) and no unbounded predictor outweighs it")
    has_intercept = any(not row.free_symbols for row in block.rows)
    if has_intercept and all(is_bounded(binding) for binding in block.bindings):
        return never
    if len(block.rows) == 1 and has_intercept and widening is not None:
        if widening == 0:
            return never
        square = block.rows[0] ** 2
        return Existence(True, (Lt(square * block.covariance[0, 0], widening),))
    sides = _sides(block) if len(block.rows) == 1 else set()
    if sides == {-1, 1}:
        return EXISTS
    if len(sides) == 1 and all(is_bounded(binding) for binding in block.bindings):
        return never
    return undecided("the growth of the inverse information under the complementary log-log link could not be decided")


def _sides(block: BlockA) -> set[int]:
    """Return the signs that a row takes, away from zero; none where that is not known."""
    (row,) = block.rows
    laws = {variable: binding[1] for binding in block.bindings for variable in variables_of(binding)}
    touched = [variable for variable in laws if row.has(variable)]
    if len(touched) != 1:
        return set()
    law, factor = laws[touched[0]], (row / touched[0]).cancel()
    if factor.has(touched[0]):
        return set()
    if isinstance(law, JointNormalLaw):
        return {-1, 1}
    if law.atoms_with_probability is not None:
        values = [factor * value for value, _ in law.atoms_with_probability if value != 0]
        signs = {sign(value) for value in values}
        return {int(one) for one in signs} if signs <= {Integer(-1), Integer(1)} else set()
    if law.is_discrete:
        return set()
    low, high = law.support
    if low.is_extended_negative and high.is_extended_positive:
        return {-1, 1}
    ends = factor * low, factor * high
    if all(end.is_extended_positive for end in ends):
        return {1}
    return {-1} if all(end.is_extended_negative for end in ends) else set()
