"""What a law of a predictor is: support, raw moments, tilted moments, density, tails.

Every law is an immutable sympy ``Basic``, so that parameters inside a law are substituted like any
other symbol.
"""

from __future__ import annotations

from sympy import Basic, Expr, Gt, Lt, oo, true
from sympy.core.sympify import _sympify
from sympy.logic.boolalg import Boolean

Piece = tuple[Expr, Expr, Expr]
"""An interval (lower, upper) and the polynomial density on it."""


class Law(Basic):  # type: ignore[misc]
    """A law of one predictor.

    ``slots`` names the parameters and their domains ("real", "positive" or "probability"), in the
    order of ``sympy.stats``.
    """

    name: str = ""
    slots: tuple[tuple[str, str], ...] = ()
    is_discrete = False

    def __new__(cls, *args: object) -> Law:
        """Return the law with these parameters."""
        law: Law = Basic.__new__(cls, *map(_sympify, args))
        return law

    @property
    def conditions(self) -> tuple[Boolean, ...]:
        """What the parameters must satisfy."""
        checks: list[Boolean] = []
        for (_, domain), value in zip(self.slots, self.args, strict=True):
            if domain in ("positive", "probability"):
                checks.append(Gt(value, 0))
            if domain == "probability":
                checks.append(Lt(value, 1))
        return tuple(checks)

    @property
    def support(self) -> tuple[Expr, Expr]:
        """Lower and upper end of the support."""
        raise NotImplementedError

    @property
    def atoms_with_probability(self) -> tuple[tuple[Expr, Expr], ...] | None:
        """The points and their probabilities where the support is finite, else None."""
        return None

    def raw_moment(self, k: int) -> Expr | None:
        """E[X^k], or None where no closed form is known."""
        raise NotImplementedError

    def density(self, x: Expr) -> Expr:
        """Density, or probability of x for a discrete law."""
        raise NotImplementedError

    def pieces(self, x: Expr) -> tuple[Piece, ...] | None:
        """The density as polynomials in x on intervals, where it is one, else None."""
        return None

    def parts(self, x: Expr) -> tuple[Piece, ...]:
        """Intervals that make up the support, and the density on each: on one of them it is one expression in x."""
        return self.pieces(x) or ((*self.support, self.density(x)),)

    def density_beside(self, x: Expr, point: Expr, side: int) -> Expr:
        """The density next to a point, which may be infinite, above it (1) or below (-1)."""
        parts = self.parts(x)
        if len(parts) == 1 or point == -oo:
            return parts[0][2]
        if point == oo:
            return parts[-1][2]
        for low, high, density in parts:
            if point == (low if side > 0 else high) or (Lt(low, point) == true and Lt(point, high) == true):
                return density
        return self.density(x)

    def tilted_moment(self, k: int, t: Expr) -> Expr | None:
        """E[X^k e^{tX}], the k-th derivative of the moment generating function, or None."""
        return None

    @property
    def exponential_rates(self) -> tuple[Expr, Expr] | None:
        """(l, r): E e^{tX} is finite exactly for -l < t < r; None where undecided."""
        return (oo, oo)

    @property
    def breakpoints(self) -> tuple[Expr, ...]:
        """Interior points where the density is not analytic."""
        return ()

    def _sympystr(self, printer: object) -> str:
        inside = ", ".join(printer._print(a) for a in self.args)  # type: ignore[attr-defined]
        return f"{self.name}({inside})"

    def _latex(self, printer: object) -> str:
        inside = ", ".join(printer._print(a) for a in self.args)  # type: ignore[attr-defined]
        return rf"\mathrm{{{self.name}}}\left({inside}\right)"
