"""One term of an asymptotic covariance, and the values of terms at a point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial, reduce
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Symbol, nan

from leadterms.asymptotics.orders import order_text
from leadterms.asymptotics.point import ParameterSpace, Values, require_values, symbols_of
from leadterms.errors import ExistenceError, UndecidedError
from leadterms.evaluation.wanted import USUAL, Wanted
from leadterms.expectation.held import Expectation
from leadterms.expectation.inverse_verdict import EXISTS, Existence
from leadterms.notation.conditions import shown
from leadterms.notation.latex import to_latex

if TYPE_CHECKING:
    from leadterms.evaluation.number import Number


@dataclass(frozen=True)
class Term:
    """One term of an asymptotic covariance: coefficient times order.

    Parameters
    ----------
    coefficient
        Complete, the dispersion included; free of the sizes.
    order
        A monomial in the sizes: 1/n, 1/m or 1/(m*n); 1/N or 1/(m*n_h) for groups of unequal sizes; in layouts with
        several grouping factors 1/m_prime, 1/(m*m_prime*n), 1/m_a and so on.
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
    joint
        Makes the same coefficient in moments over all predictors together, where an exponential weight gives the
        coefficient as products of moments: what the general certified road knows bounds of.

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
    joint: Callable[[], Expr] | None = field(default=None, repr=False, compare=False)

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

    @property
    def condition_is_exact(self) -> bool:
        """Whether the term is known not to exist as soon as ``condition`` fails strictly; else it only suffices."""
        return self.existence.exact

    def times(self, factor: Expr) -> Term:
        """Return the term with all its forms multiplied."""
        close_at, joint = self.close_at, self.joint
        return replace(
            self,
            coefficient=factor * self.coefficient,
            unclosed=None if self.unclosed is None else factor * self.unclosed,
            close_at=None if close_at is None else partial(_scaled, factor, close_at),
            joint=None if joint is None else partial(_scaled_joint, factor, joint),
        )

    def at(self, point: Mapping[Symbol, Expr]) -> Term:
        """Return what is known of the term at a point of the parameter space."""
        if self.existence is EXISTS:
            return self
        existence = self.existence.at(point)
        return replace(self, existence=existence, coefficient=self.coefficient if existence.verdict is True else nan)

    @property
    def is_closed_form(self) -> bool:
        """Whether no held expectation is left."""
        return self.existence.verdict is True and not self.coefficient.has(Expectation)

    @property
    def order_text(self) -> str:
        """The order as it is spelled in records: 1/n, 1/m, 1/(m*n), 1/N, 1/(m*n_h), 1/(m*m_prime*n)."""
        return order_text(self.order)

    @property
    def variance(self) -> Expr:
        """Coefficient times order."""
        return self.coefficient * self.order

    @property
    def missing(self) -> str | None:
        """Why there is no coefficient, in words; None where there is one."""
        if self.exists is True:
            return None
        return f"{'does not exist' if self.exists is False else 'undecided whether it exists'}: {self.condition}"

    def latex(self) -> str:
        """Return coefficient times order, or in words that there is none."""
        if self.exists is True:
            return to_latex(self.variance)
        what = "a term that does not exist" if self.exists is False else "a term whose existence is undecided"
        return rf"\text{{{what}, of order }} {to_latex(self.order)}"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def require_existence(self) -> None:
        """Refuse a term that does not exist.

        Raises
        ------
        ExistenceError
            If it does not.
        UndecidedError
            If that is not known.

        """
        if self.exists is False:
            raise ExistenceError(f"the term of order {self.order_text} does not exist: {self.condition}")
        if self.exists is not True:
            raise UndecidedError(f"whether the term of order {self.order_text} exists is undecided: {self.condition}")


Terms = Mapping[tuple[Symbol, Symbol], tuple[Term, ...]]
"""The terms of each pair of parameters, named in one of the two orders."""


def between(first: Symbol, second: Symbol, terms: Terms) -> tuple[Term, ...]:
    """Return the terms of two parameters, in whichever order they are named; none where they have none."""
    return terms.get((first, second)) or terms.get((second, first)) or ()


def added_latex(terms: Sequence[Term]) -> str:
    """Return a sum of terms in their order, the leading one first; 0 for none."""
    parts = [term.latex() for term in terms]
    signed = [f" - {part[1:].lstrip()}" if part.startswith("-") else f" + {part}" for part in parts[1:]]
    return "".join([*parts[:1], *signed]) or "0"


def _scaled_joint(factor: Expr, joint: Callable[[], Expr]) -> Expr:
    return factor * joint()


def _scaled(factor: Expr, close_at: Callable[[Mapping[Symbol, Expr]], Expr], point: Mapping[Symbol, Expr]) -> Expr:
    return factor.xreplace(dict(point)) * close_at(point)


def evaluate_terms(
    terms: Sequence[Term], space: ParameterSpace, values: Values, wanted: Wanted = USUAL
) -> list[Number | None]:
    """Return the coefficients of terms at one point; None for a term that does not exist there."""
    return evaluate_at(terms, space.point(values), wanted)


def evaluate_at(terms: Sequence[Term], point: Mapping[Symbol, Expr], wanted: Wanted) -> list[Number | None]:
    """Return the same at a point that was read and checked."""
    from leadterms.evaluation.number import evaluate

    require_values((term.coefficient for term in terms), point)

    def number(term: Term) -> Number | None:
        if term.at(point).exists is not True:
            return None
        coefficient = term.coefficient
        if term.close_at is not None and any(divisor.xreplace(point) == 0 for divisor in term.nonzero):
            coefficient = term.close_at(point)
            require_values((coefficient,), point)
        usable = term.unclosed is not None and symbols_of(term.unclosed) <= point.keys()
        return evaluate(
            coefficient,
            point,
            alternatives=(term.unclosed,) if term.unclosed is not None and usable else (),
            may_vanish=term.may_vanish,
            last_resort=term.joint,
            **asdict(wanted),
        )

    return [number(term) for term in terms]


def summed(terms: Sequence[Term], order: Expr) -> Term:
    """Return one term of the given order whose coefficient is the sum of the coefficients."""
    return Term(
        sum((term.coefficient for term in terms), Integer(0)),
        order,
        terms[0].status,
        rules=tuple(dict.fromkeys(rule for term in terms for rule in term.rules)),
        unclosed=sum((term.coefficient if term.unclosed is None else term.unclosed for term in terms), Integer(0)),
        nonzero=tuple(dict.fromkeys(divisor for term in terms for divisor in term.nonzero)),
        close_at=partial(_sum_closed_at, tuple(terms)),
        may_vanish=all(term.may_vanish for term in terms),
        existence=reduce(lambda first, second: first & second, (term.existence for term in terms)),
        joint=partial(_sum_joint, tuple(terms)) if any(term.joint for term in terms) else None,
    )


def _sum_joint(terms: Sequence[Term]) -> Expr:
    return sum((term.coefficient if term.joint is None else term.joint() for term in terms), Integer(0))


def _sum_closed_at(terms: Sequence[Term], point: Mapping[Symbol, Expr]) -> Expr:
    return sum((_closed_at(term, point) for term in terms), Integer(0))


def _closed_at(term: Term, point: Mapping[Symbol, Expr]) -> Expr:
    if term.close_at is not None and any(divisor.xreplace(dict(point)) == 0 for divisor in term.nonzero):
        return term.close_at(point)
    return term.coefficient.xreplace(dict(point))
