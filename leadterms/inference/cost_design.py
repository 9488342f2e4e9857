r"""m against n under a cost: the sizes of a two-stage sample with m groups of n observations.

A variance a/m + b/(mn) meets the cost c1 m + c2 m n of m groups, each with n observations. Both problems, the least
variance for a budget and the least cost for a variance, have the same n: the product (a + b/n)(c1 + c2 n) of variance
and cost is free of m. It is convex in n > 0, of the form alpha + beta/n + gamma n with positive coefficients, so that
the zero of its derivative is its minimum.

**Whole numbers.**  For a given n the best m is floor{C/(c1 + c2 n)}, or ceil{(a + b/n)/v}. The relaxed problem with
that n bounds what any m reaches, and is convex in n: the n whose bound is not worse than a value at hand are the whole
numbers of an interval about the optimum. All of them are searched, in exact rational arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape

from sympy import Expr, Rational, Symbol, diff, factor, solve, sqrt, symbols

from leadterms.asymptotics.orders import PER_GROUP, PER_GROUPED_OBSERVATION
from leadterms.asymptotics.point import ParameterSpace, Values, require_written_out
from leadterms.asymptotics.result import Entry, Term
from leadterms.asymptotics.term import evaluate_at
from leadterms.errors import EvaluationError, ModelError
from leadterms.evaluation.number import Number, evaluate
from leadterms.evaluation.wanted import Wanted
from leadterms.inference.prices import read_price
from leadterms.inference.whole_sizes import WholeSizes, least_cost, least_variance
from leadterms.notation.conditions import shown
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text
from leadterms.reading.numbers import exact_number

BUDGET, VARIANCE = "C", "v"
WHOLE_DIGITS = 40
"""Digits of coefficients that are not rational, in the search over whole numbers."""
GUARD = 10


@dataclass(frozen=True, repr=False)
class SizeDesign:
    """The optimal number of groups and of observations in each, as formulas.

    Parameters
    ----------
    n, m
        Optimal sizes, real numbers.
    variance
        The least variance for the budget, or the variance that is required.
    cost
        The budget, or the least cost.
    fixed
        "cost" or "variance": which of the two is given.
    terms
        The terms of order 1/m and 1/(mn).
    prices
        Of a group, and of an observation.
    space
        The parameters and conditions, those of the entry and the symbols of cost and budget.

    """

    n: Expr
    m: Expr
    variance: Expr
    cost: Expr
    fixed: str
    terms: tuple[Term, Term]
    prices: tuple[Expr, Expr]
    space: ParameterSpace

    @property
    def status(self) -> str:
        """What the formulas are: derived, or a conjecture where a term is one."""
        return "conjecture" if "conjecture" in {term.status for term in self.terms} else "derived"

    @property
    def conditions(self) -> tuple[str, ...]:
        """What must hold, as text."""
        existence = [term.condition for term in self.terms if term.condition]
        stated = [shown(condition) for condition in self.space.conditions]
        return (*dict.fromkeys((*stated, *existence)), "n >= 1 (else n = 1 is best)")

    def evaluate(self, at: Values, digits: int = 15) -> dict[str, Number]:
        """Return n, m, variance and cost at a point, to the digits asked for.

        Parameters
        ----------
        at
            Values of the parameters, and of the symbols of cost, budget or variance.
        digits
            Significant digits.

        Raises
        ------
        EvaluationError, ExistenceError, UndecidedError
            As ``Entry.evaluate``; an EvaluationError also where n is below 1.

        """
        numbers, point = self._coefficients(at, digits + GUARD)
        generic = _solution(self.fixed)
        values = {_A: sqrt(_rational(numbers[0])), _B: sqrt(_rational(numbers[1]))}
        values |= {_K: sqrt(self.prices[0].xreplace(point)), _L: sqrt(self.prices[1].xreplace(point))}
        given = self.cost if self.fixed == "cost" else self.variance
        values[_GIVEN] = given.xreplace(point)
        missing = sorted({symbol.name for value in values.values() for symbol in value.free_symbols})
        if missing:
            raise EvaluationError(f"no value is given for {', '.join(missing)}")
        certified = all(number.certified for number in numbers)
        found = {name: _widened(evaluate(generic[name].xreplace(values), {}, digits), certified) for name in generic}
        if found["n"].value < 1:
            raise EvaluationError(
                f"the formulas ask for n = {found['n']} at the point, below 1: one observation in a group is best, and "
                "whole(at) finds the number of groups"
            )
        return found

    def whole(self, at: Values) -> WholeSizes:
        """Return the best whole numbers m and n at a point, by a search that is complete.

        Raises
        ------
        EvaluationError
            As `evaluate`; also if the budget does not pay one group of one observation.

        """
        numbers, point = self._coefficients(at, WHOLE_DIGITS)
        given = (self.cost if self.fixed == "cost" else self.variance).xreplace(point)
        values = [self.prices[0].xreplace(point), self.prices[1].xreplace(point), given]
        missing = sorted({symbol.name for value in values for symbol in value.free_symbols})
        if missing:
            raise EvaluationError(f"no value is given for {', '.join(missing)}")
        if not all(value.is_Rational for value in values):
            raise EvaluationError("whole numbers are searched for rational costs, budget and variance: give such ones")
        search = least_variance if self.fixed == "cost" else least_cost
        return search(*map(_rational, numbers), *values)

    def _coefficients(self, at: Values, digits: int) -> tuple[list[Number], dict[Symbol, Expr]]:
        point = self.space.point(at)
        terms = [term.at(point) for term in self.terms]
        for term in terms:
            term.require_existence()
        found = [number for number in evaluate_at(terms, point, Wanted(digits)) if number is not None]
        if not all(number.value > 0 for number in found):
            raise EvaluationError(
                "a coefficient of the variance is not positive at the point: there is no trade-off; "
                "choose another point"
            )
        for number in found:
            require_written_out(number, point)
        return found, point

    def _rows(self) -> list[tuple[str, Expr]]:
        name = "least variance" if self.fixed == "cost" else "variance"
        price = "cost" if self.fixed == "cost" else "least cost"
        return [("n", self.n), ("m", self.m), (name, self.variance), (price, self.cost)]

    def __repr__(self) -> str:
        c1, c2 = self.prices
        head = f"Sizes for the cost {to_text(c1)} of a group and {to_text(c2)} of an observation ({self.status})"
        rows = [f"  {name:<15} {to_text(value)}" for name, value in self._rows()]
        return "\n".join([head, *rows, *(f"  condition: {condition}" for condition in self.conditions)])

    def _repr_html_(self) -> str:
        rows = "".join(
            rf"<tr><td>{name}</td><td>$\displaystyle {escape(to_latex(value))}$</td></tr>"
            for name, value in self._rows()
        )
        notes = "".join(f"<li>{escape(condition)}</li>" for condition in self.conditions)
        return f"<table>{rows}</table><ul>{notes}</ul>"


def optimal_sizes(
    entry: Entry,
    *,
    cost: tuple[object, object] = ("c1", "c2"),
    budget: object = None,
    variance: object = None,
) -> SizeDesign:
    """Return the optimal m and n for a variance a/m + b/(mn) and a cost c1 m + c2 m n.

    Parameters
    ----------
    entry
        A variance with terms of order 1/m and 1/(mn): of an expansion with two terms, or of a linear combination
        (`leadterms.inference.combination`).
    cost
        c1 of a group and c2 of an observation: names, or exact positive numbers.
    budget
        C, a name or a number: the variance is minimised. "C" where no variance is given either.
    variance
        v, a name or a number: the cost is minimised.

    Returns
    -------
    SizeDesign
        Formulas for real m and n; ``evaluate`` gives numbers, ``whole`` the best whole ones. What the terms neglect
        is neglected: the order 1/m^2, and what is smaller than 1/(mn).

    Raises
    ------
    ModelError
        If the entry has no such terms, so that they make no trade-off, or budget and variance are both given.
    ExistenceError, UndecidedError
        If a term does not exist, or is not known to.

    References
    ----------
    Cochran (1977), Sampling Techniques, chapter 10, for two-stage samples. Derived here by differentiation.

    Examples
    --------
    >>> from leadterms import Model, expansion
    >>> optimal_sizes(expansion(Model("y ~ 1 + (1 | g)"))["1"])
    Sizes for the cost c1 of a group and c2 of an observation (derived)
      n               sqrt(c1)*sqrt(phi)/(sqrt(c2)*sqrt(sigma2))
      m               C*sqrt(sigma2)/(sqrt(c1)*(sqrt(c1)*sqrt(sigma2) + sqrt(c2)*sqrt(phi)))
      least variance  (sqrt(c1)*sqrt(sigma2) + sqrt(c2)*sqrt(phi))**2/C
      cost            C
      condition: n >= 1 (else n = 1 is best)

    """
    if budget is not None and variance is not None:
        raise ModelError("give a budget or a variance, not both: the other one is minimised")
    terms = _two_terms(entry)
    if not isinstance(cost, tuple | list) or len(cost) != 2:
        raise ModelError(f"the cost is a pair, of a group and of an observation, such as ('c1', 'c2'), not {cost!r}")
    taken = {symbol.name for symbol in entry.space.symbols}
    prices = (read_price(cost[0], taken), read_price(cost[1], taken))
    fixed = "cost" if variance is None else "variance"
    given = read_price((BUDGET if budget is None else budget) if fixed == "cost" else variance, taken)
    extra = tuple(sorted({*prices[0].free_symbols, *prices[1].free_symbols, *given.free_symbols}, key=str))
    values = {
        _A: sqrt(terms[0].coefficient),
        _B: sqrt(terms[1].coefficient),
        _K: sqrt(prices[0]),
        _L: sqrt(prices[1]),
        _GIVEN: given,
    }
    found = {name: expression.xreplace(values) for name, expression in _solution(fixed).items()}
    space = replace(entry.space, symbols=(*entry.space.symbols, *extra))
    return SizeDesign(found["n"], found["m"], found["variance"], found["cost"], fixed, terms, prices, space)


_A, _B, _K, _L, _GIVEN = symbols("a b k l given", positive=True)
"""Square roots of a, b, c1, c2, and the budget or the variance: with them everything is rational."""


@lru_cache(maxsize=2)
def _solution(fixed: str) -> dict[str, Expr]:
    """Solve the problem with positive symbols: eliminate m, differentiate by n, and solve."""
    m, n = symbols("m n", positive=True)
    variance, cost = _A**2 / m + _B**2 / (m * n), _K**2 * m + _L**2 * m * n
    constraint, objective = (cost, variance) if fixed == "cost" else (variance, cost)
    [groups] = solve(constraint - _GIVEN, m)
    relaxed = objective.xreplace({m: groups})
    [best] = [root for root in solve(diff(relaxed, n), n) if root.is_positive]
    assert factor(diff(relaxed, n, 2).xreplace({n: best})).is_positive  # so that it is a minimum
    at = {m: factor(groups.xreplace({n: best})), n: best}
    return {"n": best, "m": at[m], "variance": factor(variance.xreplace(at)), "cost": factor(cost.xreplace(at))}


def _two_terms(entry: Entry) -> tuple[Term, Term]:
    """Return the terms of order 1/m and 1/(mn), or say why there is no trade-off."""
    if not isinstance(entry, Entry):
        raise ModelError(f"a variance of an expansion is needed, such as result['x'], not {type(entry).__name__}")
    name = entry.parameters[0].name
    if len(set(entry.parameters)) != 1:
        raise ModelError("the sizes are optimised for a variance, not for a covariance: name one parameter")
    by_order = {term.order: term for term in entry.terms}
    known = ", ".join(term.order_text for term in entry.terms)
    if set(by_order) == {PER_GROUPED_OBSERVATION}:
        raise ModelError(
            f"the variance of {name} is of order 1/(m*n): by its leading term every observation counts the same, "
            "wherever it is, so that there is no trade-off; take n as large as is allowed, and m from the budget"
        )
    if set(by_order) == {PER_GROUP}:
        raise ModelError(
            f"the variance of {name} has its leading term 1/m only, which does not see n: derive two terms, "
            "expansion(model, terms=2)"
        )
    if set(by_order) != {PER_GROUP, PER_GROUPED_OBSERVATION}:
        raise ModelError(
            f"the trade-off of m and n is about terms of the orders 1/m and 1/(m*n), and the variance of {name} has "
            f"{known}: use equal group sizes, or optimal_layout_sizes for the sizes of a layout"
        )
    terms = (by_order[PER_GROUP], by_order[PER_GROUPED_OBSERVATION])
    for term in terms:
        term.require_existence()
    return terms


def _rational(number: Number) -> Rational:
    """Return what is printed, exactly."""
    return exact_number(str(number))


def _widened(number: Number, certified: bool) -> Number:
    """Count the rounded coefficients in: n, m, variance and cost change relatively less than a and b together."""
    error = number.error + 2 * abs(number.value) * Rational(10) ** (1 - number.digits - GUARD)
    return replace(number, error=error.evalf(3), certified=number.certified and certified)
