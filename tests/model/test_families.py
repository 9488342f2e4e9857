"""Families: dispersion information against quadrature over the density, links and refusals."""

import pickle

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import Integer, Symbol, diff, lambdify

from leadterms.errors import LeadtermsError, ModelError, ReadingError
from leadterms.model.families import FAMILY_NAMES
from leadterms.model.family_reading import read_family

PHI = Symbol("phi", positive=True)


def gaussian_density(y, mu, phi):
    return mpmath.exp(-((y - mu) ** 2) / (2 * phi)) / mpmath.sqrt(2 * mpmath.pi * phi)


def gamma_density(y, mu, phi):
    shape = 1 / phi
    return mpmath.exp(-y * shape / mu) * (y * shape / mu) ** shape / (y * mpmath.gamma(shape))


def inverse_gaussian_density(y, mu, phi):
    return mpmath.exp(-((y - mu) ** 2) / (2 * phi * mu**2 * y)) / mpmath.sqrt(2 * mpmath.pi * phi * y**3)


DENSITIES = {
    "gaussian": (gaussian_density, [-mpmath.inf, -4, 0, 2, 5, mpmath.inf]),
    "gamma": (gamma_density, [0, 1, 4, 16, mpmath.inf]),
    "inverse-gaussian": (inverse_gaussian_density, [0, 0.5, 1, 3, 9, mpmath.inf]),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_dispersion_information_is_the_fisher_information_of_the_density(name):
    """2 d'/phi + d'' against E[(d/dphi log density)^2], by quadrature over the response."""
    density, breakpoints = DENSITIES[name]
    d = read_family(name).dispersion_normaliser(PHI)
    formula = lambdify(PHI, 2 * diff(d, PHI) / PHI + diff(d, PHI, 2), "mpmath")
    with mp.workdps(42):
        for phi in (mpf("0.4"), mpf("0.85")):
            mu = mpf("1.7")

            def integrand(y, mu=mu, phi=phi):
                value = density(y, mu, phi)
                if not value:
                    return mpf(0)
                step = mpf(10) ** -12
                score = mpmath.log(density(y, mu, phi * (1 + step)) / density(y, mu, phi * (1 - step))) / (
                    2 * step * phi
                )
                return score**2 * value

            expected = mpmath.quad(integrand, breakpoints)
            # the central difference of relative step 1e-12 is off by about its square
            assert abs(formula(phi) / expected - 1) < mpf(10) ** -20


def test_gaussian_dispersion_information_gives_the_known_variance():
    d = read_family("gaussian").dispersion_normaliser(PHI)
    assert 1 / (2 * diff(d, PHI) / PHI + diff(d, PHI, 2)) == 2 * PHI**2


@pytest.mark.parametrize(
    ("name", "canonical", "dispersion"),
    [
        ("gaussian", "identity", True),
        ("bernoulli", "logit", False),
        ("binomial(10)", "logit", False),
        ("poisson", "log", False),
        ("gamma", "inverse", True),
        ("inverse-gaussian", "1/mu^2", True),
        ("negative-binomial(3)", None, False),
    ],
)
def test_default_link_is_the_canonical_one(name, canonical, dispersion):
    family = read_family(name)
    assert family.name == name
    assert family.has_dispersion is dispersion
    assert [link.name for link in family.links if link.canonical] == ([canonical] if canonical else [])
    assert family.link(None) is family.links[0]
    assert family.links[0].canonical or canonical is None
    assert all(family.link(link.name) is link for link in family.links)


def test_families_are_compared_by_value_and_refuse_a_dispersion_that_they_lack():
    for name in ("gaussian", "binomial(10)", "gamma", "inverse-gaussian", "negative-binomial(k)"):
        assert read_family(name) == pickle.loads(pickle.dumps(read_family(name)))
    assert read_family("negative-binomial(3)") != read_family("negative-binomial(4)")
    with pytest.raises(ModelError, match="the family poisson has no dispersion parameter: its dispersion is 1"):
        read_family("poisson").dispersion_normaliser(PHI)


def test_a_size_called_mu_or_eta_is_not_the_mean_or_the_predictor():
    for name in ("mu", "eta"):
        family = read_family(f"negative-binomial({name})")
        assert family.variance(Integer(2)) == 2 + 4 / Symbol(name, positive=True)


def test_one_trial_is_a_bernoulli():
    assert read_family("binomial(1)").name == "bernoulli"


def test_symbolic_size_is_positive():
    (size,) = read_family("negative-binomial(k)").links[0].weight.at(Integer(1)).free_symbols
    assert size.name == "k"
    assert size.is_positive


def test_unknown_link_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"link 'probit' is not known for the family poisson: choose one of log, sqrt"):
        read_family("poisson").link("probit")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cauchy", "family 'cauchy' is not known: choose one of " + ", ".join(FAMILY_NAMES)),
        ("Gamma", "family 'Gamma' is not known: did you mean gamma? choose one of " + ", ".join(FAMILY_NAMES)),
        (
            "inverse-gausian",
            "family 'inverse-gausian' is not known: did you mean inverse-gaussian? choose one of "
            + ", ".join(FAMILY_NAMES),
        ),
        ("poisson(3)", "the family poisson takes 0 argument(s), but 1 given: write poisson"),
        (
            "binomial",
            "the family binomial takes 1 argument(s), but 0 given: write binomial(10), or bernoulli for a single trial",
        ),
        (
            "binomial(2, 3)",
            "the family binomial takes 1 argument(s), but 2 given: write binomial(10), or bernoulli for a single trial",
        ),
        ("binomial(0)", "the number of trials of a binomial is a whole number, 1 or more"),
        ("binomial(5/2)", "the number of trials of a binomial is a whole number, 1 or more"),
        ("binomial([1, 2])", "the number of trials of a binomial is a whole number, 1 or more"),
        ("negative-binomial(-1)", "the size of a negative binomial is positive"),
        ("negative-binomial(0)", "the size of a negative binomial is positive"),
    ],
)
def test_refused_families(text, message):
    with pytest.raises(ReadingError) as refused:
        read_family(text)
    assert refused.value.message == message


@pytest.mark.parametrize("text", ["negative-binomial(beta0)", "negative-binomial(n)", "", "poisson poisson"])
def test_other_texts_are_refused(text):
    with pytest.raises(LeadtermsError):
        read_family(text)
