"""From a model statement to the leading terms of the asymptotic covariance of its estimators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sympy import Expr, Gt, Integer, Matrix, Symbol, true
from sympy.logic.boolalg import Boolean

from leadterms.asymptotics.fixed_effects import Covariance, dispersion_term, inverse_terms, with_weights_whole
from leadterms.asymptotics.nested import (
    fixed_only_information,
    random_terms,
    variance_component_terms,
)
from leadterms.asymptotics.orders import FIXED_REGIME, NESTED_REGIME, PER_GROUPED_OBSERVATION, PER_OBSERVATION
from leadterms.asymptotics.point import ParameterSpace
from leadterms.asymptotics.result import Entry, Expansion, Step
from leadterms.asymptotics.steps import fixed_effects_steps, nested_steps
from leadterms.errors import ModelError
from leadterms.information.conditional import ConditionalInformation, conditional_information
from leadterms.information.design import check_design
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI


def leading_terms(model: Model) -> Expansion:
    """Return the leading term of the asymptotic covariance of every pair of maximum likelihood estimators.

    Without random effects it is (phi/n) H^{-1}, H = E[w(eta) X X'], as n -> oo; the first neglected term is of
    order 1/n^2.  With random effects of one grouping factor, m groups of n observations, m, n -> oo with
    n/m -> 0, let block A be the fixed effects that carry a random effect, B the others, U ~ N(0, Sigma), and
    H(u) = E[w(eta) X X' | u]:

    - Sigma/m for A; the first neglected term is of order 1/(mn);
    - phi C_B/(mn) for B, C_B = G^{-1}, G = E[H_BB - H_BA H_AA^{-1} H_AB] over U; what is neglected is o(1/(mn));
    - 2 D+ (Sigma x Sigma) D+'/m for vech Sigma, D+ the Moore-Penrose inverse of the duplication matrix; the
      first neglected term is of order 1/(mn);
    - [2 d'(phi)/phi + d''(phi)]^{-1}/(mn) for the dispersion, d from the log density {y eta - b(eta) + c(y)}/phi
      - d(phi); without random effects per 1/n;
    - zero between these blocks at these orders.

    Parameters
    ----------
    model
        The model statement.

    Returns
    -------
    Expansion
        One entry for each pair of parameters whose leading covariance is not structurally zero; coefficients are
        complete, the dispersion included, per 1/n, 1/m or 1/(mn).

    Raises
    ------
    ModelError
        If the model is outside what is covered, or its design is collinear.
    ExistenceError
        If an expectation diverges, or the pole of a link lies in the support.
    UndecidedError
        If the existence of an expectation could not be decided.

    References
    ----------
    Jiang, Wand and Bhaskaran (2022), JRSS B; Bhaskaran and Wand (2023), Statistics and Probability Letters;
    Wand, The generalized linear mixed model leading terms (slides), "Our Most General GLMM Leading Term Result".

    Examples
    --------
    >>> model = Model("y ~ x", family="poisson", laws={"x": "Normal(0, 1)"})
    >>> leading_terms(model)["x"].coefficient
    exp(-beta0 - beta1**2/2)

    """
    if not isinstance(model, Model):
        raise ModelError(f"leading_terms takes a Model, not {type(model).__name__}: state one as Model(formula, ...)")
    _check_covered(model)
    check_design(model.term_names, model.design, model.bindings)
    information = _information(model)
    return _nested(model, information) if model.is_mixed else _fixed(model, information)


def _check_covered(model: Model) -> None:
    if not model.fixed_effects:
        raise ModelError("the formula has no terms: give an intercept or a predictor, as in y ~ 1")
    if model.levels:
        names = ", ".join(name for name, _ in model.levels)
        raise ModelError(
            f"the group-level predictor {names} is not covered: predictors must vary within groups; "
            "group-level predictors come with the two-term expansion"
        )
    if len(model.groupings) > 1:
        shown = ", ".join(":".join(grouping) for grouping in model.groupings)
        raise ModelError(
            f"several grouping factors ({shown}) are not covered: give random effects of one grouping factor"
        )
    if model.is_mixed and model.link.positive:
        raise ModelError(
            f"the {model.link.name} link needs a positive linear predictor, which normal random effects do not give: "
            "use the log link"
        )


def _information(model: Model) -> ConditionalInformation:
    # with no block B nothing is averaged over the random effects, but H must be finite all the same
    return conditional_information(
        model.link.weight,
        model.linear_predictor,
        model.design,
        model.bindings,
        model.random_effects,
        model.link.name,
    )


def _fixed(model: Model, information: ConditionalInformation) -> Expansion:
    covariance = inverse_terms(
        information.matrix, information, model.fixed_effects, _dispersion(model), PER_OBSERVATION, "theorem"
    )
    if model.family.has_dispersion:
        covariance[PHI, PHI] = dispersion_term(model.family, PER_OBSERVATION, "theorem")
    return _expansion(
        model,
        FIXED_REGIME,
        covariance,
        information.conditions,
        partial(fixed_effects_steps, model, information),
    )


def _nested(model: Model, information: ConditionalInformation) -> Expansion:
    sigma = model.effects_covariance
    fixed = model.fixed_effects
    status = "theorem" if model.link.canonical and len(model.random_blocks) == 1 else "derived"
    averaged = fixed_only_information(
        information, model.random_indices, model.fixed_only_indices, model.random_effects, sigma
    )
    fixed_only = tuple(fixed[i] for i in model.fixed_only_indices)
    dispersion = _dispersion(model)
    inverse = inverse_terms(averaged.matrix, information, fixed_only, dispersion, PER_GROUPED_OBSERVATION, status)
    if averaged.whole != averaged.matrix:
        inverse = with_weights_whole(inverse, averaged.whole, fixed_only, dispersion)
    covariance: Covariance = {
        **random_terms(tuple(fixed[i] for i in model.random_indices), sigma, status),
        **inverse,
        **variance_component_terms(_blocks(model), status),
    }
    if model.family.has_dispersion:
        covariance[PHI, PHI] = dispersion_term(model.family, PER_GROUPED_OBSERVATION, status)
    conditions = information.conditions + averaged.conditions
    steps = partial(nested_steps, model, information, averaged)
    return _expansion(model, NESTED_REGIME, covariance, conditions, steps)


def _dispersion(model: Model) -> Expr:
    return PHI if model.family.has_dispersion else Integer(1)


def _blocks(model: Model) -> tuple[Matrix, ...]:
    sigma = model.effects_covariance
    blocks, start = [], 0
    for block in model.random_blocks:
        stop = start + len(block)
        blocks.append(sigma[start:stop, start:stop])
        start = stop
    return tuple(blocks)


def _expansion(
    model: Model,
    regime: str,
    covariance: Covariance,
    conditions: tuple[Boolean, ...],
    derivation: Callable[[], tuple[Step, ...]],
) -> Expansion:
    laws = [condition for _, law in model.bindings for condition in law.conditions]
    space = ParameterSpace(
        model.parameters + model.law_parameters,
        tuple(dict.fromkeys(c for c in (*laws, *_positive_definite(model), *conditions) if c != true)),
    )
    fixed = dict(zip(model.fixed_effects, model.term_names, strict=True))
    ranks = {parameter: rank for rank, parameter in enumerate(model.parameters)}
    entries = []
    for pair, term in covariance.items():
        first, second = sorted(pair, key=ranks.__getitem__)
        names = (fixed.get(first, first.name), fixed.get(second, second.name))
        entries.append(Entry(names, (first, second), (term,), space))
    entries.sort(key=lambda entry: _display_rank(entry, ranks))
    return Expansion(model, regime, tuple(entries), space, derivation)


def _display_rank(entry: Entry, ranks: dict[Symbol, int]) -> tuple[bool, int, int]:
    """Variances in the order of the parameters, then covariances."""
    first, second = (ranks[parameter] for parameter in entry.parameters)
    return first != second, first, second


def _positive_definite(model: Model) -> tuple[Boolean, ...]:
    """Conditions for Sigma > 0 beyond positive variances."""
    conditions: list[Boolean] = []
    for block in _blocks(model):
        conditions.extend(Gt(block[:k, :k].det(), 0) for k in range(2, block.rows + 1))
    return tuple(conditions)
