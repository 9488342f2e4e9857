"""Reference packs: every coefficient of the atlas with its value, for the tests of other software.

A pack is data, the same on every run: no date, no path, sorted by identifier.
`leadterms.publication.reference_formats` writes it in the languages that its users test in.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import flint
import mpmath
import sympy

from leadterms._version import __version__
from leadterms.asymptotics.result import Entry, Expansion
from leadterms.errors import LeadtermsError
from leadterms.evaluation.rounding import check_rounding
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.publication.atlas import Reference
from leadterms.publication.enclosure import RoundedValue, rounded_value
from leadterms.publication.statements import Outcome, Statement

INTEGRAL = "integral"
"""Stands for the formula of a coefficient that has no closed form."""


@dataclass(frozen=True)
class ReferenceValue:
    """A reference with what was derived and computed for it.

    Parameters
    ----------
    reference
        What the value is the value of.
    model
        The model.
    parameters
        The two parameters of the entry.
    order
        The order that the coefficient belongs to: the covariance is coefficient times order.
    assumptions
        Regime, positive parameters, and conditions.
    formula, latex
        The coefficient, complete with the dispersion; "integral" and the LaTeX of the integral where it has no
        closed form.
    closed_form
        Whether it has one.
    status
        "theorem" (published), "derived" (here) or "conjecture".
    value, error
        The decimal and the bound of |truth - decimal|; None where it could not be computed.
    certified
        Whether that bound is proven.
    note
        Why there is no value.

    """

    reference: Reference
    model: Model
    parameters: tuple[str, str]
    order: str
    assumptions: tuple[str, ...]
    formula: str
    latex: str
    closed_form: bool
    status: str
    value: str | None
    error: str | None
    certified: bool
    note: str = ""


@dataclass(frozen=True)
class ReferencePack:
    """Reference values and published statements, with how they were made.

    Parameters
    ----------
    names
        The names that selected them; none for all.
    digits
        Significant digits of the values.
    rounding
        "nearest", "down" or "up".
    values
        Sorted by identifier.
    statements
        Published statements with what recomputing them gave, in the order of their source.

    """

    names: tuple[str, ...]
    digits: int
    rounding: str
    values: tuple[ReferenceValue, ...]
    statements: tuple[tuple[Statement, Outcome], ...]

    @property
    def computed(self) -> tuple[ReferenceValue, ...]:
        """The references that have a value."""
        return tuple(value for value in self.values if value.value is not None)

    @property
    def missing(self) -> tuple[ReferenceValue, ...]:
        """The references that have none."""
        return tuple(value for value in self.values if value.value is None)

    @property
    def estimates(self) -> tuple[ReferenceValue, ...]:
        """The references whose error is an estimate."""
        return tuple(value for value in self.computed if not value.certified)

    def command(self, shape: str) -> str:
        """Return the command that makes the file anew."""
        names = "".join(f" {shlex.quote(name)}" for name in self.names)
        return f"leadterms reference export{names} --format {shape} --digits {self.digits} --rounding {self.rounding}"


def build_pack(
    references: Sequence[Reference],
    statements: Sequence[Statement],
    digits: int = 50,
    rounding: str = "nearest",
    names: Sequence[str] = (),
) -> ReferencePack:
    """Derive and evaluate references, and recompute statements.

    A value that cannot be computed is listed without one and with the reason; it is never left out silently.

    Parameters
    ----------
    references, statements
        What to put in the pack.
    digits
        Significant digits of the values.
    rounding
        "nearest", "down" (never above the truth) or "up" (never below it).
    names
        The names that selected them, for the record.

    Raises
    ------
    LeadtermsError
        If there is no such rounding, or a model of the atlas is refused.

    """
    check_rounding(rounding)
    ordered = sorted(references, key=lambda reference: reference.identifier)
    return ReferencePack(
        names=tuple(names),
        digits=digits,
        rounding=rounding,
        values=tuple(reference_value(reference, digits, rounding) for reference in ordered),
        statements=tuple((statement, statement.outcome()) for statement in statements),
    )


def reference_value(reference: Reference, digits: int, rounding: str) -> ReferenceValue:
    """Derive one reference and evaluate it.

    Raises
    ------
    LeadtermsError
        If its model is refused or has no such entry; the identifier is named.

    """
    try:
        expansion = reference.expansion()
        entry = expansion[reference.entry]
        term = entry.term
    except LeadtermsError as error:
        raise LeadtermsError(f"the reference {reference.identifier} of the atlas is refused: {error}") from error
    decimal: RoundedValue | None = None
    note = ""
    try:
        decimal = _decimal(entry, reference, digits, rounding)
    except LeadtermsError as error:
        note = " ".join(str(error).split())
    return ReferenceValue(
        reference=reference,
        model=expansion.model,
        parameters=(entry.parameters[0].name, entry.parameters[1].name),
        order=term.order_text,
        assumptions=_assumptions(expansion),
        formula=str(term.coefficient) if term.is_closed_form else INTEGRAL,
        latex=to_latex(term.coefficient),
        closed_form=term.is_closed_form,
        status=term.status,
        value=None if decimal is None else decimal.text,
        error=None if decimal is None else decimal.error,
        certified=decimal is not None and decimal.certified,
        note=note,
    )


def _decimal(entry: Entry, reference: Reference, digits: int, rounding: str) -> RoundedValue:
    return rounded_value(entry, reference.inputs, digits, rounding)


def _assumptions(expansion: Expansion) -> tuple[str, ...]:
    positive = (f"{symbol.name} > 0" for symbol in expansion.space.symbols if symbol.is_positive)
    return (f"regime {expansion.regime}", *positive, *expansion.conditions)


def versions() -> dict[str, str]:
    """Return the versions of leadterms and of the libraries that its values depend on."""
    return {
        "leadterms": __version__,
        "sympy": sympy.__version__,
        "mpmath": mpmath.__version__,
        "python-flint": flint.__version__,
    }


def header_lines(pack: ReferencePack, shape: str) -> list[str]:
    """Return what every file says first: what it is, by what it was made, how to make it anew, what is missing."""
    own, *others = (f"{name} {version}" for name, version in versions().items())
    directed = {"nearest": "to nearest", "down": "towards minus infinity", "up": "towards plus infinity"}
    certified = len(pack.computed) - len(pack.estimates)
    lines = [
        "Reference values: leading terms of asymptotic covariances of maximum likelihood estimators in GL(M)Ms.",
        f"Generated by {own} ({', '.join(others)}). Do not edit.",
        f"Regenerate: {pack.command(shape)}",
        "A value is the coefficient of its order: asymptotic covariance = value * order.",
        f"Digits: {pack.digits} significant, rounded {directed[pack.rounding]}; error bounds |truth - digits|.",
        f"Certified, the error proven: {certified} of {len(pack.values)} values; the error of others is an estimate.",
    ]
    lines += [f"No value: {value.reference.identifier}: {value.note}" for value in pack.missing]
    return [_on_one_line(line) for line in lines]


def statement_lines(pack: ReferencePack) -> list[str]:
    """Return the published statements with their verdicts as lines of text."""
    lines = []
    for statement, outcome in pack.statements:
        lines += [
            f"{outcome.verdict}: {statement.name}, {statement.title} ({statement.source})",
            f"    printed {statement.printed}; recomputed {outcome.recomputed or 'nothing'}",
        ]
        if outcome.note:
            lines.append(f"    {outcome.note}")
    return ["Published statements, recomputed:", *map(_on_one_line, lines)] if lines else []


def _on_one_line(text: str) -> str:
    """Make control characters visible as blanks: a line break would end a comment."""
    return "".join(character if character.isprintable() else " " for character in text)
