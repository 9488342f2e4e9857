"""Values of corners in double precision, for tests."""

from __future__ import annotations

from typing import Any

from leadterms.evaluation.certified.tools.corner import Corner


def corner_log(corner: Corner, z: Any) -> Any:
    """Return the logarithm of a corner at z, numbers or arrays."""
    total: Any = float(corner.level) + sum(float(t) * one for t, one in zip(corner.tilt, z, strict=True))
    for c, b in corner.squares:
        total += (float(c) + sum(float(entry) * one for entry, one in zip(b, z, strict=True))) ** 2 / 2
    return total
