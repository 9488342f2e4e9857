r"""The allocation of two arms: a probability p inside the law of a predictor, chosen so that a variance is least.

Where v(p) = A/p + B/(1 - p) + C with A, B free of p, as for two arms within groups without other predictors and for
arms of whole groups, the optimum is closed (`leadterms.inference.allocation_formula`).

Where p stands inside an average, as for logistic arms with a random intercept, there is no closed optimum. Then a
minimum is bracketed: v at p is below v at p - delta and p + delta, by values in balls whose errors are proven where the
entry has a certified road. A continuous function has a local minimum in such a bracket, a convex one its global one.
For arms within groups the law is linear in p, and variance coefficients are convex in the law
(`leadterms.inference.design_information`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, Float, Integer, Rational, Symbol

from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.point import ParameterSpace, Values, symbols_of
from leadterms.asymptotics.result import Entry, Term
from leadterms.asymptotics.term import evaluate_at, summed
from leadterms.errors import EvaluationError, ModelError
from leadterms.evaluation.number import Number, evaluate
from leadterms.evaluation.wanted import Wanted
from leadterms.inference.allocation_formula import closed_minimum
from leadterms.inference.prices import read_price_pair
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import N
from leadterms.notation.text import to_text
from leadterms.reading.numbers import exact_number

COARSE = 16
"""Values of p at first: 1/16, 2/16, ..."""
STEPS = 40
MOST_DIGITS = 30


@dataclass(frozen=True, repr=False)
class Allocation:
    """The optimal probability of an arm.

    Parameters
    ----------
    parameter
        p.
    optimum
        The formula of the optimal p; None where there is no closed one.
    least
        The objective at it; None likewise.
    objective
        What is minimised: a variance coefficient, or the variance times m, times the cost of the arms.
    conditions
        What must hold for the formula, as text.
    space
        The parameters and conditions, n and the symbols of the costs among them.

    """

    parameter: Symbol
    optimum: Expr | None
    least: Expr | None
    objective: Term
    conditions: tuple[str, ...]
    space: ParameterSpace

    def evaluate(self, at: Values, digits: int = 12) -> Number:
        """Return the optimal p at a point.

        Parameters
        ----------
        at
            Values of all parameters but p; of n and the costs where they are symbols.
        digits
            Decimals of p, at most 30.

        Returns
        -------
        Number
            From the formula where there is one, else from a bracket, whose half width is the error. ``road`` says
            which; certified where the values are.

        Raises
        ------
        EvaluationError
            If a parameter has no value, or the least value is at an end of (0, 1).
        ExistenceError, UndecidedError
            As ``Entry.evaluate``.

        """
        if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MOST_DIGITS:
            raise EvaluationError(f"digits of an allocation are 1 to {MOST_DIGITS}, not {digits!r}")
        point = self._point(at)
        if self.optimum is not None:
            missing = sorted(symbol.name for symbol in self.optimum.free_symbols - point.keys())
            if missing:
                raise EvaluationError(f"no value is given for {', '.join(missing)}")
            return evaluate(self.optimum, point, digits)
        return self._bracketed(point, digits)

    def value(self, at: Values, allocation: object, digits: int = 15) -> Number:
        """Return the objective at a point and an allocation p, 0 < p < 1."""
        return self._value(self._point(at), _share(allocation), digits)

    def efficiencies(self, at: Values, allocations: Sequence[object], optimum: Number | None = None) -> list[float]:
        """Return the least value of the objective over that at each allocation: numbers between 0 and 1.

        In double precision, by functions of arrays.

        Parameters
        ----------
        at
            As in `evaluate`.
        allocations
            Exact numbers between 0 and 1.
        optimum
            What `evaluate` gives at the point, where it is known already.

        Raises
        ------
        EvaluationError
            As `evaluate`; also where an allocation is not between 0 and 1, or the values do not settle.

        """
        from leadterms.evaluation.arrays import array_function

        best = float(self.evaluate(at, 8) if optimum is None else optimum)
        shares = [_share(allocation) for allocation in allocations]
        point = self._point(at)
        for share in shares:
            self.objective.at({**point, self.parameter: share}).require_existence()
        used = sorted(symbols_of(self.objective.coefficient), key=str)
        others = () if self.objective.unclosed is None else (self.objective.unclosed,)
        function = array_function(self.objective.coefficient, used, accuracy=1e-10, alternatives=others)
        known = [[best, *map(float, shares)] if symbol == self.parameter else float(point[symbol]) for symbol in used]
        values = [float(value) for value in function(*known)]
        if not all(value > 0 for value in values):
            raise EvaluationError("the objective has no value in double precision at some allocation: use value()")
        return [min(values[0] / value, 1.0) for value in values[1:]]

    def _point(self, at: Values) -> dict[Symbol, Expr]:
        point = self.space.point(at)
        if self.parameter in point:
            raise EvaluationError(f"{self.parameter.name} is what is optimised: give no value for it")
        return point

    def _value(self, point: dict[Symbol, Expr], share: Rational, digits: int) -> Number:
        full = {**point, self.parameter: share}
        term = self.objective.at(full)
        term.require_existence()
        number = evaluate_at([term], full, Wanted(digits))[0]
        assert number is not None
        return number

    def _bracketed(self, point: dict[Symbol, Expr], digits: int) -> Number:
        coarse = [self._value(point, Rational(i, COARSE), 15) for i in range(1, COARSE)]
        start = 1 + min(range(len(coarse)), key=lambda i: coarse[i].value)
        place, step = self._near(point, Rational(start, COARSE), digits)
        whole = Rational(round(place * 10 ** (digits + 2)), 10 ** (digits + 2))
        for _ in range(STEPS):
            sides = [self._value(point, whole + side * step, 2 * digits + 15) for side in (-1, 0, 1)]
            low = sides[1].value + sides[1].error
            if all(low < sides[k].value - sides[k].error for k in (0, 2)):
                certified = all(number.certified for number in sides)
                road = f"bracketed minimum, {'certified' if certified else 'estimated'} values"
                shown = Float(whole, digits + 2)
                return Number(shown, Float(step, 5), digits, certified, road)
            step *= 4
            if not 0 < whole - step < whole + step < 1:
                break
        raise EvaluationError(f"no minimum is found inside 0 < {self.parameter.name} < 1: it is at an end")

    def _near(self, point: dict[Symbol, Expr], place: Rational, digits: int) -> tuple[Rational, Rational]:
        """Return the vertex of parabolas through three values, their step getting shorter, and the last step."""
        step, goal = Rational(1, 2 * COARSE), Rational(1, 10**digits)
        for _ in range(STEPS):
            left, middle, right = (
                exact_number(str(self._value(point, place + side * step, 2 * digits + 15))) for side in (-1, 0, 1)
            )
            bend = left - 2 * middle + right
            move = step * (left - right) / (2 * bend) if bend > 0 else (step if right < left else -step)
            move = max(min(move, 2 * step), -2 * step)
            place = Rational(round((place + move) * 10 ** (digits + 5)), 10 ** (digits + 5))
            place = min(max(place, 2 * step), 1 - 2 * step)
            if step == goal and abs(move) < step:
                break
            # the vertex of a parabola with step h is within a multiple of h^2 of the minimum
            step = max(min(step / 4, 4 * step**2), goal) if abs(move) < step else min(2 * step, Rational(1, COARSE))
        return place, goal

    def __repr__(self) -> str:
        head = f"Allocation {self.parameter.name}: minimises {to_text(self.objective.coefficient)}"
        if self.optimum is None:
            return f"{head}\n  no closed optimum: evaluate(at) brackets it"
        rows = [f"  {self.parameter.name} = {to_text(self.optimum)}", f"  least value  {to_text(self.least)}"]
        return "\n".join([head, *rows, *(f"  condition: {condition}" for condition in self.conditions)])

    def _repr_latex_(self) -> str:
        name = to_latex(self.parameter)
        if self.optimum is None:
            return rf"$\displaystyle \arg\min_{{{name}}} {to_latex(self.objective.coefficient)}$"
        return rf"$\displaystyle {name} = {to_latex(self.optimum)}$"


def optimal_allocation(
    entry: Entry,
    parameter: str = "p",
    *,
    order: str | Expr | None = None,
    n: object = None,
    cost: tuple[object, object] | None = None,
) -> Allocation:
    """Return the probability p in a law, such as ``Bernoulli(p)``, for which a variance is least.

    Parameters
    ----------
    entry
        A variance whose terms hold p.
    parameter
        The name of p.
    order
        Minimise the coefficient of this term; None: of the only term, or the sum of the terms of orders 1/m and 1/(mn),
        times m.
    n
        Observations in a group, for that sum; None leaves n a symbol.
    cost
        Of an observation (of a group, where whole groups are arms) with value 0 and with value 1: names or positive
        numbers. Then variance times mean cost is minimised, the least variance for a budget.

    Returns
    -------
    Allocation
        With formulas where p is outside of all averages and the objective is A/p + B/(1 - p) + C.

    Raises
    ------
    ModelError
        If the terms do not hold p, or have sizes other than m and n, or the cost is no pair of prices.
    ExistenceError, UndecidedError
        If a term does not exist, or is not known to.

    Examples
    --------
    >>> from leadterms import Model, leading_terms
    >>> arms = leading_terms(Model("y ~ x", family="poisson", laws={"x": "Bernoulli(p)"}))
    >>> optimal_allocation(arms["x"])
    Allocation p: minimises 1/(exp(beta0)*(1 - p)) + 1/(p*exp(beta0 + beta1))
      p = 1/(exp(beta1/2) + 1)
      least value  exp(-beta0 - beta1)*(exp(beta1/2) + 1)**2

    """
    objective = _objective(entry, order, n)
    taken = {symbol.name for symbol in entry.space.symbols}
    share = next((symbol for symbol in entry.space.symbols if symbol.name == parameter), None)
    if share is None or share not in objective.coefficient.free_symbols:
        raise ModelError(
            f"the variance of {entry.parameters[0].name} does not depend on {parameter!r}: state the law of the arm as "
            f"Bernoulli({parameter}) and name a variance that its terms hold"
        )
    prices: list[Expr] = [] if cost is None else read_price_pair(cost, taken)
    if prices:
        objective = objective.times(prices[0] * (1 - share) + prices[1] * share)
    extra = {symbol for price in prices for symbol in price.free_symbols}
    extra |= objective.coefficient.free_symbols & {N}
    space = ParameterSpace((*entry.space.symbols, *sorted(extra, key=str)), entry.space.conditions, ())
    closed = closed_minimum(objective.coefficient, share)
    if closed is None:
        return Allocation(share, None, None, objective, (), space)
    optimum, least, conditions = closed
    existence = [objective.condition] if objective.condition else []
    return Allocation(share, optimum, least, objective, (*conditions, *existence), space)


def _share(allocation: object) -> Rational:
    share = exact_number(allocation)
    if not 0 < share < 1:
        raise EvaluationError(f"an allocation lies between 0 and 1, not {allocation}")
    return share


def _objective(entry: Entry, order: str | Expr | None, n: object) -> Term:
    """Return the term to be minimised: one of the entry, or their sum times m."""
    if not isinstance(entry, Entry):
        raise ModelError(f"a variance of an expansion is needed, such as result['x'], not {type(entry).__name__}")
    if len(set(entry.parameters)) != 1:
        raise ModelError("an allocation is optimal for a variance, not for a covariance: name one parameter")
    if order is not None or len(entry.terms) == 1:
        term = entry.of_order(order)
        term.require_existence()
        return term
    for term in entry.terms:
        term.require_existence()
        if (term.order / PER_GROUP).free_symbols - {N}:
            raise ModelError(
                f"the variance of {entry.parameters[0].name} has a term of the order {term.order_text}: name "
                "one of its orders as order="
            )
    size = N if n is None else exact_number(n)
    if size.is_positive is not True:
        raise ModelError(f"n is a positive number, not {n}")
    return summed([term.times((term.order / PER_GROUP).xreplace({N: size})) for term in entry.terms], Integer(1))
