"""Powers of the effects in the numerator of an inverse information, by exponentials: |u|^a <= a! e^|u|."""

from __future__ import annotations

from flint import arb

from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.moment_system import InverseForm


def bound_of_effects(form: InverseForm) -> tuple[Ball, list[Ball]]:
    """Return k and rates g with e^(sum |u_k|) <= k e^(sum_j g_j |z_j|), over the effects u_k that the numerator has."""
    size = len(form.mean)
    used = [k for k in range(size) if any(term.powers[k] for term in form.terms)]
    level = sum((abs(arb(form.mean[k])) for k in used), arb(0)).exp()
    return level, [sum((abs(arb(form.root[k][j])) for k in used), arb(0)) for j in range(size)]
