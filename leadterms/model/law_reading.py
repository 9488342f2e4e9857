"""Laws as users write them: text such as ``"Uniform(-1, 1)"`` or a sympy.stats random variable."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sympy import (
    Basic,
    Dummy,
    Expr,
    Float,
    ImmutableMatrix,
    Integer,
    Symbol,
    Tuple,
    false,
    sqrt,
)

from leadterms.errors import ModelError, ReadingError
from leadterms.model.finite_reading import atoms_of
from leadterms.model.laws import NAMED_LAWS, BernoulliLaw, FiniteLaw, JointNormalLaw, Law, StatsLaw
from leadterms.model.poisson_sums import poisson_rates
from leadterms.model.stated_density import is_handmade
from leadterms.notation.symbols import RESERVED
from leadterms.reading.expressions import Argument, Call, read_call, resolve
from leadterms.reading.numbers import exact_number

JOINT_NAMES = ("MultivariateNormal", "JointNormal")


def read_law(given: Any, names: tuple[str, ...]) -> Law | JointNormalLaw:
    """Return the law of the named predictors, from text or from a sympy.stats random variable.

    Parameters
    ----------
    given
        Text in the notation of sympy.stats without the name argument, exact arithmetic inside, names of
        parameters allowed; or a random variable of sympy.stats; or a law of leadterms.
    names
        The predictors that the law is for: one, or several for a joint law.

    Raises
    ------
    ReadingError
        If the text cannot be read; with a caret.
    ModelError
        If the law is unknown, or its parameters are out of range.

    """
    what = ", ".join(names)
    if isinstance(given, Law | JointNormalLaw):
        law = given
    elif isinstance(given, str):
        law = _law_from_text(given, what)
    else:
        law = _law_from_random_variable(given, what)
    (law,) = unified([law])
    expected = law.dimension if isinstance(law, JointNormalLaw) else 1
    if expected != len(names):
        raise ModelError(f"the law {law} has {expected} component(s), but it is given for {len(names)}: {what}")
    if any(condition == false for condition in law.conditions):
        raise ModelError(f"the law {law} of {what} is not a law: its parameters are out of range, {_needed(law)}")
    if isinstance(law, JointNormalLaw) and law.dimension == 1:
        return NAMED_LAWS["Normal"](law.mean[0], sqrt(law.covariance[0, 0]))
    return law


def _needed(law: Law | JointNormalLaw) -> str:
    """Say which condition of a law fails, in the names of its parameters."""
    if isinstance(law, JointNormalLaw):
        return "its covariance matrix must be positive definite"
    if not law.slots:
        return "its probabilities must be positive and sum to 1"
    general = type(law)(*(Symbol(name) for name, _ in law.slots))
    failing = [str(g) for g, c in zip(general.conditions, law.conditions, strict=True) if c == false]
    return f"{general} needs {' and '.join(failing)}"


def unified(laws: Sequence[Law | JointNormalLaw], positive: Collection[str] = ()) -> list[Law | JointNormalLaw]:
    """Return the laws with one symbol for each name: positive where any law needs it to be, real otherwise.

    Examples
    --------
    >>> s, t = Symbol("s", positive=True), Symbol("s", real=True)
    >>> len(unified([NAMED_LAWS["Normal"](t, s)])[0].free_symbols)
    1

    """
    symbols = set().union(*(law.free_symbols for law in laws))
    names = {symbol.name for symbol in symbols if symbol.is_positive} | set(positive)
    typed = {s: Symbol(s.name, positive=True) if s.name in names else Symbol(s.name, real=True) for s in symbols}
    return [law.xreplace(typed) for law in laws]


def _law_from_text(text: str, what: str) -> Law | JointNormalLaw:
    call = read_call(text, what=f"law of {what}")
    if call.name == "Finite":
        return _finite(call)
    if call.name in JOINT_NAMES:
        return _joint_normal(call)
    law = NAMED_LAWS.get(call.name)
    if law is None:
        return _stats_law(call, what)
    if len(call.arguments) != len(law.slots):
        slots = ", ".join(name for name, _ in law.slots)
        raise _at_name(
            call,
            f"{call.name} takes {len(law.slots)} argument(s), ({slots}), but {len(call.arguments)} given",
        )
    values = [
        _scalar(resolve(argument, {}, _parameter(domain, call, argument)), call, argument)
        for argument, (_, domain) in zip(call.arguments, law.slots, strict=True)
    ]
    return law(*values)


def _parameter(domain: str, call: Call, argument: Argument) -> Callable[[str], Symbol]:
    """Turn an unknown name inside a law into a parameter with the assumptions of its slot."""

    def symbol(name: str) -> Symbol:
        if RESERVED.match(name):
            raise ReadingError(
                f"{name!r} inside the law {call.name} clashes with a parameter or a size of the model: "
                "choose another name",
                call.text,
                argument.start,
                argument.end,
            )
        return Symbol(name, real=True) if domain == "real" else Symbol(name, positive=True)

    return symbol


def _scalar(value: Any, call: Call, argument: Argument) -> Expr:
    if not isinstance(value, Expr):
        raise ReadingError(
            f"{call.name} takes numbers, not a list or a mapping", call.text, argument.start, argument.end
        )
    return value


def _at_name(call: Call, message: str) -> ReadingError:
    return ReadingError(message, call.text, call.start, call.end)


def _finite(call: Call) -> FiniteLaw:
    if len(call.arguments) != 1:
        raise _at_name(call, "Finite takes one mapping {point: probability, ...}")
    argument = call.arguments[0]
    mapping = resolve(argument, {}, _parameter("real", call, argument))
    if not isinstance(mapping, dict):
        raise ReadingError("Finite takes a mapping {point: probability, ...}", call.text, argument.start, argument.end)
    if len(mapping) < 2:
        raise ReadingError("Finite needs two points or more", call.text, argument.start, argument.end)
    total = sum(mapping.values(), Integer(0)).expand()
    if total.is_number and total != 1:
        raise ReadingError(
            f"the probabilities of Finite sum to {total}, not to 1", call.text, argument.start, argument.end
        )
    return FiniteLaw(*(Tuple(value, p) for value, p in mapping.items()))


def _joint_normal(call: Call) -> JointNormalLaw:
    if len(call.arguments) != 2:
        raise _at_name(call, f"{call.name} takes a mean [..] and a covariance matrix [[..], ..]")
    mean, rows = (resolve(argument, {}, _parameter("real", call, argument)) for argument in call.arguments)
    argument = call.arguments[1]
    square = (
        isinstance(mean, list)
        and isinstance(rows, list)
        and len(rows) == len(mean)
        and all(isinstance(row, list) and len(row) == len(mean) for row in rows)
    )
    if not square:
        raise ReadingError(
            f"{call.name} needs a mean [..] and a square covariance matrix [[..], ..] of the same size",
            call.text,
            argument.start,
            argument.end,
        )
    try:
        return joint_normal(mean, rows)
    except ModelError as error:
        raise ReadingError(str(error), call.text, argument.start, argument.end) from None


def joint_normal(mean: Any, rows: Any) -> JointNormalLaw:
    """Return the joint normal law after checking its covariance matrix.

    Raises
    ------
    ModelError
        If the matrix is not symmetric, or found not to be positive definite.

    """
    covariance = ImmutableMatrix(rows)
    variances = [v for v in covariance.diagonal() if isinstance(v, Symbol)]
    covariance = covariance.xreplace({v: Symbol(v.name, positive=True) for v in variances})
    if covariance != covariance.T:
        raise ModelError("the covariance matrix of a joint normal law must be symmetric")
    law = unified([JointNormalLaw(Tuple(*mean), covariance)])[0]
    if any(condition == false for condition in law.conditions):
        raise ModelError("the covariance matrix of a joint normal law must be positive definite")
    return law


def _stats_law(call: Call, what: str) -> Law:
    """Any other univariate law of sympy.stats, looked up by its name in sympy's own lists."""
    from sympy.stats import crv_types, drv_types, frv_types

    for module in (crv_types, drv_types, frv_types):
        if call.name in module.__all__ and call.name[0].isupper():
            maker = getattr(module, call.name)
            break
    else:
        known = ", ".join([*NAMED_LAWS, "Finite", "MultivariateNormal"])
        raise _at_name(call, f"law {call.name!r} of {what} is not known: use {known}, or another law of sympy.stats")
    values = [resolve(argument, {}, _parameter("real", call, argument)) for argument in call.arguments]
    try:
        variable = maker("x", *values)
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else "sympy refuses its arguments"
        raise _at_name(call, f"{call.name} of {what} cannot be made: {reason}") from None
    return _law_from_random_variable(variable, what)


