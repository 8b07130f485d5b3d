"""When messages count as the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.errors import UsageError
from ws76proxy.replay import JsonPath, Rules
from ws76proxy.replay.compare import first_difference, first_json_difference

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def same(left: str, right: str, **rules: Any) -> bool:
    """Whether two messages are the same by these rules."""
    compared = Rules.of(**rules).compared
    return compared(left) == compared(right)


def test_exact() -> None:
    assert same("a", "a")
    assert not same("a", "a ")
    assert not same('{"a":1,"b":2}', '{"b":2,"a":1}')


def test_ignore() -> None:
    patterns = [r"id=\d+", "[AP]M"]
    assert same("id=1 7AM", "id=22 7PM", ignore=patterns)
    assert not same("id=1 7AM", "id=22 8PM", ignore=patterns)


@pytest.mark.parametrize(
    ("path", "left", "right", "equal"),
    [
        ("t", '{"t": 1, "v": 2}', '{"v":2,"t":9}', True),
        ("t", '{"t": 1, "v": 2}', '{"v":2}', True),
        ("t", '{"t": 1, "v": 2}', '{"v":3,"t":1}', False),
        ("$.t", '{"t": 1}', '{"t": 2}', True),
        ("a.b", '{"a": {"b": 1}}', '{"a": {"b": 2}}', True),
        ("a.b", '{"b": 1}', '{"b": 2}', False),
        ("a[0].b", '{"a": [{"b": 1}, 1]}', '{"a": [{"b": 2}, 1]}', True),
        ("a[1]", '{"a": [1, 2]}', '{"a": [1, 3]}', True),
        ("a[1]", '{"a": [1, 2]}', '{"a": [1]}', False),
        ("a[*].b", '{"a": [{"b": 1}, {"b": 1}]}', '{"a": [{"b": 2}, {"b": 3}]}', True),
        ("a[*]", '{"a": [1, 2]}', '{"a": [3, 4, 5]}', False),
        ("[0]", "[1, 2]", "[3, 2]", True),
        ("*.t", '{"a": {"t": 1}, "b": {"t": 2}}', '{"a": {"t": 3}, "b": {}}', True),
        ('["a.b"]', '{"a.b": 1}', '{"a.b": 2}', True),
        ("t", "no JSON", "no JSON", True),
        ("t", "no JSON", '{"t": 1}', False),
        ("t", "1", "1.0", True),
        ("t", "1", "true", False),
        ("t", "NaN", " NaN", False),
        ("t", "[" * 100_000, "[" * 100_000, True),
        ("t", "9" * 10_000, "9" * 10_000, True),
    ],
)
def test_json_ignore(path: str, left: str, right: str, equal: bool) -> None:
    assert same(left, right, json_ignore=[path]) is equal
    assert same(right, left, json_ignore=[path]) is equal


def test_ignore_in_the_strings_of_json() -> None:
    rules: dict[str, Any] = {"ignore": [r"\d+"], "json_ignore": ["t"]}
    assert same('{"name": "user 1", "t": 5}', '{"t": 6, "name": "user 2"}', **rules)
    assert not same('{"n": 1}', '{"n": 2}', **rules)


def test_count_only() -> None:
    assert same("a", "b", count_only=True)


@pytest.mark.parametrize(
    "path", ["", "$", ".", "a..b", "a[", "a[x]", "a[-1]", "a b[", 'a["b]', "[]"]
)
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(UsageError, match="expected keys and indices"):
        JsonPath.parse(path)


def test_a_pattern_that_is_none() -> None:
    with pytest.raises(UsageError, match="expected a regular expression"):
        Rules.of(ignore=["("])


@given(st.text(), st.text(), st.text())
def test_where_texts_part(common: str, left: str, right: str) -> None:
    place = first_difference(common + left, common + right)
    assert (common + left)[:place] == (common + right)[:place]
    assert (common + left)[place : place + 1] != (common + right)[
        place : place + 1
    ] or left == right
    assert place >= len(common)


@given(JSON)
def test_json_is_the_same_in_whatever_form(value: Any) -> None:
    loose = json.dumps(value, indent=2, ensure_ascii=False)
    assert same(json.dumps(value), loose, json_ignore=["no.such.place"])
    assert first_json_difference(value, value) is None


@given(JSON, JSON)
def test_a_difference_of_json_is_found_where_the_texts_differ(left: Any, right: Any) -> None:
    rules = Rules.of(json_ignore=["no.such.place"])
    texts = json.dumps(left), json.dumps(right)
    documents = [rules.document(text) for text in texts]
    assert documents[0] is not None
    assert documents[1] is not None
    found = first_json_difference(documents[0].value, documents[1].value)
    assert (found is None) == (rules.compared(texts[0]) == rules.compared(texts[1]))
