"""What holds of all rules: no match changes nothing, and a burst is never waved through wrongly."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from functools import partial
from itertools import product
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ws76proxy.errors import UsageError
from ws76proxy.patterns import Regex, RegexIndex
from ws76proxy.rules import RuleError, RuleSet, SessionRules, json_schema, read_rules
from ws76proxy.rules.decisions import Side
from ws76proxy.rules.reading.reader import rules_of
from ws76proxy.wire.head import RequestHead, ResponseHead

from .made import REQUEST, no_file
from .test_conditions import OF_FIELDS, OF_MESSAGES, OF_REQUESTS
from .test_head_actions import ANSWER, RAW, REQUESTS, RESPONSES
from .test_message_actions import EDITS

VALIDATOR = jsonschema.Draft202012Validator(json_schema())

Data = dict[str, Any]


def table(text: str) -> Data:
    """An inline table."""
    made: Data = tomllib.loads(f"x = {{ {text} }}")["x"]
    return made


MESSAGE_WHENS = [table(when) for when, *_ in OF_MESSAGES]
MESSAGE_DOS = [
    *(table(do) for do, *_ in EDITS),
    table('action = "drop"'),
    table('action = "duplicate", times = 2'),
    table('action = "delay", seconds = [0.5, 1]'),
    table('action = "swap"'),
    table('action = "hold", until = { from = "client" }'),
    table('action = "corrupt", bytes = 2'),
    table('action = "inject", to = "client", text = "x"'),
    table('action = "inject", to = "server", hex = "ff00", place = "before"'),
    table('action = "close", how = "fin"'),
    table('action = "stop-reading", from = "client"'),
    table('action = "throttle", bytes-per-second = 9'),
    table('action = "mark", text = "x"'),
    table('action = "hide"'),
    table("action = 'hide', regex = 'l+'"),
    table('action = "pause"'),
]
HEAD_WHENS = [table(when) for when, *_ in [*OF_REQUESTS, *OF_FIELDS]]
HEAD_DOS = [
    table('action = "delay", seconds = 1'),
    table('action = "split", at = [1]'),
    table('action = "close", how = "fin"'),
    table('action = "mark", text = "x"'),
]
REQUEST_DOS = [
    *(table(do) for do, _ in REQUESTS),
    *HEAD_DOS,
    table('action = "answer", status = 200'),
    table('action = "cut-key3", bytes = 1'),
]
RESPONSE_DOS = [
    *(table(do) for do, _ in RESPONSES),
    *HEAD_DOS,
    table('action = "corrupt-digest", bug = "digest-number-clamped"'),
]
CONTENTS = sorted(
    {
        *(said.content for _, holds, fails in OF_MESSAGES for said in (*holds, *fails)),
        *(before for _, before, _ in EDITS if len(before) < 1_000),
    }
)

# With both conditions where they are of different kinds.
WHENS = (
    st.tuples(st.sampled_from(MESSAGE_WHENS), st.sampled_from(MESSAGE_WHENS))
    .map(lambda pair: {**pair[0], **pair[1]})
    .filter(lambda when: when.get("before", 9) > when.get("after", 0))
)
MESSAGE_RULES = st.fixed_dictionaries(
    {"when": WHENS, "do": st.lists(st.sampled_from(MESSAGE_DOS), min_size=1, max_size=2)},
    optional={"stop": st.booleans(), "limit": st.integers(1, 2)},
)
FILES = st.lists(MESSAGE_RULES, min_size=1, max_size=4).map(
    lambda many: {"message": [{"name": str(n), **one} for n, one in enumerate(many)]}
)
PAYLOADS = st.one_of(
    st.sampled_from(CONTENTS),
    st.binary(max_size=8).map(lambda data: data.replace(b"\xff", b"")),
    st.text("helo \n\0ÜSK\u017f\u212a", max_size=8).map(str.encode),
)
SIDES: st.SearchStrategy[Side] = st.sampled_from(["client", "server"])


def made(data: Data) -> RuleSet:
    return rules_of(data, "x", read_file=no_file)


def in_session(data: Data) -> SessionRules:
    return made(data).for_session(1, "hixie-76", REQUEST)


@settings(deadline=None)
@given(FILES, SIDES, st.lists(PAYLOADS, min_size=1, max_size=5), st.integers(1, 6), st.floats(0, 3))
def test_a_burst_is_never_waved_through_wrongly(
    data: Data, side: Side, payloads: list[bytes], first: int, age: float
) -> None:
    rules = in_session(data)
    frames = b"".join([b"\x00" + one + b"\xff" for one in payloads])
    may = rules.may_match(side, frames, first, len(payloads), age)
    for number, payload in enumerate(payloads, first):
        decision = rules.message(side, payload, number, age)
        assert decision is None or may
        if decision is not None:
            assert decision.changes
            edits = [change for change in decision.changes if change.after is not None]
            if decision.shown is None:
                assert decision.content == (edits[-1].after if edits else payload)


@settings(deadline=None)
@given(FILES, SIDES, PAYLOADS, st.integers(1, 6))
def test_the_same_rules_decide_alike(data: Data, side: Side, payload: bytes, number: int) -> None:
    one, other = (in_session(data).message(side, payload, number, 1.0) for _ in range(2))
    if one is not None and other is not None:
        # Functions are not equal to those of another reading.
        one.hold = other.hold = None
    assert one == other


@settings(deadline=None)
@given(st.sampled_from(MESSAGE_DOS), st.sampled_from(MESSAGE_DOS), PAYLOADS)
def test_actions_in_pairs_do_what_they_do_one_after_the_other(
    first: Data, second: Data, payload: bytes
) -> None:
    """Two actions of one rule are those of two rules, but for chance and names."""
    together = in_session({"message": [{"name": "a", "do": [first, second]}]})
    apart = in_session({"message": [{"name": "a", "do": [first]}, {"name": "b", "do": [second]}]})
    one = together.message("server", payload, 1, 1.0)
    other = apart.message("server", payload, 1, 1.0)
    assert (one is None) is (other is None)
    if one is None or other is None or "corrupt" in (first["action"], second["action"]):
        return
    assert (one.content, one.copies, one.swaps) == (other.content, other.copies, other.swaps)
    assert (one.throttle, one.marks, one.shown) == (other.throttle, other.marks, other.shown)
    assert [change.deed for change in one.changes] == [change.deed for change in other.changes]
    assert [change.after for change in one.changes] == [change.after for change in other.changes]


@pytest.mark.parametrize("kind", ["request", "response"])
def test_conditions_and_actions_of_heads_in_pairs(kind: str) -> None:
    dos = REQUEST_DOS if kind == "request" else RESPONSE_DOS
    for when, first, second in product(HEAD_WHENS[::5], dos, dos[::3]):
        data = {kind: [{"name": "a", "when": when, "do": [first, second]}]}
        VALIDATOR.validate(data)
        rules = made(data).for_session(1, "hixie-76", RequestHead(RAW))
        decision = (
            rules.request(RequestHead(RAW))
            if kind == "request"
            else rules.response(ResponseHead(ANSWER))
        )
        if decision is not None:
            assert decision.changes or decision.notes
            raw = RAW if kind == "request" else ANSWER
            assert (decision.head.raw == raw) is (not decision.changes)


@settings(deadline=None)
@given(st.lists(st.sampled_from(MESSAGE_DOS), min_size=1, max_size=3), SIDES, PAYLOADS)
def test_rules_that_match_nothing_change_no_byte(
    dos: list[Data], side: Side, payload: bytes
) -> None:
    never: list[Data] = [
        {"path": "/never"},
        {"text": "never to be seen"},
        {"probability": 0.0},
        {"number": 7},
        {"session": 2},
        {"json": {"path": "$.never", "exists": True}},
        {"after": 9},
        {"size": 999},
    ]
    data = {"message": [{"name": str(n), "when": when, "do": dos} for n, when in enumerate(never)]}
    assert in_session(data).message(side, payload, 1, 1.0) is None


@settings(deadline=None)
@given(FILES)
def test_the_schema_accepts_what_the_reader_accepts(data: Data) -> None:
    made(data)
    VALIDATOR.validate(data)


def test_the_schema_refuses_what_its_types_refuse() -> None:
    many: list[Data] = [
        {"sead": 1},
        {"message": [{}]},
        {"message": [{"name": "a", "do": []}]},
        {"message": [{"name": "a", "do": [{"action": "explode"}]}]},
        {"message": [{"name": "a", "when": {"text": {}}, "do": [{"action": "drop"}]}]},
        {"message": [{"name": "a", "when": {"pth": ""}, "do": [{"action": "drop"}]}]},
        {
            "message": [
                {
                    "name": "a",
                    "when": {"text": {"exact": "", "glob": ""}},
                    "do": [{"action": "drop"}],
                }
            ]
        },
        {"request": [{"name": "a", "do": [{"action": "set"}]}]},
    ]
    for wrong in many:
        assert not VALIDATOR.is_valid(wrong), wrong


ANY_TOML = st.recursive(
    st.integers() | st.text(max_size=5) | st.booleans() | st.floats() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["action", "path", "text", "x", "name"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
MUTATED = st.tuples(FILES, st.lists(st.integers(0, 9), min_size=1, max_size=6), ANY_TOML)


@settings(max_examples=200, deadline=None)
@given(MUTATED)
def test_whatever_a_file_says_it_is_read_or_refused_with_a_place(
    mutated: tuple[Data, list[int], Any],
) -> None:
    data, steps, put = mutated
    text = written(replaced(data, steps, put))
    try:
        rules = read_rules(text, "x.toml", read_file=no_file)
    except RuleError as error:
        file, line, column, said = str(error).split(":", 3)
        assert file == "x.toml"
        lines = text.split("\n")
        assert 1 <= int(line) <= len(lines)
        assert 1 <= int(column) <= len(lines[int(line) - 1]) + 1
        assert "expected" in said
    else:
        assert isinstance(rules, RuleSet)
        VALIDATOR.validate(tomllib.loads(text))


def replaced(data: Any, steps: list[int], put: Any) -> Any:
    """The same data with something else at a place that the steps lead to."""
    if not steps or not isinstance(data, (dict, list)) or not data:
        return put
    keys = [*data] if isinstance(data, dict) else [*range(len(data))]
    key = keys[steps[0] % len(keys)]
    copied: Any = data.copy()
    copied[key] = replaced(data[key], steps[1:], put)
    return copied


def written(value: Any, *, top: bool = True) -> str:
    """As TOML, in which all but the top is inline."""
    if isinstance(value, dict):
        members = [f"{quoted(key)} = {written(one, top=False)}" for key, one in value.items()]
        return "\n".join(members) if top else f"{{ {', '.join(members)} }}"
    if isinstance(value, list):
        return f"[{', '.join([written(one, top=False) for one in value])}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    return str(value)


def quoted(text: str) -> str:
    return '"' + "".join([f"\\U{ord(one):08x}" for one in text]) + '"'


# What RE2 and its filters might take for the same, or for something else.
EXPRESSIONS = st.one_of(
    st.sampled_from(
        [
            "^a",
            "a$",
            "^$",
            "",
            "a*",
            r"\Aab\z",
            r"\ba\b",
            r"\Ba",
            "(?i)\u017fs",
            "(?i)K",
            "(?-m)^a$",
            "(?m)^a$",
            "^^a",
            "(^|,)a",
            "a($|,)",
            r"\Qa.b",
            r"\Q^a\E$",
            "[^a]",
            "[]$a]",
            r"\^a",
            "(?s)a.*b",
            r"a\C",
            "a.b",
            "(?i)Σ",
            "[[:alpha:]^]$",
            r"\x00",
            "(?:^a)*b",
            "^*a",
            r"\pL$",
        ]
    ),
    st.text("a^$b|()*?\\z.[]S", max_size=6),
)
TEXTS = st.lists(
    st.text("ab,^$.sS\u017f\u212akK\u03c3\u03c2\u03a3\0\n", max_size=5).map(str.encode)
    | st.binary(max_size=4),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(EXPRESSIONS, min_size=1, max_size=6), TEXTS)
def test_the_index_finds_all_that_is_there(expressions: list[str], texts: list[bytes]) -> None:
    compiled: list[Regex] = []
    for expression in expressions:
        # What is no expression is not what this is about.
        with suppress(UsageError):
            compiled.append(Regex(expression))
    texts = [text.replace(b"\xff", b"") for text in texts]
    frames = b"".join([b"\x00" + text + b"\xff" for text in texts])
    index = RegexIndex([one.text for one in compiled])
    hits = index.hits(frames, lambda: frames[1:-1].replace(b"\xff\x00", b"\n"))
    for number, regex in enumerate(compiled):
        if any(regex.is_in_bytes(text) for text in texts):
            assert number in hits
        for text in texts:
            if regex.is_in_bytes(text):
                assert number in index.hits(text, partial(bytes, text))
