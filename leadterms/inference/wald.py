"""Wald intervals and tests from the estimates of any software: covariance from an expansion, at the estimates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations_with_replacement
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol

from leadterms.asymptotics.assembly import effect_blocks
from leadterms.asymptotics.expansion import expansion
from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.result import Entry, Expansion
from leadterms.asymptotics.sizes import EQUAL, UNEQUAL, PlainSizes, Sizes, plain_sizes, size_values
from leadterms.asymptotics.term import Term
from leadterms.errors import EvaluationError, ModelError, NoRuleError
from leadterms.inference.asked_terms import ONE_OR_WHAT_EXISTS, require_terms
from leadterms.inference.boundary import boundary_notes, dominance_notes, require_groups, require_inside
from leadterms.inference.contrast_variance import kept_terms
from leadterms.inference.estimated import Estimated
from leadterms.inference.estimates import Estimates, parameter_values, require_estimates
from leadterms.inference.identified import require_identified
from leadterms.inference.wald_record import WaldInference, wald_inference
from leadterms.model.statement import Model
from leadterms.notation.symbols import HARMONIC, PHI, TOTAL, M, N
from leadterms.reading.numbers import exact_number

if TYPE_CHECKING:
    from leadterms.evaluation.arrays import ArrayFunction

Array = NDArray[np.float64]

ACCURACY, DIGITS = 1e-10, 10
"""Relative error that coefficients are computed to."""


def wald(
    model: Model | Expansion,
    estimates: Estimates,
    sizes: Sizes,
    *,
    level: Any = "0.95",
    terms: int | None = None,
    scale: str = "variance",
) -> WaldInference:
    """Return Wald intervals and tests from estimates, their covariance being the expansion's at the estimates.

    Parameters
    ----------
    model
        The statement, or its expansion.
    estimates
        By name: beta0, beta1, ... (or the terms' names, "1" and "x"), sigma2 or Sigma11, Sigma12, ..., phi where the
        family has it, and the parameters of laws; a mapping, a series with the names as its index, or a text
        ``"beta0=0.3, sigma2=1/2"``. Floats are taken at their shortest decimals.
    sizes
        ``{"m": 100, "n": 20}``, or the size of each group, ``[20, 20, 60]``, as a list, an array or a series
        (``frame.groupby("g").size()``); ``{"n": 500}`` without groups.
    level
        Of the intervals; text is exact.
    terms
        1: the leading terms. 2: two terms, or an error where one does not exist. None: two where they exist, else one,
        and the reason among the notes.
    scale
        "variance", "log", "sd", "correlation" or "log-Cholesky" for the variance components, on which their estimates,
        standard errors and intervals all are, with names such as log(sigma2): see :mod:`leadterms.inference.scales`.

    Returns
    -------
    WaldInference
        Through order 1/(mn), with terms of order 1/m^2 neglected, at the scale; variances in the units of the
        estimates, sizes put in.

    Raises
    ------
    EvaluationError
        If an estimate or a size is missing or bad, or a variance is not identified beside the error variance at n = 1.
    ExistenceError
        If Sigma is not positive definite at the estimates, a condition fails there, or a second term that was asked
        for does not exist.
    ModelError
        If the model is not covered.

    References
    ----------
    `expansion`; the delta method.

    Examples
    --------
    >>> model = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Bernoulli(1/2)"})
    >>> fit = wald(model, {"1": 0.2, "x": 0.5, "sigma2": 0.4}, {"m": 100, "n": 10}, scale="log")
    >>> print(fit)
    y ~ x + (1 | g)  [poisson, log link; x ~ Bernoulli(1/2)], m = 100, n = 10
    Wald inference (asymptotic), scale of variance components: log (logarithms of variances, covariances themselves)
                         estimate  s.e., one term  s.e., two terms           95% interval      z          p
      beta0        [1]        0.2       0.0632456        0.0747635  (0.0534663, 0.346534)  2.675   0.007471
      beta1        [x]        0.5       0.0464088                      (0.40904, 0.59096)  10.77  4.577e-27
      log(sigma2)       -0.916291        0.141421         0.174846  (-1.25898, -0.573599)
      exp of the ends of an interval of log(sigma2) gives one of sigma2

    """
    if terms not in (None, 1, 2) or isinstance(terms, bool):
        raise EvaluationError(f"terms is 1, 2 or None for two where they exist, not {terms!r}")
    if not isinstance(model, Model | Expansion):
        raise ModelError(f"a Model or an Expansion is needed, not {type(model).__name__}")
    plain = plain_sizes(sizes)
    result, notes = (model, ()) if isinstance(model, Expansion) else _expanded(model, plain, terms)
    if terms == 2 and result.terms != 2:
        raise EvaluationError("two terms are asked for of an expansion with one: derive it with terms=2")
    by_label = {name: symbol for symbol, name in result.names.items()}
    values = parameter_values(by_label, estimates, result.space.symbols)
    require_inside(effect_blocks(result.model), values)
    numbers = size_values(plain, result.space.sizes)
    if result.model.is_mixed:
        inside = {N, TOTAL, HARMONIC, *result.space.symbols}  # the last: sizes that the regime fixes
        require_groups({size: number for size, number in numbers.items() if size not in inside})
        require_identified(result.model, numbers)
    # a size that stays fixed stands in coefficients, like a parameter
    point = result.space.point(values, {size: n for size, n in numbers.items() if size in result.space.symbols})
    require_estimates(by_label, [symbol for symbol in result.space.symbols if symbol not in point])
    estimated = _estimated(result, point, plain, 1 if terms == 1 else result.terms, required=terms == 2)
    closing = (*boundary_notes(estimated.blocks, estimated.values), *dominance_notes(estimated))
    return wald_inference(estimated.with_notes((*notes, *closing)), scale, level)


def _expanded(model: Model, sizes: PlainSizes, terms: int | None) -> tuple[Expansion, tuple[str, ...]]:
    """Return two terms where they are covered, else one and why."""
    if terms == 1 or not model.is_mixed:
        return _derived(model, terms or 1, EQUAL), ()
    try:
        return _derived(model, 2, UNEQUAL if _are_unequal(sizes) else EQUAL), ()
    except ModelError as error:
        if terms == 2:
            raise
        return _derived(model, 1, EQUAL), (f"one term: {error}",)


@lru_cache(maxsize=16)
def _derived(model: Model, terms: int, group_sizes: str) -> Expansion:
    """Derive once for several sets of estimates."""
    return expansion(model, terms=terms, group_sizes=group_sizes)


def _are_unequal(sizes: PlainSizes) -> bool:
    if isinstance(sizes, Mapping):
        return bool({TOTAL.name, HARMONIC.name} & set(map(str, sizes)))
    return len(set(sizes)) > 1


def _estimated(
    result: Expansion, point: Mapping[Symbol, Expr], sizes: PlainSizes, terms: int, required: bool
) -> Estimated:
    parameters = result.model.parameters
    numbers = size_values(sizes, result.space.sizes)
    absent: dict[Symbol, str] = {}
    # a row of two terms whose own second term is missing has one, with everything: that keeps the matrix positive
    for first, second in combinations_with_replacement(parameters, 2):
        for term in _added(result, first, second, terms):
            own = term.at(point)
            if own.exists is True:
                continue
            if required:
                require_terms([own], ONE_OR_WHAT_EXISTS)
            for parameter in (first, second):
                if result[parameter, parameter].terms[0].order == PER_GROUP:
                    absent.setdefault(parameter, own.missing or "")
    size = len(parameters)
    one, best, counts = np.zeros((size, size)), np.zeros((size, size)), [1] * size
    # variances first: they are the scale of the covariances, which may be zero
    for i, j in sorted(combinations_with_replacement(range(size), 2), key=lambda pair: pair[0] != pair[1]):
        entry = result[parameters[i], parameters[j]]
        leading = kept_terms(result, *entry.parameters, 1)
        added = _added(result, *entry.parameters, terms)
        kept = added if not {parameters[i], parameters[j]} & absent.keys() else ()
        scale = 0.0 if i == j else float(np.sqrt(best[i, i] * best[j, j]))
        values = {term.order: _value(entry, term, point, numbers, scale) for term in (*leading, *kept)}
        one[i, j] = one[j, i] = sum(values[term.order] for term in leading)
        best[i, j] = best[j, i] = sum(values.values())
        if i == j and kept:
            counts[i] = 2
    notes = [f"{parameter.name} has one term: its second {reason}" for parameter, reason in absent.items()]
    shown = f"{result.model}, {_shown_sizes(sizes)}"
    return Estimated(
        title=shown,
        values={parameter: point[parameter] for parameter in parameters},
        labels=tuple(result.names[parameter] for parameter in parameters),
        blocks=effect_blocks(result.model),
        one=one,
        best=best,
        terms=tuple(counts),
        phi_is_variance=result.model.family.name == "gaussian" and PHI in parameters,
        notes=tuple(notes),
    )


def _added(result: Expansion, first: Symbol, second: Symbol, terms: int) -> tuple[Term, ...]:
    """Return the terms of an entry beyond the leading ones, where two terms are used."""
    leading = kept_terms(result, first, second, 1)
    return tuple(term for term in kept_terms(result, first, second, terms) if term not in leading)


def _value(
    entry: Entry, term: Term, point: Mapping[Symbol, Expr], numbers: Mapping[Symbol, Expr], scale: float
) -> float:
    """Return coefficient times order: in double precision where arrays have a rule, else by mpmath; no proof.

    ``scale`` is what the error may be relative to besides the value: the product of the standard errors for a
    covariance, 0 for a variance.
    """
    missing = sorted(symbol.name for symbol in term.order.free_symbols - numbers.keys())
    if missing:
        raise EvaluationError(_no_size(missing, entry, numbers))
    order = float(term.order.xreplace(dict(numbers)))
    # a power of ten, so that near points share what is compiled
    power = None if scale == 0 else floor(log10(scale / order))
    function = _compiled(entry, term.order_text, power)
    if function is not None:
        value = float(function(*(float(point[symbol]) for symbol in function.parameters)))
        if np.isfinite(value):
            return value * order
    # near a pole, as that of probit at sigma2 = 1, a proof takes minutes
    return float(entry.evaluate(dict(point), DIGITS, order=term.order_text, method="mpmath")) * order


def _no_size(missing: list[str], entry: Entry, numbers: Mapping[Symbol, Expr]) -> str:
    """Say which size is missing, and what to change."""
    if missing == [N.name] and HARMONIC in numbers:
        return (
            "the groups have unequal sizes, for which terms have other orders: pass the model, or an expansion with "
            "group_sizes='unequal'"
        )
    each = ", or the size of each group" if HARMONIC in entry.space.sizes and M in entry.space.sizes else ""
    return f"no value is given for the size {', '.join(missing)}: give it beside the other sizes{each}"


@lru_cache(maxsize=1024)
def _compiled(entry: Entry, order: str, power: int | None) -> ArrayFunction | None:
    """Return a coefficient as a function of numbers; None where arrays have no rule for it."""
    absolute = 0.0 if power is None else ACCURACY * 10.0**power
    try:
        return entry.array_function(order=order, accuracy=ACCURACY, absolute=absolute)
    except NoRuleError:
        return None


def _shown_sizes(sizes: PlainSizes) -> str:
    if isinstance(sizes, Mapping):
        return ", ".join(f"{name} = {exact_number(value)}" for name, value in sizes.items())
    numbers = [int(exact_number(size)) for size in sizes]
    least, most = min(numbers), max(numbers)
    groups = "group" if len(numbers) == 1 else "groups"  # without random effects one may do
    return f"m = {len(numbers)} {groups} of {least if least == most else f'{least} to {most}'}, N = {sum(numbers)}"
