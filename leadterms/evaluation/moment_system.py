"""The shape of every held coefficient: a rational function of weighted moments, averaged over random effects.

    E_U[ F(M_1(U), ..., M_q(U)) ],   M_k(u) = E_X[ X^(e_k) w(eta(X, u)) ],   eta polynomial in X, affine in u.

Moments of one linear predictor make a strand.  There is one strand in most models; predictors with finitely many
values that are summed over leave one strand for each combination of values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadterms.model.laws import Law
from leadterms.model.weights import CloglogWeight, ProbitWeight, Weight

Ball = Any
"""A python-flint ``arb`` or ``acb``."""
Exact = Any
"""A python-flint ``fmpq``, or an ``arb`` where a number is irrational."""
STRAYING = (ProbitWeight, CloglogWeight)
"""Weights with no sector that holds them near the real line."""
Cut = tuple[Ball | None, Ball | None]
"""Exact ends at which a law is cut off, None where it is left whole."""
NumericColumn = tuple[Mapping[tuple[int, ...], Exact], ...]
"""A column of the design, for each strand coefficients by exponents of the predictors."""


@dataclass(frozen=True)
class Strand:
    """The moments of one linear predictor.

    Parameters
    ----------
    weight
        The kind of the weight, with exact numbers as its scale and parameter.
    laws
        Laws of the predictors x_1..x_p, independent, with exact numbers as parameters.
    centre
        Constant term of eta.
    slopes
        Coefficients of x_1..x_p in eta, or of its monomials.
    loadings
        For each random effect z_j, standard normal and independent of the others, its coefficients in eta:
        that of 1 and those of the monomials, so that
        eta = centre + sum_m slopes[m] x^m + sum_j z_j (loadings[j][0] + sum_m loadings[j][1 + m] x^m).
    moments
        Exponents of x_1..x_p in each moment.
    monomials
        Exponents of x_1..x_p in the monomials m of eta; None where these are x_1..x_p themselves.
    cuts
        Where the laws are cut off: the moments are those of what is left, whose mass is below one.  None where all
        laws are whole.
    by_transforms
        Whether predictors are to be added by their transforms where they serve, one heavy tail among them.

    """

    weight: Weight
    laws: tuple[Law, ...]
    centre: Exact
    slopes: tuple[Exact, ...]
    loadings: tuple[tuple[Exact, ...], ...]
    moments: tuple[tuple[int, ...], ...]
    monomials: tuple[tuple[int, ...], ...] | None = None
    cuts: tuple[Cut, ...] | None = None
    by_transforms: bool = False


@dataclass(frozen=True)
class Ceiling:
    """c E[|X|^e w(eta)], a part of a bound of |F| for real effects: factor, strand, exponents."""

    factor: Exact
    strand: int
    exponents: tuple[int, ...]


@dataclass(frozen=True)
class ExponentialCeiling:
    """level e^(sum_j growth_j |z_j|), a part of a bound of |F| for real effects z."""

    level: Ball
    growth: tuple[Ball, ...]


@dataclass(frozen=True)
class EntryCeiling:
    """k (1 + |u|)^alpha (q_row q_other)^(1/2), or k (1 + |u|)^alpha q_row^(1/2), q_i = e_i'H^{-1}e_i, H = H_AA in u."""

    factor: Ball
    powers: tuple[int, ...]
    row: int
    other: int | None


@dataclass(frozen=True)
class InverseCeiling:
    """sum k (1 + |u|)^alpha/lambda, u = mean + root z: lambda the least eigenvalue of E[w a a'], a = d eta/dz.

    Parameters
    ----------
    terms
        The factors k >= 0, each with its alpha.
    mean, root
        Of u.
    probabilities
        Those of the strands.
    without_inverse
        Whether it is the same without 1/lambda.
    entries
        Of which a sum is a bound besides; none where that is not known.

    """

    terms: tuple[tuple[Ball, tuple[int, ...]], ...]
    mean: tuple[Exact, ...]
    root: tuple[tuple[Exact, ...], ...]
    probabilities: tuple[Exact, ...]
    without_inverse: bool = False
    entries: tuple[EntryCeiling, ...] = ()


@dataclass(frozen=True)
class Sector:
    """What is known of F where the values of the weights lie in a sector.

    Let the moments be E[X^e v] with complex v instead of w, all with |arg v| <= t, multiple t < pi/2.  Then F is
    analytic there and |F| <= sec(multiple t)^power times the ceiling, with |v| in place of w.  For an exponential
    ceiling it is sec(multiple t)^power times the ceiling at the real part of z, times (sup |v|/w)^gains, times
    e^(growth_j |Im z_j|).

    Parameters
    ----------
    multiple, power, gains, growth
        As above.
    losses
        Where |v| may be smaller than w at the real part of z: a further factor (sup w/|v|)^losses.
    turns
        Whether the bound stays when all v are multiplied by the same e^(i theta).
    one_by_one
        Whether the arguments of all v matter, not only those of means of v f^2.

    """

    multiple: int
    power: int
    gains: int = 1
    growth: tuple[Ball, ...] = ()
    losses: int = 0
    turns: bool = False
    one_by_one: bool = False


