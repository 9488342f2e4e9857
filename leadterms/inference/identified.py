"""Sizes at which a variance component is not told from the error variance."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from sympy import Expr, Symbol

from leadterms.errors import EvaluationError
from leadterms.expectation.held import variables_of
from leadterms.model.laws import Law
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, TOTAL, M, N


def require_identified(model: Model, sizes: Mapping[Symbol, Expr]) -> None:
    """Refuse single observations in every level of a grouping that has a random intercept, if the model is linear.

    In a Gaussian linear model a random effect on z with variance sigma^2 adds sigma^2 z^2 to the variance of an
    observation, and covariances to those that share its level. Where none do and z^2 is constant, the law of the data
    holds sigma^2 z^2 + phi, and nothing of the two apart. Under other families and links, where
    variances move with the mean, single observations may tell more: nothing is refused.

    Parameters
    ----------
    model
        The statement.
    sizes
        Numbers by symbol.

    Raises
    ------
    EvaluationError
        With the condition n > 1.

    """
    if not (model.is_linear and model.is_mixed and _are_single(sizes)):
        return
    layout = model.layout
    for effects, chosen in zip(model.random_structure, layout.groupings, strict=True):
        if layout.everything - chosen != {len(layout.factors) - 1}:
            continue  # a level has observations of several cells
        for place, index in enumerate(effects.indices):
            if _is_constant(model, model.design[index] ** 2):
                own = effects.covariance[place, place]
                raise EvaluationError(
                    f"n = 1: with one observation in each level of {effects.label}, {own} and {PHI} are not "
                    "identified, only their sum is: n > 1 is needed, or a model without this random effect of "
                    f"{effects.label}"
                )


def _are_single(sizes: Mapping[Symbol, Expr]) -> bool:
    """Tell whether there is one observation in each group, or in each cell of a layout."""
    # the mean of whole numbers from 1 on is 1 where all of them are
    return sizes.get(N) == 1 or (TOTAL in sizes and sizes.get(M) == sizes[TOTAL])


def _is_constant(model: Model, square: Expr) -> bool:
    """Tell whether a function of predictors has one value, as 1 has, and x^2 where x is -1 or 1."""
    if not square.free_symbols:
        return True
    points = []
    for variables, law in model.bindings:
        if not square.free_symbols & set(variables_of((variables, law))):
            continue
        if not isinstance(variables, Symbol) or not isinstance(law, Law) or law.atoms_with_probability is None:
            return False
        points.append([(variables, value) for value, _ in law.atoms_with_probability])
    values = {square.xreplace(dict(point)) for point in product(*points)}
    return len(values) == 1
