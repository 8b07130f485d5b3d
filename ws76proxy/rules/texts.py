"""Text patterns of a rule file, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from ws76proxy.errors import UsageError
from ws76proxy.patterns import Regex, escaped, glob_expression
from ws76proxy.rules.errors import Fault, Path
from ws76proxy.rules.inputs import Reading
from ws76proxy.rules.language.base import AnyText, OneText, TextPattern

__all__ = ["Texts", "regex_at", "texts_at"]


class Texts(NamedTuple):
    """Patterns of which any may match. `expressions` say the same to RE2."""

    tests: tuple[Callable[[bytes], bool], ...]
    expressions: tuple[str, ...]

    def match(self, data: bytes) -> bool:
        """Whether one of them matches; `data` is read as UTF-8."""
        return any(test(data) for test in self.tests)


def regex_at(
    reading: Reading, path: Path, text: str, *, captures: bool = False, ignore_case: bool = False
) -> Regex:
    """The regular expression at a path; raises Fault."""
    try:
        regex = Regex(text, captures=captures, ignore_case=ignore_case)
    except UsageError as error:
        raise Fault(path, _without_subject(str(error), text)) from None
    reading.take_program(path, regex.size)
    return regex


def _without_subject(said: str, text: str) -> str:
    """The place says already what it is about."""
    return said.partition(": ")[2] if said.startswith(repr(text)[:20]) else said


def texts_at(
    reading: Reading, path: Path, value: AnyText, *, plain: Literal["glob", "contains"] = "glob"
) -> Texts:
    """The patterns at a path; raises Fault. `plain`: how a plain string is meant."""
    many = value if isinstance(value, list) else [value]
    tests, expressions = [], []
    for index, one in enumerate(many):
        here = (*path, index) if isinstance(value, list) else path
        test, expression = _one(reading, here, one, plain)
        tests.append(test)
        expressions.append(expression)
    return Texts(tuple(tests), tuple(expressions))


def _one(
    reading: Reading, path: Path, value: OneText, plain: str
) -> tuple[Callable[[bytes], bool], str]:
    ignore_case = False
    how, text = plain, value
    if isinstance(value, TextPattern):
        ignore_case = value.ignore_case
        given = value.given()
        how = next(one for one in TextPattern.exactly_one if one in given)
        text, path = given[how], (*path, how)
    assert isinstance(text, str)  # noqa: S101 - the reader saw to it
    if how == "glob" and not set("*?") & set(text):
        how = "exact"
    expression = text if how == "regex" else (glob_expression if how == "glob" else escaped)(text)
    if how == "exact":
        expression = rf"\A{expression}\z"
    if how in ("exact", "contains") and not ignore_case:
        wanted = text.encode()
        return (wanted.__eq__ if how == "exact" else _containing(wanted)), expression
    regex = regex_at(reading, path, text if how == "regex" else expression, ignore_case=ignore_case)
    return regex.is_in_bytes, f"(?i){expression}" if ignore_case else expression


def _containing(wanted: bytes) -> Callable[[bytes], bool]:
    return lambda data: wanted in data
