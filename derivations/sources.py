"""The sources that the statements cite."""

DECK = "Wand, The generalized linear mixed model leading terms"
"""Slides; the statements name the slide by its title."""
TABLE = "Maestrini, Bhaskaran and Wand (2024), Biometrika, as printed in Wand's slides"
"""The sample-size table, from the slide 'The Clincher'."""
HERE = "derived here; no publication of the joint formula was found"
"""Statements that have no printed source."""
