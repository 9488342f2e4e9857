"""Options of the test run, and what each test starts from."""

import pytest

from leadterms.evaluation import held_balls


def pytest_addoption(parser):
    parser.addoption(
        "--variants", type=int, default=40, help="how many true and how many false variants of each formula are checked"
    )


@pytest.fixture(autouse=True)
def no_known_averages():
    """Averages taken in one test are none of another, which may plant a false bound."""
    held_balls._enclosed.cache_clear()
