"""References: stated once, identified for good, selected by their beginning or by a pattern."""

from __future__ import annotations

import pytest

from leadterms import LeadtermsError
from leadterms.publication import atlas
from leadterms.publication.atlas import Reference, in_order, installed_references, references_of, selected


def reference(identifier="a/x", **changes) -> Reference:
    stated = {
        "formula": "y ~ x", "family": "poisson", "laws": {"x": "Uniform(-1, 1)"}, "entry": ("x", "x"),
        "inputs": {"beta0": "0.34", "beta1": "41/50"}, "citation": "a book",
    }  # fmt: skip
    return Reference(identifier, **(stated | changes))


@pytest.mark.parametrize("identifier", ["", "a b", "a'b", 'a"b', "a*", "a?", "[a]", "a\\b", "a\nb", "ä", "-a", "a$b"])
def test_an_identifier_is_safe_in_every_language_and_shell(identifier):
    with pytest.raises(LeadtermsError, match="is not made of letters"):
        reference(identifier)


def test_inputs_are_exact_numbers():
    with pytest.raises(LeadtermsError, match="a number was expected"):
        reference(inputs={"beta0": "one"})


def test_the_title_says_model_entry_and_point():
    assert reference(link="sqrt", entry=("1", "x")).title == (
        "y ~ x  [poisson, sqrt link; x ~ Uniform(-1, 1)]  1,x at beta0=0.34, beta1=41/50"
    )
    assert reference().title == "y ~ x  [poisson; x ~ Uniform(-1, 1)]  x at beta0=0.34, beta1=41/50"


def test_a_model_is_derived_once():
    assert reference("a").expansion() is reference("b", entry=("1", "1")).expansion()
    assert str(reference().derived().order) == "1/n"


def test_one_reference_for_each_entry():
    made = references_of("line", "y ~ x", "gamma", {"x": "Beta(2, 3)"}, {}, ["x", ("1", "x"), "phi"], "c", "log")
    assert [one.identifier for one in made] == ["line/x", "line/1,x", "line/phi"]
    assert {one.link for one in made} == {"log"}


def test_references_come_sorted_and_identifiers_are_unique():
    assert [one.identifier for one in in_order([reference("b"), reference("a")])] == ["a", "b"]
    with pytest.raises(LeadtermsError, match="two references of the atlas have the identifier 'a'"):
        in_order([reference("a"), reference("b"), reference("a")])


class Point:
    def __init__(self, *identifiers):
        self.identifiers = identifiers

    def load(self):
        return lambda: [reference(identifier) for identifier in self.identifiers]


def test_every_installed_package_is_asked(monkeypatch):
    points = {"leadterms.atlas": [Point("c", "a"), Point("b")]}
    monkeypatch.setattr(atlas, "entry_points", lambda group: points[group])
    assert [one.identifier for one in installed_references()] == ["a", "b", "c"]


def test_nothing_installed_is_refused(monkeypatch):
    monkeypatch.setattr(atlas, "entry_points", lambda group: [])
    with pytest.raises(LeadtermsError, match="no package with an atlas is installed"):
        installed_references()


KNOWN = ["glm-a/1", "glm-a/x", "glmm-a/x", "other"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], KNOWN),
        (["glm-"], ["glm-a/1", "glm-a/x"]),
        (["glm"], ["glm-a/1", "glm-a/x", "glmm-a/x"]),
        (["*/x"], ["glm-a/x", "glmm-a/x"]),
        (["glm-a/?", "other"], ["glm-a/1", "glm-a/x", "other"]),
        (["[go]*[!1]"], ["glm-a/x", "glmm-a/x", "other"]),
    ],
)
def test_names_select_by_beginning_or_pattern(names, found):
    assert selected(KNOWN, names) == set(found)


@pytest.mark.parametrize("name", ["", "a/x", "GLM", "*/y"])
def test_a_name_that_selects_nothing_is_refused(name):
    with pytest.raises(LeadtermsError, match="no identifier begins with"):
        selected(KNOWN, ["glm", name])
