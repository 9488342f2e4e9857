"""Parameters and sizes: one glossary of symbols, domains and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sympy import Symbol

PHI = Symbol("phi", positive=True)
"""Dispersion; the error variance of a Gaussian response."""
SIGMA2 = Symbol("sigma2", positive=True)
"""Variance of a single random effect of a single grouping."""
M = Symbol("m", integer=True, positive=True)
"""Number of groups."""
N = Symbol("n", integer=True, positive=True)
"""Number of observations; in each group where there are groups."""
TOTAL = Symbol("N", integer=True, positive=True)
"""Number of all observations, where groups have unequal sizes."""
M_PRIME = Symbol("m_prime", integer=True, positive=True)
"""Number of levels of the second of two crossed factors."""
HARMONIC = Symbol("n_h", positive=True)
"""Harmonic mean of unequal group sizes: 1/n_h is the mean of their reciprocals."""

RESERVED = re.compile(r"(beta\d+|sigma2(_.*)?|Sigma\d+(_.*)?|phi|m(_.*)?|n(_h)?|N|u\d+|pi|E|I|oo)\Z")
"""Names that a predictor or a parameter inside a law must not take."""

_NUMBERED = re.compile(r"(beta|Sigma|u)(\d+)\Z")
_GROUPED = re.compile(r"(sigma2|m|Sigma\d+)_([A-Za-z][A-Za-z0-9_.]*)\Z")
_GREEK = {"beta": r"\beta", "Sigma": r"\Sigma", "u": "u"}


def fixed_effect(index: int) -> Symbol:
    """Return the coefficient of the term with that index, a real symbol."""
    return Symbol(f"beta{index}", real=True)


def random_effect(index: int) -> Symbol:
    """Return the random effect with that index, a real symbol."""
    return Symbol(f"u{index}", real=True)


def factor_size(names: Sequence[str]) -> Symbol:
    """Return the number of levels of a factor, within its parent when it is nested: m_a, a positive integer."""
    return Symbol("_".join(("m", *names)), integer=True, positive=True)


def variance_component(grouping: Sequence[str] = ()) -> Symbol:
    """Return the variance of the only random effect of a grouping: sigma2, or sigma2_a_b for a:b, positive."""
    return Symbol("_".join(("sigma2", *grouping)), positive=True)


def effect_covariance(row: int, column: int, grouping: Sequence[str] = ()) -> Symbol:
    """Return the entry of the random effects' covariance matrix (from 1): positive on the diagonal.

    With several groupings the name ends with that of its own: Sigma12_a.
    """
    first, second = min(row, column), max(row, column)
    stem = f"Sigma{first}{second}" if second < 10 else f"Sigma{first}_{second}"
    name = "_".join((stem, *grouping))
    return Symbol(name, positive=True) if row == column else Symbol(name, real=True)


def is_variance(expression: object) -> bool:
    """Tell whether an expression is the variance of the only random effect of a grouping, sigma2 or sigma2_a."""
    return isinstance(expression, Symbol) and re.match(r"sigma2(_|\Z)", expression.name) is not None


def symbol_latex(name: str) -> str | None:
    r"""Return the LaTeX of one of our names, or None for a foreign one.

    Examples
    --------
    >>> symbol_latex("Sigma12"), symbol_latex("sigma2"), symbol_latex("beta1")
    ('\\Sigma_{12}', '\\sigma^2', '\\beta_1')

    """
    if name == "sigma2":
        return r"\sigma^2"
    if name == M_PRIME.name:
        return r"m^{\prime}"
    if name == HARMONIC.name:
        return "n_h"
    if match := _NUMBERED.match(name):
        stem, digits = match.groups()
        return f"{_GREEK[stem]}_{digits}" if len(digits) == 1 else f"{_GREEK[stem]}_{{{digits}}}"
    if match := _GROUPED.match(name):
        stem, grouping = match.groups()
        shown = grouping_latex(grouping)
        if stem == "sigma2":
            return rf"\sigma^2_{{{shown}}}"
        return f"m_{{{shown}}}" if stem == "m" else rf"\Sigma_{{{shown},{stem[5:]}}}"
    return None


def grouping_latex(grouping: str) -> str:
    r"""Return the LaTeX of a grouping in a name: letters as they are, words upright.

    Examples
    --------
    >>> grouping_latex("a_b"), grouping_latex("clinic")
    ('ab', '\\mathrm{clinic}')

    """
    parts = grouping.split("_")
    if all(re.fullmatch(r"[A-Za-z]\d*", part) for part in parts):
        return "".join(parts)
    return r"\mathrm{" + r"\_".join(parts) + "}"
