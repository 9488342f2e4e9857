"""The general certified road of an average: slower than a kernel, for every weight and law whose bounds are known."""

from __future__ import annotations

from leadterms.errors import UncertifiedError
from leadterms.evaluation.average_layout import Layout
from leadterms.evaluation.certified.tools.work import require_patience
from leadterms.evaluation.held_plan import OUTSIDE, Average
from leadterms.evaluation.integrand_bound import integrand_bound
from leadterms.evaluation.moment_families import families_of
from leadterms.evaluation.road import Road

NAME = "general certified road, slower than a kernel"
MOST_EFFECTS = 3
"""Nodes in more dimensions than these usually are too many."""


def general_road(average: Average) -> Road:
    """Return the road of an average whose integrand is rational in weighted moments of polynomial predictors.

    Without random effects it may be any function of the moments that has balls.

    Raises
    ------
    UncertifiedError
        If the average has another form, or no bound of its integrand is known for large random effects.

    """
    effects, symbols = average.effects, tuple(average.inner)
    if len(effects.symbols) > MOST_EFFECTS:
        require_patience(f"an average over {len(effects.symbols)} random effects")
    factors = {s for moment in average.inner.values() for _, c in moment.polynomial for s in c.free_symbols}
    if not symbols or factors & set(effects.symbols):
        raise UncertifiedError(OUTSIDE)
    if effects.symbols and not average.integrand.is_rational_function(*symbols, *effects.symbols):
        raise UncertifiedError("no certified road: the integrand is not rational in the moments of the weight")
    families = families_of(average)
    above, inverse = integrand_bound(average) if effects.symbols else (None, None)
    layout = Layout(average, families, above, inverse)
    return Road(NAME, layout.numbers, layout.enclose)
