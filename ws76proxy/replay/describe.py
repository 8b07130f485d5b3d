"""Differences as a person reads them: what was expected, what came, and where they part."""

from __future__ import annotations

import json
from typing import Any

from rich.cells import cell_len

from ws76proxy.diagnosis.escaping import neutral, visible
from ws76proxy.replay.compare import Rules, first_difference, first_json_difference
from ws76proxy.replay.expect import Difference
from ws76proxy.replay.plan import Step

__all__ = ["Row", "as_text", "describe"]

Row = list[tuple[str, str]]
"""One line: a style's name ("error", "good", "strong", "dim" or empty) and a neutral text each."""

_BEFORE = 32
_BEHIND = 64
_SHOWN = 96
_JSON_SHOWN = 200


def describe(difference: Difference, rules: Rules) -> list[Row]:
    """The lines that say what is different; `rules` are those that were compared by."""
    place = f"  ({neutral(difference.where)})" if difference.where else ""
    who = f"the {difference.by}"
    expected, got = difference.expected, difference.got
    if difference.kind == "handshake":
        text = f"{who}'s opening handshake: {neutral(difference.detail)}"
        return [[("error", text), ("dim", place)]]
    if difference.kind == "unsent":
        head = f"could not be sent to {who}: {neutral(difference.detail)}"
        return [[("error", head), ("dim", place)], *_shown("unsent", "good", expected)]
    if difference.kind == "unexpected":
        head = f"{who} said something that is not in the recording"
        before = [("dim", f"{place} comes next")] if place else []
        return [[("error", head), *before], *_shown("got", "error", got)]
    if difference.kind == "missing":
        head = f"{who}'s {_what(expected)} never came: {neutral(difference.detail)}"
        return [[("error", head), ("dim", place)], *_shown("expected", "good", expected)]
    head = f"{who}'s {_what(expected)} differs"
    rows: list[Row] = [[("error", head), ("dim", place)]]
    if difference.texts is not None:
        return rows + _texts(*difference.texts, rules)
    return rows + _shown("expected", "good", expected) + _shown("got", "error", got)


def as_text(differences: list[Difference], rules: Rules) -> str:
    """All of them as plain text, for a log or a report."""
    lines = []
    for difference in differences:
        rows = describe(difference, rules)
        lines += ["".join(text for _, text in row).rstrip() for row in rows]
    return "\n".join(lines)


def _what(step: Step | None) -> str:
    if step is None:
        return ""
    names = {
        "message": f"message {step.number}",
        "frame": f"frame {step.number}",
        "closing": "closing handshake (FF 00)",
        "rest": "unfinished frame",
        "end": "end of stream",
    }
    return names[step.what]


def _shown(label: str, style: str, step: Step | None) -> list[Row]:
    """A step on a line of its own; the endings have been named already."""
    if step is None or (step.what in ("closing", "end") and label != "got"):
        return []
    if step.what == "message":
        text = _quote(step.text, 0, _SHOWN)[0]
    elif step.what == "frame":
        text = f"a frame {step.raw[0]:02x} of {step.size} bytes: {visible(step.raw, limit=48)}"
    else:
        text = _what(step)
    return [[("label", f"  {label:<9}"), (style, text)]]


def _texts(expected: str, got: str, rules: Rules) -> list[Row]:
    """Two texts, each cut to where they part, and a mark below that place."""
    place = first_difference(expected, got)
    start = max(0, place - _BEFORE)
    ours, _ = _quote(expected, start, place + _BEHIND)
    theirs, mark = _quote(got, start, place + _BEHIND, place)
    rows: list[Row] = [
        [("label", "  expected "), ("good", ours)],
        [("label", "  got      "), ("error", theirs)],
        [("", " " * (11 + mark)), ("strong", f"^ at character {place + 1}")],
    ]
    left, right = rules.document(expected), rules.document(got)
    if left is not None and right is not None:
        found = first_json_difference(left.value, right.value)
        if found is not None:
            path, before, after = found
            text = f"at {neutral(path)}: {_value(before)} became {_value(after)}"
            rows.append([("label", "  JSON     "), ("", text)])
    if rules.ignore or rules.json_ignore:
        rows.append([("dim", "           what is ignored has been cut out of both")])
    return rows


def _quote(text: str, start: int, end: int, place: int = 0) -> tuple[str, int]:
    """A piece of a text in quotes, and how many columns stand before `place` in it."""
    opening = '..."' if start else '"'
    closing = '"' if end >= len(text) else f'"... ({len(text)} characters)'
    before = opening + neutral(text[start:place])
    return opening + neutral(text[start:end]) + closing, cell_len(before)


def _value(value: Any) -> str:
    if value is ...:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return neutral(text if len(text) <= _JSON_SHOWN else f"{text[:_JSON_SHOWN]}...")
