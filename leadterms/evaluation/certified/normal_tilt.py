r"""Normal predictors under exponential weights: integrated in closed form, before anything else is done.

Let x_i ~ N(mu_i, v_i) be independent predictors of a weight e^{r eta} with the coefficients s_i(z) = slope_i + l_i'z in
eta, z standard normal effects.  Then

    E[x_i^k e^{r s_i x_i}] = e^{r s_i mu_i + r^2 s_i^2 v_i/2} E[Y_i^k],   Y_i ~ N(m_i(z), v_i),  m_i = mu_i + r v_i s_i,

and the exponents of all i add up to A + B'z + z'Mz/2, M = r^2 sum_i v_i l_i l_i' the same on all strands.  Where F is
homogeneous of degree d in the moments it has the factor e^{d(A + B'z + z'Mz/2)}, and with P = I - dM positive definite

    E[e^{d(A + B'z + z'Mz/2)} G(z)] = e^{dA + d^2 B'P^{-1}B/2} det(P)^{-1/2} E[G(c + Ly)],

c = d P^{-1}B and LL' = P^{-1}, for standard normal y (complete the square).  Left are predictors with bounded laws, and
polynomials in y.  Squares of x_i in eta change its law first (`normal_squares`).

**Bounds.**  ||Y||_k <= |m_i| + sqrt(v_i) ||xi||_k for a standard normal xi (Minkowski), so that with m_i = m_0 + sum_j
m_j y_j and a = |m_0| + sqrt(v_i) ||xi||_k

    E|Y_i|^k <= (a + sum_j |m_j||y_j|)^k <= a^k e^{k sum_j |m_j||y_j|/a}.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import Ball
from leadterms.evaluation.certified.normal_squares import AffineStrand, without_squares
from leadterms.evaluation.certified.strands import surely_equal
from leadterms.evaluation.certified.weight_balls import rate_of, weight_balls
from leadterms.evaluation.certified.work import spend
from leadterms.evaluation.moment_system import Exact, Strand
from leadterms.model.laws import NormalLaw

Exponents = tuple[int, ...]
Rows = tuple[tuple[Ball, ...], ...]
UNITS = 10
"""Of work that a value of the integrand is counted for: moments of normal predictors cost little, boxes are many."""


@dataclass(frozen=True)
class ShiftedNormal:
    """Y ~ N(m(y), variance) with m = constant + sum_j slopes[j] y_j."""

    constant: Ball
    slopes: tuple[Ball, ...]
    variance: Ball

    def moments(self, effects: Sequence[Ball], power: int) -> list[Ball]:
        """Return E[Y^k] for k up to a power: E[Y^(k + 1)] = m E[Y^k] + k v E[Y^(k - 1)]."""
        mean = sum((slope * y for slope, y in zip(self.slopes, effects, strict=True)), self.constant)
        found: list[Ball] = [arb(1), mean]
        for k in range(1, power):
            found.append(mean * found[k] + k * self.variance * found[k - 1])
        return found[: power + 1]

    def absolute(self, power: int) -> tuple[Ball, tuple[Ball, ...]]:
        """Return level and growth with E|Y|^power <= level e^(sum growth_j |y_j|)."""
        if power == 0:
            return arb(1), (arb(0),) * len(self.slopes)
        even = power + power % 2
        norm = arb(prod(range(1, even, 2))).root(even)
        level = (abs(self.constant) + self.variance.sqrt() * norm).abs_upper()
        return level**power, tuple((power * abs(slope) / level).abs_upper() for slope in self.slopes)


@dataclass(frozen=True)
class TiltedStrand:
    """A strand without its normal predictors, and these by their laws given y."""

    strand: Strand
    normals: tuple[ShiftedNormal, ...]
    moments: tuple[tuple[int, Exponents], ...]
    """Each of the original moments: the place of its rest in ``strand.moments``, and the normal predictors' powers."""

    def restored(self, rests: Sequence[Ball], effects: Sequence[Ball]) -> list[Ball]:
        """Return the original moments, up to the factor that all share."""
        most = [max((powers[i] for _, powers in self.moments), default=0) for i in range(len(self.normals))]
        own = [normal.moments(effects, power) for normal, power in zip(self.normals, most, strict=True)]
        return [
            prod((own[i][k] for i, k in enumerate(powers) if k), start=rests[place]) for place, powers in self.moments
        ]


@dataclass(frozen=True)
class Tilted:
    """factor E[F] in other standard normal effects y: z = shift + root y."""

    strands: tuple[TiltedStrand, ...]
    factor: Ball
    shift: tuple[Ball, ...]
    root: Rows

    def effects(self, mean: Sequence[Ball], root: Sequence[Sequence[Ball]]) -> tuple[tuple[Ball, ...], Rows]:
        """Return mean and root of u = mean + root z in terms of y."""
        shifted = tuple(_dot(row, self.shift) + m for m, row in zip(mean, root, strict=True))
        columns = list(zip(*self.root, strict=True))
        return shifted, tuple(tuple(_dot(row, column) for column in columns) for row in root)

    def restoring(
        self, integrand: Callable[[Sequence[Ball]], Ball], with_effects: bool
    ) -> Callable[[Sequence[Ball]], Ball]:
        """Return the integrand as a function of the moments that are left and of y, up to the factor."""
        counts = [len(one.strand.moments) for one in self.strands]

        def value(arguments: Sequence[Ball]) -> Ball:
            spend(UNITS)
            effects = arguments[sum(counts) :]
            moments: list[Ball] = []
            start = 0
            for one, count in zip(self.strands, counts, strict=True):
                moments += one.restored(arguments[start : start + count], effects)
                start += count
            return integrand([*moments, *effects] if with_effects else moments)

        return value


