"""Sample size, power and detectable effect of Wald tests, from one and two terms of the variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from leadterms.asymptotics.expansion import expansion
from leadterms.asymptotics.layout_need import needs_layout
from leadterms.asymptotics.orders import order_text
from leadterms.asymptotics.point import Values
from leadterms.asymptotics.result import Expansion
from leadterms.asymptotics.sizes import EQUAL, UNEQUAL
from leadterms.errors import EvaluationError, ModelError
from leadterms.inference.hypothesis import Hypothesis, hypothesis
from leadterms.inference.planned import SampleSize
from leadterms.inference.planned_sizes import planned_sizes, size_names
from leadterms.inference.planning import Question, is_per_group
from leadterms.inference.power import probability, wald_level
from leadterms.inference.size_formula import EFFECT, POWER
from leadterms.model.statement import Model
from leadterms.notation.symbols import HARMONIC
from leadterms.reading.assignments import read_assignments


def sample_size(
    model: Model | Expansion,
    stated: Any,
    at: Values,
    *,
    m: Any = None,
    n: Any = None,
    sizes: Mapping[str, Any] | None = None,
    power: Any = "0.9",
    alpha: Any = "0.05",
    sides: int = 2,
    solve: str | None = None,
    terms: int | None = None,
    value: Any = None,
    variance: str = "alternative",
    regime: str | None = None,
) -> SampleSize:
    r"""Return the size that a Wald test of K theta = b needs for a power, or its power, or the effect it detects.

    With d = K theta - b the effect and V = K Cov K' the asymptotic variance at the sizes, one or two terms of it, both
    at the alternative ``at``:

    - a size is the least with :math:`d^2/V \ge (z_{1-\alpha/s} + z_Q)^2`, s the sides and Q the power, or for several
      rows with :math:`d'V^{-1}d \ge \lambda`, at which the noncentral :math:`\chi^2_r` has that power. Quantiles are
      exact, and the size is rounded up once. For s = 2 a rejection on the wrong side is left out of the power asked
      for, so that the size is never too small;
    - the power at given sizes, and that at a size found, has both tails;
    - a detectable effect is that at which the sizes have the power: :math:`|d| = (z_{1-\alpha/s} + z_Q)\sqrt V`.

    These are normal approximations: degrees of freedom of an estimated standard error are left out, and of the
    variance what the terms leave out: of order 1/(mn) with one term of order 1/m, smaller than 1/(mn) with two.

    Parameters
    ----------
    model
        A model, or its expansion.
    stated
        The hypothesis, as in `leadterms.inference.hypothesis.hypothesis`: ``"x"``, ``"x1 - x2 = 1/2"``, several of
        these, a matrix K, or a record of one.
    at
        The alternative: exact values of all parameters that the variance depends on, and of those of the hypothesis.
    m, n
        Numbers of groups and of observations in each, whichever is not solved for. A sequence for n is a pattern of
        group sizes that is repeated; m is then a multiple of its length.
    sizes
        Sizes by name in other layouts, ``{"m_prime": 20, "n": 5}``; ``{"n_h": 18}`` with n = 20 for unequal groups of
        the mean size 20 and the harmonic mean 18.
    power
        Between alpha and 1, exact.
    alpha
        Level, between 0 and 1, exact.
    sides
        1, in the direction of the effect, or 2.
    solve
        "m", "n" or another size of the model, "power" or "effect". None: m where there are groups, else n.
    terms
        1 or 2. None: two where the leading order is 1/m in groups of one grouping, else one.
    value
        The right side b of the hypothesis, if not in ``stated``.
    variance
        For ``solve="effect"``: "alternative", at the effect that is found, with the other parameters as given (for one
        parameter); or "fixed", at ``at``.
    regime
        For linear mixed models, as in `leadterms.leading_terms`: with ``"m -> oo, n fixed"`` the variance is exact in n
        where predictors are designed.

    Returns
    -------
    SampleSize
        The answers of one term and of two, the achieved power, the terms of the variance, the formula, and warnings.

    Raises
    ------
    EvaluationError
        If a number is out of its range, the effect is zero, or no size is enough.
    ExistenceError
        If the second term does not exist at the point.
    ModelError
        If the hypothesis is not linear, or on the boundary of the parameter space.
    UndecidedError
        If it could not be decided whether a term exists, or how to round.

    References
    ----------
    Maestrini, Bhaskaran and Wand (2024), Biometrika, for sample sizes from two terms; Diggle, Heagerty, Liang and
    Zeger, Analysis of Longitudinal Data, (2.4.1), for the special case of a linear mixed model.

    Examples
    --------
    >>> trial = Model("y ~ x + (1 + x | group)", family="poisson", laws={"x": "Bernoulli(1/2)"})
    >>> at = "beta0=-1.5, beta1=0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.25"
    >>> plan = sample_size(trial, "x", at, n=20, sides=1)
    >>> plan.value, plan.one_term, plan.two_terms
    (130, 24, 130)

    """
    n = n.tolist() if hasattr(n, "tolist") else n
    result, tested = _derived(model, stated, value, terms, regime, _kind_of_sizes(n, sizes))
    tested.check_interior()
    if variance not in ("alternative", "fixed"):
        raise EvaluationError(f"variance is 'alternative' or 'fixed', not {variance!r}")
    what = _what(result, solve)
    question = Question(
        result,
        tested,
        read_assignments(at) if isinstance(at, str) else at,
        wald_level(alpha, sides, tested.rows),
        probability(power, "power"),
        what,
        planned_sizes(result, m, n, sizes),
        variance == "fixed",
    )
    return question.answer(_terms_used(result, tested, terms))


def _kind_of_sizes(n: Any, sizes: Mapping[str, Any] | None) -> str:
    listed = isinstance(n, Sequence) and not isinstance(n, str) and len({str(own) for own in n}) > 1
    return UNEQUAL if listed or HARMONIC.name in (sizes or {}) else EQUAL


def _derived(
    model: Any, stated: Any, value: Any, terms: int | None, regime: str | None, group_sizes: str
) -> tuple[Expansion, Hypothesis]:
    """Return the expansion that is needed, and the hypothesis."""
    if isinstance(terms, bool) or terms not in (None, 1, 2):
        raise EvaluationError(f"terms is 1 or 2, not {terms!r}")
    if isinstance(model, Expansion):
        if regime is not None:
            raise ModelError("an expansion has its regime: give the model together with regime")
        return model, hypothesis(model.model, stated, value)
    if not isinstance(model, Model):
        raise ModelError(f"a Model or an Expansion is needed, not {type(model).__name__}")
    tested = hypothesis(model, stated, value)
    result = _expansion(model, 1, group_sizes, regime)
    if terms != 1 and model.is_mixed and not needs_layout(model, regime) and is_per_group(result, tested):
        result = _expansion(model, 2, group_sizes, regime)
    return result, tested


@lru_cache(maxsize=32)
def _expansion(model: Model, terms: int, group_sizes: str, regime: str | None) -> Expansion:
    return expansion(model, terms, group_sizes, regime)


def _terms_used(result: Expansion, tested: Hypothesis, terms: int | None) -> int:
    has_two = result.terms == 2 and is_per_group(result, tested)
    if terms != 2 or has_two:
        return terms or (2 if has_two else 1)
    if result.terms == 1 and is_per_group(result, tested) and HARMONIC in result.space.sizes:
        raise ModelError("the expansion has one term: derive it with expansion(model, terms=2)")
    orders = dict.fromkeys(order_text(t.order) for s in tested.involved for t in result[s, s].terms)
    raise ModelError(
        f"the leading term of {tested.label} is of order {' + '.join(orders)}, and no second term is known: a second "
        "term is that of order 1/(m*n) beside 1/m, for one grouping factor: leave out terms=2 (--terms 2)"
    )


def _what(result: Expansion, solve: str | None) -> str:
    """Return what is solved for.

    Raises
    ------
    EvaluationError
        If it is unknown, or must be said.

    """
    names = size_names(result)
    if solve is None:
        usual = next((name for name in ("m", "n") if name in names), names[0])
        return usual if usual == "m" or names == ("n",) else names[0]
    if solve not in (*names, POWER, EFFECT):
        raise EvaluationError(
            f"{solve!r} cannot be solved for: there are the sizes {', '.join(names)}, and power and effect"
        )
    return solve
