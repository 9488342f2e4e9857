"""leadterms: leading terms of asymptotic covariances in generalized linear (mixed) models.

State a model, get the leading term of the asymptotic variance of every parameter: its order, its closed
form where there is one, its LaTeX, its conditions, and its value to any number of digits.

Examples
--------
>>> import leadterms as lt
>>> model = lt.Model("y ~ x + (1 | group)", family="poisson", laws={"x": "Uniform(-1, 1)"})
>>> result = lt.leading_terms(model)
>>> result["x"].order
1/(m*n)
>>> print(result["x"].evaluate("beta0=-1.46, beta1=2.11, sigma2=3.79", digits=12))
2.04872824099

"""

import lazy_loader

from leadterms._version import __version__

__getattr__, __dir__, _lazy = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_lazy, "__version__"]
