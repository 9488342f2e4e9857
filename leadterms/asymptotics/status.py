"""What is published of layouts with several groupings, and what is derived here."""

from __future__ import annotations

from leadterms.asymptotics.regime import Regime
from leadterms.model.statement import Model
from leadterms.notation.symbols import N


def layout_status(model: Model, regime: Regime) -> str:
    """Return "theorem" for what Wand's slides state of joint work with Ghosh, Jiang and Owen, else "derived".

    They state two crossed groupings with the same random terms, predictors drawn for each observation, and sizes of the
    two factors that are comparable: m = O(m') and m' = O(m).
    """
    layout = model.layout
    crossed = len(layout.factors) == 3 and [len(chosen) for chosen in layout.groupings] == [1, 1]
    if not crossed or model.levels or model.centred or model.designed or N not in regime.growing:
        return "derived"
    first, second = (tuple(int(factor.size == own) for own in regime.growing) for factor in layout.factors[:2])
    same = len({effects.indices for effects in model.random_structure}) == 1
    whole = all(len(effects.blocks) == 1 for effects in model.random_structure)
    return "theorem" if same and whole and regime.compare(first, second) == "same" else "derived"
