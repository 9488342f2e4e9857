r"""Does E[p(U) H_AA(U)^{-1}] exist under the complementary log-log link: w(eta) decays like e^{2 eta - e^eta} upwards.

Downwards w(eta) >= e^eta/(e - 1) for eta <= 0.  Let c(X) be eta without the random effects and a = X_A.

**Finite, whatever the covariance.**

- *A row of one effect, proportional to a predictor or smooth in a bounded one, that takes both signs*: whichever way
  u goes eta goes to minus infinity on part of the support, so that H^{-1} grows at most like e^{r|u|}.
- *Rows that are polynomials without a constant, in predictors whose densities are at least c|x|^k on one side of 0*.
  On the box |x| <= t = 1/(1 + |u|) of these predictors eta is bounded (the others held in a bounded set), and with
  x = t y E[a a'; box] is at least a power of t times E[a(y) a(y)'], y with density proportional to |y|^k: H^{-1} grows
  at most like a power of |u|.
- *c(X) has a heavy tail below* (`fixed_tails`), by a predictor that no effect multiplies: it brings eta into an
  interval with probability e^{-o(|u|^2)}, the others held in a bounded set whose rows span; where eta is negative
  without it H^{-1} grows at most like e^{r|u|}.

**Infinite, whatever the covariance**, where c(X) is bounded below.

- *One row is at least m > 0 on the support* (or at most -m), such as that of an intercept or of a function that is
  continuous and positive on a support that is closed and bounded, and all else is bounded, or unbounded with all
  moments and, with its coefficient in eta, a row itself.  Let u be t on the row, and s_j off the point where the r
  coefficients of unbounded predictors are 0, the rest in a bounded set.  Then
  eta >= m t - C - sum_j |s_j||x_j|, and for a column b of A H_bb <= E[b^2] sup_{eta >= m t/2 - C} w
  + sup w sum_j E[b^2; |x_j| > m t/(2 r |s_j|)] <= C_p (W + |s|^p) for every p, W(t) the supremum.  A v(u) that is
  linear in u and not zero has v'H^{-1}v >= |v|^4/(v'Hv) >= |v|^2/tr H, and the integral of |v|^2 over |s| <= W^{1/p}
  is at least a multiple of W^{(r + 2)/p}.  So that of v'H^{-1}v is at least one of W^{(r + 2)/p - 1}, which grows like
  e^{(1 - (r + 2)/p) e^{m t/2}} for p > r + 2: more than the normal density falls.
- *One effect, whose row is proportional to one predictor that stays on one side of zero, away from it* but for where
  it is zero itself and adds nothing to E[w a^2]: with eta = c + u x, |x| >= m, u to the side where u x > 0, x^2 w(eta)
  is at most a constant times eta^2 w(eta), eta >= m|u| - C: infinite.
- *Covariances of two effects with the rows 1 and f*, f bounded and not constant.  E|v'H^{-1}w| is infinite for all v
  and w out of e_1, e_2 and u_k e_l + u_l e_k.  Let e be one of the ends inf f and sup f that is not 0; say inf f, and
  y = f - e in [0, D] (for sup f take y = e - f and -s in place of s).  For eps > 0 let c(X) >= -C and
  P(y <= eps/2, c(X) <= C) = p > 0.  Let u = (t, s) with s in [s_0, s_0 + 1], s_0 eps/2 >= 2 C + 1, and
  T = t + s e + s eps/2 + C.  As t grows all eta do, and w falls there: w >= w(T) where y <= eps/2 and c(X) <= C, and
  w <= w(T + 1) where y >= eps, so that E[w y]/E[w] <= eps + D w(T + 1)/(p w(T)) <= 2 eps for large t, and
  E[w y^2]/E[w] <= 2 D eps.  In the columns 1 and y the vectors are v~ = (v_1, v_2 - e v_1), and

      v'H^{-1}w = {v~_2 w~_2 E[w] - (v~_1 w~_2 + v~_2 w~_1) E[w y] + v~_1 w~_1 E[w y^2]}/(E[w] E[w y^2] - E[w y]^2).

  For each of the vectors |v~_2| >= d |v~| for large t, d > 0 one of e alone: they are (1, -e), (0, 1), 2 t (1, -e),
  (0, 2 s) and (s, t - e s).  With a small eps v'H^{-1}w keeps its sign and is at least d^2 |v~||w~|/(2 E[w y^2]) in
  modulus, and 1/E[w y^2] grows like e^{e^{t/2}}.  (A constant other than 1 is a matter of the scale of its effect.)

**Normal predictors of variance v in c(X)** that no effect multiplies: given the others w averages to at least
e^{-eta^2/(2 v) - C|eta| - C} and at most, where c(X) is bounded below otherwise, e^{-eta^2/(2 v) + O(eta log eta)} for
eta > 0, without bound for eta < 0: as under the probit link with k = v, upwards alone (`row_conditions`).
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Gt, Integer, Lt, Poly, Symbol, Tuple, false, limit, log, sign, true
from sympy.logic.boolalg import Boolean

from leadterms.expectation.fixed_tails import fixed_tails, has_all_moments
from leadterms.expectation.held import variables_of
from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided
from leadterms.expectation.mapped_law import MappedLaw
from leadterms.expectation.random_rows import BlockA, is_bounded, spanning_rows
from leadterms.expectation.row_conditions import where_rows_vary_less
from leadterms.expectation.support import is_smooth_and_bounded, strict_sign
from leadterms.model.laws import (
    BetaLaw,
    ExponentialLaw,
    GammaLaw,
    JointNormalLaw,
    LaplaceLaw,
    Law,
    NormalLaw,
    TriangularLaw,
    UniformLaw,
)

NEVER = Existence(
    False, reason="infinite: 1/w grows like exp(exp(eta)) and no unbounded predictor outweighs it", of_all=True
)
UNKNOWN = "the growth of the inverse information under the complementary log-log link could not be decided"
RISING = (UniformLaw, TriangularLaw, BetaLaw, ExponentialLaw, GammaLaw, NormalLaw, LaplaceLaw)
"""Laws with a density of at least c |x - e|^k beside every point and end e of their support."""


def cloglog_inverse_exists(block: BlockA) -> Existence:
    """Return whether E[p(U) H_AA^{-1}] exists for every polynomial p."""
    signs = _signs(block)
    if signs == {-1, 1} or _rows_meet_zero(block):
        return EXISTS
    tails = fixed_tails(block)
    heavy = false if tails is None else tails.below
    if heavy == true:
        return EXISTS
    if tails is not None and tails.is_light:
        # c(X) may be unbounded below by it
        return _heavy_alone(heavy, exact=False) if heavy != false else undecided(UNKNOWN)
    if tails is not None and tails.variance == 0 and (_rises(block) or _rises_with_one(block, signs)):
        never = NEVER if heavy == false else _heavy_alone(heavy, exact=True)
        return replace(never, of_pairs=_is_line(block))
    found = spanning_rows(block)
    if tails is not None and tails.variance != 0 and found is not None:
        return where_rows_vary_less(block, found, tails.variance, heavy, "upwards")
    if heavy != false:
        return _heavy_alone(heavy, exact=False)
    return undecided(UNKNOWN)


def _heavy_alone(heavy: Boolean, *, exact: bool) -> Existence:
    return Existence(True, (heavy,), exact, sharp=frozenset(heavy.atoms(Lt, Gt)), of_all=exact)


def _rises(block: BlockA) -> bool:
    """Tell whether a row keeps away from zero, and unbounded predictors may be cancelled by their own effects."""
    unbounded = [binding for binding in block.bindings if not is_bounded(binding)]
    variables = [x for binding in unbounded for x in variables_of(binding)]
    held = [row for row in block.rows if not row.has(*variables)]
    others = [row for row in block.rows if row.has(*variables)]
    touched = [x for x in variables if any(row.has(x) for row in others)]
    if not all(row in touched for row in others) or not all(_is_straight(block, x) for x in touched):
        return False
    meeting = [binding for binding in unbounded if set(variables_of(binding)) & set(touched)]
    beside = [x for binding in meeting for x in variables_of(binding) if x not in touched]
    # what is normal jointly with a row may widen the weight
    if (beside and _fixed(block).has(*beside)) or not all(map(has_all_moments, meeting)):
        return False
    return any(strict_sign(row, block.bindings) is not None for row in held)


def _is_line(block: BlockA) -> bool:
    """Tell whether there are two rows, a constant that is not zero and one that is bounded."""
    if len(block.rows) != 2:
        return False
    constants = [row for row in block.rows if not row.free_symbols and row != 0]
    if len(constants) != 1:
        return False
    (row,) = (row for row in block.rows if row.free_symbols)
    touched = [binding for binding in block.bindings if row.has(*variables_of(binding))]
    if not touched or row.free_symbols - {x for binding in touched for x in variables_of(binding)}:
        return False
    return is_smooth_and_bounded(row, touched)


def _is_straight(block: BlockA, x: Symbol) -> bool:
    """Tell whether the linear predictor without the effects is affine in a predictor, with a constant coefficient."""
    fixed = _fixed(block)
    if not fixed.is_polynomial(x) or Poly(fixed, x).degree() > 1:
        return False
    return not fixed.diff(x).free_symbols & {y for binding in block.bindings for y in variables_of(binding)}


def _rises_with_one(block: BlockA, signs: set[int]) -> bool:
    """Tell whether the one predictor of the one row keeps to one side, and enters the rest affinely, or is bounded."""
    if len(signs) != 1:
        return False
    (own,) = (binding for binding in block.bindings if block.rows[0].has(*variables_of(binding)))
    return is_bounded(own) or _is_straight(block, own[0])


def _fixed(block: BlockA) -> Expr:
    return block.eta.xreplace({u: Integer(0) for u in block.effects})


def _rows_meet_zero(block: BlockA) -> bool:
    """Tell whether all rows are polynomials without a constant in predictors with densities at zero."""
    touched = [binding for binding in block.bindings if any(row.has(*variables_of(binding)) for row in block.rows)]
    variables = [x for binding in touched for x in variables_of(binding)]
    if not variables or not all(row.is_polynomial(*variables) for row in (*block.rows, _fixed(block))):
        return False
    at_zero = dict.fromkeys(variables, Integer(0))
    if not all(row.xreplace(at_zero).expand() == 0 for row in block.rows):
        return False
    inside = {x for binding in block.bindings for x in variables_of(binding)} - set(variables)
    if any(row.free_symbols & inside for row in block.rows):
        return False
    return all(isinstance(binding[1], JointNormalLaw) or _rises_at_zero(binding[1]) for binding in touched)


def _rises_at_zero(law: Law) -> bool:
    """Tell whether a density is surely at least c |x|^k for small x > 0, or for small x < 0."""
    if law.is_discrete or law.atoms_with_probability is not None:
        return False
    low, high = law.support
    if isinstance(law, RISING):
        return bool(low.is_extended_nonpositive and high.is_extended_nonnegative)
    side = 1 if low.is_extended_nonpositive and high.is_extended_positive else -1
    if side < 0 and not (low.is_extended_negative and high.is_extended_nonnegative):
        return False
    x = Symbol("x", positive=True)
    try:
        power = limit(x * log(law.density_beside(side * x, Integer(0), side)).diff(x), x, 0, "+")
    except (NotImplementedError, ValueError):
        return False
    return bool(power.is_finite and power.is_real)


def _signs(block: BlockA) -> set[int]:
    """Return the signs that the one row takes, away from zero; none where that is not known."""
    if len(block.rows) != 1:
        return set()
    (row,) = block.rows
    laws = {variable: binding[1] for binding in block.bindings for variable in variables_of(binding)}
    touched = [variable for variable in laws if row.has(variable)]
    if len(touched) != 1:
        return set()
    law, factor = laws[touched[0]], (row / touched[0]).cancel()
    if factor.has(touched[0]):
        return _signs_at_ends(row, touched[0], law)
    if isinstance(law, JointNormalLaw):
        return {-1, 1}
    if law.atoms_with_probability is not None:
        values = [factor * value for value, _ in law.atoms_with_probability if value != 0]
        signs = {sign(value) for value in values}
        return {int(one) for one in signs} if signs <= {Integer(-1), Integer(1)} else set()
    low, high = law.support
    if low.is_extended_negative and high.is_extended_positive:
        return {-1, 1}
    ends = factor * low, factor * high
    if isinstance(law, MappedLaw) and law.is_discrete and not law.rises:
        # reciprocals and the like of counts come near to zero
        return set()
    if law.is_discrete:
        # whole numbers, or rising functions of them: those that are not zero keep away from it
        if all(end.is_extended_nonnegative for end in ends):
            return {1}
        return {-1} if all(end.is_extended_nonpositive for end in ends) else set()
    if all(end.is_extended_positive for end in ends):
        return {1}
    return {-1} if all(end.is_extended_negative for end in ends) else set()


def _signs_at_ends(row: Expr, x: Symbol, law: Law | JointNormalLaw) -> set[int]:
    """Return both signs of a row that is smooth in one bounded predictor and has them at its ends, none for another."""
    if isinstance(law, JointNormalLaw) or law.is_discrete or law.atoms_with_probability is not None:
        return set()
    if not is_smooth_and_bounded(row, [Tuple(x, law)]):
        return set()
    first, second = (row.xreplace({x: end}) for end in law.support)
    apart = (first.is_positive and second.is_negative) or (first.is_negative and second.is_positive)
    return {-1, 1} if apart else set()
