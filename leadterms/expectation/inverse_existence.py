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
  conditional variance V, which is at least 1 where the average is infinite.  As v'H_AA^{-1}v >= |v|^4/(v'H_AA v), all
  of this holds for the average of v'H_AA^{-1}v alone, v linear in u and not zero, besides that of the trace.
- *A random intercept alone*, H_AA(u) = E[w(c(X) + u)].  With bounded X it decays like e^{-u^2/2} times e^{O(|u|)}:
  finite where sigma^2 < 1, infinite where sigma^2 > 1.  If c(X) = c_0 + Z with Z bounded plus normal of variance v,
  then E[e^{-(u + Z)^2/2}] decays like e^{-u^2/(2(1 + v))}: finite where sigma^2 < 1 + v, infinite beyond.  With
  predictors besides whose tails are heavy (`fixed_tails`) on one side of c(X) only the other side decays so, which
  changes nothing for an intercept but for rows that take both signs (`row_conditions`); on both H_AA decays like
  e^{-o(u^2)}: finite.  This holds with any rows, the predictors of these in a bounded set.  A light tail changes
  nothing for an intercept alone: where Z takes u back by more than d|u| the probability is at most e^{-g d^2 u^2} for
  every g, and else w is at most what it is at (1 - d)u, for every d > 0.
