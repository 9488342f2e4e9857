"""What the researcher states: families, laws, formula, the model record."""
