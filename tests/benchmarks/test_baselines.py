"""The relays that ours is compared with do what their rows say, and so do ours once they can."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks import rules
from benchmarks.baseline_hook import hooked
from benchmarks.build import Programs
from benchmarks.json_edit import edit
from benchmarks.relays import RELAYS, Relay
from benchmarks.runner import Options, measure, placement
from benchmarks.works import WORKS

EDITING_OR_BRIDGING = [
    name
    for name, relay in RELAYS.items()
    if relay.edits_json or relay.files or "rfc6455" in {relay.client_dialect, relay.server_dialect}
]
PASS_THROUGH = (sys.executable, "-m", "benchmarks.baseline_asyncio", "{upstream}")


@pytest.mark.parametrize("name", [name for name in EDITING_OR_BRIDGING if "mitm" not in name])
def test_each_row_does_its_works(programs: Programs, name: str) -> None:
    """The load generator verifies each: the dialect on both sides, and that edits are made."""
    relay = RELAYS[name]
    missing = relay.missing()
    if missing is not None:
        # Where everything is installed only uvloop may be missing: on one of the Pythons it is.
        if os.environ.get("CI") and missing != "uvloop":
            pytest.fail(f"{name} needs {missing}")
        pytest.skip(f"{name} needs {missing}")
    for work in ("W1", "W2", "W3", "W3e", "W5"):
        result = measure(relay, WORKS[work], Options(programs, placement("free"), 0.02))
        assert result["messages"] > 0
        assert (result["dialect"], result["edited"]) == (relay.client_dialect, relay.edits_json)


@pytest.mark.parametrize(
    ("relay", "fault"),
    [
        (Relay("x", "x", PASS_THROUGH, client_dialect="rfc6455"), "the status is not 101"),
        (Relay("x", "x", PASS_THROUGH, server_dialect="rfc6455"), "the status is not 101"),
        (Relay("x", "x", PASS_THROUGH, edits_json=True), "the echo differs at byte 8"),
    ],
    ids=["modern client", "old client", "edit"],
)
def test_a_relay_that_only_passes_bytes_on_is_found_out(
    programs: Programs, relay: Relay, fault: str
) -> None:
    with pytest.raises(Exception, match=fault):
        measure(relay, WORKS["W1"], Options(programs, placement("free"), 0.02))


def test_files_are_there_before_the_relay_starts(programs: Programs) -> None:
    source = (
        "import sys, runpy, pathlib; assert pathlib.Path(sys.argv[1]).read_text() == 'Grüße';"
        "sys.argv = ['x', sys.argv[2]]; runpy.run_module('benchmarks.baseline_asyncio', run_name="
        "'__main__')"
    )
    command = (sys.executable, "-c", source, "{scratch}/greeting", "{upstream}")
    relay = Relay("x", "x", command, files={"greeting": lambda: "Grüße"})
    assert measure(relay, WORKS["W2"], Options(programs, placement("free"), 0.02))["messages"]


def test_the_rules() -> None:
    read = tomllib.loads(rules.none_matches(100))["message"]
    assert len({rule["name"] for rule in read}) == 100
    assert all(rule["when"] and rule["do"] for rule in read)
    kinds = {kind for rule in read for kind in rule["when"]}
    assert kinds == {"from", "text", "json", "number", "size"}


def test_the_edit() -> None:
    assert edit('{"hop":1,"text":"Grüße \U0001f600"}') == '{"hop":2,"text":"Grüße \U0001f600"}'


def frame(text: str) -> bytes:
    return b"\0" + text.encode() + b"\xff"


def document(hop: int, text: str) -> str:
    return json.dumps({"hop": hop, "text": text}, separators=(",", ":"), ensure_ascii=False)


# msgspec writes U+007F and other characters as they are, like json with ensure_ascii off.
TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))


@given(TEXTS, st.booleans(), st.lists(st.integers(0, 400)))
@example(["a"] * 3, True, [])
@example(["a", "b"], True, [67])
def test_the_hook_in_any_pieces(texts: list[str], closes: bool, cuts: list[int]) -> None:
    end = b"\xff\x00" if closes else b""
    data = b"".join(frame(document(1, text)) for text in texts) + end
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    out = rest = b""
    for start, stop in pairwise(places):
        made, rest = hooked(rest + data[start:stop])
        out += made
    assert out == b"".join(frame(document(2, text)) for text in texts) + end
    assert rest == b""
