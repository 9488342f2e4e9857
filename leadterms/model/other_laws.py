"""Laws that are known by their density alone, and jointly normal ones."""

from __future__ import annotations

from sympy import Basic, Expr, Gt, Integer, Interval, Matrix, Piecewise, S, Tuple, oo, true
from sympy.core.sympify import _sympify
from sympy.logic.boolalg import Boolean

from leadterms.errors import ModelError
from leadterms.model.law import Law

SETS = {"Kumaraswamy": Interval(0, 1)}
"""By name, where sympy's set is not the support: (0, oo) for this one, over which its density has no integral."""


class StatsLaw(Law):
    """Any other univariate law of ``sympy.stats``, known by its density.

    Raises
    ------
    ModelError
        If sympy refuses the parameters, also when values are substituted for symbols.

    """

    def __new__(cls, distribution: Basic) -> StatsLaw:
        """Return the law of this distribution."""
        try:
            type(distribution).check(*distribution.args)
        except ValueError as error:
            raise ModelError(f"{distribution} is not a law: {error}") from None
        law: StatsLaw = Basic.__new__(cls, distribution)
        return law

    @property
    def distribution(self) -> Basic:
        """The sympy.stats distribution."""
        return self.args[0]

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name that sympy gives it, without the word Distribution."""
        return type(self.distribution).__name__.removesuffix("Distribution")

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        """Whether it lives on the integers."""
        return bool(self.distribution.set.is_subset(S.Integers))

    @property
    def conditions(self) -> tuple[Boolean, ...]:
        """Sympy checks the parameters when the law is made."""
        return ()

    @property
    def support(self) -> tuple[Expr, Expr]:
        """Ends of sympy's set, or of the true one where that differs."""
        domain = SETS.get(self.name, self.distribution.set)
        return domain.inf, domain.sup

    def raw_moment(self, k: int) -> Expr | None:
        """Only the total mass is known."""
        return Integer(1) if k == 0 else None

    def density(self, x: Expr) -> Expr:
        """Density of sympy.stats on the support, its Piecewise guard dropped."""
        value = self.distribution.pdf(x)
        if isinstance(value, Piecewise) and len(value.args) == 2 and value.args[1][0] == 0:
            return value.args[0][0]
        return value

    @property
    def exponential_rates(self) -> tuple[Expr, Expr] | None:
        """Unbounded exactly where the support is bounded; otherwise not known here."""
        lower, upper = self.support
        return (oo, oo) if lower.is_finite and upper.is_finite else None

    def _sympystr(self, printer: object) -> str:
        inside = ", ".join(printer._print(a) for a in self.distribution.args)  # type: ignore[attr-defined]
        return f"{self.name}({inside})"

    def _latex(self, printer: object) -> str:
        inside = ", ".join(printer._print(a) for a in self.distribution.args)  # type: ignore[attr-defined]
        return rf"\mathrm{{{self.name}}}\left({inside}\right)"


class JointNormalLaw(Basic):  # type: ignore[misc]
    """Jointly normal predictors, or the random effects: mean vector and covariance matrix."""

    name = "MultivariateNormal"

    def __new__(cls, *args: object) -> JointNormalLaw:
        """Return the law with this mean and covariance."""
        law: JointNormalLaw = Basic.__new__(cls, *map(_sympify, args))
        return law

    @property
    def mean(self) -> Tuple:
        """Mean vector."""
        return self.args[0]

    @property
    def covariance(self) -> Basic:
        """Covariance matrix, an ImmutableMatrix."""
        return self.args[1]

    @property
    def dimension(self) -> int:
        """Number of components."""
        return len(self.args[0])

    @property
    def conditions(self) -> tuple[Boolean, ...]:
        """Leading principal minors are positive."""
        return tuple(
            condition
            for size in range(1, self.dimension + 1)
            if (condition := Gt(self.covariance[:size, :size].det(), 0)) != true
        )

    def _sympystr(self, printer: object) -> str:
        show = printer._print  # type: ignore[attr-defined]
        rows = ", ".join("[" + ", ".join(map(show, row)) + "]" for row in self.covariance.tolist())
        return f"MultivariateNormal([{', '.join(map(show, self.mean))}], [{rows}])"

    def _latex(self, printer: object) -> str:
        show = printer._print  # type: ignore[attr-defined]
        return rf"N\left({show(Matrix(list(self.mean)))}, {show(self.covariance)}\right)"