@dataclass(frozen=True)
class NumeratorTerm:
    """c u^powers times a product of moments E_s[x^e w], each by its strand and exponents."""

    coefficient: Exact
    moments: tuple[tuple[int, tuple[int, ...]], ...]
    powers: tuple[int, ...]


@dataclass(frozen=True)
class InverseEntry:
    """c u^powers (H^{-1})_kl, or c u^powers (H^{-1} h_b)_k, H = H_AA in u, h_b = E[w a b].

    Parameters
    ----------
    coefficient, powers
        c, and the exponents of the effects.
    row, other
        k and l; no l where there is a column.
    column
        b for each strand: coefficients by exponents of the predictors; none where there is an l.

    """

    coefficient: Exact
    powers: tuple[int, ...]
    row: int
    other: int | None
    column: tuple[Mapping[tuple[int, ...], Exact], ...] = ()


@dataclass(frozen=True)
class InverseForm:
    """N/D, u = mean + root z.

    Parameters
    ----------
    factor, probabilities
        D = factor det H_AA, over strands with these probabilities; without probabilities factor is the coefficient of
        ``product_of_moments``.
    terms
        Those of N.
    mean, root
        Of the effects.
    product_of_moments, degree
        One term of a positive sum D, its moments by strand and exponents, and the degree of D.
    with_ones
        Whether H_AA has the column of ones besides those of the effects.
    ones_inside
        Whether, in u, that of an effect is the column of ones.
    below
        All terms of a positive sum D, or of one in the means of weights alone.
    entries
        N/det H_AA by entries of the inverse; none where they are not known.

    """

    factor: Exact
    probabilities: tuple[Exact, ...]
    terms: tuple[NumeratorTerm, ...]
    mean: tuple[Exact, ...]
    root: tuple[tuple[Exact, ...], ...]
    product_of_moments: tuple[tuple[int, tuple[int, ...]], ...] = ()
    degree: int = 0
    with_ones: bool = False
    ones_inside: bool = False
    below: tuple[NumeratorTerm, ...] = ()
    entries: tuple[InverseEntry, ...] = ()


def takes_arrays(integrand: Callable[[Sequence[Ball]], Ball]) -> bool:
    """Tell whether an integrand says of itself that it may be computed for many moments at once."""
    return bool(getattr(integrand, "takes_arrays", False))


@dataclass(frozen=True)
class NumericSystem:
    """A moment system at a point of the parameter space.

    Parameters
    ----------
    strands
        At least one; all have the same random effects.
    integrand
        F: the values of the moments, strand after strand, to the value of the integrand, in balls (real or complex).
        It is rational with real coefficients.
    ceiling
        |F| is at most the sum of these for every real u; none where no bound is known.
    sector
        What holds besides for complex weights, None where nothing is known.
    shares
        If F is a multiple of an entry S_bc of the Schur complement, in E[w z z'], of the block of the random effects,
        and the ceiling that multiple of (E[w b^2] + E[w c^2])/2: the probabilities of the strands, up to a common
        factor.  None otherwise.
    columns
        Then the columns b and c besides, for each strand: coefficients by exponents of the predictors.
    with_effects
        Whether F depends on the effects z besides: then the integrand takes them after the moments.
    inverse
        The form of an integrand that is one of inverse information: the ceiling comes from it.
    whole
        The system whose ceiling it is, where this is that one with a predictor averaged over; else None.
    degree
        That of F, where it is homogeneous in the moments, and that is known.

    """

    strands: tuple[Strand, ...]
    integrand: Callable[[Sequence[Ball]], Ball]
    ceiling: tuple[Ceiling | ExponentialCeiling | InverseCeiling, ...] = ()
    sector: Sector | None = None
    shares: tuple[Exact, ...] | None = None
    columns: tuple[NumericColumn, ...] = ()
    with_effects: bool = False
    inverse: InverseForm | None = None
    whole: NumericSystem | None = None
    degree: int | None = None

    @property
    def absolute_moments(self) -> tuple[Ceiling, ...]:
        """The parts of the ceiling that are absolute moments."""
        return tuple(part for part in self.ceiling if isinstance(part, Ceiling))

    def value(self, moments: Sequence[Ball], effects: Sequence[Ball]) -> Ball:
        """Return F at effects and the moments there."""
        return self.integrand([*moments, *effects] if self.with_effects else moments)

    @property
    def takes_arrays(self) -> bool:
        """Whether F may be computed for many moments at once: it is made of sums, products and quotients of them."""
        return takes_arrays(self.integrand)

    @property
    def dimension(self) -> int:
        """Number of random effects."""
        return len(self.strands[0].loadings)
