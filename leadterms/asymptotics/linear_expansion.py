"""Linear mixed models in balanced layouts: from the statement and a regime to the leading terms."""

from __future__ import annotations

from functools import partial

from leadterms.asymptotics.assembly import assembled
from leadterms.asymptotics.crossed import random_slope_terms
from leadterms.asymptotics.linear import component_terms, fixed_effect_terms
from leadterms.asymptotics.linear_steps import balanced_steps, random_slope_steps
from leadterms.asymptotics.regime import Regime, all_growing, read_regime
from leadterms.asymptotics.result import Expansion
from leadterms.errors import ModelError
from leadterms.information.balanced import balanced_model
from leadterms.information.layout_moments import check_design_sizes
from leadterms.model.statement import Model
from leadterms.notation.symbols import M_PRIME


def linear_expansion(model: Model, regime: str | None) -> Expansion:
    """Return the leading terms of a linear mixed model in a balanced layout.

    Parameters
    ----------
    model
        A Gaussian model with the identity link.
    regime
        Which sizes grow; None for all of them, those of two crossed factors comparable.

    Raises
    ------
    ModelError
        If a parameter is not identified in the regime, or its leading term is undefined.

    """
    slopes = any(model.design[i] != 1 for effects in model.random_structure for i in effects.indices)
    declared = _default(model) if regime is None else read_regime(regime, model.layout.sizes)
    if slopes:
        terms = random_slope_terms(model, declared)
        steps = partial(random_slope_steps, model, declared, terms)
        return assembled(model, declared.text, terms, (), steps, 1, declared)
    check_design_sizes(model, dict(declared.values))
    balanced = balanced_model(model)
    fixed, fixed_conditions = fixed_effect_terms(balanced, declared)
    components, component_conditions = component_terms(balanced, declared)
    conditions = (*balanced.moments.conditions, *fixed_conditions, *component_conditions)
    steps = partial(balanced_steps, balanced, declared, fixed, components)
    return assembled(model, declared.text, {**fixed, **components}, conditions, steps, 1, declared)


def _default(model: Model) -> Regime:
    """Return the regime in which all sizes grow, those of two crossed factors at comparable rates."""
    sizes = model.layout.sizes
    return all_growing(sizes, ("m ~ m_prime",) if M_PRIME in sizes else ())


def check_linear(model: Model, regime: str | None) -> None:
    """Refuse what is covered for Gaussian responses with the identity link only.

    Raises
    ------
    ModelError
        If the model has another family or link.

    """
    if model.is_linear:
        return
    stated = f"the model has family {model.family.name} with the {model.link.name} link"
    if len(model.groupings) > 1:
        shown = ", ".join(":".join(grouping) for grouping in model.groupings)
        raise ModelError(
            f"several grouping factors ({shown}) are covered for Gaussian responses with the identity link only, and "
            f"{stated}: give random effects of one grouping factor"
        )
    what = "a regime is declared" if regime is not None else "predictors are centred or fixed by design"
    raise ModelError(f"{what}, which is covered for Gaussian responses with the identity link only: {stated}")
