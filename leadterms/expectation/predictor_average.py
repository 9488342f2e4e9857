"""E[P(X) w(eta(X))] over all predictors, reduced to products of one-predictor expectations.

Finite predictors are summed over; predictors that eta does not contain give raw moments; an exponential
weight factorises over independent predictors and tilts the normal ones.  What is left is held, one object
for each one-predictor expectation, together with the request that a closed form would answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Integer, Matrix, Mul, Poly, Symbol, Tuple, exp, expand, log
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.existence import (
    decaying_weight_conditions,
    exponential_conditions,
    moment_conditions,
    polynomial_exponent_conditions,
)
from leadterms.expectation.gaussian import normal_polynomial_moment, quadratic_parts, tilt
from leadterms.expectation.held import Expectation, variables_of
from leadterms.expectation.predictor_moments import MomentRequest
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    Weight,
)

UNIT_EXPONENTIAL = ExponentialWeight(Integer(1))


class PredictorAverage:
    """Averages over the predictors for one weight and one linear predictor.

    Parameters
    ----------
    weight
        The weight w.
    eta
        The linear predictor, in the predictors, the parameters and the random effects.
    bindings
        Pairs (predictor, law), or (tuple of predictors, joint law); independent of each other.
    effects
        The random effects in eta: given, but normal, so that they range over the whole line.

    Attributes
    ----------
    requests
        The held one-predictor expectations met so far, each with its request.
    conditions
        The conditions for existence met so far.

    """

    def __init__(self, weight: Weight, eta: Expr, bindings: Sequence[Tuple], effects: Sequence[Symbol] = ()) -> None:
        self.weight = weight
        self.eta = eta
        self.bindings = tuple(bindings)
        self.effects = frozenset(effects)
        self.requests: dict[Expectation, MomentRequest] = {}
        self.conditions: dict[Boolean, None] = {}

    def of(self, factor: Expr) -> Expr:
        """Return E[factor * w(eta)] given the random effects.

        Raises
        ------
        ExistenceError
            If the expectation is infinite.
        UndecidedError
            If its existence could not be decided.

        """
        total = Integer(0)
        for term in Add.make_args(expand(factor)):
            total += self._term(term, self.eta, self.bindings)
        return total

    def _term(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        if isinstance(self.weight, ConstantWeight):
            return self.weight.scale * self._raw(factor, bindings)
        for index, (x, law) in enumerate(bindings):
            if isinstance(law, Law) and law.atoms_with_probability is not None and eta.has(x):
                rest = bindings[:index] + bindings[index + 1 :]
                return sum(
                    (
                        p * self._term(factor.xreplace({x: v}), eta.xreplace({x: v}), rest)
                        for v, p in law.atoms_with_probability
                    ),
                    Integer(0),
                )
        inside = tuple(b for b in bindings if eta.has(*variables_of(b)))
        outside = tuple(b for b in bindings if b not in inside)
        if factor == 0:
            return Integer(0)
        within, without = _split_factor(factor, [v for b in inside for v in variables_of(b)])
        value = self._raw(without, outside)
        if not inside:
            return value * self.weight.at(eta)
        if isinstance(self.weight, ExponentialWeight):
            return value * self._exponential(within, eta, inside)
        return value * self._weighted(within, eta, inside)

    def _raw(self, factor: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """E[factor], a product over the independent bindings."""
        value = Integer(1)
        for binding in bindings:
            part, factor = _split_factor(factor, list(variables_of(binding)))
            if part != 1:
                value *= self._raw_one(part, binding)
        return value * factor

    def _raw_one(self, part: Expr, binding: Tuple) -> Expr:
        variables, law = variables_of(binding), binding[1]
        if part.is_polynomial(*variables):
            if isinstance(law, JointNormalLaw):
                return normal_polynomial_moment(part, variables, law.mean, law.covariance)
            (power,), coefficient = Poly(part, *variables).LM().exponents, Poly(part, *variables).LC()
            moment = law.raw_moment(power)
            if moment is None:
                moment_conditions(law, power, variables[0].name)
                moment = Expectation(variables[0] ** power, binding)
            return coefficient * moment
        if isinstance(law, Law) and law.atoms_with_probability is not None:
            return sum((p * part.xreplace({variables[0]: v}) for v, p in law.atoms_with_probability), Integer(0))
        _require_smooth(part, binding)
        return Expectation(part, binding)

    def _exponential(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """Exponential weight: one factor for each group of predictors that the exponent couples."""
        exponent = expand(self.weight.rate * eta)  # type: ignore[attr-defined]
        constant, groups = _couple(exponent, bindings)
        value = self.weight.scale * exp(constant)
        for group, part in groups:
            inner, factor = _split_factor(factor, [v for b in group for v in variables_of(b)])
            value *= self._tilted(inner, part, group)
        return value * factor

    def _tilted(self, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> Expr:
        """E[factor * exp(exponent)] over coupled predictors, the normal ones integrated first."""
        normal = tuple(b for b in group if isinstance(b[1], JointNormalLaw | NormalLaw))
        others = tuple(b for b in group if b not in normal)
        variables = [v for b in normal for v in variables_of(b)]
        if normal and factor.is_polynomial(*variables) and quadratic_parts(exponent, variables) is not None:
            mean, covariance = _joint_parameters(normal)
            square = tilt(exponent, variables, mean, covariance)
            assert square is not None  # the exponent was found to be quadratic
            bound = {v for b in others for v in variables_of(b)}
            self._admit(square.conditions, bound)
            value = square.factor * normal_polynomial_moment(factor, variables, square.mean, square.covariance)
            if not others:
                return value
            for binding in others:
                _require_bounded(binding)
            return Expectation(value, *others)
        if len(group) == 1 and len(variables_of(group[0])) == 1:
            return self._tilted_one(factor, exponent, group[0])
        for binding in group:
            _require_bounded(binding)
        return Expectation(factor * exp(exponent), *group)

    def _tilted_one(self, factor: Expr, exponent: Expr, binding: Tuple) -> Expr:
        x, law = binding
        if not (exponent.is_polynomial(x) and factor.is_polynomial(x)):
            _require_smooth(factor * exponent, binding)
            return Expectation(factor * exp(exponent), binding)
        poly = Poly(exponent, x)
        random = bool(exponent.free_symbols & self.effects)
        if random and not _is_bounded(law):
            raise ExistenceError(
                f"E[exp({exponent})] over {x} ~ {law} and the normal random effects is infinite: a random slope on "
                f"{x} needs a bounded or normal {x}"
            )
        if poly.degree() > 1:
            self._admit(polynomial_exponent_conditions(law, exponent, x))
            return Expectation(factor * exp(exponent), binding)
        slope = poly.coeff_monomial(x)
        self._admit(exponential_conditions(law, slope, x.name))
        (power,), coefficient = Poly(factor, x).LM().exponents, Poly(factor, x).LC()
        return coefficient * self._request(MomentRequest(power, UNIT_EXPONENTIAL, Integer(0), slope, law), x)

    def _weighted(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """Any other weight: one held expectation over all predictors in eta."""
        for binding in bindings:
            self._check_weighted(factor, eta, binding)
        if len(bindings) == 1 and len(variables_of(bindings[0])) == 1:
            x, law = bindings[0]
            if eta.is_polynomial(x) and factor.is_polynomial(x) and Poly(eta, x).degree() == 1:
                (power,), coefficient = Poly(factor, x).LM().exponents, Poly(factor, x).LC()
                line = Poly(eta, x)
                request = MomentRequest(power, self.weight, line.coeff_monomial(1), line.coeff_monomial(x), law)
                return coefficient * self._request(request, x)
        return Expectation(factor * self.weight.at(eta), *bindings)

    def _check_weighted(self, factor: Expr, eta: Expr, binding: Tuple) -> None:
        variables, law = variables_of(binding), binding[1]
        if not (factor.is_polynomial(*variables) and eta.is_polynomial(*variables)):
            _require_smooth(factor * eta, binding)
            return
        if isinstance(law, JointNormalLaw) or isinstance(self.weight, PowerWeight):
            return
        x = variables[0]
        power = Poly(factor, x).degree()
        if isinstance(self.weight, LogisticWeight | ProbitWeight | CloglogWeight) and Poly(eta, x).degree() == 1:
            self._admit(decaying_weight_conditions(law, power, Poly(eta, x).LC(), x.name))
        else:
            moment_conditions(law, power, x.name)

    def _request(self, request: MomentRequest, x: Symbol) -> Expr:
        held = request.held(x)
        self.requests[held] = request
        return held

    def _admit(self, conditions: tuple[Boolean, ...], bound: set[Symbol] | frozenset[Symbol] = frozenset()) -> None:
        for condition in conditions:
            if condition.free_symbols & self.effects:
                raise ExistenceError(
                    f"the expectation is finite only where {condition}, which fails with positive probability "
                    "because the random effects are normal"
                )
            if condition.free_symbols & bound:
                raise UndecidedError(f"whether {condition} holds on the whole support could not be decided")
            self.conditions[condition] = None


def _split_factor(factor: Expr, variables: list[Symbol]) -> tuple[Expr, Expr]:
    """Split a product into the part with the variables and the part without."""
    inside: list[Expr] = []
    outside: list[Expr] = []
    for part in Mul.make_args(factor):
        (inside if part.has(*variables) else outside).append(part)
    return Mul(*inside), Mul(*outside)


def _couple(exponent: Expr, bindings: tuple[Tuple, ...]) -> tuple[Expr, list[tuple[tuple[Tuple, ...], Expr]]]:
    """Split a sum into its constant and the parts of groups of bindings that no term connects."""
    constant = Integer(0)
    groups: list[tuple[tuple[Tuple, ...], Expr]] = []
    for term in Add.make_args(exponent):
        touched = tuple(b for b in bindings if term.has(*variables_of(b)))
        if not touched:
            constant += term
            continue
        joined, part, rest = touched, term, []
        for group, other in groups:
            if set(group) & set(joined):
                joined = tuple(b for b in bindings if b in group or b in joined)
                part += other
            else:
                rest.append((group, other))
        groups = [*rest, (joined, part)]
    return constant, groups


def _joint_parameters(bindings: tuple[Tuple, ...]) -> tuple[list[Expr], Matrix]:
    means: list[Expr] = []
    blocks: list[Matrix] = []
    for _, law in bindings:
        if isinstance(law, JointNormalLaw):
            means.extend(law.mean)
            blocks.append(Matrix(law.covariance))
        else:
            means.append(law.args[0])
            blocks.append(Matrix([[law.args[1] ** 2]]))
    return means, Matrix.diag(*blocks)


def _is_bounded(law: Law | JointNormalLaw) -> bool:
    if isinstance(law, JointNormalLaw):
        return False
    return all(end.is_finite is not False for end in law.support)


def _require_bounded(binding: Tuple) -> None:
    if not _is_bounded(binding[1]):
        names = ", ".join(v.name for v in variables_of(binding))
        raise UndecidedError(
            f"whether the expectation over {names} ~ {binding[1]} exists could not be decided: the linear predictor "
            "couples it with other predictors; use a bounded or normal law"
        )


def _require_smooth(expression: Expr, binding: Tuple) -> None:
    """A predictor that is not a polynomial must be smooth on a bounded support."""
    _require_bounded(binding)
    for x in variables_of(binding):
        lower, upper = binding[1].support
        for part in expression.atoms(log):
            _require_positive(part.args[0], x, lower, upper)
        for part in expression.find(lambda e: e.is_Pow and e.base.has(x) and not (e.exp.is_Integer and e.exp > 0)):
            _require_positive(part.base, x, lower, upper)


def _require_positive(argument: Expr, x: Symbol, lower: Expr, upper: Expr) -> None:
    affine = argument.is_polynomial(x) and Poly(argument, x).degree() <= 1
    if not (affine and argument.subs(x, lower).is_positive and argument.subs(x, upper).is_positive):
        raise UndecidedError(f"whether {argument} stays positive on the support of {x} could not be decided")
