"""Predictors that enter through one function each, replaced by their images; what is found is written back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Symbol, Tuple

from leadterms.expectation.held import Expectation
from leadterms.expectation.mapped_law import straightened
from leadterms.model.laws import Law


@dataclass(frozen=True)
class Images:
    """Expressions in images of predictors.

    Parameters
    ----------
    expressions
        In the images, and the other predictors.
    bindings
        Of both.
    functions
        For the symbol of each image its function, and the predictor with its law.  The symbol has the name of the
        function, for messages.

    """

    expressions: tuple[Expr, ...]
    bindings: tuple[Tuple, ...]
    functions: Mapping[Symbol, tuple[Expr, Tuple]]

    @classmethod
    def of(cls, bindings: Sequence[Tuple], expressions: tuple[Expr, ...]) -> Images:
        """Return expressions in images where a predictor with infinitely many values enters through one function."""
        functions: dict[Symbol, tuple[Expr, Tuple]] = {}
        found = list(bindings)
        for place, (x, law) in enumerate(bindings):
            if not isinstance(law, Law) or law.atoms_with_probability is not None:
                continue
            if all(expression.is_polynomial(x) for expression in expressions):
                continue
            straight = straightened(x, law, expressions)
            if straight is not None:
                image = Symbol(f"({straight.function})", real=True)
                expressions = tuple(expression.xreplace({x: image}) for expression in straight.expressions)
                functions[image] = straight.function, found[place]
                found[place] = Tuple(image, straight.law)
        return cls(expressions, tuple(found), functions)

    def written_back(self, node: Expectation) -> Expectation:
        """Return an expectation over images as one over the predictors."""
        own = {x: self.functions[x] for x in node.bound_symbols if x in self.functions}
        if not own:
            return node
        bindings = (own[x][1] if x in own else Tuple(x, law) for x, law in node.bindings)
        return Expectation(node.integrand.xreplace({x: function for x, (function, _) in own.items()}), *bindings)
