"""A reference pack in Julia: values as ``BigFloat``, inputs as exact rationals."""

from __future__ import annotations

from math import ceil, log2

from leadterms.publication.reference_literals import (
    TEXTS,
    comments,
    computed,
    error_literal,
    joined,
    quoted,
    value_literal,
)
from leadterms.publication.reference_pack import ReferencePack, ReferenceValue
from leadterms.reading.numbers import exact_number

SPARE_BITS = 16
"""Binary digits beyond those that the decimal digits need."""


def as_julia(pack: ReferencePack) -> str:
    """Return a Julia module with the values as ``BigFloat`` and the inputs as exact rationals."""
    bits = ceil(pack.digits * log2(10)) + SPARE_BITS
    direction = {"nearest": "RoundNearest", "down": "RoundDown", "up": "RoundUp"}[pack.rounding]

    def inputs(value: ReferenceValue) -> str:
        exact = ((name, exact_number(text)) for name, text in value.reference.inputs.items())
        return ", ".join(f'{_quoted(name)} => big"{number.p}" // big"{number.q}"' for name, number in exact)

    def record(value: ReferenceValue) -> str:
        fields = [
            *(_quoted(text(value)) for text in TEXTS.values()),
            f"big_float({_quoted(value.value or '')})",
            value_literal(value, pack.rounding),
            error_literal(value),
            str(value.certified).lower(),
            f"Dict{{String, Rational{{BigInt}}}}({inputs(value)})",
        ]
        return "\n".join(["    Reference(", *(f"        {field}," for field in fields), "    ),"])

    return joined(
        comments("#", pack, "julia"),
        [
            "module LeadtermsReference",
            "",
            "export Reference, REFERENCES, check",
            "",
            "struct Reference",
            *(f"    {name}::String" for name in TEXTS),
            "    big::BigFloat",
            "    value::Float64",
            "    error::Float64",
            "    certified::Bool",
            "    inputs::Dict{String, Rational{BigInt}}",
            "end",
            "",
            f"big_float(digits) = BigFloat(digits, {direction}; precision = {bits})",
            "",
            "const REFERENCES = Reference[",
            *map(record, computed(pack)),
            "]",
            "",
            '"""Whether a value is within rel_tol of its reference: `@test check(id, value)`."""',
            "function check(id, value; rel_tol = 1e-12)",
            "    place = findfirst(reference -> reference.id == id, REFERENCES)",
            '    place === nothing && throw(ArgumentError("no reference value has the identifier $id"))',
            "    expected = REFERENCES[place].big",
            "    return abs(value - expected) <= rel_tol * abs(expected)",
            "end",
            "",
            "end",
        ],
    )


def _quoted(text: str) -> str:
    r"""Return a string literal in which nothing is interpolated.

    Examples
    --------
    >>> print(_quoted("$x"))
    "\$x"

    """
    return quoted(text).replace("$", r"\$")
