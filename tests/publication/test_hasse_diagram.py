"""The Hasse diagram: its nodes and edges, and its degrees of freedom by subtraction, by Nelder's product, by rank."""

from __future__ import annotations

import random
from itertools import combinations, product

import numpy as np
import pytest
from matplotlib.image import imread
from sympy import Symbol, expand, prod

from leadterms import LeadtermsError, Model, ModelError
from leadterms.publication.hasse_diagram import hasse

UNIFORM = {"x": "Uniform(-1, 1)"}
NESTED = Model("y ~ 1 + (1 | a/b)")
CROSSED = Model("y ~ 1 + (1 | a) + (1 | b)")


def random_model(draw, most=4):
    """Random intercepts in one to five groupings of one to four factors, and sometimes a predictor with a level."""
    names = "abcd"[: draw.randint(1, most)]
    possible = [some for size in range(1, len(names) + 1) for some in combinations(names, size)]
    groupings = draw.sample(possible, min(len(possible), draw.randint(1, 5)))
    formula = " + ".join(f"(1 | {':'.join(grouping)})" for grouping in groupings)
    plain = Model("y ~ x + " + formula, laws=UNIFORM)
    factors = [factor.label for factor in plain.layout.factors if factor.names]
    if len(factors) < 2 or draw.random() < 0.5:
        return plain
    level = ":".join(draw.sample(factors, draw.randint(1, len(factors))))
    return Model("y ~ x + " + formula, laws=UNIFORM, levels={"x": level})


def factors_of(model, node):
    """The index factors of a node, read from its label."""
    if node.label == "units":
        return {factor.label for factor in model.layout.factors}
    names = set(node.label.split(":")) - {"1"}
    return {factor.label for factor in model.layout.factors if factor.names and set(factor.names) <= names}


def coarser_than(model, diagram, node):
    return [other for other in diagram.nodes if factors_of(model, other) < factors_of(model, node)]


@pytest.mark.parametrize("seed", range(40))
def test_degrees_of_freedom_are_levels_minus_those_of_all_coarser_nodes(seed):
    model = random_model(random.Random(seed))
    diagram = hasse(model)
    for node in diagram.nodes:
        coarser = sum(other.degrees_of_freedom for other in coarser_than(model, diagram, node))
        assert expand(node.levels - coarser - node.degrees_of_freedom) == 0
    assert expand(sum(node.degrees_of_freedom for node in diagram.nodes) - model.layout.total) == 0


@pytest.mark.parametrize("seed", range(25))
def test_degrees_of_freedom_are_what_the_indicators_add_to_the_rank(seed):
    """Rank of the indicators of a node beside those of all coarser ones, minus the rank of the latter."""
    draw = random.Random(seed)
    model = random_model(draw, most=3)
    diagram = hasse(model)
    sizes = {factor.size: draw.randint(2, 4 if len(model.layout.factors) < 4 else 3) for factor in model.layout.factors}
    names = [factor.label for factor in model.layout.factors]
    rows = [
        dict(zip(names, levels, strict=True))
        for levels in product(*(range(sizes[factor.size]) for factor in model.layout.factors))
    ]

    def indicators(node):
        own = sorted(factors_of(model, node))
        levels = [tuple(row[name] for name in own) for row in rows]
        return np.array([[float(level == column) for column in sorted(set(levels))] for level in levels])

    for node in diagram.nodes:
        own = indicators(node)
        assert own.shape[1] == node.levels.subs(sizes)
        above = [indicators(other) for other in coarser_than(model, diagram, node)]
        before = np.linalg.matrix_rank(np.hstack(above)) if above else 0
        assert np.linalg.matrix_rank(np.hstack([*above, own])) - before == node.degrees_of_freedom.subs(sizes)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_where_all_subsets_are_nodes_nelders_product_holds(count):
    """Nelder (1965): the stratum of a set of crossed factors has the product of (levels - 1) degrees of freedom."""
    names = "abcd"[:count]
    model = Model("y ~ 1 + " + " + ".join(f"(1 | {name})" for name in names))
    diagram = hasse(model)
    assert len(diagram.nodes) == 2**count + 1
    size = {factor.label: factor.size for factor in model.layout.factors}
    for node in diagram.nodes[:-1]:
        assert node.degrees_of_freedom == prod(size[name] - 1 for name in node.label.split(":") if name != "1")
    cells = prod(size[name] for name in names)
    assert diagram.nodes[-1].degrees_of_freedom == cells * (Symbol("n", integer=True, positive=True) - 1)


@pytest.mark.parametrize("seed", range(40))
def test_edges_are_covers_and_nodes_are_closed(seed):
    model = random_model(random.Random(seed))
    diagram = hasse(model)
    sets = [factors_of(model, node) for node in diagram.nodes]
    covers = {
        (i, j)
        for i, coarser in enumerate(sets)
        for j, finer in enumerate(sets)
        if coarser < finer and not any(coarser < between < finer for between in sets)
    }
    assert set(diagram.edges) == covers
    assert len(diagram.edges) == len(covers)
    # a distributive lattice is graded: a step down is a step to the next layer
    assert all(diagram.nodes[j].layer == diagram.nodes[i].layer + 1 for i, j in diagram.edges)
    for first, second in combinations(sets, 2):
        assert first | second in sets
        assert first & second in sets


