"""Closed forms rewritten for double precision: nothing overflows before the result does, little cancels.

The rewritten expressions hold functions by name alone, so that sympy does not undo them: ``softplus``, ``expit``,
``expm1``, ``log1p``, ``larger``, ``size`` (the absolute value), ``li_neg_exp`` and ``trigamma_excess``, which is
psi'(z) - 1/z.  The printers of every language know them.
"""

from __future__ import annotations

from functools import reduce

from sympy import Add, Basic, Expr, Function, Integer, Mul, Pow, cosh, exp, expand, log, polygamma, sinh

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import spelled
from leadterms.evaluation.stable import stable

softplus, expit, larger, size = (Function(name) for name in ("softplus", "expit", "larger", "size"))
li_neg_exp, trigamma_excess = Function("li_neg_exp"), Function("trigamma_excess")

KNOWN = frozenset(
    {"softplus", "expit", "expm1", "log1p", "larger", "size", "li_neg_exp", "trigamma_excess"}
    | {"exp", "log", "sinh", "cosh", "tanh"}
)
"""What the printers can write, by name."""


def stable_form(expression: Expr) -> Expr:
    """Return a closed form with logarithms of sums, trigamma functions and growing exponentials rewritten.

    Raises
    ------
    EvaluationError
        If it holds a function for which no code is written.

    Examples
    --------
    >>> from sympy import symbols
    >>> a, b = symbols("a b", real=True)
    >>> stable_form(log(exp(a) + 3) + exp(b) - 1)
    expm1(b) + softplus(a - log(3)) + log(3)
    >>> stable_form(1 / (b + exp(b)))
    exp(-larger(0, b))/(b*exp(-larger(0, b)) + exp(b - larger(0, b)))

    """
    result = stable(_scaled(_functions(expression)))
    require_known(result)
    return result


def require_known(expression: Basic) -> None:
    """Refuse an expression with a function that the printers cannot write.

    Raises
    ------
    EvaluationError
        If there is one.

    """
    for function in expression.atoms(Function):
        name = type(function).__name__
        if name not in KNOWN:
            raise EvaluationError(
                f"no code is written for the function {name} in {spelled(function)}: use --format json with --at, "
                "or array_function"
            )


def weight_form(weight: Expr) -> Expr:
    """Return a weight with e^a and 1/(1 + k e^a) as products of expit, which neither overflow nor cancel.

    Examples
    --------
    >>> from sympy import symbols
    >>> a = symbols("a", real=True)
    >>> weight_form(exp(a) / (1 + exp(a)) ** 2)
    expit(-a)*expit(a)

    """
    if not weight.args or isinstance(weight, exp | log):
        return weight
    if isinstance(weight, Mul | Pow):
        return _logistic_product(Mul.make_args(weight))
    return weight.func(*map(weight_form, weight.args))


def _logistic_product(factors: tuple[Expr, ...]) -> Expr:
    """Pair e^{ma} with (c + k e^a)^-n."""
    growing, kept = Integer(0), []
    poles: list[tuple[Expr, Expr, Expr, int]] = []
    for factor in factors:
        base, power = factor.as_base_exp() if isinstance(factor, Pow) else (factor, Integer(1))
        found = _one_plus_exponential(base) if power.is_Integer and power < 0 else None
        if isinstance(factor, exp):
            growing += factor.args[0]
        elif found:
            poles.append((*found, -int(power)))
        else:
            kept.append(Pow(weight_form(base), power) if base.args else factor)
    result = Mul(*kept)
    for constant, rate, argument, power in poles:
        moved = expand(argument + log(rate / constant)) if rate != constant else expand(argument)
        times = _multiple(expand(growing), expand(argument), power)
        growing = expand(growing - times * argument)
        result *= expit(moved) ** times * expit(-moved) ** (power - times) * constant ** (times - power) / rate**times
    return result * exp(growing)


def _multiple(total: Expr, argument: Expr, most: int) -> int:
    """Return how many times an argument is taken from an exponent: as often as leaves the fewest terms."""

    def left(k: int) -> tuple[int, int]:
        rest = expand(total - k * argument)
        return (0 if rest == 0 else len(Add.make_args(rest)), k)

    return min(range(most + 1), key=left)


def _one_plus_exponential(base: Expr) -> tuple[Expr, Expr, Expr] | None:
    """Return c, k, a of c + k e^a with positive c and k, else None."""
    if not isinstance(base, Add) or len(base.args) != 2:
        return None
    for one, other in (base.args, base.args[::-1]):
        exponentials = [factor for factor in Mul.make_args(other) if isinstance(factor, exp)]
        if len(exponentials) == 1 and not one.has(exp):
            rate = other / exponentials[0]
            if one.is_positive and rate.is_positive:
                return one, rate, exponentials[0].args[0]
    return None


