"""Published statements, one file each: source, steps, printed values.  No machinery is here.

The order is that of the slides: Wand, *The generalized linear mixed model leading terms*, then of the lectures on
linear mixed models.
"""

from __future__ import annotations

from leadterms.publication.statements import Statement


def statements() -> list[Statement]:
    """Return every statement, in the order of the sources."""
    from derivations import (
        bernoulli_random_intercept,
        bernoulli_random_slopes,
        boundary,
        crossed_lmm,
        crossed_theorem,
        degrees_of_freedom,
        diggle,
        dispersion,
        fay_herriot,
        general_block_theorem,
        linear_model,
        nested_lmm,
        neyman_scott,
        one_way,
        orthodont,
        poisson_glm,
        poisson_glmm,
        sample_size_table,
        toy_example,
        two_terms,
    )

    modules = (
        toy_example,
        linear_model,
        poisson_glm,
        poisson_glmm,
        bernoulli_random_slopes,
        bernoulli_random_intercept,
        general_block_theorem,
        dispersion,
        two_terms,
        sample_size_table,
        diggle,
        nested_lmm,
        crossed_lmm,
        crossed_theorem,
        degrees_of_freedom,
        one_way,
        neyman_scott,
        boundary,
        fay_herriot,
        orthodont,
    )
    return [statement for module in modules for statement in module.STATEMENTS]
