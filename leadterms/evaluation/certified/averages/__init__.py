"""Averages over the effects: the trapezoidal rule, cells, and which of them a system gets."""
