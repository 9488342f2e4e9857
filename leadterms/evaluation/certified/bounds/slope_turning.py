r"""One random slope, on a predictor of Student's law: how complex effects turn its density, whatever the weight is.

Let eta = c + s x, s = b + r z, c in the other predictors, and F an entry S_bc of the complement of the column x, b and
c without x.  With y = eta - c the column x is y/s, of which the complement knows the direction only; so with eta and
the other predictors as variables all columns may be taken as real, and z stands in the density of y alone, which with
p = centre + i scale is

.. math:: f(y/s)/s = C s^\nu \{(y - s p)(y - s \bar p)\}^{-q/2},\quad q = \nu + 1.

Let :math:`s = |s| e^{i \theta}` turn, or -s, from theta = 0 on, and alpha <= pi/2 be the angle between p and the real
line, theta < alpha.  With t = s p at the angle a to that line 1 - y/t, y real, is on a line at the distance sin a from
zero, so that -t/(y - t) = 1/(1 - y/t) is on the circle around (1 - i cot a)/2 with the radius 1/(2 sin a).  Its real
part is the rate at which the argument of y - s p turns with theta: 1/2 up to 1/(2 sin a); its imaginary part, at most
1/sin a in size, that of log |y - s p|.  For both factors a is at least alpha - theta.  Apart from what is the same
for all y, which F takes as a factor, the density turns by at most :math:`(q/2) \theta/\sin(\alpha - \theta)`, and it
grows by at most :math:`e^{q \theta/\sin(\alpha - \theta)}`: against a real slope, of modulus |s|.

So |F| is at most sec^p of the angle (`Sector`), times the growth, times the ceiling, which is the same for all real
effects: eta takes all values.  At s = 0 F is not analytic: there the ceiling stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.laws.heavy_lines import StudentLine
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, Cell, interval
from leadterms.evaluation.moment_system import NumericSystem, Sector
from leadterms.evaluation.precision import ball_precision


@dataclass(frozen=True)
class SlopeTurning:
    """Factors by which |F| may exceed its ceiling.

    Parameters
    ----------
    slope, loading
        b and r.
    line
        The law of x.
    sector
        What is known of F under complex weights.

    """

    slope: Ball
    loading: Ball
    line: StudentLine
    sector: Sector

    def factor(self, region: Cell, j: int, height: Ball) -> Ball:
        """Bound |F| over the ceiling where z is in a real range and moves by up to i height; not finite if unknown."""
        (side,) = region
        least = (self.slope + self.loading * interval(*side)).abs_lower()
        if not least > 0:
            return NAN
        theta = (abs(self.loading) * height / least).atan()
        left = arb.pi() / 2 - (abs(self.line.centre) / self.line.scale).atan()
        rest = left - theta
        if not rest > 0:
            return NAN
        order = self.line.nu + 1
        turned = self.sector.multiple * order / 2 * theta / rest.sin()
        if not turned < arb.pi() / 2:
            return NAN
        growth = (order * theta / rest.sin()).exp() ** self.sector.gains
        return (growth / turned.cos() ** self.sector.power).abs_upper()


def slope_turning(system: NumericSystem) -> SlopeTurning | None:
    """Return these factors for the one random slope on a law of Student's, None for other systems."""
    if system.dimension != 1 or len(system.strands) != 1 or system.shares is None or system.sector is None:
        return None
    (strand,) = system.strands
    if strand.monomials is not None or strand.cuts is not None or system.with_effects:
        return None
    with ball_precision(PLANNING_BITS):
        problem = Problem(strand)
        (row,) = problem.loadings
        moved = [i for i, entry in enumerate(row[1:]) if not entry.is_zero()]
        if not row[0].is_zero() or len(moved) != 1:
            return None
        (i,) = moved
        line = problem.lines[i]
        columns = [exponents for column in system.columns for own in column for exponents in own]
        if not isinstance(line, StudentLine) or any(e[i] for e in columns):
            return None
        return SlopeTurning(problem.slopes[i], row[1 + i], line, system.sector)
