"""A formula and data as numeric matrices: y, X, and for each random term its matrices Z."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadterms.errors import ModelError
from leadterms.model.data_columns import Column, read_columns
from leadterms.model.factor_coding import coded_columns
from leadterms.model.formula import Formula, RandomTerm, read_formula
from leadterms.notation.symbols import effect_covariance

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RandomDesign:
    """Effects that vary between the levels of a grouping and are correlated with each other.

    Parameters
    ----------
    grouping
        ``("a", "b")`` stands for the cells of a and b.
    effects
        Names of the k effects, ``"1"`` for the intercept.
    levels
        The q levels that the data have, sorted, or in the order of categories.
    designs
        For each effect an N x q matrix: the effect's column, in the place of the row's level.
    names
        Of the free entries of the effects' covariance, column by column.

    """

    grouping: tuple[str, ...]
    effects: tuple[str, ...]
    levels: tuple[tuple[Any, ...], ...]
    designs: tuple[Array, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DataDesign:
    """The matrices of a linear mixed model.

    Parameters
    ----------
    formula
        That was read.
    y
        The response, N.
    X
        Fixed effects, N x p.
    names
        Of the columns of X, ``"1"`` for the intercept.
    random
        The random terms; a double bar gives one for each of its terms.

    """

    formula: Formula
    y: Array
    X: Array
    names: tuple[str, ...]
    random: tuple[RandomDesign, ...]

    @property
    def variance_names(self) -> tuple[str, ...]:
        """Names of the variance parameters: those of the random terms, then phi, the error variance."""
        return (*(name for block in self.random for name in block.names), "phi")


def data_design(formula: str | Formula, data: Any, null: bool = False) -> DataDesign:
    """Return the matrices that a formula has for given data.

    Columns of text, of categories and of truth values are factors with treatment coding, the first level being the
    reference: text is sorted, categories keep their order.  The columns of interactions follow
    :mod:`leadterms.model.factor_coding`.

    Parameters
    ----------
    formula
        lme4-style, or already read.
    data
        A mapping of column names to sequences of N numbers, texts or categories, or a data frame.
    null
        The formula states a hypothesis within a larger model: a random effect may lack its fixed effect, whose mean is
        then zero by hypothesis.

    Raises
    ------
    ReadingError, ModelError
        If the formula cannot be read, a column cannot be used, or a random effect has no fixed effect.

    Examples
    --------
    >>> data = {"y": [1, 2, 4, 3], "x": [0, 1, 0, 1], "sex": ["m", "f", "m", "f"], "g": ["a", "a", "b", "b"]}
    >>> design = data_design("y ~ x:sex + (1 | g)", data)
    >>> design.names, design.variance_names
    (('1', 'x:sexf', 'x:sexm'), ('sigma2', 'phi'))

    """
    stated = read_formula(formula) if isinstance(formula, str) else formula
    groupings = [name for random in stated.random for name in random.grouping]
    columns = read_columns(data, [stated.response, *stated.variables, *groupings])
    y = columns[stated.response].numbers
    if y is None:
        what = "holds text" if columns[stated.response].categories is None else "is categorical"
        raise ModelError(f"the response {stated.response!r} {what}: give numbers")
    coded = coded_columns(stated.terms, columns)
    names = tuple(name for found, _ in coded for name in found)
    X = np.hstack([np.empty((len(y), 0)), *(matrix for _, matrix in coded)])
    blocks = [piece for random in stated.random for piece in _pieces(random, columns)]
    for block in () if null else blocks:
        _check_fixed_effects(block, X)
    return DataDesign(stated, y, X, names, tuple(_random_designs(blocks, columns)))


_Piece = tuple[tuple[str, ...], Array, tuple[str, ...], RandomTerm]
"""Names and columns of correlated effects, the term of each, and the random term that they come from."""


def _pieces(random: RandomTerm, columns: Mapping[str, Column]) -> list[_Piece]:
    """Return the blocks of correlated effects of a random term."""
    coded = coded_columns(random.terms, columns)
    owners = [(term.name,) * len(found) for term, (found, _) in zip(random.terms, coded, strict=True)]
    if not random.correlated:
        return [(names, matrix, owner, random) for (names, matrix), owner in zip(coded, owners, strict=True)]
    names = tuple(name for found, _ in coded for name in found)
    return [(names, np.hstack([matrix for _, matrix in coded]), sum(owners, ()), random)]


def _check_fixed_effects(block: _Piece, X: Array) -> None:
    """Refuse a random effect whose column is not a combination of the fixed-effect columns."""
    effects, matrix, owners, random = block
    fitted = X @ np.linalg.lstsq(X, matrix, rcond=None)[0]
    distance, length = np.linalg.norm(matrix - fitted, axis=0), np.linalg.norm(matrix, axis=0)
    for index, effect in enumerate(effects):
        if distance[index] > 1e-8 * length[index]:
            shown = "intercept" if effect == "1" else effect
            raise ModelError(
                f"the random effect of {shown} within {':'.join(random.grouping)} has no fixed effect: add "
                f"{owners[index]} to the fixed part (random effects have mean zero around it)"
            )


def _random_designs(blocks: Sequence[_Piece], columns: Mapping[str, Column]) -> list[RandomDesign]:
    """Number the effects of each grouping, and write out the matrices Z."""
    groupings = [random.grouping for *_, random in blocks]
    counts = dict.fromkeys(groupings, 0)
    totals = {
        grouping: sum(len(effects) for effects, *_, random in blocks if random.grouping == grouping)
        for grouping in groupings
    }
    found = []
    for effects, matrix, _, random in blocks:
        grouping = random.grouping
        suffix = f"_{'_'.join(grouping)}" if len(totals) > 1 else ""
        start = counts[grouping]
        counts[grouping] += len(effects)
        levels, indicators = _indicators([columns[name] for name in grouping])
        designs = tuple(matrix[:, [index]] * indicators for index in range(len(effects)))
        names = tuple(
            "sigma2" + suffix if totals[grouping] == 1 else f"{effect_covariance(start + i, start + j).name}{suffix}"
            for j in range(1, len(effects) + 1)
            for i in range(j, len(effects) + 1)
        )
        found.append(RandomDesign(grouping, effects, levels, designs, names))
    return found


def _indicators(columns: Sequence[Column]) -> tuple[tuple[tuple[Any, ...], ...], Array]:
    """Return the observed cells of the columns in the order of their levels, and the N x q indicators of them."""
    cells = list(zip(*(column.codes.tolist() for column in columns), strict=True))
    places = sorted(set(cells))
    levels = tuple(tuple(c.levels[code] for c, code in zip(columns, own, strict=True)) for own in places)
    place = {cell: index for index, cell in enumerate(places)}
    return levels, np.eye(len(levels))[[place[cell] for cell in cells]]
