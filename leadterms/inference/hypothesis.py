"""Linear hypotheses on the parameters of a model, K theta = b: one coefficient, a contrast, or several rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, ImmutableMatrix, Integer, Matrix, MatrixBase, Symbol

from leadterms.errors import ModelError, ReadingError
from leadterms.model.statement import Model
from leadterms.notation.text import to_text
from leadterms.reading.arithmetic import Scope, evaluate
from leadterms.reading.numbers import exact_expression
from leadterms.reading.syntax import parse_expression

Named = Sequence[tuple[Symbol, str]]
"""Parameters, each with the name it is shown by."""

EXAMPLE = "'x', 'x1 - x2', 'x1 - x2 = 1/2' or 'beta1 = 0'"


@dataclass(frozen=True, repr=False)
class Hypothesis:
    """The hypothesis K theta = b, theta all parameters of a model.

    Parameters
    ----------
    parameters
        The parameters, q of them: fixed effects, (co)variances of random effects, dispersion.
    names
        How they are shown: the term for a fixed effect.
    K
        r x q, exact numbers, of full row rank.
    b
        r x 1, exact numbers.

    """

    parameters: tuple[Symbol, ...]
    names: tuple[str, ...]
    K: ImmutableMatrix
    b: ImmutableMatrix

    @property
    def rows(self) -> int:
        """Number of rows r: the degrees of freedom of the Wald statistic."""
        return int(self.K.rows)

    @cached_property
    def involved(self) -> tuple[Symbol, ...]:
        """The parameters with a nonzero coefficient in some row."""
        return tuple(s for j, s in enumerate(self.parameters) if any(self.K[i, j] != 0 for i in range(self.rows)))

    @cached_property
    def single(self) -> Symbol | None:
        """The parameter, if the hypothesis is about one alone."""
        return self.involved[0] if self.rows == 1 and len(self.involved) == 1 else None

    @cached_property
    def difference(self) -> tuple[Expr, ...]:
        """K theta - b, one expression a row: the effect, which is zero under the hypothesis."""
        found = self.K * Matrix(self.parameters) - self.b
        return tuple(found)

    def effect(self, point: Mapping[Symbol, Expr]) -> tuple[Expr, ...]:
        """Return K theta - b at a point, exactly.

        Raises
        ------
        ModelError
            If the point lacks a parameter.

        """
        missing = [symbol.name for symbol in self.involved if symbol not in point]
        if missing:
            raise ModelError(f"the effect needs a value of {', '.join(missing)}: give it in at (--at)")
        return tuple(row.xreplace(dict(point)) for row in self.difference)

    def check_interior(self) -> None:
        """Refuse a hypothesis on the boundary of the parameter space, where a Wald statistic is not normal.

        Raises
        ------
        ModelError
            If a row says that positive parameters are zero or less.

        """
        for i in range(self.rows):
            own = [(self.K[i, j], s) for j, s in enumerate(self.parameters) if self.K[i, j] != 0]
            signs = {coefficient.is_positive for coefficient, _ in own}
            if all(s.is_positive for _, s in own) and len(signs) == 1 and (self.b[i] * own[0][0]).is_nonpositive:
                name = own[0][1].name
                raise ModelError(
                    f"the hypothesis {self.row_text(i)} is on the boundary of the parameter space, where the Wald "
                    f"statistic is not normal: state a positive value, '{name} = 1/2', or test a zero variance by "
                    "exact_f_variance or likelihood_ratio"
                )

    @property
    def _named(self) -> list[tuple[Symbol, str]]:
        return list(zip(self.parameters, self.names, strict=True))

    def row_text(self, row: int) -> str:
        """Return one row as text, in the names of terms."""
        several = [entry for entry in self.K.row(row) if entry != 0] != [1]
        # the number 1 would not be told from the intercept
        shown = [Symbol(s.name if name == "1" and several else name) for s, name in self._named]
        left = sum((self.K[row, j] * s for j, s in enumerate(shown)), Integer(0))
        return f"{to_text(left)} = {self.b[row]}"

    @cached_property
    def label(self) -> str:
        """Return what is estimated: the name of a single parameter, or the left sides."""
        if self.single is not None and self.K[0, self.parameters.index(self.single)] == 1:
            return self.names[self.parameters.index(self.single)]
        return ", ".join(self.row_text(i).rpartition(" = ")[0] for i in range(self.rows))

    def __str__(self) -> str:
        return "; ".join(self.row_text(i) for i in range(self.rows))

    def __repr__(self) -> str:
        return f"Hypothesis({self})"

    def _repr_latex_(self) -> str:
        from leadterms.notation.latex import to_latex

        rows = (f"{to_latex(row + b)} = {to_latex(b)}" for row, b in zip(self.difference, self.b, strict=True))
        return r"$\displaystyle " + r",\quad ".join(rows) + "$"


def hypothesis(model: Model, stated: Any, value: Any = None) -> Hypothesis:
    """Return the hypothesis that a text, several of them, or a matrix states.

    Parameters
    ----------
    model
        Whose parameters it is about.
    stated
        A term or parameter (``"x"``, ``"1"``, ``"x1:x2"``, ``"sigma2"``: it is zero, unless ``value`` is given), a
        linear combination of them (``"x1 - x2"``, or ``{"x1": 1, "x2": -1}``), an equation (``"x1 - x2 = 1/2"``), a
        sequence of these, or a matrix K with a column for each fixed effect, or for each parameter.
    value
        The right side b: a number, or one for each row. None for what the texts state, else zero.

    Returns
    -------
    Hypothesis
        K and b, exact.

    Raises
    ------
    ReadingError
        If a text cannot be read, or holds an unknown name; the caret shows the place.
    ModelError
        If a row is not linear, is empty, or follows from the others, or a matrix has the wrong shape.

    Examples
    --------
    >>> model = Model("y ~ x1 + x2", family="poisson", laws={"x1": "Normal(0, 1)", "x2": "Normal(0, 1)"})
    >>> hypothesis(model, "x1 - x2 = 1/2").K, hypothesis(model, ["x1", "x2"])
    (Matrix([[0, 1, -1]]), Hypothesis(x1 = 0; x2 = 0))

    """
    if isinstance(stated, Hypothesis):
        if stated.parameters != model.parameters:
            raise ModelError(f"the hypothesis {stated} is about the parameters of another model")
        return stated
    known = dict(zip(model.fixed_effects, model.term_names, strict=True))
    names = tuple(known.get(symbol, symbol.name) for symbol in model.parameters)
    return read_hypothesis(model.parameters, names, len(known), stated, value)


def read_hypothesis(
    parameters: tuple[Symbol, ...], names: tuple[str, ...], fixed: int, stated: Any, value: Any = None
) -> Hypothesis:
    """Return the hypothesis on parameters, of which the first are fixed effects: see `hypothesis`."""
    named = tuple(zip(parameters, names, strict=True))
    if isinstance(stated, str | Symbol | Mapping):
        rows = [_row(named, stated)]
    elif _is_matrix(stated):
        rows = [(row, Integer(0)) for row in _matrix_rows(fixed, len(parameters), stated)]
    elif isinstance(stated, Sequence):
        rows = [_row(named, own) for own in stated]
    else:
        raise ModelError(f"a hypothesis is a text such as {EXAMPLE}, several, or a matrix, not {stated!r}")
    if not rows:
        raise ModelError(f"the hypothesis has no rows: give a text such as {EXAMPLE}")
    K = ImmutableMatrix([row for row, _ in rows])
    b = ImmutableMatrix([right for _, right in rows] if value is None else _values(value, len(rows)))
    found = Hypothesis(parameters, names, K, b)
    for i in range(found.rows):
        if all(entry == 0 for entry in K.row(i)):
            raise ModelError(
                f"row {i + 1} of the hypothesis has no parameter with a coefficient that is not zero: leave it out"
            )
    if K.rank() < found.rows:
        raise ModelError(f"the rows {found} depend on each other: leave out those that follow from the others")
    return found


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
    given = stated.tolist() if hasattr(stated, "tolist") else [list(row) for row in _nested(stated)]
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


def _values(value: Any, rows: int) -> list[Expr]:
    if isinstance(value, MatrixBase) or hasattr(value, "tolist"):
        value = list(Matrix(value.tolist()))
    given = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if len(given) != rows:
        raise ModelError(f"the hypothesis has {rows} rows, and {len(given)} values are given for its right side")
    return [exact_expression(own) for own in given]


def _row(named: Named, stated: Any) -> tuple[list[Expr], Expr]:
    """Return coefficients and right side of one text, or of numbers by name."""
    if isinstance(stated, Mapping):
        parts = [exact_expression(number) * _side(named, str(name), str(name), 0) for name, number in stated.items()]
        coefficients, right = _linear(named, sum(parts, Integer(0)), str(dict(stated)))
        if right != 0:
            raise ModelError(f"a key of {dict(stated)} holds a number: write numbers as the right side, value")
        return coefficients, right
    text = stated.name if isinstance(stated, Symbol) else stated
    if not isinstance(text, str):
        raise ModelError(f"a row of a hypothesis is a text such as {EXAMPLE}, not {stated!r}")
    left, equals, right = text.partition("=")
    if "=" in right:
        raise ReadingError("one '=' was expected", text, len(left) + 1 + right.index("="))
    both = _side(named, left, text, 0)
    if both.as_coeff_Add()[0] != 0:
        raise ModelError(
            f"the left side of the hypothesis {text!r} holds a number: write numbers on the right of '=', and the "
            "intercept as beta0 inside a combination"
        )
    if equals:
        both -= _side(named, right, text, len(left) + 1)
    return _linear(named, both, text)


def _linear(named: Named, both: Expr, text: str) -> tuple[list[Expr], Expr]:
    """Return coefficients and right side of an expression that is zero under the hypothesis."""
    both = both.expand()
    coefficients = [both.coeff(symbol) for symbol, _ in named]
    rest = both - sum((c * symbol for c, (symbol, _) in zip(coefficients, named, strict=True)), Integer(0))
    rest = rest.expand()
    if rest.free_symbols or any(c.free_symbols for c in coefficients):
        raise ModelError(f"the hypothesis {text!r} is not linear in the parameters with numbers as coefficients")
    return coefficients, -rest


def _side(named: Named, side: str, text: str, start: int) -> Expr:
    """Return one side of an equation as an expression in the parameters; a whole side may be a term such as x1:x2."""
    own = "1" if side.strip() == "(Intercept)" else side.strip()
    for symbol, name in named:
        # on the right "1" is a number
        if own == symbol.name or (own == name and (start == 0 or name != "1")):
            return symbol
    meaning: dict[str, Expr] = {symbol.name: symbol for symbol, _ in named}
    meaning |= {name: symbol for symbol, name in named if name.isidentifier()}
    padded = " " * start + side
    try:
        return evaluate(parse_expression(padded, "hypothesis"), Scope(padded, meaning)).expand()
    except ReadingError as error:
        inside = any(mark in own for mark in ":(")
        hint = "; inside a combination write an interaction or a function by its parameter, such as beta3"
        raise ReadingError(error.message + hint * inside, text, error.start, error.end) from None
