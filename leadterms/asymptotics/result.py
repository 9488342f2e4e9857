"""The record of a derivation: terms, entries, and the expansion of the whole covariance matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from html import escape
from typing import TYPE_CHECKING, Any

from sympy import Expr, ImmutableMatrix, Integer, Symbol, nan, sqrt

from leadterms.asymptotics.orders import PER_GROUP, SPELLING
from leadterms.asymptotics.point import ParameterSpace, Values, require_values, shown, symbols_of
from leadterms.asymptotics.sizes import Sizes, size_values
from leadterms.errors import EvaluationError, ExistenceError, LeadtermsError, UndecidedError
from leadterms.evaluation.wanted import USUAL, Wanted
from leadterms.expectation.held import Expectation, revealed
from leadterms.expectation.inverse_existence import EXISTS, Existence
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N
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
    existence
        Whether it exists, and under which conditions; where it does not, the coefficient is nan.

    """

    coefficient: Expr
    order: Expr
    status: str
    rules: tuple[str, ...] = ()
    unclosed: Expr | None = None
    nonzero: tuple[Expr, ...] = ()
    close_at: Callable[[Mapping[Symbol, Expr]], Expr] | None = field(default=None, repr=False, compare=False)
    may_vanish: bool = False
    existence: Existence = EXISTS

    @property
    def exists(self) -> bool | str:
        """True, where ``condition`` holds; False; or "undecided"."""
        return self.existence.verdict

    @property
    def condition(self) -> str | None:
        """What must hold for the term to exist, or why it does not; None where nothing is needed."""
        if self.existence.verdict is not True:
            return self.existence.reason
        return " and ".join(shown(condition) for condition in self.existence.conditions) or None

    def times(self, factor: Expr) -> Term:
        """Return the term with all its forms multiplied."""
        close_at = self.close_at
        return replace(
            self,
            coefficient=factor * self.coefficient,
            unclosed=None if self.unclosed is None else factor * self.unclosed,
            close_at=None if close_at is None else lambda point: factor.xreplace(dict(point)) * close_at(point),
        )

    def at(self, point: Mapping[Symbol, Expr]) -> Term:
        """Return what is known of the term at a point of the parameter space."""
        existence = self.existence.at(point)
        return replace(self, existence=existence, coefficient=self.coefficient if existence.verdict is True else nan)

    @property
    def is_closed_form(self) -> bool:
        """Whether no held expectation is left."""
        return self.existence.verdict is True and not self.coefficient.has(Expectation)

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
        With no terms: what the covariance is of smaller order than. With one term of each covariance that is the
        square root of the product of the two variances' orders: zero in the limit theorem is not zero at every
        finite size, the covariance of a fixed effect with a random effect and one without is of order 1/(mn), which
        the second terms give. With two terms it is the order of the second.

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
        """The only term of the entry.

        Raises
        ------
        LeadtermsError
            If there is none, or more than one.

        """
        return self.of_order(None)

    def of_order(self, order: str | Expr | None) -> Term:
        """Return the term of an order, such as "1/(m*n)"; for None the only term of the entry.

        Raises
        ------
        LeadtermsError
            If there is no such term, or more than one and no order is given.

        """
        pair = " and ".join(symbol.name for symbol in dict.fromkeys(self.parameters))
        what = f"the {'variance' if len(set(self.parameters)) == 1 else 'covariance'} of {pair}"
        if self.negligible is not None:
            raise LeadtermsError(f"{what} has no leading term: it is o({self.negligible})")
        known = ", ".join(term.order_text for term in self.terms)
        if order is None and len(self.terms) != 1:
            raise LeadtermsError(
                f"{what} has {len(self.terms)} terms, of the orders {known}: give one as order=, or use .terms or "
                ".variance"
            )
        found = [term for term in self.terms if order is None or str(order) in (term.order_text, str(term.order))]
        if not found:
            raise LeadtermsError(f"{what} has no term of the order {order}: it has {known}")
        return found[0]

    @property
    def coefficient(self) -> Expr:
        """Coefficient of the one term."""
        return self.term.coefficient

    @property
    def order(self) -> Expr:
        """Order of the one term."""
        return self.term.order

    def evaluate(
        self,
        values: Values,
        digits: int = 15,
        *,
        order: str | Expr | None = None,
        method: str | None = None,
        rounding: str = "nearest",
    ) -> Number:
        """Return the coefficient of a term at a point, to the digits asked for.

        Parameters
        ----------
        values
            Exact values by parameter name, as text ("0.34", "1e-30", "3/7"), whole numbers, fractions or
            floats (taken at their shortest decimal); or one text ``"beta0=0.34, beta1=0.82"``.
        digits
            Significant digits.
        order
            Which term, as "1/(m*n)"; None where the entry has one.
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
            If a condition of the result fails at the point, or the term does not exist there.
        UndecidedError
            If it could not be decided whether the term exists.

        """
        term = self.of_order(order).at(self.space.point(values))
        _require_existence(term)
        number = evaluate_terms([term], self.space, values, Wanted(digits, method, rounding))[0]
        assert number is not None
        return number

    def evaluate_variance(
        self,
        values: Values,
        sizes: Sizes,
        digits: int = 15,
        *,
        method: str | None = None,
        rounding: str = "nearest",
    ) -> Number:
        """Return the sum of all terms at a point and at sizes.

        Parameters
        ----------
        values, digits, method, rounding
            As in `evaluate`.
        sizes
            ``{"m": 100, "n": 20}``, or the size of each group, ``[20, 20, 60]``.

        Raises
        ------
        EvaluationError, ExistenceError, UndecidedError
            As `evaluate`; an EvaluationError also where an order has a size without value.

        """
        point = self.space.point(values)
        numbers = size_values(sizes)
        scaled = []
        for term in self.terms:
            own = term.at(point)
            _require_existence(own)
            missing = sorted(symbol.name for symbol in own.order.free_symbols - numbers.keys())
            if missing:
                raise EvaluationError(f"no value is given for the size {', '.join(missing)} in the order {own.order}")
            scaled.append(own.times(own.order.xreplace(numbers)))
        number = evaluate_terms([summed(scaled, Integer(1))], self.space, values, Wanted(digits, method, rounding))[0]
        assert number is not None
        return number

    def ratio(self, values: Values, sizes: Sizes | int, digits: int = 6) -> Number | None:
        """Return the second terms over the leading term 1/m at a point: how much the leading term leaves out.

        Parameters
        ----------
        values
            As in `evaluate`.
        sizes
            n, or the sizes as in `evaluate_variance`.
        digits
            Significant digits.

        Returns
        -------
        Number or None
            None where the entry has no term of order 1/m and another one.

        """
        first = [term for term in self.terms if term.order == PER_GROUP]
        if len(first) != 1 or len(self.terms) < 2:
            return None
        numbers = size_values({"m": 1, "n": sizes} if isinstance(sizes, int) else sizes)
        point = self.space.point(values)
        parts = []
        for term in self.terms:
            if term.order == PER_GROUP:
                continue
            own = term.at(point)
            _require_existence(own)
            relative = (own.order / PER_GROUP).xreplace({**numbers})
            if relative.free_symbols & {M, N, TOTAL, HARMONIC}:
                raise EvaluationError(f"a size in the order {own.order} has no value: give n, or all group sizes")
            parts.append(own.times(relative / first[0].coefficient))
        return evaluate_terms([summed(parts, Integer(1))], self.space, values, Wanted(digits, None, "nearest"))[0]

    def array_function(
        self,
        *,
        accuracy: float = 1e-12,
        box: Mapping[str, tuple[float, float]] | None = None,
        absolute: float = 0.0,
        order: str | Expr | None = None,
    ) -> ArrayFunction:
        """Return the coefficient of a term as a function of arrays in double precision, for sweeps and plots.

        Parameters
        ----------
        accuracy
            Relative error that is aimed at, 1e-13 to 1e-2; an estimate, where `evaluate` certifies.
        box
            Closed intervals by parameter name: points outside have no value.
        absolute
            An error that is accepted besides the relative one, for a covariance that passes through zero.
        order
            Which term, as "1/(m*n)"; None where the entry has one.

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

        term = self.of_order(order)
        others = () if term.unclosed is None else (revealed(term.unclosed),)
        used = symbols_of(term.coefficient).union(*map(symbols_of, others))
        parameters = [symbol for symbol in self.space.symbols if symbol in used]
        everything = (*self.space.conditions, *term.existence.conditions)
        conditions = [c for c in everything if c.free_symbols <= used]
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
        if any(term.exists is not True for term in self.terms):
            parts = [to_latex(term.variance) if term.exists is True else _missing_latex(term) for term in self.terms]
            return f"{left} = {' + '.join(parts)}"
        return f"{left} = {to_latex(self.variance)}"

    def __repr__(self) -> str:
        first, second = self.parameters
        pair = first.name if first == second else f"{first.name}, {second.name}"
        return f"Entry({pair}: {self.variance})"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"


def evaluate_terms(
    terms: Sequence[Term], space: ParameterSpace, values: Values, wanted: Wanted = USUAL
) -> list[Number | None]:
    """Return the coefficients of terms at one point; None for a term that does not exist there."""
    from leadterms.evaluation.number import evaluate

    point = space.point(values)
    require_values((term.coefficient for term in terms), point)

    def number(term: Term) -> Number | None:
        if term.at(point).exists is not True:
            return None
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


def summed(terms: Sequence[Term], order: Expr) -> Term:
    """Return one term of the given order whose coefficient is the sum of the coefficients."""

    def close_at(point: Mapping[Symbol, Expr]) -> Expr:
        return sum((_closed_at(term, point) for term in terms), Integer(0))

    return Term(
        sum((term.coefficient for term in terms), Integer(0)),
        order,
        terms[0].status,
        rules=tuple(dict.fromkeys(rule for term in terms for rule in term.rules)),
        unclosed=sum((term.coefficient if term.unclosed is None else term.unclosed for term in terms), Integer(0)),
        nonzero=tuple(dict.fromkeys(divisor for term in terms for divisor in term.nonzero)),
        close_at=close_at,
        may_vanish=all(term.may_vanish for term in terms),
        existence=reduce(lambda first, second: first & second, (term.existence for term in terms)),
    )


def _closed_at(term: Term, point: Mapping[Symbol, Expr]) -> Expr:
    if term.close_at is not None and any(divisor.xreplace(dict(point)) == 0 for divisor in term.nonzero):
        return term.close_at(point)
    return term.coefficient.xreplace(dict(point))


def _cell(term: Term) -> str:
    """Return a coefficient for a notebook's table, with the condition for it to exist."""
    if term.exists is not True:
        return escape(f"{'does not exist' if term.exists is False else 'undecided'}: {term.condition}")
    where = f" where {escape(term.condition)}" if term.condition else ""
    return rf"$\displaystyle {escape(to_latex(term.coefficient))}$" + where


