"""E[P(X) w(eta(X))] over all predictors, reduced to products of one-predictor expectations.

Finite predictors are summed over, but for many combinations of values; predictors that eta does not contain give raw
moments; an exponential weight factorises over independent predictors and tilts the normal ones.  What is left is held,
one object for each one-predictor expectation, together with the request that a closed form would answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from sympy import Add, Basic, Dummy, Expr, Integer, Mul, Poly, Symbol, Tuple, exp, expand
from sympy.logic.boolalg import Boolean

from leadterms.expectation.admissions import Admissions
from leadterms.expectation.existence import (
    exponential_conditions,
    moment_conditions,
    polynomial_exponent_conditions,
)
from leadterms.expectation.exponential_admission import (
    admit_together,
    admits_monomials,
    refuse_random_slope,
    require_tame,
)
from leadterms.expectation.gaussian import normal_polynomial_moment, quadratic_parts, tilt
from leadterms.expectation.groups import groups_of, joint_parameters, split, variables_in
from leadterms.expectation.held import Expectation, kept_whole, variables_of
from leadterms.expectation.images import Images
from leadterms.expectation.mapped_law import MappedLaw
from leadterms.expectation.predictor_moments import MomentRequest
from leadterms.expectation.slow_functions import slow_conditions
from leadterms.expectation.support import at_value, is_bounded, require_smooth
from leadterms.expectation.weighted_admission import admit_weighted
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw
from leadterms.model.weights import ConstantWeight, ExponentialWeight, Weight

Average = Callable[[Expr, Expr, tuple[Tuple, ...]], Expr]
"""From a product, a linear predictor (or an exponent) and bindings to an expectation."""

MOST_COMBINATIONS = 4
"""So many combinations of values are always summed over, one by one."""
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
    joint
        Whether an exponential weight is held in one expectation over all predictors in eta, not as a product; no
        conditions are met then: they are those of the product.

    Attributes
    ----------
    requests
        The held one-predictor expectations met so far, each with its request.

    """

    def __init__(
        self,
        weight: Weight,
        eta: Expr,
        bindings: Sequence[Tuple],
        effects: Sequence[Symbol] = (),
        joint: bool = False,
    ) -> None:
        self.weight = weight
        self.eta = eta
        self.bindings = tuple(bindings)
        self.joint = joint
        self.requests: dict[Expectation, MomentRequest] = {}
        self._met = Admissions(bindings, effects)

    @property
    def conditions(self) -> dict[Boolean, None]:
        """The conditions for existence met so far."""
        return self._met.conditions

    @property
    def is_almost_sure(self) -> bool:
        """Whether an expectation met so far is infinite for random effects of probability zero."""
        return self._met.is_almost_sure

    def of(self, factor: Expr, almost_surely: bool = False) -> Expr:
        """Return E[factor * w(eta)] given the random effects.

        A weight at one point of the design is kept whole, so that the algebra that follows does not expand it.

        Parameters
        ----------
        factor
            In the predictors.
        almost_surely
            Whether it may be infinite for random effects of probability zero.

        Raises
        ------
        ExistenceError
            If the expectation is infinite.
        UndecidedError
            If its existence could not be decided.

        """
        self._met.may_be_almost_sure = almost_surely
        if isinstance(self.weight, ConstantWeight):
            return self.weight.scale * self._by_images(factor, Integer(0), self._raw)
        if isinstance(self.weight, ExponentialWeight) and not self.joint:
            return self.weight.scale * self._by_images(factor, self.weight.rate * self.eta, self._exponential)
        return self._by_images(factor, self.eta, self._weighted)

    def _by_images(self, factor: Expr, eta: Expr, average: Average) -> Expr:
        """Average with those predictors straightened that enter through one function, and write the rest back."""
        images = Images.of(self.bindings, (factor, eta))
        if not images.functions:
            return self._over_values(factor, eta, self.bindings, average)
        known = set(self.requests)
        self._met.predictors.update(images.functions)
        factor, eta = images.expressions
        value = self._over_values(factor, eta, images.bindings, average)
        written = {node: images.written_back(node) for node in value.atoms(Expectation)}
        for node in set(self.requests) - known:
            self.requests[written.get(node, node)] = self.requests.pop(node)
        return value.xreplace(written)

    def _over_values(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...], average: Average) -> Expr:
        # products of expectations take each predictor by itself
        together = average == self._weighted
        held = self._held_predictors(factor, eta, bindings) if together else ()
        return self._over_atoms(factor, eta, bindings, average, held)

    def _over_atoms(
        self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...], average: Average, held: tuple[Symbol, ...]
    ) -> Expr:
        """Sum over the predictors with finitely many values, but for those held, then over the terms of the factor."""
        for index, (x, law) in enumerate(bindings):
            atoms = law.atoms_with_probability if isinstance(law, Law) else None
            if atoms is not None and x not in held and (eta.has(x) or not factor.is_polynomial(x)):
                rest = bindings[:index] + bindings[index + 1 :]
                return sum(
                    (
                        p * self._over_atoms(at_value(factor, x, v), at_value(eta, x, v), rest, average, held)
                        for v, p in atoms
                    ),
                    Integer(0),
                )
        terms = Add.make_args(expand(factor))
        return sum((average(term, eta, bindings) for term in terms if term != 0), Integer(0))

    def _held_predictors(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> tuple[Symbol, ...]:
        """Return the predictors with finitely many values that are not summed over, as that makes too many terms.

        These stand alone in eta, beside some with other laws: one held expectation serves all their values.  Summed
        over are those with two values and a random slope: with one of them averages are over one effect (`separation`);
        those whose law has parameters, of which arrays and kernels take numbers alone; and without random effects all
        where the rule by parts (`predictor_moments`) may answer.
        """
        within = [binding for binding in bindings if eta.has(*variables_in((binding,)))]
        atoms = {x: law.atoms_with_probability for x, law in within if isinstance(law, Law)}
        few = {x: own for x, own in atoms.items() if own is not None}
        steep = {x for x, own in few.items() if len(own) == 2 and eta.diff(x).has(*self._met.effects)}
        others = [law for x, law in within if x not in few]
        if not others or prod(map(len, few.values())) <= MOST_COMBINATIONS:
            return ()
        if not self._met.effects and len(others) == 1 and self._goes_by_parts(others[0]):
            return ()
        variables = variables_in(within)
        return tuple(
            x
            for x, law in within
            if x in few
            and x not in steep
            and not law.free_symbols
            and factor.is_polynomial(x)
            and eta.is_polynomial(x)
            and not eta.diff(x).has(*variables)
        )

    def _goes_by_parts(self, law: Basic) -> bool:
        """Tell whether the law and the weight are of the kinds for which moments are found by parts."""
        x = Dummy("x", real=True)
        return isinstance(law, Law) and bool(law.pieces(x)) and self.weight.antiderivative(1, x) is not None

    def _raw(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """E[factor]: a product over the predictors that no part of the factor couples."""
        value = Integer(1)
        for group in groups_of(Mul.make_args(factor), bindings):
            part, factor = split(factor, group)
            value *= self._raw_group(part, group)
        return value * factor

    def _raw_group(self, part: Expr, group: tuple[Tuple, ...]) -> Expr:
        variables, law = variables_in(group), group[0][1]
        if not part.is_polynomial(*variables):
            if not admits_monomials(self._met, part, Integer(0), group):
                require_smooth([part], group)
            return Expectation(part, *group)
        if isinstance(law, JointNormalLaw):
            return normal_polynomial_moment(part, variables, law.mean, law.covariance)
        (power,), coefficient = Poly(part, *variables).LM().exponents, Poly(part, *variables).LC()
        moment = law.raw_moment(power)
        if moment is None:
            self._met.admit(moment_conditions(law, power, variables[0].name))
            moment = Expectation(variables[0] ** power, *group)
        return coefficient * moment

    def _exponential(self, factor: Expr, exponent: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """E[factor * exp(exponent)]: a product over the predictors that neither factor nor exponent couples."""
        value = Integer(1)
        terms = Add.make_args(expand(exponent))
        for group in groups_of((*Mul.make_args(factor), *terms), bindings):
            part, factor = split(factor, group)
            touching = Add(*(term for term in terms if term.has(*variables_in(group))))
            value *= self._raw(part, Integer(0), group) if touching == 0 else self._tilted(part, touching, group)
        return value * factor * exp(Add(*(term for term in terms if not term.has(*variables_in(bindings)))))

    def _tilted(self, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> Expr:
        """E[factor * exp(exponent)] over coupled predictors, the normal ones integrated first."""
        normal = tuple(b for b in group if isinstance(b[1], JointNormalLaw | NormalLaw))
        others = tuple(b for b in group if b not in normal)
        variables = variables_in(normal)
        if normal and factor.is_polynomial(*variables) and quadratic_parts(exponent, variables) is not None:
            mean, covariance = joint_parameters(normal)
            square = tilt(exponent, variables, mean, covariance)
            assert square is not None  # the exponent was found to be quadratic
            self._met.admit(square.conditions)
            value = square.factor * normal_polynomial_moment(factor, variables, square.mean, square.covariance)
            if others:
                require_tame(self._met, (factor, exponent), value, others)
                return Expectation(value, *others)
            return value
        if len(group) == 1 and not isinstance(group[0][1], JointNormalLaw):
            return self._tilted_one(factor, exponent, group[0])
        admit_together(self._met, factor, exponent, group)
        return Expectation(factor * exp(exponent), *group)

    def _tilted_one(self, factor: Expr, exponent: Expr, binding: Tuple) -> Expr:
        x, law = binding
        if not (exponent.is_polynomial(x) and factor.is_polynomial(x)):
            if not admits_monomials(self._met, factor, exponent, (binding,)):
                require_smooth([factor, exponent], [binding])
            return Expectation(factor * exp(exponent), binding)
        if exponent.free_symbols & self._met.effects and not is_bounded(law):
            refuse_random_slope(self._met, exponent, x, law)
        poly = Poly(exponent, x)
        if poly.degree() > 1 and isinstance(law, MappedLaw):
            # such as x + 1 beside its root
            back = {x: law.map.xreplace({law.variable: x})}
            found = slow_conditions(factor.xreplace(back), exponent.xreplace(back), x, law.base)
            if found is not None:
                self._met.admit(found)
                return Expectation(factor * exp(exponent), binding)
        if poly.degree() > 1:
            self._met.admit(polynomial_exponent_conditions(law, exponent, x))
            return Expectation(factor * exp(exponent), binding)
        slope = poly.coeff_monomial(x)
        self._met.admit(exponential_conditions(law, slope, x.name))
        (power,), coefficient = Poly(factor, x).LM().exponents, Poly(factor, x).LC()
        return coefficient * self._request(MomentRequest(power, UNIT_EXPONENTIAL, Integer(0), slope, law), x)

    def _weighted(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """Any other weight: one held expectation over all predictors in eta, and those that the factor couples."""
        value = Integer(1) if eta.has(*variables_in(bindings)) else kept_whole(self.weight.at(eta))
        for group in groups_of((*Mul.make_args(factor), eta), bindings):
            part, factor = split(factor, group)
            weighted = eta.has(*variables_in(group))
            value *= self._weighted_group(part, eta, group) if weighted else self._raw(part, Integer(0), group)
        return value * factor

    def _weighted_group(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        if self.joint:
            return Expectation(factor * self.weight.at(eta), *bindings)
        admit_weighted(self._met, self.weight, factor, eta, bindings)
        if len(bindings) == 1 and len(variables_of(bindings[0])) == 1:
            x, law = bindings[0]
            if eta.is_polynomial(x) and factor.is_polynomial(x) and Poly(eta, x).degree() == 1:
                (power,), coefficient = Poly(factor, x).LM().exponents, Poly(factor, x).LC()
                line = Poly(eta, x)
                request = MomentRequest(power, self.weight, line.coeff_monomial(1), line.coeff_monomial(x), law)
                return coefficient * self._request(request, x)
        return Expectation(factor * self.weight.at(eta), *bindings)

    def _request(self, request: MomentRequest, x: Symbol) -> Expr:
        held = request.held(x)
        self.requests[held] = request
        return held
