"""Coefficients over arrays of parameters, in double precision."""

from __future__ import annotations

from leadterms.evaluation.arrays.function import ArrayFunction, array_function

__all__ = ["ArrayFunction", "array_function"]
