"""A quadrature rule for one predictor with a proven error: E[X^k w(eta(X))] for all k at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.rules.bell_rule import bell_rule
from leadterms.evaluation.certified.rules.eta import polynomial_on
from leadterms.evaluation.certified.rules.rule import LineRule, Request
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, interval, larger, smaller, whole_power
from leadterms.evaluation.certified.tools.gauss import columns, gauss, points_needed, remainder
from leadterms.evaluation.certified.tools.work import PANEL_UNITS, spend
from leadterms.evaluation.precision import ball_precision, spelled

ELLIPSES = (1.1, 1.2, 1.35, 1.6, 2.0, 2.6, 3.5, 5.0, 8.0, 14.0, 30.0, 80.0, 250.0, 1000.0)
MIDDLE = 5
COLUMNS = 8
MOST_PANELS = 2000
MOST_BITS = 1 << 15
"""Rules for tolerances that are this far below the integrand are too long: as where a weight falls like e^(-e^eta)."""
NEGLIGIBLE = 1 / 256
"""A panel is left out if it weighs less than this share of what is tolerated."""


@dataclass(frozen=True)
class _Panel:
    segment: Segment
    low: Ball
    high: Ball
    count: int
    errors: tuple[Ball, ...]
    mass_error: Ball


def line_rule(request: Request) -> LineRule:
    """Return a rule for one predictor.

    Raises
    ------
    EvaluationError
        If no proven error is small enough.

    """
    low, high, errors = cut_off(request)
    atoms = request.line.atoms(low, high)
    if atoms is not None:
        return LineRule(tuple(x for x, _ in atoms), tuple(p for _, p in atoms), errors, low, high)
    bell = bell_rule(request, low, high)
    if bell is not None:
        return bell
    panels: list[_Panel] = []
    size = arb(0)
    segments = request.line.segments(low, high)
    with ball_precision(PLANNING_BITS):
        for segment in segments:
            found, largest, dropped = _panels(request, segment)
            panels += found
            size = larger(size, largest)
            errors = tuple((a + b).abs_upper() for a, b in zip(errors, dropped, strict=True))
    pairs = [pair for panel in panels for pair in _nodes(panel)]
    points = tuple(x for x, _ in pairs)
    masses = tuple(m for _, m in pairs)
    with ball_precision(PLANNING_BITS):
        totals = [sum((panel.errors[k] for panel in panels), errors[k]) for k in range(len(errors))]
    if request.line.normalised:
        # at full precision: the mass left out is a difference from one.  It is next to rough ends, where |X| <= size,
        # or beyond the cut, where the tail's bound has the powers.
        left_out = (1 - sum(masses, arb(0)) + sum((panel.mass_error for panel in panels), arb(0))).abs_upper()
        near = left_out * request.everywhere * (abs(request.rate) * size).exp()
        whole = interval(-size, size) if request.line.plain else interval(low, high)
        totals = [(total + near * abs(request.line.power(whole, k))).abs_upper() for k, total in enumerate(totals)]
    return LineRule(points, masses, tuple(totals), low, high)


def eta_on(request: Request, x: Ball) -> Ball:
    """Return an enclosure of eta over a complex box of the predictor."""
    return polynomial_on(request.eta, x, whole_power if request.line.plain else request.line.power)


def weight_on(request: Request, x: Ball) -> Ball:
    """Bound |w| over a complex box of the predictor."""
    eta = acb(eta_on(request, x))
    bound = request.modulus(eta.real.lower(), eta.real.upper(), eta.imag.abs_upper())
    return bound if request.largest is None else smaller(bound, request.largest(x))


def cut_ends(request: Request) -> tuple[Ball, Ball]:
    """Return the ends at which the rule for a request cuts off the law."""
    low, high, _ = cut_off(request)
    return low, high


def cut_off(request: Request) -> tuple[Ball, Ball, tuple[Ball, ...]]:
    """Return ends at which the tails are small enough, and for each power the error of cutting them off."""
    line, spreads = request.line, 3.0
    with ball_precision(PLANNING_BITS):
        while spreads < 2000:
            low, high = line.reach(spreads)
            start = None if request.fall is None else _where_it_falls(line, low, high)
            errors = tuple(_beyond(request, (low, high), start, k) for k in range(len(request.tolerances)))
            enough = all(bool(e <= t) for e, t in zip(errors, request.tolerances, strict=True))
            if enough and (not line.normalised or _far_enough(request, low, high)):
                return low, high, errors
            spreads *= 1.15
    raise EvaluationError(
        f"the tail of {spelled(line.law)} could not be bounded in proof: the weight or the powers of the predictor "
        "outgrow what is known of the law"
    )


def _where_it_falls(line: Line, low: Ball, high: Ball) -> Ball:
    """Return how far out the segments between two ends reach on the sides where the law is unbounded."""
    first, last = line.covered(low, high)
    ends = [side.lower() for given, side in ((line.low, -first), (line.high, last)) if given is None]
    return ends[0].min(ends[-1])


def _beyond(request: Request, ends: tuple[Ball, Ball], start: Ball | None, power: int) -> Ball:
    """Bound E|X^power w| outside two ends by the law's tail, or by how the weight falls and the mass there.

    The weight falls far out alone, from where the segments end: what is left out next to a finite end is added.
    """
    line, (low, high) = request.line, ends
    bound = (line.tail_beside_mass(low, high, power, request.rate) * request.everywhere).abs_upper()
    if request.fall is None or start is None:
        return bound
    near = line.next_to_ends(low, high, power, request.rate) * request.everywhere
    if not near.is_finite():
        return bound
    bound = smaller(bound, (request.fall.strip(start, power, line.crest(power)) + near).abs_upper())
    if not line.plain:
        return bound
    mass = smaller(arb(1), line.tail(low, high, 0, arb(0)))
    return smaller(bound, (request.fall.beyond(start, power, request.everywhere) * mass + near).abs_upper())


def _far_enough(request: Request, low: Ball, high: Ball) -> bool:
    """Judge by the density, without proof, whether the mass beyond a cut of an unbounded law is small."""
    line = request.line
    for given, end in ((line.low, low), (line.high, high)):
        if given is None and hasattr(line, "density"):
            mass = line.density(end) * abs(end) * request.everywhere
            if not mass < request.tolerances[0]:
                return False
    return True


def _panels(request: Request, segment: Segment) -> tuple[list[_Panel], Ball, list[Ball]]:
    """Bisect a segment until every panel has an ellipse with a proven bound, or weighs next to nothing.

    Return also the largest |x| left out at rough ends, and for each power a bound of what other panels left out weigh.
    """
    size = arb(0)
    dropped = [arb(0)] * len(request.tolerances)
    found: list[_Panel] = []
    stack = [(segment.low, segment.high)]
    most = max(64, _bits_asked(request))
    if most > MOST_BITS:
        raise EvaluationError(f"no certified rule for {spelled(request.line.law)}: over {MOST_BITS} bits are needed")
    tried = 0
    while stack:
        low, high = stack.pop()
        tried += 1
        if tried > MOST_PANELS:
            raise EvaluationError(
                f"no certified rule for {spelled(request.line.law)}: the integrand has poles too close to its support"
            )
        spend(PANEL_UNITS)
        if not request.line.normalised and (weighs := _negligible(request, segment, low, high)) is not None:
            dropped = [a + b for a, b in zip(dropped, weighs, strict=True)]
            continue
        panel = _panel(request, segment, low, high)
        if panel is not None and panel.count <= most:
            found.append(panel)
        elif segment.rough and request.line.normalised and _ignored(request, segment, low, high):
            size = larger(size, segment.point(interval(low, high)).abs_upper())
        else:
            middle = ((low + high) / 2).mid()
            stack += [(low, middle), (middle, high)]
    return found, size, dropped


def _negligible(request: Request, segment: Segment, low: Ball, high: Ball) -> list[Ball] | None:
    """Bound the integral of |density x^k w| over a panel, for each k; None where it is not far below the tolerances."""
    mass = segment.mass(low, high)
    if not mass.is_finite():
        return None
    x = segment.point(interval(low, high))
    size = mass * weight_on(request, x)
    weighs = []
    for k, tolerance in enumerate(request.tolerances):
        weighs.append((size * abs(request.line.power(x, k))).abs_upper())
        if not (weighs[k].is_finite() and weighs[k] <= tolerance * NEGLIGIBLE):
            return None
    return weighs


def _bits_asked(request: Request) -> int:
    tolerance = request.tolerances[0]
    size = request.everywhere
    if not (tolerance > 0 and size.is_finite()):
        return 64
    return int(abs(float((size / tolerance).log().mid()))) + 16


def _ignored(request: Request, segment: Segment, low: Ball, high: Ball) -> bool:
    """Judge, without proof, whether the mass next to a rough end is small: the proof is one minus the mass kept."""
    at_low, at_high = low is segment.low, high is segment.high
    if at_low == at_high:
        return False
    inner = high if at_low else low
    mass = (segment.density(inner) * (high - low) * 8 * request.everywhere).abs_upper()
    return bool(mass < request.tolerances[0] / 64)


def _panel(request: Request, segment: Segment, low: Ball, high: Ball) -> _Panel | None:
    """Find the ellipse that needs the fewest points, None where none is proven."""
    half, centre = (high - low) / 2, (high + low) / 2
    if not half > 0:
        return None
    best: tuple[float, float, list[Ball], Ball] | None = None
    index, step = MIDDLE, 1
    while 0 <= index < len(ELLIPSES):
        rho = ELLIPSES[index]
        bounds, mass = _bounds_on_ellipse(request, segment, centre, half, rho)
        needed = max(points_needed(half, b, rho, t / 16) for b, t in zip(bounds, request.tolerances, strict=True))
        if request.line.normalised:
            needed = max(needed, points_needed(half, mass, rho, request.tolerances[0] / request.everywhere / 16))
        if needed < inf and (best is None or needed < best[0]):
            best = (needed, rho, bounds, mass)
            index += step
        elif best is None and step == 1 and index == MIDDLE:
            index, step = MIDDLE - 1, -1
        elif best is None and step == -1:
            index -= 1
        else:
            break
    if best is None:
        return None
    needed, rho, bounds, mass = best
    count = int(needed)
    errors = tuple(remainder(half, b, rho, count) for b in bounds)
    return _Panel(segment, low, high, count, errors, remainder(half, mass, rho, count))


def _bounds_on_ellipse(
    request: Request, segment: Segment, centre: Ball, half: Ball, rho: float
) -> tuple[list[Ball], Ball]:
    """Bound |density x^k w| for each k, and |density|, over an ellipse around a panel."""
    powers = len(request.tolerances)
    largest: list[Ball] = [arb(0)] * powers
    mass = arb(0)
    for column in columns(rho, COLUMNS):
        t = centre + half * column
        density = segment.bound(t)
        if not density.is_finite():
            return [NAN] * powers, NAN
        x = segment.point(t)
        size = density * weight_on(request, x)
        if not size.is_finite():
            return [NAN] * powers, NAN
        mass = larger(mass, density.abs_upper())
        for k in range(powers):
            largest[k] = larger(largest[k], (size * abs(request.line.power(x, k))).abs_upper())
    return largest, mass


def _nodes(panel: _Panel) -> list[tuple[Ball, Ball]]:
    half, centre = (panel.high - panel.low) / 2, (panel.high + panel.low) / 2
    pairs = []
    for node, weight in gauss(panel.count):
        t = centre + half * node
        pairs.append((panel.segment.point(t), half * weight * panel.segment.density(t)))
    return pairs
