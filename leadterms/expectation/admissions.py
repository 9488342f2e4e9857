"""What expectations over predictors need to exist: conditions on the parameters met so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Gt, Lt, Ne, Symbol, Tuple, false, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.groups import variables_in
from leadterms.expectation.held import variables_of
from leadterms.expectation.positivity import pieces
from leadterms.expectation.support import is_bounded
from leadterms.notation.conditions import shown


class Admissions:
    """Conditions for the existence of expectations over predictors, given the random effects.

    Parameters
    ----------
    bindings
        Pairs (predictor, law), or (tuple of predictors, joint law); independent of each other.
    effects
        The random effects: given, but normal, so that they range over the whole line.

    Attributes
    ----------
    conditions
        The conditions met so far.
    predictors
        All predictors, and what stands for functions of them.
    may_be_almost_sure
        Whether an expectation may be infinite for random effects of probability zero.
    is_almost_sure
        Whether one met so far is.

    """

    def __init__(self, bindings: Sequence[Tuple], effects: Sequence[Symbol]) -> None:
        self.bindings, self.effects = tuple(bindings), frozenset(effects)
        self.predictors = set(variables_in(self.bindings))
        self.conditions: dict[Boolean, None] = {}
        self.may_be_almost_sure = self.is_almost_sure = False

    def admit(self, conditions: Sequence[Boolean]) -> None:
        """Note conditions; those that fail, or that no parameter decides, are errors.

        Raises
        ------
        ExistenceError
            If one is false, or fails with positive probability.
        UndecidedError
            If one is left that a predictor, or an average over the effects, decides.

        """
        for condition in self._on_the_support(conditions):
            if condition.free_symbols & self.predictors:
                raise UndecidedError(f"whether {shown(condition)} holds on the whole support could not be decided")
            if condition.free_symbols & self.effects and condition.has(Ne) and self.may_be_almost_sure:
                # a normal slope is zero with probability zero
                self.is_almost_sure = True
                continue
            if condition.free_symbols & self.effects and condition.has(Ne):
                raise UndecidedError(
                    f"the expectation needs {shown(condition)} for every value of the normal random effects: whether "
                    "its average over them exists could not be decided"
                )
            if condition.free_symbols & self.effects:
                raise ExistenceError(
                    f"the expectation is finite only where {shown(condition)}, which fails with positive probability "
                    "because the random effects are normal"
                )
            if condition == false:
                raise ExistenceError("an exponential of the predictors has an infinite expectation on their support")
            if condition != true:
                self.conditions[condition] = None

    def _on_the_support(self, conditions: Sequence[Boolean]) -> Iterator[Boolean]:
        """Yield conditions, those on bounded predictors as conditions for all values of these."""
        for condition in conditions:
            over = [b for b in self.bindings if condition.free_symbols & set(variables_of(b))]
            if over and isinstance(condition, Lt | Gt) and all(is_bounded(law) for _, law in over):
                difference = condition.gts - condition.lts
                yield from (part.condition for part in pieces(difference.expand(), over))
            else:
                yield condition
