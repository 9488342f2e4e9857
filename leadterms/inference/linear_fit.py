"""Fit a Gaussian linear mixed model to data, by REML or maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from leadterms.errors import ModelError
from leadterms.inference.conditioning import coordinates, restored
from leadterms.inference.variance_newton import maximise
from leadterms.information.column_space import Array, check_full_rank
from leadterms.information.effect_blocks import EffectBlock
from leadterms.information.low_rank import CrossProducts, cross_products
from leadterms.model.data_design import DataDesign, data_design
from leadterms.model.formula import Formula


@dataclass(frozen=True, eq=False, repr=False)
class LinearFit:
    r"""A fitted model.

    Parameters
    ----------
    design
        Formula and matrices.
    method
        ``"REML"`` or ``"ML"``.
    beta
        Estimates of the p fixed effects.
    covariance
        :math:`(X'V^{-1}X)^{-1}` at the estimates, p x p: it leaves out that V is estimated.
    theta
        Estimates of the R variance parameters, in the order of ``variance_names``, the error variance last.
    effects
        The k x k covariance of the effects of each random term.
    log_likelihood
        The maximum; of the restricted likelihood for REML.
    expected, observed
        Information about the variance parameters at the estimates, R x R.
    boundary
        Variance parameters whose estimate makes a covariance of effects singular: zero, or all entries of a singular
        matrix.  At them the score need not be zero, and standard errors mean nothing.
    steps
        Newton steps to the maximum.

    """

    design: DataDesign
    method: str
    beta: Array
    covariance: Array
    theta: Array
    effects: tuple[Array, ...]
    log_likelihood: float
    expected: Array
    observed: Array
    boundary: tuple[str, ...]
    steps: int
    cross: CrossProducts = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fixed effects, ``"1"`` for the intercept."""
        return self.design.names

    @property
    def variance_names(self) -> tuple[str, ...]:
        """Names of the variance parameters."""
        return self.design.variance_names

    @property
    def coefficients(self) -> dict[str, float]:
        """The fixed effects by name."""
        return dict(zip(self.names, map(float, self.beta), strict=True))

    @property
    def variances(self) -> dict[str, float]:
        """The variance parameters by name."""
        return dict(zip(self.variance_names, map(float, self.theta), strict=True))

    @property
    def phi(self) -> float:
        """The error variance."""
        return float(self.theta[-1])

    @property
    def standard_errors(self) -> Array:
        """Square roots of the diagonal of ``covariance``."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def __repr__(self) -> str:
        width = max(map(len, (*self.names, *self.variance_names)))
        lines = [f"{self.design.formula.text}  [{self.method}, {len(self.design.y)} observations]"]
        lines += [f"  log-likelihood {self.log_likelihood:.6f}  ({self.steps} Newton steps)"]
        lines += [f"  {'fixed effect':<{max(width, 12)}}  {'estimate':>12}  {'std. error':>12}"]
        for name, value, error in zip(self.names, self.beta, self.standard_errors, strict=True):
            lines.append(f"  {name:<{max(width, 12)}}  {value:12.6g}  {error:12.6g}")
        lines += [f"  {'variance':<{max(width, 12)}}  {'estimate':>12}"]
        for name, value in self.variances.items():
            note = "  on the boundary" if name in self.boundary else ""
            lines.append(f"  {name:<{max(width, 12)}}  {value:12.6g}{note}")
        return "\n".join(lines)


def fit_linear(formula: str | Formula | DataDesign, data: Any = None, method: str = "REML") -> LinearFit:
    """Fit a Gaussian linear mixed model.

    Parameters
    ----------
    formula
        lme4-style, or a design that has its data.
    data
        A mapping of column names to sequences of numbers or text, or a data frame.
    method
        ``"REML"`` or ``"ML"``.

    Returns
    -------
    LinearFit
        Estimates at a maximum whose first- and second-order conditions were checked, on the boundary too.

    Raises
    ------
    ReadingError, ModelError
        If formula or data cannot be read, columns of X are dependent, or the variances are not identified.
    EvaluationError
        If the likelihood could not be maximised.

    Examples
    --------
    >>> data = {"y": [1.0, 2, 4, 6, 3, 5], "g": ["a", "a", "b", "b", "c", "c"]}
    >>> fit = fit_linear("y ~ 1 + (1 | g)", data)
    >>> {name: round(value, 6) for name, value in fit.variances.items()}  # (MSA - MSE)/2 and MSE
    {'sigma2': 2.5, 'phi': 1.5}

    """
    if method not in ("REML", "ML"):
        raise ModelError(f"the method is 'REML' or 'ML', not {method!r}")
    design = formula if isinstance(formula, DataDesign) else data_design(formula, data)
    check_full_rank(design.X, design.names)
    blocks = tuple(EffectBlock(random.designs) for random in design.random)
    at = coordinates(design)
    within = maximise(cross_products(at.response, at.fixed, at.blocks), method == "REML")
    best = restored(within, at, method == "REML")
    entries = [matrix[i, j] for block, matrix in zip(blocks, best.effects, strict=True) for i, j in block.pairs]
    boundary = tuple(
        name
        for random, block, rank in zip(design.random, blocks, best.ranks, strict=True)
        if rank < block.size
        for name in random.names
    )
    return LinearFit(
        design=design,
        method=method,
        beta=best.solved.beta,
        covariance=best.solved.covariance,
        theta=np.array([*entries, best.phi]),
        effects=best.effects,
        log_likelihood=best.solved.log_likelihood,
        expected=best.solved.expected,
        observed=best.solved.observed,
        boundary=boundary,
        steps=best.steps,
        cross=cross_products(at.scale * at.response, design.X, blocks),
    )
