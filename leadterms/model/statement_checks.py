"""What a model statement must satisfy, each refusal in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Symbol

from leadterms.errors import ModelError
from leadterms.model.formula import Formula
from leadterms.model.group_level import split_term
from leadterms.model.layout import Layout
from leadterms.notation.symbols import RESERVED


def check_types(formula: Any, family: Any, laws: Any, link: Any, groupings: Mapping[str, Any], designed: Any) -> None:
    """Refuse arguments of a wrong type, each in one line."""
    texts = [("formula", formula, "'y ~ x'"), ("family", family, "'poisson'")]
    if link is not None:
        texts.append(("link", link, "'log'"))
    for what, value, example in texts:
        if not isinstance(value, str):
            raise ModelError(f"the {what} is text such as {example}, not {type(value).__name__}")
    mappings = [("laws", laws, "{'x': 'Uniform(-1, 1)'}")]
    mappings += [(what, value, "{'x': 'group'}") for what, value in groupings.items()]
    for what, value, example in mappings:
        if value is not None and not isinstance(value, Mapping):
            raise ModelError(f"{what} is a mapping such as {example}, not {type(value).__name__}")
    for what, value in groupings.items():
        for key, grouping in (value or {}).items():
            if not (isinstance(key, str) and isinstance(grouping, str)):
                raise ModelError(f"{what} maps names to names, as in {{'x': 'group'}}, not {key!r} to {grouping!r}")
    if isinstance(designed, str) or not isinstance(designed, Sequence):
        raise ModelError(f"designed is a list of names of predictors, such as ['x'], not {designed!r}")
    for key in laws or {}:
        parts = key if isinstance(key, tuple) else (key,)
        if not all(isinstance(part, str | Symbol) for part in parts):
            raise ModelError(f"a key of laws is the name of a predictor, 'x', or names 'x1,x2', not {key!r}")


def at_grouping(
    what: str, formula: Formula, layout: Layout, given: Mapping[str, str], designed: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Return predictors with the grouping that is stated for each, after checking that both are in the formula.

    A nested factor goes with its parent, but for predictors that are fixed by design.
    """
    groupings = {":".join(random.grouping) for random in formula.random}
    for name, grouping in given.items():
        if name not in formula.variables:
            raise ModelError(f"a {what} is given for {name!r}, which is not a predictor of the formula")
        if grouping in groupings:
            continue
        if not layout.groupings or len(layout.factors) < 3:
            known = ", ".join(sorted(groupings)) or "none"
            raise ModelError(f"{grouping!r} is not a grouping factor of the formula (it has: {known})")
        layout.index_set(grouping.split(":"))
        if name not in designed:
            _check_nesting(formula, name, grouping)
    return tuple(given.items())


def _check_nesting(formula: Formula, name: str, grouping: str) -> None:
    """Refuse b for a/b: the levels of a nested factor are told apart within its parent only."""
    own = set(grouping.split(":"))
    crossed = {random.grouping for random in formula.random}
    for random in formula.random:
        children = set(random.grouping) - set(random.parent) if random.parent else set()
        lonely = sorted(children & own)
        if lonely and not set(random.parent) <= own and not any((child,) in crossed for child in lonely):
            child, full = ":".join(lonely), ":".join(random.grouping)
            raise ModelError(
                f"{child} is nested in {':'.join(random.parent)}, so that {grouping} is no grouping for {name}: write "
                f"{full}, or state {child} as crossed with (1 | {full})"
            )


def designed_predictors(formula: Formula, given: Sequence[str], centred: Mapping[str, str]) -> tuple[str, ...]:
    """Return the predictors that are fixed by design, after checking that they are in the formula."""
    for name in given:
        if name not in formula.variables:
            raise ModelError(f"{name!r} is stated to be fixed by design, but is not a predictor of the formula")
        if name in centred:
            raise ModelError(
                f"{name!r} is stated to be both fixed by design and centred: a design that is the same in every group "
                "needs no centring; give it a law with mean zero"
            )
    return tuple(dict.fromkeys(given))


def check_names(formula: Formula, family_parameters: Sequence[str]) -> None:
    """Refuse predictors whose names have another meaning."""
    groupings = {name for random in formula.random for name in random.grouping}
    for name in formula.variables:
        if RESERVED.match(name):
            raise ModelError(f"the predictor {name!r} clashes with a parameter or a size of the model: rename it")
        if name in family_parameters:
            raise ModelError(f"{name!r} is used both as a predictor and as a parameter of the family: rename it")
        if name in groupings:
            raise ModelError(f"{name!r} is used both as a predictor and as a grouping factor")


def check_fixed_parts(formula: Formula) -> None:
    """Refuse a random effect without its fixed effect, and one that is stated twice."""
    fixed = {term.name for term in formula.terms}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for random in formula.random:
        for term in random.terms:
            shown = "intercept" if term.name == "1" else term.name
            if term.name not in fixed:
                raise ModelError(
                    f"the random effect of {shown} has no fixed effect: add {term.name} to the fixed part "
                    f"(random effects have mean zero around it)"
                )
            if (term.name, random.grouping) in seen:
                raise ModelError(f"the random effect of {shown} within {':'.join(random.grouping)} is stated twice")
            seen.add((term.name, random.grouping))


def check_group_level(formula: Formula, group_level: Sequence[Symbol]) -> None:
    """Refuse what a group-level predictor cannot do."""
    if not group_level:
        return
    for term in formula.terms:
        split_term(term.expression, group_level, term.name)
    for random in formula.random:
        for term in random.terms:
            if term.expression.has(*group_level):
                raise ModelError(
                    f"the random effect of {term.name} is not covered: {term.name} does not vary within "
                    f"{':'.join(random.grouping)}; leave it out of the bar"
                )
