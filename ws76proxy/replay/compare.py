"""When two messages count as the same, and what sets them apart where they don't."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ws76proxy.errors import UsageError

__all__ = ["EXACT", "JsonPath", "Rules", "first_difference", "first_json_difference"]

_ANY = "*"
_PART = re.compile(
    r"""\.?(?: \[(?P<index>[0-9]{1,9}|\*)\] | \["(?P<quoted>[^"]+)"\] | (?P<key>[^.\[\]"]+) )""",
    re.VERBOSE,
)
_TOO_DEEP = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A place in a JSON document: keys (text), indices (numbers), and "*" for any of either."""

    parts: tuple[str | int, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read ``a.b``, ``a[0].b``, ``a[*].b``, ``*.b``, ``a["b.c"]``; ``$.`` may stand in front.

        Raises UsageError.
        """
        rest = text.removeprefix("$")
        parts: list[str | int] = []
        position = 0
        while position < len(rest):
            match = _PART.match(rest, position)
            if match is None:
                break
            index, quoted, key = match["index"], match["quoted"], match["key"]
            if index is not None:
                parts.append(_ANY if index == "*" else int(index))
            else:
                parts.append(key if quoted is None else quoted)
            position = match.end()
        if not parts or position < len(rest):
            raise UsageError(
                f"{text!r}: found {rest[position:]!r} in a path; expected keys and indices, such as"
                " time, user.id, items[0].id or items[*].id"
            )
        return cls(tuple(parts))

    def cut_from(self, value: Any) -> None:
        """Take what stands at this place out of a JSON document. An array keeps its length."""
        places = [value]
        *way, last = self.parts
        for part in way:
            places = [inner for place in places for inner in _inside(place, part)]
        for place in places:
            if isinstance(place, dict):
                if last == _ANY:
                    place.clear()
                else:
                    place.pop(str(last), None)
            elif isinstance(place, list):
                for index in range(len(place)):
                    if last in (_ANY, index):
                        place[index] = None


def _inside(place: Any, part: str | int) -> list[Any]:
    if isinstance(place, dict):
        if part == _ANY:
            return list(place.values())
        return [place[str(part)]] if str(part) in place else []
    if isinstance(place, list):
        if part == _ANY:
            return place
        return [place[part]] if isinstance(part, int) and part < len(place) else []
    return []


@dataclass(frozen=True)
class Rules:
    """What is looked at when a message is compared with the recorded one.

    `ignore`: what matches is cut out of both first. `json_ignore`: messages that are JSON are
    compared as such, without what stands there; the order of keys and white space count for
    nothing, and `ignore` is applied to each string in them. `count_only`: messages and frames are
    counted, not looked into.
    """

    ignore: tuple[re.Pattern[str], ...] = ()
    json_ignore: tuple[JsonPath, ...] = ()
    count_only: bool = False

    @classmethod
    def of(
        cls,
        *,
        ignore: Iterable[str] = (),
        json_ignore: Iterable[str] = (),
        count_only: bool = False,
    ) -> Rules:
        """The rules in a user's words. Raises UsageError for a pattern or path that is none."""
        patterns = []
        for text in ignore:
            try:
                patterns.append(re.compile(text))
            except re.error as error:
                raise UsageError(f"{text!r}: {error}; expected a regular expression") from None
        paths = tuple(JsonPath.parse(text) for text in json_ignore)
        return cls(tuple(patterns), paths, count_only)

    def compared(self, text: str) -> str:
        """What is left of a message to be compared."""
        if self.count_only:
            return ""
        if self.json_ignore:
            document = self.document(text)
            if document is not None:
                return json.dumps(document.value, ensure_ascii=False, sort_keys=True)
        return self._cut(text)

    def document(self, text: str) -> Document | None:
        """The message as JSON, without what is ignored; None where it is not JSON, or where JSON
        is not asked for."""
        if not self.json_ignore:
            return None
        try:
            value = json.loads(text, parse_constant=_refuse, parse_float=_number)
            for path in self.json_ignore:
                path.cut_from(value)
            return Document(self._cut_strings(value) if self.ignore else value)
        except _TOO_DEEP:
            return None

    def _cut_strings(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._cut(value)
        if isinstance(value, list):
            return [self._cut_strings(one) for one in value]
        if isinstance(value, dict):
            return {key: self._cut_strings(one) for key, one in value.items()}
        return value

    def _cut(self, text: str) -> str:
        for pattern in self.ignore:
            text = pattern.sub("", text)
        return text


class Document(NamedTuple):
    """A JSON value, which may be null."""

    value: Any


EXACT = Rules()


def first_difference(left: str, right: str) -> int:
    """Where two texts begin to differ; the shorter one's length where it begins the other."""
    low, high = 0, min(len(left), len(right))
    # Halving: each step compares at C speed, which for long texts is what counts.
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def first_json_difference(left: Any, right: Any, path: str = "$") -> tuple[str, Any, Any] | None:
    """The first place at which two JSON values differ, and what stands there; `...` (Ellipsis)
    where nothing does."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            found = _differs(left.get(key, ...), right.get(key, ...), f"{path}.{key}")
            if found is not None:
                return found
        return None
    if isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            ours = left[index] if index < len(left) else ...
            theirs = right[index] if index < len(right) else ...
            found = _differs(ours, theirs, f"{path}[{index}]")
            if found is not None:
                return found
        return None
    # In Python True equals 1.
    return None if type(left) is type(right) and left == right else (path, left, right)


def _differs(left: Any, right: Any, path: str) -> tuple[str, Any, Any] | None:
    if left is ... or right is ...:
        return path, left, right
    return first_json_difference(left, right, path)


def _number(text: str) -> int | float:
    number = float(text)
    # To JSON, 1.0 and 1 are the same number.
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
