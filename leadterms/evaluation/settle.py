"""When a value is settled: passes at growing effort, until they agree.

One coincidence must not pass for agreement.  A closed expression starts with more digits than its
exact numbers can cancel; an expectation needs three passes, of which the last two agree to more digits
than asked for and the last three show that the convergence is fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from math import log as ln

from mpmath.libmp import NoConvergence
from sympy import Basic, Expr, cosh, coth, erf, erfc, exp, log, sinh, tanh

from leadterms.errors import EvaluationError
from leadterms.evaluation.compile_mpmath import Program
from leadterms.evaluation.precision import (
    GUARD,
    Context,
    Effort,
    Real,
    agreement,
    height,
    is_finite,
    precision,
    private_context,
)
from leadterms.evaluation.quadrature import VALUE_LIMIT, Held
from leadterms.expectation.held import Expectation, variables_of
from leadterms.model.laws import JointNormalLaw, NormalLaw
from leadterms.notation.functions import LiNegExp

_DOUBLINGS = 6
_LEVELS = 40
_STALLS = 4
_WORK = 2.0
"""Each level costs about so many times the last, whatever the dimension."""
_GENEROSITY = 10
_LARGEST_SCALE = 2000
_LARGEST_EXPONENT = 10**9
_USUAL_DEVIATION = 3
_FINEST_START = 10
_MOST_LOST = 300
NO_VALUE = "no finite value is found at this point: singular, or out of range for this road"
"""Most digits that may cancel in an integrand."""
_SPENT = 4
"""Of the digits of the arithmetic beyond those asked for, so many may cancel."""


def settle(context: Context, expr: Expr, digits: int, patience: float = 1) -> tuple[Real, Real]:
    """Return the value of an expression without free symbols, and an estimate of its error.

    ``patience`` multiplies the work that an expectation may cost.

    Raises
    ------
    EvaluationError
        Where the expression is singular, complex, indistinguishable from zero, or converges too slowly.

    Examples
    --------
    >>> from sympy import Rational, exp
    >>> from leadterms.evaluation.precision import private_context
    >>> context = private_context()
    >>> value, error = settle(context, exp(Rational(1, 2)), 20)
    >>> context.nstr(value, 12), error < 1e-20
    ('1.6487212707', True)

    """
    return (
        _held(context, expr, digits, patience * VALUE_LIMIT)
        if expr.has(Expectation)
        else _closed(context, expr, digits)
    )


def check_range(expr: Expr) -> None:
    """Refuse a point with exponentials that no precision holds.

    Raises
    ------
    EvaluationError
        Naming the exponent.

    """
    context = private_context()
    size = max(_largest_exponent(context, expr), _largest_bell(context, expr))
    if size > _LARGEST_EXPONENT:
        raise EvaluationError(
            f"an exponential of about e^{context.nstr(size, 3)} is out of range: choose a milder point"
        )


def _largest_bell(context: Context, expr: Expr) -> Real:
    """Return the largest squared argument of erf and erfc in expectations, with the bound variables at their means.

    Every node costs the more the larger it is, and the mass is the more standard deviations away.
    """
    squares = []
    for node in expr.atoms(Expectation):
        means: dict[Basic, Expr] = {}
        for binding in node.bindings:
            law = binding[1]
            found = law.mean if isinstance(law, JointNormalLaw) else [law.raw_moment(1)]
            means |= {v: mean for v, mean in zip(variables_of(binding), found, strict=True) if mean is not None}
        squares += [part.args[0].xreplace(means) ** 2 for part in node.integrand.atoms(erf, erfc)]
    known = [square for square in squares if not square.free_symbols]
    if not known:
        return context.zero
    with precision(context, 15):
        return max(abs(context.convert(value)) for value in Program(context, [], known)())


def is_demanding(expr: Expr) -> bool:
    """Tell whether a closed form has logarithms of exponentials so large that they cancel thousands of digits."""
    softplus = expr.has(LiNegExp) or any(node.args[0].has(exp) for node in expr.atoms(log))
    return softplus and bool(_largest_exponent(private_context(), expr) > _LARGEST_SCALE)


def vanishes(context: Context, expr: Expr, digits: int) -> Real | None:
    """Return a bound of |value| if all that is left of the value is rounding, else None.

    Each pass has twice the working digits of the last: what is rounding shrinks with them, whatever its scale,
    and what is not stays.  The bound is an estimate.

    Examples
    --------
    >>> from sympy import Rational, exp
    >>> from leadterms.evaluation.precision import private_context
    >>> vanishes(private_context(), exp(Rational(1, 2)) ** 2 - exp(1), 20) is None
    False
    >>> vanishes(private_context(), exp(Rational(1, 2)) - exp(1), 20) is None
    True
    >>> vanishes(private_context(), exp(-1000), 20) is None
    True

    """
    working = digits + 20
    before = _size(context, expr, digits, working)
    for _ in range(2):
        working *= 2
        size = None if before is None else _size(context, expr, digits, working)
        if size is None:
            return None
        if before or not size:
            shrinks = size <= before * context.mpf(10) ** -(working // 4)
            return _GENEROSITY * max(size, context.mpf(10) ** -working) if shrinks else None
        before = size  # the first pass happened to cancel exactly: its rounding is seen from here on
    return None


def _size(context: Context, expr: Expr, digits: int, working: int) -> Real | None:
    """Return |value| at some working digits, or None where there is no value.

    An expectation gets the nodes for the digits asked for: only its arithmetic is refined.
    """
    try:
        with precision(context, working):
            if expr.has(Expectation):
                return abs(Held(context, expr)(Effort(digits, 1.0, working - digits)))
            return abs(context.convert(Program(context, [], [expr])()[0]))
    except (EvaluationError, ArithmeticError, ValueError, TypeError, NoConvergence):
        return None


def _closed(context: Context, expr: Expr, digits: int) -> tuple[Real, Real]:
    """Raise the precision until two values agree."""
    program = Program(context, [], [expr])
    extra = 12 + 4 * height(expr) + _exponential_scale(context, expr)
    before: Real | None = None
    reached, reason = 0.0, ""
    for doubling in range(_DOUBLINGS):
        working = digits + extra * 2**doubling
        with precision(context, working):
            value, reason = _attempt(context, lambda: context.convert(program()[0]), digits)
            if value is not None and before is not None:
                reached = agreement(context, value, before)
                if reached >= digits + GUARD:
                    return value, _doubt(context, value, before, working)
        before = value
    raise EvaluationError(reason or f"{reached:.0f} of {digits} digits reached at {working} working digits")


def _held(context: Context, expr: Expr, digits: int, limit: float) -> tuple[Real, Real]:
    """Refine the nodes until three passes agree, the last two to all digits."""
    held = Held(context, expr, limit)
    target = digits + GUARD
    # in n dimensions the nodes of each grow by this factor, and with geometric convergence the agreement too
    ratio = _WORK ** (1 / max(1, held.dimension))
    before: Real | None = None
    agreed: list[float] = []
    nodes: list[int] = []
    spare = stalls = failures = 0
    lost, watch = 0, True
    level = ceil(ln(_spread(context, expr)) / ln(ratio))
    reached = 0.0
    while level < _LEVELS and stalls < _STALLS:
        effort = Effort(digits, ratio**level, spare, 2 * height(expr) + lost)
        value, reason = _attempt(context, lambda: held(effort, watch), digits)  # noqa: B023
        if watch and held.lost > lost + _SPENT:
            if held.lost > _MOST_LOST:
                raise EvaluationError(
                    f"about {held.lost:.0f} digits cancel in the integrand here: choose a milder point"
                )
            lost = ceil(held.lost)
            continue
        watch = watch and value is None
        nodes.append(held.nodes)
        level += 1
        if value is None:
            failures += 1
            if failures == _STALLS:
                raise EvaluationError(reason)
        elif before is not None:
            agreed.append(agreement(context, value, before))
            reached = max(reached, agreed[-1])
            if _settled(agreed, target) and held.resolved(digits):
                return value, _doubt(context, value, before, effort.working)
            if _nodes_to_come(nodes, agreed[-1], target, ratio) > held.left:
                break
            wider = min(2 * spare + digits // 2 + 10, 10 * (digits + 25))
            if len(agreed) > 1 and 1 < agreed[-1] < (1 + (ratio - 1) / 3) * agreed[-2]:
                stalls += 1
                again, _ = _attempt(context, lambda: held(replace(effort, spare=wider)), digits)  # noqa: B023
                if again is not None and agreement(context, again, value) < agreed[-1] + GUARD:
                    # not the nodes are too few but the digits, lost to cancellation: go back with more
                    spare, level, value = wider, level - 3, None
                    agreed.clear()
            elif level > _STALLS and agreed[-1] <= 1:
                spare = wider
        before = value
    short = int(reached) < digits
    far = f"about {int(reached)} of {digits} digits reached" if short else f"{digits} digits reached but not confirmed"
    raise EvaluationError(
        f"{far} with {max(nodes)} values of integrands: the expectation converges slowly here; ask for fewer digits, "
        "give more patience, or choose a milder point"
    )


def _spread(context: Context, expr: Expr) -> float:
    """Return how many times finer than usual the nodes of the widest normal law should be at first.

    Weights vary over a distance of one or so in the linear predictor, whatever the law of the random effects.
    """
    laws = {law for node in expr.atoms(Expectation) for _, law in node.bindings if isinstance(law, NormalLaw)}
    deviations = [law.args[1] for law in laws if not law.args[1].free_symbols]
    if not deviations:
        return 1.0
    with precision(context, 15):
        widest = max(context.convert(value) for value in Program(context, [], deviations)())
        return float(min(max(widest / _USUAL_DEVIATION, 1), _FINEST_START))


def _settled(agreed: list[float], target: float) -> bool:
    """Tell whether the last two passes agree to all digits, and the one before shows fast convergence."""
    return len(agreed) > 1 and agreed[-1] >= target and agreed[-2] >= target / 2


def _nodes_to_come(nodes: list[int], agreed: float, target: float, ratio: float) -> float:
    """Estimate the nodes of the pass that settles, were each level to multiply the agreement by ``ratio``."""
    if not nodes[-2]:
        return 0.0
    growth = max(1.0, nodes[-1] / nodes[-2])
    levels = ln(target / min(max(agreed, 1.0), target)) / ln(ratio)
    return float(nodes[-1] * growth ** max(1, ceil(levels - 1e-9)))


def _attempt(context: Context, call: Callable[[], Real], digits: int) -> tuple[Real | None, str]:
    """Return a real finite non-zero value and "", or None and the reason why there is none."""
    try:
        value = call()
    except EvaluationError:
        raise
    # mpmath raises ValueError at poles and TypeError where a complex number is compared
    except (ArithmeticError, ValueError, TypeError, NoConvergence) as failure:
        reason = "a division by zero" if isinstance(failure, ZeroDivisionError) else str(failure)
        return None, f"{NO_VALUE} ({reason})" if reason else NO_VALUE
    if not is_finite(context, value):
        return None, f"{NO_VALUE} (not a finite number)"
    real, imaginary = context.re(value), abs(context.im(value))
    if imaginary > abs(real) * context.mpf(10) ** -(digits + GUARD):
        return None, "complex at this point: the expression is outside its domain"
    if not real:
        return None, "zero at every precision tried, and not zero by its form: digits of it cannot be told"
    return real, ""


def _doubt(context: Context, value: Real, before: Real, working: int) -> Real:
    """Estimate the error from the last difference; never below the last working digits."""
    return _GENEROSITY * abs(value - before) + abs(value) * context.mpf(10) ** -(working - 5)


def _exponential_scale(context: Context, expr: Expr) -> int:
    """Return how many digits apart the exponentials in a closed expression can be."""
    return int(min(_largest_exponent(context, expr) / context.log(10), _LARGEST_SCALE)) + 1


def _largest_exponent(context: Context, expr: Expr) -> Real:
    """Return the largest size of an exponent in the exponentials that hold no bound variable."""
    single = [node.args[0] for node in expr.atoms(exp, sinh, cosh, tanh, coth) if not node.free_symbols]
    squared = [node.args[0] ** 2 for node in expr.atoms(erf, erfc) if not node.free_symbols]
    if not single + squared:
        return context.zero
    with precision(context, 15):
        try:
            return max(abs(context.convert(value)) for value in Program(context, [], single + squared)())
        except (ArithmeticError, TypeError):
            return context.zero
