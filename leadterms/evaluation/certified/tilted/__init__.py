"""Systems under exponential weights without the predictors that can be integrated in closed form."""
