"""Fisher information of a model, conditional on its random effects."""
