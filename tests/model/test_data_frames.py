"""Data frames of any kind become columns."""

from __future__ import annotations

import sys

import pandas as pd
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
    polars = pytest.importorskip("polars", reason="polars is no dependency, not even of the tests")
    found = read_columns(frame_columns(polars.DataFrame(TABLE), ["x", "g"]), ["x", "g"])
    assert found["x"].numbers.tolist() == [1, 2, 4]
    assert found["g"].values == ("a", "b", "a")


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
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    assert frame_columns(frame, ["x"]) is frame
    with pytest.raises(ModelError, match=r"pip install 'leadterms\[data\]'"):
        frame_columns([1, 2], ["x"])
