"""Maximum likelihood for mixed models with one grouping factor by adaptive Gauss-Hermite quadrature.

A road of its own for the tests: it shares nothing with the package but the models. All groups are of n observations
and are worked on at once; U = L Z with Z ~ N(0, I), and the integral over Z has its nodes at the mode of the group,
scaled by the curvature there (Pinheiro and Bates 1995, Journal of Computational and Graphical Statistics 4, 12-35).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln


@dataclass(frozen=True)
class Response:
    """log p(y; eta, phi) with its first derivative by eta and minus the expectation of the second."""

    log_density: Callable
    score: Callable
    weight: Callable
    draw: Callable
    has_dispersion: bool = False


RESPONSES = {
    "poisson": Response(
        lambda y, eta, phi: y * eta - np.exp(eta) - gammaln(y + 1),
        lambda y, eta, phi: y - np.exp(eta),
        lambda y, eta, phi: np.exp(eta),
        lambda rng, eta, phi: rng.poisson(np.exp(eta)).astype(float),
    ),
    "bernoulli": Response(
        lambda y, eta, phi: y * eta - np.logaddexp(0, eta),
        lambda y, eta, phi: y - expit(eta),
        lambda y, eta, phi: expit(eta) * expit(-eta),
        lambda rng, eta, phi: (rng.random(eta.shape) < expit(eta)).astype(float),
    ),
    "gamma": Response(
        # log link, shape 1/phi
        lambda y, eta, phi: (
            -(y * np.exp(-eta) + eta + np.log(phi)) / phi + (1 / phi - 1) * np.log(y) - gammaln(1 / phi)
        ),
        lambda y, eta, phi: (y * np.exp(-eta) - 1) / phi,
        lambda y, eta, phi: y * np.exp(-eta) / phi,
        lambda rng, eta, phi: rng.gamma(1 / phi, phi * np.exp(eta)),
        has_dispersion=True,
    ),
}


@dataclass(frozen=True)
class Fit:
    """Estimates; ``boundary`` where Sigma is nearly singular, ``gradient`` the largest component that is left."""

    beta: np.ndarray
    sigma: np.ndarray
    phi: float
    log_likelihood: float
    gradient: float
    boundary: bool

    def estimates(self) -> dict[str, float]:
        """By the names of the package."""
        found = {f"beta{index}": float(value) for index, value in enumerate(self.beta)}
        d = len(self.sigma)
        if d == 1:
            return found | {"sigma2": float(self.sigma[0, 0])}
        return found | {f"Sigma{j + 1}{i + 1}": float(self.sigma[i, j]) for j in range(d) for i in range(j, d)}


def simulate(family, rng, X, A, beta, sigma, phi=1.0):
    """Draw responses: X is m x n x p, A is m x n x d."""
    u = rng.standard_normal((len(X), len(sigma))) @ np.linalg.cholesky(sigma).T
    return RESPONSES[family].draw(rng, X @ beta + np.einsum("ijk,ik->ij", A, u), phi)


class Likelihood:
    """The log-likelihood of beta, the log-Cholesky parameters of Sigma and log(phi), with its gradient.

    The gradient is the posterior mean of the joint score (Fisher's identity), which is that of the likelihood itself
    up to the error of the quadrature.
    """

    def __init__(self, family, y, X, A, nodes=None):
        self.response, self.y, self.X, self.A = RESPONSES[family], y, X, A
        self.d, self.p = A.shape[2], X.shape[2]
        self.lower = [(i, j) for j in range(self.d) for i in range(j, self.d)]
        count = nodes or (9 if self.d == 1 else 7)
        points, weights = np.polynomial.hermite_e.hermegauss(count)
        grid = np.stack(np.meshgrid(*[points] * self.d, indexing="ij"), axis=-1).reshape(-1, self.d)
        logs = np.stack(np.meshgrid(*[np.log(weights)] * self.d, indexing="ij"), axis=-1).reshape(-1, self.d)
        self.grid, self.log_weights = (
            grid,
            logs.sum(axis=1) + (grid**2).sum(axis=1) / 2 - self.d * np.log(2 * np.pi) / 2,
        )
        self.mode = np.zeros((len(y), self.d))

    def unpack(self, theta):
        """Return beta, L and phi."""
        lower = np.zeros((self.d, self.d))
        for (i, j), value in zip(self.lower, theta[self.p :], strict=False):
            lower[i, j] = np.exp(value) if i == j else value
        return theta[: self.p], lower, float(np.exp(theta[-1])) if self.response.has_dispersion else 1.0

    def find_modes(self, fixed, effects, phi):
        """Maximise log p(y | z) - z'z/2 in every group by Newton's method with halved steps; return the curvature."""

        def height(z):
            eta = fixed + np.einsum("ijk,ik->ij", effects, z)
            return self.response.log_density(self.y, eta, phi).sum(axis=1) - (z**2).sum(axis=1) / 2, eta

        z = self.mode
        best, eta = height(z)
        for _ in range(50):
            gradient = np.einsum("ijk,ij->ik", effects, self.response.score(self.y, eta, phi)) - z
            weight = self.response.weight(self.y, eta, phi)
            curvature = np.einsum("ijk,ij,ijl->ikl", effects, weight, effects) + np.eye(self.d)
            step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
            if np.abs(step).max() < 1e-6:
                break
            size = np.ones(len(z))
            for _ in range(30):
                value, tried = height(z + size[:, None] * step)
                worse = value < best - 1e-9
                if not worse.any():
                    break
                size = np.where(worse, size / 2, size)
            z, best, eta = z + size[:, None] * step, value, tried
        self.mode = z
        return z, curvature

    def __call__(self, theta):
        """Return minus the log-likelihood and its gradient."""
        beta, lower, phi = self.unpack(theta)
        fixed, effects = self.X @ beta, self.A @ lower
        mode, curvature = self.find_modes(fixed, effects, phi)
        scale = np.linalg.inv(np.linalg.cholesky(curvature)).transpose(0, 2, 1)
        z = mode[:, None, :] + np.einsum("ikl,ql->iqk", scale, self.grid)
        eta = fixed[:, None, :] + np.einsum("ijk,iqk->iqj", effects, z)
        y = self.y[:, None, :]
        joint = self.response.log_density(y, eta, phi).sum(axis=2) - (z**2).sum(axis=2) / 2 + self.log_weights
        top = joint.max(axis=1, keepdims=True)
        posterior = np.exp(joint - top)
        total = posterior.sum(axis=1)
        value = (np.log(total) + top[:, 0] + np.log(np.abs(np.linalg.det(scale)))).sum()
        posterior /= total[:, None]
        score = self.response.score(y, eta, phi) * posterior[:, :, None]
        by_row = score.sum(axis=1)
        by_lower = np.einsum("iqj,ijk,iql->kl", score, self.A, z, optimize=True)
        gradient = [*np.einsum("ij,ijk->k", by_row, self.X)]
        gradient += [by_lower[i, j] * (lower[i, i] if i == j else 1) for i, j in self.lower]
        if self.response.has_dispersion:
            step = 1e-5
            up, down = (self.response.log_density(y, eta, phi * np.exp(s)).sum(axis=2) for s in (step, -step))
            gradient.append(((up - down) / (2 * step) * posterior).sum())
        return -value, -np.array(gradient)


def fit(family, y, X, A, start, nodes=None):
    """Maximise the likelihood from a start (beta, Sigma, phi) by BFGS."""
    likelihood = Likelihood(family, y, X, A, nodes)
    beta, sigma, phi = start
    lower = np.linalg.cholesky(np.asarray(sigma))
    first = [*beta, *(np.log(lower[i, j]) if i == j else lower[i, j] for i, j in likelihood.lower)]
    first += [np.log(phi)] if likelihood.response.has_dispersion else []
    # a variance that tends to zero has a logarithm without end
    bounds = [(None, None)] * len(beta) + [(-7, 5) if i == j else (-20, 20) for i, j in likelihood.lower]
    bounds += [(-12, 12)] if likelihood.response.has_dispersion else []
    found = minimize(
        likelihood, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-11, "gtol": 1e-4}
    )
    beta, lower, phi = likelihood.unpack(found.x)
    sigma = lower @ lower.T
    roots = np.sqrt(np.diag(sigma))
    least = np.linalg.eigvalsh(sigma / np.outer(roots, roots))[0]
    boundary = bool(roots.min() < 2e-3 or least < 1e-4)
    gradient = float(np.abs(found.jac).max())
    return Fit(beta, sigma, phi, -float(found.fun), gradient, boundary)
