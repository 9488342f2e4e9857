"""Groups of each arm, where a group-level predictor has finitely many values."""

from __future__ import annotations

from collections.abc import Mapping

from flint import arb
from sympy import Expr, Symbol

from leadterms.evaluation.precision import ball_precision
from leadterms.expectation.held import variables_of
from leadterms.inference.contrast_variance import exact_ball
from leadterms.inference.least_size import rounded_up
from leadterms.inference.quantiles import BITS
from leadterms.model.laws import Law
from leadterms.model.statement import Model


def groups_by_arm(model: Model, point: Mapping[Symbol, Expr], groups: arb) -> dict[str, dict[str, int]]:
    """Return for each group-level predictor its values, and the groups that have them.

    Each is the unrounded number of all groups times the probability of the value, rounded up once: arms of equal
    probability have equal numbers of groups, and their sum may exceed the number of groups in all.

    Parameters
    ----------
    model
        With groups of one grouping factor.
    point
        Values of parameters inside the laws.
    groups
        The number of all groups before rounding.

    """
    found: dict[str, dict[str, int]] = {}
    if len(model.groupings) != 1:
        return found
    for variable, law in model.bindings:
        (name, *others) = (symbol.name for symbol in variables_of((variable, law)))
        if others or name not in dict(model.levels) or not isinstance(law, Law):
            continue
        shares = [(value, share.xreplace(dict(point))) for value, share in law.atoms_with_probability or ()]
        # what is not needed for the variance need not be given
        if shares and not any(share.free_symbols for _, share in shares):
            found[name] = {str(value): _share(share, groups) for value, share in shares}
    return found


def _share(probability: Expr, groups: arb) -> int:
    with ball_precision(BITS):
        return rounded_up(groups * exact_ball(probability))
