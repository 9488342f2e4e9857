"""Forms in which an integrand over the random effects is recognised (`residual_information`): records only."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Symbol

from leadterms.evaluation.inverse_entries import Column, Entry

Exponents = tuple[int, ...]
Moments = tuple[tuple[int, Exponents], ...]
"""A product of moments, each by its strand and exponents."""


@dataclass(frozen=True)
class ResidualInformation:
    """The integrand is ``factor`` times S_bc.

    Parameters
    ----------
    factor
        Free of the moments.
    first, second
        The columns b and c.
    probabilities
        The strands' probabilities, up to a common factor.
    symbols
        For each strand one of its moments.
    with_ones
        Whether block A has the column of ones besides those of the effects.

    """

    factor: Expr
    first: Column
    second: Column
    probabilities: tuple[Expr, ...]
    symbols: tuple[Symbol, ...]
    with_ones: bool


@dataclass(frozen=True)
class InverseInformation:
    """The integrand is N/D, N a polynomial in moments and effects.

    D = factor det H_AA, or a sum of products of moments that are positive, with positive coefficients.

    Parameters
    ----------
    factor
        Free of moments and effects; of a positive sum the coefficient of ``product``.
    probabilities
        The strands' probabilities, up to a common factor that goes with ``factor``; none for a positive sum.
    symbols
        For each strand one of its moments.
    terms
        Coefficient, moments by strand and exponents, powers of the effects: the terms of N.
    product, degree
        One term of a positive sum, and its degree.
    with_ones
        Whether block A has the column of ones besides those of the effects.
    ones_inside
        Whether that of an effect is the column of ones.
    below
        All terms of a positive sum, as those of N; those of D too where it has the means of the weights alone.
    entries
        N/det H_AA by entries of the inverse, where that is looked for and found.

    """

    factor: Expr
    probabilities: tuple[Expr, ...]
    symbols: tuple[Symbol, ...]
    terms: tuple[tuple[Expr, Moments, tuple[int, ...]], ...]
    product: Moments = ()
    degree: int = 0
    with_ones: bool = False
    ones_inside: bool = False
    below: tuple[tuple[Expr, Moments, tuple[int, ...]], ...] = ()
    entries: tuple[Entry, ...] = ()
