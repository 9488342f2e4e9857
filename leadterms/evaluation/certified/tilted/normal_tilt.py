r"""Normal predictors under exponential weights: integrated in closed form, before anything else is done.

Let x_i ~ N(mu_i, v_i) be independent predictors of a weight e^{r eta} with the coefficients s_i + d_i(x) + l_i'z in
eta (`normal_parts`): z standard normal effects, d_i polynomials in the other predictors.  Then

    E[x_i^k e^{r (s_i + d_i + l_i'z) x_i}] = e^{r (s_i + d_i + l_i'z) mu_i + r^2 (s_i + d_i + l_i'z)^2 v_i/2} E[Y_i^k],

Y_i ~ N(m_i + r v_i d_i(x), v_i) with m_i = mu_i + r v_i (s_i + l_i'z).  What of the exponents has d_i joins the linear
predictor of the others,

    d_i (mu_i + r v_i s_i) + r v_i d_i^2/2 + r v_i d_i l_i'z,

and the rest adds up over i to A + B'z + z'Mz/2, M = r^2 sum_i v_i l_i l_i' the same on all strands.  What the effects
add to the constant term of eta on all strands is in B, too: a random intercept.  Where F is homogeneous of degree d in
the moments it has the factor e^{d(A + B'z + z'Mz/2)}, and with P = I - dM positive definite

    E[e^{d(A + B'z + z'Mz/2)} G(z)] = e^{dA + d^2 B'P^{-1}B/2} det(P)^{-1/2} E[G(c + Ly)],

c = d P^{-1}B and LL' = P^{-1}, for standard normal y (complete the square).  Left are the other predictors, and
polynomials in them and y: Y_i^k is that of r v_i d_i + Y_i', Y_i' ~ N(m_i, v_i) (binomial theorem).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.polynomials import Polynomial, added, times
from leadterms.evaluation.certified.moments.strands import in_predictors, surely_equal
from leadterms.evaluation.certified.moments.weight_balls import rate_of, weight_balls
from leadterms.evaluation.certified.tilted.normal_parts import NormalParts, normal_parts
from leadterms.evaluation.certified.tilted.tilted_strand import Exponents, ShiftedNormal, TiltedStrand, expanded
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.work import spend
from leadterms.evaluation.moment_system import Exact, Strand
from leadterms.model.laws import NormalLaw

Rows = tuple[tuple[Ball, ...], ...]
UNITS = 3
"""Of work that a value of the integrand is counted for, about its time: moments of normal predictors cost little."""


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
        If the strands tilt differently, a linear predictor has another form (`normal_parts`), or P is not shown to be
        positive definite.

    """
    places = normal_places(strands[0])
    size = len(strands[0].loadings)
    lines = normal_parts(strands, places)
    if not all(_same(line, lines[0]) for line in lines):
        raise EvaluationError("the linear predictors have different random slopes on a normal predictor")
    intercepts, lines = _intercepts(lines)
    parts = [_exponent(line) for line in lines]
    level, slope, square = parts[0]
    slope = [one + intercept for one, intercept in zip(slope, intercepts, strict=True)]
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
        # of the first, and where no effect multiplies a normal predictor, surely nothing
        alike = line is lines[0] or not any(map(_is_moved, line.loads.values()))
        beyond = [arb(0) if alike else one - first for one, first in zip(steep, parts[0][1], strict=True)]
        found.append(_without_normals(line, beyond, own - level, shift, root))
    return Tilted(tuple(found), factor, shift, root)


def _is_moved(loads: Sequence[Exact]) -> bool:
    return not all(arb(load).is_zero() for load in loads)


def _intercepts(lines: Sequence[NormalParts]) -> tuple[list[Ball], list[NormalParts]]:
    """Return rate times what each effect adds to the constant terms of all strands, and the strands without it."""
    rate = rate_of(weight_balls(lines[0].strand.weight))
    first = lines[0].strand.loadings
    shared = [all(surely_equal(line.strand.loadings[j][0], row[0]) for line in lines) for j, row in enumerate(first)]
    taken = [rate * arb(row[0]) if own else arb(0) for row, own in zip(first, shared, strict=True)]
    left = [
        replace(line, rows=tuple(_split(row)[1] if own else row for row, own in zip(line.rows, shared, strict=True)))
        for line in lines
    ]
    return taken, left


