"""The theorems that the references of the atlas are values of."""

INFORMATION = "McCullagh and Nelder (1989), Generalized Linear Models, section 2.5"
"""The Fisher information of a GLM, here averaged over the law of the predictors."""
LEADING_TERMS = (
    "Jiang, Wand and Bhaskaran (2022), Usable and precise asymptotics for generalized linear mixed model analysis "
    "and design, JRSS B"
)
DISPERSION = (
    "Bhaskaran and Wand (2023), Dispersion parameter extension of precise generalized linear mixed model "
    "asymptotics, Statistics and Probability Letters"
)
BY_THE_SAME_ARGUMENT = f"derived by the argument of {LEADING_TERMS}"
"""For links that are not canonical, which the published theorem does not cover."""
DISPERSED_BY_THE_SAME_ARGUMENT = f"derived by the argument of {DISPERSION}"
