"""Exact algebra: fractions of exponentials, surds and opaque functions; the canonical form and its zero test."""
