"""Bound variables: substitution that respects them, and joint laws made independent."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Basic, Expr, Integer, Matrix, Symbol, polygamma, sqrt

from leadterms.algebra.parts import parts_of
from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import spelled
from leadterms.expectation.held import Expectation, variables_of
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw
from leadterms.notation.functions import Trigamma


def substitute(expr: Basic, mapping: Mapping[Basic, Basic]) -> Basic:
    """Replace free symbols; a variable bound by an expectation is left alone inside it.

    Examples
    --------
    >>> from sympy import Symbol
    >>> x = Symbol("x", real=True)
    >>> substitute(x + Expectation(x, (x, NormalLaw(x, 1))), {x: Integer(7)})
    E[x; x ~ Normal(7, 1)] + 7

    """
    if not expr.has(Expectation):
        return expr.xreplace(dict(mapping))
    if isinstance(expr, Expectation):
        bound = set(expr.bound_symbols)
        inner = {old: new for old, new in mapping.items() if old not in bound}
        laws = [(first, law.xreplace(dict(mapping))) for first, law in expr.bindings]
        return Expectation(substitute(expr.integrand, inner), *laws)
    return expr.func(*(substitute(argument, mapping) for argument in expr.args))


def without_exact_sums(expr: Basic) -> Basic:
    """Replace sympy's trigamma function by one that is not written out as a sum once it has a whole argument."""
    if not parts_of(expr, polygamma):
        return expr
    return expr.replace(
        lambda node: isinstance(node, polygamma) and node.args[0] == 1, lambda node: Trigamma(node.args[1])
    )


def independent(expr: Expectation, prefix: str) -> tuple[Expr, tuple[Law, ...], list[Symbol]]:
    """Return an expectation's integrand in independent variables, their laws, and the variables.

    A jointly normal vector is mean + L t, L unit lower triangular and t independent with the pivots of
    the covariance as variances.  The names are made from ``prefix``, so that expectations over equal
    laws come out in equal variables.

    Raises
    ------
    EvaluationError
        Where a covariance is not positive definite, or a law depends on another bound variable.

    Examples
    --------
    >>> from sympy import Symbol, ImmutableMatrix
    >>> a, b = Symbol("a"), Symbol("b")
    >>> law = JointNormalLaw((0, 1), ImmutableMatrix([[4, 2], [2, 3]]))
    >>> independent(Expectation(a * b, ((a, b), law)), "t")
    (t0*(t0/2 + t1 + 1), (Normal(0, 2), Normal(0, sqrt(2))), [t0, t1])

    """
    mapping: dict[Basic, Basic] = {}
    laws: list[Law] = []
    new: list[Symbol] = []
    for binding in expr.bindings:
        law = binding[1]
        if law.free_symbols:
            names = ", ".join(sorted(map(str, law.free_symbols)))
            raise EvaluationError(f"the law {spelled(law)} depends on {names}: laws need exact parameters")
        olds = variables_of(binding)
        fresh = [Symbol(f"{prefix}{len(new) + i}", real=True) for i in range(len(olds))]
        new += fresh
        if isinstance(law, JointNormalLaw):
            lower, pivots = _pivots(law)
            laws += [NormalLaw(0, sqrt(pivot)) for pivot in pivots]
            for i, old in enumerate(olds):
                mapping[old] = law.mean[i] + sum((lower[i, j] * fresh[j] for j in range(i + 1)), Integer(0))
        else:
            laws.append(law)
            mapping[olds[0]] = fresh[0]
    return substitute(expr.integrand, mapping), tuple(laws), new


def _pivots(law: JointNormalLaw) -> tuple[Matrix, list[Expr]]:
    """Return L and d of covariance = L diag(d) L', exactly."""
    size = law.dimension
    rest = Matrix(law.covariance)
    lower, pivots = Matrix.eye(size), []
    for k in range(size):
        pivot = rest[k, k]
        if pivot.is_positive is not True and not pivot.evalf(30) > 0:
            raise EvaluationError(f"the covariance of {spelled(law)} is not positive definite")
        pivots.append(pivot)
        for i in range(k + 1, size):
            lower[i, k] = rest[i, k] / pivot
            for j in range(k + 1, size):
                rest[i, j] -= lower[i, k] * rest[k, j]
    return lower, pivots
