r"""Nested GLMM, second terms: the joint covariance of (beta_A, vech Sigma, beta_B) through order 1/(mn).

With theta = (beta_A, vech Sigma), t(u) its score under the law of the random effects, T = Cov t(U), J(u) = dt/du' and

    L = E[J H_AA^{-1} J'],   C = E[J H_AA^{-1} H_AB],   G = E[H_BB - H_BA H_AA^{-1} H_AB],

the information of a group is I_tt = T - (phi/n) L, I_tB = C, I_BB = (n/phi) G to the order needed, and

    m Cov = [ T^{-1} + (phi/n) T^{-1}(L + C G^{-1} C')T^{-1}, -(phi/n) T^{-1} C G^{-1} ]
            [ .                                             ,  (phi/n) G^{-1}          ].

**What T^{-1}J is.**  For U ~ N(0, Sigma), t = (Sigma^{-1}u, D'(Sigma^{-1} x Sigma^{-1}) vec(uu' - Sigma)/2) and
T^{-1} = blockdiag(Sigma, 2D+(Sigma x Sigma)D+').  Then J = (Sigma^{-1}, D'(Sigma^{-1}u x Sigma^{-1})), and
T^{-1}J = (I, 2D+(u x I)): the row of sigma_kl is u_k e_l' + u_l e_k'.  So

    W(u) := T^{-1}J(u) = d(u, vech uu')/du',

the estimator sees each group's effect u and its products uu' with the error of estimating u, whose covariance is
(phi/n) H_AA^{-1}.  No inverse of Sigma is left.  Independent blocks of random effects (the double bar) restrict T to
the free entries of Sigma; T is block diagonal with them, and the same rows of W stay.

**Group-level predictors.**  Where the mean of the random coefficients is M z, theta holds the entries of M that the
model has: t_j = z_j (Sigma^{-1}u)_k(j), T_jj' = E[z_j z_j'] (Sigma^{-1})_k(j)k(j'), and W has the rows
sum_j' (T^{-1})_jj' z_j' e_k(j')'Sigma^{-1}.  Averages are over z too.

Terms of order 1/m^2, such as the bias of Sigma^, are left out: n/m -> 0 keeps them smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

from sympy import Dummy, Expr, Function, Integer, Matrix, Mul, Poly, Pow, Symbol, cosh, exp, fraction, sinh, together

from leadterms.algebra.canonical import canonical
from leadterms.algebra.parts import parts_of
from leadterms.algebra.rational_field import Fraction, inverse, lift
from leadterms.asymptotics.nested import ThetaInformation, written_out
from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.effects_average import average_over_effects
from leadterms.expectation.held import Expectation, revealed
from leadterms.expectation.inverse_existence import AT_MOST_EXPONENTIAL, entry_exists, inverse_exists, regression_exists
from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided
from leadterms.expectation.random_rows import BlockA
from leadterms.information.groups import GroupKind
from leadterms.model.group_level import EffectsDesign


@dataclass(frozen=True)
class Averaged:
    """An average over the random effects and the kinds of groups.

    Parameters
    ----------
    value
        In held expectations; 0 where it does not exist.
    whole
        The same with weights at single points of the design kept whole.
    existence
        Whether it exists, and under which conditions.

    """

    value: Expr
    whole: Expr
    existence: Existence = EXISTS

    def plus(self, other: Averaged) -> Averaged:
        """Return the sum."""
        return Averaged(self.value + other.value, self.whole + other.whole, self.existence & other.existence)


NOTHING = Averaged(Integer(0), Integer(0))


@dataclass(frozen=True)
class SecondTerms:
    """The averages that the second terms consist of.

    Parameters
    ----------
    spread
        E[W H_AA^{-1} W'] = T^{-1} L T^{-1} by pairs of rows, the first not after the second: rows of the moved fixed
        effects, then of the free entries of Sigma.
    regression
        R = E[W H_AA^{-1} H_AB] = T^{-1} C.

    """

    spread: dict[tuple[int, int], Averaged]
    regression: dict[tuple[int, int], Averaged]


def second_terms(
    split: EffectsDesign,
    theta: ThetaInformation,
    kinds: Sequence[GroupKind],
    block: BlockA,
    products: Sequence[tuple[int, int]],
) -> SecondTerms:
    """Return the averages over the random effects and the kinds of groups.

    Parameters
    ----------
    split
        Which fixed effects move which random coefficient.
    theta
        T^{-1}.
    kinds
        The kinds of groups.
    block
        Weight, random effects and their covariance; the linear predictor and the rows are those of each kind.
    products
        The pairs (k, l) of random effects whose covariance is free, in the order of vech Sigma.

    """
    spread: dict[tuple[int, int], Averaged] = {}
    regression: dict[tuple[int, int], Averaged] = {}
    for kind in kinds:
        own = _of_kind(split, theta, kind, replace(block, eta=kind.eta), products)
        for total, part in ((spread, own.spread), (regression, own.regression)):
            for key, averaged in part.items():
                total[key] = total.get(key, NOTHING).plus(averaged)
    return SecondTerms(spread, regression)


def _of_kind(
    split: EffectsDesign,
    theta: ThetaInformation,
    kind: GroupKind,
    block: BlockA,
    products: Sequence[tuple[int, int]],
) -> SecondTerms:
    effects = block.effects
    size_a, size = len(effects), len(kind.information.matrix)
    means = _mean_rows(split, theta, kind)
    entries = [entry for row in kind.information.matrix for entry in row]
    field, flat = lift([*entries, *effects, *(entry for row in means for entry in row), kind.probability])
    information = [flat[size * i : size * (i + 1)] for i in range(size)]
    u = flat[size * size : size * size + size_a]
    rest = flat[size * size + size_a : -1]
    zero, probability = field.zero, flat[-1]
    w_rows = [list(rest[size_a * i : size_a * (i + 1)]) for i in range(len(means))]
    for k, l in products:
        row = [zero] * size_a
        row[l] = row[l] + u[k]
        row[k] = row[k] + u[l]
        w_rows.append(row)
    covariance = inverse([row[:size_a] for row in information[:size_a]])
    weighted = [[_dot(row, [line[b] for line in covariance], zero) for b in range(size_a)] for row in w_rows]
    inverse_known, regression_known = _known(block, kind, size_a)

    # the rows of W are those of the effects and their products, but for the means of groups with predictors
    first_plain = len(means) if split.has_group_factors else 0

    def averaged(entry: Fraction, known: Existence, *, is_variance: bool = False, is_plain: bool = False) -> Averaged:
        integrand = canonical(field.to_sympy(entry * probability))
        return _average(integrand, block, known, is_variance=is_variance, is_plain=is_plain)

    spread = {
        (r, s): averaged(
            _dot(weighted[r], w_rows[s], zero), inverse_known, is_variance=r == s, is_plain=r >= first_plain
        )
        for r, s in combinations_with_replacement(range(len(w_rows)), 2)
    }
    regression = {
        (r, j): averaged(_dot(weighted[r], [line[size_a + j] for line in information[:size_a]], zero), regression_known)
        for r in range(len(w_rows))
        for j in range(size - size_a)
    }
    return SecondTerms(spread, regression)


def _known(block: BlockA, kind: GroupKind, size_a: int) -> tuple[Existence, Existence]:
    """Return what is known of all entries with H_AA^{-1} and of all with H_AA^{-1} H_AB."""
    others = tuple(kind.columns[size_a:])
    if kind.information.is_almost_sure and not isinstance(block.weight, AT_MOST_EXPONENTIAL):
        # what is known of heavy rows under other weights asks for moments
        unknown = undecided("a random slope stands at a law without a second moment, and the weight has light tails")
        return unknown, unknown
    return inverse_exists(block), regression_exists(block, others)


def _mean_rows(split: EffectsDesign, theta: ThetaInformation, kind: GroupKind) -> list[list[Expr]]:
    """Return the rows of W for the moved fixed effects, for a kind of group."""
    size_a = len(split.within)
    if not split.has_group_factors:
        return [[Integer(int(i == j)) for j in range(size_a)] for i in range(size_a)]
    factors = [factor.xreplace(dict(kind.values)) for factor in split.factor]
    return [
        [
            sum(
                (
                    theta.covariance[i][j] * factors[j] * theta.precision[split.effect[j]][k]
                    for j in range(len(factors))
                ),
                Integer(0),
            )
            for k in range(size_a)
        ]
        for i in range(len(split.moved))
    ]


def _average(
    integrand: Expr, block: BlockA, known: Existence, *, is_variance: bool = False, is_plain: bool = False
) -> Averaged:
    """Average one entry over the random effects, where that exists."""
    existence = entry_exists(integrand, block, known, is_variance=is_variance, is_plain=is_plain)
    if existence.verdict is not True:
        return Averaged(Integer(0), Integer(0), existence)
    try:
        average = average_over_effects(_closable(integrand, block.effects), block.effects, block.covariance)
    except ExistenceError as error:
        return Averaged(Integer(0), Integer(0), Existence(False, reason=str(error)))
    except UndecidedError as error:
        return Averaged(Integer(0), Integer(0), undecided(str(error)))
    found = existence & Existence(True, average.conditions)
    return Averaged(written_out(average.value), average.value, found)


def _closable(integrand: Expr, effects: tuple[Symbol, ...]) -> Expr:
    """Put weights at points back where that leaves a sum of exponentials times polynomials, which closes.

    One over a logistic weight is 2 + 2 cosh eta.
    """
    held = parts_of(integrand, Expectation)
    if not any(not node.bindings for node in held) or _divides_by_sums(integrand, held, effects):
        return integrand
    above, below = fraction(together(canonical(revealed(integrand))))
    if below.has(*effects) and not all(isinstance(part, exp) for part in Mul.make_args(below) if part.has(*effects)):
        return integrand
    plain = above.rewrite([sinh, cosh], exp).expand() / below
    functions = {part for part in parts_of(plain, Function) if part.has(*effects)}
    return plain if all(isinstance(part, exp) for part in functions) and not plain.has(Expectation) else integrand


def _divides_by_sums(integrand: Expr, held: Iterable[Expectation], effects: tuple[Symbol, ...]) -> bool:
    """Tell whether something is divided by a sum with the effects in it: by a determinant of several points' weights.

    Its zeros, those of a sum of exponentials too, are poles that exponentials times polynomials do not have.
    """
    marks: dict[Expr, Symbol] = {}
    # weights at x and -x may be equal
    known = {node: marks.setdefault(canonical(revealed(node)), Dummy()) for node in held}
    moved = (*effects, *(mark for written, mark in marks.items() if written.has(*effects)))
    powers = integrand.xreplace(known).atoms(Pow)
    divisors = {power.base for power in powers if power.base.is_Add and power.exp.is_negative}
    return any(_has_terms(divisor, moved) for divisor in divisors if divisor.has(*moved))


def _has_terms(divisor: Expr, symbols: Sequence[Symbol]) -> bool:
    """Tell whether a sum has more than one term in these symbols."""
    return not divisor.is_polynomial(*symbols) or len(Poly(divisor, *symbols).terms()) > 1


def _dot(first: Sequence[Fraction], second: Sequence[Fraction], zero: Fraction) -> Fraction:
    return sum((a * b for a, b in zip(first, second, strict=True)), zero)


def free_products(covariance: Matrix) -> list[tuple[int, int]]:
    """Return the places (k, l) of the free entries of Sigma, column by column as vech does."""
    return [(i, j) for j in range(covariance.cols) for i in range(j, covariance.rows) if covariance[i, j] != 0]
