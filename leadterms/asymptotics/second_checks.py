"""What the steps of the second terms say, as equalities on a road that the engine does not take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from sympy import Add, Expr, Integer, Matrix, Symbol, diff

from leadterms.asymptotics.derivation import Equality
from leadterms.asymptotics.fixed_effects import inverted
from leadterms.asymptotics.parts import NestedParts
from leadterms.asymptotics.second_terms import free_products
from leadterms.asymptotics.sizes import SizeOrders
from leadterms.asymptotics.step_checks import averages, cofactor_inverse, listed
from leadterms.asymptotics.term import Term, Terms, between
from leadterms.expectation.held import revealed
from leadterms.information.groups import GroupKind
from leadterms.model.statement import Model

Rows = Sequence[Sequence[Expr]]


@dataclass(frozen=True)
class SecondRoad:
    """What the second terms of a model are made of.

    Parameters
    ----------
    model
        The model.
    parts
        The kinds of groups, and G.
    theta, others
        The moved fixed effects and the free entries of Sigma; block B.
    covariance
        T^{-1}, for the moved fixed effects and the free entries of Sigma.
    orders
        Of the terms.

    """

    model: Model
    parts: NestedParts
    theta: tuple[Symbol, ...]
    others: tuple[Symbol, ...]
    covariance: Rows
    orders: SizeOrders

    def seen_effects(self, kind: GroupKind) -> Matrix:
        """W = T^{-1} J, J the derivative of the scores of the law of U in u, for one kind of groups."""
        model, split = self.model, self.model.effects_design
        precision = cofactor_inverse(listed(model.effects_covariance))
        u = Matrix(model.random_effects)
        values = dict(kind.values)
        rows = [
            factor.xreplace(values) * precision[effect, :]
            for factor, effect in zip(split.factor, split.effect, strict=True)
        ]
        for parameter in model.variance_parameters:
            direction = diff(model.effects_covariance, parameter)
            rows.append((precision * direction * precision * u).T)
        return Matrix(self.covariance) * Matrix.vstack(*rows)

    def effects_checks(self) -> list[Equality]:
        """Without group-level factors W is d(u, vech uu')/du'."""
        found = self.seen_effects(self.parts.kinds[0])
        return [Equality(first, second) for first, second in zip(found, _products_derivative(self.model), strict=True)]


def second_checks(road: SecondRoad, terms: Terms) -> list[Equality]:
    """Every second term is phi {E[W H_AA^{-1} W'] + R G^{-1} R'}, or -phi R G^{-1}, by the averages of the definition.

    ``terms`` are those of all pairs of parameters; terms that do not exist are left out.
    """
    kinds, effects, covariance = road.parts.kinds, road.model.random_effects, road.model.effects_covariance
    parts = [_matrices(road, kind) for kind in kinds]
    precision = inverted(road.parts.averaged.whole) if road.others else []
    rows, columns = range(len(road.theta)), range(len(road.others))
    equalities: list[Equality] = []

    def mean(integrands: Sequence[Expr]) -> Expr:
        value, found = averages(kinds, integrands, effects, covariance)
        equalities.extend(found)
        return value

    def existing(first: Symbol, second: Symbol) -> tuple[Term, ...] | None:
        found = between(first, second, terms)
        return found if all(term.exists is True for term in found) else None

    if any(existing(first, second) is None for first in road.theta for second in road.others):
        columns = range(0)
    regression = {(r, j): mean([(w[r, :] * inner * across[:, j])[0] for w, inner, across in parts])
                  for r in rows for j in columns}  # fmt: skip
    gain = {(r, j): Add(*(-precision[k][j] * regression[r, k] for k in columns)) for r in rows for j in columns}
    for r, s in combinations_with_replacement(rows, 2):
        found = existing(road.theta[r], road.theta[s])
        if found is not None and len(columns) == len(road.others):
            own = mean([(w[r, :] * inner * w[s, :].T)[0] for w, inner, _ in parts])
            lent = Add(*(-gain[r, j] * regression[s, j] for j in columns))
            equalities += _compared(found, road, {road.orders.reciprocal: own}, lent)
    for (r, j), value in gain.items():
        equalities += _compared(existing(road.theta[r], road.others[j]) or (), road, {}, value)
    return equalities


def _matrices(road: SecondRoad, kind: GroupKind) -> tuple[Matrix, Matrix, Matrix]:
    """Return W, H_AA^{-1} by cofactors and H_AB of a kind of groups."""
    rows, size_a = Matrix(kind.information.matrix), len(road.model.random_effects)
    return _stated(road, kind), cofactor_inverse(listed(rows[:size_a, :size_a])), rows[:size_a, size_a:]


def _stated(road: SecondRoad, kind: GroupKind) -> Matrix:
    """Return W of a kind of groups with its expressions in their shortest form."""
    if road.model.effects_design.has_group_factors:
        return road.seen_effects(kind)
    return _products_derivative(road.model)


def _products_derivative(model: Model) -> Matrix:
    """d(u, vech uu')/du', of vech the free entries."""
    u = model.random_effects
    return Matrix([*u, *(u[i] * u[j] for i, j in free_products(model.effects_covariance))]).jacobian(list(u))


def _compared(terms: Sequence[Term], road: SecondRoad, own: Mapping[Expr, Expr], inside: Expr) -> list[Equality]:
    expected = {order: road.model.dispersion * value for order, value in own.items()}
    expected[road.orders.inside] = expected.get(road.orders.inside, Integer(0)) + road.model.dispersion * inside
    equalities = []
    for order, value in expected.items():
        found = [term for term in terms if term.order == order]
        equalities.append(Equality(revealed(value), found[0].coefficient if found else Integer(0)))
    return equalities
