"""The variance K Cov K' of estimated contrasts, with one and with two terms, and its value in balls at a point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import product

from flint import arb, arb_mat
from sympy import Expr, Integer, Rational, Symbol

from leadterms.algebra.canonical import is_zero
from leadterms.asymptotics.point import Values, require_values, require_written_out
from leadterms.asymptotics.result import Entry, Expansion
from leadterms.asymptotics.term import Term, evaluate_at, summed
from leadterms.errors import EvaluationError, ModelError
from leadterms.evaluation.number import Number, evaluate
from leadterms.evaluation.precision import ball_precision
from leadterms.evaluation.wanted import Wanted
from leadterms.inference.asked_terms import ONE_TERM, require_terms
from leadterms.inference.hypothesis import Hypothesis
from leadterms.inference.quantiles import BITS, fraction
from leadterms.reading.numbers import exact_number

DIGITS = 17
"""Significant digits of each term's value: one in 10^13 sizes is then too near to a whole number to be rounded up."""


@dataclass(frozen=True)
class ContrastVariance:
    """The asymptotic variance matrix of K theta^, a sum of terms by order.

    Parameters
    ----------
    hypothesis
        K and b.
    result
        The expansion that the covariance of theta^ is from.
    terms
        1: the leading terms of all variances, and of covariances that are of the order of their variances; 2: all.
    entries
        r x r, the terms of each entry of K Cov K', the leading order first.

    """

    hypothesis: Hypothesis
    result: Expansion
    terms: int
    entries: tuple[tuple[Entry, ...], ...]

    @property
    def orders(self) -> tuple[Expr, ...]:
        """The orders that occur, the leading one first."""
        return tuple(dict.fromkeys(term.order for row in self.entries for entry in row for term in entry.terms))

    @property
    def variance(self) -> Expr:
        """The variance of a single contrast, as an expression in parameters and sizes."""
        return self.entries[0][0].variance

    @property
    def status(self) -> str:
        """The weakest status of a term: theorem, derived or conjecture."""
        ranks = ("theorem", "derived", "conjecture")
        return max((t.status for row in self.entries for e in row for t in e.terms), key=ranks.index)


def contrast_variance(result: Expansion, hypothesis: Hypothesis, terms: int) -> ContrastVariance:
    """Return K Cov K' with one term or with all terms of an expansion.

    With one term Cov holds the leading terms of the limit theorem: a covariance is left out where it is of smaller
    order than the square root of the product of its variances. What is neglected is of the order of the second terms.

    Raises
    ------
    ModelError
        If leading terms cancel in a contrast, so that what is left of its variance is not known.

    """
    rows = range(hypothesis.rows)
    entries = tuple(tuple(_entry(result, hypothesis, terms, i, j) for j in rows) for i in rows)
    return ContrastVariance(hypothesis, result, terms, entries)


def _entry(result: Expansion, hypothesis: Hypothesis, terms: int, first: int, second: int) -> Entry:
    """Return one entry of K Cov K'."""
    K, parameters = hypothesis.K, hypothesis.parameters
    by_order: dict[Expr, list[Term]] = {}
    left, right = ([(c, s) for c, s in zip(K.row(i), parameters, strict=True) if c != 0] for i in (first, second))
    for (a, one), (b, other) in product(left, right):
        for term in kept_terms(result, one, other, terms):
            by_order.setdefault(term.order, []).append(term if a * b == 1 else term.times(a * b))
    found = {order: own[0] if len(own) == 1 else summed(own, order) for order, own in by_order.items()}
    lost = [order for order, term in found.items() if term.exists is True and is_zero(term.coefficient)]
    if first == second and lost:
        raise ModelError(
            f"the leading terms of order {', '.join(map(str, lost))} cancel in {hypothesis.row_text(first)}, and what "
            "is left of its variance is not known: test another contrast"
        )
    # 1/m before 1/(m*n)
    kept = sorted((o for o in found if o not in lost), key=lambda order: len(order.free_symbols))
    single = hypothesis.single
    labels = [hypothesis.row_text(i).rpartition(" = ")[0] for i in (first, second)]
    symbols = tuple(single if single is not None else Symbol(label) for label in labels)
    names = (labels[0], labels[1])
    return Entry(names, (symbols[0], symbols[1]), tuple(found[order] for order in kept), result.space)


def kept_terms(result: Expansion, first: Symbol, second: Symbol, terms: int) -> tuple[Term, ...]:
    """Return the terms of a variance or a covariance that are used.

    Parameters
    ----------
    result
        The expansion.
    first, second
        Parameters of its model.
    terms
        1: the leading term of a variance, and of a covariance that is of the order of both variances; 2: all.

    Examples
    --------
    >>> from leadterms import Model, expansion
    >>> result = expansion(Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Bernoulli(1/2)"}), terms=2)
    >>> beta0, beta1, _ = result.model.parameters
    >>> [len(kept_terms(result, *pair, 1)) for pair in ((beta0, beta0), (beta1, beta1), (beta0, beta1))]
    [1, 1, 0]

    """
    found = result[first, second].terms
    if terms == 2 or result.terms == 1:
        return found
    leading = {result[symbol, symbol].terms[0].order for symbol in (first, second)}
    return tuple(term for term in found if leading == {term.order})


