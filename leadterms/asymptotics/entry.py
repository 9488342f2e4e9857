"""The asymptotic covariance of two estimators: a sum of terms of different orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Symbol

from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.point import ParameterSpace, Values, symbols_of
from leadterms.asymptotics.sizes import Sizes, size_values
from leadterms.asymptotics.term import Term, added_latex, evaluate_at, summed
from leadterms.errors import EvaluationError, LeadtermsError
from leadterms.evaluation.wanted import Wanted
from leadterms.expectation.held import revealed
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N

if TYPE_CHECKING:
    from leadterms.evaluation.arrays import ArrayFunction
    from leadterms.evaluation.number import Number


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
        patience: float = 1,
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
        patience
            How many times the usual work is done before the general certified road or an estimate gives up; what
            usually takes far too long is tried where it is more than 1. ``math.inf``: neither gives up.

        Raises
        ------
        EvaluationError
            If a parameter has no value or a bad one, or the digits are not reached.
        ExistenceError
            If a condition of the result fails at the point, or the term does not exist there.
        UndecidedError
            If it could not be decided whether the term exists.

        """
        point = self.space.point(values)
        term = self.of_order(order).at(point)
        term.require_existence()
        number = evaluate_at([term], point, Wanted(digits, method, rounding, patience))[0]
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
        patience: float = 1,
    ) -> Number:
        """Return the sum of all terms at a point and at sizes.

        Parameters
        ----------
        values, digits, method, rounding, patience
            As in `evaluate`.
        sizes
            ``{"m": 100, "n": 20}``, or the size of each group, ``[20, 20, 60]``; in a layout with several grouping
            factors all its sizes by name, ``{"m": 30, "m_prime": 40, "n": 5}``.

        Raises
        ------
        EvaluationError, ExistenceError, UndecidedError
            As `evaluate`; an EvaluationError also where an order has a size without value.

        """
        numbers = size_values(sizes, self.space.sizes)
        point = self.space.point(values, {size: n for size, n in numbers.items() if size in self.space.symbols})
        scaled = []
        for term in self.terms:
            own = term.at(point)
            own.require_existence()
            missing = sorted(symbol.name for symbol in own.order.free_symbols - numbers.keys())
            if missing:
                raise EvaluationError(_no_size(missing, numbers))
            scaled.append(own.times(own.order.xreplace(numbers)))
        number = evaluate_at([summed(scaled, Integer(1))], point, Wanted(digits, method, rounding, patience))[0]
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
            None where the entry has no term of order 1/m and a second one, and in layouts with several groupings.

        """
        first = [term for term in self.terms if term.order == PER_GROUP]
        if len(first) != 1 or len(self.terms) < 2 or HARMONIC not in self.space.sizes:
            return None
        numbers = size_values({"m": 1, "n": sizes} if isinstance(sizes, int) else sizes)
        point = self.space.point(values)
        if first[0].coefficient.xreplace(point) == 0:
            raise EvaluationError(f"the leading term {first[0].variance} is zero at the point: it has no ratio to it")
        parts = []
        for term in self.terms:
            if term.order == PER_GROUP:
                continue
            own = term.at(point)
            own.require_existence()
            relative = (own.order / PER_GROUP).xreplace({**numbers})
            missing = sorted(symbol.name for symbol in relative.free_symbols & {M, N, TOTAL, HARMONIC})
            if missing:
                raise EvaluationError(_no_size(missing, numbers))
            parts.append(own.times(relative / first[0].coefficient))
        return evaluate_at([summed(parts, Integer(1))], point, Wanted(digits, None, "nearest"))[0]

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
        NoRuleError
            Where the coefficient has no rule for arrays.
        EvaluationError
            Where the order, the accuracy or a name in the box is refused.

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
        left = variance_name(self.parameters)
        if self.negligible is not None:
            return rf"{left} = o\left({to_latex(self.negligible)}\right)"
        return f"{left} = {added_latex(self.terms)}"

    def __repr__(self) -> str:
        first, second = self.parameters
        pair = first.name if first == second else f"{first.name}, {second.name}"
        parts = [f"[{term.missing}]*{term.order}" if term.missing else str(term.variance) for term in self.terms]
        return f"Entry({pair}: {' + '.join(parts) or 0})"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"


def variance_name(pair: tuple[Symbol, Symbol]) -> str:
    r"""Return the LaTeX name of the asymptotic variance of an estimator, or covariance of two."""
    first, second = (rf"\widehat{{{to_latex(symbol)}}}" for symbol in pair)
    return rf"\mathrm{{Asy.Var}}({first})" if first == second else rf"\mathrm{{Asy.Cov}}({first}, {second})"


def _no_size(missing: list[str], numbers: Mapping[Symbol, Expr]) -> str:
    """Say which size is missing, and what to change."""
    if missing == [N.name] and HARMONIC in numbers:
        return (
            "the groups given have unequal sizes, for which the terms have other orders: derive them with "
            "group_sizes='unequal' (--group-sizes unequal)"
        )
    return f"no value is given for the size {', '.join(missing)}: give it, or the size of each group"
