"""The public face: frozen names, loaded when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import leadterms

NAMES = {
    "ArrayFunction", "BalancedModel", "CovariancePattern", "Entry", "EvaluationError", "ExistenceError", "Expansion",
    "Expectation", "HasseDiagram", "LeadtermsError", "LinearFit", "Model", "ModelError", "NoRuleError", "Number",
    "ReadingError", "Step", "Term", "UncertifiedError", "UndecidedError", "__version__", "array_function",
    "balanced_model", "canonical", "check", "covariance_pattern", "evaluate", "exact_f", "exact_f_variance",
    "expansion", "fit_linear", "hasse", "is_zero", "kenward_roger", "leading_terms", "likelihood_ratio",
    "optimal_allocation", "optimal_design", "optimal_sizes", "pattern_figure", "power_grid", "sample_size",
    "satterthwaite", "studentize", "to_latex", "variance_interval", "wald",
}  # fmt: skip


def test_the_public_names_are_frozen():
    assert set(leadterms.__all__) == NAMES
    assert len(leadterms.__all__) == len(NAMES)
    assert set(dir(leadterms)) >= NAMES - {"__version__"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_name_exists_and_says_what_it_is(name):
    found = getattr(leadterms, name)
    if name != "__version__":
        assert found.__doc__
        assert found.__doc__[0].isupper()


def test_every_error_is_a_leadterms_error():
    errors = [getattr(leadterms, name) for name in NAMES if name.endswith("Error")]
    assert all(issubclass(error, leadterms.LeadtermsError) for error in errors)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError):
        leadterms.leading_term  # noqa: B018


HEAVY = ["sympy", "mpmath", "numpy", "scipy", "lark", "rich", "flint"]


@pytest.mark.parametrize(
    "program",
    [
        "import leadterms",
        "import leadterms; leadterms.__version__; dir(leadterms)",
        "from leadterms.cli import main; run(main, '--help')",
        "from leadterms.cli import main; run(main, '--version')",
        "from leadterms.cli import main; run(main, 'derive', '--help')",
        "from leadterms.cli import main; run(main, 'layout', '--help')",
        "from leadterms.cli import main; run(main, 'reproduce', '--help')",
        "from leadterms.cli import main; run(main, 'reference', '--help')",
        "from leadterms.cli import main; run(main, 'reference', 'export', '--help')",
        "from leadterms.cli import main; run(main, 'reference', 'compare', '--help')",
        "from leadterms.cli import main; run(main, 'derive', 'y ~ x', '--family', 'poisson', '--n', '20')",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(program):
    preamble = """
import sys
def run(main, *arguments):
    try:
        main(list(arguments))
    except SystemExit:
        pass
"""
    check = f"\nprint('imported:', sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-c", preamble + program + check], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "imported: []"
