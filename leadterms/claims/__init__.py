"""Claims of researchers: formulas as they write them, read in the terms of a model."""
