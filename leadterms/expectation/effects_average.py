"""E[S(U)] over normal random effects: in closed form, or held in the smallest dimension.

A factor exp(quadratic in u) tilts the law of U and leaves; what remains depends on U through a few linear
forms only, and the expectation is over the joint law of those.  Terms that see different forms are averaged
one by one, each in its own dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from sympy import Add, Dummy, Expr, ImmutableMatrix, Integer, Matrix, Mul, Poly, Pow, Symbol, Tuple, exp, fraction, sqrt
from sympy.logic.boolalg import Boolean

from leadterms.errors import UndecidedError
from leadterms.expectation.gaussian import Tilt, normal_polynomial_moment, quadratic_parts, tilt
from leadterms.expectation.held import Expectation
from leadterms.model.laws import JointNormalLaw, NormalLaw


@dataclass(frozen=True)
class Piece:
    """constant * exp(exponent) * rest, the exponent quadratic in U, rest seeing U in the rows of ``forms`` only."""

    constant: Expr
    exponent: Expr
    rest: Expr
    forms: ImmutableMatrix


@dataclass(frozen=True)
class AveragedPiece:
    """A piece, the normal law of U that its exponential tilts to, and the average of its rest under that law."""

    piece: Piece
    tilted: Tilt
    average: Expr


@dataclass(frozen=True)
class EffectsAverage:
    """The value of E[S(U)], the conditions for it to exist, and the pieces that it is the sum of."""

    value: Expr
    conditions: tuple[Boolean, ...]
    pieces: tuple[AveragedPiece, ...] = ()


def average_over_effects(expression: Expr, effects: Sequence[Symbol], covariance: Matrix) -> EffectsAverage:
    """Return E[expression] for U ~ N(0, covariance).

    Parameters
    ----------
    expression
        Rational in the random effects, exponentials of them and held expectations given them.
    effects, covariance
        The random effects and their covariance matrix.

    Raises
    ------
    ExistenceError
        If the expectation is infinite whatever the parameters are.
    UndecidedError
        If its growth in the random effects could not be decided.

    """
    if not expression.has(*effects):
        return EffectsAverage(expression, ())
    value, conditions, pieces = Integer(0), {}, []
    for piece in _pieces(expression, list(effects)):
        square = tilt(piece.exponent, effects, [Integer(0)] * len(effects), covariance)
        assert square is not None  # exponents of higher degree stay in the rest
        conditions.update(dict.fromkeys(square.conditions))
        average = _averaged(piece, effects, square)
        value += piece.constant * square.factor * average
        pieces.append(AveragedPiece(piece, square, average))
    return EffectsAverage(value, tuple(conditions), tuple(pieces))


def _averaged(piece: Piece, effects: Sequence[Symbol], square: Tilt) -> Expr:
    if piece.rest.is_polynomial(*effects):
        return normal_polynomial_moment(piece.rest, effects, square.mean, square.covariance)
    forms, pivots = piece.forms.rref()
    forms = forms[: len(pivots), :]
    mean = (forms * Matrix(list(square.mean))).applyfunc(lambda e: e.expand())
    covariance = (forms * square.covariance * forms.T).applyfunc(lambda e: e.expand())
    kept = [effects[pivot] for pivot in pivots]
    rest = piece.rest.xreplace({effect: Integer(0) for effect in effects if effect not in kept})
    if len(kept) == 1:
        return Expectation(rest, (kept[0], NormalLaw(mean[0], sqrt(covariance[0, 0]))))
    return Expectation(rest, (Tuple(*kept), JointNormalLaw(Tuple(*mean), ImmutableMatrix(covariance))))


def _pieces(expression: Expr, effects: list[Symbol]) -> list[Piece]:
    """Split into terms, and put together again those that tilt alike and see the same forms."""
    grouped: dict[tuple[Expr, ImmutableMatrix], list[Piece]] = {}
    for term in _terms(expression, effects):
        piece = _piece(term, effects)
        grouped.setdefault((piece.exponent, piece.forms), []).append(piece)
    if len(grouped) == 1:
        whole = _piece(expression, effects)
        if (whole.exponent, whole.forms) in grouped:
            return [whole]
    merged = []
    for (exponent, forms), pieces in grouped.items():
        if len(pieces) == 1:
            merged.append(pieces[0])
        else:
            rest = Add(*(piece.constant * piece.rest for piece in pieces))
            merged.append(Piece(Integer(1), exponent, rest, forms))
    return merged


def _terms(expression: Expr, effects: list[Symbol]) -> list[Expr]:
    """Additive terms over a denominator whose factors with random effects are no sums."""
    numerator, denominator = fraction(expression)
    random = [part for part in Mul.make_args(denominator) if part.has(*effects)]
    if any(part.as_base_exp()[0].is_Add for part in random):
        return [expression]
    # only sums are multiplied out: neither what is held, nor exponents, nor denominators
    held = {
        node: Dummy()
        for node in numerator.atoms(Expectation, exp, Pow)
        if not isinstance(node, Pow) or node.exp.is_negative
    }
    back = {dummy: node for node, dummy in held.items()}
    terms = Add.make_args(numerator.xreplace(held).expand())
    return [term.xreplace(back) / denominator for term in terms]


def _piece(term: Expr, effects: list[Symbol]) -> Piece:
    constant, exponent, rest = Integer(1), Integer(0), Integer(1)
    for part in Mul.make_args(term):
        if not part.has(*effects):
            constant *= part
        elif isinstance(part, exp) and _tilting_part(part.args[0], effects) is not None:
            tilting, remainder = _tilting_part(part.args[0], effects)  # type: ignore[misc]
            exponent += tilting
            constant *= exp(remainder)
        else:
            rest *= part
    # the square of a function of a predictor, (u sqrt(x))^2, has its sign by that of the predictor
    signed = _positive_predictors(rest)
    growth = _growth(rest.xreplace(signed), effects)
    if growth != 0:
        exponent += growth
        rest = _tempered(rest.xreplace(signed), effects).xreplace({dummy: x for x, dummy in signed.items()})
    return Piece(constant, exponent, rest, _forms(rest, effects))


def _positive_predictors(expression: Expr) -> dict[Symbol, Dummy]:
    """Return positive symbols for the predictors of held expectations that are positive, or zero as counts may be."""
    bindings = [binding for node in expression.atoms(Expectation) for binding in node.bindings]
    return {
        x: Dummy(x.name, nonnegative=True) if law.is_discrete else Dummy(x.name, positive=True)
        for x, law in bindings
        if isinstance(x, Symbol) and law.support[0].is_extended_nonnegative
    }


def _growth(expression: Expr, effects: list[Symbol]) -> Expr:
    """Return the quadratic form q of exp(q) times an expression that grows at most exponentially in the effects.

    Raises
    ------
    UndecidedError
        If terms grow by different quadratic forms, or by one that depends on a predictor.

    """
    if not any(_square(part, effects) != 0 for part in expression.atoms(exp)):
        return Integer(0)
    if isinstance(expression, exp):
        return _square(expression, effects)
    if isinstance(expression, Mul):
        return Add(*(_growth(part, effects) for part in expression.args))
    if isinstance(expression, Pow) and expression.exp.is_Rational:
        return (expression.exp * _growth(expression.base, effects)).expand()
    if isinstance(expression, Expectation):
        growth = _growth(expression.integrand, effects)
        found = {growth} if not growth.has(*expression.bound_symbols) else set()
    else:
        found = {_growth(part, effects) for part in expression.args} if isinstance(expression, Add) else set()
    if len(found) != 1:
        raise UndecidedError(
            "whether the average over the normal random effects exists could not be decided: its terms grow by "
            "different exponentials of squares of random effects"
        )
    return found.pop()


def _square(part: exp, effects: list[Symbol]) -> Expr:
    """Return the quadratic form in an exponent, with zero for one that surely does not grow."""
    parts = quadratic_parts(part.args[0], effects)
    if parts is None or parts[2].is_negative_semidefinite or _is_minus_a_square(parts[2]):
        return Integer(0)
    vector = Matrix(effects)
    return ((vector.T * parts[2] * vector)[0] / 2).expand()


def _is_minus_a_square(form: Matrix) -> bool:
    """Tell whether a symmetric matrix is -vv': of rank one, by its minors, with a diagonal that is not positive."""
    pairs = list(combinations(range(form.rows), 2))
    minors = (form[i, k] * form[j, l] - form[i, l] * form[j, k] for i, j in pairs for k, l in pairs)
    diagonal = (-form[i, i] for i in range(form.rows))
    return all(entry.is_nonnegative for entry in diagonal) and all(minor.expand() == 0 for minor in minors)


