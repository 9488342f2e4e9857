"""Terms that were asked for: what exists passes, what does not is refused with what to ask for."""

from __future__ import annotations

import pytest

from leadterms import ExistenceError, Model, UndecidedError, expansion
from leadterms.inference.asked_terms import ONE_OR_WHAT_EXISTS, ONE_TERM, require_terms


def _terms(link, **point):
    model = Model("y ~ x + (1 | g)", family="bernoulli", link=link, laws={"x": "Bernoulli(1/2)"})
    result = expansion(model, terms=2)
    values = result.space.point({"beta0": 0, "beta1": 1, **point})
    return [term.at(values) for term in result["1"].terms]


def test_terms_that_exist_pass():
    for own in (_terms("logit", sigma2=2), _terms("probit", sigma2="1/2")):
        assert [term.exists for term in own] == [True, True]
        require_terms(own, ONE_TERM)
    require_terms([])


def test_terms_that_do_not_exist():
    # of a probit model the second term exists where sigma2 < 1 (README, Two terms)
    for error, sigma2 in ((ExistenceError, 2), (UndecidedError, 1)):
        own = _terms("probit", sigma2=sigma2)
        for remedy in (ONE_TERM, ONE_OR_WHAT_EXISTS):
            with pytest.raises(error) as caught:
                require_terms(own, remedy)
            assert str(caught.value).endswith(f"; {remedy}")
        with pytest.raises(error) as caught:
            require_terms(own)
        assert "--terms" not in str(caught.value)
        require_terms(own[:1], ONE_TERM)
