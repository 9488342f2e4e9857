"""A strand of a moment system in balls: its predictors, laws and weight, and its moments at any effects."""
