"""Numbers: any coefficient, closed or held, to the digits asked for."""