def _split(polynomial: Polynomial) -> tuple[Ball, Polynomial]:
    """Return the constant term, and the others."""
    rest = {e: c for e, c in polynomial.items() if any(e)}
    return sum((c for e, c in polynomial.items() if not any(e)), arb(0)), rest


def _exponent(line: NormalParts) -> tuple[Ball, list[Ball], list[list[Ball]]]:
    """Return A, B and M."""
    level = line.level
    rate = rate_of(weight_balls(line.strand.weight))
    size = len(line.rows)
    slope, square = [arb(0)] * size, [[arb(0)] * size for _ in range(size)]
    for i, (mean, variance) in line.normals.items():
        fixed, loads = _split(line.slopes[i])[0], [arb(one) for one in line.loads[i]]
        level += rate * fixed * mean + rate**2 * fixed**2 * variance / 2
        for j in range(size):
            slope[j] += rate * loads[j] * (mean + rate * fixed * variance)
            for k in range(size):
                square[j][k] += rate**2 * variance * loads[j] * loads[k]
    return level, slope, square


def _same(line: NormalParts, first: NormalParts) -> bool:
    if (line.strand.laws, line.strand.weight) != (first.strand.laws, first.strand.weight):
        return False
    return all(
        surely_equal(one, other)
        for i, loads in line.loads.items()
        for one, other in zip(loads, first.loads[i], strict=True)
    )


def _without_normals(
    line: NormalParts, slope: Sequence[Ball], level: Ball, shift: Sequence[Ball], root: Rows
) -> TiltedStrand:
    """Return a strand in y; level and slope are what its A and B have beyond those taken out."""
    strand, places = line.strand, tuple(line.normals)
    rate = rate_of(weight_balls(strand.weight))
    rest = [i for i in range(len(strand.laws)) if i not in places]
    nothing = (0,) * len(rest)
    fixed = added(line.fixed, {nothing: level / rate})
    rows = [added(row, {nothing: extra / rate}) for row, extra in zip(line.rows, slope, strict=True)]
    columns = list(zip(*root, strict=True))
    normals, along = [], []
    for i, (mean, variance) in line.normals.items():
        constant, more = _split(line.slopes[i])
        loads, pull = [arb(one) for one in line.loads[i]], rate * variance
        fixed = added(fixed, _scaled(more, mean + pull * constant))
        fixed = added(fixed, _scaled(times(more, more), pull / 2))
        rows = [
            row if load.is_zero() else added(row, _scaled(more, pull * load))
            for row, load in zip(rows, loads, strict=True)
        ]
        moved = tuple(pull * _dot(loads, column) for column in columns)
        normals.append(ShiftedNormal(mean + pull * (constant + _dot(loads, shift)), moved, variance))
        along.append(_scaled(more, pull))
    for row, s in zip(rows, shift, strict=True):
        fixed = added(fixed, _scaled(row, s))
    turned = [_combined(rows, column) for column in columns]
    kept: dict[Exponents, int] = {}
    moments = tuple(
        tuple(
            (c, kept.setdefault(e, len(kept)), powers)
            for polynomial, powers in expanded(exponents, places, along)
            for e, c in polynomial.items()
        )
        for exponents in strand.moments
    )
    monomials = tuple(dict.fromkeys(e for own in (fixed, *turned) for e in own if any(e)))
    zero = arb(0)
    left = Strand(
        strand.weight,
        tuple(strand.laws[i] for i in rest),
        fixed[nothing],
        tuple(fixed.get(e, zero) for e in monomials),
        tuple((row.get(nothing, zero), *(row.get(e, zero) for e in monomials)) for row in turned),
        tuple(kept),
        monomials,
    )
    return TiltedStrand(in_predictors(left), tuple(normals), tuple(along), moments)


def _scaled(polynomial: Polynomial, factor: Ball) -> Polynomial:
    return {e: c * factor for e, c in polynomial.items()}


def _combined(rows: Sequence[Polynomial], factors: Sequence[Ball]) -> Polynomial:
    total: Polynomial = {}
    for row, factor in zip(rows, factors, strict=True):
        total = added(total, _scaled(row, factor))
    return total


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
