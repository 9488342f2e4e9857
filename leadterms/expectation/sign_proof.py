r"""The sign of an expression over ranges of its variables, with numbers for all else: proven, or None.

**One variable, a polynomial with rational coefficients.**  It is positive on a closed range just where it has no zero
there (Sturm) and is positive at one point, and nowhere negative just where no zero of odd multiplicity lies inside the
range and it is positive where it is not zero.

Ends that are no fractions are moved outwards to prove that something holds, and inwards to prove that it does not.

**Otherwise boxes.**  A range is an interval or a ray x >= l; a ray to the left is turned round and the line cut at 0.
A box of intervals I_j and rays l_j + t_j, t_j >= 0, is done where the expression is a polynomial in the rays, whose
coefficients in t, by Taylor's formula at l, are over the I_j at least 0, and the constant one more than 0: with
nonnegative t their sum is at least the constant one.  Their ranges over the I_j are those of ball arithmetic, and where
there are no rays also those of the mean value form f(m) + sum_j f'_j(I)(I_j - m_j).  Other boxes are cut: an interval
in the middle, a ray at twice its start and more.  So where the answer is True with ``strict`` the expression stays
above a positive number on all of the ranges: finitely many boxes have a positive lower bound each.  It is False where a
point of a range has a value that is surely not as claimed.

Ball arithmetic is right at any precision: that in force is not changed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import product
from math import ceil, factorial, floor
from operator import add, mul

from sympy import Expr, Integer, Poly, Rational, Symbol, oo

from leadterms.expectation.sides import Ball, Box, Range, Side, Values, ball, compiled

MOST_BOXES = 2000
"""After so many boxes nothing is decided."""
MOST_DERIVATIVES = 200
NARROW = 1e-6
"""An end that is not known so well is not used."""


@lru_cache(maxsize=4096)
def keeps_above_zero(
    expression: Expr, variables: tuple[Symbol, ...], ranges: tuple[Range, ...], strict: bool
) -> bool | None:
    """Tell whether an expression is positive for all values of its variables, or nowhere negative if not strict.

    Examples
    --------
    >>> x = Symbol("x", real=True)
    >>> keeps_above_zero(x**2 - x + 1, (x,), (Range(-oo, oo),), True)
    True
    >>> keeps_above_zero(x**2 - 2, (x,), (Range(Integer(0), oo),), True)
    False

    """
    used = [(x, one) for x, one in zip(variables, ranges, strict=True) if expression.has(x)]
    if not used:
        known = expression.is_positive if strict else expression.is_nonnegative
        return None if known is None else bool(known)
    wide = _in_fractions(expression, [(x, _moved(one, 1)) for x, one in used], strict=strict)
    if wide is not False or all(end.is_Rational or end.is_infinite for _, r in used for end in (r.low, r.high)):
        return wide
    return (
        False if _in_fractions(expression, [(x, _moved(one, -1)) for x, one in used], strict=strict) is False else None
    )


def _moved(within: Range, outwards: int) -> Range | None:
    """Return a range whose ends are fractions or infinite, a little wider (1) or narrower (-1); None if not known."""
    low, high = _fraction(within.low, -outwards), _fraction(within.high, outwards)
    return None if low is None or high is None or low > high else Range(low, high, within.whole)


def _fraction(end: Expr, side: int) -> Expr | None:
    """Return an end, one that is no fraction moved to a side."""
    if end.is_Rational or end.is_infinite:
        return end
    value = compiled(end, ())(())
    if not value.is_finite() or value.rad() > NARROW:
        return None
    numerator, exponent = (value.upper() if side > 0 else value.lower()).man_exp()
    return Integer(int(numerator)) * Integer(2) ** int(exponent)


def _in_fractions(expression: Expr, used: Sequence[tuple[Symbol, Range | None]], *, strict: bool) -> bool | None:
    known = [(x, one) for x, one in used if one is not None]
    if len(known) < len(used):
        return None
    if len(known) == 1 and not known[0][1].whole:
        found = _by_zeros(expression, *known[0], strict=strict)
        if found is not None:
            return found
    return _by_boxes(expression, known, strict=strict)


def _by_zeros(expression: Expr, x: Symbol, within: Range, *, strict: bool) -> bool | None:
    """Decide a polynomial of one variable with rational coefficients; None for another expression."""
    if not expression.is_polynomial(x):
        return None
    poly = Poly(expression, x)
    if not all(c.is_Rational for c in poly.all_coeffs()):
        return None
    low, high = (None if end.is_infinite else end for end in (within.low, within.high))
    if strict:
        return bool(poly.count_roots(low, high) == 0 and poly.eval(_some_point(within)) > 0)
    odd = reduce(mul, (part for part, times in poly.sqf_list()[1] if times % 2), Poly(1, x))
    at_ends = sum(odd.eval(end) == 0 for end in (low, high) if end is not None)
    if odd.degree() > 0 and odd.count_roots(low, high) > at_ends:
        return False
    points = (_some_point(within, k) for k in range(poly.degree() + 1))
    return bool(next((value for value in map(poly.eval, points) if value != 0), 0) >= 0)


def _some_point(within: Range, k: int = 0) -> Expr:
    """Return a point inside a range, another one for each k."""
    low, high = within.low, within.high
    if low == -oo:
        return Integer(-k) if high == oo else high - 1 - k
    return low + 1 + k if high == oo else low + (high - low) / (k + 2)


def _by_boxes(expression: Expr, used: Sequence[tuple[Symbol, Range]], *, strict: bool) -> bool | None:
    """Decide by boxes; None where too many are needed."""
    variables = tuple(x for x, _ in used)
    certain = True
    for turned in product(*(_turns(x, one) for x, one in used)):
        images = {x: image for x, (image, _) in zip(variables, turned, strict=True)}
        sides = tuple(side for _, side in turned)
        found = _Positivity(expression.xreplace(images), variables, sides, strict).verdict()
        if found is False:
            return False
        certain = certain and found is True
    return True if certain else None


def _turns(x: Symbol, within: Range) -> Iterator[tuple[Expr, Side]]:
    """Yield what stands for a variable, and where it ranges then: a side to the right."""
    ends = []
    for end, up in ((within.low, True), (within.high, False)):
        exact = None if end.is_infinite else Fraction(int(end.p), int(end.q))
        inside = None if exact is None else Fraction(ceil(exact) if up else floor(exact))
        ends.append(inside if within.whole else exact)
    low, high = ends
    if low is not None:
        yield x, Side(low, high, within.whole)
    elif high is not None:
        yield -x, Side(-high, None, within.whole)
    else:
        yield x, Side(Fraction(0), None, within.whole)
        yield -x, Side(Fraction(0), None, within.whole)


class _Positivity:
    """Whether an expression keeps above zero over intervals and rays to the right."""

    def __init__(self, expression: Expr, variables: tuple[Symbol, ...], sides: Box, strict: bool) -> None:
        self._variables, self._sides, self._strict = variables, sides, strict
        self._expression = expression
        self._is_rational = expression.is_rational_function(*variables)
        self._value = compiled(expression, variables)
        self._slopes = [compiled(expression.diff(x), variables) for x in variables]
        self._taylor: dict[tuple[bool, ...], list[Callable[[Values], Ball]] | None] = {}

    def verdict(self) -> bool | None:
        """Return it."""
        boxes = [self._sides]
        for _ in range(MOST_BOXES):
            if not boxes:
                return True
            box = boxes.pop()
            if self._fails_at(box):
                return False
            if not self._holds_on(box):
                halves = self._cut(box)
                if not halves:
                    return None
                boxes += halves
        return None

    def _fails_at(self, box: Box) -> bool:
        """Tell whether the value at a point is surely not as it should be: in the middle, or where slopes lead down."""
        middle = [side.point for side in box]
        balls = [ball(one) for one in middle]
        down = [
            side.high if slope(balls) < 0 and side.high is not None else side.low
            for slope, side in zip(self._slopes, box, strict=True)
        ]
        return self._fails(middle) or self._fails(down)

    def _fails(self, point: Sequence[Fraction]) -> bool:
        value = self._value([ball(one) for one in point])
        if value < 0:
            return True
        if not (self._strict and self._is_rational and value.contains(0) and value.is_finite()):
            return False
        exact = {x: Rational(one.numerator, one.denominator) for x, one in zip(self._variables, point, strict=True)}
        return self._expression.xreplace(exact).is_positive is False

    def _holds_on(self, box: Box) -> bool:
        rays = tuple(side.high is None for side in box)
        if rays not in self._taylor:
            self._taylor[rays] = self._coefficients(rays)
        coefficients = self._taylor[rays]
        if coefficients is None:
            return False
        values = [side.values for side in box]
        lowest, *others = (coefficient(values) for coefficient in coefficients)
        if not all(other >= 0 for other in others):
            return False
        if lowest > 0 or (not self._strict and lowest >= 0):
            return True
        if any(rays):
            return False
        middle = [ball(side.point) for side in box]
        moved = (f(values) * (v - m) for f, v, m in zip(self._slopes, values, middle, strict=True))
        return bool(reduce(add, moved, self._value(middle)) > 0)

    def _coefficients(self, rays: tuple[bool, ...]) -> list[Callable[[Values], Ball]] | None:
        """Return the coefficients of Taylor's formula in the rays, the constant one first; None where it has no end."""
        unbounded = [x for x, is_ray in zip(self._variables, rays, strict=True) if is_ray]
        if not unbounded:
            return [self._value]
        if not self._expression.is_polynomial(*unbounded):
            return None
        degrees = [int(Poly(self._expression, x).degree()) for x in unbounded]
        if reduce(mul, (degree + 1 for degree in degrees)) > MOST_DERIVATIVES:
            return None
        found = []
        for orders in product(*(range(degree + 1) for degree in degrees)):
            part = self._expression
            for x, order in zip(unbounded, orders, strict=True):
                part = part.diff(x, order) / factorial(order) if order else part
            found.append(compiled(part.expand(), self._variables))
        return found

    def _cut(self, box: Box) -> list[Box]:
        """Return a box cut across the side over which the expression changes most, a ray the less, the further out."""
        values = [side.values for side in box]
        sizes = []
        for side, whole, slope in zip(box, self._sides, self._slopes, strict=True):
            if side.high is None:
                sizes.append(4 / (1 + float(side.low - whole.low)))
            else:
                # rays have their slopes at the end, and none may be known
                change = abs(slope(values)).upper()
                wide = float(side.high - side.low)
                sizes.append(wide * float(change) if change.is_finite() else wide)
        widest = max(range(len(box)), key=lambda k: (bool(box[k].parts()), sizes[k]))
        return [(*box[:widest], part, *box[widest + 1 :]) for part in box[widest].parts()]
