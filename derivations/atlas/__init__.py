"""The atlas: models, entries and exact points for which reference values are published.  Values are never typed in."""

from __future__ import annotations

from leadterms.publication.atlas import Reference


def references() -> list[Reference]:
    """Return every reference of the atlas."""
    from derivations.atlas import fixed_effects, random_intercepts, random_slopes

    return [
        reference
        for module in (fixed_effects, random_intercepts, random_slopes)
        for stated in module.REFERENCES
        for reference in stated
    ]
