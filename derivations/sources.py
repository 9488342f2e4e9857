"""The sources that the statements cite."""

DECK = "Wand, The generalized linear mixed model leading terms"
"""Slides; the statements name the slide by its title."""
