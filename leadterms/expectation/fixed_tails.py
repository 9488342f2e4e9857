r"""Tails of the fixed part c(X) of a linear predictor, over the predictors that carry no random effect.

c(X) is affine in the predictors with unbounded laws, their coefficients b constant: c(X) = bounded + normal of variance
v + sum b X, X with tails that end or are heavy.

**Heavy**: P(x < X < x + 1) >= e^{-o(x^2)}, as x goes to an end that is infinite (for a discrete law P(x <= X < x + 1)).
Where the logarithm of a density has a derivative that is o(x) its integral is o(x^2).  Exponential, gamma, Laplace and
Student laws are heavy so, and the Poisson law, e^{-x log x + O(x)}.

**Light**: P(X > x) <= e^{-g x^2} for every g and all x >= x_g, as where the derivative of the logarithm of a density is
less than -g x for every g, such as that of the logarithm of a gamma variable to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import (
    And,
    Expr,
    Gt,
    Integer,
    Lt,
    Matrix,
    Ne,
    Or,
    Poly,
    Symbol,
    Tuple,
    diff,
    expand_log,
    false,
    limit,
    log,
    oo,
)
from sympy.logic.boolalg import Boolean

from leadterms.errors import UndecidedError
from leadterms.expectation.held import variables_of
from leadterms.expectation.random_rows import BlockA, is_bounded
from leadterms.expectation.support import require_smooth
from leadterms.expectation.tails import SIDES, tail_rates
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw, PoissonLaw


@dataclass(frozen=True)
class FixedTails:
    """The tails of c(X).

    Parameters
    ----------
    variance
        v, of the normal part.
    below, above
        Where the tail is heavy: true, false, or inequalities in the coefficients.  Where it is not, c(X) less its
        normal part is bounded on that side, or has a light tail.
    is_light
        Whether there is a light tail.

    """

    variance: Expr
    below: Boolean
    above: Boolean
    is_light: bool = False

    @property
    def both(self) -> Boolean:
        """Where both are heavy."""
        return Or(*(_and(low, high) for low in Or.make_args(self.below) for high in Or.make_args(self.above)))


def fixed_tails(block: BlockA) -> FixedTails | None:
    """Return the tails of the fixed part, None where a predictor enters otherwise, or its tail is not known."""
    variance: Expr = Integer(0)
    below: list[Boolean] = []
    above: list[Boolean] = []
    light = False
    fixed = block.eta.xreplace({u: Integer(0) for u in block.effects})
    random = [block.eta.diff(u) for u in block.effects]
    everything = {x for binding in block.bindings for x in variables_of(binding)}
    for binding in block.bindings:
        variables, law = variables_of(binding), binding[1]
        if is_bounded(binding) and not _is_smooth(fixed, binding):
            return None
        if is_bounded(binding) or not fixed.has(*variables) or any(slope.has(*variables) for slope in random):
            continue
        slopes = _slopes(fixed, variables)
        if slopes is None or any(slope.free_symbols & everything for slope in slopes):
            return None
        if isinstance(law, NormalLaw | JointNormalLaw):
            spread = Matrix(law.covariance) if isinstance(law, JointNormalLaw) else Matrix([[law.args[1] ** 2]])
            variance += (slopes.T * spread * slopes)[0]
            continue
        unbounded = [side for side, end in zip(SIDES, law.support, strict=True) if end.is_finite is False]
        sides = [side for side in unbounded if is_heavy(law, side)]
        if not unbounded or not all(side in sides or is_light(law, side) for side in unbounded):
            return None
        light = light or len(sides) < len(unbounded)
        if not sides:
            continue
        b = slopes[0]
        below.append(Ne(b, 0) if len(sides) > 1 else Lt(b, 0) if sides[0] > 0 else Gt(b, 0))
        above.append(Ne(b, 0) if len(sides) > 1 else Gt(b, 0) if sides[0] > 0 else Lt(b, 0))
    return FixedTails(variance.expand(), Or(false, *below), Or(false, *above), light)


def _is_smooth(fixed: Expr, binding: Tuple) -> bool:
    """Tell whether the fixed part surely is bounded on the bounded support of a predictor, the others held."""
    if fixed.is_polynomial(*variables_of(binding)) or binding[1].atoms_with_probability is not None:
        return True
    try:
        require_smooth([fixed], [binding])
    except UndecidedError:
        return False
    return True


def _and(first: Boolean, second: Boolean) -> Boolean:
    """Return the conjunction of two of b < 0, b > 0, b != 0; sympy leaves those of one b as they are."""
    if first.args == second.args and first != second:
        return second if isinstance(first, Ne) else first if isinstance(second, Ne) else false
    return And(first, second)


def _slopes(fixed: Expr, variables: Sequence[Symbol]) -> Matrix | None:
    """Return the coefficients of predictors, None where they do not enter affinely."""
    if not fixed.is_polynomial(*variables) or Poly(fixed, *variables).total_degree() > 1:
        return None
    return Matrix([fixed.diff(x) for x in variables])


def is_heavy(law: Law, side: int) -> bool:
    """Tell whether a law's tail on an unbounded side is surely heavy."""
    if isinstance(law, PoissonLaw):
        return True
    try:
        if tail_rates(law)[SIDES.index(side)] != oo:
            return True
    except UndecidedError:
        return False
    return not law.is_discrete and _log_slope_by_x(law, side) == 0


def is_light(law: Law, side: int) -> bool:
    """Tell whether a law's tail on an unbounded side is surely light."""
    return not law.is_discrete and _log_slope_by_x(law, side) == -oo


def _log_slope_by_x(law: Law, side: int) -> Expr | None:
    """Return the limit of (log f)'(x)/x for the density f on a side, None where it is not found."""
    x = Symbol("x", positive=True)
    try:
        return limit(diff(expand_log(log(law.density_beside(side * x, side * oo, -side)), force=True), x) / x, x, oo)
    except (NotImplementedError, ValueError):
        return None


def has_all_moments(binding: Tuple) -> bool:
    """Tell whether every moment of a predictor is surely finite."""
    law = binding[1]
    if isinstance(law, JointNormalLaw) or is_bounded(binding):
        return True
    try:
        return all(rate.is_extended_positive is True for rate in tail_rates(law))
    except UndecidedError:
        return False
