"""Weights in balls: values, and upper bounds over complex boxes."""