def _functions(expression: Expr) -> Expr:
    """Rewrite LiNegExp, log(c + k e^a) and psi'(1/z) - z."""
    if not expression.args:
        return expression
    name = type(expression).__name__
    if isinstance(expression, log):
        found = _one_plus_exponential(expression.args[0])
        if found:
            constant, rate, argument = found
            moved = argument + log(rate / constant) if rate != constant else argument
            return softplus(_functions(moved)) + (log(constant) if constant != 1 else 0)
    if name == "LiNegExp":
        return li_neg_exp(expression.args[0], _functions(expression.args[1]))
    if isinstance(expression, Add):
        return _without_trigamma(expression)
    if name == "Trigamma" or (isinstance(expression, polygamma) and expression.args[0] == 1):
        argument = _functions(expression.args[-1])
        return trigamma_excess(argument) + 1 / argument
    return expression.func(*map(_functions, expression.args))


def _without_trigamma(total: Add) -> Expr:
    """Take 1/z together with psi'(z), from which it cancels."""
    terms = list(total.args)
    result: Expr = Integer(0)
    for term in total.args:
        found = [f for f in Mul.make_args(term) if isinstance(f, polygamma) and f.args[0] == 1]
        if len(found) == 1:
            argument = found[0].args[1]
            rate = term / found[0]
            terms.remove(term)
            result += rate * trigamma_excess(_functions(argument))
            terms.append(rate / argument)
    return result + Add(*map(_functions, Add(*terms).args if isinstance(Add(*terms), Add) else [Add(*terms)]))


def _grows(expression: Basic) -> bool:
    """Tell whether a denominator of an expression holds an exponential or hyperbolic function outside functions."""
    if isinstance(expression, Pow) and expression.args[1].is_negative and not isinstance(expression, exp):
        return any(isinstance(node, exp | sinh | cosh) for node in _outside_functions(expression.args[0]))
    return isinstance(expression, Add | Mul | Pow) and any(map(_grows, expression.args))


def _outside_functions(expression: Basic) -> list[Basic]:
    if isinstance(expression, Add | Mul | Pow) and not isinstance(expression, exp):
        return [node for argument in expression.args for node in _outside_functions(argument)]
    return [expression]


def _scaled(expression: Expr) -> Expr:
    """Divide factors of quotients by their largest exponential and put all of these into one."""
    if not _grows(expression):
        return expression
    if isinstance(expression, Add):
        return Add(*map(_scaled, expression.args))
    plain, exponent = [], Integer(0)
    for factor in Mul.make_args(expression):
        base, power = factor.as_base_exp() if isinstance(factor, Pow) else (factor, Integer(1))
        if isinstance(factor, exp):
            exponent += factor.args[0]
            continue
        part, largest = _by_largest(base)
        plain.append(part**power)
        exponent += power * largest
    return Mul(*plain) * exp(exponent)


def _by_largest(base: Expr) -> tuple[Expr, Expr]:
    """Return F' and M with F = F' e^M, where M is the largest exponent in F."""
    if not any(isinstance(node, exp | sinh | cosh) for node in _outside_functions(base)):
        return base, Integer(0)
    if _grows(base):
        return _scaled(base), Integer(0)
    written = expand(_as_exponentials(base))
    groups: dict[Expr, list[Expr]] = {}
    for term in Add.make_args(written):
        exponent = Add(*(f.args[0] for f in Mul.make_args(term) if isinstance(f, exp)))
        rest = Mul(*(f for f in Mul.make_args(term) if not isinstance(f, exp)))
        groups.setdefault(expand(exponent), []).append(rest)
    exponents = sorted(groups, key=str)
    if len(exponents) == 1:
        return Add(*groups[exponents[0]]), exponents[0]
    largest = reduce(lambda first, second: larger(first, second), exponents)
    return Add(*(Add(*rest) * exp(exponent - largest) for exponent, rest in groups.items())), largest


def _as_exponentials(expression: Expr) -> Expr:
    """Write hyperbolic functions outside of other functions by exponentials."""
    if isinstance(expression, sinh | cosh):
        sign = -1 if isinstance(expression, sinh) else 1
        argument = expression.args[0]
        return (exp(argument) + sign * exp(-argument)) / 2
    if isinstance(expression, Add | Mul | Pow) and not isinstance(expression, exp):
        return expression.func(*map(_as_exponentials, expression.args))
    return expression
