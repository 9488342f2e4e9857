"""The steps of a derivation: titled equations from the model to its leading terms, with what verifies each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sympy import Dummy, Expr, Integer, Matrix, Symbol

from leadterms.algebra.parts import parts_of
from leadterms.asymptotics.derivation import Equality, Step, several_lines
from leadterms.asymptotics.entry import variance_name
from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.parts import NestedParts
from leadterms.asymptotics.step_checks import (
    averages,
    closed_checks,
    dispersion_checks,
    information_checks,
    inverse_checks,
    prior_checks,
    schur_integrands,
    weight_checks,
)
from leadterms.asymptotics.step_names import StepNames
from leadterms.asymptotics.term import Terms, between
from leadterms.expectation.held import revealed
from leadterms.information.conditional import ConditionalInformation
from leadterms.information.groups import GroupKind, mean_product
from leadterms.model.statement import Model
from leadterms.notation.functions import InverseEntry
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import PHI

ETA = Symbol("eta", real=True)
Rows = Sequence[Sequence[Expr]]

THEOREM = "theorem: Jiang, Wand and Bhaskaran (2022); for the dispersion Bhaskaran and Wand (2023)"
SAME_ARGUMENT = "derived: by the argument of Jiang, Wand and Bhaskaran (2022), outside their statement"


def fixed_effects_steps(model: Model, information: ConditionalInformation, terms: Terms) -> tuple[Step, ...]:
    """Return model, weight, the expectations that are needed, the information, and its inverse."""
    names = StepNames(information.matrix, ())
    steps = [
        *_opening(model),
        *_expectations(names, information),
        Step(
            "Information of one observation, times the dispersion",
            "H = " + names.matrix(information.matrix),
            partial(information_checks, model, None, information.matrix),
        ),
        Step(
            "Leading terms: the inverse of the information",
            _lines(names, model.fixed_effects, terms),
            partial(_inverse_checks, information.matrix, model.fixed_effects, terms, model.dispersion),
        ),
    ]
    return (*steps, *_dispersion_step(model, terms))


def nested_steps(model: Model, parts: NestedParts, terms: Terms) -> tuple[Step, ...]:
    """Return model, weight, H(u), its averaged Schur complement, the information of the effects' law, leading terms."""
    split = parts.split
    names = StepNames([row for kind in parts.kinds for row in kind.information.matrix], model.random_effects)
    moved = tuple(model.fixed_effects[i] for i in split.moved)
    steps = [*_opening(model), *_expectations(names, parts.information)]
    steps += [_conditional_step(model, kind, names) for kind in parts.kinds]
    if split.fixed_only:
        steps.append(
            Step(
                "Average the Schur complement of the terms with random effects",
                r"G = E_U\left\{H_{BB} - H_{BA}H_{AA}^{-1}H_{AB}\right\} = " + names.matrix(parts.averaged.whole),
                partial(_average_checks, model, parts),
            )
        )
    known = next(iter(terms.values()))[0].status == "theorem"
    steps.append(_limit_step(model, bool(split.fixed_only), THEOREM if known else SAME_ARGUMENT))
    theta = (*moved, *model.variance_parameters)
    steps.append(
        Step(
            "Leading terms of the effects that move random ones and of the variance components: the inverse of T",
            _lines(names, theta, terms, PER_GROUP),
            partial(_prior_checks, model, parts, theta, terms),
        )
    )
    if split.fixed_only:
        fixed_only = tuple(model.fixed_effects[i] for i in split.fixed_only)
        steps.append(
            Step(
                "Leading terms of the other fixed effects: the inverse of G",
                _lines(names, fixed_only, terms),
                partial(_inverse_checks, parts.averaged.whole, fixed_only, terms, model.dispersion),
            )
        )
    return (*steps, *_dispersion_step(model, terms))


def _opening(model: Model) -> tuple[Step, Step]:
    weight = to_latex(model.link.weight.at(ETA))
    return (
        Step("Model", model.latex(), source="as stated"),
        Step(
            "Weight of the family and link",
            rf"w(\eta) = \frac{{\{{\mu'(\eta)\}}^2}}{{V\{{\mu(\eta)\}}}} = {weight}",
            partial(weight_checks, model),
        ),
    )


def _expectations(names: StepNames, information: ConditionalInformation) -> tuple[Step, ...]:
    lines = names.definitions(information)
    if not lines:
        return ()
    closed = names.closed(information)
    title = "Expectations and weights in the information" + (", closed where a rule closes them" if closed else "")
    checks = partial(closed_checks, information, closed) if closed else None
    return (Step(title, several_lines(lines), checks, source="definition"),)


def _conditional_step(model: Model, kind: GroupKind, names: StepNames) -> Step:
    where = ", ".join(f"{symbol.name} = {value}" for symbol, value in kind.values.items())
    return Step(
        "Information of one observation given the random effects, times the dispersion"
        + (f", in a group with {where}" if where else ""),
        "H(u) = " + names.matrix(kind.information.matrix),
        partial(information_checks, model, kind, kind.information.matrix),
    )


