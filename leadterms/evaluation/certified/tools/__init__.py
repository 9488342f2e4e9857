"""Small tools for balls: ends and boxes, Gauss-Legendre rules, interpolation, corners, and the count of work."""
