"""Conditions that the opening handshake decides, once a session."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from ws76proxy.rules.errors import Fault, Path
from ws76proxy.rules.inputs import Reading
from ws76proxy.rules.language.base import AnyText, NumberRange
from ws76proxy.rules.language.conditions import FieldTest, HandshakeWhen, StatusRange
from ws76proxy.rules.texts import texts_at
from ws76proxy.wire.head import Head, RequestHead

__all__ = [
    "Facts",
    "HeadTest",
    "NumberSet",
    "SessionTest",
    "check_field_name",
    "field_tests",
    "handshake_tests",
    "numbers_at",
    "session_tests",
    "split_target",
    "subprotocol_of",
]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_TARGET = re.compile(rb"([a-zA-Z][a-zA-Z0-9+.-]*://[^/?]*)?([^?]*)(?:\?(.*))?\Z", re.DOTALL)


class Facts(NamedTuple):
    """What is known of a session: its number, from 1, what the client speaks and its own head."""

    number: int
    dialect: str
    request: RequestHead


SessionTest = Callable[[Facts], bool]
HeadTest = Callable[[Head], bool]


class NumberSet(NamedTuple):
    """Numbers: some of them, ascending, or all from `low` to `high` (None: without end)."""

    some: tuple[int, ...] | None
    low: int
    high: int | None

    def has(self, number: int) -> bool:
        """Whether a number is one of them."""
        return self.meets(number, number)

    def meets(self, first: int, last: int) -> bool:
        """Whether any from `first` to `last` is one of them."""
        if self.some is not None:
            at = bisect_left(self.some, first)
            return at < len(self.some) and self.some[at] <= last
        return last >= self.low and (self.high is None or first <= self.high)


def numbers_at(path: Path, value: int | list[int] | NumberRange | StatusRange) -> NumberSet:
    """The numbers at a path; raises Fault for a range that is upside down."""
    if isinstance(value, int):
        return NumberSet((value,), 0, None)
    if isinstance(value, list):
        return NumberSet(tuple(sorted(value)), 0, None)
    low = 0 if isinstance(value.from_, UnsetType) else value.from_
    high = None if isinstance(value.to, UnsetType) else value.to
    if high is not None and high < low:
        raise Fault((*path, "to"), f"expected {low} or more, as from says, found {high}")
    return NumberSet(None, low, high)


def session_tests(path: Path, when: HandshakeWhen) -> tuple[SessionTest, ...]:
    """Conditions on the session itself: its number and its dialect."""
    tests: list[SessionTest] = []
    if when.dialect is not UNSET:
        dialects = frozenset([when.dialect] if isinstance(when.dialect, str) else when.dialect)
        tests.append(lambda facts: facts.dialect in dialects)
    if when.session is not UNSET:
        numbers = numbers_at((*path, "session"), when.session)
        tests.append(lambda facts: numbers.has(facts.number))
    return tuple(tests)


def handshake_tests(reading: Reading, path: Path, when: HandshakeWhen) -> tuple[HeadTest, ...]:
    """Conditions on the client's request, its fields left out."""
    values: dict[str, tuple[AnyText | UnsetType, Callable[[Head], bytes | None]]] = {
        "path": (when.path, _path),
        "query": (when.query, _query),
        "host": (when.host, lambda head: _stripped(head, b"host")),
        "origin": (when.origin, lambda head: _stripped(head, b"origin")),
        "subprotocol": (when.subprotocol, subprotocol_of),
    }
    return tuple(
        [
            _text_test(reading, (*path, name), value, get)
            for name, (value, get) in values.items()
            if not isinstance(value, UnsetType)
        ]
    )


def field_tests(reading: Reading, path: Path, when: HandshakeWhen) -> tuple[HeadTest, ...]:
    """Conditions on the fields of a head."""
    if isinstance(when.field, UnsetType):
        return ()
    tests = []
    for name, test in when.field.items():
        here = (*path, "field", name)
        check_field_name(here, name, at_key=True)
        tests.append(_field_test(reading, here, name.lower().encode(), test))
    return tuple(tests)


def _field_test(reading: Reading, path: Path, name: bytes, test: FieldTest) -> HeadTest:
    if isinstance(test, bool):
        return lambda head: bool(head.get_all(name)) is test
    texts = texts_at(reading, path, test)
    return lambda head: any(texts.match(one.stripped) for one in head.get_all(name))


def _text_test(
    reading: Reading, path: Path, value: AnyText, get: Callable[[Head], bytes | None]
) -> HeadTest:
    texts = texts_at(reading, path, value)

    def holds(head: Head) -> bool:
        found = get(head)
        return found is not None and texts.match(found)

    return holds


def check_field_name(path: Path, name: str, *, at_key: bool = False) -> None:
    """Raises Fault for what cannot be the name of a field."""
    if not _TOKEN.match(name):
        text = f"expected the name of a field (letters, digits, - and such), found {name!r}"
        raise Fault(path, text, at_key=at_key)


def split_target(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """What stands before the path (scheme and authority, mostly nothing), path, and query.

    The query is without its question mark; None where there is no question mark.
    """
    match = _TARGET.match(target)
    assert match is not None  # noqa: S101 - it matches anything
    return match[1] or b"", match[2], match[3]


def _path(head: Head) -> bytes:
    return split_target(head.target)[1] if isinstance(head, RequestHead) else b""


def _query(head: Head) -> bytes:
    return (split_target(head.target)[2] or b"") if isinstance(head, RequestHead) else b""


def _stripped(head: Head, name: bytes) -> bytes | None:
    field = head.get(name)
    return None if field is None else field.stripped


def subprotocol_of(head: Head) -> bytes | None:
    """The subprotocol that a head names, in either dialect; None where it names none."""
    found = _stripped(head, b"sec-websocket-protocol")
    return _stripped(head, b"websocket-protocol") if found is None else found
