"""Bounds of the integrand over the effects: far out, on cells, and for complex effects."""
