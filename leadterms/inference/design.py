"""Optimal design: sizes under a cost, the allocation of two arms, support points and weights of predictors."""

from __future__ import annotations

from leadterms.inference.allocation import Allocation, optimal_allocation
from leadterms.inference.combination import linear_combination
from leadterms.inference.cost_design import SizeDesign, optimal_sizes
from leadterms.inference.design_efficiency import efficiency
from leadterms.inference.design_record import Design
from leadterms.inference.layout_cost import LayoutSizes, optimal_layout_sizes
from leadterms.inference.optimal_design import design_of, optimal_design
from leadterms.inference.whole_sizes import WholeSizes

__all__ = [
    "Allocation",
    "Design",
    "LayoutSizes",
    "SizeDesign",
    "WholeSizes",
    "design_of",
    "efficiency",
    "linear_combination",
    "optimal_allocation",
    "optimal_design",
    "optimal_layout_sizes",
    "optimal_sizes",
]