def normal_places(strand: Strand) -> tuple[int, ...]:
    """Return which predictors of a strand are normal."""
    return tuple(i for i, law in enumerate(strand.laws) if isinstance(law, NormalLaw))


def tilted(strands: Sequence[Strand], degree: int) -> Tilted:
    """Return a system of exponential weights without its normal predictors.

    Parameters
    ----------
    strands
        Those of the system, with the same laws.
    degree
        Of the integrand in the moments.

    Raises
    ------
    EvaluationError
        If the strands tilt differently, a linear predictor is not affine but for squares (`without_squares`), or P is
        not shown to be positive definite.

    """
    places = normal_places(strands[0])
    size = len(strands[0].loadings)
    lines = without_squares(strands, places)
    parts = [_exponent(line, places) for line in lines]
    if not all(_same(line.strand, lines[0].strand, places) for line in lines):
        raise EvaluationError("the linear predictors have different random slopes on a normal predictor")
    level, slope, square = parts[0]
    precision = arb_mat(
        size, size, [arb(int(j == k)) - degree * square[j][k] for j in range(size) for k in range(size)]
    )
    inverse = _inverse(precision)
    root = _cholesky(inverse)
    shift = tuple(degree * _dot([inverse[j, k] for k in range(size)], slope) for j in range(size))
    factor = (degree * level + degree * _dot(slope, shift) / 2).exp() * prod(
        (root[j][j] for j in range(size)), start=arb(1)
    )
    found = []
    for line, (own, steep, _) in zip(lines, parts, strict=True):
        beyond = [one - first for one, first in zip(steep, slope, strict=True)]
        found.append(_without_normals(line, places, beyond, own - level, shift, root))
    return Tilted(tuple(found), factor, shift, root)


def _exponent(line: AffineStrand, places: Sequence[int]) -> tuple[Ball, list[Ball], list[list[Ball]]]:
    """Return A, B and M."""
    strand, level = line.strand, line.level
    rate = rate_of(weight_balls(strand.weight))
    size = len(strand.loadings)
    slope, square = [arb(0)] * size, [[arb(0)] * size for _ in range(size)]
    for i in places:
        mean, variance = line.normals[i]
        fixed, loads = arb(strand.slopes[i]), [arb(row[1 + i]) for row in strand.loadings]
        level += rate * fixed * mean + rate**2 * fixed**2 * variance / 2
        for j in range(size):
            slope[j] += rate * loads[j] * (mean + rate * fixed * variance)
            for k in range(size):
                square[j][k] += rate**2 * variance * loads[j] * loads[k]
    return level, slope, square


def _same(strand: Strand, first: Strand, places: Sequence[int]) -> bool:
    if (strand.laws, strand.weight) != (first.laws, first.weight):
        return False
    return all(
        surely_equal(row[1 + i], other[1 + i])
        for row, other in zip(strand.loadings, first.loadings, strict=True)
        for i in places
    )


def _without_normals(
    line: AffineStrand, places: Sequence[int], slope: Sequence[Ball], level: Ball, shift: Sequence[Ball], root: Rows
) -> TiltedStrand:
    """Return a strand in y; level and slope are what its A and B have beyond those taken out."""
    strand = line.strand
    rate = rate_of(weight_balls(strand.weight))
    rest = [i for i in range(len(strand.laws)) if i not in places]
    rows = [[arb(entry) for entry in row] for row in strand.loadings]
    lifted = [[row[0] + extra / rate, *row[1:]] for row, extra in zip(rows, slope, strict=True)]
    start = [arb(strand.centre) + level / rate, *(arb(one) for one in strand.slopes)]
    width = range(1 + len(strand.laws))
    centre = [start[i] + _dot([row[i] for row in lifted], shift) for i in width]
    columns = list(zip(*root, strict=True))
    loadings = [[_dot([row[i] for row in lifted], column) for i in width] for column in columns]
    normals = []
    for i in places:
        mean, variance = line.normals[i]
        moved = tuple(rate * variance * row[1 + i] for row in loadings)
        normals.append(ShiftedNormal(mean + rate * variance * centre[1 + i], moved, variance))
    kept: dict[Exponents, int] = {}
    moments = []
    for exponents in strand.moments:
        place = kept.setdefault(tuple(exponents[i] for i in rest), len(kept))
        moments.append((place, tuple(exponents[i] for i in places)))
    left = Strand(
        strand.weight,
        tuple(strand.laws[i] for i in rest),
        centre[0],
        tuple(centre[1 + i] for i in rest),
        tuple((row[0], *(row[1 + i] for i in rest)) for row in loadings),
        tuple(kept),
    )
    return TiltedStrand(left, tuple(normals), tuple(moments))


def _inverse(matrix: arb_mat) -> arb_mat:
    try:
        return matrix.inv()
    except ZeroDivisionError:
        raise _not_definite() from None


def _cholesky(matrix: arb_mat) -> Rows:
    """Return the lower triangular root."""
    size = matrix.nrows()
    root = [[arb(0)] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i, j] - _dot(root[i][:j], root[j][:j])
            if i != j:
                root[i][j] = rest / root[j][j]
            elif rest > 0:
                root[i][j] = rest.sqrt()
            else:
                raise _not_definite()
    return tuple(map(tuple, root))


def _not_definite() -> EvaluationError:
    return EvaluationError(
        "the average over normal effects of an exponential of their squares is not shown to be finite: a matrix is not "
        "shown to be positive definite"
    )


def _dot(first: Sequence[Exact], second: Sequence[Exact]) -> Ball:
    return sum((a * b for a, b in zip(first, second, strict=True)), arb(0))
