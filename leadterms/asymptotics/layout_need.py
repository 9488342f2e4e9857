"""Which models go the way of balanced layouts: a question that costs no imports of that way."""

from __future__ import annotations

from leadterms.expectation.held import variables_of
from leadterms.model.laws import Law
from leadterms.model.statement import Model


def needs_layout(model: Model, regime: str | None) -> bool:
    """Tell whether a model is stated beyond one grouping factor with m groups of n observations, both growing."""
    return bool(
        len(model.groupings) > 1 or regime is not None or model.centred or model.designed or _has_many_values(model)
    )


def _has_many_values(model: Model) -> bool:
    """Tell whether a group-level predictor of a Gaussian model has infinitely many values."""
    if not model.is_linear:
        return False
    own = [law for first, law in model.bindings if set(variables_of((first, law))) & set(model.group_level)]
    return any(not isinstance(law, Law) or law.atoms_with_probability is None for law in own)
