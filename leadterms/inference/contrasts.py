"""Linear combinations of parameters as researchers state them: names, texts, numbers by name, matrices K and b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Matrix, MatrixBase, Symbol

from leadterms.errors import ModelError, ReadingError
from leadterms.reading.arithmetic import Scope, evaluate
from leadterms.reading.numbers import brief, exact_expression
from leadterms.reading.syntax import parse_expression

Named = Sequence[tuple[Symbol, str]]
"""Parameters, each with the name it is shown by: the term for a fixed effect."""
Row = tuple[list[Expr], Expr]
"""A coefficient for each parameter, and the right side."""

HYPOTHESIS = "hypothesis"
"""What has a right side; a contrast or a combination has none."""


def read_rows(named: Named, fixed: int, stated: Any, what: str = HYPOTHESIS) -> list[Row]:
    """Return the rows of K and b, exact.

    Parameters
    ----------
    named
        The parameters, of which the first ``fixed`` are fixed effects.
    fixed
        How many fixed effects there are.
    stated
        The name of a term or a parameter, a combination or an equation as text, numbers by name, several of these, or
        a matrix with a column for each fixed effect, or for each parameter: lists, or an array or a data frame.
    what
        What the rows are called in messages: "hypothesis", "contrast" or "combination".

    Returns
    -------
    list[Row]
        For each row the coefficients of all parameters in their order, and the right side.

    Raises
    ------
    ReadingError
        If a text cannot be read, or holds an unknown name; the caret shows the place.
    ModelError
        If a row is not linear, there is none, or a matrix has the wrong shape.

    """
    if isinstance(stated, str | Symbol | Mapping):
        rows = [_row(named, stated, what)]
    elif _is_matrix(stated):
        rows = [(row, Integer(0)) for row in _matrix_rows(fixed, len(named), stated)]
    elif isinstance(stated, Sequence):
        rows = [_row(named, own, what) for own in stated]
    else:
        others = "several, or a matrix" if what == HYPOTHESIS else "numbers by name, or a row of numbers"
        raise ModelError(f"a {what} is a text such as {_example(what)}, {others}, not {brief(stated)}")
    if not rows:
        raise ModelError(f"the {what} has no rows: give a text such as {_example(what)}")
    return rows


def read_values(value: Any, rows: int) -> list[Expr]:
    """Return the right sides of rows, from a number or from one for each row.

    Parameters
    ----------
    value
        A number, which is that of a single row, or a sequence, an array or a series of them.
    rows
        How many rows there are.

    Returns
    -------
    list[Expr]
        Exact numbers, one for each row.

    Raises
    ------
    ModelError
        If there are not as many as rows.
    LeadtermsError
        If one is no exact number.

    """
    if isinstance(value, MatrixBase) or hasattr(value, "tolist"):
        value = list(Matrix(value.tolist()))
    given = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if len(given) != rows:
        raise ModelError(
            f"the hypothesis has {rows} rows, and {len(given)} values are given for its right side: give one for each"
        )
    return [exact_expression(own) for own in given]


def read_combination(named: Named, fixed: int, stated: Any, what: str) -> dict[Symbol, Expr]:
    """Return the coefficients that are not zero of one combination, which is no equation.

    Parameters
    ----------
    named, fixed, stated
        As in `read_rows`.
    what
        What it is called: "contrast".

    Raises
    ------
    ReadingError, ModelError
        As `read_rows`; also if there are several rows, numbers on the right, or zeros only.

    """
    rows = read_rows(named, fixed, stated, what)
    if len(rows) > 1:
        raise ModelError(f"one {what} is asked for, and {len(rows)} are given: give one row")
    coefficients, right = rows[0]
    if right != 0:
        raise ModelError(f"a {what} has no right side, and {right} is given: leave it out")
    found = {symbol: own for (symbol, _), own in zip(named, coefficients, strict=True) if own != 0}
    if not found:
        raise ModelError(f"the {what} is zero: give a number that is not zero to a parameter")
    return found


def named_parameter(named: Named, name: object) -> Symbol:
    """Return the parameter of a name: that of its term, or its own.

    Parameters
    ----------
    named
        The parameters.
    name
        A name or a symbol; ``(Intercept)`` stands for ``1``.

    Returns
    -------
    Symbol
        The parameter.

    Raises
    ------
    ModelError
        If there is none of this name.

    """
    text = name.name if isinstance(name, Symbol) else str(name)
    symbol = _whole(named, text)
    if symbol is None:
        known = ", ".join(dict.fromkeys(own for parameter, label in named for own in (label, parameter.name)))
        raise ModelError(f"unknown name {text!r}: the known names are {known}")
    return symbol


def combination_text(coefficients: Mapping[Symbol, Expr]) -> str:
    """Return a combination as text: ``beta1 - beta2``."""
    return str(sum((number * symbol for symbol, number in coefficients.items()), Integer(0)))


def _example(what: str) -> str:
    return "'x', 'x1 - x2', 'x1 - x2 = 1/2' or 'beta1 = 0'" if what == HYPOTHESIS else "'x', 'x1 - x2' or 'beta1'"


def _is_matrix(stated: Any) -> bool:
    if isinstance(stated, MatrixBase) or hasattr(stated, "ndim"):
        return True
    return (
        isinstance(stated, Sequence)
        and bool(stated)
        and not any(isinstance(own, str | Symbol | Mapping) for own in stated)
    )


def _matrix_rows(fixed: int, everything: int, stated: Any) -> list[list[Expr]]:
    """Return the rows of a matrix, with zeros for the parameters that it has no columns for."""
    plain = stated if hasattr(stated, "tolist") or not hasattr(stated, "to_numpy") else stated.to_numpy()
    given = plain.tolist() if hasattr(plain, "tolist") else [list(row) for row in _nested(plain)]
    given = given if given and isinstance(given[0], list) else [given]
    found = []
    for row in given:
        if len(row) not in (fixed, everything):
            raise ModelError(
                f"a row of K has {len(row)} entries: there are {fixed} fixed effects and {everything} parameters in all"
            )
        numbers = [exact_expression(entry) for entry in row]
        found.append(numbers + [Integer(0)] * (everything - len(row)))
    return found


def _nested(stated: Sequence[Any]) -> Sequence[Sequence[Any]]:
    nested = [isinstance(row, Sequence) for row in stated]
    if all(nested):
        return stated
    if any(nested):
        raise ModelError("a matrix K is a list of rows, each a list of numbers")
    return [stated]


def _row(named: Named, stated: Any, what: str) -> Row:
    """Return coefficients and right side of one text, or of numbers by name."""
    if isinstance(stated, Mapping):
        return _numbers_by_name(named, stated, what)
    text = stated.name if isinstance(stated, Symbol) else stated
    if not isinstance(text, str):
        raise ModelError(f"a row of a {what} is a text such as {_example(what)}, not {brief(stated)}")
    left, equals, right = text.partition("=")
    if "=" in right:
        raise ReadingError("one '=' was expected", text, len(left) + 1 + right.index("="))
    both = _side(named, left, text, 0, what)
    if both.as_coeff_Add()[0] != 0:
        where, remedy = f"the {what} {text!r}", "leave numbers out"
        if what == HYPOTHESIS:
            where, remedy = f"the left side of {where}", "write numbers on the right of '='"
        raise ModelError(f"{where} holds a number: {remedy}, and write the intercept as beta0 inside a combination")
    if equals:
        both -= _side(named, right, text, len(left) + 1, what)
    return _linear(named, both, text, what)


def _numbers_by_name(named: Named, numbers: Mapping[Any, Any], what: str) -> Row:
    total, parameters = Integer(0), set()
    for key, number in numbers.items():
        side = _side(named, str(key), str(key), 0, what)
        if side in parameters:
            raise ModelError(f"{side} is given twice: give it once")
        parameters.add(side)
        total += exact_expression(number) * side
    coefficients, right = _linear(named, total, str(dict(numbers)), what)
    if right != 0:
        remedy = "write numbers as the right side, value" if what == HYPOTHESIS else "leave it out"
        raise ModelError(f"a key of {dict(numbers)} holds a number: {remedy}")
    return coefficients, right


def _linear(named: Named, both: Expr, text: str, what: str) -> Row:
    """Return coefficients and right side of an expression that is the left side minus the right."""
    both = both.expand()
    coefficients = [both.coeff(symbol) for symbol, _ in named]
    rest = both - sum((c * symbol for c, (symbol, _) in zip(coefficients, named, strict=True)), Integer(0))
    rest = rest.expand()
    if rest.free_symbols or any(c.free_symbols for c in coefficients):
        raise ModelError(f"the {what} {text!r} is not linear in the parameters with numbers as coefficients")
    return coefficients, -rest


def _whole(named: Named, side: str, start: int = 0) -> Symbol | None:
    """Return the parameter that a whole side names; on the right "1" is a number."""
    own = "1" if side.strip() == "(Intercept)" else side.strip()
    for symbol, name in named:
        if own == symbol.name or (own == name and (start == 0 or name != "1")):
            return symbol
    return None


def _side(named: Named, side: str, text: str, start: int, what: str) -> Expr:
    """Return one side of an equation as an expression in the parameters; a whole side may be a term such as x1:x2."""
    whole = _whole(named, side, start)
    if whole is not None:
        return whole
    meaning: dict[str, Expr] = {symbol.name: symbol for symbol, _ in named}
    meaning |= {name: symbol for symbol, name in named if name.isidentifier()}
    padded = " " * start + side
    try:
        return evaluate(parse_expression(padded, what), Scope(padded, meaning)).expand()
    except ReadingError as error:
        hint = (
            "; inside a combination write an interaction or a function by its parameter, such as beta3, or give "
            "numbers by name, {'x1:x2': 1, 'x1': -1}"
        )
        inside = any(mark in side for mark in ":(")
        raise ReadingError(error.message + hint * inside, text, error.start, error.end) from None
