"""A question about a study, read and checked, and its answers from one term and from two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb
from sympy import Expr, Rational, Symbol

from leadterms.asymptotics.orders import PER_GROUP, order_text
from leadterms.asymptotics.result import Expansion
from leadterms.errors import EvaluationError
from leadterms.evaluation.number import Number
from leadterms.inference.arms import groups_by_arm
from leadterms.inference.contrast_variance import ContrastVariance, VarianceAt, contrast_variance
from leadterms.inference.detectable import detectable_effect, is_downwards
from leadterms.inference.hypothesis import Hypothesis
from leadterms.inference.least_size import least_size
from leadterms.inference.planned import SampleSize, parts_of
from leadterms.inference.planned_sizes import PlannedSizes, size_step, unequal
from leadterms.inference.power import WaldLevel, ball_number
from leadterms.inference.size_formula import EFFECT, POWER
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N

DIGITS = 10
"""Significant digits of powers and unrounded sizes."""
WARNED_POWER = Rational(1, 50)
"""Powers that differ by more are warned of."""
WARNED_SHARE = Rational(1, 10)
"""One and two terms whose answers differ by more than this share of the larger one are warned of."""


def is_per_group(result: Expansion, tested: Hypothesis) -> bool:
    """Tell whether a parameter of the hypothesis has a leading term of order 1/m."""
    return any(result[symbol, symbol].terms[0].order == PER_GROUP for symbol in tested.involved)


@dataclass(frozen=True)
class Answer:
    """The answer of one or two terms.

    Parameters
    ----------
    variance
        The variance at the point.
    value
        A size, or a number.
    power
        What is reached.
    sizes
        All sizes.
    unrounded
        The size before rounding.

    """

    variance: VarianceAt
    value: int | Number
    power: Number
    sizes: Mapping[Symbol, Expr]
    unrounded: arb | None = None


@dataclass(frozen=True)
class Question:
    """What is asked, read and checked.

    Parameters
    ----------
    result
        The expansion.
    tested
        The hypothesis.
    at
        The alternative, by parameter.
    level
        Of the test.
    wanted
        The power that is asked for, if ``what`` is not the power.
    what
        A size, "power" or "effect".
    sizes
        Those that are given.
    fixed
        Whether the variance is held at ``at`` where the effect is sought.

    """

    result: Expansion
    tested: Hypothesis
    at: Mapping[Any, Any]
    level: WaldLevel
    wanted: Rational
    what: str
    sizes: PlannedSizes
    fixed: bool

    def answer(self, count: int) -> SampleSize:
        """Return the record with the answers of all numbers of terms up to ``count``."""
        self._check_sizes()
        found = {terms: self._solved(terms) for terms in range(1, count + 1)}
        main = found[count]
        if main is None:
            raise EvaluationError(
                f"the variance of {self.tested.label} with {count} term{'s' * (count > 1)} does not depend on "
                f"{self.what}: solve for another size, or use two terms where there are two"
            )
        one, two = found[1], found.get(2)
        known = main.variance.variance
        arms: dict[str, dict[str, int]] = {}
        if self.what == M.name and main.unrounded is not None and not self.sizes.pattern:
            arms = groups_by_arm(self.result.model, self.result.space.point(self.at), main.unrounded)
        certified = main.variance.certified
        return SampleSize(
            self.tested,
            self.what,
            main.value,
            None if one is None else one.value,
            None if two is None else two.value,
            count,
            main.power,
            None if self.what == POWER else self.wanted,
            self.level.alpha,
            self.level.sides,
            () if self.what == EFFECT else self.effect,
            {str(name): str(own) for name, own in self.at.items()},
            self._shown_sizes(main),
            parts_of(known, main.variance.numbers(main.sizes)),
            arms,
            None if main.unrounded is None else ball_number(main.unrounded, DIGITS, certified),
            difference_warning(self.what, one, two),
            self._notes(count, main),
            certified,
            known,
        )

    @cached_property
    def solved(self) -> Symbol | None:
        """The size that is solved for."""
        return next((symbol for symbol in self.sizes.known if symbol.name == self.what), None)

    @cached_property
    def effect(self) -> tuple[Expr, ...]:
        """The effect at the alternative.

        Raises
        ------
        EvaluationError
            If it is zero.

        """
        found = self.tested.effect(self.result.space.point(self.at))
        if all(own == 0 or own.equals(0) for own in found):
            raise EvaluationError(
                f"the effect is zero: the hypothesis {self.tested} holds at the point, and no size shows an effect of "
                "zero: give another value in at (--at)"
            )
        return found

    def _check_sizes(self) -> None:
        solved, given = self.solved, dict(self.sizes.given)
        if solved is None:
            return
        if solved in given or (solved == N and self.sizes.mean is not None):
            raise EvaluationError(f"{solved} is solved for and given: leave it out, or solve for power or effect")
        if solved == N and unequal(self.result):
            raise EvaluationError("n is solved for in groups of equal sizes: leave out group_sizes='unequal'")

    def _shown_sizes(self, main: Answer) -> dict[str, str]:
        found = self.sizes.shown()
        return found if self.solved is None else {self.what: str(main.value)} | found

    def _solved(self, terms: int) -> Answer | None:
        known = contrast_variance(self.result, self.tested, terms)
        if self.what == EFFECT:
            return self._detectable(known)
        variance, effect, solved = VarianceAt(known, self.at), self.effect, self.solved
        if solved is None:
            sizes = self.sizes.at()
            power = self._power(variance, sizes)
            return Answer(variance, power, power, sizes)
        step = size_step(self.result.model, self.sizes, solved, self.result.space.point(self.at))
        least = least_size(variance, effect, self.sizes, solved, self.level.needed(self.wanted), step)
        if least is None:
            return None
        sizes = self.sizes.at(solved, least.value)
        return Answer(variance, least.value, self._power(variance, sizes), sizes, least.unrounded)

    def _detectable(self, known: ContrastVariance) -> Answer:
        sizes = self.sizes.at()
        found = detectable_effect(known, self.at, sizes, self.level.needed(self.wanted), self.fixed)
        power = ball_number(self.level.power(found.information), DIGITS, found.variance.certified)
        return Answer(found.variance, found.effect, power, sizes)

    def _power(self, variance: VarianceAt, sizes: Mapping[Symbol, Expr]) -> Number:
        information = variance.information(self.effect, sizes)
        if information is None:
            raise EvaluationError(f"the variance of {self.tested} is singular at the point")
        return ball_number(self.level.power(information), DIGITS, variance.certified)

    def _notes(self, count: int, main: Answer) -> tuple[str, ...]:
        notes = [self._order_note(main)] if count == 1 else []
        sizes = main.sizes
        per_group = sizes.get(TOTAL, 0) / sizes[M] if M in sizes and TOTAL in sizes else 0
        if M in sizes and per_group >= sizes[M]:
            notes.append(f"m = {sizes[M]} is not large beside n = {per_group}, which the regime takes it to be")
        if self.what == EFFECT and is_downwards(self.tested, {str(name): own for name, own in self.at.items()}):
            notes.append("the effect is |d|, towards smaller values of the parameter, as in at")
        if not main.variance.certified:
            notes.append("a term of the variance is estimated, without a proven bound")
        return tuple(filter(None, notes))

    def _order_note(self, main: Answer) -> str:
        """Say what one term leaves out."""
        result = self.result
        if result.model.is_mixed and HARMONIC not in result.space.sizes:
            slopes = any(result.model.design[i] != 1 for own in result.model.random_structure for i in own.indices)
            if "fixed" in result.regime or slopes:
                return "" if "fixed" in result.regime else "leading terms alone: smaller ones are left out"
            *others, last = (size.name for size in result.model.layout.sizes)
            regime = f"{', '.join(others)} -> oo, {last} fixed"
            return f"leading terms alone: those with {last} count too where it stays fixed, with regime={regime!r}"
        if not is_per_group(result, self.tested):
            orders = " + ".join(map(order_text, main.variance.variance.orders))
            return f"the leading term is of order {orders}: one term is all that is known"
        return "one term of order 1/m does not see how many observations a group has: two terms do"


def difference_warning(what: str, one: Answer | None, two: Answer | None) -> str | None:
    """Say how much one and two terms differ, where that is more than a tenth of the larger answer."""
    if one is None or two is None:
        return None
    first, second = float(one.value), float(two.value)
    if abs(first - second) <= (WARNED_POWER if what == POWER else WARNED_SHARE * max(first, second)):
        return None
    times = "" if what == POWER else f" ({second / first:.3g} times as much)"
    return f"one term alone gives {what} = {one.value}, two terms {two.value}{times}: use two"
