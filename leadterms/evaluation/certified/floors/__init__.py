"""Lower bounds of the information on random effects, at points, on boxes and far out."""
