"""Tests in Gaussian linear mixed models, the exact ones first."""

from __future__ import annotations

from leadterms.inference.approximate_tests import kenward_roger, satterthwaite
from leadterms.inference.exact_tests import exact_f, exact_f_variance
from leadterms.inference.likelihood_ratio import likelihood_ratio
from leadterms.inference.records import FTest, LikelihoodRatio

__all__ = [
    "FTest",
    "LikelihoodRatio",
    "exact_f",
    "exact_f_variance",
    "kenward_roger",
    "likelihood_ratio",
    "satterthwaite",
]
