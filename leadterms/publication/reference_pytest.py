"""A reference pack for pytest: exact decimals, one test for each value."""

from __future__ import annotations

from leadterms.publication.reference_literals import TEXTS, comments, computed, joined
from leadterms.publication.reference_pack import ReferencePack, ReferenceValue


def as_pytest(pack: ReferencePack) -> str:
    """Return a test module for pytest that asks the fixture ``leadterms_compute`` for every value."""
    texts = {name: text for name, text in TEXTS.items() if name != "digits"}

    def record(value: ReferenceValue) -> str:
        fields = [f"{name}={text(value)!a}," for name, text in texts.items()]
        fields += [
            f"value=Decimal({value.value!a}),",
            f"error=Decimal({value.error!a}),",
            f"certified={value.certified},",
            f"inputs={dict(value.reference.inputs)!a},",
        ]
        return "\n".join(["    Reference(", *(f"        {field}" for field in fields), "    ),"])

    return joined(
        comments("#", pack, "pytest"),
        _PYTEST_BEGIN,
        [f"    {name}: str" for name in texts],
        _PYTEST_FIELDS,
        map(record, computed(pack)),
        ["]", f"DIGITS = {pack.digits}"],
        _PYTEST_END,
    )


_PYTEST_BEGIN = '''
from decimal import Decimal, localcontext
from typing import NamedTuple

import pytest

RELATIVE_TOLERANCE = Decimal("1e-12")


class Reference(NamedTuple):
    """One value; the inputs are exact: fractions.Fraction(text)."""
'''.splitlines()
_PYTEST_FIELDS = """\
    value: Decimal
    error: Decimal
    certified: bool
    inputs: dict


REFERENCES = [""".splitlines()
_PYTEST_END = '''

def check(id, value, rel_tol=RELATIVE_TOLERANCE):
    """Whether a value is within rel_tol of its reference."""
    expected = {reference.id: reference.value for reference in REFERENCES}[id]
    with localcontext() as context:
        context.prec = DIGITS + 10
        number = Decimal(value) if isinstance(value, (int, float, Decimal)) else Decimal(str(value))
        return number.is_finite() and abs(number - expected) <= Decimal(rel_tol) * abs(expected)


@pytest.fixture
def compute(request):
    """Your function of a Reference; define it in conftest.py as the fixture leadterms_compute."""
    try:
        return request.getfixturevalue("leadterms_compute")
    except pytest.FixtureLookupError:
        pytest.skip("define the fixture leadterms_compute in conftest.py: it returns a function of a Reference")


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.id)
def test_value(reference, compute):
    value = compute(reference)
    if value is None:
        pytest.skip("not covered")
    assert check(reference.id, value)'''.splitlines()
