"""Results as plain text, long integrals taken apart: names in the coefficients, what they stand for in a list below."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Function, Mul, Pow, Symbol

from leadterms.asymptotics.point import Values
from leadterms.asymptotics.result import Entry, Expansion, Term, evaluate_terms
from leadterms.asymptotics.trust import Share
from leadterms.evaluation.decimal_text import bound_in_text
from leadterms.evaluation.number import Number
from leadterms.evaluation.wanted import USUAL, Wanted
from leadterms.expectation.held import Expectation, outermost, shown_variables
from leadterms.model.statement import Model
from leadterms.model.weights import ConstantWeight, ExponentialWeight, Weight
from leadterms.notation.functions import LiNegExp
from leadterms.notation.text import to_text

ETA = Symbol("eta", real=True)
WEIGHT = Function("w")
POLYLOGARITHM = "LiNegExp(s, x) = -Li_s(-exp(x)), Li_s the polylogarithm"


class Outline:
    """Coefficients with names in place of held expectations, and what the names stand for.

    Parameters
    ----------
    model
        The model, for its weight and its laws.

    """

    def __init__(self, model: Model) -> None:
        self._weight = model.link.weight
        self._stated = set(model.bindings)
        self._names: dict[Expectation, Symbol] = {}
        self._lines: dict[Symbol, str] = {}
        self._predictors: dict[Expr, Symbol] = {}
        self._polylogarithm = False
        self._used = {*model.formula.variables, *(symbol.name for symbol in model.law_parameters)}
        self._count = 0
        self._eta = ETA if ETA.name not in self._used else Symbol("linpred", real=True)
        self._w = WEIGHT if WEIGHT.__name__ not in self._used else Function("weight")

    def of(self, expression: Expr) -> str:
        """Return the text of an expression, naming the held expectations in it."""
        self._polylogarithm |= expression.has(LiNegExp)
        return to_text(self._named(expression))

    def definitions(self) -> list[str]:
        """Return one line for each name that was used, outer expectations first."""
        lines = [self._lines[name] for name in self._names.values()]
        lines += [f"{name} = {to_text(eta)}" for eta, name in self._predictors.items()]
        if self._predictors:
            lines.append(f"{self._w(self._eta)} = {to_text(self._weight.at(self._eta))}")
        return lines + [POLYLOGARITHM] * self._polylogarithm

    def _named(self, expression: Expr) -> Expr:
        found = sorted(outermost(expression), key=str)
        new = {node: self._weighted(node.integrand, node.bound_symbols) for node in found if node not in self._names}
        shortest_first = sorted(new, key=lambda node: len(str(new[node])))
        for node in shortest_first:
            self._names[node] = self._new_name()
        for node in shortest_first:
            name = self._names[node]
            self._lines[name] = f"{name} = E[{to_text(self._named(new[node]))}] over {self._over(node)}"
        return expression.xreplace({node: self._names[node] for node in found})

    def _new_name(self) -> Symbol:
        """Return the next of E1, E2, ... that the model does not use itself."""
        self._count += 1
        while f"E{self._count}" in self._used:
            self._count += 1
        return Symbol(f"E{self._count}", real=True)

    def _over(self, node: Expectation) -> str:
        return ", ".join(
            shown_variables(b) if b in self._stated else f"{shown_variables(b)} ~ {b[1]}" for b in node.bindings
        )

    def _weighted(self, integrand: Expr, bound: Sequence[Symbol]) -> Expr:
        """Write w(eta) for the weight in an integrand that is a polynomial times the weight."""
        for eta in _linear_predictors(integrand, self._weight):
            rest = _without_factors(integrand, self._weight.at(eta))
            if rest is not None and rest.is_polynomial(*bound) and eta.has(*bound):
                name = self._predictors.setdefault(eta, Symbol(self._eta.name + "'" * len(self._predictors), real=True))
                return rest * self._w(name)
        return integrand


def _without_factors(product: Expr, divisor: Expr) -> Expr | None:
    """Divide by crossing out factors, numbers apart; None where a factor is missing."""
    number, factors = product.as_coeff_mul()
    below, crossed = divisor.as_coeff_mul()
    if not set(crossed) <= set(factors):
        return None
    return Mul(number / below, *(factor for factor in factors if factor not in crossed))


def _linear_predictors(integrand: Expr, weight: Weight) -> list[Expr]:
    """Candidates for eta in w(eta): what stands in the integrand where w has a multiple of eta."""
    if isinstance(weight, ConstantWeight | ExponentialWeight):
        return []
    candidates: dict[Expr, None] = {}
    for part in weight.at(ETA).atoms(Function, Pow):
        inner = part.args[0]
        rate = inner.coeff(ETA)
        if rate == 0 or inner != rate * ETA:
            continue
        for node in integrand.atoms(part.func):
            if isinstance(node, Function) or node.exp == part.exp:
                candidates[(node.args[0] / rate).expand()] = None
    return sorted(candidates, key=lambda eta: (len(str(eta)), str(eta)))


def derivation_text(
    result: Expansion,
    entries: Sequence[Entry],
    values: Values | None = None,
    wanted: Wanted = USUAL,
    shares: Sequence[Share] = (),
) -> str:
    """Return the text of a derivation: model, regime, conditions, the entries, and what their names stand for.

    Parameters
    ----------
    result
        The expansion.
    entries
        Those to show.
    values
        A point at which every coefficient is evaluated, or None.
    wanted
        Digits, road and rounding of the values.
    shares
        How large the second terms are beside the leading ones, at given sizes.

    """
    point = None if values is None else result.space.point(values)
    terms = [term for entry in entries for term in entry.terms]
    numbers = iter([] if values is None else evaluate_terms(terms, result.space, values, wanted))
    outline = Outline(result.model)
    lines = [f"model       {result.model}", f"regime      {result.regime}"]
    lines += [f"condition   {condition}" for condition in result.conditions]
    for entry in entries:
        title, names = _title(entry)
        lines.append("")
        if not entry.terms:
            why = (
                "zero in the limit theorem; its order needs second terms" if result.terms == 1 else "zero at its order"
            )
            lines.append(f"{title} = o({entry.negligible}){names}   ({why})")
        for term in entry.terms:
            lines += _term_lines(f"{title}, order {term.order_text}{names}", term, outline)
            if point is not None:
                number, known = next(numbers), term.at(point)
                if number is not None:
                    lines.append(f"  value        {_value(number)}")
                elif term.exists is True:
                    lines.append(f"  value        {known.missing}")
    if shares:
        lines += ["", "second terms over the leading term", *(f"  {share}" for share in shares)]
    definitions = outline.definitions()
    if definitions:
        lines += ["", "where", *(f"  {line}" for line in definitions)]
    return "\n".join(lines)


def _term_lines(title: str, term: Term, outline: Outline) -> list[str]:
    if term.missing:
        return [f"{title}   ({term.status})", f"  {term.missing}"]
    kind = "closed form" if term.is_closed_form else "held integral"
    lines = [f"{title}   ({kind}, {term.status})", f"  coefficient  {outline.of(term.coefficient)}"]
    if term.condition:
        lines.append(f"  exists {'where' if term.condition_is_exact else 'at least where'} {term.condition}")
    return lines


def _title(entry: Entry) -> tuple[str, str]:
    first, second = (symbol.name for symbol in entry.parameters)
    title = f"Asy.Var({first})" if first == second else f"Asy.Cov({first}, {second})"
    named = ", ".join(dict.fromkeys(entry.names))
    return title, "" if {first, second} == set(entry.names) else f"   [{named}]"


def _value(number: Number) -> str:
    kind = "certified" if number.certified else "estimated"
    return f"{number}   ({kind} error {bound_in_text(number.error)})"
