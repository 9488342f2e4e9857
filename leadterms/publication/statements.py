"""Published statements and their verdicts: what a source prints, set beside what the engine derives.

A verdict is ``agree``, ``disagree``, ``undecided``, or ``erratum``: a recorded misprint of the source, which
stands only as long as the printed inputs contradict the printed value and the recorded repair reproduces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import entry_points

from sympy import Expr, Rational, Symbol, prime

from leadterms.algebra.canonical import is_equal
from leadterms.asymptotics.result import Entry, Step
from leadterms.errors import EvaluationError, LeadtermsError
from leadterms.evaluation.number import evaluate
from leadterms.notation.text import to_text
from leadterms.reading.numbers import exact_number

GROUP = "leadterms.derivations"
"""Entry points that name a function returning statements."""
GUARD = 12
"""Digits beyond the printed ones."""


@dataclass(frozen=True)
class Outcome:
    """What a recomputation found: the value or formula, the verdict, and how or where."""

    recomputed: str
    verdict: str
    note: str = ""


@dataclass(frozen=True)
class Statement:
    """One published statement.

    Parameters
    ----------
    name
        Stable identifier, for the command line.
    title
        What is stated, in words.
    source
        Where it is printed.
    printed
        The formula or number as the source has it.
    recompute
        Derives it anew and compares.
    steps
        Writes the derivation, as titled equations.

    """

    name: str
    title: str
    source: str
    printed: str
    recompute: Callable[[], Outcome]
    steps: Callable[[], Sequence[Step]]

    def outcome(self) -> Outcome:
        """Recompute; what cannot be recomputed is undecided, with the reason."""
        try:
            return self.recompute()
        except LeadtermsError as error:
            return Outcome("", "undecided", f"not recomputed: {error}")


@dataclass(frozen=True)
class Erratum:
    """A known misprint: the values at which the printed number holds, and what is known of it."""

    holds_at: Mapping[str, str]
    note: str


def installed_statements() -> list[Statement]:
    """Return the statements of every installed package that offers some, in their order.

    Raises
    ------
    LeadtermsError
        If no installed package offers any.

    """
    found = [
        statement for point in sorted(entry_points(group=GROUP), key=lambda p: p.name) for statement in point.load()()
    ]
    if not found:
        raise LeadtermsError(f"no package with derivations is installed (entry points {GROUP}): install leadterms anew")
    return found


def compare_formula(derived: Expr, printed: Expr, points: Mapping[Symbol, str] | None = None) -> Outcome:
    """Compare two formulas: exactly in the canonical field, else at one exact point to thirty digits.

    Only the exact test gives ``agree``: equal numbers at a point leave it ``undecided``, as does a point where a
    formula has no value.

    Parameters
    ----------
    derived, printed
        The two expressions.
    points
        Values at which they are compared numerically when the exact test does not decide; without any,
        those of :func:`default_point`.

    """
    if is_equal(derived, printed):
        return Outcome(to_text(derived), "agree", "equal in the canonical field")
    if points is None:
        points = default_point(derived.free_symbols | printed.free_symbols)
    values = {symbol: exact_number(text) for symbol, text in points.items()}
    where = _listed({symbol.name: text for symbol, text in points.items()})
    try:
        first, second = evaluate(derived, values, 30), evaluate(printed, values, 30)
    except EvaluationError as error:
        return Outcome(to_text(derived), "undecided", f"not equal in the canonical field, and at {where}: {error}")
    if abs(first.value - second.value) > first.error + second.error:
        return Outcome(to_text(derived), "disagree", f"at {where}: derived {first}, printed {second}")
    return Outcome(
        to_text(derived), "undecided", f"equal to 30 digits at {where}, not shown equal in the canonical field"
    )


def compare_formulas(pairs: Iterable[tuple[Expr, Expr]]) -> Outcome:
    """Compare several formulas that a source states together, each a pair of derived and printed.

    The verdict is that of the first that does not agree, with its own note; all are shown.
    """
    outcomes = [compare_formula(derived, printed) for derived, printed in pairs]
    worst = next((outcome for outcome in outcomes if outcome.verdict != "agree"), outcomes[0])
    return Outcome("; ".join(outcome.recomputed for outcome in outcomes), worst.verdict, worst.note)


def default_point(symbols: Iterable[Symbol]) -> dict[Symbol, str]:
    """Return distinct exact values that respect the assumptions of the symbols, the same ones every time.

    In the order of their names, whole-numbered symbols such as the sizes get the primes 2, 3, 5, ..., others a
    tenth of them; negative symbols the negative values.

    Examples
    --------
    >>> default_point([Symbol("m", integer=True, positive=True), Symbol("beta0", real=True)])
    {beta0: '1/5', m: '3'}

    """
    point = {}
    for place, symbol in enumerate(sorted(symbols, key=lambda symbol: symbol.name), 1):
        value = Rational(prime(place), 1 if symbol.is_integer else 10)
        point[symbol] = str(-value if symbol.is_negative else value)
    return point


def compare_number(entry: Entry, values: Mapping[str, str], printed: str, erratum: Erratum | None = None) -> Outcome:
    """Compare a printed number with the coefficient of an entry at the printed inputs.

    It agrees if it differs by less than one unit of its last printed digit: sources round or truncate.
    """
    recomputed, agrees = _recompute(entry, values, printed)
    if agrees and erratum is None:
        return Outcome(recomputed, "agree")
    if agrees:
        return Outcome(recomputed, "disagree", "the recorded erratum is wrong: the printed value holds as printed")
    given = f"the printed inputs {_listed(values)} give {recomputed}"
    if erratum is None:
        return Outcome(recomputed, "disagree", given)
    repaired, holds = _recompute(entry, erratum.holds_at, printed)
    changed = _listed({name: text for name, text in erratum.holds_at.items() if values.get(name) != text})
    if not holds:
        return Outcome(recomputed, "disagree", f"{given}, and the recorded repair, {changed}, gives {repaired}")
    return Outcome(
        recomputed, "erratum", f"{given}; the printed value holds at {changed}, which gives {repaired}; {erratum.note}"
    )


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {text}" for name, text in values.items())


def _recompute(entry: Entry, values: Mapping[str, str], printed: str) -> tuple[str, bool]:
    claimed = Decimal(printed)
    unit = Rational(10) ** int(claimed.as_tuple().exponent)
    number = entry.evaluate(values, len(claimed.as_tuple().digits) + GUARD)
    return str(number), bool(abs(exact_number(str(number)) - exact_number(printed)) < unit)


def select(statements: list[Statement], names: tuple[str, ...]) -> list[Statement]:
    """Return the statements of those names, all for none.

    Raises
    ------
    LeadtermsError
        If a name is unknown; the message lists the known ones.

    """
    known = {statement.name: statement for statement in statements}
    for name in names:
        if name not in known:
            raise LeadtermsError(f"no derivation is named {name!r}: choose from {', '.join(known)}")
    return [known[name] for name in names] if names else statements
