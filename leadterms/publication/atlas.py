"""The atlas: coefficients at exact points, stated and not computed, as installed packages offer them.

A package announces a function that returns references under the entry-point group ``leadterms.atlas``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from leadterms.errors import LeadtermsError
from leadterms.reading.numbers import exact_number

if TYPE_CHECKING:
    from leadterms.asymptotics.result import Entry, Expansion

GROUP = "leadterms.atlas"
"""Entry points that name a function returning references."""
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.,:/_-]*")
"""No quotes, blanks or wildcards: an identifier stands in files of every language and on the command line."""
WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class Reference:
    """One coefficient at one exact point: what a reference value is the value of.

    Parameters
    ----------
    identifier
        Stable, unique in the atlas.
    formula, family, link, laws
        The model statement, as `Model` takes it.
    entry
        Names of two terms or parameters, equal for a variance.
    inputs
        Exact values by parameter name, decimals or fractions as text.
    citation
        The theorem that gives the coefficient.

    Raises
    ------
    LeadtermsError
        If the identifier has other characters than letters, digits and ``. , : / _ -``, or an input is no exact
        number.

    """

    identifier: str
    formula: str
    family: str
    laws: Mapping[str, str]
    entry: tuple[str, str]
    inputs: Mapping[str, str]
    citation: str
    link: str | None = None

    def __post_init__(self) -> None:
        if not IDENTIFIER.fullmatch(self.identifier):
            raise LeadtermsError(
                f"the identifier {self.identifier!r} of a reference is not made of letters, digits and . , : / _ -"
            )
        for text in self.inputs.values():
            exact_number(text)

    @property
    def title(self) -> str:
        """The model, the entry and the point in one line."""
        laws = ", ".join(f"{name} ~ {law}" for name, law in self.laws.items())
        link = f", {self.link} link" if self.link else ""
        return (
            f"{self.formula}  [{self.family}{link}{'; ' + laws if laws else ''}]"
            f"  {self.entry_text} at {self.inputs_text}"
        )

    @property
    def entry_text(self) -> str:
        """``x`` for a variance, ``1,x`` for a covariance."""
        return ",".join(dict.fromkeys(self.entry))

    @property
    def inputs_text(self) -> str:
        """The point as ``--at`` takes it."""
        return ", ".join(f"{name}={text}" for name, text in self.inputs.items())

    def derived(self) -> Entry:
        """Return the entry; a model is derived once."""
        return self.expansion()[self.entry]

    def expansion(self) -> Expansion:
        """Return the leading terms of the model."""
        return _expansion(self.formula, self.family, self.link, tuple(self.laws.items()))


@cache
def _expansion(formula: str, family: str, link: str | None, laws: tuple[tuple[str, str], ...]) -> Expansion:
    from leadterms.asymptotics.expansion import leading_terms
    from leadterms.model.statement import Model

    return leading_terms(Model(formula, family=family, link=link, laws=dict(laws)))


def references_of(
    name: str,
    formula: str,
    family: str,
    laws: Mapping[str, str],
    inputs: Mapping[str, str],
    entries: Sequence[str | tuple[str, str]],
    citation: str,
    link: str | None = None,
) -> tuple[Reference, ...]:
    """Return one reference for each entry of a model at a point, identified as ``name/entry``.

    Examples
    --------
    >>> line = references_of("line", "y ~ x", "poisson", {"x": "Normal(0, 1)"}, {"beta0": "1"}, ["x", ("1", "x")], "")
    >>> [reference.identifier for reference in line]
    ['line/x', 'line/1,x']

    """
    pairs = [entry if isinstance(entry, tuple) else (entry, entry) for entry in entries]
    return tuple(
        Reference(f"{name}/{','.join(dict.fromkeys(pair))}", formula, family, laws, pair, inputs, citation, link)
        for pair in pairs
    )


def installed_references() -> list[Reference]:
    """Return the references of every installed package that offers some, sorted by identifier.

    Raises
    ------
    LeadtermsError
        If no installed package offers any, or two have the same identifier.

    """
    return in_order(reference for point in entry_points(group=GROUP) for reference in point.load()())


def in_order(references: Iterable[Reference]) -> list[Reference]:
    """Return references sorted by identifier.

    Raises
    ------
    LeadtermsError
        If there is none, or two have the same identifier.

    """
    found = sorted(references, key=lambda reference: reference.identifier)
    if not found:
        raise LeadtermsError(f"no package with an atlas is installed (entry points {GROUP}): install leadterms anew")
    for one, following in itertools.pairwise(found):
        if one.identifier == following.identifier:
            raise LeadtermsError(f"two references of the atlas have the identifier {one.identifier!r}: rename one")
    return found


def matches(identifier: str, name: str) -> bool:
    """Whether a name selects an identifier: as its beginning, or as a pattern where it has ``*``, ``?`` or ``[``.

    Examples
    --------
    >>> matches("glm-poisson-normal/x", "glm-poisson"), matches("glm-poisson-normal/x", "*/x")
    (True, True)
    >>> matches("glm-poisson-normal/x", "poisson")
    False

    """
    if WILDCARDS & set(name):
        return fnmatchcase(identifier, name)
    return bool(name) and identifier.startswith(name)


def selected(known: Sequence[str], names: Sequence[str]) -> set[str]:
    """Return the identifiers that some name selects, all for no names.

    Raises
    ------
    LeadtermsError
        If a name selects none.

    """
    for name in names:
        if not any(matches(identifier, name) for identifier in known):
            raise LeadtermsError(
                f"no identifier begins with {name!r}, or matches it where it has * or ?: "
                "leadterms reference export --list shows them"
            )
    return {identifier for identifier in known if not names or any(matches(identifier, name) for name in names)}
