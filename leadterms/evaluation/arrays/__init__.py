"""Coefficients over arrays of parameters, in double precision."""

from __future__ import annotations

from leadterms.evaluation.arrays.function import COARSEST, FINEST, ArrayFunction, array_function

__all__ = ["COARSEST", "FINEST", "ArrayFunction", "array_function"]
