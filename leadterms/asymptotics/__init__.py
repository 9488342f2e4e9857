"""Limits: leading terms of the asymptotic covariance under a declared regime."""
