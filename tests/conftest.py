"""Options of the test run."""


def pytest_addoption(parser):
    parser.addoption(
        "--variants", type=int, default=60, help="how many true and how many false variants of each formula are checked"
    )
