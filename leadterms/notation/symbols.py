"""Parameters and sizes: one glossary of symbols, domains and LaTeX."""

from __future__ import annotations

import re

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
HARMONIC = Symbol("n_h", positive=True)
"""Harmonic mean of unequal group sizes: 1/n_h is the mean of their reciprocals."""

RESERVED = re.compile(r"(beta\d+|sigma2(_.*)?|Sigma\d+(_.*)?|phi|m(_.*)?|n(_h)?|N|u\d+|pi|E|I|oo)\Z")
"""Names that a predictor or a parameter inside a law must not take."""

_NUMBERED = re.compile(r"(beta|Sigma|u)(\d+)\Z")
_GREEK = {"beta": r"\beta", "Sigma": r"\Sigma", "u": "u"}


def fixed_effect(index: int) -> Symbol:
    """Return the coefficient of the term with that index, a real symbol."""
    return Symbol(f"beta{index}", real=True)


def random_effect(index: int) -> Symbol:
    """Return the random effect with that index, a real symbol."""
    return Symbol(f"u{index}", real=True)


def effect_covariance(row: int, column: int) -> Symbol:
    """Return the entry of the random effects' covariance matrix (from 1): positive on the diagonal."""
    first, second = min(row, column), max(row, column)
    name = f"Sigma{first}{second}" if second < 10 else f"Sigma{first}_{second}"
    return Symbol(name, positive=True) if row == column else Symbol(name, real=True)


def symbol_latex(name: str) -> str | None:
    r"""Return the LaTeX of one of our names, or None for a foreign one.

    Examples
    --------
    >>> symbol_latex("Sigma12"), symbol_latex("sigma2"), symbol_latex("beta1")
    ('\\Sigma_{12}', '\\sigma^2', '\\beta_1')

    """
    if name == "sigma2":
        return r"\sigma^2"
    if match := _NUMBERED.match(name):
        stem, digits = match.groups()
        return f"{_GREEK[stem]}_{digits}" if len(digits) == 1 else f"{_GREEK[stem]}_{{{digits}}}"
    return None