def _missing_latex(term: Term) -> str:
    what = "a term that does not exist" if term.exists is False else "a term whose existence is undecided"
    return rf"\text{{{what}, of order }} {to_latex(term.order)}"


def _require_existence(term: Term) -> None:
    if term.exists is False:
        raise ExistenceError(f"the term of order {term.order_text} does not exist: {term.condition}")
    if term.exists is not True:
        raise UndecidedError(f"whether the term of order {term.order_text} exists is undecided: {term.condition}")


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
    terms
        How many terms of each covariance are given.

    """

    model: Model
    regime: str
    entries: tuple[Entry, ...]
    space: ParameterSpace
    derivation: Callable[[], tuple[Step, ...]] = field(repr=False, compare=False)
    terms: int = 1

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
        return Entry(
            (self.names[first], self.names[second]), (first, second), (), self.space, self._beyond(first, second)
        )

    def _beyond(self, first: Symbol, second: Symbol) -> Expr:
        """Return what a covariance without terms is of smaller order than."""
        orders = [self[parameter, parameter].terms[0].order for parameter in (first, second)]
        if self.terms == 1:
            return sqrt(orders[0] * orders[1])
        last = [term.order for entry in self.entries for term in entry.terms if term.order != PER_GROUP]
        return min(last, key=lambda order: len(order.free_symbols)) if last else orders[0]

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

    def latex(self, matrix: bool = False) -> str:
        """All entries as LaTeX, one line each (an ``aligned`` body), or the covariance as one block matrix."""
        if matrix:
            from leadterms.asymptotics.matrix_latex import covariance_latex

            return covariance_latex(self)
        lines = [entry.latex().replace(" = ", " &= ", 1) for entry in self.entries]
        return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(', '.join(dict.fromkeys(entry.names)))}</td><td>{term.order_text}</td>"
            f"<td>{_cell(term)}</td><td>{term.status}</td></tr>"
            for entry in self.entries
            for term in entry.terms
        )
        head = "<tr><th>entry</th><th>order</th><th>coefficient</th><th>status</th></tr>"
        notes = "".join(f"<li>{escape(condition)}</li>" for condition in self.conditions)
        caption = escape(f"{'Two' if self.terms == 2 else 'Leading'} terms, {self.regime}")
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
