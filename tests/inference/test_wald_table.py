"""Tables of Wald inference in text and HTML."""

from __future__ import annotations

import pytest

from leadterms.inference.scales import CONTENTS, SCALES
from leadterms.inference.wald_record import wald_inference


def test_text_and_html(estimated):
    found = wald_inference(estimated(), "sd", "0.95")
    text = str(found)
    assert repr(found) == text
    assert text.splitlines()[0] == "a model"
    assert "s.e., one term  s.e., two terms" in text
    assert "95% interval" in text
    assert text.splitlines()[-1] == "  a note"
    assert text.splitlines()[1].endswith("variance components: sd (standard deviations, covariances themselves)")
    html = found._repr_html_()
    assert html.count("<tr>") == 7
    assert "<td>sd(Sigma11)</td>" in html
    assert "<li>a note</li>" in html


@pytest.mark.parametrize("scale", SCALES)
def test_the_header_says_what_the_numbers_are_of(scale, estimated):
    header = str(wald_inference(estimated(), scale, "0.95")).splitlines()[1]
    contents = f" ({CONTENTS[scale]})" if scale in CONTENTS else ""
    assert header == f"Wald inference (asymptotic), scale of variance components: {scale}{contents}"