def _tempered(expression: Expr, effects: list[Symbol]) -> Expr:
    """Divide every exponential by its quadratic form."""
    grown = {part: exp((part.args[0] - _square(part, effects)).expand()) for part in expression.atoms(exp)}
    return expression.xreplace(grown)


def _tilting_part(argument: Expr, effects: list[Symbol]) -> tuple[Expr, Expr] | None:
    """Split an exponent, quadratic in the effects, into the part with them and the part without."""
    if quadratic_parts(argument, effects) is None:
        return None
    remainder = argument.xreplace({effect: Integer(0) for effect in effects})
    return (argument - remainder).expand(), remainder


def _forms(expression: Expr, effects: list[Symbol]) -> ImmutableMatrix:
    """Reduced basis of the linear forms of the effects through which an expression sees them."""
    rows: list[tuple[Expr, ...]] = []
    _collect_forms(expression, effects, (), rows, set())
    if not rows:
        return ImmutableMatrix(0, len(effects), [])
    reduced, pivots = Matrix(list(dict.fromkeys(rows))).rref()
    return ImmutableMatrix(reduced[: len(pivots), :])


def _collect_forms(
    expression: Expr,
    effects: list[Symbol],
    bound: tuple[Symbol, ...],
    rows: list[tuple[Expr, ...]],
    seen: set[tuple[Expr, tuple[Symbol, ...]]],
) -> None:
    """Add the forms in an expression to the rows; every part is looked at once, however often it stands there."""
    if (expression, bound) in seen or not expression.has(*effects):
        return
    seen.add((expression, bound))
    if isinstance(expression, Expectation):
        _collect_forms(expression.integrand, effects, (*bound, *expression.bound_symbols), rows, seen)
        return
    if expression.is_polynomial(*effects) and Poly(expression, *effects).total_degree() <= 1:
        gradient = [expression.expand().diff(effect) for effect in effects]
        rows.extend(_by_function(gradient, bound))
        return
    for part in expression.args:
        _collect_forms(part, effects, bound, rows, seen)


def _by_function(gradient: list[Expr], predictors: Sequence[Symbol]) -> list[tuple[Expr, ...]]:
    """Coefficient vectors of a gradient by functions of the bound predictors: the forms must serve all their values."""
    rows: dict[Expr, list[Expr]] = {}
    for i, entry in enumerate(gradient):
        for term in Add.make_args(entry.expand()):
            coefficient, function = term.as_independent(*predictors, as_Add=False)
            row = rows.setdefault(function, [Integer(0)] * len(gradient))
            row[i] += coefficient
    return [tuple(row) for row in rows.values()]
