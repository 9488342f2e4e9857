"""Independent predictors in groups: those that stand together in some part of a product or a sum."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Matrix, Mul, Symbol, Tuple

from leadterms.expectation.held import variables_of
from leadterms.model.laws import JointNormalLaw


def variables_in(bindings: Sequence[Tuple]) -> list[Symbol]:
    """Return the variables of all bindings, in order."""
    return [v for binding in bindings for v in variables_of(binding)]


def split(factor: Expr, group: tuple[Tuple, ...]) -> tuple[Expr, Expr]:
    """Split a product into the part with the variables of a group and the part without."""
    variables = variables_in(group)
    inside = [part for part in Mul.make_args(factor) if part.has(*variables)]
    return Mul(*inside), Mul(*(part for part in Mul.make_args(factor) if not part.has(*variables)))


def groups_of(parts: Sequence[Expr], bindings: tuple[Tuple, ...]) -> list[tuple[Tuple, ...]]:
    """Return bindings that some part connects together; those in no part are left out."""
    groups: list[tuple[Tuple, ...]] = []
    for part in parts:
        joined = [b for b in bindings if part.has(*variables_of(b))]
        apart = []
        for group in groups:
            if set(group) & set(joined):
                joined.extend(group)
            else:
                apart.append(group)
        groups = [*apart, tuple(b for b in bindings if b in joined)] if joined else groups
    return groups


def joint_parameters(bindings: tuple[Tuple, ...]) -> tuple[list[Expr], Matrix]:
    """Return the mean and the covariance matrix of normal predictors taken together."""
    means: list[Expr] = []
    blocks: list[Matrix] = []
    for _, law in bindings:
        if isinstance(law, JointNormalLaw):
            means.extend(law.mean)
            blocks.append(Matrix(law.covariance))
        else:
            means.append(law.args[0])
            blocks.append(Matrix([[law.args[1] ** 2]]))
    return means, Matrix.diag(*blocks)
