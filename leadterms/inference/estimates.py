"""Estimates as researchers have them, by names of parameters or of terms: read once, for all of Wald inference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from sympy import Symbol

from leadterms.errors import EvaluationError
from leadterms.reading.expressions import read_assignments
from leadterms.reading.numbers import named_exact


class _Named(Protocol):
    """A series of pandas, whose index has the names."""

    @property
    def index(self) -> Any: ...

    @property
    def ndim(self) -> int: ...

    def items(self) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


Estimates = Mapping[Any, Any] | str | _Named
"""A mapping, a text, or a series whose index has the names."""

REMEDY = (
    "give a mapping of names to numbers such as {'beta0': 0.3, 'sigma2': 0.5}, the text 'beta0=0.3, sigma2=1/2', or a "
    "pandas Series whose index has the names"
)


def parameter_values(
    by_label: Mapping[str, Symbol], estimates: Estimates, others: Sequence[Symbol] = ()
) -> dict[str, Any]:
    """Return the estimates by the names of parameters, names of terms being translated.

    Parameters
    ----------
    by_label
        The parameters, by the name of their term where they have one.
    estimates
        A mapping, a text, or a series whose index has the names. ``(Intercept)`` and ``Intercept`` stand for ``1``,
        and the names of R and patsy for levels of factors are understood: ``z[T.b]`` for ``zb``, ``armTRUE`` and
        ``arm`` for ``armTrue``.
    others
        Parameters that may be given besides.

    Returns
    -------
    dict[str, Any]
        The estimates as they are given, each of which states an exact number.

    Raises
    ------
    EvaluationError
        If they are nothing of this kind, one is given twice, is unknown, or is no number.
    ReadingError
        If they are a text that cannot be read.

    """
    shown = {symbol.name: label for label, symbol in by_label.items()}
    names = {label: symbol.name for label, symbol in by_label.items()} | {name: name for name in shown}
    known = {*shown, *(symbol.name for symbol in others)}
    found: dict[str, Any] = {}
    for key, value in _pairs(estimates):
        name = key.name if isinstance(key, Symbol) else _translated(str(key), names)
        if name not in known:
            listed = ", ".join([*_with_labels(shown, shown), *sorted(known - shown.keys())])
            raise EvaluationError(f"{name!r} is not a parameter of the model: it has {listed}")
        if name in found:
            raise EvaluationError(f"{name} is given twice: give it once, by its name or that of its term")
        found[name] = _single(value)
        named_exact(str(key), found[name])
    return found


def require_estimates(by_label: Mapping[str, Symbol], missing: Iterable[Symbol]) -> None:
    """Refuse estimates that lack some parameters.

    Parameters
    ----------
    by_label
        The parameters, by the name of their term where they have one.
    missing
        Those that have no estimate.

    Raises
    ------
    EvaluationError
        If there are any, naming them.

    """
    absent = [symbol.name for symbol in missing]
    if absent:
        shown = {symbol.name: label for label, symbol in by_label.items()}
        raise EvaluationError(
            f"no estimate is given for {', '.join(_with_labels(absent, shown))}: add it to the estimates"
        )


def _pairs(estimates: Estimates) -> Iterable[tuple[Any, Any]]:
    """Return names and values, in which a name may come twice."""
    given = read_assignments(estimates) if isinstance(estimates, str) else estimates
    if isinstance(given, Mapping):
        return given.items()
    if hasattr(given, "items") and hasattr(given, "index") and getattr(given, "ndim", 0) == 1:
        return list(zip(given.index, given, strict=True))
    raise EvaluationError(f"estimates are named, and a {type(given).__name__} has no names of parameters: {REMEDY}")


def _translated(key: str, names: Mapping[str, str]) -> str:
    """Return the name of a parameter for that of a term, as it is here or as R and patsy have it."""
    intercept = "1" if key in ("(Intercept)", "Intercept") else key
    treated = re.sub(r"(?:C\((\w+)\)|(\w+))\[(?:T\.)?([^\]]*)\]", r"\1\2\3", key)
    truth = re.sub(r"(?<=\w)(TRUE|FALSE)(?=:|\Z)", lambda own: own[1].capitalize(), treated)
    for own in (key, intercept, treated, truth, f"{key}True"):
        if own in names:
            return names[own]
    return key


def _with_labels(parameters: Iterable[str], shown: Mapping[str, str]) -> list[str]:
    """Return parameters, with the name of the term behind where there is one."""
    return [name if shown.get(name, name) == name else f"{name} [{shown[name]}]" for name in parameters]


def _single(value: Any) -> Any:
    """Return the number in an array, a series or a frame that holds one, and what a scalar of pyarrow stands for."""
    shape = getattr(value, "shape", ())
    if isinstance(shape, tuple) and shape and all(length == 1 for length in shape):
        return np.asarray(value).reshape(())
    return value.as_py() if hasattr(value, "as_py") else value
