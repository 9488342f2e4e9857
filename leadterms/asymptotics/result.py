"""The record of a derivation: terms, entries, and the expansion of the whole covariance matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from sympy import Expr, ImmutableMatrix, Integer, Symbol, sqrt

from leadterms.asymptotics.orders import SPELLING
from leadterms.asymptotics.point import ParameterSpace, Values, require_values, shown, symbols_of
from leadterms.errors import EvaluationError, LeadtermsError
from leadterms.evaluation.wanted import USUAL, Wanted
from leadterms.expectation.held import Expectation, revealed
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text

if TYPE_CHECKING:
    from leadterms.evaluation.arrays import ArrayFunction
    from leadterms.evaluation.number import Number


@dataclass(frozen=True)
class Term:
    """One term of an asymptotic covariance: coefficient times order.

    Parameters
    ----------
    coefficient
        Complete, the dispersion included; free of the sizes.
    order
        A monomial in the sizes: 1/n, 1/m or 1/(m*n).
    status
        "theorem" (published), "derived" (here) or "conjecture".
    rules
        Names of the rules that gave closed forms.
    unclosed
        The same coefficient with its expectations held, weights at single points kept whole: the road that stays
        open where the closed form is singular.
    nonzero
        What the closed form divides by, for example a slope. Where one of these is zero the closed form has a
        removable singularity, and the value is that of ``close_at``.
    close_at
        Closes the expectations anew at a point.
    may_vanish
        Whether the coefficient may be zero at some points, as covariances may; variances never are.

    """

    coefficient: Expr
    order: Expr
    status: str
    rules: tuple[str, ...] = ()
    unclosed: Expr | None = None
    nonzero: tuple[Expr, ...] = ()
    close_at: Callable[[Mapping[Symbol, Expr]], Expr] | None = field(default=None, repr=False, compare=False)
    may_vanish: bool = False
    exists: bool = True
    condition: str | None = None

    @property
    def is_closed_form(self) -> bool:
        """Whether no held expectation is left."""
        return not self.coefficient.has(Expectation)

    @property
    def order_text(self) -> str:
        """The order as it is spelled in records: 1/n, 1/m, 1/(m*n)."""
        return SPELLING[self.order]

    @property
    def variance(self) -> Expr:
        """Coefficient times order."""
        return self.coefficient * self.order


@dataclass(frozen=True, repr=False)
class Entry:
    """The asymptotic covariance of two estimators: a sum of terms of different orders.

    Parameters
    ----------
    names
        Names of the two terms of the formula; "1" for the intercept, a parameter's own name for others.
    parameters
        The two parameters.
    terms
        The terms; none where the limit of the scaled covariance is zero.
    space
        The parameters of the model and the conditions.
    negligible
        With no terms: what the covariance is of smaller order than, the square root of the product of the two
        variances' orders. Zero in the limit theorem is not zero at every finite size: the covariance of a fixed
        effect with a random effect and one without is of order 1/(mn), which the second terms give.

    """

    names: tuple[str, str]
    parameters: tuple[Symbol, Symbol]
    terms: tuple[Term, ...]
    space: ParameterSpace
    negligible: Expr | None = None

    @property
    def variance(self) -> Expr:
        """Sum of coefficient times order; 0 where the limit of the scaled covariance is zero."""
        return sum((term.variance for term in self.terms), Integer(0))

    @property
    def term(self) -> Term:
        """The one term of the entry.

        Raises
        ------
        LeadtermsError
            If there is no term, or more than one.

        """
        if len(self.terms) != 1:
            pair = " and ".join(symbol.name for symbol in self.parameters)
            if self.negligible is not None:
                raise LeadtermsError(f"the covariance of {pair} has no leading term: it is o({self.negligible})")
            raise LeadtermsError(f"the covariance of {pair} has {len(self.terms)} terms: use .terms or .variance")
        return self.terms[0]

    @property
    def coefficient(self) -> Expr:
        """Coefficient of the one term."""
        return self.term.coefficient

    @property
    def order(self) -> Expr:
        """Order of the one term."""
        return self.term.order

    def evaluate(
        self, values: Values, digits: int = 15, *, method: str | None = None, rounding: str = "nearest"
    ) -> Number:
        """Return the coefficient of the one term at a point, to the digits asked for.

        Parameters
        ----------
        values
            Exact values by parameter name, as text ("0.34", "1e-30", "3/7"), whole numbers, fractions or
            floats (taken at their shortest decimal); or one text ``"beta0=0.34, beta1=0.82"``.
        digits
            Significant digits.
        method
            "balls": certified, or an error; "mpmath": the second road, whose error is an estimate; None: certified
            where there is a certified road, else the second.
        rounding
            "nearest", "down" (the printed decimal is not above the truth) or "up" (not below it).

        Raises
        ------
        EvaluationError
            If a parameter has no value or a bad one, or the digits are not reached.
        ExistenceError
            If a condition of the result fails at the point.

        """
        return evaluate_terms([self.term], self.space, values, Wanted(digits, method, rounding))[0]

    def array_function(
        self,
        *,
        accuracy: float = 1e-12,
        box: Mapping[str, tuple[float, float]] | None = None,
        absolute: float = 0.0,
    ) -> ArrayFunction:
        """Return the coefficient of the one term as a function of arrays in double precision, for sweeps and plots.

        Parameters
        ----------
        accuracy
            Relative error that is aimed at, 1e-13 to 1e-2; an estimate, where `evaluate` certifies.
        box
            Closed intervals by parameter name: points outside have no value.
        absolute
            An error that is accepted besides the relative one, for a covariance that passes through zero.

        Returns
        -------
        ArrayFunction
            Takes one array for each parameter of the coefficient, by name or in the order of ``parameters``; nan
            where a condition fails or the accuracy is not reached.

        Raises
        ------
        EvaluationError
            Where the coefficient has no rule for arrays.

        """
        from leadterms.evaluation.arrays import array_function

        term = self.term
        others = () if term.unclosed is None else (revealed(term.unclosed),)
        used = symbols_of(term.coefficient).union(*map(symbols_of, others))
        parameters = [symbol for symbol in self.space.symbols if symbol in used]
        conditions = [c for c in self.space.conditions if c.free_symbols <= used]
        by_name = {symbol.name: symbol for symbol in parameters}
        unknown = sorted(set(box or ()) - set(by_name))
        if unknown:
            raise EvaluationError(f"{', '.join(unknown)} in the box is no parameter: there are {', '.join(by_name)}")
        return array_function(
            term.coefficient,
            parameters,
            accuracy=accuracy,
            box={by_name[name]: ends for name, ends in (box or {}).items()},
            alternatives=[other for other in others if other != term.coefficient],
            conditions=conditions,
            absolute=absolute,
        )

    def latex(self) -> str:
        r"""``\mathrm{Asy.Var}(...) = ...`` as LaTeX."""
        first, second = (rf"\widehat{{{to_latex(symbol)}}}" for symbol in self.parameters)
        left = rf"\mathrm{{Asy.Var}}({first})" if first == second else rf"\mathrm{{Asy.Cov}}({first}, {second})"
        if self.negligible is not None:
            return rf"{left} = o\left({to_latex(self.negligible)}\right)"
        return f"{left} = {to_latex(self.variance)}"

    def __repr__(self) -> str:
        first, second = self.parameters
        pair = first.name if first == second else f"{first.name}, {second.name}"
        return f"Entry({pair}: {self.variance})"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"


def evaluate_terms(
    terms: Sequence[Term], space: ParameterSpace, values: Values, wanted: Wanted = USUAL
) -> list[Number]:
    """Return the coefficients of terms at one point, as `Entry.evaluate` does for one."""
    from leadterms.evaluation.number import evaluate

    point = space.point(values)
    require_values((term.coefficient for term in terms), point)

    def number(term: Term) -> Number:
        if term.close_at is not None and any(divisor.xreplace(point) == 0 for divisor in term.nonzero):
            closed = term.close_at(point)
            require_values((closed,), point)
            return evaluate(closed, point, may_vanish=term.may_vanish, **asdict(wanted))
        usable = term.unclosed is not None and symbols_of(term.unclosed) <= point.keys()
        return evaluate(
            term.coefficient,
            point,
            alternatives=(term.unclosed,) if term.unclosed is not None and usable else (),
            may_vanish=term.may_vanish,
            **asdict(wanted),
        )

    return [number(term) for term in terms]


@dataclass(frozen=True)
class Step:
    """One titled equation of a derivation, as LaTeX."""

    title: str
    latex: str


@dataclass(frozen=True, repr=False)
class Expansion:
    """The leading terms of the asymptotic covariance of the maximum likelihood estimator.

    Parameters
    ----------
    model
        The model that was stated.
    regime
        Which sizes grow, and how.
    entries
        One for each pair of parameters whose covariance is not structurally zero.
    space
        Parameters and conditions.
    derivation
        Writes the steps.

    """

    model: Model
    regime: str
    entries: tuple[Entry, ...]
    space: ParameterSpace
    derivation: Callable[[], tuple[Step, ...]] = field(repr=False, compare=False)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The derivation as titled equations, written when asked for."""
        return self.derivation()

    @property
    def conditions(self) -> tuple[str, ...]:
        """What must hold, as text."""
        return tuple(shown(condition) for condition in self.space.conditions)

    @property
    def status(self) -> str:
        """The weakest status of any term: theorem, derived or conjecture."""
        ranks = ("theorem", "derived", "conjecture")
        return max((term.status for entry in self.entries for term in entry.terms), key=ranks.index)

    @property
    def names(self) -> dict[Symbol, str]:
        """The display name of each parameter."""
        fixed = dict(zip(self.model.fixed_effects, self.model.term_names, strict=True))
        return {parameter: fixed.get(parameter, parameter.name) for parameter in self.model.parameters}

    def __getitem__(self, key: Any) -> Entry:
        """Return the entry of a term name, a parameter, or a pair of them.

        Raises
        ------
        LeadtermsError
            If the model has no such parameter.

        """
        pair = key if isinstance(key, tuple) else (key, key)
        if len(pair) != 2:
            raise LeadtermsError(f"an entry is addressed by one name or a pair of names, not by {key!r}")
        first, second = (self._parameter(part) for part in pair)
        for entry in self.entries:
            if set(entry.parameters) == {first, second}:
                return entry
        orders = [self[parameter, parameter].order for parameter in (first, second)]
        return Entry(
            (self.names[first], self.names[second]), (first, second), (), self.space, sqrt(orders[0] * orders[1])
        )

    def __contains__(self, key: Any) -> bool:
        """Tell whether a term or parameter of that name (or a pair of them) is in the model."""
        try:
            self[key]
        except LeadtermsError:
            return False
        return True

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def _parameter(self, key: Any) -> Symbol:
        wanted = key.name if isinstance(key, Symbol) else str(key)
        wanted = "1" if wanted == "(Intercept)" else wanted
        for parameter, name in self.names.items():
            if wanted in (name, parameter.name):
                return parameter
        known = ", ".join(dict.fromkeys(n for p, name in self.names.items() for n in (name, p.name)))
        raise LeadtermsError(f"the model has no parameter or term {wanted!r}: it has {known}")

    @property
    def covariance(self) -> ImmutableMatrix:
        """The leading covariance matrix of all estimators, in the order of ``model.parameters``.

        An entry 0 says that the limit of the scaled covariance is zero: it is of smaller order than the square
        root of the product of the two variances' orders, and not zero at every finite size.
        """
        parameters = self.model.parameters
        return ImmutableMatrix(
            len(parameters), len(parameters), lambda i, j: self[parameters[i], parameters[j]].variance
        )

    def latex(self) -> str:
        """All entries as LaTeX, one line each (an ``aligned`` body)."""
        lines = [entry.latex().replace(" = ", " &= ", 1) for entry in self.entries]
        return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(', '.join(dict.fromkeys(entry.names)))}</td><td>{term.order_text}</td>"
            rf"<td>$\displaystyle {escape(to_latex(term.coefficient))}$</td><td>{term.status}</td></tr>"
            for entry in self.entries
            for term in entry.terms
        )
        head = "<tr><th>entry</th><th>order</th><th>coefficient</th><th>status</th></tr>"
        notes = "".join(f"<li>{escape(condition)}</li>" for condition in self.conditions)
        caption = escape(f"Leading terms, {self.regime}")
        return f"<table><caption>{caption}</caption>{head}{rows}</table>" + (f"<ul>{notes}</ul>" if notes else "")

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [str(self.model), f"regime: {self.regime}"]
        for entry in self.entries:
            for term in entry.terms:
                pair = ", ".join(dict.fromkeys(entry.names))
                lines.append(f"[{pair}]  {term.order_text}  {to_text(term.coefficient)}")
        lines.extend(f"condition: {condition}" for condition in self.conditions)
        return "\n".join(lines)
