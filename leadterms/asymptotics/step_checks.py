"""What the steps of a derivation say, as equalities, each built on a road that the engine does not take.

Expectations are those of the definition, E[w(eta) x x'] with the weight (dmu/deta)^2/V of the link's mean and the
family's variance function; Schur complements and inverses are by cofactors; completed squares are compared with the
exponents that they came from; information of the law of the random effects is made from its log density.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement, product

from sympy import Add, Dummy, Expr, Integer, Matrix, Poly, Symbol, Tuple, diff, exp, eye

from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.derivation import Equality
from leadterms.expectation.effects_average import AveragedPiece, average_over_effects
from leadterms.expectation.gaussian import normal_polynomial_moment
from leadterms.expectation.held import Expectation, revealed
from leadterms.information.conditional import ConditionalInformation
from leadterms.information.groups import GroupKind
from leadterms.model.families import Family
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model
from leadterms.notation.functions import InverseEntry
from leadterms.notation.symbols import PHI

Rows = Sequence[Sequence[Expr]]


def weight_checks(model: Model) -> list[Equality]:
    """The weight is (dmu/deta)^2/V(mu)."""
    eta = Symbol("eta", positive=True) if model.link.positive else Symbol("eta", real=True)
    return [Equality(_weight(model, eta), model.link.weight.at(eta))]


def _weight(model: Model, eta: Expr) -> Expr:
    variable = Dummy("eta", real=True)
    mean = model.link.inverse(variable)
    weight = diff(mean, variable) ** 2 / model.family.variance(mean)
    return weight.xreplace({variable: eta})


def information_checks(model: Model, kind: GroupKind | None, matrix: Rows) -> list[Equality]:
    """Every entry of H is the expectation of the weight times a product of two terms."""
    eta = model.linear_predictor if kind is None else kind.eta
    columns = model.design if kind is None else kind.columns
    inside = [binding for binding in model.bindings if not _variables(binding) & set(model.group_level)]
    return [
        Equality(_expectation(model.link.weight.at(eta) * columns[i] * columns[j], inside), revealed(matrix[i][j]))
        for i, j in combinations_with_replacement(range(len(columns)), 2)
    ]


def _variables(binding: Tuple) -> set[Symbol]:
    return set(Expectation(Integer(1), binding).bound_symbols)


def _expectation(integrand: Expr, bindings: Sequence[Tuple]) -> Expr:
    """Return an expectation, laws with finitely many values summed over."""
    for binding in bindings:
        first, law = binding
        atoms = None if isinstance(law, JointNormalLaw) else law.atoms_with_probability
        if atoms is not None:
            others = [other for other in bindings if other != binding]
            return Add(*(p * _expectation(integrand.xreplace({first: value}), others) for value, p in atoms))
    needed = [binding for binding in bindings if integrand.has(*_variables(binding))]
    return Expectation(integrand, *needed) if needed else integrand


def closed_checks(information: ConditionalInformation, nodes: Sequence[Expectation]) -> list[Equality]:
    """Every closed form is the expectation that it stands for."""
    return [Equality(node, information.close(node).expression, exact_test=False) for node in nodes]


def inverse_checks(matrix: Rows, inverse: Rows, factor: Expr) -> list[Equality]:
    """A matrix times its inverse, which is ``factor`` times the matrix given, is the identity.

    Where the matrix given is this inverse by definition, not written out, there is nothing to verify.
    """
    size = range(len(matrix))
    if [list(row) for row in inverse] == [[factor * entry for entry in row] for row in InverseEntry.inverse(matrix)]:
        return []
    return [
        Equality(Add(*(matrix[i][k] * inverse[k][j] for k in size)), factor if i == j else Integer(0))
        for i, j in product(size, size)
    ]


def cofactor_inverse(rows: Rows) -> Matrix:
    """Return an inverse by cofactors, the entries being symbols to it."""
    size = len(rows)
    names = {(i, j): Dummy(f"h{i}{j}", real=True) for i in range(size) for j in range(i, size)}
    matrix = Matrix(size, size, lambda i, j: names[min(i, j), max(i, j)])
    inverse = matrix.adjugate() / matrix.det()
    return inverse.xreplace({name: rows[i][j] for (i, j), name in names.items()})


def schur_integrands(kind: GroupKind, size_a: int) -> Matrix:
    """Return H_BB - H_BA H_AA^{-1} H_AB of a kind of groups."""
    rows = Matrix(kind.information.matrix)
    inverse = cofactor_inverse([list(rows[i, :size_a]) for i in range(size_a)])
    across = rows[size_a:, :size_a]
    return rows[size_a:, size_a:] - across * inverse * across.T


def averages(
    kinds: Sequence[GroupKind], integrands: Sequence[Expr], effects: Sequence[Symbol], covariance: Matrix
) -> tuple[Expr, list[Equality]]:
    """Return the mean over U and the kinds of groups of one integrand for each kind, and why it is that."""
    total, equalities = Integer(0), []
    for kind, integrand in zip(kinds, integrands, strict=True):
        written = canonical(kind.probability * integrand)
        found = average_over_effects(written, effects, covariance)
        total += found.value
        equalities.append(Equality(kind.probability * integrand, written))
        if found.pieces:
            equalities += _pieces_checks(written, found.pieces, effects, covariance)
    return total, equalities


def _pieces_checks(
    whole: Expr, pieces: Sequence[AveragedPiece], effects: Sequence[Symbol], covariance: Matrix
) -> list[Equality]:
    """The pieces add up to the integrand, their squares are completed, and polynomials have their moments."""
    parts = [found.piece.constant * exp(found.piece.exponent) * found.piece.rest for found in pieces]
    equalities = [Equality(whole, Add(*parts))]
    for found in pieces:
        equalities += square_checks(found, effects, covariance)
        if found.piece.rest.is_polynomial(*effects):
            equalities.append(Equality(_moment(found, effects), found.average))
    return equalities


def square_checks(found: AveragedPiece, effects: Sequence[Symbol], covariance: Matrix) -> list[Equality]:
    """exp(q(u)) phi(u; 0, Sigma) = factor phi(u; mean, C): Hessians, gradients at the mean and values there agree.

    With Q the Hessian of q: (I - Sigma Q) C = Sigma, Sigma q'(mean) = mean, and the squares of the values at the mean,
    factor^2 det(I - Sigma Q) = exp{2 q(mean) - mean' q'(mean)}.
    """
    exponent, square = found.piece.exponent, found.tilted
    if exponent == 0:
        return []
    mean = Matrix(list(square.mean))
    at_mean = dict(zip(effects, square.mean, strict=True))
    size = range(len(effects))
    reduced = eye(len(effects)) - covariance * Matrix([[diff(exponent, a, b) for b in effects] for a in effects])
    kept = reduced * square.covariance
    gradient = Matrix([diff(exponent, effect).subs(at_mean, simultaneous=True) for effect in effects])
    pulled = covariance * gradient
    level = 2 * exponent.subs(at_mean, simultaneous=True) - (mean.T * gradient)[0]
    return [
        *(Equality(kept[i, j], covariance[i, j]) for i, j in product(size, size)),
        *(Equality(pulled[i], mean[i]) for i in size),
        Equality(square.factor**2 * reduced.det(), exp(level)),
    ]


def _moment(found: AveragedPiece, effects: Sequence[Symbol]) -> Expr:
    """E[polynomial] by derivatives of the moment generating function at zero."""
    t = [Dummy(f"t{i}", real=True) for i in range(len(effects))]
    vector, mean, spread = Matrix(t), Matrix(list(found.tilted.mean)), found.tilted.covariance
    generating = exp((vector.T * mean)[0] + (vector.T * spread * vector)[0] / 2)
    zero = dict.fromkeys(t, Integer(0))
    total = Integer(0)
    for powers, coefficient in Poly(found.piece.rest, *effects).terms():
        derivative = generating
        for variable, power in zip(t, powers, strict=True):
            derivative = diff(derivative, variable, power)
        total += coefficient * derivative.xreplace(zero)
    return total


def prior_checks(
    sigma: Matrix, components: Sequence[Symbol], moved: Sequence[int], means: Matrix, covariance: Rows
) -> list[Equality]:
    """T, the covariance of the scores of the law of U, times what is called T^{-1}, is the identity.

    With w = Sigma^{-1}u ~ N(0, P), P = Sigma^{-1}, the scores are w in the means of the random coefficients, and
    {w' S w - tr(P S)}/2, S = dSigma/dsigma, in a free entry sigma of Sigma.

    Parameters
    ----------
    sigma, components
        The covariance matrix of the random effects, and its free entries.
    moved
        For each fixed effect that moves a random coefficient, which one.
    means
        E[z_j z_k] of their group-level factors.
    covariance
        What is called T^{-1}.

    """
    size = sigma.rows
    w = [Dummy(f"w{i}", real=True) for i in range(size)]
    names = {(i, j): Dummy(f"p{i}{j}", real=True) for i in range(size) for j in range(i, size)}
    precision = Matrix(size, size, lambda i, j: names[min(i, j), max(i, j)])
    scores = [w[effect] for effect in moved]
    for parameter in components:
        direction = diff(sigma, parameter)
        scores.append((Matrix([w]) * direction * Matrix(w))[0] / 2 - (precision * direction).trace() / 2)
    inverse = cofactor_inverse(listed(sigma))
    known = {name: inverse[place] for place, name in names.items()}

    def expected(i: int, j: int) -> Expr:
        factor = means[i, j] if max(i, j) < len(moved) else Integer(1)
        moment = normal_polynomial_moment((scores[i] * scores[j]).expand(), w, [Integer(0)] * size, precision)
        return factor * moment.xreplace(known)

    places = range(len(scores))
    return inverse_checks([[expected(i, j) for j in places] for i in places], covariance, Integer(1))


def dispersion_checks(family: Family, coefficient: Expr) -> list[Equality]:
    """With tau = 1/phi the log density is tau S - A(tau), A(tau) = d(1/tau): Var S = A'', the information A''/phi^4."""
    tau = Dummy("tau", positive=True)
    spread = diff(family.dispersion_normaliser(1 / tau), tau, 2).subs(tau, 1 / PHI)
    return [Equality(1 / coefficient, spread / PHI**4)]


def listed(matrix: Matrix) -> list[list[Expr]]:
    """Return a matrix by rows."""
    return [list(matrix[i, :]) for i in range(matrix.rows)]
