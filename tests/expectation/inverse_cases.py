"""Models and blocks whose second terms are looked at, for tests."""

from __future__ import annotations

from sympy import Integer, Matrix, Symbol, Tuple, symbols

from leadterms import Model, expansion
from leadterms.expectation.random_rows import BlockA
from leadterms.model.weights import ProbitWeight

SECOND = "1/(m*n)"
SLOPE = "y ~ x + (1 + x | g)"
X, Z = symbols("x z", real=True)


def second(law, formula="y ~ x + (1 | g)", link="probit", name="1", **laws):
    result = expansion(Model(formula, family="bernoulli", link=link, laws={"x": law, **laws}))
    return result[name].of_order(SECOND)


def parameters(**values):
    return {Symbol(name, positive=True if name == "sigma2" else None, real=True): v for name, v in values.items()}


def block(rows, *bindings, weight=None, besides=0):
    """Return a block with eta = (b + u)'rows and what is besides, of the probit link unless another weight is given."""
    effects = symbols(f"u:{len(rows)}", real=True)
    fixed = symbols(f"b:{len(rows)}", real=True)
    covariance = Matrix(len(rows), len(rows), lambda i, j: Symbol(f"S{min(i, j)}{max(i, j)}", real=True))
    eta = besides + sum((b + u) * row for b, u, row in zip(fixed, effects, rows, strict=True))
    laws = tuple(Tuple(x, law) for x, law in bindings)
    return BlockA(weight or ProbitWeight(Integer(1)), eta, rows, laws, effects, covariance)
