r"""F tests that are exact at every size: of a variance component in any layout, of fixed effects in one stratum.

Sources: Jiang, Linear and Generalized Linear Mixed Models (2007), section 2.1; Mathew & Sinha (1988); Waagepetersen,
Frequentist inference for linear mixed models (2024), slides on exact tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from leadterms.errors import ModelError
from leadterms.inference.comparison import (
    Stated,
    as_design,
    check_same_response,
    has_same_random_part,
    restriction,
)
from leadterms.inference.records import FTest
from leadterms.inference.strata import LARGEST, Stratum, random_columns, strata
from leadterms.inference.tail_probabilities import f_tail
from leadterms.information.column_space import Array, orthonormal_basis, side_by_side
from leadterms.model.data_design import DataDesign

WEIGHT = 1e-8
"""Weights of a component in the variance of a stratum are whole numbers, computed to rounding."""


def exact_f_variance(stated: Stated, component: str, data: Any = None) -> FTest:
    r"""Test that a variance component is zero, exactly.

    In any layout, with :math:`Z_1` the component's matrix, :math:`r_1 = \mathrm{rank}(X,Z) -
    \mathrm{rank}(X,Z_{-1})` and :math:`r_2 = N - \mathrm{rank}(X,Z)`, the ratio of the mean squares of y in
    :math:`(X,Z)\ominus(X,Z_{-1})` and in :math:`(X,Z)^\perp` is :math:`F_{r_1,r_2}` if the component is zero,
    whatever the other parameters are. Where other effects leave nothing of :math:`Z_1` (r_1 = 0), as for the outer
    factor of a nested layout, it is the ratio of the mean squares of two strata of V that differ by a multiple of
    the component, if the layout has such.

    Parameters
    ----------
    stated
        A formula, or a fit.
    component
        A variance by its name in the model, such as ``"sigma2_g"`` or ``"Sigma22"``; the covariances of a correlated
        effect vanish with its variance.
    data
        For a formula.

    Raises
    ------
    ModelError
        If there is no such variance, or neither ranks nor strata give a test.

    """
    design = as_design(stated, data)
    variances = {
        name: (block, effect)
        for block, random in enumerate(design.random)
        for effect, name in enumerate(_diagonal(random.names, len(random.effects)))
    }
    if component not in variances:
        known = ", ".join(variances) or "none, there are no random effects"
        raise ModelError(f"{component!r} is no variance of a random effect in {design.formula.text!r}: choose {known}")
    rows = len(design.y)
    others = [
        Z
        for block, random in enumerate(design.random)
        for effect, Z in enumerate(random.designs)
        if (block, effect) != variances[component]
    ]
    block, effect = variances[component]
    without = orthonormal_basis(side_by_side([design.X, *others], rows))
    tested = orthonormal_basis(design.random[block].designs[effect], without)
    ndf, ddf = tested.shape[1], rows - without.shape[1] - tested.shape[1]
    if not ndf:
        return _between_strata(design, component)
    if not ddf:
        raise ModelError(
            f"{component} cannot be tested exactly: fixed and random effects leave no residual degrees of freedom "
            "(r2 = 0); compare likelihoods"
        )
    return _ratio(design, f"{component} = 0 in {design.formula.text}", without, tested, None, ())


def _between_strata(design: DataDesign, component: str) -> FTest:
    """Return the ratio of residual mean squares of two strata whose variances differ by a multiple of the component."""
    spaces = (strata(design) or ()) if len(design.y) <= LARGEST else ()
    names = design.variance_names
    place = names.index(component)
    for upper in spaces:
        rest = tuple(0.0 if i == place else weight for i, weight in enumerate(upper.weights))
        for lower in spaces:
            if upper.weights[place] > WEIGHT and np.allclose(lower.weights, rest, rtol=0, atol=WEIGHT):
                above, below = (_residual(design, stratum) for stratum in (upper, lower))
                if above[1] and below[1] and below[0] > 0:
                    statistic = (above[0] / above[1]) / (below[0] / below[1])
                    hypothesis = f"{component} = 0 in {design.formula.text}"
                    notes = (f"mean squares of the strata with variances {upper.name} and {lower.name}",)
                    tail = f_tail(statistic, above[1], below[1])
                    return FTest("exact F", hypothesis, statistic, above[1], below[1], 1.0, tail, True, notes)
    raise ModelError(
        f"no exact test of {component} is known here: its columns lie in the span of the fixed and the other random "
        "effects (r1 = 0), and no two strata of V differ by it; compare likelihoods"
    )


def _residual(design: DataDesign, stratum: Stratum) -> tuple[float, int]:
    """Return the residual sum of squares of y in a stratum, and its degrees of freedom."""
    fixed = _projected(stratum.basis, design.X, None)
    rest = stratum.basis @ (stratum.basis.T @ design.y)
    for _ in range(2):
        rest = rest - fixed @ (fixed.T @ rest)
    return float(rest @ rest), stratum.basis.shape[1] - fixed.shape[1]


def _diagonal(names: tuple[str, ...], size: int) -> list[str]:
    """Return the names of the variances among those of the free entries, column by column."""
    return [names[sum(range(size, size - effect, -1))] for effect in range(size)]


def exact_f(large: Stated, small: Stated, data: Any = None) -> FTest:
    r"""Test fixed effects by an F ratio whose null distribution is exact.

    Three cases.  Without random effects it is the F test of least squares.  If the matrices of V commute, the large
    mean is the sum of its projections on their strata, and the difference of the two means lies in one stratum, it is
    the F ratio of that stratum, where V is :math:`\lambda_k` times the identity: nothing is left unused.  Else, if the
    difference can be estimated given all random effects, it is the F ratio of residual sums of squares given X and all
    Z, exact for any unbalanced data, which leaves unused what the differences between levels say.

    Parameters
    ----------
    large, small
        Formulas or fits with the same random part, the mean of ``small`` inside that of ``large``.
    data
        For formulas.

    Raises
    ------
    ModelError
        If the models are not nested, or the hypothesis lies in no single stratum: then no exact test is known here,
        and ``kenward_roger`` approximates.

    """
    wide, narrow = as_design(large, data), as_design(small, data, null=True)
    check_same_response(wide, narrow)
    if not has_same_random_part(wide, narrow):
        raise ModelError(
            f"{wide.formula.text!r} and {narrow.formula.text!r} have different random effects: a test of fixed effects "
            "needs the same random part in both"
        )
    ell = len(restriction(wide, narrow))
    hypothesis = f"{narrow.formula.text} within {wide.formula.text}"
    if not wide.random:
        without = orthonormal_basis(narrow.X)
        return _ratio(wide, hypothesis, without, orthonormal_basis(wide.X, without), None, ())
    shares = _shares(wide, narrow) if len(wide.y) <= LARGEST else []
    telling = [share for share in shares if share[1].shape[1]]
    if (
        len(telling) == 1
        and sum(tested.shape[1] + without.shape[1] for _, tested, without in shares) == wide.X.shape[1]
    ):
        stratum, tested, without = telling[0]
        if stratum.basis.shape[1] > tested.shape[1] + without.shape[1]:
            where = f"in the stratum with variance {stratum.name}"
            return _ratio(wide, hypothesis, without, tested, stratum.basis, (where,))
    without = orthonormal_basis(side_by_side([narrow.X, random_columns(wide)], len(wide.y)))
    tested = orthonormal_basis(wide.X, without)
    if tested.shape[1] == ell and len(wide.y) > without.shape[1] + ell:
        return _ratio(wide, hypothesis, without, tested, None, ("given all random effects: within their levels only",))
    where = "lies in no single stratum of the layout"
    if len(wide.y) > LARGEST:
        where = f"was not looked for in strata of more than {LARGEST} observations"
    raise ModelError(
        f"{hypothesis}: no exact F test, the hypothesis {where} and cannot be tested within the levels of the random "
        "effects; use kenward_roger, an approximation"
    )


_Share = tuple[Stratum, Array, Array]
"""A stratum, and in it a basis of what the large mean has beyond the small one, and of the small mean."""


def _shares(wide: DataDesign, narrow: DataDesign) -> list[_Share]:
    """Return how the two means show in each stratum; nothing if the layout has no strata."""
    found = []
    for stratum in strata(wide) or ():
        without = _projected(stratum.basis, narrow.X, None)
        found.append((stratum, _projected(stratum.basis, wide.X, without), without))
    return found


def _projected(basis: Array, X: Array, within: Array | None) -> Array:
    """Return a basis of the columns projected on a space; those that vanish but for rounding count as zero."""
    columns = basis @ (basis.T @ X)
    lengths = np.linalg.norm(X, axis=0)
    kept = np.linalg.norm(columns, axis=0) > 1e-9 * lengths
    return orthonormal_basis(columns[:, kept], within)


def _ratio(
    design: DataDesign,
    hypothesis: str,
    without: Array,
    tested: Array,
    stratum: Array | None,
    notes: tuple[str, ...],
) -> FTest:
    """Return the F ratio of y in ``tested`` to what is left of it, in the stratum or in the whole space."""
    y = design.y if stratum is None else stratum @ (stratum.T @ design.y)
    size = len(y) if stratum is None else stratum.shape[1]
    ndf = tested.shape[1]
    ddf = size - without.shape[1] - ndf
    if not ddf:
        raise ModelError(f"{hypothesis}: no residual degrees of freedom are left to test with")
    explained = tested.T @ y
    rest = y - without @ (without.T @ y) - tested @ explained
    rest = rest - without @ (without.T @ rest) - tested @ (tested.T @ rest)
    error = float(rest @ rest)
    if error <= 1e-24 * float(design.y @ design.y):
        raise ModelError(f"{hypothesis}: the model fits the response without error, there is nothing to compare with")
    statistic = float(explained @ explained) / ndf / (error / ddf)
    return FTest("exact F", hypothesis, statistic, ndf, float(ddf), 1.0, f_tail(statistic, ndf, ddf), True, notes)
