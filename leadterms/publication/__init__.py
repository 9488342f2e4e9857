"""Records for the world: JSON and LaTeX views of a result."""
