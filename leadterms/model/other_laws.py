"""Laws that are known by their density alone, and jointly normal ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sympy import Basic, Expr, Gt, Integer, Interval, Matrix, Piecewise, Poly, S, Symbol, Tuple, oo, true, zeta
from sympy.core.sympify import _sympify
from sympy.logic.boolalg import Boolean

from leadterms.errors import ModelError
from leadterms.model.case_distinctions import parts_of_density
from leadterms.model.law import Law, Piece
from leadterms.model.poisson_sums import Rates, moment, poisson_rates
from leadterms.model.power_series import summed
from leadterms.model.stated_density import HANDMADE, check_density, is_handmade

X = Symbol("x", real=True)

SETS: dict[str, Callable[[Basic], Interval]] = {
    "Davis": lambda given: Interval(given.mu, oo),
    "Kumaraswamy": lambda given: Interval(0, 1),
}
"""By name, where sympy's set is not the support: (0, oo) for both, over which the densities have no integral."""


class StatsLaw(Law):
    """Any other univariate law of ``sympy.stats``, known by its density.

    Raises
    ------
    ModelError
        If sympy refuses the parameters, also when values are substituted for symbols.

    """

    def __new__(cls, distribution: Basic) -> StatsLaw:
        """Return the law of this distribution."""
        law: StatsLaw = Basic.__new__(cls, distribution)
        try:
            _check(distribution)
        except ValueError as error:
            raise ModelError(f"{law} is not a law: {error}") from None
        return law

    @property
    def distribution(self) -> Basic:
        """The sympy.stats distribution."""
        return self.args[0]

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name that sympy gives it, without the word Distribution."""
        return _name(self.distribution)

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
        """Ends of sympy's set, or of the true one where that differs; of where the density is not zero."""
        low, high = _ends(self.distribution)
        parts = () if self.is_discrete else _parts(self.distribution) or ()
        return (parts[0][0], parts[-1][1]) if parts else (low, high)

    def raw_moment(self, k: int) -> Expr | None:
        """The total mass; others of a polynomial density on pieces, of sums of Poisson variables, and zeta's."""
        if self.rates is not None:
            return moment(self.rates, k)
        if self.name == "Zeta":
            # sum n^(k - s)/zeta(s), where it converges
            (order,) = self.distribution.args
            return zeta(order - k) / zeta(order) if (order - k - 1).is_positive else None
        pieces = self.pieces(X) if k else None
        if pieces is None:
            return None if k else Integer(1)
        primitives = [(Poly(X**k * density, X).integrate(), low, high) for low, high, density in pieces]
        return sum((primitive.eval(high) - primitive.eval(low) for primitive, low, high in primitives), Integer(0))

    def density(self, x: Expr) -> Expr:
        """Density of sympy.stats on the support, its Piecewise guard dropped."""
        return (
            _density(self.distribution).xreplace({X: x})
            if not self.is_discrete
            else _unguarded(self.distribution.pdf(x))
        )

    def parts(self, x: Expr) -> tuple[Piece, ...]:
        """Intervals between which the density makes a case distinction; one where they are not found."""
        found = None if self.is_discrete else _parts(self.distribution)
        if found is None:
            return ((*self.support, self.density(x)),)
        return tuple((low, high, density.xreplace({X: x})) for low, high, density in found)

    def pieces(self, x: Expr) -> tuple[Piece, ...] | None:
        """Those parts, where the density is a polynomial on each and they are bounded."""
        if self.is_discrete or not all(end.is_finite for end in self.support):
            return None
        parts = self.parts(x)
        return parts if all(density.is_polynomial(x) for _, _, density in parts) else None

    @property
    def breakpoints(self) -> tuple[Expr, ...]:
        """The ends of the parts inside the support."""
        parts = self.parts(X)
        ends = {end for low, high, _ in parts for end in (low, high)}
        return tuple(sorted(ends - {parts[0][0], parts[-1][1]}))

    @property
    def rates(self) -> Rates | None:
        """What a sum of multiples of Poisson variables is made of; None for another law."""
        return poisson_rates(self.distribution) if self.is_discrete else None

    def tilted_moment(self, k: int, t: Expr) -> Expr | None:
        """Known for sums of Poisson variables."""
        return None if self.rates is None else moment(self.rates, k, t)

    @property
    def exponential_rates(self) -> tuple[Expr, Expr] | None:
        """Unbounded where the support is, and for sums of Poisson variables; otherwise not known here."""
        if self.rates is not None:
            return oo, oo
        lower, upper = self.support
        return (oo, oo) if lower.is_finite and upper.is_finite else None

    @property
    def _shown(self) -> tuple[Basic, ...]:
        """What stands in its brackets: its parameters, or the density of one that has none."""
        return (self.density(Symbol("x")),) if is_handmade(self.distribution) else self.distribution.args

    def _sympystr(self, printer: object) -> str:
        inside = ", ".join(printer._print(a) for a in self._shown)  # type: ignore[attr-defined]
        return f"{self.name}({inside})"

    def _latex(self, printer: object) -> str:
        inside = ", ".join(printer._print(a) for a in self._shown)  # type: ignore[attr-defined]
        return rf"\mathrm{{{self.name}}}\left({inside}\right)"


def _name(distribution: Basic) -> str:
    return type(distribution).__name__.replace(HANDMADE, "RV").removesuffix("Distribution")


@lru_cache(maxsize=256)
def _check(distribution: Basic) -> None:
    """Let sympy check the parameters; of a density that is given we check the mass: sympy may take minutes."""
    if not is_handmade(distribution):
        type(distribution).check(*distribution.args)
        return
    discrete = bool(distribution.set.is_subset(S.Integers))
    parts = None if discrete else _parts(distribution)
    check_density(parts or ((*_ends(distribution), _unguarded(distribution.pdf(X))),), X, discrete)


def _unguarded(density: Expr) -> Expr:
    """Return a density on its support."""
    if isinstance(density, Piecewise) and len(density.args) == 2 and density.args[1][0] == 0:
        return density.args[0][0]
    return density


@lru_cache(maxsize=256)
def _ends(distribution: Basic) -> tuple[Expr, Expr]:
    """Return the ends of the set of a distribution."""
    name = _name(distribution)
    domain = SETS[name](distribution) if name in SETS else distribution.set
    return domain.inf, domain.sup


@lru_cache(maxsize=256)
def _parts(distribution: Basic) -> tuple[Piece, ...] | None:
    """Return the parts of the support of a continuous distribution, in `X`."""
    return parts_of_density(summed(distribution.pdf(X)), X, _ends(distribution))


@lru_cache(maxsize=256)
def _density(distribution: Basic) -> Expr:
    """Return the density of a continuous distribution on its support, in `X`."""
    return _unguarded(summed(distribution.pdf(X)))


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
