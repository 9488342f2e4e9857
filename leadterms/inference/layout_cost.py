r"""Sizes of a layout with several grouping factors under a cost: a geometric programme, in numbers.

The leading terms of a variance are sums of positive coefficients over monomials in the sizes, a cost is a sum of
positive prices times monomials. In the logarithms of the sizes both are convex (Boyd and Vandenberghe 2004, section
4.5): a local optimum is the optimum. It bounds what whole sizes reach; whole sizes near it are improved one after the
other, and the gap to the bound is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from sympy import Expr, Poly, Symbol, together

from leadterms.asymptotics.orders import order_text
from leadterms.asymptotics.point import Values
from leadterms.asymptotics.result import Entry
from leadterms.asymptotics.term import evaluate_at
from leadterms.errors import EvaluationError, LeadtermsError, ModelError
from leadterms.evaluation.wanted import Wanted
from leadterms.inference.scipy_need import require_scipy
from leadterms.reading.expressions import read_call, resolve
from leadterms.reading.numbers import exact_number

LARGEST = 1e9
"""No size grows beyond this."""


@dataclass(frozen=True)
class Monomials:
    """A sum of positive coefficients times monomials in the sizes.

    Parameters
    ----------
    coefficients
        k of them.
    exponents
        k x p.

    """

    coefficients: np.ndarray[Any, np.dtype[np.float64]]
    exponents: np.ndarray[Any, np.dtype[np.float64]]

    def __call__(self, sizes: Sequence[float]) -> float:
        """Return the value at sizes."""
        return float(self.coefficients @ np.exp(self.exponents @ np.log(np.asarray(sizes, dtype=np.float64))))

    def logarithm(self, logs: Any) -> tuple[float, Any]:
        """Return the logarithm at logarithms of sizes, and its gradient."""
        parts = np.log(self.coefficients) + self.exponents @ logs
        largest = parts.max()
        weights = np.exp(parts - largest)
        return float(largest + np.log(weights.sum())), self.exponents.T @ (weights / weights.sum())


@dataclass(frozen=True)
class LayoutSizes:
    """Sizes of a layout for a budget.

    Parameters
    ----------
    names
        Of the sizes.
    relaxed
        The optimal real numbers.
    bound
        The variance there: no sizes within the budget have less.
    whole
        The best whole numbers that were found.
    variance, cost
        At the whole numbers.

    """

    names: tuple[str, ...]
    relaxed: tuple[float, ...]
    bound: float
    whole: tuple[int, ...]
    variance: float
    cost: float

    @property
    def gap(self) -> float:
        """By how much the variance at the whole numbers exceeds the bound, over the bound."""
        # rounding may put the bound above
        return max(self.variance / self.bound - 1, 0.0)

    def __str__(self) -> str:
        rows = [
            f"  {n:<10} {real:>12.6g} {whole:>8}"
            for n, real, whole in zip(self.names, self.relaxed, self.whole, strict=True)
        ]
        return "\n".join(
            [
                f"  {'size':<10} {'real':>12} {'whole':>8}",
                *rows,
                f"variance {self.variance:.6g} at the cost {self.cost:g}, at most {100 * self.gap:.2f} % above "
                "the least",
            ]
        )


def optimal_layout_sizes(entry: Entry, cost: str, *, budget: object, at: Values) -> LayoutSizes:
    """Return the sizes of a layout that make a variance least within a budget.

    Parameters
    ----------
    entry
        A variance in a layout, such as ``leading_terms(model)["1"]``: its terms are monomials in the sizes.
    cost
        A sum of positive prices times monomials in the sizes: ``"20*m + 5*m_prime + m*m_prime*n"``.
    budget
        An exact positive number.
    at
        Values of the parameters.

    Returns
    -------
    LayoutSizes
        Real optimum, whole sizes and the gap between them, in double precision; what leading terms neglect, too.

    Raises
    ------
    ModelError
        If the cost is no such sum, or sizes of the variance are not in it: then they may be as large as is allowed.
    EvaluationError
        If the budget does not pay sizes of one, or a parameter has no value.

    Examples
    --------
    >>> from leadterms import Model, leading_terms
    >>> crossed = leading_terms(Model("y ~ 1 + (1 | a) + (1 | b)"))
    >>> point = "beta0=0, sigma2_a=1, sigma2_b=1, phi=1"
    >>> print(optimal_layout_sizes(crossed["1"], "4*m + m_prime", budget=120, at=point))
      size               real    whole
      m                    20       20
      m_prime              40       40
    variance 0.075 at the cost 120, at most 0.00 % above the least

    """
    require_scipy("sizes")
    price, names = _cost(cost, entry)
    symbols = [Symbol(name) for name in names]
    point = entry.space.point(at)
    for term in entry.terms:
        term.require_existence()
    numbers = evaluate_at(entry.terms, point, Wanted(17))
    if any(number is None or not number.value > 0 for number in numbers):
        raise EvaluationError(
            "a coefficient of the variance is not positive at the point: there is no trade-off; choose another point"
        )
    rows = []
    for term in entry.terms:
        powers = {symbol.name: float(power) for symbol, power in term.order.as_powers_dict().items()}
        missing = sorted(set(powers) - set(names))
        if missing:
            raise ModelError(
                f"the term of order {order_text(term.order)} falls with {', '.join(missing)}, which costs nothing: put "
                "every size into the cost"
            )
        rows.append([powers.get(symbol.name, 0.0) for symbol in symbols])
    variance = Monomials(np.array([float(number) for number in numbers if number is not None]), np.array(rows))
    limit = float(exact_number(budget))
    if not price([1.0] * len(names)) <= limit:
        raise EvaluationError(f"the budget {budget} does not pay sizes of one: they cost {price([1.0] * len(names)):g}")
    relaxed = _relaxed(variance, price, limit)
    whole = _whole(variance, price, limit, relaxed)
    return LayoutSizes(names, tuple(map(float, relaxed)), variance(relaxed), whole, variance(whole), price(whole))


def _cost(text: str, entry: Entry) -> tuple[Monomials, tuple[str, ...]]:
    sizes = {symbol.name: symbol for symbol in entry.space.sizes}
    try:
        [argument] = read_call(f"cost({text})", what="cost").arguments
        expression: Expr = resolve(argument, sizes)
    except LeadtermsError as error:
        raise ModelError(f"the cost {text!r} cannot be read: {str(error).splitlines()[0]}") from None
    except ValueError:
        raise ModelError(f"the cost {text!r} is not one expression") from None
    used = [symbol for symbol in entry.space.sizes if symbol in together(expression).free_symbols]
    if not used or not expression.is_polynomial(*used):
        raise ModelError(
            f"the cost {text!r} is not a sum of prices times products of sizes, such as 20*m + m*n: there are "
            f"{', '.join(sizes)}"
        )
    terms = Poly(expression, *used).terms()
    if not all(number.is_Rational and number > 0 for _, number in terms):
        raise ModelError(f"every price in the cost {text!r} is a positive number")
    coefficients = np.array([float(number) for _, number in terms])
    exponents = np.array([monomial for monomial, _ in terms], dtype=np.float64)
    return Monomials(coefficients, exponents), tuple(symbol.name for symbol in used)


def _relaxed(variance: Monomials, price: Monomials, limit: float) -> Any:
    """Solve the convex programme in the logarithms of the sizes, each at least 0."""
    from scipy.optimize import minimize

    constraint = {
        "type": "ineq",
        "fun": lambda logs: np.log(limit) - price.logarithm(logs)[0],
        "jac": lambda logs: -price.logarithm(logs)[1],
    }
    found = minimize(
        variance.logarithm,
        np.zeros(variance.exponents.shape[1]),
        jac=True,
        bounds=[(0, np.log(LARGEST))] * variance.exponents.shape[1],
        constraints=[constraint],
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    if not _is_stationary(variance, price, found.x):
        raise EvaluationError(f"the sizes were not found: {found.message}")
    return np.exp(found.x)


def _is_stationary(variance: Monomials, price: Monomials, logs: Any) -> bool:
    """Check the conditions of Karush, Kuhn and Tucker: gradients opposite, or pointing out at sizes of one."""
    slope, cost_slope = variance.logarithm(logs)[1], price.logarithm(logs)[1]
    inside = logs > 1e-6
    multiplier = -(slope[inside] @ cost_slope[inside]) / (cost_slope[inside] @ cost_slope[inside])
    balance = slope + multiplier * cost_slope
    return bool(multiplier >= 0 and np.all(np.abs(balance[inside]) < 1e-4) and np.all(balance > -1e-4))


def _whole(variance: Monomials, price: Monomials, limit: float, relaxed: Any) -> tuple[int, ...]:
    """Return whole sizes: those below the real ones, improved by steps of single sizes and of pairs."""
    best = tuple(max(int(size + 1e-9), 1) for size in relaxed)
    allowed = limit * (1 + 1e-12)
    steps = [step for step in product((-2, -1, 0, 1, 2), repeat=len(best)) if any(step)]
    while True:
        others = [tuple(max(size + by, 1) for size, by in zip(best, step, strict=True)) for step in steps]
        better = min((other for other in others if price(other) <= allowed), key=variance, default=best)
        if not variance(better) < variance(best) * (1 - 1e-14):
            return best
        best = better
