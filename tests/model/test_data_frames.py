"""Data frames of any kind become columns."""

from __future__ import annotations

import sys
from collections import UserList

import pandas as pd
import polars
import pytest

from leadterms import ModelError
from leadterms.model.data_columns import read_columns
from leadterms.model.data_frames import frame_columns

TABLE = {"x": [1, 2, 4], "g": ["a", "b", "a"], "other": [None, None, None]}


def test_a_mapping_stays_as_it_is():
    assert frame_columns(TABLE, ["x"]) is TABLE


def test_a_pandas_frame_with_any_kind_of_column():
    frame = pd.DataFrame(TABLE).astype({"x": "Int64", "g": "category"})
    found = read_columns(frame_columns(frame, ["x", "g"]), ["x", "g"])
    assert found["x"].numbers.tolist() == [1, 2, 4]
    assert found["g"].values == ("a", "b", "a")


def test_another_frame():
    found = read_columns(frame_columns(polars.DataFrame(TABLE), ["x", "g"]), ["x", "g"])
    assert found["x"].numbers.tolist() == [1, 2, 4]
    assert found["g"].values == ("a", "b", "a")


@pytest.mark.parametrize("ordered", [True, False])
def test_the_order_of_categories_is_kept(ordered):
    frame = pd.DataFrame({"z": pd.Categorical(list("abca"), categories=list("dcba"), ordered=ordered)})
    column = read_columns(frame, ["z"])["z"]
    assert (column.values, column.levels) == (tuple("abca"), tuple("cba"))


def test_the_order_of_categories_in_polars():
    text = polars.Series("z", list("abca"))
    enum = polars.DataFrame({"z": text.cast(polars.Enum(list("dcba")))})
    assert read_columns(enum, ["z"])["z"].levels == tuple("cba")
    # a Categorical of polars is sorted as text, whatever came first
    assert read_columns(polars.DataFrame({"z": text.reverse().cast(polars.Categorical)}), ["z"])["z"].levels == (
        "a",
        "b",
        "c",
    )
    with pytest.raises(ModelError, match="a LazyFrame is lazy, and its rows are not there yet: collect it first"):
        read_columns(enum.lazy(), ["z"])


def test_the_order_of_a_dictionary_of_pyarrow():
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is no dependency, not even of the tests")
    given = pyarrow.DictionaryArray.from_arrays(pyarrow.array([2, 1, 0, 2], pyarrow.int8()), pyarrow.array(list("cba")))
    inside = pd.Series(given, dtype=pd.ArrowDtype(given.type))
    for data in (pyarrow.table({"z": given}), {"z": given}, {"z": pyarrow.chunked_array([given])}, {"z": inside}):
        column = read_columns(data, ["z"])["z"]
        assert (column.values, column.levels) == (tuple("abca"), tuple("cba"))


def test_columns_that_share_a_name_are_refused():
    with pytest.raises(ModelError, match="give each column a name of its own"):
        frame_columns(pd.DataFrame([[1, 2]], columns=["x", "x"]), ["x"])


def test_missing_values_and_columns_are_refused_by_name():
    frame = pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64"), "g": ["a", "b", "a"]})
    with pytest.raises(ModelError, match="the column 'x' misses its value in row 2"):
        read_columns(frame_columns(frame, ["x"]), ["x"])
    with pytest.raises(ModelError, match="the data have no column 'w': they have x, g"):
        read_columns(frame_columns(frame, ["w"]), ["w"])


def test_what_is_no_frame_is_refused_as_data():
    with pytest.raises(ModelError, match="the data are a mapping of column names"):
        read_columns(frame_columns([1, 2], ["x"]), ["x"])


def test_without_narwhals_pandas_is_read_all_the_same_and_others_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    monkeypatch.setitem(sys.modules, "narwhals.stable.v1", None)
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    assert frame_columns(frame, ["x"]) is frame
    with pytest.raises(ModelError, match=r"pip install 'leadterms\[data\]'"):
        frame_columns([1, 2], ["x"])


def test_without_narwhals_categories_keep_their_order_or_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    monkeypatch.setitem(sys.modules, "narwhals.stable.v1", None)
    frame = pd.DataFrame({"z": pd.Categorical(list("ab"), categories=["b", "a"])})
    assert read_columns(frame, ["z"])["z"].levels == ("b", "a")

    class Foreign(UserList):
        dtype = "Enum"

    with pytest.raises(ModelError, match="a Foreign is read through narwhals, which is missing"):
        read_columns({"z": Foreign("ab")}, ["z"])
    assert read_columns({"z": UserList("ab")}, ["z"])["z"].levels == ("a", "b")
