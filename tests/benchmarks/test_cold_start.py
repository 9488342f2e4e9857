"""A cold derivation costs little more than importing sympy; help costs next to nothing.

Times are minima of paired runs: the commands take turns, so that a busy spell of the machine meets all of them.
"""

import pathlib
import subprocess
import sys
import time

import pytest

PROGRAM = str(pathlib.Path(sys.executable).with_name("leadterms"))
IMPORT_SYMPY = [sys.executable, "-c", "import sympy, sympy.stats"]
DERIVE = [PROGRAM, "derive", "y ~ x + (1 | group)", "--family", "poisson", "--law", "x=Uniform(-1, 1)"]
HELP = [PROGRAM, "--help"]
ROUNDS = 12
LARGEST_RATIO = 1.5


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def paired_minima(*commands):
    """Seconds of each command, the minimum over rounds in which they take turns."""
    for command in commands:  # once without the clock: files come into the cache
        subprocess.run(command, check=True, capture_output=True)
    return [min(column) for column in zip(*([seconds(c) for c in commands] for _ in range(ROUNDS)), strict=True)]


@pytest.fixture(scope="module")
def minima():
    return dict(zip(("sympy", "derive", "help"), paired_minima(IMPORT_SYMPY, DERIVE, HELP), strict=True))


def test_cold_derivation(benchmark, minima):
    benchmark.extra_info.update(minima)
    benchmark.pedantic(subprocess.run, args=(DERIVE,), kwargs={"capture_output": True}, rounds=3)
    print(f"\ncold derive / import sympy, sympy.stats = {minima['derive'] / minima['sympy']:.2f}")
    assert minima["derive"] <= LARGEST_RATIO * minima["sympy"]


def test_help(benchmark, minima):
    benchmark.pedantic(subprocess.run, args=(HELP,), kwargs={"capture_output": True}, rounds=3)
    print(f"\nhelp / import sympy, sympy.stats = {minima['help'] / minima['sympy']:.2f}")
    assert minima["help"] <= minima["sympy"] / 2
