"""Generated code in every language, run where the machine has it, against certified values.

Stan and the Wolfram language are run by small translations, where their programs are missing.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
from sympy.parsing.mathematica import parse_mathematica

from leadterms import Model
from leadterms.asymptotics.expansion import expansion
from leadterms.publication.code import entry_code
from leadterms.publication.code_languages import LANGUAGES

TOLERANCE = 1e-12
"""What is promised, in the boxes below: covariances have none here."""


@dataclass(frozen=True)
class Case:
    """A coefficient, intervals for its parameters, and the critical values of its slopes."""

    model: tuple
    key: object
    box: dict[str, tuple[float, float]]
    slopes: tuple[str, ...] = ()
    critical: tuple[float, ...] = ()
    terms: int = 1
    order: str | None = None
    regime: str | None = None


UNIFORM = {"x": "Uniform(-1, 1)"}
NEAR = (0.0, 1e-12, -1e-6, 1e-3, 0.05)
CROSSED = ("y ~ x + (1 | a) + (1 | b) + (1 | a:b)", "gaussian", None, {"x": "Normal(0, s)"})
CASES = {
    "poisson_glm": Case(("y ~ x", "poisson", None, UNIFORM), "1", {"beta0": (-5, 5), "beta1": (-60, 60)},
                        ("beta1",), (*NEAR, 2.999999, 3.000001, -3.1, 180.0, -300.0)),
    "poisson_mixed": Case(("y ~ x + (1 | g)", "poisson", None, UNIFORM), "x",
                          {"beta0": (-5, 5), "beta1": (-60, 60), "sigma2": (0.01, 9)},
                          ("beta1",), (*NEAR, 2.999999, 3.000001, -3.1, 180.0, -300.0)),
    "two_terms": Case(("y ~ x + (1 | g)", "poisson", None, UNIFORM), "1",
                      {"beta0": (-5, 5), "beta1": (-60, 60), "sigma2": (0.01, 9)},
                      ("beta1",), (*NEAR, 2.999999, 3.000001, 150.0), 2, "1/(m*n)"),
    "normal_predictor": Case(("y ~ x", "poisson", None, {"x": "Normal(mu, s)"}), "1",
                             {"beta0": (-2, 2), "beta1": (0.1, 3), "mu": (0.1, 3), "s": (0.2, 2)}),
    "triangular": Case(("y ~ x", "poisson", None, {"x": "Triangular(-1, 1, 0)"}), "1",
                       {"beta0": (-5, 5), "beta1": (-60, 60)}, ("beta1",), (*NEAR, 2.999, 3.001, 200.0)),
    "free_interval": Case(("y ~ x", "poisson", None, {"x": "Uniform(a, b)"}), "x",
                          {"beta0": (-2, 2), "beta1": (-20, 20), "a": (-2, -1), "b": (1, 2)},
                          ("beta1",), (*NEAR, 2.0, -2.5, 60.0)),
    "dilogarithm": Case(("y ~ x", "bernoulli", None, UNIFORM), "x", {"beta0": (-13, 13), "beta1": (-17, 17)},
                        ("beta1",), (*NEAR, 17.999999, 18.000001, -18.1, 30.0, -59.9)),
    "trilogarithm": Case(("y ~ x", "bernoulli", None, {"x": "Triangular(-1, 1, 0)"}), "1",
                         {"beta0": (-9, 9), "beta1": (-17, 17)}, ("beta1",), (*NEAR, 17.9999, 18.0001, 25.0)),
    "negative_binomial": Case(("y ~ x", "negative-binomial(3)", None, UNIFORM), "x",
                              {"beta0": (-12, 12), "beta1": (-17, 17)}, ("beta1",), (*NEAR, 17.9999, 18.0001, 40.0)),
    "gamma_inverse": Case(("y ~ x", "gamma", "inverse", {"x": "Uniform(1, 2)"}), "x",
                          {"beta0": (2.5, 6), "beta1": (-1.2, 8), "phi": (0.1, 3)},
                          ("beta1",), (*NEAR, -0.999, -1.001, -1.2)),
    "polygamma": Case(("y ~ x + (1 | g)", "gamma", "log", UNIFORM), "phi", {"phi": (1e-3, 30)}),
    "inverse_gaussian": Case(("y ~ x", "inverse-gaussian", None, {"x": "Uniform(1, 2)"}), "x",
                             {"beta0": (2.5, 6), "beta1": (-1, 8), "phi": (0.1, 3)}, ("beta1",), NEAR),
    "crossed_component": Case(CROSSED, "sigma2_a_b", {"sigma2_a_b": (0.1, 5), "phi": (0.1, 5), "n": (2, 40)},
                              regime="m, m_prime -> oo, n fixed"),
    "crossed_slope": Case(CROSSED, "x", {"sigma2_a_b": (0.1, 5), "phi": (0.1, 5), "s": (0.1, 5), "n": (2, 40)},
                          regime="m, m_prime -> oo, n fixed"),
    "random_slopes": Case(("y ~ x + (1 + x | g)", "poisson", None, UNIFORM), "Sigma12",
                          {"Sigma11": (1, 5), "Sigma12": (-0.9, 0.9), "Sigma22": (1, 5)}),
    "two_predictors": Case(("y ~ x1 + x2", "poisson", None, {"x1": "Uniform(-1, 1)", "x2": "Uniform(0, 1)"}), "x1",
                           {"beta0": (-3, 3), "beta1": (-3, 3), "beta2": (-6, 6)}, ("beta1", "beta2"),
                           (*NEAR, 2.999, 3.001, 30.0)),
    "logistic_normal": Case(("y ~ x", "bernoulli", None, {"x": "Normal(0, s)"}), "x",
                            {"beta0": (-6, 6), "beta1": (-2, 2), "s": (0.2, 2)}, ("beta1",), NEAR),
    "logistic_mixed": Case(("y ~ x + (1 | g)", "bernoulli", None, UNIFORM), "x",
                           {"beta0": (-5, 5), "beta1": (-12, 12), "sigma2": (0.01, 12)}, ("beta1",), (*NEAR, 17.99)),
}  # fmt: skip


@lru_cache(maxsize=64)
def entry_of(name):
    case = CASES[name]
    formula, family, link, laws = case.model
    model = Model(formula, family=family, link=link, laws=laws)
    return expansion(model, case.terms, "equal", case.regime)[case.key]


@lru_cache(maxsize=64)
def points_of(name):
    """Points, all doubles, and certified values there: 20 random ones and the critical slopes."""
    case, dice = CASES[name], random.Random(name)
    whole = {"n"}

    def draw():
        return {
            symbol: dice.randint(int(a), int(b)) if symbol in whole else dice.uniform(a, b)
            for symbol, (a, b) in case.box.items()
        }

    points = [draw() for _ in range(20)]
    for value in case.critical:
        first, *others = case.slopes
        points.append({**draw(), first: value})
        if others and abs(value) < 3:
            points.append({**draw(), others[0]: value})
        if others and abs(value) > 3:
            points[-1] |= {others[0]: 2 * value}
        if abs(value) >= 18:
            points[-1]["beta0"] /= 2
    entry = entry_of(name)
    return [(tuple(point.values()), float(str(entry.evaluate(exact(point), 17, order=case.order)))) for point in points]


def exact(point):
    return {symbol: str(Fraction(value)) for symbol, value in point.items()}


@lru_cache(maxsize=256)
def text_of(name, language):
    return entry_code(entry_of(name), language, order=CASES[name].order, name=f"f_{name}")


def called(name, language):
    parts = f"f_{name}".split("_")
    return f"f_{name}" if language != "mathematica" else parts[0] + "".join(part.title() for part in parts[1:])


def assert_close(name, values, step=1):
    points = points_of(name)[::step]
    assert len(values) == len(points)
    for value, (arguments, truth) in zip(values, points, strict=True):
        assert abs(value / truth - 1) <= TOLERANCE, (name, arguments, value, truth)


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return [float(line) for line in done.stdout.split()]


def calls(name, pattern, mark="e"):
    """One line for each point, ``{}`` being the call."""
    for arguments, _ in points_of(name):
        listed = ", ".join(repr(float(a)).replace("e", mark) if mark != "d" else fortran(a) for a in arguments)
        yield pattern.replace("{}", f"f_{name}({listed})")


def fortran(value):
    text = repr(float(value))
    return text.replace("e", "d") if "e" in text else text + "d0"


def has(program):
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_every_text_is_ascii_and_says_what_it_is(name, language):
    text = text_of(name, language)
    assert text.isascii()
    assert "Generated by leadterms" in text
    assert "largest relative error" in text or name == "random_slopes"
    assert called(name, language) in text
    assert "nan" not in text.lower().replace("not_a_number", "").replace("ieee_quiet_nan", "") or "sums" in text


@pytest.mark.slow
def test_in_c(tmp_path):
    has("gcc")
    for name in CASES:
        text = text_of(name, "c")
        (tmp_path / "own.c").write_text(text)
        strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1"]
        run(["gcc", *strict, "-DLEADTERMS_SELF_TEST", "own.c", "-o", "own", "-lm"], tmp_path)
        run([tmp_path / "own"], tmp_path)
        lines = "\n".join(calls(name, 'printf("%.17g\\n", {});'))
        (tmp_path / "all.c").write_text(f"{text}\n#include <stdio.h>\nint main(void) {{\n{lines}\nreturn 0;\n}}\n")
        run(["gcc", *strict, "all.c", "-o", "all", "-lm"], tmp_path)
        assert_close(name, run([tmp_path / "all"], tmp_path))


def test_a_wrong_value_fails_the_self_test_in_c(tmp_path):
    has("gcc")
    text = text_of("polygamma", "c")
    value = re.search(r"\)/([0-9.e-]+) - 1\.0\)", text).group(1)
    (tmp_path / "own.c").write_text(text.replace(value, repr(float(value) * (1 + 1e-11))))
    run(["gcc", "-DLEADTERMS_SELF_TEST", "own.c", "-o", "own", "-lm"], tmp_path)
    assert subprocess.run([tmp_path / "own"], capture_output=True, check=False).returncode != 0


@pytest.mark.slow
def test_in_fortran(tmp_path):
    has("gfortran")
    for name in CASES:
        text = text_of(name, "fortran")
        (tmp_path / "own.f90").write_text(text)
        assert max(map(len, (line for line in text.splitlines() if not line.startswith("!")))) <= 132
        strict = ["gfortran", "-cpp", "-std=f2008", "-Wall", "-Werror", "-O1"]
        run([*strict, "-DLEADTERMS_SELF_TEST", "own.f90", "-o", "own"], tmp_path)
        run([tmp_path / "own"], tmp_path)
        lines = "\n".join(calls(name, 'print "(es25.17e3)", {}', "d"))
        (tmp_path / "all.f90").write_text(f"{text}\nprogram p\nuse leadterms_f_{name}\n{lines}\nend program p\n")
        run(["gfortran", "-cpp", "all.f90", "-o", "all"], tmp_path)
        assert_close(name, run([tmp_path / "all"], tmp_path))


NEGATIVE = {
    # covariances of intercept and slope are negative where the mean of the predictor is positive
    "normal": ("poisson", {"x": "Normal(1, 1)"}),
    "logistic": ("bernoulli", {"x": "Uniform(1, 2)"}),
}


@pytest.mark.parametrize("name", NEGATIVE)
def test_negative_reference_values_in_standard_fortran(tmp_path, name):
    has("gfortran")
    family, laws = NEGATIVE[name]
    entry = expansion(Model("y ~ x", family=family, laws=laws), 1)["1", "x"]
    text = entry_code(entry, "fortran", name="f_negative", at={"beta0": "1/2", "beta1": "1/4"})
    (value,) = re.findall(r"^ +/(\S+) - 1\) < 1d-12\)", text, re.MULTILINE)
    assert value.startswith("(-"), value
    (tmp_path / "own.f90").write_text(text)
    strict = ["gfortran", "-cpp", "-std=f2008", "-Wall", "-Wextra", "-Werror", "-DLEADTERMS_SELF_TEST"]
    run([*strict, "own.f90", "-o", "own"], tmp_path)
    run([tmp_path / "own"], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["r", "octave", "julia"])
def test_in_interpreters(tmp_path, language):
    program, pattern = {
        "r": (["Rscript"], 'cat(sprintf("%.17g\\n", {}))'),
        "octave": (["octave-cli", "--norc"], 'printf("%.17g\\n", {});'),
        "julia": (["julia", "--startup-file=no"], "println({})"),
    }[language]
    has(program[0])
    for name in CASES:
        points = calls(name, pattern)
        # loops in Octave take a while
        step = 4 if language == "octave" else 1
        script = tmp_path / f"{name}_{language}.{'m' if language == 'octave' else language}"
        script.write_text(text_of(name, language) + "\n".join([*points][::step]) + "\n")
        assert_close(name, run([*program, script.name], tmp_path), step)


def arrays(name, language):
    space = {}
    exec(text_of(name, language), space)
    columns = [np.array(column, dtype=float) for column in zip(*(point for point, _ in points_of(name)), strict=True)]
    return space[f"f_{name}"], columns


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_in_numpy(name):
    function, columns = arrays(name, "numpy")
    values = function(*columns)
    assert values.shape == columns[0].shape
    assert_close(name, values)
    # one point at a time, and in any shape
    assert_close(name, [float(function(*point)) for point, _ in points_of(name)])
    assert function(*(column.reshape(1, -1, 1) for column in columns)).shape == (1, columns[0].size, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_in_jax(name):
    jax = pytest.importorskip("jax")
    function, columns = arrays(name, "jax")
    assert_close(name, np.asarray(jax.jit(function)(*columns)))
    places = tuple(range(len(columns)))
    slopes = np.asarray(jax.jit(jax.vmap(jax.grad(function, argnums=places)))(*columns))
    assert np.isfinite(slopes).all()
    # central differences, in the last parameter, where they say something
    step = 1e-5
    moved = [np.asarray(function(*columns[:-1], columns[-1] + sign * step)) for sign in (1, -1)]
    secants = (moved[0] - moved[1]) / (2 * step)
    truths = np.array([truth for _, truth in points_of(name)])
    smooth = np.isfinite(secants) & (abs(moved[0] / moved[1] - 1) < 0.01)
    assert smooth.any()
    assert (abs(secants - slopes[-1])[smooth] <= (1e-4 * abs(secants) + 1e-5 * abs(truths))[smooth]).all()


@pytest.mark.parametrize("name", ["poisson_mixed", "dilogarithm", "polygamma"])
def test_in_jax_with_numpy_in_its_place(name):
    text = text_of(name, "jax").replace("import jax.numpy as jnp", "import numpy as jnp").replace("import jax\n", "")
    space = {}
    exec(text.replace('jax.config.update("jax_enable_x64", True)', ""), space)
    assert_close(name, [float(space[f"f_{name}"](*point)) for point, _ in points_of(name)])


def stan_as_c(text):
    """Write the functions of a Stan program in C."""
    body = text[text.index("functions {") + len("functions {") : text.index("\n}\ntransformed data")]
    body = re.sub(r"array\[(\d+)\] real (\w+) = \{", r"static const double \2[\1 + 1] = {0.0,", body)
    body = re.sub(r"for \((\w+) in 0:(\d+)\) \{", r"for (int \1 = 0; \1 <= \2; ++\1) {", body)
    body = body.replace("real ", "double ").replace("not_a_number()", "NAN").replace(" abs(", " fabs(")
    body = re.sub(r"\babs\(", "fabs(", body)
    return f"#include <math.h>\n{body}\n"


@pytest.mark.slow
def test_stan_by_a_translation_to_c(tmp_path):
    has("gcc")
    for name in CASES:
        text = text_of(name, "stan")
        assert re.search(r"\breject\(", text)
        assert f"// f_{name}(" in text
        assert text.count("{") == text.count("}")
        lines = "\n".join(calls(name, 'printf("%.17g\\n", {});'))
        program = f"{stan_as_c(text)}\n#include <stdio.h>\nint main(void) {{\n{lines}\nreturn 0;\n}}\n"
        (tmp_path / "all.c").write_text(program)
        run(["gcc", "-std=c99", "-Wall", "-Werror", "-O1", "all.c", "-o", "all", "-lm"], tmp_path)
        assert_close(name, run([tmp_path / "all"], tmp_path))


def wolfram_as_python(text):
    """Write Wolfram functions in Python; right-hand sides must be read by sympy's own reader as well."""
    text = re.sub(r"\(\*.*?\*\)", "", text)
    text = re.sub(r"\{\n\s+(?=[-0-9])", "{", text)
    text = re.sub(r"(?<=\d),\n\s+(?=[-0-9])", ", ", text)
    text = re.sub(r"(?<=\d)\n\s+\};", "};", text)
    lines, depth, loops = ["from math import exp, log, sinh, cosh, tanh, sqrt, atanh"], 0, []
    source = text.splitlines()

    def python(expression):
        result = re.sub(r"(\w+)\[\[([^\[\]]*)\]\]", r"entry(\1, \2)", expression)
        result = result.replace("*^", "e").replace("^", "**").translate(str.maketrans("{}[]", "()()"))
        for name in ("Exp", "Log", "Sinh", "Cosh", "Tanh", "Sqrt", "Max", "Abs"):
            result = re.sub(rf"\b{name}\(", f"{name.lower()}(", result)
        result = result.replace("ArcTanh(", "atanh(").replace("Indeterminate", "float('nan')")
        return re.sub(r"\bIf\(", "choose(", result)

    lines += ["def choose(c, a, b): return a if c else b", "def entry(table, place): return table[place - 1]"]
    for place, raw in enumerate(source):
        line = raw.strip()
        indent = "    " * depth
        if not line or "Abort[]" in line:
            continue
        if match := re.match(r"(\w+)\[(.*)\] := Module\[\{.*\},", line):
            lines.append(f"def {match[1]}({match[2].replace('_', '')}):")
            depth += 1
        elif line == "Do[":
            spaces = len(raw) - len(raw.lstrip())
            end = next(s for s in source[place:] if re.match(rf" {{{spaces}}}, \{{", s))
            k, first, last, step = re.match(r"\s*, \{(\w+), (-?\d+), (-?\d+), (-?\d+)\}\];", end).groups()
            lines.append(f"{indent}for {k} in range({first}, {int(last) + int(step)}, {step}):")
            depth += 1
        elif match := re.match(r"If\[(.*),$", line):
            lines.append(f"{indent}if {python(match[1]).replace('&&', 'and')}:")
            depth += 1
        elif line == ",":
            lines.append("    " * (depth - 1) + "else:")
        elif line == "];" or line.startswith(", {"):
            depth -= 1
        elif match := re.match(r"(\w+) = (.*);$", line):
            lines.append(f"{indent}{match[1]} = {python(match[2])}")
            loops.append(match[2])
        else:
            lines.append(f"{indent}return {python(line)}")
    return "\n".join(lines), loops


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_wolfram_by_a_translation_to_python(name):
    text = text_of(name, "mathematica")
    for opening, closing in ("[]", "{}", "()"):
        assert text.count(opening) == text.count(closing)
    program, sides = wolfram_as_python(text)
    for side in sides:
        if len(side) < 200:
            parse_mathematica(side)
    space = {}
    exec(program, space)
    # a loop in Python over all nodes of a double sum takes a while
    keep = 4 if name == "logistic_mixed" else None
    for point, truth in points_of(name)[:keep]:
        value = space[called(name, "mathematica")](*map(float, point))
        assert abs(value / truth - 1) <= TOLERANCE, (name, point, value, truth)
