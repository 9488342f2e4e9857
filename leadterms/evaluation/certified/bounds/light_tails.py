r"""How large an inverse information is under weights with light tails: |F| <= sum k (1 + |u|)^alpha/lambda, F = N/D.

D = f det H, H = sum_s p_s E_s[w a a'] in the effects u, that in the standard effects z being R'HR, u = mean + R z, and
lambda the latter's least eigenvalue.

**By entries**, where N/det H is a sum of c u^alpha (H^{-1})_kl and c u^alpha (H^{-1} h_b)_k, h_b = E[w a b]
(`inverse_entries`).  With r_k the rows of R, H^{-1} = R (R'HR)^{-1} R', and q_k = (H^{-1})_kk <= |r_k|^2/lambda:

    |(H^{-1})_kl| <= (q_k q_l)^{1/2},    |(H^{-1} h_b)_k| <= q_k^{1/2} C^{1/2},    h_b'H^{-1} h_b <= E[w b^2] <= C,

C the supremum over u; for sums of 1/lambda alone q_k^{1/2} <= |r_k| L^{1/2}/lambda, L that of E[w |a|^2], a = d eta/dz.

*Complex weights* v, |arg v - theta| <= t, e^-loss <= |v|/w <= e^gain.  e^{-i theta} H in v has a real part P that is at
least cos(t) e^-loss times H in w, and is P^{1/2}(I + iK)P^{1/2}, K symmetric.  The norm of (I + iK)^{-1} is at most 1:
all is as above with P in place of H, and in place of the last inequality
|x'h_b|^2 <= E[|v| (a'x)^2] E[|v| b^2] <= e^(gain + loss) sec(t) x'Px e^gain C.  So the bounds grow by
e^(gain + loss) sec(t) at most, without h_b by e^loss sec(t); also where `turning` leaves panels out, which keeps to
P >= cos(t) e^-loss H and |v| <= e^gain w in their means.

**By terms below**, where D is a sum of positive multiples d of products of means W_s = E_s[w]: where each term
c u^alpha M_1 ... M_r of N has one in D with the means W_s of the same strands, as |M| <= sup|x^e| W_s,

    |F| <= sum |c/d| |u|^alpha prod sup|x^e|,

without lambda: regressions on rows that take a few values are such.  *Complex weights* with |arg v - theta| <= t, D of
degree q, as N: the modulus of D is at least cos(q t) times the sum of those of its terms, and
|E_s[x^e v]| <= sup|x^e| sec(t) |E_s[v]|, sec(t)^q <= sec(q t).

**By terms**, one effect or two.  N is a sum of terms c u^alpha M_1 ... M_r.  For d = 2 one of the moments
M = E_s[x^e w] must have |x^e| <= C |a|^2, so that |M| <= C tr(H)/p_s, and tr(H)/det(H) <= 2/lambda; for d = 1
1/det(H) = 1/lambda.  The other moments are at most sup w E|x|^e.  *Complex weights*: |det H| is at least
cos^d(t) det E[|v| a a'].

C: let a = T m with monomials m of full column rank in T, and x^e = m_i m_j y with y bounded.  Then m = T^+ a,
|m_i m_j| <= |m|^2, or |m|^2/2 for i != j, and |m|^2 <= |T^+|^2 |a|^2 in Frobenius' norm.

**A constant row**, d = 1, a = r: each H is sum_s p_s r_s^2 E_s[w], so that a moment |E_s[x^e w]| is at most
sup|x^e|/(p_s r_s^2) times it, where that is finite.  If all terms of N have one moment 1/lambda is not needed: such are
averages of regressions on a random intercept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import largest_moment
from leadterms.evaluation.certified.floors.far_information import far_corners
from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.moments.polynomials import columns, columns_in_monomials, supremum, times
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, inner, smaller
from leadterms.evaluation.moment_system import (
    EntryCeiling,
    InverseCeiling,
    InverseEntry,
    InverseForm,
    NumeratorTerm,
    Sector,
)

Term = tuple[Ball, tuple[int, ...]]
"""k and alpha."""
MOST_BY_TERMS = 2
"""Random effects: with more tr(H)^(d - 1)/det(H) is not at most a multiple of the inverse of the least eigenvalue."""


def under_light_tails(problems: Sequence[Problem], form: InverseForm) -> tuple[InverseCeiling, Sector]:
    """Bound F, and say what holds for complex weights.

    Raises
    ------
    EvaluationError
        If no such bound is known.

    """
    size = len(form.mean)
    quotients = _scaled(form, [_quotient(problems, form, term) for term in form.terms])
    if _are_finite(quotients):
        return _ceiling(form, quotients, without_inverse=True), _sector(form, quotients, size)
    if size > 1 and form.entries:
        entries = [_entry(problems, form, entry) for entry in form.entries]
        found = _by_least_eigenvalue(problems, form, entries)
        if _are_finite(found):
            gains = int(any(entry.column for entry in form.entries))
            sector = Sector(1, 1, gains, _growth(form, found), losses=1, turns=True)
            return replace(_ceiling(form, found), entries=tuple(entries)), sector
    if size > MOST_BY_TERMS:
        raise EvaluationError(
            f"an average over {size} random effects is certified under the probit and complementary log-log links "
            "where its integrand is recognised as entries of the inverse information or regressions on block A"
        )
    shares = _scaled(form, [_share(problems, form, term) for term in form.terms])
    if not _are_finite(shares):
        raise EvaluationError(
            "no bound of the inverse information is known: a moment of its numerator is not one of the random terms"
        )
    return _ceiling(form, shares), _sector(form, shares, size)


def by_terms_below(problems: Sequence[Problem], form: InverseForm) -> tuple[InverseCeiling, Sector] | None:
    """Bound N/D by terms of D with the same strands, None where there are none; not the average of one ratio."""
    if len(form.mean) == 1 or any(any(e) for term in form.below for _, e in term.moments):
        return None
    below = {_strands_of(term): arb(term.coefficient) for term in form.below}
    if not below or not (all(bool(d > 0) for d in below.values()) or all(bool(d < 0) for d in below.values())):
        return None
    found = []
    for term in form.terms:
        size = abs(arb(term.coefficient) / below.get(_strands_of(term), NAN))
        for strand, exponents in term.moments:
            size *= supremum(problems[strand], {exponents: arb(1)})
        found.append((size.abs_upper(), term.powers))
    degrees = {len(term.moments) for term in form.below}
    if not _are_finite(found) or len(degrees) != 1:
        return None
    sector = Sector(degrees.pop(), 2, 0, _growth(form, found), turns=True, one_by_one=True)
    return _ceiling(form, found, without_inverse=True), sector


def is_outweighed(problems: Sequence[Problem], form: InverseForm) -> bool:
    """Tell whether 1/lambda is shown to have an average."""
    try:
        far_corners(PanelInformation(problems, [arb(p) for p in form.probabilities]))
    except EvaluationError:
        return False
    return True


def _strands_of(term: NumeratorTerm) -> tuple[int, ...]:
    return tuple(sorted(strand for strand, _ in term.moments))


def _ceiling(form: InverseForm, terms: Sequence[Term], *, without_inverse: bool = False) -> InverseCeiling:
    return InverseCeiling(tuple(terms), form.mean, form.root, form.probabilities, without_inverse)


def _sector(form: InverseForm, terms: Sequence[Term], size: int) -> Sector:
    """Return what holds of terms of N over det H."""
    gains = max(1, *(len(term.moments) for term in form.terms))
    return Sector(1, size, gains, _growth(form, terms), losses=size, turns=True)


def _growth(form: InverseForm, terms: Sequence[Term]) -> tuple[Ball, ...]:
    """Return the rates at which the powers of u grow with the imaginary parts of z."""
    highest = [max(powers) for powers in zip(*(powers for _, powers in terms), strict=True)]
    return tuple(
        sum((power * abs(arb(row[j])) for power, row in zip(highest, form.root, strict=True)), arb(0)).abs_upper()
        for j in range(len(form.mean))
    )


def _are_finite(terms: Sequence[Term]) -> bool:
    return all(bool(k.is_finite()) for k, _ in terms)


def _scaled(form: InverseForm, sizes: Sequence[Ball]) -> list[Term]:
    """Return terms of N, by these bounds over tr(R'HR)^(d - 1), over D."""
    factor = len(form.mean) * arb_mat([[arb(entry) for entry in row] for row in form.root]).det() ** 2
    factor /= abs(arb(form.factor))
    return [((factor * size).abs_upper(), term.powers) for size, term in zip(sizes, form.terms, strict=True)]


def _entry(problems: Sequence[Problem], form: InverseForm, entry: InverseEntry) -> EntryCeiling:
    """Bound an entry by q_k and q_l."""
    size = abs(arb(entry.coefficient) / arb(form.factor))
    if entry.other is None:
        size *= _square(problems, form, entry.column).sqrt()
    return EntryCeiling(size.abs_upper(), entry.powers, entry.row, entry.other)


def _by_least_eigenvalue(problems: Sequence[Problem], form: InverseForm, entries: Sequence[EntryCeiling]) -> list[Term]:
    """Bound entries by 1/lambda."""
    lengths = [inner(row, row).sqrt() for row in ([arb(one) for one in row] for row in form.root)]
    own = [[dict(column) for column in columns(problem)] for problem in problems]
    rows = sum((_square(problems, form, [strand[j] for strand in own]) for j in range(len(form.mean))), arb(0))
    return [
        (
            (one.factor * lengths[one.row] * (rows.sqrt() if one.other is None else lengths[one.other])).abs_upper(),
            one.powers,
        )
        for one in entries
    ]


def _square(problems: Sequence[Problem], form: InverseForm, column: Sequence[Mapping[tuple[int, ...], Ball]]) -> Ball:
    """Bound E[w b^2] for all effects, b a column of the design."""
    total = arb(0)
    for problem, p, b in zip(problems, form.probabilities, column, strict=True):
        own = {exponents: arb(c) for exponents, c in b.items()}
        for exponents, c in times(own, own).items():
            total += abs(arb(p) * c) * largest_moment(problem, exponents)
    return total.abs_upper() if total.is_finite() else NAN


def _quotient(problems: Sequence[Problem], form: InverseForm, term: NumeratorTerm) -> Ball:
    """Bound |c M|/H for one moment M, bounded predictors and a constant row; not finite for other forms."""
    if len(form.mean) > 1 or len(term.moments) != 1:
        return NAN
    ((strand, exponents),) = term.moments
    problem = problems[strand]
    constant = problem.loadings[0][0]
    if not problem.fixed_slopes or constant.contains(0):
        return NAN
    size = supremum(problem, {exponents: abs(arb(term.coefficient))})
    return (size / (arb(form.probabilities[strand]) * constant * constant)).abs_upper()


def _share(problems: Sequence[Problem], form: InverseForm, term: NumeratorTerm) -> Ball:
    """Bound |c M_1 ... M_r| over tr(H)^(d - 1), by the best choice of a moment to compare with tr(H)."""
    sizes = [largest_moment(problems[strand], exponents) for strand, exponents in term.moments]
    coefficient = abs(arb(term.coefficient))
    if len(form.mean) == 1:
        return prod(sizes, start=coefficient)
    best = NAN
    for i, (strand, exponents) in enumerate(term.moments):
        share = _shares_of_square(problems[strand], exponents) / arb(form.probabilities[strand])
        found = prod(sizes[:i] + sizes[i + 1 :], start=coefficient * share)
        best = smaller(best, found)
    return best


def _shares_of_square(problem: Problem, exponents: Sequence[int]) -> Ball:
    """Return C with |x^e| <= C |a|^2, not finite where there is none of this form."""
    monomials, change = columns_in_monomials(problem)
    try:
        inverse = (change.transpose() * change).inv() * change.transpose()
    except ZeroDivisionError:
        return NAN
    norm = sum((entry * entry for entry in inverse.entries()), arb(0))
    best = NAN
    for i, first in enumerate(monomials):
        for j, second in enumerate(monomials[: i + 1]):
            rest = [power - a - b for power, a, b in zip(exponents, first, second, strict=True)]
            named = zip(problem.lines, rest, strict=True)
            if min(rest, default=0) < 0 or any(k and not line.plain for line, k in named):
                continue
            size = prod((r**power for r, power in zip(problem.reaches, rest, strict=True) if power), start=norm)
            best = smaller(best, (size if i == j else size / 2).abs_upper())
    return best
