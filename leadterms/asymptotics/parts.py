"""What leading and second terms of a mixed model with one grouping have in common."""

from __future__ import annotations

from dataclasses import dataclass

from leadterms.asymptotics.nested import FixedOnlyInformation, ThetaInformation
from leadterms.information.conditional import ConditionalInformation
from leadterms.information.groups import GroupKind
from leadterms.model.group_level import EffectsDesign


@dataclass(frozen=True)
class NestedParts:
    """The informations whose inverses and averages the terms are.

    Parameters
    ----------
    split
        Which fixed effects move which random coefficient, and block B.
    kinds
        The kinds of groups, each with its H(u).
    information
        Closes expectations, for all kinds.
    averaged
        G.
    theta
        T^{-1} of the fixed effects that move random coefficients.

    """

    split: EffectsDesign
    kinds: tuple[GroupKind, ...]
    information: ConditionalInformation
    averaged: FixedOnlyInformation
    theta: ThetaInformation
