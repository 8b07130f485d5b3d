"""JSON in messages: paths in bounded time, and edits that change nothing but what they mean to."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ws76proxy.errors import UsageError
from ws76proxy.rules import jsonpath
from ws76proxy.rules.jsonpath import JsonPath
from ws76proxy.rules.jsontext import (
    Location,
    read_json,
    remove_values,
    set_values,
    values_equal,
    write_json,
)

from .made import message_rule, session

NAMES = st.sampled_from(["a", "b", "a b", "ü", '"', "\\", "", "/", "0"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
TWICE = st.booleans()
PATHS = st.sampled_from(
    [
        "$.a",
        "$..a",
        "$..*",
        "$.*",
        "$[0]",
        "$[-1]",
        "$..[0]",
        "$.a.b",
        "$['a','b']",
        "$[::2]",
        "$[1:]",
        "$..[?@.a]",
        "$['a b']",
        "$..['\"']",
        "$['ü'][0]",
        "$..[?@ > 1]",
        "$..[?!@.a]",
    ]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """JSON as somebody may write it: spaces anywhere, names twice, escapes or not."""
    space = st.text("\t\n\r ", max_size=2)

    def written(value: Any) -> str:
        if isinstance(value, list):
            inner = ",".join([draw(space) + written(one) + draw(space) for one in value])
            return f"[{inner or draw(space)}]"
        if isinstance(value, dict):
            members: list[tuple[str, Any]] = [*value.items()]
            twice: bool = draw(TWICE)
            if members and twice:
                members.insert(0, (members[-1][0], draw(VALUES)))
            inner = ",".join(
                [
                    draw(space)
                    + written(key)
                    + draw(space)
                    + ":"
                    + draw(space)
                    + written(one)
                    + draw(space)
                    for key, one in members
                ]
            )
            return f"{{{inner or draw(space)}}}"
        return json.dumps(value, ensure_ascii=draw(TWICE) or not encodable(value))

    return draw(space) + written(draw(VALUES)) + draw(space)


def encodable(value: Any) -> bool:
    return not isinstance(value, str) or not any("\ud800" <= one <= "\udfff" for one in value)


def locations(path: str, value: Any) -> list[Location]:
    hits = JsonPath(path).hits(value)
    assert hits is not None
    return [location for location, _ in hits]


def outermost(many: list[Location]) -> list[Location]:
    return [one for one in many if not any(one[: len(o)] == o for o in many if o != one)]


@settings(deadline=None)
@given(texts(), PATHS, VALUES)
def test_setting_in_the_text_is_setting_in_the_value(text: str, path: str, put: Any) -> None:
    _, value = read_json(text.encode())
    where = locations(path, value)
    edited = set_values(text, where, json.dumps(put))
    expected = copy.deepcopy(value)
    for location in outermost(where):
        expected = with_value(expected, location, put)
    assert values_equal(json.loads(edited), json.loads(json.dumps(expected)))
    if not where:
        assert edited == text


@settings(deadline=None)
@given(texts(), PATHS)
def test_setting_what_is_there_already_in_other_words_changes_no_other_byte(
    text: str, path: str
) -> None:
    _, value = read_json(text.encode())
    where = outermost(locations(path, value))
    assume(where)
    edited = set_values(text, where, "\x00")
    pieces = edited.split("\x00")
    assert len(pieces) == len(where) + 1
    # What stands between the places stands in the text, in this order.
    position = 0
    for piece in pieces:
        found = text.find(piece, position)
        assert found >= 0
        position = found + len(piece)
    assert text.startswith(pieces[0])
    assert text.endswith(pieces[-1])


@settings(deadline=None)
@given(texts(), PATHS)
def test_removing_from_the_text_is_removing_from_the_value(text: str, path: str) -> None:
    _, value = read_json(text.encode())
    where = locations(path, value)
    expected = without(copy.deepcopy(value), (), set(where))
    assert values_equal(json.loads(remove_values(text, where)), expected)


def with_value(value: Any, location: Location, put: Any) -> Any:
    if not location:
        return put
    inner = value
    for key in location[:-1]:
        inner = inner[key]
    inner[location[-1]] = put
    return value


def without(value: Any, here: Location, gone: set[Location]) -> Any:
    if isinstance(value, dict):
        return {
            key: without(one, (*here, key), gone)
            for key, one in value.items()
            if (*here, key) not in gone
        }
    if isinstance(value, list):
        return [
            without(one, (*here, index), gone)
            for index, one in enumerate(value)
            if (*here, index) not in gone
        ]
    return value


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("[1,2,3]", "$[0]", "[2,3]"),
        ("[1,2,3]", "$[1]", "[1,3]"),
        ("[1,2,3]", "$[2]", "[1,2]"),
        ("[1,2,3]", "$[0,1]", "[3]"),
        ("[1,2,3]", "$[1,2]", "[1]"),
        ("[1,2,3]", "$[0,2]", "[2]"),
        ("[ 1 , 2 , 3 ]", "$[0,2]", "[ 2 ]"),
        ("[ 1 , 2 ]", "$[*]", "[  ]"),
        ('{"a":1,"b":2,"a":3}', "$.a", '{"b":2}'),
        ('{"a":{"b":1},"a":{"b":2}}', "$.a.b", '{"a":{"b":1},"a":{}}'),
        ('{"a":[1,{"a":2}]}', "$..a", "{}"),
    ],
)
def test_commas(text: str, path: str, expected: str) -> None:
    _, value = read_json(text.encode())
    assert remove_values(text, locations(path, value)) == expected


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"NaN", b"[Infinity]", b"{} {}", b"\xfe", b"\xff", b"{'a':1}", b"[1,]"]
)
def test_what_is_not_json(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        read_json(payload)


def test_numbers_of_any_length_and_lone_surrogates() -> None:
    text = "[" + "9" * 10_000 + ', "\\ud800"]'
    _, value = read_json(text.encode())
    assert value == [float("inf"), "\ud800"]
    assert set_values(text, [(1,)], "0") == "[" + "9" * 10_000 + ", 0]"


def test_json_that_is_nested_too_deep_is_not_json() -> None:
    with pytest.raises(ValueError, match="deep"):
        read_json(b"[" * 200_000 + b"]" * 200_000)
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(ValueError, match="deep"):
        write_json(nested)


def test_values_may_be_nested_up_to_a_limit() -> None:
    nested: Any = 1
    for _ in range(100):
        nested = [nested]
    assert write_json(nested) == "[" * 100 + "1" + "]" * 100
    with pytest.raises(ValueError, match="deep"):
        write_json({"a": nested})


@pytest.mark.parametrize(
    "path",
    ["$" + "[*,*]" * 60, "$..[?$..a]", "$[*][?count($[*]) > 1]", "$..[?@..[?@..a]]", "$..*..*"],
)
def test_no_path_takes_for_ever(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonpath, "MAX_STEPS", 2_000)
    broad = [[[1, 2, 3], [4]]] * 5_000
    assert JsonPath(path).hits(broad) is None
    content = json.dumps(broad).encode()
    for test in ("exists = true", "exists = false"):
        text = message_rule(f"json = {{ path = '{path}', {test} }}")
        assert session(text).message("server", content, 1, 0.0) is None
    for do in (
        "action = 'json-set', path = '{}', value = 1",
        "action = 'json-remove', path = '{}'",
    ):
        assert session(message_rule(do=do.format(path))).message("server", content, 1, 0.0) is None


def test_a_path_can_be_used_again_after_it_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonpath, "MAX_STEPS", 100)
    path = JsonPath("$..a")
    assert path.hits([[]] * 1_000) is None
    assert path.hits([{"a": 1}]) == [((0, "a"), 1)]


def test_descending_has_a_limit() -> None:
    nested: list[Any] = []
    for _ in range(500):
        nested = [nested]
    assert JsonPath("$..a").hits(nested) is None
    assert JsonPath("$[0][0]").hits(nested) is not None


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|aa)+$"])
def test_regular_expressions_in_paths_do_not_backtrack(expression: str) -> None:
    value = [{"t": "a" * 100_000 + "b"}]
    assert JsonPath(f"$[?search(@.t, '{expression}')]").hits(value) == []
    # Nor those that a message brings along.
    value = [{"t": "a" * 100_000 + "b", "e": expression}]
    assert JsonPath("$[?match(@.t, @.e)]").hits(value) == []


def test_a_bad_regular_expression_in_a_message_matches_nothing() -> None:
    assert JsonPath("$[?search(@.t, @.e)]").hits([{"t": "a", "e": "("}, {"t": "a", "e": 1}]) == []


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("$", '"text"', 1),
        ("$.a", '"a"', 0),
        ("$[0]", '"a"', 0),
        ("$.a", "3", 0),
        ("$.a", "null", 0),
        ("$[?@.a]", '[{"a":false},{"a":null},{}]', 2),
        ("$[?@ == 'x']", '["x", "y"]', 1),
        ("$[?length(@) > 1]", '["xy", "y"]', 1),
        ("$[?value(@.a) == 1]", '[{"a":1}]', 1),
    ],
)
def test_paths(path: str, text: str, count: int) -> None:
    hits = JsonPath(path).hits(read_json(text.encode())[1])
    assert hits is not None
    assert len(hits) == count


@pytest.mark.parametrize(
    "path",
    ["", "a", "$.", "$..", "$[", "$[?isinstance(@.a, 'str')]", "$[~a]", "$.a ", "$[?@.a =~ /x/]"],
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(UsageError, match="expected a JSONPath"):
        JsonPath(path)
