"""Expectations in closed form where there is one, held where there is none."""
