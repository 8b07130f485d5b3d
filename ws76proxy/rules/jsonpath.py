"""JSONPath (RFC 9535) over values that were JSON, in bounded time whatever the path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from jsonpath import JSONPath as CompiledPath
from jsonpath import JSONPathEnvironment
from jsonpath.exceptions import JSONPathError, JSONPathTypeError
from jsonpath.filter import StringLiteral
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.match import JSONPathMatch
from jsonpath.parse import Parser
from jsonpath.segments import (
    JSONPathChildSegment,
    JSONPathRecursiveDescentSegment,
    JSONPathSegment,
)
from jsonpath.selectors import IndexSelector, NameSelector
from jsonpath.stream import TokenStream
from jsonpath.token import Token

from ws76proxy.errors import UsageError
from ws76proxy.patterns import Regex
from ws76proxy.rules.jsontext import Location

__all__ = ["MAX_STEPS", "JsonPath"]

MAX_STEPS = 100_000
"""How many values one path may look at in one message."""

_TOKEN = re.compile(r"'?TOKEN_([A-Z_]+)'?")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


class JsonPath:
    """A path, read once and applied to many messages."""

    def __init__(self, text: str) -> None:
        """Raises UsageError for what is no JSONPath; it says what and where in it."""
        self.text = text
        try:
            compiled = _ENVIRONMENT.compile(text)
        except RecursionError:
            raise UsageError("expected a JSONPath, found one with too many brackets") from None
        except JSONPathError as error:
            token = error.token
            where = "" if token is None else f" at character {_position(token, text)}"
            said = _TOKEN.sub(_in_words, str(error.message))
            raise UsageError(f"expected a JSONPath, such as $.price, found {said}{where}") from None
        if not isinstance(compiled, CompiledPath):
            raise UsageError("expected one JSONPath, found several")
        self._compiled = compiled

    @property
    def is_root(self) -> bool:
        """Whether it is ``$``, the whole value."""
        return self._compiled.empty()

    @property
    def plain_name(self) -> str | None:
        """A name of letters, digits, ``_`` and ``-`` that every message with a hit has in it."""
        for segment in reversed(self._compiled.segments):
            if len(segment.selectors) == 1 and isinstance(segment.selectors[0], NameSelector):
                name = segment.selectors[0].name
                if _PLAIN_NAME.match(name):
                    return name
        return None

    def hits(self, value: Any) -> list[tuple[Location, Any]] | None:
        """Every place of the value that the path leads to, in order, and what is there.

        None where it would take more than MAX_STEPS, or where the value is nested deeper than a
        path can descend (100).
        """
        _ENVIRONMENT.steps = 0
        # The library would read a text as JSON.
        if isinstance(value, str):
            return [] if self._compiled.segments else [((), value)]
        try:
            return [(one.parts, one.obj) for one in self._compiled.finditer(value)]
        except (_TooManyStepsError, JSONPathError, RecursionError):
            return None


class _TooManyStepsError(Exception):
    pass


class _Environment(JSONPathEnvironment):
    """Counts steps, and leaves regular expressions to RE2."""

    steps = 0

    def __init__(self, *, strict: bool) -> None:
        self.parser_class = _Parser
        super().__init__(strict=strict)

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        for name in set(self.function_extensions) - {"length", "count", "value"}:
            # What RFC 9535 does not have.
            del self.function_extensions[name]
        self.function_extensions["match"] = _Matches(whole=True)
        self.function_extensions["search"] = _Matches(whole=False)

    def check_well_typedness(self, token: Token, func: FilterFunction, args: list[Any]) -> None:
        super().check_well_typedness(token, func, args)
        if isinstance(func, _Matches) and isinstance(args[1], StringLiteral):
            try:
                Regex(args[1].value)
            except UsageError as error:
                raise JSONPathTypeError(str(error), token=token) from None

    def step(self, count: int) -> None:
        self.steps += count
        if self.steps > MAX_STEPS:
            raise _TooManyStepsError


class _Parser(Parser):
    """Makes segments that count."""

    def parse_query(self, stream: TokenStream) -> Iterable[JSONPathSegment]:
        for one in super().parse_query(stream):
            made = _Descent if isinstance(one, JSONPathRecursiveDescentSegment) else _Child
            yield made(env=one.env, token=one.token, selectors=one.selectors)


class _Child(JSONPathChildSegment):
    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterator[JSONPathMatch]:
        for node in nodes:
            self.env.step(_cost(self, node))  # type: ignore[attr-defined]
            for selector in self.selectors:
                yield from selector.resolve(node)


class _Descent(JSONPathRecursiveDescentSegment):
    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterator[JSONPathMatch]:
        for node in nodes:
            for below in self._visit(node):
                self.env.step(_cost(self, below))  # type: ignore[attr-defined]
                for selector in self.selectors:
                    yield from selector.resolve(below)


def _cost(segment: JSONPathSegment, node: JSONPathMatch) -> int:
    """How many values a segment looks at below one node."""
    size = len(node.obj) if isinstance(node.obj, (dict, list)) else 0
    return 1 + sum(
        [1 if isinstance(one, (NameSelector, IndexSelector)) else size for one in segment.selectors]
    )


class _Matches(FilterFunction):
    """``match()`` and ``search()``, with expressions of RE2; a bad one matches nothing."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library's
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, expression: object) -> bool:
        if not isinstance(value, str) or not isinstance(expression, str):
            return False
        regex = _regex(expression)
        if regex is None:
            return False
        return regex.is_all_of(value) if self._whole else regex.is_in(value)


@lru_cache(maxsize=100)
def _regex(text: str) -> Regex | None:
    try:
        return Regex(text)
    except UsageError:
        return None


def _in_words(found: re.Match[str]) -> str:
    """What the library calls a token, as somebody reads it."""
    name = found[1]
    return {"ROOT": "'$'", "EOF": "the end"}.get(name, name.lower().replace("_", " "))


def _position(token: Token, text: str) -> int:
    return 1 + (token.index if token.index >= 0 else len(text))


_ENVIRONMENT = _Environment(strict=True)
