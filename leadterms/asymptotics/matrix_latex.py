"""The covariance of all estimators as one LaTeX block matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Symbol

from leadterms.asymptotics.term import added_latex
from leadterms.notation.latex import to_latex

if TYPE_CHECKING:
    from leadterms.asymptotics.result import Expansion


def parameter_blocks(result: Expansion) -> tuple[tuple[Symbol, ...], ...]:
    """Return the parameters in blocks: beta_A, vech Sigma, beta_B, phi; those that are empty left out."""
    model = result.model
    if not model.is_mixed:
        blocks = [model.fixed_effects, ()]
    elif len(model.groupings) > 1:
        random = sorted(set(model.random_indices))
        blocks = [tuple(model.fixed_effects[i] for i in random), model.variance_parameters]
        blocks.append(tuple(beta for i, beta in enumerate(model.fixed_effects) if i not in random))
    else:
        split, fixed = model.effects_design, model.fixed_effects
        blocks = [
            tuple(fixed[i] for i in split.moved),
            model.variance_parameters,
            tuple(fixed[i] for i in split.fixed_only),
        ]
    known = {parameter for block in blocks for parameter in block}
    blocks.append(tuple(parameter for parameter in model.parameters if parameter not in known))
    return tuple(block for block in blocks if block)


def covariance_latex(result: Expansion) -> str:
    r"""Return Asy.Cov of the stacked estimators as a symmetric block matrix; a dot stands for what is above it.

    Examples
    --------
    >>> from leadterms import Model, leading_terms
    >>> model = Model("y ~ 1 + (1 | g)", family="poisson")
    >>> print(covariance_latex(leading_terms(model)).replace(" = ", " =\n"))
    \mathrm{Asy.Cov}\left[\begin{array}{c}\widehat{\beta_0} \\ \hline \widehat{\sigma^2}\end{array}\right] =
    \left[\begin{array}{c|c}\frac{\sigma^2}{m} & 0 \\ \hline \cdot & \frac{2 \sigma^{4}}{m}\end{array}\right]

    """
    blocks = parameter_blocks(result)
    parameters = [parameter for block in blocks for parameter in block]
    ends = {sum(len(block) for block in blocks[: k + 1]) - 1 for k in range(len(blocks) - 1)}
    rows = [
        " & ".join(
            r"\cdot" if j < i else added_latex(result[parameters[i], parameters[j]].terms)
            for j in range(len(parameters))
        )
        for i in range(len(parameters))
    ]
    left = _stacked([rf"\widehat{{{to_latex(parameter)}}}" for parameter in parameters], ends)
    columns = "|".join("c" * len(block) for block in blocks)
    return (
        rf"\mathrm{{Asy.Cov}}\left[\begin{{array}}{{c}}{left}\end{{array}}\right] = "
        rf"\left[\begin{{array}}{{{columns}}}{_stacked(rows, ends)}\end{{array}}\right]"
    )


def _stacked(lines: list[str], ends: set[int]) -> str:
    parts = [line + ((r" \\ \hline " if i in ends else r" \\ ") if i + 1 < len(lines) else "")
             for i, line in enumerate(lines)]  # fmt: skip
    return "".join(parts)
