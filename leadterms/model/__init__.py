"""What the researcher states: families, laws, formula, layout, the model record."""
