"""Families of responses and their links.

A family is a two-parameter exponential family

    log p(y; eta, phi) = {y eta - b(eta) + c(y)}/phi - d(phi) + terms without parameters

stated by its variance function V(mu) and d(phi); a link by its inverse mu(eta) in R's
parametrisation.  The weight that everything else uses follows from the two; the tests derive every
weight below again as (dmu/deta)^2/V(mu).  All functions are expressions in the symbols ETA, MU and
PHI, so that families and links are compared by value and can be pickled.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Rational, Symbol, erfc, exp, log, loggamma, sqrt

from leadterms.errors import ModelError
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
from leadterms.notation.symbols import PHI

ONE = Integer(1)
ETA = Symbol("eta")
"""The linear predictor in the expression of an inverse link; without assumptions, unlike a user's symbol."""
MU = Symbol("mu")
"""The mean in the expression of a variance function; without assumptions, unlike a user's symbol."""


@dataclass(frozen=True)
class Link:
    """A link of a family.

    Parameters
    ----------
    name
        As in R: identity, log, logit, probit, cloglog, sqrt, inverse, 1/mu^2.
    mean
        The inverse link mu(eta), an expression in ETA.
    weight
        The weight w(eta) of the family with this link.
    canonical
        Whether it is the canonical link up to sign or factor.
    positive
        Whether the link asks for eta > 0.

    """

    name: str
    mean: Expr
    weight: Weight
    canonical: bool = False
    positive: bool = False

    def inverse(self, eta: Expr) -> Expr:
        """Return mu(eta)."""
        return self.mean.xreplace({ETA: eta})


@dataclass(frozen=True)
class Family:
    """A family of responses with its links.

    Parameters
    ----------
    name
        As on the command line, with its argument: ``poisson``, ``binomial(10)``.
    links
        The links, the default first.
    variance_function
        V(mu), an expression in MU.
    normaliser
        d(phi), an expression in PHI, or None where the family has no dispersion parameter (phi = 1).
    latex
        How the model's LaTeX shows the law of the response, with ``%s`` for the mean.

    """

    name: str
    links: tuple[Link, ...]
    variance_function: Expr
    normaliser: Expr | None
    latex: str

    @property
    def has_dispersion(self) -> bool:
        """Whether phi is a parameter."""
        return self.normaliser is not None

    def variance(self, mu: Expr) -> Expr:
        """Return V(mu)."""
        return self.variance_function.xreplace({MU: mu})

    def dispersion_normaliser(self, phi: Expr) -> Expr:
        """Return d(phi).

        Raises
        ------
        ModelError
            If the family has no dispersion parameter.

        """
        if self.normaliser is None:
            raise ModelError(f"the family {self.name} has no dispersion parameter: its dispersion is 1")
        return self.normaliser.xreplace({PHI: phi})

    def link(self, name: str | None) -> Link:
        """Return the link of that name, or the default for None.

        Raises
        ------
        ModelError
            If the family has no such link; the message lists those that it has.

        """
        if name is None:
            return self.links[0]
        for link in self.links:
            if link.name == name:
                return link
        known = ", ".join(link.name for link in self.links)
        raise ModelError(f"link {name!r} is not known for the family {self.name}: choose one of {known}")


def gaussian() -> Family:
    """Gaussian response: V = 1, d = log(phi)/2, phi the error variance."""
    return Family(
        "gaussian",
        (
            Link("identity", ETA, ConstantWeight(ONE), canonical=True),
            Link("log", exp(ETA), ExponentialWeight(ONE, Integer(2))),
        ),
        ONE,
        log(PHI) / 2,
        r"N\left(%s, \phi\right)",
    )


def binomial(trials: Expr) -> Family:
    """Binomial response, a count out of ``trials``; mu is the probability, V = mu(1 - mu)/trials."""
    bernoulli = trials == 1
    return Family(
        "bernoulli" if bernoulli else f"binomial({trials})",
        (
            Link("logit", 1 / (1 + exp(-ETA)), LogisticWeight(trials), canonical=True),
            Link("probit", erfc(-ETA / sqrt(Integer(2))) / 2, ProbitWeight(trials)),
            Link("cloglog", 1 - exp(-exp(ETA)), CloglogWeight(trials)),
        ),
        MU * (1 - MU) / trials,
        None,
        r"\mathrm{Bernoulli}\left(%s\right)" if bernoulli else rf"\mathrm{{Binomial}}\left({trials}, %s\right)",
    )


def poisson() -> Family:
    """Poisson response: V = mu.

    With the square-root link the mean is eta^2: beta is identified up to its sign.
    """
    return Family(
        "poisson",
        (
            Link("log", exp(ETA), ExponentialWeight(ONE), canonical=True),
            Link("sqrt", ETA**2, ConstantWeight(Integer(4))),
        ),
        MU,
        None,
        r"\mathrm{Poisson}\left(%s\right)",
    )


def gamma() -> Family:
    """Gamma response: V = mu^2, phi = 1/shape, d = log(phi)/phi + log Gamma(1/phi)."""
    return Family(
        "gamma",
        (
            Link("inverse", 1 / ETA, PowerWeight(ONE, Integer(-2)), canonical=True, positive=True),
            Link("log", exp(ETA), ConstantWeight(ONE)),
        ),
        MU**2,
        log(PHI) / PHI + loggamma(1 / PHI),
        r"\mathrm{Gamma}\left(\mathrm{mean}=%s, \mathrm{shape}=1/\phi\right)",
    )


def inverse_gaussian() -> Family:
    """Inverse Gaussian response: V = mu^3, d = log(phi)/2."""
    return Family(
        "inverse-gaussian",
        (
            Link(
                "1/mu^2",
                ETA ** Rational(-1, 2),
                PowerWeight(Rational(1, 4), Rational(-3, 2)),
                canonical=True,
                positive=True,
            ),
            Link("log", exp(ETA), ExponentialWeight(ONE, Integer(-1))),
        ),
        MU**3,
        log(PHI) / 2,
        r"\mathrm{InverseGaussian}\left(%s, \phi\right)",
    )


def negative_binomial(size: Expr) -> Family:
    """Negative binomial response with given size: V = mu + mu^2/size."""
    return Family(
        f"negative-binomial({size})",
        (Link("log", exp(ETA), SaturatingWeight(ONE, 1 / size)),),
        MU + MU**2 / size,
        None,
        rf"\mathrm{{NegativeBinomial}}\left(\mathrm{{mean}}=%s, \mathrm{{size}}={size}\right)",
    )


FAMILY_NAMES = (
    "gaussian",
    "bernoulli",
    "binomial(N)",
    "poisson",
    "gamma",
    "inverse-gaussian",
    "negative-binomial(SIZE)",
)
"""What a user may write."""
