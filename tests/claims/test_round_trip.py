"""Our own LaTeX of derived results reads back to the same expression: every entry of many models."""

import pytest

from leadterms.algebra.canonical import is_equal
from leadterms.asymptotics.expansion import leading_terms
from leadterms.claims.latex_reader import read_claim_text, read_latex
from leadterms.notation.latex import to_latex
from tests.claims.models import STATEMENTS, model, scope

DERIVED = [name for name in STATEMENTS if name != "clash"]


@pytest.mark.parametrize("name", DERIVED)
def test_every_entry_reads_back(name):
    checked = 0
    for entry in leading_terms(model(name)).entries:
        for term in entry.terms:
            whole = term.coefficient * term.order
            reading = read_latex(to_latex(whole), scope(name))
            assert is_equal(reading.expression, whole)
            assert reading.sizes == tuple(s for s in scope(name).sizes if s in term.order.free_symbols)
            checked += 1
    assert checked >= 3


@pytest.mark.parametrize(
    "name", [n for n in DERIVED if n not in ("logistic normal", "logistic mixed", "logistic slopes")]
)
def test_printed_text_reads_back(name):
    for entry in leading_terms(model(name)).entries:
        for term in entry.terms:
            assert is_equal(read_claim_text(str(term.variance), scope(name)).expression, term.variance)