def _limit_step(model: Model, others: bool, source: str) -> Step:
    lines = [r"I_{\theta\theta} &\to T = \mathrm{Cov}\{\partial_\theta \log \pi(U; \Sigma)\}"]
    if others:
        scale = r"\frac{1}{\phi}\," if model.family.has_dispersion else ""
        lines.append(rf"\frac{{1}}{{n}}\,I_{{BB}} &\to {scale}G")
    return Step("Limit of the information of a group", several_lines(lines), source=source)


def _dispersion_step(model: Model, terms: Terms) -> tuple[Step, ...]:
    if (PHI, PHI) not in terms:
        return ()
    term = terms[PHI, PHI][0]
    return (
        Step(
            "Dispersion",
            r"\mathrm{Asy.Var}(\widehat{\phi}) = \frac{1}{2 d'(\phi)/\phi + d''(\phi)}\,"
            rf"{to_latex(term.order)} = {to_latex(term.variance)}",
            partial(dispersion_checks, model.family, term.coefficient),
        ),
    )


def variance_line(pair: tuple[Symbol, Symbol], shown: str) -> str:
    """Return one line: an asymptotic variance or covariance and what it is."""
    return f"{variance_name(pair)} &= {shown}"


def _lines(names: StepNames, parameters: Sequence[Symbol], terms: Terms, order: Expr | None = None) -> str:
    """Return the first terms between some parameters, or those of an order."""
    own = [(pair, found[0]) for pair, found in terms.items() if set(pair) <= set(parameters)]
    leading = [(pair, term) for pair, term in own if order is None or term.order == order]
    return several_lines([variance_line(pair, names.latex(term.coefficient * term.order)) for pair, term in leading])


def _inverse_checks(rows: Rows, parameters: Sequence[Symbol], terms: Terms, factor: Expr) -> list[Equality]:
    """The terms with their expectations held times the matrix are ``factor`` times the identity; closed, they stay."""
    found = {pair: own for pair, own in terms.items() if set(pair) <= set(parameters)}

    def held(first: Symbol, second: Symbol) -> Expr:
        pair = between(first, second, found)
        if not pair:
            return Integer(0)
        term = pair[0]
        return term.coefficient if term.unclosed is None else revealed(term.unclosed)

    inverse = [[held(first, second) for second in parameters] for first in parameters]
    closed = [
        Equality(left, right, exact_test=not term.is_closed_form)
        for term, *_ in found.values()
        if term.unclosed is not None
        for left, right in _pairs(revealed(term.unclosed), term.coefficient)
        if left != right
    ]
    matrix = [[revealed(entry) for entry in row] for row in rows]
    # entries of one inverse have the same matrix to compare
    return [*inverse_checks(matrix, inverse, factor), *dict.fromkeys(closed)]


def _pairs(left: Expr, right: Expr) -> list[tuple[Expr, Expr]]:
    """Return what has to be equal for two expressions to be: of entries of two inverses those of the matrices."""
    first, second = (parts_of(side, InverseEntry) for side in (left, right))
    if len(first) == len(second) == 1:
        (one,), (other,), place = first, second, Dummy()
        if one.args[:2] == other.args[:2] and left.xreplace({one: place}) == right.xreplace({other: place}):
            return list(zip(one.args[2:], other.args[2:], strict=True))
    return [(left, right)]


def _average_checks(model: Model, parts: NestedParts) -> list[Equality]:
    integrands = [schur_integrands(kind, len(model.random_effects)) for kind in parts.kinds]
    equalities = []
    for i, row in enumerate(parts.averaged.whole):
        for j in range(i, len(row)):
            own = [matrix[i, j] for matrix in integrands]
            value, found = averages(parts.kinds, own, model.random_effects, model.effects_covariance)
            equalities += [*found, Equality(value, row[j])]
    return equalities


def _prior_checks(model: Model, parts: NestedParts, theta: Sequence[Symbol], terms: Terms) -> list[Equality]:
    factors = parts.split.factor
    means = Matrix(len(factors), len(factors), lambda i, j: mean_product(parts.kinds, factors[i], factors[j]))
    known = leading_covariance(theta, terms)
    return prior_checks(model.effects_covariance, model.variance_parameters, parts.split.effect, means, known)


def leading_covariance(theta: Sequence[Symbol], terms: Terms) -> list[list[Expr]]:
    """Return T^{-1}: the coefficients of order 1/m."""

    def entry(first: Symbol, second: Symbol) -> Expr:
        found = between(first, second, terms)
        return next((term.coefficient for term in found if term.order == PER_GROUP), Integer(0))

    return [[entry(first, second) for second in theta] for first in theta]
