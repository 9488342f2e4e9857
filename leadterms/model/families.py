"""Families of responses and their links.

A family is a two-parameter exponential family

    log p(y; eta, phi) = {y eta - b(eta) + c(y)}/phi - d(phi) + terms without parameters

stated by its variance function V(mu) and d(phi); a link by its inverse mu(eta) in R's
parametrisation.  The weight that everything else uses follows from the two; the tests derive every
weight below again as (dmu/deta)^2/V(mu).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sympy import Expr, Integer, Rational, erfc, exp, log, loggamma, sqrt

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

ONE = Integer(1)


@dataclass(frozen=True)
class Link:
    """A link of a family.

    Parameters
    ----------
    name
        As in R: identity, log, logit, probit, cloglog, sqrt, inverse, 1/mu^2.
    inverse
        The inverse link, eta to mu.
    weight
        The weight w(eta) of the family with this link.
    canonical
        Whether it is the canonical link up to sign or factor.
    positive
        Whether the link asks for eta > 0.

    """

    name: str
    inverse: Callable[[Expr], Expr]
    weight: Weight
    canonical: bool = False
    positive: bool = False


@dataclass(frozen=True)
class Family:
    """A family of responses with its links.

    Parameters
    ----------
    name
        As on the command line, with its argument: ``poisson``, ``binomial(10)``.
    links
        The links, the default first.
    variance
        The variance function V(mu).
    dispersion_normaliser
        d(phi), or None where the family has no dispersion parameter (phi = 1).
    latex
        How the model's LaTeX shows the response, with ``%s`` for the mean (for a Gaussian response
        the mean and the dispersion).

    """

    name: str
    links: tuple[Link, ...]
    variance: Callable[[Expr], Expr]
    dispersion_normaliser: Callable[[Expr], Expr] | None
    latex: str

    @property
    def has_dispersion(self) -> bool:
        """Whether phi is a parameter."""
        return self.dispersion_normaliser is not None

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


def _identity(eta: Expr) -> Expr:
    return eta


def _expit(eta: Expr) -> Expr:
    return 1 / (1 + exp(-eta))


def _normal_cdf(eta: Expr) -> Expr:
    return erfc(-eta / sqrt(Integer(2))) / 2


def _cloglog_inverse(eta: Expr) -> Expr:
    return 1 - exp(-exp(eta))


@cache
def gaussian() -> Family:
    """Gaussian response: V = 1, d = log(phi)/2, phi the error variance."""
    return Family(
        "gaussian",
        (
            Link("identity", _identity, ConstantWeight(ONE), canonical=True),
            Link("log", exp, ExponentialWeight(ONE, Integer(2))),
        ),
        lambda mu: ONE,
        lambda phi: log(phi) / 2,
        r"N\left(%s, \phi\right)",
    )


@cache
def binomial(trials: Expr) -> Family:
    """Binomial response, a count out of ``trials``; mu is the probability, V = mu(1 - mu)/trials."""
    bernoulli = trials == 1
    return Family(
        "bernoulli" if bernoulli else f"binomial({trials})",
        (
            Link("logit", _expit, LogisticWeight(trials), canonical=True),
            Link("probit", _normal_cdf, ProbitWeight(trials)),
            Link("cloglog", _cloglog_inverse, CloglogWeight(trials)),
        ),
        lambda mu: mu * (1 - mu) / trials,
        None,
        r"\mathrm{Bernoulli}\left(%s\right)" if bernoulli else rf"\mathrm{{Binomial}}\left({trials}, %s\right)",
    )


@cache
def poisson() -> Family:
    """Poisson response: V = mu.

    With the square-root link the mean is eta^2: beta is identified up to its sign.
    """
    return Family(
        "poisson",
        (
            Link("log", exp, ExponentialWeight(ONE), canonical=True),
            Link("sqrt", lambda eta: eta**2, ConstantWeight(Integer(4))),
        ),
        _identity,
        None,
        r"\mathrm{Poisson}\left(%s\right)",
    )


@cache
def gamma() -> Family:
    """Gamma response: V = mu^2, phi = 1/shape, d = log(phi)/phi + log Gamma(1/phi)."""
    return Family(
        "gamma",
        (
            Link("inverse", lambda eta: 1 / eta, PowerWeight(ONE, Integer(-2)), canonical=True, positive=True),
            Link("log", exp, ConstantWeight(ONE)),
        ),
        lambda mu: mu**2,
        lambda phi: log(phi) / phi + loggamma(1 / phi),
        r"\mathrm{Gamma}\left(\mathrm{mean}=%s, \mathrm{shape}=1/\phi\right)",
    )


@cache
def inverse_gaussian() -> Family:
    """Inverse Gaussian response: V = mu^3, d = log(phi)/2."""
    return Family(
        "inverse-gaussian",
        (
            Link(
                "1/mu^2",
                lambda eta: eta ** Rational(-1, 2),
                PowerWeight(Rational(1, 4), Rational(-3, 2)),
                canonical=True,
                positive=True,
            ),
            Link("log", exp, ExponentialWeight(ONE, Integer(-1))),
        ),
        lambda mu: mu**3,
        lambda phi: log(phi) / 2,
        r"\mathrm{InverseGaussian}\left(%s, \phi\right)",
    )


@cache
def negative_binomial(size: Expr) -> Family:
    """Negative binomial response with given size: V = mu + mu^2/size."""
    return Family(
        f"negative-binomial({size})",
        (Link("log", exp, SaturatingWeight(ONE, 1 / size)),),
        lambda mu: mu + mu**2 / size,
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
