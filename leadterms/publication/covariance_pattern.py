"""The pattern of V = Z G Z' + R: which observations share which random effects, as codes and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from leadterms.errors import LeadtermsError, ModelError
from leadterms.model.layout import Layout
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import PHI
from leadterms.publication.drawing import label_latex
from leadterms.reading.numbers import exact_number

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

MOST_OBSERVATIONS = 2000
"""With more observations than this a picture of V shows no cell, and its matrix takes more than 32 megabytes."""


@dataclass(frozen=True)
class SharedEffects:
    """One kind of entries of V: the random effects that two observations share.

    Parameters
    ----------
    groupings
        The groupings whose level is the same, in the order of the model.
    same
        Whether the two observations are one, on the diagonal.
    covariance
        What the entry sums up, where it is the same at each value of the predictors; None where it is not: with
        random slopes, and for a response that is not Gaussian with the identity link.

    """

    groupings: tuple[str, ...]
    same: bool
    covariance: tuple[Symbol, ...] | None

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """The summands of the entry of V, or the groupings that are shared: each as text and as LaTeX."""
        if self.covariance is not None:
            return tuple((str(symbol), to_latex(symbol)) for symbol in self.covariance) or (("0", "0"),)
        names = ("units",) if self.same else self.groupings or ("none",)
        return tuple((name, label_latex(name)) for name in names)

    @property
    def joint(self) -> str:
        """What stands between the parts."""
        return ", " if self.covariance is None else " + "

    @property
    def text(self) -> str:
        """The entry of V in its symbols, "0" for none; or the groupings, "none", or "units" on the diagonal."""
        return self.joint.join(text for text, _ in self.parts)


@dataclass(frozen=True, eq=False)
class CovariancePattern:
    """Which random effects each two observations share.

    Parameters
    ----------
    codes
        N x N, symmetric, not writable: the position in ``kinds`` of what two observations share.
    kinds
        Every kind that the layout can have, by number of shared groupings: nothing shared first (code 0), the
        observation with itself last. They depend on the layout alone, so that codes at other sizes mean the same.
    order
        The index factors from the one that varies slowest to the one that varies fastest.
    counts
        The number of levels of each, in that order.

    """

    codes: NDArray[int64]
    kinds: tuple[SharedEffects, ...]
    order: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def legend(self) -> dict[int, str]:
        """What each code that occurs stands for: 'sigma2_a + sigma2_b', or with random slopes 'a, b'."""
        present = sorted({int(code) for code in self.codes.flat})
        return {code: self.kinds[code].text for code in present}


def covariance_pattern(
    model: Model, sizes: Mapping[str, object], order: Sequence[str] | None = None
) -> CovariancePattern:
    """Return which random effects each two observations of a balanced layout share, exactly.

    Two observations share the random effects of a grouping if all its index factors agree. What they share is the
    pattern of V = Z G Z' + R: block diagonal if the groupings are nested, blocks and stripes if they are crossed.

    Parameters
    ----------
    model
        The model; the entries of V are named for a Gaussian response with the identity link and random intercepts,
        the groupings otherwise.
    sizes
        The number of levels of each index factor by the name of its size: ``{"m": 5, "m_prime": 4, "n": 2}``.
    order
        Index factors by which the observations are sorted, the first varying slowest; those that are left out follow
        in the order of the formula, the units last.

    Raises
    ------
    LeadtermsError
        If a size is missing, unknown or no positive whole number, the order names no index factor or names one twice,
        or there are more than 2000 observations.

    Examples
    --------
    >>> pattern = covariance_pattern(Model("y ~ 1 + (1 | a/b)"), {"m_a": 2, "m_b": 2, "n": 1})
    >>> print(pattern.codes)
    [[3 1 0 0]
     [1 3 0 0]
     [0 0 3 1]
     [0 0 1 3]]
    >>> pattern.legend
    {0: '0', 1: 'sigma2_a', 3: 'sigma2_a + sigma2_a_b + phi'}

    """
    import numpy as np

    layout = model.layout
    counts = _level_counts(layout, sizes)
    sorted_by = _sorting(layout, order)
    total = prod(counts)
    if total > MOST_OBSERVATIONS:
        asked = " * ".join(f"{size} = {count}" for size, count in zip(layout.sizes, counts, strict=True))
        raise LeadtermsError(
            f"a pattern of {total} x {total} entries was asked for ({asked}): {MOST_OBSERVATIONS} observations at "
            "most, give smaller sizes"
        )
    levels = np.indices([counts[i] for i in sorted_by]).reshape(len(sorted_by), total)
    agreeing = np.zeros((total, total), dtype=np.int64)
    for own, i in zip(levels, sorted_by, strict=True):
        agreeing += np.equal.outer(own, own) * 2**i
    shared_sets, table = _shared_sets(layout)
    codes = np.array(table, dtype=np.int64)[agreeing]
    codes.flags.writeable = False
    names = tuple(layout.factors[i].label for i in sorted_by)
    return CovariancePattern(codes, _kinds(model, shared_sets), names, tuple(counts[i] for i in sorted_by))


def size_names(model: Model) -> tuple[str, ...]:
    """Return the names of the sizes of a model's layout."""
    return tuple(str(size) for size in model.layout.sizes)