def as_ball(number: Number) -> arb:
    """Return a number with its error; bits in force are those of the caller."""
    return arb(fraction(exact_number(str(number))), arb(str(number.error)))


def exact_ball(expression: Expr) -> arb:
    """Return an exact real number as a ball."""
    if isinstance(expression, Rational):
        return arb(fraction(expression))
    return as_ball(evaluate(expression, {}, 2 * DIGITS, may_vanish=True))


@dataclass(frozen=True)
class VarianceAt:
    """The variance of contrasts at a point, as a function of the sizes.

    Parameters
    ----------
    variance
        Its terms.
    values
        The point.

    """

    variance: ContrastVariance
    values: Values
    _known: dict[tuple[tuple[Symbol, Expr], ...], list[list[list[Number]]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def numbers(self, sizes: Mapping[Symbol, Expr]) -> list[list[list[Number]]]:
        """Return the coefficient of each term of each entry; sizes matter where they stay fixed in the regime.

        Raises
        ------
        EvaluationError
            If a parameter has no value or a bad one.
        ExistenceError, UndecidedError
            If a term does not exist at the point, or is not known to.

        """
        space = self.variance.result.space
        fixed = {symbol: sizes[symbol] for symbol in space.symbols if symbol in sizes}
        key = tuple(fixed.items())
        if key not in self._known:
            point = space.point(self.values, fixed)
            rows = self.variance.entries
            # symmetric: the upper triangle is evaluated
            upper = {
                (i, j): _values(rows[i][j].terms, point, self.variance.terms)
                for i in range(len(rows))
                for j in range(i, len(rows))
            }
            self._known[key] = [[upper[min(i, j), max(i, j)] for j in range(len(rows))] for i in range(len(rows))]
        return self._known[key]

    @property
    def certified(self) -> bool:
        """Whether every value that was used is certified."""
        return all(n.certified for known in self._known.values() for row in known for own in row for n in own)

    def matrix(self, sizes: Mapping[Symbol, Expr], without: Symbol | None = None) -> list[list[arb]]:
        """Return the variance matrix in balls.

        Parameters
        ----------
        sizes
            A number for each size.
        without
            Leave out the terms whose order has this size: its limit as the size grows.

        Raises
        ------
        EvaluationError
            If a size has no value.

        """
        numbers = self.numbers(sizes)
        entries = self.variance.entries
        with ball_precision(BITS):
            return [
                [
                    sum(
                        (
                            as_ball(number) * exact_ball(at_sizes(term.order, sizes))
                            for term, number in zip(entry.terms, numbers[i][j], strict=True)
                            if without is None or without not in term.order.free_symbols
                        ),
                        arb(0),
                    )
                    for j, entry in enumerate(row)
                ]
                for i, row in enumerate(entries)
            ]

    def information(
        self, effect: tuple[Expr, ...], sizes: Mapping[Symbol, Expr], without: Symbol | None = None
    ) -> arb | None:
        """Return d' V^{-1} d, the square of the standardised effect; None where V is singular (see ``without``)."""
        V = self.matrix(sizes, without)
        with ball_precision(BITS):
            d = [exact_ball(own) for own in effect]
            if len(d) == 1:
                return None if V[0][0].contains(0) else d[0] ** 2 / V[0][0]
            try:
                solved = arb_mat(V).solve(arb_mat([[own] for own in d]))
            except ZeroDivisionError:
                return None
            return reduce(lambda total, k: total + d[k] * solved[k, 0], range(len(d)), arb(0))


def _values(terms: tuple[Term, ...], point: Mapping[Symbol, Expr], count: int) -> list[Number]:
    """Return the coefficients of terms at a point, or refuse with what to do."""
    own = [term.at(point) for term in terms]
    require_terms(own, ONE_TERM if count == 2 else "")
    require_values((term.coefficient for term in own), point)
    numbers = [number for number in evaluate_at(own, point, Wanted(DIGITS)) if number is not None]
    assert len(numbers) == len(own)
    for number in numbers:
        require_written_out(number, point)
    return numbers


def at_sizes(order: Expr, sizes: Mapping[Symbol, Expr]) -> Expr:
    """Return an order at sizes.

    Raises
    ------
    EvaluationError
        Naming the sizes that have no value.

    """
    missing = sorted(symbol.name for symbol in order.free_symbols - sizes.keys())
    if missing:
        raise EvaluationError(f"no value is given for the size {', '.join(missing)}: give it in sizes (--sizes)")
    return order.xreplace(dict(sizes)) if order.free_symbols else Integer(order)
