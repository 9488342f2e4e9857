"""Certified values beside a second road to the same number, over families, links, laws and random structures.

The second road is mpmath's: nested quadrature of the expectations, with more digits than the certified value has.
Where it takes too long for that, the number is computed here from the definition of the model: information of one
observation, Schur complement, sums over predictors and effects with more nodes until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from math import ceil, pi, sqrt
from operator import mul
from typing import Any

import pytest
from flint import arb, arb_mat, fmpq
from mpmath.libmp import from_man_exp
from sympy import Float, Rational

import leadterms as lt
from leadterms.asymptotics.result import Entry
from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels import normal_intercept, uniform_average
from leadterms.evaluation.number import Number, evaluate
from leadterms.evaluation.precision import ball_precision
from leadterms.expectation.held import Expectation

UNIT = "Uniform(-1, 1)"
ARMS = "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"
JOINT = "MultivariateNormal([0, 1/4], [[1, 1/2], [1/2, 3/4]])"
VALUES = {
    "beta0": "-0.3", "beta1": "0.7", "beta2": "-0.4", "beta3": "1/7", "sigma2": "1.3", "phi": "2.5",
    "Sigma11": "1/2", "Sigma12": "1/10", "Sigma22": "1/4",
}  # fmt: skip


@cache
def leading_terms(formula: str, family: str, link: str | None, laws: tuple[tuple[str, str], ...]) -> lt.Expansion:
    return lt.leading_terms(lt.Model(formula, family=family, link=link, laws=dict(laws)))


def model(formula: str, family: str, link: str | None = None, **laws: str) -> lt.Expansion:
    return leading_terms(formula, family, link, tuple(laws.items()))


def point_of(entry: Entry, values: Mapping[str, str]) -> dict[str, str]:
    return {symbol.name: values[symbol.name] for symbol in entry.coefficient.free_symbols}


def numeric_entries(result: lt.Expansion) -> list[Entry]:
    """Return the entries with a number of their own: those of the fixed effects and of the dispersion."""
    return [
        entry for entry in result if len(entry.terms) == 1 and not entry.parameters[0].name.lower().startswith("sigma")
    ]


def exact(number: Float) -> Rational:
    return Rational(number)


def last_place(number: Number) -> Rational:
    """Return one unit of the last printed digit."""
    size = abs(Rational(str(number)))
    exponent = 0
    while size >= 10:
        size, exponent = size / 10, exponent + 1
    while size < 1:
        size, exponent = size * 10, exponent - 1
    return Rational(10) ** (exponent - number.digits + 1)


def agree(certified: Number, reference: Number) -> None:
    """Check the claims of a certified number against another road to it."""
    assert certified.certified
    distance = abs(exact(certified.value) - exact(reference.value))
    assert distance <= exact(certified.error) + exact(reference.error)
    # the number as printed is the claim
    printed = abs(Rational(str(certified)) - exact(reference.value))
    assert printed <= exact(certified.error) + exact(reference.error)
    if str(certified) == "0":
        return
    assert exact(certified.error) <= last_place(certified)
    # a reference that is not finer than the claim would show nothing
    assert 10 * exact(reference.error) <= last_place(certified)


def by_mpmath(entry: Entry, values: Mapping[str, str], digits: int) -> Number:
    """Return the value by the second road, with the expectations held, so that no closed form is shared."""
    unclosed = entry.term.unclosed
    point = point_of(entry, values)
    if unclosed is None or not unclosed.has(Expectation):
        return entry.evaluate(point, digits, method="mpmath")
    exact_point = entry.space.point({s.name: values[s.name] for s in unclosed.free_symbols})
    return evaluate(unclosed, exact_point, digits, method="mpmath", may_vanish=entry.term.may_vanish)


def two_roads(entry: Entry, values: Mapping[str, str], digits: int, more: int) -> None:
    agree(entry.evaluate(point_of(entry, values), digits, method="balls"), by_mpmath(entry, values, more))


# ---- no random effects: every weight, every law


@dataclass(frozen=True)
class Response:
    """A family with a link, and values of beta at which every law below gives a finite information."""

    family: str
    link: str | None = None
    intercept: str = "-0.3"
    slope: str = "0.4"
    bounded: bool = False


RESPONSES = [
    Response("bernoulli"),
    Response("bernoulli", "probit"),
    Response("bernoulli", "cloglog"),
    Response("binomial(7)", "logit", "1.25", "-2/3"),
    Response("binomial(7)", "cloglog", "-1.5", "-2/3"),
    Response("poisson"),
    Response("poisson", "sqrt"),
    Response("negative-binomial(5/2)", None, "0.8", "1/3"),
    Response("gaussian"),
    Response("gaussian", "log", "0.1", "1/7"),
    Response("gamma", None, "2.1", "0.6", bounded=True),
    Response("gamma", "log"),
    Response("inverse-gaussian", None, "2.1", "0.6", bounded=True),
    Response("inverse-gaussian", "log", "-0.2", "-1/7"),
]
LAWS = [
    UNIT,
    "Uniform(1/3, 5/2)",
    "Triangular(-1, 2, 1/2)",
    "Beta(2, 3)",
    "Beta(1/2, 3/2)",
    ARMS,
    "Bernoulli(1/3)",
    "Normal(1/5, 4/5)",
    "Gamma(3/2, 1/2)",
    "Exponential(3)",
    "Poisson(2)",
    "Laplace(0, 2/5)",
]
BOUNDED = LAWS[:7]


def regressions(every: int) -> list[Any]:
    """Return every so many of all families and laws, along diagonals so that each occurs."""
    pairs = [(r, law) for i, r in enumerate(RESPONSES) for law in (BOUNDED if r.bounded else LAWS)[i % every :: every]]
    return [pytest.param(r, law, id=f"{r.family}-{r.link}-{law}") for r, law in pairs]


def compare_regression(response: Response, law: str) -> None:
    result = model("y ~ x", response.family, response.link, x=law)
    values = VALUES | {"beta0": response.intercept, "beta1": response.slope}
    for entry in numeric_entries(result):
        two_roads(entry, values, 12, 24)


@pytest.mark.parametrize(("response", "law"), regressions(6))
def test_regression(response: Response, law: str) -> None:
    compare_regression(response, law)


@pytest.mark.slow
@pytest.mark.parametrize(
    "law", ["ExGaussian(1/2, 1/2, 3)", "Frechet(11/2, 2, 0)", "Kumaraswamy(2, 3)", "VonMises(0, 1)"]
)
def test_regression_with_laws_of_sympy(law: str) -> None:
    compare_regression(Response("poisson", None, "-0.3", "-0.4"), law)


@pytest.mark.slow
@pytest.mark.parametrize(("response", "law"), [pair for pair in regressions(3) if pair not in regressions(6)])
def test_more_regressions(response: Response, law: str) -> None:
    compare_regression(response, law)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "laws"),
    [
        ("y ~ x1 + x2", {"x1": UNIT, "x2": "Normal(0, 1)"}),
        pytest.param("y ~ x1*x2", {"x1": "Bernoulli(1/2)", "x2": UNIT}, marks=pytest.mark.slow),
        ("y ~ x1 + x2", {"x1": "Bernoulli(1/3)", "x2": "Exponential(2)"}),
    ],
)
def test_several_predictors_with_all_covariances(formula: str, laws: dict[str, str]) -> None:
    for entry in numeric_entries(model(formula, "bernoulli", **laws)):
        two_roads(entry, VALUES, 8, 16)


# ---- random effects, beside mpmath


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "family", "link", "laws", "digits"),
    [
        ("y ~ x + (1 | g)", "bernoulli", None, {"x": UNIT}, 15),
        ("y ~ x + (1 | g)", "bernoulli", None, {"x": "Normal(1/5, 1)"}, 10),
        ("y ~ x + (1 | g)", "binomial(4)", None, {"x": "Uniform(0, 3)"}, 10),
        ("y ~ x + (1 | g)", "bernoulli", None, {"x": ARMS}, 12),
        ("y ~ x + (1 | g)", "bernoulli", "cloglog", {"x": ARMS}, 8),
        ("y ~ x + (1 | g)", "bernoulli", None, {"x": "Triangular(-1, 1, 0)"}, 10),
        ("y ~ x + (1 | g)", "bernoulli", None, {"x": "Poisson(2)"}, 10),
        ("y ~ x + (1 | g)", "negative-binomial(3)", None, {"x": UNIT}, 10),
        ("y ~ x + (1 | g)", "poisson", None, {"x": "Beta(2, 3)"}, 15),
        ("y ~ x + (1 | g)", "poisson", "sqrt", {"x": UNIT}, 15),
        ("y ~ x + (1 | g)", "gaussian", "log", {"x": UNIT}, 15),
        ("y ~ x + (1 | g)", "gamma", "log", {"x": "Exponential(3)"}, 15),
        ("y ~ x + (1 | g)", "inverse-gaussian", "log", {"x": ARMS}, 15),
        ("y ~ x + (0 + x | g)", "bernoulli", None, {"x": ARMS}, 10),
        ("y ~ x1 + x2 + (1 + x1 | g)", "poisson", None, {"x1": UNIT, "x2": UNIT}, 10),
        ("y ~ x1 + x2 + (1 + x1 | g)", "poisson", None, {"x1": "Normal(0, 1/3)", "x2": "Normal(0, 1)"}, 10),
    ],
)
def test_random_effects(formula: str, family: str, link: str | None, laws: dict[str, str], digits: int) -> None:
    for entry in numeric_entries(model(formula, family, link, **laws)):
        two_roads(entry, VALUES, digits, 2 * digits)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "family", "link", "laws", "digits", "more"),
    [
        ("y ~ x + (1 | g)", "bernoulli", "probit", {"x": "Bernoulli(1/3)"}, 10, 20),
        ("y ~ x + (0 + x | g)", "bernoulli", None, {"x": UNIT}, 10, 15),
        ("y ~ x1 + x2 + (1 | g)", "bernoulli", None, {"x1": "Bernoulli(1/2)", "x2": "Bernoulli(1/4)"}, 8, 16),
        ("y ~ x1 + x2 + (1 | g)", "bernoulli", None, {"x1": UNIT, "x2": "Uniform(0, 1)"}, 6, 9),
    ],
)
def test_slower_random_effects(
    formula: str, family: str, link: str | None, laws: dict[str, str], digits: int, more: int
) -> None:
    for entry in numeric_entries(model(formula, family, link, **laws)):
        two_roads(entry, VALUES, digits, more)


@pytest.mark.parametrize(
    ("law", "inside"),
    [
        ("Uniform(a, b)", {"a": "-1/2", "b": "7/4"}),
        ("Normal(mu, s)", {"mu": "1/5", "s": "3/5"}),
        ("Triangular(a, b, c)", {"a": "-1", "b": "3/2", "c": "1/4"}),
        ("Beta(p, q)", {"p": "2", "q": "3"}),
        ("Poisson(lam)", {"lam": "3/2"}),
    ],
)
def test_parameters_inside_laws(law: str, inside: dict[str, str]) -> None:
    entry = model("y ~ x + (1 | g)", "bernoulli", x=law)["x"]
    two_roads(entry, VALUES | inside, 8, 14)


# ---- random effects, beside sums from the definition of the model

Node = tuple[arb, arb]
Axis = Callable[[float, float], list[Node]]
"""Nodes and masses, given nats of accuracy and how many times finer than that."""


def over(lower: Any, upper: Any, density: Callable[[arb], arb]) -> Axis:
    """Gauss-Legendre on a bounded interval."""

    def nodes(nats: float, finer: float) -> list[Node]:
        count = ceil(finer * nats / 2.6) + 4
        half, middle = (arb(upper) - lower) / 2, (arb(upper) + lower) / 2
        rule = [arb.legendre_p_root(count, k, True) for k in range(count)]
        return [(middle + half * x, half * w * density(middle + half * x)) for x, w in rule]

    return nodes


def normal(strip: float, shift: float = 0) -> Axis:
    """Trapezoidal rule for the standard normal law and a function analytic in a strip."""

    def nodes(nats: float, finer: float) -> list[Node]:
        width = min(strip, sqrt(2 * nats))
        step = 2 * pi * width / (nats + width**2 / 2 + 10) / finer
        count = ceil((sqrt(2 * nats) + shift + finer) / step)
        density = step / (2 * arb.pi()).sqrt()
        return [(arb(step) * k, density * (-((arb(step) * k) ** 2) / 2).exp()) for k in range(-count, count + 1)]

    return nodes


def halfline(shape: Any, scale: Any) -> Axis:
    """Gamma law: trapezoidal rule in t with x = exp(t - exp(-t))."""

    def nodes(nats: float, finer: float) -> list[Node]:
        step, found = arb(7 / nats / finer), []
        for k in range(-ceil(6 / float(step)), ceil(7 / float(step))):
            t = step * k
            log_x = t - (-t).exp()
            mass = step * (1 + (-t).exp()) * (log_x * shape - log_x.exp()).exp() / arb(shape).gamma()
            if mass > arb(10) ** -200:
                found.append((scale * log_x.exp(), mass))
        return found

    return nodes


def logit(eta: arb) -> arb:
    q = eta.exp()
    return q / (1 + q) ** 2


def probit(eta: arb) -> arb:
    z = eta / arb(2).sqrt()
    return 2 / arb.pi() * (-eta * eta).exp() / (z.erfc() * (-z).erfc())


def cloglog(eta: arb) -> arb:
    q = eta.exp()
    return q * q / q.expm1()


def saturating(eta: arb) -> arb:
    q = eta.exp()
    return q / (1 + q / 3)


Weight = Callable[[arb], arb]
STRIPS = {logit: 2.6, saturating: 2.6, probit: 1.8, cloglog: 1.3}
"""Half the width of a strip about the real line without poles of the weight, for steps that converge fast."""


def number_of(text: str) -> arb:
    value = Rational(text)
    return arb(fmpq(int(value.p), int(value.q)))


@dataclass(frozen=True)
class Direct:
    """The last entry of E_U[information given the effects' rows]^{-1}; rows 1, x1, x2, ..., effects on the first.

    ``predictors`` makes the axes of independent variables, ``mixing`` the predictors of them; ``covariance`` is the
    lower triangle of that of the effects.
    """

    weight: Weight
    beta: tuple[str, ...]
    predictors: Callable[[], tuple[Axis, ...]]
    covariance: tuple[str, ...]
    mixing: Callable[[Sequence[arb]], Sequence[arb]] = tuple

    def design(self, nats: float, finer: float) -> list[tuple[list[arb], arb]]:
        found = []
        for nodes in product(*(axis(nats, finer) for axis in self.predictors())):
            mass = arb(1)
            for _, share in nodes:
                mass *= share
            found.append(([arb(1), *self.mixing([x for x, _ in nodes])], mass))
        return found

    def root(self) -> list[list[arb]]:
        """Return the lower triangular root of the covariance of the effects."""
        first, *rest = map(number_of, self.covariance)
        if not rest:
            return [[first.sqrt()]]
        slope = rest[0] / first.sqrt()
        return [[first.sqrt(), arb(0)], [slope, (rest[1] - slope**2).sqrt()]]

    def once(self, nats: float, finer: float) -> arb:
        design = self.design(nats, finer)
        beta = [number_of(text) for text in self.beta]
        size, root = len(beta), self.root()
        products = arb_mat([[mass * a * b for a in row for b in row] for row, mass in design])
        axes = [normal(STRIPS[self.weight] / float(sum(r[j] for r in root)))(nats, finer) for j in range(len(root))]
        total = arb_mat(size - len(root), size - len(root))
        for nodes in product(*axes):
            mass, effects = arb(1), list(beta)
            for j, (z, share) in enumerate(nodes):
                mass *= share
                for i in range(len(root)):
                    effects[i] += root[i][j] * z
            weights = [self.weight(sum(map(mul, effects, row), arb(0))) for row, _ in design]
            gram = arb_mat([weights]) * products
            total += mass * residual(arb_mat(size, size, gram.entries()), len(root))
        return total.inv()[total.nrows() - 1, total.nrows() - 1]

    def number(self, digits: int) -> Number:
        """Return the value, its error the difference to one with fewer nodes."""
        nats = 2.31 * digits + 4
        with ball_precision(ceil(3.33 * digits) + 80):
            coarse, fine = (self.once(nats, finer) for finer in (1, 1.3))
            error = (abs(coarse - fine) + fine.rad() + abs(fine) * arb(10) ** -digits).upper()
            return Number(as_float(fine), as_float(error), digits, certified=False)


def residual(gram: arb_mat, given: int) -> arb_mat:
    """Return what is left of a Gram matrix once its first rows are given: its Schur complement."""
    rows = gram.tolist()
    for k in range(given):
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return arb_mat([row[given:] for row in rows[given:]])


def as_float(value: arb) -> Float:
    mantissa, exponent = map(int, value.mid().man_exp())
    return Float(from_man_exp(mantissa, exponent), precision=max(53, mantissa.bit_length()))


V = ("13/10",)
"""The variance of a random intercept."""


def unit() -> Axis:
    return over(-1, 1, lambda x: arb(1) / 2)


def one_intercept(weight: Weight, axis: Callable[[], Axis]) -> Direct:
    return Direct(weight, ("-3/10", "7/10"), lambda: (axis(),), V)


@pytest.mark.parametrize(
    ("link", "family", "law", "direct", "digits"),
    [
        ("logit", "bernoulli", UNIT, one_intercept(logit, unit), 20),
        ("logit", "bernoulli", "Gamma(2, 1/2)", one_intercept(logit, lambda: halfline(2, arb("0.5"))), 8),
        ("logit", "bernoulli", "Exponential(1)", one_intercept(logit, lambda: halfline(1, 1)), 8),
        ("logit", "bernoulli", "Normal(0, 1)", one_intercept(logit, lambda: normal(3.7)), 15),
        ("log", "negative-binomial(3)", UNIT, one_intercept(saturating, unit), 15),
        ("cloglog", "bernoulli", UNIT, one_intercept(cloglog, unit), 8),
        pytest.param("probit", "bernoulli", UNIT, one_intercept(probit, unit), 8, marks=pytest.mark.slow),
    ],
)
def test_random_intercept_from_the_definition(link: str, family: str, law: str, direct: Direct, digits: int) -> None:
    entry = model("y ~ x + (1 | g)", family, link, x=law)["x"]
    agree(entry.evaluate(point_of(entry, VALUES), digits, method="balls"), direct.number(2 * digits))


def correlated(x: Sequence[arb]) -> tuple[arb, arb]:
    """Return the predictors of `JOINT` from standard normal ones: the second is 1/4 + x1/2 + z/sqrt(2)."""
    return x[0], arb("0.25") + x[0] / 2 + x[1] / arb(2).sqrt()


SLOPES = ("1/2", "1/10", "1/4")
TWO = ("-3/10", "7/10", "-2/5")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "laws", "direct", "digits", "more"),
    [
        ("y ~ x1 + x2 + (1 + x1 | g)", (UNIT, UNIT), Direct(logit, TWO, lambda: (unit(), unit()), SLOPES), 6, 9),
        ("y ~ x1 + x2 + (1 | g)", (JOINT,), Direct(logit, TWO, lambda: (normal(2.5), normal(4)), V, correlated), 8, 14),
    ],
)
def test_two_predictors_from_the_definition(
    formula: str, laws: tuple[str, ...], direct: Direct, digits: int, more: int
) -> None:
    names = ("x1, x2",) if laws == (JOINT,) else ("x1", "x2")
    entry = model(formula, "bernoulli", None, **dict(zip(names, laws, strict=True)))["x2"]
    agree(entry.evaluate(point_of(entry, VALUES), digits, method="balls"), direct.number(more))


# ---- a false bound


def coarse_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grids for twelve nats, whatever was asked."""
    plan = uniform_average._plan
    monkeypatch.setattr(uniform_average, "_plan", lambda size, nats, tail: plan(size, 12.0, 12.0))


def wider_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps twice as wide as the error that is wanted needs them to be."""
    plan_sum = normal_intercept.plan_sum

    def wider(*arguments: Any) -> Any:
        good = plan_sum(*arguments)
        return replace(good, step=good.step * 2, first=good.first // 2, last=good.last // 2)

    monkeypatch.setattr(normal_intercept, "plan_sum", wider)


def honest(entry: Entry, point: dict[str, str], reference: Number) -> None:
    """Accept a refusal, or more work and a number that agrees."""
    try:
        number = entry.evaluate(point, 12, method="balls")
    except EvaluationError:
        return
    agree(number, reference)


@pytest.mark.parametrize(
    ("law", "kernel", "coarse", "bound"),
    [(UNIT, uniform_average, coarse_plan, "_missing"), ("Normal(0, 1)", normal_intercept, wider_steps, "_error")],
)
def test_a_false_bound_is_caught(
    monkeypatch: pytest.MonkeyPatch, law: str, kernel: Any, coarse: Callable[[pytest.MonkeyPatch], None], bound: str
) -> None:
    """With too few nodes an honest bound says so; a bound of zero, planted, claims digits that are wrong."""
    entry = model("y ~ x + (1 | g)", "bernoulli", x=law)["x"]
    point = point_of(entry, VALUES)
    reference = entry.evaluate(point, 20, method="mpmath")
    agree(entry.evaluate(point, 12, method="balls"), reference)
    coarse(monkeypatch)
    honest(entry, point, reference)
    monkeypatch.setattr(kernel, bound, lambda *arguments: arb(0))
    with pytest.raises(AssertionError):
        agree(entry.evaluate(point, 12, method="balls"), reference)
