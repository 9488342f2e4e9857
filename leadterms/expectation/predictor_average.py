"""E[P(X) w(eta(X))] over all predictors, reduced to products of one-predictor expectations.

Finite predictors are summed over; predictors that eta does not contain give raw moments; an exponential
weight factorises over independent predictors and tilts the normal ones.  What is left is held, one object
for each one-predictor expectation, together with the request that a closed form would answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sympy import Add, Expr, Gt, Integer, Lt, Matrix, Mul, Ne, Poly, Symbol, Tuple, exp, expand, false, oo, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.coupled_exponents import coupled_conditions
from leadterms.expectation.existence import (
    exponential_conditions,
    moment_conditions,
    opposed_conditions,
    polynomial_exponent_conditions,
    weighted_conditions,
)
from leadterms.expectation.gaussian import normal_polynomial_moment, quadratic_parts, tilt
from leadterms.expectation.held import Expectation, kept_whole, variables_of
from leadterms.expectation.images import Images
from leadterms.expectation.mapped_law import MappedLaw
from leadterms.expectation.monomials import has_monomials, tilted_monomials
from leadterms.expectation.positivity import pieces
from leadterms.expectation.predictor_moments import MomentRequest
from leadterms.expectation.slow_functions import grows_slowly, slow_conditions
from leadterms.expectation.support import at_value, is_bounded, require_bounded, require_smooth
from leadterms.expectation.tails import tail_indices, tail_rates
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)
from leadterms.notation.conditions import shown

BOUNDED = (LogisticWeight, ProbitWeight, CloglogWeight, SaturatingWeight, PowerWeight)
"""A power weight is where eta keeps above a positive number, which its links require."""
Average = Callable[[Expr, Expr, tuple[Tuple, ...]], Expr]
"""From a product, a linear predictor (or an exponent) and bindings to an expectation."""

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
    conditions
        The conditions for existence met so far.
    is_almost_sure
        Whether an expectation met so far is infinite for random effects of probability zero.

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
        self.effects = frozenset(effects)
        self.joint = joint
        self.requests: dict[Expectation, MomentRequest] = {}
        self.conditions: dict[Boolean, None] = {}
        self._predictors = set(_variables(self.bindings))
        self.is_almost_sure = False
        self._may_be_almost_sure = False

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
        self._may_be_almost_sure = almost_surely
        if isinstance(self.weight, ConstantWeight):
            return self.weight.scale * self._by_images(factor, Integer(0), self._raw)
        if isinstance(self.weight, ExponentialWeight) and not self.joint:
            return self.weight.scale * self._by_images(factor, self.weight.rate * self.eta, self._exponential)
        return self._by_images(factor, self.eta, self._weighted)

    def _by_images(self, factor: Expr, eta: Expr, average: Average) -> Expr:
        """Average with those predictors straightened that enter through one function, and write the rest back."""
        images = Images.of(self.bindings, (factor, eta))
        if not images.functions:
            return self._over_atoms(factor, eta, self.bindings, average)
        known = set(self.requests)
        self._predictors.update(images.functions)
        factor, eta = images.expressions
        value = self._over_atoms(factor, eta, images.bindings, average)
        written = {node: images.written_back(node) for node in value.atoms(Expectation)}
        for node in set(self.requests) - known:
            self.requests[written.get(node, node)] = self.requests.pop(node)
        return value.xreplace(written)

    def _over_atoms(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...], average: Average) -> Expr:
        """Sum over the predictors with finitely many values, then over the terms of the factor."""
        for index, (x, law) in enumerate(bindings):
            atoms = law.atoms_with_probability if isinstance(law, Law) else None
            if atoms is not None and (eta.has(x) or not factor.is_polynomial(x)):
                rest = bindings[:index] + bindings[index + 1 :]
                return sum(
                    (
                        p * self._over_atoms(at_value(factor, x, v), at_value(eta, x, v), rest, average)
                        for v, p in atoms
                    ),
                    Integer(0),
                )
        terms = Add.make_args(expand(factor))
        return sum((average(term, eta, bindings) for term in terms if term != 0), Integer(0))

    def _raw(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """E[factor]: a product over the predictors that no part of the factor couples."""
        value = Integer(1)
        for group in _groups(Mul.make_args(factor), bindings):
            part, factor = _split(factor, group)
            value *= self._raw_group(part, group)
        return value * factor

    def _raw_group(self, part: Expr, group: tuple[Tuple, ...]) -> Expr:
        variables, law = _variables(group), group[0][1]
        if not part.is_polynomial(*variables):
            if not self._admits_monomials(part, Integer(0), group):
                require_smooth([part], group)
            return Expectation(part, *group)
        if isinstance(law, JointNormalLaw):
            return normal_polynomial_moment(part, variables, law.mean, law.covariance)
        (power,), coefficient = Poly(part, *variables).LM().exponents, Poly(part, *variables).LC()
        moment = law.raw_moment(power)
        if moment is None:
            self._admit(moment_conditions(law, power, variables[0].name))
            moment = Expectation(variables[0] ** power, *group)
        return coefficient * moment

    def _exponential(self, factor: Expr, exponent: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """E[factor * exp(exponent)]: a product over the predictors that neither factor nor exponent couples."""
        value = Integer(1)
        terms = Add.make_args(expand(exponent))
        for group in _groups((*Mul.make_args(factor), *terms), bindings):
            part, factor = _split(factor, group)
            touching = Add(*(term for term in terms if term.has(*_variables(group))))
            value *= self._raw(part, Integer(0), group) if touching == 0 else self._tilted(part, touching, group)
        return value * factor * exp(Add(*(term for term in terms if not term.has(*_variables(bindings)))))

    def _tilted(self, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> Expr:
        """E[factor * exp(exponent)] over coupled predictors, the normal ones integrated first."""
        normal = tuple(b for b in group if isinstance(b[1], JointNormalLaw | NormalLaw))
        others = tuple(b for b in group if b not in normal)
        variables = _variables(normal)
        if normal and factor.is_polynomial(*variables) and quadratic_parts(exponent, variables) is not None:
            mean, covariance = _joint_parameters(normal)
            square = tilt(exponent, variables, mean, covariance)
            assert square is not None  # the exponent was found to be quadratic
            self._admit(square.conditions)
            value = square.factor * normal_polynomial_moment(factor, variables, square.mean, square.covariance)
            if others:
                self._require_tame((factor, exponent), value, others)
                return Expectation(value, *others)
            return value
        if len(group) == 1 and not isinstance(group[0][1], JointNormalLaw):
            return self._tilted_one(factor, exponent, group[0])
        self._require_one_unbounded(factor, exponent, group)
        return Expectation(factor * exp(exponent), *group)

    def _require_one_unbounded(self, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> None:
        """Admit one unbounded predictor beside bounded ones, whose last power has a fixed coefficient.

        The lower ones stay in compact sets: whatever these are, the last power decides.
        """
        wide = [one for one in group if isinstance(one[1], JointNormalLaw) or not is_bounded(one[1])]
        if len(wide) == 1 and isinstance(wide[0][1], Law):
            x, law = wide[0]
            straight = factor.is_polynomial(x) and exponent.is_polynomial(x)
            last = Poly(exponent, x) if straight else None
            moved = self.effects | self._predictors
            fixed = last is not None and last.degree() > 1 and not last.LC().free_symbols & moved
            if fixed and not exponent.free_symbols & self.effects:
                require_smooth([factor, exponent], [one for one in group if one is not wide[0]])
                self._admit(polynomial_exponent_conditions(law, exponent, x))
                return
        if not self._admits_products(factor, exponent, group):
            require_bounded(group)
            require_smooth([factor, exponent], group)

    def _admits_products(self, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> bool:
        """Admit unbounded predictors that are not normal, in products with others, where no effects multiply them."""
        if exponent.free_symbols & self.effects or not all(isinstance(law, Law) for _, law in group):
            return False
        wide = [x for x, law in group if not is_bounded(law)]
        if any(isinstance(law, NormalLaw) for _, law in group) or not factor.is_polynomial(*wide):
            return False
        found = coupled_conditions(exponent, group)
        if found is None:
            return False
        require_smooth([factor, exponent], [one for one in group if one[0] not in wide])
        self._admit(found)
        return True

    def _require_tame(self, parts: tuple[Expr, Expr], value: Expr, others: tuple[Tuple, ...]) -> None:
        """Require that what normal predictors leave of a factor and an exponent is finite on average.

        Bounded predictors left need no more than that these are smooth: where the normal average is finite for all of
        their values, which are in a compact set, what it is divided by keeps away from zero.
        """
        if all(is_bounded(law) for _, law in others):
            require_smooth(parts, others)
            return
        exponent = Add(*(part.args[0] for part in Mul.make_args(value) if isinstance(part, exp)))
        rest = Mul(*(part for part in Mul.make_args(value) if not isinstance(part, exp)))
        if not all(self._admits_products(term, exponent, others) for term in Add.make_args(rest)):
            require_bounded(others)

    def _tilted_one(self, factor: Expr, exponent: Expr, binding: Tuple) -> Expr:
        x, law = binding
        if not (exponent.is_polynomial(x) and factor.is_polynomial(x)):
            if not self._admits_monomials(factor, exponent, (binding,)):
                require_smooth([factor, exponent], [binding])
            return Expectation(factor * exp(exponent), binding)
        if exponent.free_symbols & self.effects and not is_bounded(law):
            self._refuse_random_slope(exponent, x, law)
        poly = Poly(exponent, x)
        if poly.degree() > 1 and isinstance(law, MappedLaw):
            # such as x + 1 beside its root
            back = {x: law.map.xreplace({law.variable: x})}
            found = slow_conditions(factor.xreplace(back), exponent.xreplace(back), x, law.base)
            if found is not None:
                self._admit(found)
                return Expectation(factor * exp(exponent), binding)
        if poly.degree() > 1:
            self._admit(polynomial_exponent_conditions(law, exponent, x))
            return Expectation(factor * exp(exponent), binding)
        slope = poly.coeff_monomial(x)
        self._admit(exponential_conditions(law, slope, x.name))
        (power,), coefficient = Poly(factor, x).LM().exponents, Poly(factor, x).LC()
        return coefficient * self._request(MomentRequest(power, UNIT_EXPONENTIAL, Integer(0), slope, law), x)

    def _admits_monomials(self, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> bool:
        """Admit what powers and logarithms of one positive predictor need, where there is nothing else."""
        x, law = group[0]
        if len(group) > 1 or not isinstance(law, Law):
            return False
        found = tilted_monomials(factor, exponent, x, law)
        if found is None and not exponent.free_symbols & self.effects:
            found = slow_conditions(factor, exponent, x, law)
        if found is not None:
            self._admit(found)
        return found is not None

    def _refuse_random_slope(self, exponent: Expr, x: Symbol, law: Law) -> None:
        """Refuse a normal random slope on an unbounded predictor: its moment generating function decides."""
        if Poly(exponent, x).degree() > 1 or (law.exponential_rates is None and set(tail_rates(law)) == {oo}):
            raise UndecidedError(
                f"whether E[exp({exponent})] exists over {x} ~ {law} and the normal random effects could not be "
                f"decided: use a bounded or normal {x}"
            )
        raise ExistenceError(
            f"E[exp({exponent})] over {x} ~ {law} and the normal random effects is infinite: a random slope on "
            f"{x} needs a bounded or normal {x}"
        )

    def _weighted(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        """Any other weight: one held expectation over all predictors in eta, and those that the factor couples."""
        value = Integer(1) if eta.has(*_variables(bindings)) else kept_whole(self.weight.at(eta))
        for group in _groups((*Mul.make_args(factor), eta), bindings):
            part, factor = _split(factor, group)
            weighted = eta.has(*_variables(group))
            value *= self._weighted_group(part, eta, group) if weighted else self._raw(part, Integer(0), group)
        return value * factor

    def _weighted_group(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> Expr:
        if self.joint:
            return Expectation(factor * self.weight.at(eta), *bindings)
        require_smooth([factor, eta], [one for one in bindings if not self._is_tilted(factor, eta, one, bindings)])
        for binding in bindings:
            self._check_weighted(factor, eta, binding)
        self._check_opposed(factor, eta, bindings)
        if len(bindings) == 1 and len(variables_of(bindings[0])) == 1:
            x, law = bindings[0]
            if eta.is_polynomial(x) and factor.is_polynomial(x) and Poly(eta, x).degree() == 1:
                (power,), coefficient = Poly(factor, x).LM().exponents, Poly(factor, x).LC()
                line = Poly(eta, x)
                request = MomentRequest(power, self.weight, line.coeff_monomial(1), line.coeff_monomial(x), law)
                return coefficient * self._request(request, x)
        return Expectation(factor * self.weight.at(eta), *bindings)

    def _is_tilted(self, factor: Expr, eta: Expr, binding: Tuple, bindings: tuple[Tuple, ...]) -> bool:
        """Tell whether a factor of a bounded weight is a sum of powers times exponentials, logarithms among them.

        Then E|factor w| <= sup w E|factor|, and that is finite where the law surely has these moments.  The other
        predictors must have all moments: none may need the weight.  No random effect may multiply functions of x.
        """
        x, law = binding
        if not isinstance(law, Law) or not isinstance(self.weight, BOUNDED):
            return False
        if any(eta.diff(effect).has(x) for effect in self.effects):
            return False
        if not all(one is binding or is_bounded(one[1]) or isinstance(one[1], NormalLaw) for one in bindings):
            return False
        # whether the weight tames more than that is not asked: what fails here may exist
        return has_monomials(factor, eta, x, law) or grows_slowly(factor, eta, x, law)

    def _check_weighted(self, factor: Expr, eta: Expr, binding: Tuple) -> None:
        variables, law = variables_of(binding), binding[1]
        polynomial = factor.is_polynomial(*variables) and eta.is_polynomial(*variables)
        if isinstance(law, JointNormalLaw) or not polynomial:
            return  # all moments exist; or the support is bounded
        x = variables[0]
        power = Poly(factor, x).degree()
        degree = Poly(eta, x).degree()
        if degree < 1:
            self._admit(moment_conditions(law, power, x.name))
            return
        coefficients = [Poly(eta, x).coeff_monomial(x**k) for k in range(1, degree + 1)]
        beside = set().union(*(c.free_symbols for c in coefficients))
        if beside & (self.effects | self._predictors):
            # where the last one comes near to zero another may take eta back to zero far out
            coefficients = [Integer(0)] * (degree - 1) + coefficients[-1:]
        conditions = weighted_conditions(law, power, self.weight, coefficients, x.name)
        self._admit(conditions)
        heavy = [z for z in self._heavy if z in beside]
        if conditions and heavy:
            raise UndecidedError(
                f"whether E[{x.name}^{power}*w] exists could not be decided: {heavy[0]}, whose tail is heavy, "
                f"multiplies powers of {x.name}"
            )

    @property
    def _heavy(self) -> list[Symbol]:
        """The predictors that lack some moments."""
        laws = ((x, law) for x, law in self.bindings if isinstance(law, Law) and not is_bounded(law))
        return [x for x, law in laws if set(tail_indices(law, x.name)) != {oo}]

    def _check_opposed(self, factor: Expr, eta: Expr, bindings: tuple[Tuple, ...]) -> None:
        """Admit what unbounded predictors need together that are in eta by polynomials of their own."""
        laws = {x: law for x, law in bindings if isinstance(law, Law) and not is_bounded(law)}
        moved = [x for x in laws if factor.is_polynomial(x) and eta.is_polynomial(x) and Poly(eta, x).degree() > 0]
        if len(moved) > 1:
            powers, degrees = ([Poly(part, x).degree() for x in moved] for part in (factor, eta))
            names = [x.name for x in moved]
            self._admit(opposed_conditions([laws[x] for x in moved], powers, self.weight, names, degrees))

    def _request(self, request: MomentRequest, x: Symbol) -> Expr:
        held = request.held(x)
        self.requests[held] = request
        return held

    def _on_the_support(self, conditions: tuple[Boolean, ...]) -> Iterator[Boolean]:
        """Yield conditions, those on bounded predictors as conditions for all values of these."""
        for condition in conditions:
            over = [b for b in self.bindings if condition.free_symbols & set(variables_of(b))]
            if over and isinstance(condition, Lt | Gt) and all(is_bounded(law) for _, law in over):
                difference = condition.gts - condition.lts
                yield from (part.condition for part in pieces(difference.expand(), over))
            else:
                yield condition

    def _admit(self, conditions: tuple[Boolean, ...]) -> None:
        for condition in self._on_the_support(conditions):
            if condition.free_symbols & self._predictors:
                raise UndecidedError(f"whether {shown(condition)} holds on the whole support could not be decided")
            if condition.free_symbols & self.effects and condition.has(Ne) and self._may_be_almost_sure:
                # a normal slope is zero with probability zero
                self.is_almost_sure = True
                continue
            if condition.free_symbols & self.effects and condition.has(Ne):
                raise UndecidedError(
                    f"the expectation needs {shown(condition)} for every value of the normal random effects: whether "
                    "its average over them exists could not be decided"
                )
            if condition.free_symbols & self.effects:
                raise ExistenceError(
                    f"the expectation is finite only where {shown(condition)}, which fails with positive probability "
                    "because the random effects are normal"
                )
            if condition == false:
                raise ExistenceError("an exponential of the predictors has an infinite expectation on their support")
            if condition != true:
                self.conditions[condition] = None


def _variables(bindings: Sequence[Tuple]) -> list[Symbol]:
    return [v for binding in bindings for v in variables_of(binding)]


def _split(factor: Expr, group: tuple[Tuple, ...]) -> tuple[Expr, Expr]:
    """Split a product into the part with the variables of a group and the part without."""
    variables = _variables(group)
    inside = [part for part in Mul.make_args(factor) if part.has(*variables)]
    return Mul(*inside), Mul(*(part for part in Mul.make_args(factor) if not part.has(*variables)))


def _groups(parts: Sequence[Expr], bindings: tuple[Tuple, ...]) -> list[tuple[Tuple, ...]]:
    """Bindings that some part connects stand together; those in no part are left out."""
    groups: list[tuple[Tuple, ...]] = []
    for part in parts:
        joined = [b for b in bindings if part.has(*variables_of(b))]
        apart = []
        for group in groups:
            if set(group) & set(joined):
                joined.extend(group)
            else:
                apart.append(group)
        groups = [*apart, tuple(b for b in bindings if b in joined)] if joined else groups
    return groups


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
