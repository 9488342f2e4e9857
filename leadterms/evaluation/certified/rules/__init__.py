"""Quadrature rules for one predictor with proven errors."""
