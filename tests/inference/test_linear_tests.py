"""The page of exports, and how the records read."""

from __future__ import annotations

from leadterms.inference import linear_tests
from leadterms.inference.linear_tests import FTest, LikelihoodRatio


def test_every_export_is_there():
    assert all(callable(getattr(linear_tests, name)) for name in linear_tests.__all__)


def test_an_f_test_reads_as_a_sentence():
    shown = repr(FTest("Kenward-Roger", "H", 6.30271, 1, 79.0, 1.0, 0.0140974, False, ("a note",)))
    assert shown.splitlines() == [
        "Kenward-Roger (approximate): H",
        "  F = 6.30271 on 1 and 79 degrees of freedom, p = 0.0141",
        "  a note",
    ]
    assert ", scaling 0.98," in repr(FTest("Kenward-Roger", "H", 1.0, 2, 9.5, 0.98, 0.4, False))
    assert repr(FTest("exact F", "H", 1.0, 2, 9.0, 1.0, 0.4, True)).startswith("exact F (exact): H")


def test_a_likelihood_ratio_names_its_limit():
    shown = repr(LikelihoodRatio("H", "REML", 3.2, ((0.5, 0), (0.5, 1)), 0.0368, ("n",)))
    assert shown.splitlines() == [
        "likelihood ratio, REML (asymptotic): H",
        "  statistic 3.2 by 0.5 chi2(0) + 0.5 chi2(1), p = 0.0368",
        "  n",
    ]
    assert "by chi2(2)," in repr(LikelihoodRatio("H", "ML", 3.2, ((1.0, 2),), 0.2))
