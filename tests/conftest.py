"""Options of the test run, and what each test starts from."""

import pytest

from leadterms.evaluation import enclosed_averages


def pytest_addoption(parser):
    parser.addoption(
        "--variants", type=int, default=20, help="how many true and how many false variants of each formula are checked"
    )


@pytest.fixture
def forget_averages():
    """Return a function after which averages are taken again."""

    def forget():
        enclosed_averages._enclosed.cache_clear()
        enclosed_averages._enclosed_together.cache_clear()

    return forget


@pytest.fixture(autouse=True)
def no_known_averages(monkeypatch, forget_averages):
    """Averages taken in one test, or before something is patched in it, are none of what comes after."""
    setattr_ = monkeypatch.setattr

    def patched(*arguments, **options):
        setattr_(*arguments, **options)
        forget_averages()

    monkeypatch.setattr = patched
    forget_averages()