- *As many support points as random effects*: H_AA^{-1} is the sum over k of 1/{p_k w(eta_k)} times d_k d_k', d_k the
  dual basis: finite exactly where each Var(U'a_k) < 1 (averages over other predictors as above).  With more points see
  `row_conditions`.

**Complementary log-log**: see `cloglog_existence`.

What none of this settles is undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sympy import (
    Add,
    Expr,
    ImmutableMatrix,
    Integer,
    Matrix,
    Mul,
    Poly,
    Symbol,
    erfc,
    exp,
    false,
    fraction,
    sqrt,
    together,
)

from leadterms.errors import ExistenceError
from leadterms.expectation.cloglog_existence import cloglog_inverse_exists
from leadterms.expectation.fixed_tails import fixed_tails
from leadterms.expectation.gaussian import tilt
from leadterms.expectation.held import Expectation, variables_of
from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided
from leadterms.expectation.random_rows import BlockA, is_bounded, spanning_rows, straightened_block
from leadterms.expectation.row_conditions import Sides, where_rows_vary_less
from leadterms.expectation.support import is_smooth_and_bounded
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

AT_MOST_EXPONENTIAL = (ConstantWeight, ExponentialWeight, LogisticWeight, SaturatingWeight)
"""Weights with w(eta) >= c e^(-r|eta|)."""


def inverse_exists(block: BlockA) -> Existence:
    """Return whether E[p(U) H_AA^{-1}] exists for every polynomial p."""
    if isinstance(block.weight, AT_MOST_EXPONENTIAL):
        return EXISTS
    block, _ = straightened_block(block)
    if isinstance(block.weight, CloglogWeight):
        return cloglog_inverse_exists(block)
    found, tails = spanning_rows(block), fixed_tails(block)
    if tails is not None and tails.is_light and not _is_constant(block.rows):
        tails = None
    if not isinstance(block.weight, ProbitWeight) or found is None:
        return undecided("the growth of the inverse information could not be decided")
    limit, heavy = (Integer(1), false) if tails is None else (1 + tails.variance, tails.both)
    sides: Sides | None = None
    if tails is not None:
        sides = "both" if tails.below == tails.above else "one"
    return where_rows_vary_less(block, found, limit, heavy, sides)


def regression_exists(block: BlockA, others: Sequence[Expr]) -> Existence:
    """Return whether E[p(U) H_AA^{-1} H_AB] exists for every polynomial p.

    |H_AA^{-1} H_Ab|^2 <= H_bb/lambda_min(H_AA).  For bounded weights H_bb is at most sup w E[b^2], so that it exists
    where the inverse does; for a random intercept alone it is a mean of b weighted by w, no larger than |b|.  For rows
    a_s that take finitely many values, with W_s = P(s) E[w | s] and m_s the mean of b weighted by w given s, it is by
    Cramer's rule, Cauchy and Binet the mean of the solutions A_B^{-1} m_B over bases B of rows, weighted by
    det(A_B)^2 prod_B W_s: no larger than the largest of |A_B^{-1}| sup|b|, whatever the weight.

    For the rows 1 and x, x and all else bounded, b and the fixed part of eta polynomials in x: let m(x) be the mean of
    b weighted by w given x.  The coefficients are those of the regression of m on x weighted by E[w | x]: a slope
    Cov(m, x)/Var(x), in modulus at most sup|m'|, as Cov(m, x) = E[(m(x) - m(y))(x - y)]/2 for two copies, and a
    constant at most sup|m| + sup|m'| sup|x|.  With l = (log w)' the derivative m' is the weighted mean of b' and the
    weighted covariance of b and l(eta) eta' given x, at most sup|b'| + 2 sup|b| sup|l(eta) eta'|.  Under the
    complementary log-log link l = 2 - t/(1 - e^{-t}), t = e^eta, so that |l| <= 3 + e^eta; under the probit link it is
    -2 eta - phi/Phi + phi/(1 - Phi), and |l| <= 4|eta| + 2 by phi/(1 - Phi) <= |eta| + 1.  With |eta| and |eta'|
    at most C (1 + |u|) these bounds have finite averages, whatever the variances.

    For exponential weights H_bb(u) grows exponentially, or like the exponential of a quadratic form where a normal
    predictor carries a random slope: then the average is closed, with the condition for that (`gaussian.tilt`).
    """
    if isinstance(block.weight, AT_MOST_EXPONENTIAL) or not others:
        return EXISTS
    block, others = straightened_block(block, tuple(others))
    constant = _is_constant(block.rows)
    touched = [b for b in block.bindings if any(term.has(*variables_of(b)) for term in others)]
    if (constant or _take_few_values(block)) and all(is_bounded(binding) for binding in touched):
        return EXISTS
    if _is_bounded_line(block, others):
        return EXISTS
    found = inverse_exists(block)
    if found.verdict is True:
        return Existence(True, found.conditions, not found.conditions)
    return undecided("whether the average of the regression of block B on block A exists could not be decided")


def _is_bounded_line(block: BlockA, others: Sequence[Expr]) -> bool:
    """Tell whether the rows are a constant and a bounded predictor, in which all else, bounded too, is polynomial."""
    if len(block.rows) != 2:
        return False
    fixed = block.eta.xreplace(dict.fromkeys(block.effects, Integer(0)))
    touched = [b for b in block.bindings if any(e.has(*variables_of(b)) for e in (fixed, *block.rows, *others))]
    constants = [row for row in block.rows if row.is_number and row != 0]
    lines = [row for row in block.rows if not row.is_number]
    if len(constants) != 1 or not all(map(is_bounded, touched)):
        return False
    slopes = [b[0] for b in touched if (lines[0] / b[0]).cancel().is_number]
    if len(slopes) != 1 or not all(e.is_polynomial(slopes[0]) for e in (fixed, *others)):
        return False
    return all(is_smooth_and_bounded(e, touched) for e in (fixed, *others))


def _take_few_values(block: BlockA) -> bool:
    """Tell whether the rows take finitely many values, which span."""
    rows = spanning_rows(block)
    return rows is not None and rows.complete and Matrix.hstack(*rows.points).rank() == len(block.rows)


def _is_constant(rows: Sequence[Expr]) -> bool:
    """Tell whether there is one row, that of an intercept."""
    return len(rows) == 1 and not rows[0].free_symbols


def entry_exists(
    integrand: Expr, block: BlockA, otherwise: Existence, *, is_variance: bool = False, is_plain: bool = False
) -> Existence:
    """Return whether the average of one entry exists: by its own terms where they are monomials in weights at points.

    Parameters
    ----------
    integrand
        In the effects and weights that are kept whole.
    block
        Block A.
    otherwise
        What holds for all entries.
    is_variance
        Whether the entry is of the form v'H^{-1}v.
    is_plain
        Whether it is of the form v'H^{-1}w, v and w out of e_k and u_k e_l + u_l e_k.

    """
    if isinstance(block.weight, AT_MOST_EXPONENTIAL):
        return EXISTS
    if len(block.rows) > 1:
        if (is_variance and otherwise.of_all) or (is_plain and otherwise.of_pairs):
            return otherwise
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
