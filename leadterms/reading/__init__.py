"""What comes in as text: exact numbers and expressions, with carets in the errors."""
