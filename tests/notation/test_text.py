"""Text of expressions: ordered for a reader, and read back as the same expression."""

from __future__ import annotations

import random

import pytest
from sympy import Add, Integer, Mul, Pow, Rational, cosh, exp, log, polygamma, sinh, sqrt, symbols, sympify

from leadterms.notation.text import to_text

b0, b1 = symbols("beta0 beta1", real=True)
s, p, phi = symbols("sigma2 p phi", positive=True)
NAMES = {str(x): x for x in (b0, b1, s, p, phi)}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (b1**3 * sinh(b1) * exp(-b0 - s / 2) / (sinh(b1) ** 2 - b1**2),
         "beta1**3*sinh(beta1)/(exp(beta0 + sigma2/2)*(sinh(beta1)**2 - beta1**2))"),
        (exp(-b0), "exp(-beta0)"),
        (2 * s**2, "2*sigma2**2"),
        (-b0 / 3, "-beta0/3"),
        (b0 - b1, "beta0 - beta1"),
        (-b0 - b1, "-beta0 - beta1"),
        (1 / b0, "1/beta0"),
        (1 / (b0 - 1), "1/(beta0 - 1)"),
        (phi**4 / (polygamma(1, 1 / phi) - phi), "phi**4/(polygamma(1, 1/phi) - phi)"),
        (Rational(3, 4) * b0 * (b1 + 1), "3*beta0*(beta1 + 1)/4"),
        (1 / sqrt(p), "1/sqrt(p)"),
        ((b0 + b1) ** -2, "1/(beta0 + beta1)**2"),
        (b0 / (b1 + 1) ** 2, "beta0/(beta1 + 1)**2"),
        (Integer(0), "0"),
    ],
)  # fmt: skip
def test_text_reads_as_a_person_writes(expression, text):
    assert to_text(expression) == text


def random_expression(source: random.Random, depth: int):
    if depth == 0:
        return source.choice([b0, b1, s, p, Integer(source.randint(1, 4)), Rational(source.randint(-5, -1), 3)])
    parts = [random_expression(source, depth - 1) for _ in range(source.randint(2, 3))]
    match source.randrange(5):
        case 0:
            return Add(*parts)
        case 1:
            return Mul(*parts)
        case 2:
            return Pow(parts[0] ** 2 + 1, source.choice([-2, -1, 2, Rational(1, 2), Rational(-3, 2)]))
        case 3:
            return parts[0] - parts[1]
        case _:
            return source.choice([exp, sinh, cosh, lambda e: log(e**2 + 1)])(parts[0])


@pytest.mark.parametrize("seed", range(150))
def test_text_is_read_back_as_the_same_expression(seed):
    expression = random_expression(random.Random(seed), 3)
    point = {b0: 0.3, b1: -0.7, s: 0.4, p: 0.9}
    read = sympify(to_text(expression), locals=NAMES)
    assert complex(read.subs(point)) == pytest.approx(complex(expression.subs(point)), rel=1e-9, abs=1e-12)
