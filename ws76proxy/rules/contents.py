"""Conditions that a message decides, and what can be said of many messages at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from ws76proxy.errors import UsageError
from ws76proxy.patterns import escaped
from ws76proxy.rules.decisions import Side
from ws76proxy.rules.errors import Fault, Path, found_text
from ws76proxy.rules.facts import NumberSet, numbers_at
from ws76proxy.rules.inputs import Reading
from ws76proxy.rules.jsontext import read_json, values_equal, write_json
from ws76proxy.rules.language.conditions import JsonWhen, MessageWhen, SizeRange, Until
from ws76proxy.rules.texts import Texts, texts_at
from ws76proxy.wire.utf8 import is_utf8

if TYPE_CHECKING:
    from ws76proxy.rules.jsonpath import JsonPath

__all__ = [
    "Message",
    "MessageTest",
    "Needles",
    "compiled_path",
    "json_needle",
    "message_test",
]

Needles = tuple[str, ...]
"""Expressions of which at least one matches in every message that a condition holds for."""


class Message:
    """A message as rules look at it: what of it has been read once is not read again."""

    __slots__ = ("_content", "_json", "age", "number", "side")

    def __init__(self, side: Side, content: bytes, number: int, age: float) -> None:
        self.side = side
        self._content = content
        self.number = number
        self.age = age
        self._json: tuple[str, Any] | UnsetType | None = UNSET

    @property
    def content(self) -> bytes:
        """The payload as it is now."""
        return self._content

    @content.setter
    def content(self, content: bytes) -> None:
        self._content = content
        self._json = UNSET

    @property
    def json(self) -> tuple[str, Any] | None:
        """The payload as text and as the value that it is; None where it is not JSON."""
        if isinstance(self._json, UnsetType):
            try:
                self._json = read_json(self._content)
            except ValueError:
                self._json = None
        return self._json


@dataclass(frozen=True, slots=True)
class MessageTest:
    """The conditions of a rule that a message decides; None: no such condition.

    `needles`: one group for each condition that can be told from the text.
    """

    side: Side | None
    numbers: NumberSet | None
    every: int | None
    after: float
    before: float
    smallest: int
    largest: int | None
    valid: bool | None
    text: Texts | None
    json: tuple[Callable[[Any], bool], ...]
    needles: tuple[Needles, ...]

    def holds(self, message: Message) -> bool:
        """Whether all conditions hold."""
        content = message.content
        if not (
            self.may_hold(message.side, message.number, message.number, message.age)
            and len(content) >= self.smallest
            and (self.largest is None or len(content) <= self.largest)
            and (self.valid is None or is_utf8(content) is self.valid)
            and (self.text is None or self.text.match(content))
        ):
            return False
        if not self.json:
            return True
        document = message.json
        return document is not None and all(test(document[1]) for test in self.json)

    def may_hold(self, side: Side, first: int, last: int, age: float) -> bool:
        """Whether, by number and time alone, any of these messages may do."""
        return (
            (self.side is None or self.side == side)
            and self.after <= age < self.before
            and (self.numbers is None or self.numbers.meets(first, last))
            and (self.every is None or last // self.every > (first - 1) // self.every)
        )

    def may_hold_by_size(self, total: int, count: int) -> bool:
        """Whether, of so many payloads with so many bytes in all, one may have the size."""
        return total >= self.smallest and (
            self.largest is None or total <= self.largest * count or count > 1
        )


def message_test(reading: Reading, path: Path, when: MessageWhen | Until) -> MessageTest:
    """The conditions at a path, ready to be asked; raises Fault."""
    needles: list[Needles] = []
    text = None
    if not isinstance(when.text, UnsetType):
        text = texts_at(reading, (*path, "text"), when.text, plain="contains")
        needles.append(text.expressions)
    tests = []
    conditions = [] if isinstance(when.json, UnsetType) else when.json
    is_list = isinstance(conditions, list)
    for index, one in enumerate(conditions if isinstance(conditions, list) else [conditions]):
        here = (*path, "json", index) if is_list else (*path, "json")
        test, group = _json_test(reading, here, one)
        tests.append(test)
        if group is not None:
            needles.append(group)
    smallest, largest = _sizes(path, when)
    after = 0.0 if isinstance(when.after, UnsetType) else when.after
    before = float("inf") if isinstance(when.before, UnsetType) else when.before
    if before <= after:
        said = f"expected more than {after:g}, as after says, found {before:g}"
        raise Fault((*path, "before"), said)
    return MessageTest(
        side=None if isinstance(when.from_, UnsetType) else when.from_,
        numbers=None
        if isinstance(when.number, UnsetType)
        else numbers_at((*path, "number"), when.number),
        every=None if isinstance(when.every, UnsetType) else when.every,
        after=after,
        before=before,
        smallest=smallest,
        largest=largest,
        valid=None if isinstance(when.valid, UnsetType) else when.valid,
        text=text,
        json=tuple(tests),
        needles=tuple(needles),
    )


def _sizes(path: Path, when: MessageWhen | Until) -> tuple[int, int | None]:
    size = when.size
    if isinstance(size, UnsetType):
        return 0, None
    if not isinstance(size, SizeRange):
        return size, size
    low = 0 if isinstance(size.at_least, UnsetType) else size.at_least
    high = None if isinstance(size.at_most, UnsetType) else size.at_most
    if high is not None and high < low:
        text = f"expected {low} or more, as at-least says, found {high}"
        raise Fault((*path, "size", "at-most"), text)
    return low, high


def compiled_path(path: Path, text: str) -> JsonPath:
    """The JSONPath at a path; raises Fault."""
    # Its library takes a while to import, and most rule files do without.
    from ws76proxy.rules.jsonpath import JsonPath

    try:
        return JsonPath(text)
    except UsageError as error:
        raise Fault(path, str(error)) from None


def json_needle(path: JsonPath) -> Needles | None:
    """What stands in every JSON text in which the path leads somewhere; None where nothing must."""
    name = path.plain_name
    # A name without odd characters stands there as it is, or with escapes such as \\u0061.
    return None if name is None else (f'"{escaped(name)}"', r"\\u00")


def _json_test(
    reading: Reading, path: Path, when: JsonWhen
) -> tuple[Callable[[Any], bool], Needles | None]:
    where = compiled_path((*path, "path"), when.path)
    if when.exists is False:
        return lambda value: where.hits(value) == [], None
    given = when.given()
    name = next(one for one in JsonWhen.exactly_one if one in given)
    compare = _comparison(reading, (*path, name), name, given[name])
    return lambda value: any(compare(one) for _, one in where.hits(value) or ()), json_needle(where)


def _comparison(reading: Reading, path: Path, name: str, wanted: Any) -> Callable[[Any], bool]:
    if name == "exists":
        return lambda found: True
    if name == "matches":
        texts = texts_at(reading, path, wanted)
        return lambda found: (
            isinstance(found, str) and texts.match(found.encode("utf-8", "surrogatepass"))
        )
    try:
        write_json(wanted)
    except (ValueError, TypeError):
        text = f"expected a value that JSON has, found {found_text(wanted)}"
        raise Fault(path, text) from None
    if name == "equals":
        return lambda found: values_equal(found, wanted)
    if name == "not":
        return lambda found: not values_equal(found, wanted)
    compare = {"less": lt, "at-most": le, "greater": gt, "at-least": ge}[name]
    return lambda found: _is_number(found) and bool(compare(found, wanted))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
