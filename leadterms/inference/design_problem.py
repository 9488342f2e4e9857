"""From a model, a point and a region to what a design's information needs in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr, Integer, Matrix, Symbol, Tuple, lambdify

from leadterms.asymptotics.assembly import assembled
from leadterms.asymptotics.point import Values
from leadterms.errors import EvaluationError, ModelError
from leadterms.expectation.inverse_existence import AT_MOST_EXPONENTIAL, inverse_exists, regression_exists
from leadterms.expectation.random_rows import BlockA
from leadterms.inference.contrasts import combination_text, named_parameter, read_combination
from leadterms.inference.design_information import DesignModel
from leadterms.inference.design_region import Region, read_region
from leadterms.inference.design_weights import Array, number_at, weight_function
from leadterms.model.discrete_laws import FiniteLaw
from leadterms.model.statement import Model
from leadterms.reading.numbers import exact_number

LEADING, SECOND = "leading", "second"
GRID = {1: 101, 2: 21, 3: 9}
"""Points in each direction on which the terms and the weight are looked at before a search."""


@dataclass(frozen=True)
class Wish:
    """What of the covariance is to be small: a criterion's contrasts.

    Parameters
    ----------
    names
        One for each contrast.
    matrix
        d x s in the order of the model's fixed effects, exact.
    target
        "leading" or "second".

    """

    names: tuple[str, ...]
    matrix: tuple[tuple[Expr, ...], ...]
    target: str


@dataclass(frozen=True)
class DesignProblem:
    """A model at a point, with the region of its predictors.

    Parameters
    ----------
    model
        The statement.
    point
        Exact values by symbol.
    region
        Where the predictors may lie.
    wish
        The contrasts.
    numbers
        The same in double precision.

    """

    model: Model
    point: Mapping[Symbol, Expr]
    region: Region
    wish: Wish
    numbers: DesignModel

    @property
    def order(self) -> str:
        """The order whose coefficient is minimised."""
        return "1/(m*n)" if self.model.is_mixed else "1/n"

    def require_existence(self, points: Array, weights: Array) -> None:
        """Refuse a design for which the second term does not exist, or is not known to.

        Raises
        ------
        ExistenceError, UndecidedError
            As a term of an expansion does.

        """
        if not self.numbers.touches_random or isinstance(self.model.link.weight, AT_MOST_EXPONENTIAL):
            return
        from leadterms.asymptotics.term import Term

        model, split = self.model, self.model.effects_design
        variable = Symbol(self.region.names[0], real=True)
        atoms = [Tuple(exact_number(x), exact_number(w)) for x, w in zip(points[:, 0], weights, strict=True)]
        block = BlockA(
            model.link.weight,
            model.linear_predictor,
            split.within,
            (Tuple(variable, FiniteLaw(*atoms)),),
            model.random_effects,
            model.effects_covariance,
        )
        others = tuple(model.design[index] for index in split.fixed_only)
        existence = inverse_exists(block) & regression_exists(block, others)
        order = 1 / (Symbol("m") * Symbol("n"))
        Term(Integer(0), order, "derived", existence=existence).at(dict(self.point)).require_existence()


def design_problem(
    model: Model,
    at: Values,
    region: Any,
    coefficients: str | Sequence[str] | None,
    contrast: Any,
    target: str,
) -> DesignProblem:
    """Return the problem of a design, read and checked.

    Raises
    ------
    ModelError
        If the model, the region or the contrasts are refused.
    EvaluationError
        If a parameter has no value, or a term or the weight is not finite on the region.

    """
    _check_model(model)
    known = read_region(region, [str(name) for name in model.formula.variables])
    wish = read_wish(model, coefficients, contrast, target)
    point = assembled(model, "", {}, (), tuple, 1).space.point(at)
    numbers = _numbers(model, point, wish)
    _check_region(numbers, known, model)
    if wish.target == SECOND and len(known.axes) > 1 and not isinstance(model.link.weight, AT_MOST_EXPONENTIAL):
        raise ModelError(
            f"whether second terms exist under the {model.link.name} link is decided for designs of one predictor: use "
            "the logit or log link, or target='leading'"
        )
    return DesignProblem(model, point, known, wish, numbers)


def _check_model(model: Any) -> None:
    if not isinstance(model, Model):
        raise ModelError(f"a Model is needed, not {type(model).__name__}: state one as Model(formula, ...)")
    if len(model.groupings) > 1:
        raise ModelError("support points are optimised with one grouping factor or none: the formula has several")
    if model.group_level:
        names = ", ".join(symbol.name for symbol in model.group_level)
        raise ModelError(
            f"support points are optimised for predictors that vary within groups, and {names} is constant in them: "
            "optimise its probabilities by optimal_allocation"
        )
    if model.centred or model.designed:
        raise ModelError("support points are optimised for plain predictors: leave centred= and designed= out")
    if model.is_mixed and model.link.positive:
        raise ModelError(
            f"the {model.link.name} link needs a positive linear predictor, which normal random effects do not give: "
            "use the log link"
        )


def read_wish(model: Model, coefficients: str | Sequence[str] | None, contrast: Any, target: str) -> Wish:
    """Return the contrasts that are asked for.

    Parameters
    ----------
    model
        The statement.
    coefficients
        Names of terms or parameters; None for all whose term of this target depends on the design.
    contrast
        One linear combination instead: numbers by name, a text such as "x1 - x2", or a row of numbers.
    target
        "leading": block B of a mixed model, all fixed effects without random effects. "second": the term of order
        1/(mn) of every fixed effect.

    Returns
    -------
    Wish
        Names of the contrasts, and their coefficients for all fixed effects.

    Raises
    ------
    ModelError
        If the target is neither or has no terms, coefficients and a contrast are both given, a name is unknown, a
        contrast is not linear or zero, or no design changes its leading term.
    ReadingError
        If a contrast is a text that cannot be read.

    """
    if target not in (LEADING, SECOND):
        raise ModelError(f"the target is 'leading' or 'second', not {target!r}")
    if target == SECOND and not model.is_mixed:
        raise ModelError("second terms need random effects: leave target='second' out")
    if coefficients is not None and contrast is not None:
        raise ModelError("give coefficients or a contrast, not both")
    free = model.effects_design.fixed_only if model.is_mixed and target == LEADING else range(len(model.fixed_effects))
    named = tuple(zip(model.fixed_effects, model.term_names, strict=True))
    if contrast is not None:
        columns = [read_combination(named, len(named), contrast, "contrast")]
        names = [combination_text(columns[0])]
    else:
        asked = [coefficients] if isinstance(coefficients, str) else coefficients
        everything = [model.fixed_effects[index] for index in free]
        effects = everything if asked is None else dict.fromkeys(named_parameter(named, name) for name in asked)
        columns, names = [{effect: Integer(1)} for effect in effects], [dict(named)[effect] for effect in effects]
    _check_target(model, columns, free)
    matrix = tuple(tuple(column.get(effect, Integer(0)) for column in columns) for effect in model.fixed_effects)
    return Wish(tuple(names), matrix, target)


def _check_target(model: Model, columns: Sequence[Mapping[Symbol, Expr]], free: Sequence[int]) -> None:
    """Refuse contrasts whose leading term no design changes."""
    known = dict(zip(model.fixed_effects, model.term_names, strict=True))
    depend = {model.fixed_effects[index] for index in free}
    outside = [known[effect] for column in columns for effect in column if effect not in depend]
    if outside or not columns:
        names = ", ".join(dict.fromkeys(outside)) or "the fixed effects"
        raise ModelError(
            f"the leading term of {names} is of order 1/m and the same for every design of the predictors within "
            "groups: ask for target='second'"
        )


def _numbers(model: Model, point: Mapping[Symbol, Expr], wish: Wish) -> DesignModel:
    split = model.effects_design if model.is_mixed else None
    places = (*split.moved, *split.fixed_only) if split is not None else tuple(range(len(model.fixed_effects)))
    variables = [Symbol(name, real=True) for name in model.formula.variables]
    functions = [lambdify(variables, model.design[index], "numpy") for index in places]

    def columns(points: Array) -> Array:
        given = points.T
        with np.errstate(all="ignore"):
            found = [np.broadcast_to(np.asarray(f(*given), dtype=np.float64), len(points)) for f in functions]
        return np.stack(found, axis=1)

    sigma = model.effects_covariance if model.is_mixed else Matrix.zeros(0, 0)
    size = sigma.rows
    covariance = np.array(
        [[number_at(sigma[i, j], point) for j in range(size)] for i in range(size)], dtype=np.float64
    ).reshape(size, size)
    return DesignModel(
        columns,
        weight_function(model.link.weight, point),
        np.array([number_at(model.fixed_effects[index], point) for index in places]),
        covariance,
        number_at(model.dispersion, point),
        np.array([[float(number) for number in wish.matrix[index]] for index in places]),
    )


def _check_region(numbers: DesignModel, region: Region, model: Model) -> None:
    """Refuse terms that are not finite or not independent on the region, and a weight that is not there."""
    grid = region.grid(GRID[len(region.axes)])
    terms = numbers.columns(grid)
    for column, name in enumerate(model.term_names):
        if not np.all(np.isfinite(terms[:, column])):
            raise EvaluationError(f"a term such as {name} is not finite somewhere in {region}: make the region smaller")
    weight = numbers.weight(terms @ numbers.effects)
    if not (np.all(np.isfinite(weight)) and np.any(weight > 0)):
        raise EvaluationError(
            f"the weight of the observations is not finite and positive on {region} in double precision: make the "
            "region smaller"
        )
    scaled = terms / np.maximum(np.abs(terms).max(axis=0), 1e-300)
    if np.linalg.matrix_rank(scaled) < terms.shape[1]:
        raise ModelError(
            f"the terms {', '.join(model.term_names)} are linearly dependent on {region}: make the region larger"
        )
