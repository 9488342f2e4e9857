"""How many digits an integrand loses where terms of it cancel, at one node: what working precision is needed there.

Passes of equal precision agree on what is left of rounding: of ``1 - (1 - e^-300)`` all of them say 0.  So the terms
of every sum in an integrand are looked at, at the nodes of the coarsest pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from sympy import Add, Basic, Expr, Function, Pow, Symbol, cosh, coth, exp, preorder_traversal, sinh, tanh

from leadterms.evaluation.compile_mpmath import Program
from leadterms.evaluation.precision import DIGIT, Context, Real
from leadterms.evaluation.stable import stable

_MARGIN = 10


class Cancellation:
    """The sums in some expressions, as a function of a node.

    Parameters
    ----------
    context
        Private mpmath context.
    arguments
        Symbols in the order of the call.
    expressions
        In these symbols.

    Examples
    --------
    >>> from leadterms.evaluation.precision import precision, private_context
    >>> x = Symbol("x", real=True)
    >>> context = private_context()
    >>> loss = Cancellation(context, [x], [1 - exp(-x) - exp(-2 * x)])
    >>> with precision(context, 30):
    ...     [round(loss(context.mpf(at)), 1) for at in ("1", "0.4812118")]
    [0.2, 7.3]

    """

    def __init__(self, context: Context, arguments: Sequence[Symbol], expressions: Iterable[Basic]) -> None:
        self._context = context
        parts = [part for expr in expressions for part in preorder_traversal(stable(expr))]
        sums = list(dict.fromkeys(part for part in parts if isinstance(part, Add) and not _is_plain(part)))
        exponents = [_exponents(own) for own in sums]
        self._lengths = [(len(own), len(total.args)) for own, total in zip(exponents, sums, strict=True)]
        wanted = [part for own, total in zip(exponents, sums, strict=True) for part in (*own, *total.args)]
        self._program = Program(context, arguments, wanted) if sums else None

    def __bool__(self) -> bool:
        """Tell whether there is a sum that may cancel."""
        return self._program is not None

    def __call__(self, *values: Real) -> float:
        """Return the decimal digits lost at a node, at most as many as the exponentials of a sum are apart."""
        # sums of values of inner sums are left out: what is lost in them differs from pass to pass, and shows
        if self._program is None:
            return 0.0
        context = self._context
        found = (context.convert(value) for value in self._program(*values))
        worst = 0.0
        for exponents, terms in self._lengths:
            apart = sum((abs(exponent) for exponent in islice(found, exponents)), context.zero) / DIGIT + _MARGIN
            parts = list(islice(found, terms))
            size, total = sum(map(abs, parts)), abs(sum(parts))
            if not size or not context.isfinite(size):
                continue
            lost = context.log10(size / total) if total else context.inf
            # a sum that is zero by chance, as at a point of symmetry, asks for no more than could hide in it
            worst = max(worst, float(min(lost, apart)))
        return worst


def _is_plain(expr: Expr) -> bool:
    """Tell whether a sum is a polynomial, such as a linear predictor: it is zero in places, and loses little there."""
    return not any(
        isinstance(part, Function) or (isinstance(part, Pow) and not (part.exp.is_Integer and part.exp > 0))
        for part in preorder_traversal(expr)
        if part.free_symbols
    )


def _exponents(expr: Expr) -> list[Expr]:
    """Return the exponents that the sizes of functions in an expression follow."""
    found = []
    for part in preorder_traversal(expr):
        name = type(part).__name__
        if isinstance(part, exp | sinh | cosh | tanh | coth) or name == "expm1":
            found.append(part.args[0])
        elif name in ("erf", "erfc"):
            found.append(part.args[0] ** 2)
    return list(dict.fromkeys(found))
