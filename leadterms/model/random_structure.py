"""The random effects of a model by grouping: which terms carry one, and their covariance matrix."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import ImmutableMatrix, Matrix, Symbol

from leadterms.errors import ModelError
from leadterms.model.formula import Formula
from leadterms.notation.symbols import effect_covariance, variance_component

Grouping = tuple[str, ...]


@dataclass(frozen=True)
class GroupingEffects:
    """The random effects of one grouping.

    Parameters
    ----------
    grouping
        Its factors: ``("a",)``, or ``("a", "b")`` for the cells a:b.
    blocks
        The indices of the terms of each block of correlated effects.
    covariance
        The covariance matrix of the effects in its symbols, in the order of the blocks.

    """

    grouping: Grouping
    blocks: tuple[tuple[int, ...], ...]
    covariance: ImmutableMatrix

    @property
    def indices(self) -> tuple[int, ...]:
        """Indices of the terms that carry an effect, in the order of the effects."""
        return tuple(index for block in self.blocks for index in block)

    @property
    def label(self) -> str:
        """The grouping as a formula has it."""
        return ":".join(self.grouping)

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """Free entries of the covariance matrix, column by column as vech does."""
        size = self.covariance.rows
        below = [self.covariance[i, j] for j in range(size) for i in range(j, size)]
        return tuple(entry for entry in below if entry != 0)

    @property
    def block_covariances(self) -> tuple[Matrix, ...]:
        """The covariance matrix of each block."""
        found, start = [], 0
        for block in self.blocks:
            stop = start + len(block)
            found.append(Matrix(self.covariance[start:stop, start:stop]))
            start = stop
        return tuple(found)


def random_structure(formula: Formula) -> tuple[GroupingEffects, ...]:
    """Return the random effects of each grouping, in order of appearance.

    With one grouping the parameters are sigma2, or Sigma11, Sigma12, ...; with several their names end with those
    of the grouping: sigma2_a, sigma2_a_b, Sigma11_a.

    Raises
    ------
    ModelError
        If two groupings give the same names.

    """
    names = [term.name for term in formula.terms]
    blocks: dict[Grouping, list[tuple[int, ...]]] = {}
    for random in formula.random:
        indices = tuple(names.index(term.name) for term in random.terms)
        own = [indices] if random.correlated else [(index,) for index in indices]
        blocks.setdefault(random.grouping, []).extend(own)
    several = len(blocks) > 1
    found = tuple(
        GroupingEffects(grouping, tuple(own), _covariance(own, grouping if several else ()))
        for grouping, own in blocks.items()
    )
    used: dict[Symbol, str] = {}
    for effects in found:
        for parameter in effects.parameters:
            if parameter in used:
                raise ModelError(
                    f"the groupings {used[parameter]} and {effects.label} both give a parameter {parameter}: rename a "
                    "factor"
                )
            used[parameter] = effects.label
    return found


def _covariance(blocks: list[tuple[int, ...]], suffix: Grouping) -> ImmutableMatrix:
    size = sum(map(len, blocks))
    if size == 1:
        return ImmutableMatrix([[variance_component(suffix)]])
    matrix = Matrix.zeros(size, size)
    start = 0
    for block in blocks:
        for i in range(start, start + len(block)):
            for j in range(start, start + len(block)):
                matrix[i, j] = effect_covariance(i + 1, j + 1, suffix)
        start += len(block)
    return ImmutableMatrix(matrix)
