"""A user's table: values as written, and one clear line with its number for what cannot be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadterms import LeadtermsError
from leadterms.publication.reference_reading import read_values

LONG = "0.48783367086934305711299239745946"
"""More digits than a double has: they would be lost on the way through one."""


@pytest.mark.parametrize(
    "text",
    [
        f'{{"a/x": {LONG}, "b": "1e-3", "c": -7}}',
        f'[{{"id": "a/x", "value": "{LONG}", "note": [1]}}, {{"value": 1e-3, "id": "b"}}, {{"id": "c", "value": -7}}]',
        f'{{"schema": 1, "entries": [{{"id": "a/x", "value": {LONG}}}, {{"id": "b", "value": "1e-3"}}, '
        '{"id": "c", "value": "-7"}], "statements": [{"name": "b"}]}',
        f"id,value\na/x,{LONG}\nb,1e-3\nc,-7\n",
        f'\ufeff# made by me\n\n# and me\r\nvalue , "id"\r\n"{LONG}",a/x\r\n\r\n 1e-3, b \r\n-7,c',
        f"kind,id,value\nvalue,a/x,{LONG}\nvalue,b,1e-3\nstatement,s,\nvalue,c,-7",
    ],
)
def test_values_are_taken_as_they_are_written(text):
    assert [(value.identifier, value.text) for value in read_values(text, "f")] == [
        ("a/x", LONG), ("b", "1e-3"), ("c", "-7"),
    ]  # fmt: skip


def test_lines_are_those_of_the_file():
    assert [value.line for value in read_values("# a\nid,value\n\na,1\n\nb,2\n", "f")] == [4, 6]
    assert [value.line for value in read_values('{\n"a": 1,\n\n"b": 2}', "f")] == [2, 4]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "f: there is no value in it"),
        ("# only\n", "f, line 2: the header needs the columns id and value; it has nothing"),
        ("id;value\na;1", "f, line 1: the header needs the columns id and value; it has id;value"),
        ("id,value,id\na,1,b", "f, line 1: the header needs the columns id and value; it has id, value, id"),
        ("id,value\n", "f: there is no value in it"),
        ("{}", "f: there is no value in it"),
        ("id,value\na,1\nb", "f, line 3: 1 columns, but the header has 2"),
        ('id,value\n"a"b,1', "f, line 2: ',' expected after '\"'"),
        ('id,value\n"a,1', "f, line 2: unexpected end of data"),
        ("id,value\na,1\nb,2\na,3", "f, line 4: 'a' is given twice, first in line 2"),
        ("id,value\na,\n", "f, line 2: the value of 'a' is '', not a decimal number such as 2.0487 or 1.5e-3"),
        ("id,value\na,1/3", "f, line 2: the value of 'a' is '1/3', not a decimal number such as 2.0487 or 1.5e-3"),
        ("id,value\na,1e99999", "f, line 2: the value of 'a': this number has more than 4000 digits"),
        ('{"a": 1,\n"b": nul}', "f, line 2, column 6: Expecting value"),
        ('{"a": 1,\n"b": null}', "f, line 2: the value of 'b' is null, not a decimal number"),
        ('{"a": true}', "f, line 1: the value of 'a' is true or false, not a decimal number"),
        ('{"a": 1,\n"b": {"c": 1}}', "f, line 2: the value of 'b' is a list or an object, not a decimal number"),
        ('{"a": 1,\n"b": 2,\n"a": 3}', "f, line 3: 'a' is given twice, first in line 1"),
        ('{"a": NaN}', "f, line 1: the value of 'a' is 'NaN', not a decimal number such as 2.0487 or 1.5e-3"),
        (
            '{"a": -Infinity}',
            "f, line 1: the value of 'a' is '-Infinity', not a decimal number such as 2.0487 or 1.5e-3",
        ),
        ('[{"id": "a", "value": 1}, {"id": "b"}]', 'f: item 2 of the list is not an object with "id" and "value"'),
        ("[1]", 'f: item 1 of the list is not an object with "id" and "value"'),
        ("[" * 100_000, "f: brackets are nested too deeply for a table of values"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text, line):
    with pytest.raises(LeadtermsError) as refused:
        read_values(text, "f")
    assert str(refused.value) == line


@given(st.dictionaries(st.text(), st.decimals(allow_nan=False, allow_infinity=False, places=20), min_size=1))
def test_any_identifier_is_read(values):
    written = {identifier: str(value) for identifier, value in values.items()}
    found = read_values(json.dumps(written), "f")
    assert {value.identifier: value.text for value in found} == written


@given(st.text())
@example("[]")
@example("id,value\na,1\x0b")
@example("id,value\na\nb,1")
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        read_values(text, "f")
    except LeadtermsError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert len(refusal.splitlines()) <= 1