def _shared_sets(layout: Layout) -> tuple[list[tuple[int, ...]], list[int]]:
    """Return the sets of groupings that observations can share, smaller ones first, and the code of each agreement.

    The index factors that agree are the binary digits of a position in the table; all of them do on the diagonal,
    which has the last code.
    """
    sharing = []
    for digits in range(2 ** len(layout.factors)):
        agreeing = frozenset(i for i in range(len(layout.factors)) if digits >> i & 1)
        sharing.append(tuple(g for g, grouping in enumerate(layout.groupings) if grouping <= agreeing))
    sets = sorted(set(sharing), key=lambda groupings: (len(groupings), groupings))
    return sets, [*(sets.index(groupings) for groupings in sharing[:-1]), len(sets)]


def _kinds(model: Model, shared_sets: Sequence[tuple[int, ...]]) -> tuple[SharedEffects, ...]:
    labels = [":".join(grouping) for grouping in model.groupings]
    effects = {structure.label: structure for structure in model.random_structure}
    intercepts = all(model.term_names[i] == "1" for structure in effects.values() for i in structure.indices)
    constant = intercepts and model.family.name == "gaussian" and model.link.name == "identity"
    kinds = []
    for shared, same in [*((shared, False) for shared in shared_sets), (shared_sets[-1], True)]:
        names = tuple(labels[g] for g in shared)
        components = tuple(parameter for name in names for parameter in effects[name].parameters)
        covariance = components + ((PHI,) if same else ())
        kinds.append(SharedEffects(names, same, covariance if constant else None))
    return tuple(kinds)


def _level_counts(layout: Layout, sizes: Mapping[str, object]) -> tuple[int, ...]:
    known = [str(size) for size in layout.sizes]
    example = "{" + ", ".join(f"'{name}': 3" for name in known) + "}"
    if not isinstance(sizes, Mapping):
        raise ModelError(f"the sizes of a pattern are a mapping such as {example}, not {sizes!r}")
    given = {str(key): value for key, value in sizes.items()}
    for name in given:
        if name not in known:
            raise ModelError(f"{name!r} is not a size of the layout: it has {', '.join(known)}")
    missing = [name for name in known if name not in given]
    if missing:
        raise ModelError(f"a pattern needs a number for each size, and {', '.join(missing)} is missing: give {example}")
    return tuple(_count(name, given[name]) for name in known)


def _count(name: str, value: Any) -> int:
    try:
        number = exact_number(value)
    except LeadtermsError:
        number = None
    if number is None or not (number.is_Integer and number > 0):
        raise ModelError(f"the size {name} is a whole number, 1 or more, not {value!r}")
    return int(number)


def _sorting(layout: Layout, order: Sequence[str] | None) -> tuple[int, ...]:
    """Return the positions of the index factors, the one that varies slowest first."""
    labels = [factor.label for factor in layout.factors]
    if order is not None and (isinstance(order, str) or not isinstance(order, Sequence)):
        raise ModelError(f"the order is a list of index factors, such as {labels!r}, not {order!r}")
    chosen: list[int] = []
    for name in order or ():
        if name not in labels:
            raise ModelError(f"{name!r} is not an index factor of the layout: sort by {', '.join(labels)}")
        if labels.index(name) in chosen:
            raise ModelError(f"the order names {name!r} twice: name each index factor once")
        chosen.append(labels.index(name))
    return (*chosen, *(i for i in range(len(labels)) if i not in chosen))
