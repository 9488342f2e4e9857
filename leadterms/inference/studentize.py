"""Studentization: standard errors of estimates from the data they were found in, without laws of the predictors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Matrix, Symbol, lambdify

from leadterms.asymptotics.fixed_effects import dispersion_term
from leadterms.asymptotics.nested import variance_component_terms
from leadterms.asymptotics.orders import PER_TOTAL
from leadterms.asymptotics.point import ParameterSpace
from leadterms.errors import EvaluationError, ExistenceError, ModelError, UndecidedError
from leadterms.expectation.inverse_existence import AT_MOST_EXPONENTIAL
from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided
from leadterms.inference.asked_terms import ONE_OR_WHAT_EXISTS
from leadterms.inference.boundary import boundary_notes, dominance_notes, require_groups, require_inside
from leadterms.inference.empirical_terms import EmpiricalTerms, WeightFunction, empirical_terms
from leadterms.inference.estimated import Estimated
from leadterms.inference.estimates import Estimates, parameter_values, require_estimates
from leadterms.inference.observed_design import ObservedDesign, observed_design
from leadterms.inference.wald_record import WaldInference, wald_inference
from leadterms.model.families import ETA, Family, Link
from leadterms.model.family_reading import read_family
from leadterms.model.formula import Formula, read_formula
from leadterms.model.statement import Model
from leadterms.model.weights import CloglogWeight, ProbitWeight
from leadterms.notation.symbols import PHI, M, fixed_effect

Array = NDArray[np.float64]


def studentize(
    model: str | Model,
    data: Any,
    estimates: Estimates,
    *,
    family: str | None = None,
    link: str | None = None,
    level: Any = "0.95",
    terms: int | None = None,
    scale: str = "variance",
) -> WaldInference:
    """Return Wald intervals and tests with conditional information by sample moments at the estimates.

    No law of the predictors is needed: given random effects u the information of an observation is taken as
    (1/N) sum w(eta_ij(u)) x_ij x_ij' over the data, and averaged over u ~ N(0, Sigma-hat). That is `expansion` for
    predictors that follow their empirical law; the first neglected terms are of order 1/m^2, as there. A column that
    is constant within every group counts as a group-level predictor: moments are then taken for each of its values.

    Parameters
    ----------
    model
        An lme4-style formula, or a model statement, whose laws are not used. Random effects of one grouping factor,
        or none. Columns of text, of categories and of truth values are factors with treatment coding; the reference
        is the first level, in the order of the categories, and sorted for text.
    data
        A mapping of column names to sequences, or a data frame (pandas, polars and others; through narwhals). The
        response is not looked at.
    estimates
        By name: beta0, beta1, ... in the order of the columns (or the columns' names, "1", "x", and "zb" for the level
        b of z), sigma2 or Sigma11, Sigma12, ..., and phi where the family has it. As in `wald`.
    family, link
        As in `Model`, with a formula.
    level, terms, scale
        As in `wald`.

    Returns
    -------
    WaldInference
        With one- and two-term standard errors.

    Raises
    ------
    ReadingError, ModelError
        If the formula cannot be read, data cannot be used, or the model is not covered.
    EvaluationError
        If an estimate is missing or bad, or an average is not stable in double precision.
    ExistenceError, UndecidedError
        If Sigma is not positive definite at the estimates, or a second term was asked for that does not exist.

    References
    ----------
    Wand, The generalized linear mixed model leading terms (slides), on studentization; the second terms as in
    `expansion`.

    Examples
    --------
    >>> data = {"x": [0, 1, 0, 1, 1, 0, 1, 0] * 50, "g": [i // 8 for i in range(400)]}
    >>> print(studentize("y ~ x + (1 | g)", data, {"1": 0.2, "x": 0.5, "sigma2": 0.4}, family="poisson"))
    y ~ x + (1 | g)  [poisson, log link], data of N = 400 in m = 50 groups
    Wald inference (asymptotic), scale of variance components: variance
                   estimate  s.e., one term  s.e., two terms          95% interval      z          p
      beta0   [1]       0.2       0.0894427         0.109425   (-0.01447, 0.41447)  1.828    0.06759
      beta1   [x]       0.5       0.0733788                     (0.35618, 0.64382)  6.814  9.495e-12
      sigma2            0.4            0.08         0.103094  (0.197939, 0.602061)
      averages over the random effects have an estimated relative error of 1e-15

    """
    if terms not in (None, 1, 2) or isinstance(terms, bool):
        raise EvaluationError(f"terms is 1, 2 or None for two where they exist, not {terms!r}")
    formula, chosen, linked = _stated(model, family, link)
    design = observed_design(formula, data)
    if design.blocks:
        require_groups({M: len(design.sizes)})
    beta = tuple(fixed_effect(index) for index in range(len(design.names)))
    dispersion = (PHI,) if chosen.has_dispersion else ()
    given = tuple(sorted(linked.weight.at(ETA).free_symbols - {ETA}, key=str))
    parameters = (*beta, *design.variance_parameters, *dispersion)
    labels = (*design.names, *(symbol.name for symbol in parameters[len(beta) :]))
    by_label = dict(zip(labels, parameters, strict=True))
    values = parameter_values(by_label, estimates, given)
    require_inside(design.blocks, values)
    point = ParameterSpace((*parameters, *given), ()).point(values)
    require_estimates(by_label, [symbol for symbol in (*parameters, *given) if symbol not in point])
    weight = _weight_function(linked, tuple((symbol, point[symbol]) for symbol in given))
    own = {symbol: point[symbol] for symbol in parameters}
    covariances, notes = _covariances(design, chosen, linked, weight, own, terms)
    one, best, counts = covariances
    groups = f" in m = {len(design.sizes)} groups" if design.blocks else ""
    estimated = Estimated(
        title=f"{formula.text}  [{chosen.name}, {linked.name} link], data of N = {len(design.X)}{groups}",
        values=own,
        labels=labels,
        blocks=design.blocks,
        one=one,
        best=best,
        terms=counts,
        phi_is_variance=chosen.name == "gaussian",
        notes=notes,
    )
    closing = (*boundary_notes(design.blocks, own), *dominance_notes(estimated))
    return wald_inference(estimated.with_notes(closing), scale, level)


def _stated(model: str | Model, family: str | None, link: str | None) -> tuple[Formula, Family, Link]:
    if isinstance(model, Model):
        if family is not None or link is not None:
            raise ModelError("a model statement has its family and link: give them with a formula only")
        formula, chosen, linked = model.formula, model.family, model.link
    elif isinstance(model, str):
        if family is None:
            raise ModelError("a formula needs a family: family='poisson', for example")
        formula, chosen = read_formula(model), read_family(family)
        linked = chosen.link(link)
    else:
        raise ModelError(
            f"a formula or a Model is needed, not {type(model).__name__}: write the formula as text, 'y ~ x + (1 | g)'"
        )
    if not formula.terms:
        raise ModelError("the formula has no terms: give an intercept or a predictor, as in y ~ 1")
    if formula.random and linked.positive:
        raise ModelError(
            f"the {linked.name} link needs a positive linear predictor, which normal random effects do not give: "
            "use the log link"
        )
    return formula, chosen, linked


@lru_cache(maxsize=32)
def _weight_function(link: Link, given: tuple[tuple[Symbol, Expr], ...]) -> WeightFunction:
    """Return w(eta) for arrays, in a form in which no tail cancels."""
    from sympy.codegen.rewriting import expm1_opt, optimize

    from leadterms.evaluation.arrays.ufuncs import erfc

    expression = optimize(link.weight.at(ETA).xreplace(dict(given)), [expm1_opt])
    function = lambdify([ETA], expression, [{"erfc": erfc}, "numpy"])
    # sympy writes erfc(-z) as 2 - erfc(z), which cancels for z < 0; the weight is even
    at = np.abs if isinstance(link.weight, ProbitWeight) else np.asarray
    return lambda eta: np.broadcast_to(np.asarray(function(at(eta)), dtype=float), eta.shape)


def _covariances(
    design: ObservedDesign,
    family: Family,
    link: Link,
    weight: WeightFunction,
    values: Mapping[Symbol, Expr],
    terms: int | None,
) -> tuple[tuple[Array, Array, tuple[int, ...]], tuple[str, ...]]:
    """Return the covariance with one term and with two, how many terms each variance has, and notes."""
    p, rows = len(design.names), len(design.X)
    numbers = np.array([float(value) for value in values.values()])
    phi = float(values[PHI]) if family.has_dispersion else 1.0
    one = np.zeros((len(values), len(values)))
    if family.has_dispersion:
        one[-1, -1] = float(dispersion_term(family, PER_TOTAL, "theorem").coefficient.xreplace(dict(values))) / rows
    if not design.blocks:
        one[:p, :p] = phi * np.linalg.inv(_mean_information(design, weight, numbers[:p])) / rows
        return (one, one, (1,) * len(values)), ()
    m = len(design.sizes)
    sigma = np.array(Matrix.diag(*design.blocks).xreplace(dict(values)).tolist(), dtype=float)
    parts, missing = _parts(design, link, weight, numbers[:p], sigma, terms)
    theta = [*design.moved, *range(p, p + len(design.products))]
    place = {symbol: index for index, symbol in enumerate(values)}
    one[np.ix_(design.moved, design.moved)] = parts.mean_covariance / m
    for (first, second), term in _component_terms(design.blocks).items():
        i, j = place[first], place[second]
        one[i, j] = one[j, i] = float(term.xreplace(dict(values))) / m
    precision = np.linalg.inv(parts.complement)
    one[np.ix_(design.fixed_only, design.fixed_only)] = phi * precision / rows
    note = f"averages over the random effects have an estimated relative error of {max(parts.error, 1e-15):.0e}"
    if terms == 1 or missing:
        return (one, one, (1,) * len(values)), (*missing, *((note,) if design.fixed_only else ()))
    best = one.copy()
    lent = parts.regression @ precision
    best[np.ix_(theta, theta)] += phi * (parts.spread / m + lent @ parts.regression.T / rows)
    best[np.ix_(theta, design.fixed_only)] = -phi * lent / rows
    best[np.ix_(design.fixed_only, theta)] = -phi * lent.T / rows
    counts = tuple(2 if index in theta else 1 for index in range(len(values)))
    return (one, best, counts), (note,)


def _parts(
    design: ObservedDesign, link: Link, weight: WeightFunction, beta: Array, sigma: Array, terms: int | None
) -> tuple[EmpiricalTerms, tuple[str, ...]]:
    """Return the averages, and why those of the second terms are not among them where they are not."""
    if terms != 1:
        existence = second_terms_exist(design, link, sigma)
        if terms == 2:
            _require(existence)
        if existence.verdict is not True:
            return empirical_terms(design, weight, beta, sigma, second=False), (f"one term: {_missing(existence)}",)
        try:
            return empirical_terms(design, weight, beta, sigma), ()
        except EvaluationError as error:
            if terms == 2:
                raise
            return empirical_terms(design, weight, beta, sigma, second=False), (f"one term: {error}",)
    return empirical_terms(design, weight, beta, sigma, second=False), ()


def _mean_information(design: ObservedDesign, weight: WeightFunction, beta: Array) -> Array:
    """Return (1/N) sum w x x' without random effects."""
    with np.errstate(all="ignore"):
        w = weight(design.X @ beta)
    if not (np.all(np.isfinite(w)) and np.all(w >= 0)):
        raise ExistenceError(
            "the weight is not finite in a row of the data at the estimates: the link has a pole there; "
            "use the log link, or leave the row out"
        )
    return np.asarray((design.X * w[:, None]).T @ design.X / len(design.X))


@lru_cache(maxsize=32)
def _component_terms(blocks: tuple[Matrix, ...]) -> dict[tuple[Symbol, Symbol], Expr]:
    """Return m times the leading covariances of the free entries of Sigma."""
    return {pair: term.coefficient for pair, term in variance_component_terms(blocks, "theorem").items()}


def second_terms_exist(design: ObservedDesign, link: Link, sigma: Array) -> Existence:
    """Return whether E[W H_AA^{-1} W'] exists for predictors on the values in the data, at estimates.

    By the growth of H_AA^{-1}, as in :mod:`leadterms.expectation.inverse_existence`: predictors are bounded here. For
    probit it exists where rows of X_A that span have Var(U'a) < 1, and these are looked for greedily, which finds the
    basis whose largest variance is least; it does not exist where that fails and there is one random intercept, or
    rows in no more directions than random effects. For complementary log-log with a random intercept it never does.
    """
    if isinstance(link.weight, AT_MOST_EXPONENTIAL):
        return EXISTS
    constant = any(np.ptp(design.X[:, column]) == 0 for column in design.within)
    if isinstance(link.weight, CloglogWeight) and constant:
        return Existence(False, reason="infinite: with bounded predictors it never exists for complementary log-log")
    if not isinstance(link.weight, ProbitWeight):
        return undecided("the growth of the inverse information could not be decided")
    found = EXISTS
    for kind in np.unique(design.kind):
        A = np.unique(design.X[(design.kind == kind)[design.group]][:, design.within], axis=0)
        found = found & _probit_exists(A, sigma)
    return found


def _probit_exists(A: Array, sigma: Array) -> Existence:
    """Decide for the distinct rows of X_A of a kind of groups."""
    variances = np.einsum("nk,kl,nl->n", A, sigma, A)
    basis = np.empty((0, A.shape[1]))
    largest = 0.0
    for index in np.argsort(variances, kind="stable"):
        extended = np.vstack([basis, A[index]])
        if np.linalg.matrix_rank(extended) > len(basis):
            basis, largest = extended, float(variances[index])
        if len(basis) == A.shape[1]:
            break
    if largest < 1:
        return EXISTS
    if largest > 1 and len(A) == A.shape[1]:
        return Existence(False, reason=f"infinite: Var(U'x) = {largest:.6g} where it must be below 1")
    return undecided(f"Var(U'x) = {largest:.6g}, and existence is known below 1 only")


def _missing(existence: Existence) -> str:
    what = "do not exist" if existence.verdict is False else "are undecided"
    return f"second terms {what}: {existence.reason}"


def _require(existence: Existence) -> None:
    if existence.verdict is False:
        raise ExistenceError(f"{_missing(existence)}; {ONE_OR_WHAT_EXISTS}")
    if existence.verdict is not True:
        raise UndecidedError(f"{_missing(existence)}; {ONE_OR_WHAT_EXISTS}")
