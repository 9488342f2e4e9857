"""The information about a fixed slope summed over a lattice along the axes of the Gaussian law of the two ends.

Slower for each node than `slope_lattice`, as every node needs polylogarithms of its own; far fewer nodes where one
direction of the random effects has a much smaller variance than the other.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

from flint import arb

from leadterms.evaluation.kernels.slope_table import Ends, Parameters, SlopeTable
from leadterms.evaluation.precision import ball_precision


def sheared_sum(parameters: Parameters, steps: tuple[float, float], depth: float, bits: int) -> arb:
    """Return the sum over z0 = i h0, z1 = (j + phase) h1 at the current precision, ``bits``.

    p = sqrt(vp) z0 and q = c/sqrt(vp) z0 + sqrt(det/vp) z1.  The phase of each row puts beta = alpha between two nodes;
    the bound of the sum over z1 holds for each z0 and every phase.

    Parameters
    ----------
    parameters
        Coefficients and covariance.
    steps
        h0 and h1, of few bits.
    depth
        All nodes with a Gaussian exponent below it are included.
    bits
        The current ball precision.

    """
    table = SlopeTable(bits, parameters.fixed, parameters.origin)
    # the table magnifies errors of its argument: the geometry has its precision
    with ball_precision(table.bits):
        h0, h1 = (arb(one) for one in steps)
        outer, inner = parameters.vp.sqrt(), (parameters.determinant / parameters.vp).sqrt()
        lean = parameters.c / outer
        low, high = parameters.centre - parameters.slope, parameters.centre + parameters.slope
    widest = ceil(sqrt(2 * depth) / steps[0])
    total = arb(0)
    for i in range(-widest, widest + 1):
        with ball_precision(table.bits):
            z0 = i * h0
            difference = 2 * parameters.slope + (outer - lean) * z0
            phase = (float(difference / (inner * h1)) + 0.5) % 1.0
            half = sqrt(max(0.0, 2 * depth - (i * steps[0]) ** 2)) / steps[1]
            points = [(j + arb(phase)) * h1 for j in range(floor(-half - phase), ceil(half - phase) + 1)]
            beta = table(high + outer * z0)
            alphas = [table(low + lean * z0 + inner * z1) for z1 in points]
        row = arb(0)
        for z1, alpha in zip(points, alphas, strict=True):
            row += _information(beta, alpha) * (-z1 * z1 / 2).exp() / (difference - inner * z1)
        total += row * (-z0 * z0 / 2).exp()
    return total * h0 * h1 / (2 * arb.pi())


def _information(beta: Ends, alpha: Ends) -> arb:
    """Return (beta - alpha) F from the moments at both ends."""
    one, two = beta.lower, alpha.lower
    if beta.upper is not None and alpha.upper is not None:
        one, two = beta.upper, alpha.upper
    a0, a1, a2, b0, b1, d = (x - y for x, y in zip(one, two, strict=True))
    return d - (b0 * (b0 * a2 - b1 * a1) + b1 * (b1 * a0 - b0 * a1)) / (a0 * a2 - a1 * a1)
