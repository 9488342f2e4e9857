"""From a model statement to the leading terms of the asymptotic covariance of its estimators."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial

from sympy import Expr, Symbol

from leadterms.algebra.rational_field import SingularError
from leadterms.asymptotics.assembly import assembled, effect_blocks
from leadterms.asymptotics.fixed_effects import Covariance, dispersion_term, inverse_terms, inverted, with_weights_whole
from leadterms.asymptotics.joint_terms import joint_terms
from leadterms.asymptotics.layout_need import needs_layout
from leadterms.asymptotics.nested import (
    FixedOnlyInformation,
    fixed_only_information,
    random_terms,
    theta_information,
    variance_component_terms,
)
from leadterms.asymptotics.orders import FIXED_REGIME, PER_OBSERVATION
from leadterms.asymptotics.parts import NestedParts
from leadterms.asymptotics.result import Expansion, Term
from leadterms.asymptotics.second_steps import second_steps
from leadterms.asymptotics.second_terms import free_products, second_terms
from leadterms.asymptotics.sizes import EQUAL, SizeOrders, size_orders
from leadterms.asymptotics.steps import fixed_effects_steps, nested_steps
from leadterms.errors import ModelError
from leadterms.expectation.random_rows import BlockA
from leadterms.information.conditional import ConditionalInformation, conditional_information
from leadterms.information.design import check_design
from leadterms.information.groups import group_kinds, merged
from leadterms.model.statement import Model
from leadterms.model.weights import ExponentialWeight
from leadterms.notation.symbols import PHI

Entries = dict[tuple[Symbol, Symbol], tuple[Term, ...]]


def leading_terms(model: Model, regime: str | None = None) -> Expansion:
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

    A linear mixed model may have random effects of several grouping factors, nested or crossed, in a balanced layout:
    the limits of its exact information (`leadterms.information.balanced`) are taken in a declared regime, and orders
    are monomials in all sizes. Entries are sums of terms where no rate dominates, as sigma2_a/m + sigma2_b/m_prime.

    Parameters
    ----------
    model
        The model statement.
    regime
        For linear mixed models: which sizes grow, and at which relative rates, such as ``"m, m_prime -> oo, n fixed"``
        or ``"m, m_prime, n -> oo with m ~ m_prime, n << m"``; sizes not mentioned stay fixed. None: all grow, m and
        m_prime at comparable rates.

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
    return expansion(model, terms=1, regime=regime)


def expansion(model: Model, terms: int = 2, group_sizes: str = EQUAL, regime: str | None = None) -> Expansion:
    """Return the asymptotic covariance of the maximum likelihood estimator with one or two terms.

    Two terms are the joint covariance of (beta_A, vech Sigma, beta_B) through order 1/(mn), for random effects of one
    grouping factor and m, n -> oo with n/m -> 0.  With H(u), blocks A and B and U ~ N(0, Sigma) as in `leading_terms`,
    W(u) = d(u, vech uu')/du', R = E[W H_AA^{-1} H_AB] and G = E[H_BB - H_BA H_AA^{-1} H_AB]:

    - T^{-1}/m + phi {E[W H_AA^{-1} W'] + R G^{-1} R'}/(mn) for (beta_A, vech Sigma), T^{-1} the leading covariance;
    - -phi R G^{-1}/(mn) for its covariance with beta_B;
    - phi G^{-1}/(mn) for beta_B, which is its leading term;
    - what is neglected is of order 1/m^2 or smaller than 1/(mn).

    A group-level predictor (``levels``) moves the means of random coefficients; averages are over its values too.

    Parameters
    ----------
    model
        The model statement.
    terms
        1 or 2.
    group_sizes
        "equal": n observations in each of m groups. "unequal": n_i in the i-th, N their sum and n_h their harmonic
        mean; E[W H_AA^{-1} W'] then has the order 1/(m n_h), all else of order 1/(mn) the order 1/N.
    regime
        As in `leading_terms`; with one term only.

    Returns
    -------
    Expansion
        One entry for each pair of parameters, each a sum of terms; coefficients are complete, the dispersion included.
        A term that does not exist says so, and under which condition; its coefficient is nan.

    Raises
    ------
    ModelError
        If the model is outside what is covered, its design is collinear, or two terms are asked for without random
        effects.
    ExistenceError
        If an expectation of the leading terms diverges, or the pole of a link lies in the support.
    UndecidedError
        If its existence could not be decided.

    References
    ----------
    The second term was announced in Maestrini, Bhaskaran and Wand (2024), Biometrika, for fixed effects; the joint
    formula is derived here, and checked against exact information.

    Examples
    --------
    >>> model = Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(p)"})
    >>> for term in expansion(model)["x"].terms:
    ...     print(term.order, term.coefficient)
    1/m Sigma22
    1/(m*n) (p + (1 - p)*exp(Sigma12 + Sigma22/2 - beta1))*exp(Sigma11/2 - beta0)/(p*(1 - p))

    """
    if not isinstance(model, Model):
        raise ModelError(f"a Model is needed, not {type(model).__name__}: state one as Model(formula, ...)")
    if isinstance(terms, bool) or terms not in (1, 2):
        raise ModelError(f"terms is 1 or 2, not {terms!r}")
    _check_covered(model, terms)
    check_design(model.term_names, model.design, model.bindings)
    orders = size_orders(group_sizes)
    if needs_layout(model, regime):
        # most derivations need none of this, and it takes a tenth of a second to import
        from leadterms.asymptotics.linear_expansion import check_linear, linear_expansion

        check_linear(model, regime)
        if terms == 2 or group_sizes != EQUAL:
            raise ModelError(
                "two terms and unequal group sizes are covered for one grouping factor in the usual regime: ask for "
                "one term; balanced_model(model) has the information at any sizes where the slopes are not random"
            )
        return linear_expansion(model, regime)
    if model.is_mixed:
        return _nested(model, terms, orders)
    if group_sizes != EQUAL:
        raise ModelError("unequal group sizes need groups: the formula has no random effects")
    return _fixed(model, _information(model))


def _check_covered(model: Model, terms: int) -> None:
    if not model.fixed_effects:
        raise ModelError("the formula has no terms: give an intercept or a predictor, as in y ~ 1")
    if terms == 2 and not model.is_mixed:
        raise ModelError(
            "two terms need random effects: without them the leading term phi H^{-1}/n is all there is at order 1/n"
        )
    if model.is_mixed and model.link.positive:
        raise ModelError(
            f"the {model.link.name} link needs a positive linear predictor, which normal random effects do not give: "
            "use the log link"
        )


def _information(model: Model) -> ConditionalInformation:
    return conditional_information(
        model.link.weight, model.linear_predictor, model.design, model.bindings, link_name=model.link.name
    )


def _fixed(model: Model, information: ConditionalInformation) -> Expansion:
    covariance = inverse_terms(
        information.matrix, information, model.fixed_effects, model.dispersion, PER_OBSERVATION, "theorem"
    )
    if model.family.has_dispersion:
        covariance[PHI, PHI] = dispersion_term(model.family, PER_OBSERVATION, "theorem")
    terms = {pair: (term,) for pair, term in covariance.items()}
    steps = partial(fixed_effects_steps, model, information, terms)
    return assembled(model, FIXED_REGIME, terms, information.conditions, steps, 1)


def _nested(model: Model, terms: int, orders: SizeOrders) -> Expansion:
    parts = _parts(model)
    entries = _entries(model, parts, parts.information, terms, orders)
    steps = partial(nested_steps, model, parts, entries)
    if terms == 2:
        steps = partial(second_steps, model, parts, entries, orders)
    if isinstance(model.link.weight, ExponentialWeight) and any(model.design[i] != 1 for i in model.random_indices):
        entries = {
            pair: tuple(replace(term, joint=partial(_joint, model, terms, orders, pair, term.order)) for term in found)
            for pair, found in entries.items()
        }
    conditions = parts.information.conditions + parts.averaged.conditions
    return assembled(model, orders.regime, entries, conditions, steps, terms)


def _joint(model: Model, terms: int, orders: SizeOrders, pair: tuple[Symbol, Symbol], order: Expr) -> Expr:
    """Return the coefficient of a term in moments over all predictors together."""
    (term,) = (term for term in _joint_entries(model, terms, orders)[pair] if term.order == order)
    return term.coefficient if term.unclosed is None else term.unclosed


@lru_cache(maxsize=16)
def _joint_entries(model: Model, terms: int, orders: SizeOrders) -> Entries:
    return _entries(model, _parts(model, joint=True), None, terms, orders)


def _entries(
    model: Model, parts: NestedParts, information: ConditionalInformation | None, terms: int, orders: SizeOrders
) -> Entries:
    """Return the terms of all pairs of parameters, closed by an information where there is one."""
    leading = _leading(model, parts, information, orders)
    return _with_second_terms(model, parts, information, leading, orders) if terms == 2 else leading


def _leading(
    model: Model, parts: NestedParts, information: ConditionalInformation | None, orders: SizeOrders
) -> Entries:
    fixed = model.fixed_effects
    known = model.link.canonical and len(model.random_blocks) == 1 and not model.group_level
    status = "theorem" if known else "derived"
    fixed_only = tuple(fixed[i] for i in parts.split.fixed_only)
    dispersion = model.dispersion
    inverse = inverse_terms(parts.averaged.matrix, information, fixed_only, dispersion, orders.inside, status)
    if parts.averaged.whole != parts.averaged.matrix:
        inverse = with_weights_whole(inverse, parts.averaged.whole, fixed_only, dispersion)
    covariance: Covariance = {
        **random_terms([fixed[i] for i in parts.split.moved], parts.theta.covariance, status),
        **inverse,
        **variance_component_terms(effect_blocks(model), status),
    }
    if model.family.has_dispersion:
        covariance[PHI, PHI] = dispersion_term(model.family, orders.inside, status)
    return {pair: (term,) for pair, term in covariance.items()}


def _parts(model: Model, joint: bool = False) -> NestedParts:
    """Return them.

    Raises
    ------
    ModelError
        If a group-level predictor moves a combination of terms with random effects.

    """
    split = model.effects_design
    sigma = model.effects_covariance
    # with no block B nothing is averaged over the random effects, but H must be finite all the same
    kinds = group_kinds(model, joint)
    averaged = fixed_only_information(kinds, model.random_effects, sigma)
    theta = theta_information(split, sigma, kinds)
    if split.fixed_only and model.group_level:
        try:
            inverted(averaged.matrix)
        except SingularError:
            raise ModelError(
                "a group-level predictor multiplies a combination of terms that carry random effects, so that its "
                "coefficient has no information within groups (G is singular): write one term for each of them"
            ) from None
    return NestedParts(split, kinds, merged(kinds), averaged, theta)


def _with_second_terms(
    model: Model,
    parts: NestedParts,
    information: ConditionalInformation | None,
    leading: Entries,
    orders: SizeOrders,
) -> Entries:
    """Return all entries: those of (beta_A, vech Sigma) with a second term, and those between them and beta_B."""
    split, fixed = parts.split, model.fixed_effects
    sigma = model.effects_covariance
    block = BlockA(model.link.weight, model.linear_predictor, split.within, model.bindings, model.random_effects, sigma)
    second = second_terms(split, parts.theta, parts.kinds, block, free_products(sigma))
    theta = (*(fixed[i] for i in split.moved), *model.variance_parameters)
    added = joint_terms(
        second,
        _inverses(parts.averaged),
        information,
        (theta, tuple(fixed[i] for i in split.fixed_only)),
        model.dispersion,
        orders,
    )
    ranks = {parameter: rank for rank, parameter in enumerate(model.parameters)}

    def key(pair: tuple[Symbol, Symbol]) -> tuple[Symbol, Symbol]:
        first, other = sorted(pair, key=ranks.__getitem__)
        return first, other

    entries = {key(pair): terms for pair, terms in leading.items()}
    for pair, terms in added.items():
        entries[key(pair)] = entries.get(key(pair), ()) + terms
    return entries


def _inverses(averaged: FixedOnlyInformation) -> tuple[list[list[Expr]], list[list[Expr]]]:
    """Return G^{-1}, and the same with weights at single points kept whole."""
    if not averaged.matrix:
        return [], []
    written = inverted(averaged.matrix)
    return written, written if averaged.whole == averaged.matrix else inverted(averaged.whole)
