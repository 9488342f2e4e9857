"""Choose the bound of an integrand over the random effects, or see that it is cut off, or refuse."""

from __future__ import annotations

from sympy import Symbol

from leadterms.errors import UncertifiedError
from leadterms.evaluation.ceilings import Bound, ceiling, ceiling_of_residual_information, has_curves
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.integrand_forms import InverseInformation
from leadterms.evaluation.moment_system import STRAYING
from leadterms.evaluation.residual_information import inverse_information
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.laws import Law, NormalLaw
from leadterms.model.weights import ExponentialWeight


def integrand_bound(average: Average) -> tuple[Bound | None, InverseInformation | None]:
    """Return a bound of the integrand, or its form where it is an entry of an inverse information.

    Under unbounded random slopes both are to be cut off, and the bound is that of residual information.
    """
    unbounded = _unbounded_slopes(average)
    slope = f"a random slope on a predictor with the unbounded law {unbounded[0][2]}" if unbounded else ""
    if any(isinstance(moment.weight, ExponentialWeight) for _, moment, _ in unbounded):
        raise UncertifiedError(f"no certified road: {slope}, under a weight that grows exponentially")
    above = None
    if not average.integrand.free_symbols & set(average.effects.symbols):
        # weights that leave every sector are certified under random slopes by what is known of Schur complements
        if unbounded or _strays_apart(average):
            above = ceiling_of_residual_information(average)
        if above is None and not unbounded:
            above = ceiling(average)
    if above is not None:
        return above, None
    inverse = inverse_information(average)
    if has_curves(average) and (inverse is None or not inverse.probabilities):
        raise UncertifiedError(
            "no certified road: with functions of a predictor the integrand is recognised neither as residual "
            "information nor as one over the determinant of that of the random effects"
        )
    if not unbounded:
        if inverse is None:
            raise UncertifiedError("no certified road: no bound of the integrand is known for large random effects")
        return None, inverse
    if inverse is None or not inverse.probabilities:
        raise UncertifiedError(
            f"no certified road: {slope}, in an integrand that is neither residual nor inverse information"
        )
    return None, inverse


def steep_effects(average: Average) -> frozenset[Symbol]:
    """Return the effects that move the linear predictor without bound, as they multiply an unbounded predictor."""
    return frozenset(effect for effect, _, _ in _unbounded_slopes(average))


def intercepts(average: Average) -> frozenset[Symbol]:
    """Return the effects that add the same to all linear predictors, whatever the predictors are."""
    moments = list(average.inner.values())
    found = set()
    for effect in average.effects.symbols:
        moves = {moment.eta.diff(effect) for moment in moments}
        if len(moves) == 1 and not any(move.has(*moment.variables) for move in moves for moment in moments):
            found.add(effect)
    return frozenset(found)


def _unbounded_slopes(average: Average) -> list[tuple[Symbol, WeightedMoment, Law]]:
    """Return the effects that multiply unbounded predictors, with a moment and the law of each.

    Normal predictors under exponential weights are left out: they are integrated in closed form.
    """
    return [
        (effect, moment, law)
        for moment in average.inner.values()
        for variable, law in zip(moment.variables, moment.laws, strict=True)
        if not (isinstance(moment.weight, ExponentialWeight) and isinstance(law, NormalLaw))
        and not all(end.is_finite for end in law.support)
        for effect in average.effects.symbols
        if moment.eta.diff(effect).has(variable)
    ]


def _strays_apart(average: Average) -> bool:
    """Tell whether weights that leave every sector stand at slopes that differ, within a strand or between them."""
    moments = [moment for moment in average.inner.values() if isinstance(moment.weight, STRAYING)]
    moved = {tuple(moment.eta.diff(effect) for effect in average.effects.symbols) for moment in moments}
    return len(moved) > 1 or any(
        slope.has(*moment.variables) for moment in moments for own in moved for slope in own if moment.variables
    )
