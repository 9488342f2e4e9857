"""Differences that cancel, rewritten by functions that do not."""

from __future__ import annotations

from sympy import Add, Basic, Expr, Function, erf, erfc, exp, log


def stable(expr: Basic) -> Basic:
    """Rewrite e^y - 1, 1 -+ erf z, 1 - erfc z, 2 - erfc z, their products and log(1 + y) so that nothing cancels.

    The results are for evaluation only: expm1, log1p, erf and erfc by their names, without sympy's own
    rewriting of erfc(-z) to 2 - erfc(z).

    Examples
    --------
    >>> from sympy import symbols
    >>> y = symbols("y")
    >>> stable(1 / (exp(y) - 1)), stable(1 - erf(y)), stable(erfc(-y)), stable(log(1 + exp(y)))
    (1/expm1(y), erfc(y), erfc(-y), log1p(exp(y)))
    >>> stable(2 * erfc(y) - erfc(y) ** 2), stable(y - y * erf(y) ** 2)
    (erfc(-y)*erfc(y), y*erfc(-y)*erfc(y))

    """
    return _walk(expr, {})


def _walk(expr: Basic, done: dict[Basic, Basic]) -> Basic:
    if not expr.args:
        return expr
    if expr not in done:
        rewritten = _step(expr)
        if rewritten != expr:
            done[expr] = _walk(rewritten, done)
        else:
            args = [_walk(argument, done) for argument in expr.args]
            done[expr] = expr if all(a is b for a, b in zip(args, expr.args, strict=True)) else expr.func(*args)
    return done[expr]


def _step(expr: Basic) -> Basic:
    """Rewrite the outermost operation, if it is one of these."""
    if isinstance(expr, log) and isinstance(expr.args[0], Add):
        constant, rest = expr.args[0].as_coeff_Add()
        return _plain("log1p", rest) if constant == 1 else expr
    if not isinstance(expr, Add):
        return expr
    constant, rest = expr.as_coeff_Add()
    if not constant:
        return _factored(expr)
    for term in Add.make_args(rest):
        factor, function = term.as_coeff_Mul()
        if not isinstance(function, exp | erf | erfc):
            continue
        argument, others = function.args[0], rest - term
        if isinstance(function, exp) and factor == -constant:
            return others + factor * _plain("expm1", argument)
        if isinstance(function, erf) and abs(factor) == abs(constant):
            # c -+ c erf z = c erfc(+-z)
            return others + constant * _plain("erfc", -factor / constant * argument)
        if isinstance(function, erfc) and factor == -constant:
            return others + constant * _plain("erf", argument)
        if isinstance(function, erfc) and constant == -2 * factor:
            return others - factor * _plain("erfc", -argument)
    return _factored(expr)


def _factored(expr: Add) -> Expr:
    """Take 2 - erfc z out of t erfc z - t (erfc z)^2/2, and 1 - (erf z)^2 out of t - t (erf z)^2, for any t."""
    terms = set(expr.args)
    for term in expr.args:
        for function, power in term.as_powers_dict().items():
            if isinstance(function, erfc) and power.is_Integer and power > 1:
                other, factor = -2 * term / function, _plain("erfc", -function.args[0])
                part = other * factor / 2
            elif isinstance(function, erf) and power == 2:
                other, z = -term / function**2, function.args[0]
                part = other * _plain("erfc", z) * _plain("erfc", -z)
            else:
                continue
            if other in terms:
                return Add(*(terms - {term, other}), part)
    return expr


def _plain(name: str, argument: Expr) -> Expr:
    """Apply a function by its name alone."""
    return Function(name)(argument)
