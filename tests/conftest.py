"""Options of the test run."""


def pytest_addoption(parser):
    parser.addoption(
        "--variants", type=int, default=40, help="how many true and how many false variants of each formula are checked"
    )
