"""The optimisers of scipy, or the reason why there are none."""

from __future__ import annotations

from leadterms.errors import LeadtermsError


def require_scipy(what: str) -> None:
    """Refuse to optimise without scipy.

    Raises
    ------
    LeadtermsError
        If it is not installed, with the remedy.

    """
    try:
        import scipy.optimize  # noqa: F401
    except ImportError:
        raise LeadtermsError(
            f"cannot optimise {what}: scipy is not installed (pip install 'leadterms[design]')"
        ) from None
