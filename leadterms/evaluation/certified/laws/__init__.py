"""One predictor's law in balls: atoms, smooth segments of the line, and proven tails."""
