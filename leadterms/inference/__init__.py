"""Inference from data in Gaussian linear mixed models: estimates, and tests that are exact or say that they are not."""