def test_a_nested_layout_is_a_chain_without_the_inner_factor_alone():
    diagram = hasse(NESTED)
    assert [node.shown for node in diagram.nodes] == ["1", "(a)", "(a:b)", "(units)"]
    assert diagram.edges == ((0, 1), (1, 2), (2, 3))


def test_crossed_factors_have_their_infimum_without_random_effects():
    diagram = hasse(CROSSED)
    assert [node.shown for node in diagram.nodes] == ["1", "(a)", "(b)", "a:b", "(units)"]
    assert not diagram["a:b"].random
    assert hasse(Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)"))["a:b"].random
    with pytest.raises(LeadtermsError, match="'c' is not a factor of the layout: it has 1, a, b, a:b, units"):
        diagram["c"]


def test_groupings_that_overlap_have_their_supremum():
    """Without a, subtraction would give a:b:c m_a - 1 degrees of freedom too few."""
    diagram = hasse(Model("y ~ 1 + (1 | a:b) + (1 | a:c)"))
    assert [node.shown for node in diagram.nodes] == ["1", "a", "(a:b)", "(a:c)", "a:b:c", "(units)"]


def test_a_level_of_a_predictor_is_a_node():
    plain = hasse(Model("y ~ x + (1 | a) + (1 | b)", laws=UNIFORM))
    crossed = hasse(Model("y ~ x + (1 | a) + (1 | b)", laws=UNIFORM, levels={"x": "a:b"}))
    assert plain["a:b"].predictors == ()
    assert r"{$a{:}b\ \left[x\right]$\\" in crossed.latex()
    assert "in brackets" in crossed.figure().axes[0].texts[0].get_text()
    assert "in brackets" not in plain.figure().axes[0].texts[0].get_text()
    assert crossed["a:b"].predictors == ("x",)
    # by design, the same values in each a
    inner = hasse(Model("y ~ x + (1 | a/b)", laws=UNIFORM, levels={"x": "b"}, designed=["x"]))
    assert [node.shown for node in inner.nodes] == ["1", "(a)", "b", "(a:b)", "(units)"]


def test_without_random_effects_there_are_the_universe_and_the_units():
    diagram = hasse(Model("y ~ x", laws=UNIFORM, family="poisson"))
    assert [(node.shown, str(node.degrees_of_freedom)) for node in diagram.nodes] == [("1", "1"), ("(units)", "n - 1")]


@pytest.mark.parametrize("name", ["units", "residual"])
def test_no_factor_has_a_name_that_the_layout_uses(name):
    with pytest.raises(ModelError, match=f"'{name}' is what the .* called: rename this grouping factor"):
        hasse(Model(f"y ~ 1 + (1 | {name}) + (1 | b)"))


def test_the_text_has_a_line_for_each_node():
    model = Model("y ~ x + (1 | clinic/ward)", laws=UNIFORM, levels={"x": "clinic"})
    assert hasse(model).text().splitlines() == [
        "factor              levels              degrees of freedom        within        predictors",
        "1                   1                   1",
        "  (clinic)          m_clinic            m_clinic - 1              1             x",
        "    (clinic:ward)   m_clinic*m_ward     m_clinic*(m_ward - 1)     clinic",
        "      (units)       m_clinic*m_ward*n   m_clinic*m_ward*(n - 1)   clinic:ward",
    ]


def test_the_latex_has_a_node_for_each_node_and_a_line_for_each_edge():
    diagram = hasse(CROSSED)
    lines = diagram.latex().splitlines()
    assert lines[0].startswith(r"\begin{tikzpicture}")
    assert lines[-1] == r"\end{tikzpicture}"
    assert sum(line.startswith(r"  \node (f") for line in lines) == len(diagram.nodes)
    assert [line.strip() for line in lines if r"\draw" in line] == [
        rf"\draw (f{i}) -- (f{j});" for i, j in diagram.edges
    ]
    assert r"{$a{:}b$\\ $\scriptstyle m m^{\prime};\ \left(m - 1\right) \left(m^{\prime} - 1\right)$}" in lines[4]
    text = diagram.latex()
    assert text.count("{") == text.count("}")
    assert text.count("$") == 4 * len(diagram.nodes)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ 1",
        "y ~ 1 + (1 | a/b)",
        "y ~ 1 + (1 | a) + (1 | b) + (1 | c) + (1 | d)",
        "y ~ 1 + (1 | hospital) + (1 | surgeon_id/patient)",
    ],
)
def test_the_figure_has_every_node_and_edge_and_nothing_overlaps(formula, tmp_path):
    diagram = hasse(Model(formula))
    figure = diagram.figure()
    figure.savefig(tmp_path / "hasse.png")
    assert imread(tmp_path / "hasse.png")[..., :3].min() < 0.5
    (panel,) = figure.axes
    assert len(panel.lines) == len(diagram.edges)
    assert len(panel.texts) == len(diagram.nodes) + 1
    boxes = [text.get_window_extent() for text in panel.texts]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