def _law_from_random_variable(variable: Any, what: str) -> Law | JointNormalLaw:
    """Translate a sympy.stats random variable; a law that we do not name is kept as it is."""
    from sympy.stats.crv import SingleContinuousDistribution
    from sympy.stats.drv import SingleDiscreteDistribution

    space = getattr(variable, "pspace", None)
    distribution = getattr(space, "distribution", None)
    if distribution is None:
        raise ModelError(
            f"the law of {what} must be text such as 'Uniform(-1, 1)' or a random variable of sympy.stats, "
            f"not {type(variable).__name__}"
        )
    distribution = distribution.xreplace({number: exact_number(number) for number in distribution.atoms(Float)})
    kind = type(distribution).__name__.removesuffix("Distribution")
    if kind == "MultivariateNormal":
        return joint_normal(list(distribution.mu), distribution.sigma.tolist())
    atoms = atoms_of(distribution, what)
    if kind == "Bernoulli" and atoms is not None and set(atoms) == {Integer(0), Integer(1)}:
        return BernoulliLaw(atoms[Integer(1)].xreplace(_positive([atoms[Integer(1)]])))
    if kind == "Bernoulli" and atoms is not None and not all(point.is_number for point in atoms):
        raise ModelError(
            f"the points of the finite law of {what} must be numbers, not {', '.join(sorted(map(str, atoms)))}"
        )
    if atoms is not None:
        return FiniteLaw(*(Tuple(value, p) for value, p in atoms.items()))
    if kind in NAMED_LAWS and len(NAMED_LAWS[kind].slots) == len(distribution.args):
        law = NAMED_LAWS[kind]
        positive = [a for a, (_, domain) in zip(distribution.args, law.slots, strict=True) if domain != "real"]
        return law(*distribution.xreplace(_positive(positive)).args)
    if not isinstance(distribution, SingleContinuousDistribution | SingleDiscreteDistribution):
        raise ModelError(f"the law {kind} of {what} is not covered: use a univariate law or MultivariateNormal")
    rates = poisson_rates(distribution)
    if rates is not None and len(rates) == 1 and rates[0][0] == 1:
        return NAMED_LAWS["Poisson"](rates[0][1])
    positive = [a for i, a in enumerate(distribution.args) if _refuses_negative(distribution, i)]
    return StatsLaw(distribution.xreplace(_positive(positive)))


def _positive(parameters: Sequence[Basic]) -> dict[Symbol, Symbol]:
    """Return the symbols in parameters that must be positive, as positive symbols."""
    symbols = set().union(*(parameter.free_symbols for parameter in parameters))
    return {symbol: Symbol(symbol.name, positive=True) for symbol in symbols}


def _refuses_negative(distribution: Any, index: int) -> bool:
    """Tell whether sympy's own check refuses a negative number in one place."""
    if is_handmade(distribution):
        return False
    arguments = list(distribution.args)
    arguments[index] = Dummy(negative=True)
    try:
        type(distribution).check(*arguments)
    except (ValueError, TypeError):
        return True
    return False
