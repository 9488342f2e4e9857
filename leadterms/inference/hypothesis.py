"""Linear hypotheses on the parameters of a model, K theta = b: one coefficient, a contrast, or several rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, ImmutableMatrix, Integer, Matrix, Symbol

from leadterms.errors import ModelError
from leadterms.inference.contrasts import read_rows, read_values
from leadterms.model.statement import Model
from leadterms.notation.text import to_text


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
    """Return the hypothesis on parameters, of which the first are fixed effects.

    Parameters
    ----------
    parameters, names
        The parameters, and the names that they are shown by.
    fixed
        How many of them are fixed effects.
    stated, value
        As in `hypothesis`.

    Returns
    -------
    Hypothesis
        K and b, exact.

    Raises
    ------
    ReadingError
        If a text cannot be read, or holds an unknown name.
    ModelError
        If a row is not linear, is empty, or follows from the others, a matrix has the wrong shape, or there are not as
        many values as rows.
    LeadtermsError
        If a value is no exact number.

    """
    rows = read_rows(tuple(zip(parameters, names, strict=True)), fixed, stated)
    K = ImmutableMatrix([row for row, _ in rows])
    b = ImmutableMatrix([right for _, right in rows] if value is None else read_values(value, len(rows)))
    found = Hypothesis(parameters, names, K, b)
    for i in range(found.rows):
        if all(entry == 0 for entry in K.row(i)):
            raise ModelError(
                f"row {i + 1} of the hypothesis has no parameter with a coefficient that is not zero: leave it out"
            )
    if K.rank() < found.rows:
        raise ModelError(f"the rows {found} depend on each other: leave out those that follow from the others")
    return found
