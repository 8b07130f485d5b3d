"""JSON in messages: read as values, edited as text, so that all other bytes stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = [
    "MAX_DEPTH",
    "Location",
    "read_json",
    "remove_values",
    "set_values",
    "values_equal",
    "write_json",
]

MAX_DEPTH = 100
"""How deep a value of ours may be nested."""

Location = tuple[str | int, ...]
"""Where a value is: names and indices, from the root."""

_SPACE = re.compile(r"[ \t\n\r]*")
_MAX_DIGITS = 4_000


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _integer(digits: str) -> int | float:
    # Python refuses to read longer ones.
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer)
# Where values end; what they are does not matter.
_SKIPPER = json.JSONDecoder(parse_int=str, parse_float=str)


def read_json(payload: bytes) -> tuple[str, Any]:
    """The text of a payload, and the value that it is.

    Raises ValueError where it is not JSON in UTF-8, or nested so deep that Python cannot read it.
    """
    text = payload.decode()
    try:
        return text, _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def write_json(value: Any) -> str:
    """A value as JSON text, without spaces.

    Raises ValueError or TypeError for what JSON cannot say, an infinite number or a date, and for
    what is nested deeper than MAX_DEPTH.
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below = [one for one in level if isinstance(one, (dict, list))]
        level = [
            inner for one in below for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    raise ValueError("nested too deep")


def values_equal(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(values_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            values_equal(value, other[key]) for key, value in one.items()
        )
    return bool(one == other)


class _Member(NamedTuple):
    """A member of an object or element of an array: where it begins, its value, where it ends."""

    key: str | int
    start: int
    value: int
    end: int


class _Wanted(dict[str | int, "_Wanted"]):
    """Places below a place; `here`: the place itself is wanted, and all below it with it."""

    here = False


def _tree(locations: Iterable[Location]) -> _Wanted:
    root = _Wanted()
    for location in locations:
        node = root
        for key in location:
            node = node.setdefault(key, _Wanted())
        node.here = True
    return root


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    assert found is not None  # noqa: S101 - it matches nothing, too
    return found.end()


def _members(text: str, start: int) -> list[_Member]:
    """What is in the object or array that begins there."""
    is_object = text[start] == "{"
    position = _after_space(text, start + 1)
    members: list[_Member] = []
    while text[position] not in "]}":
        begin = position
        key: str | int = len(members)
        if is_object:
            key, position = _SKIPPER.raw_decode(text, position)
            position = _after_space(text, _after_space(text, position) + 1)
        value = position
        _, position = _SKIPPER.raw_decode(text, position)
        members.append(_Member(key, begin, value, position))
        position = _after_space(text, position)
        if text[position] == ",":
            position = _after_space(text, position + 1)
    return members


def set_values(text: str, locations: Iterable[Location], value: str) -> str:
    """The text with another value (JSON text) at each of these places, which must exist.

    Where one place is within another, the outer one counts. Of a name that an object has twice,
    the last one counts, as it does for readers of JSON.
    """
    edits: list[tuple[int, int, str]] = []
    start = _after_space(text, 0)
    waiting = [(start, start, _tree(locations))]
    while waiting:
        begin, end, wanted = waiting.pop()
        if wanted.here:
            if end == begin:
                _, end = _SKIPPER.raw_decode(text, begin)
            edits.append((begin, end, value))
        elif wanted:
            last = {member.key: member for member in _members(text, begin)}
            waiting += [(last[key].value, last[key].end, below) for key, below in wanted.items()]
    return _spliced(text, edits)


def remove_values(text: str, locations: Iterable[Location]) -> str:
    """The text without the values at these places, which must exist and are not the root.

    The comma that is not needed any more goes too. Of a name that an object has twice, both go.
    """
    edits: list[tuple[int, int, str]] = []
    waiting = [(_after_space(text, 0), _tree(locations))]
    while waiting:
        begin, wanted = waiting.pop()
        members = _members(text, begin) if wanted else []
        last = {member.key: index for index, member in enumerate(members)}
        keeps_one = False
        for index, member in enumerate(members):
            below = wanted.get(member.key)
            if below is None or not below.here:
                keeps_one = True
                if below is not None and last[member.key] == index:
                    waiting.append((member.value, below))
            elif keeps_one:
                edits.append((members[index - 1].end, member.end, ""))
            else:
                follows = index + 1 < len(members)
                edits.append(
                    (member.start, members[index + 1].start if follows else member.end, "")
                )
    return _spliced(text, edits)


def _spliced(text: str, edits: list[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    position = 0
    for begin, end, put in sorted(edits):
        pieces += text[position:begin], put
        position = end
    return "".join(pieces) + text[position:]
