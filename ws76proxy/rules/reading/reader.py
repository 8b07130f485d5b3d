"""From the text of a rule file to a rule set."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from itertools import compress
from typing import Any

import msgspec
from msgspec import UnsetType

from ws76proxy.rules.contents import message_test
from ws76proxy.rules.deeds import deed_at
from ws76proxy.rules.errors import Fault, Path, RuleError
from ws76proxy.rules.facts import field_tests, handshake_tests, numbers_at, session_tests
from ws76proxy.rules.heads import request_deed_at, response_deed_at
from ws76proxy.rules.inputs import Reading
from ws76proxy.rules.language import file as language
from ws76proxy.rules.language.base import Table
from ws76proxy.rules.language.conditions import HandshakeWhen
from ws76proxy.rules.model import MessageRule, RequestRule, ResponseRule
from ws76proxy.rules.ruleset import Counts, RuleSet

__all__ = ["MAX_SIZE", "read_rules", "rules_of"]

MAX_SIZE = 1_048_576
"""Bytes of a rule file."""
MAX_RULES = 10_000
"""Rules in one file."""

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


def read_rules(
    text: str | bytes,
    name: str,
    *,
    read_file: Callable[[str], bytes],
    max_rules: int = MAX_RULES,
) -> RuleSet:
    """Read a rule file.

    `name` is what messages call it; `read_file` gives the bytes of a file that a rule injects, and
    raises OSError or UsageError. Raises RuleError, ``NAME:LINE:COLUMN: what was expected, what was
    found``, for the first fault.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_SIZE:
        raise RuleError(
            f"{name}:1:1: expected a rule file of at most {MAX_SIZE} bytes, found {len(data)}"
        )
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Only a fault needs the places of things; so only then their library is imported.
        from ws76proxy.rules.reading.places import place_of_byte

        # What was decoded has no byte order mark any more.
        line, column = place_of_byte(error.object, error.start)
        found = error.object[error.start]
        raise RuleError(
            f"{name}:{line}:{column}: expected UTF-8, found the byte {found:02X}"
        ) from None
    read = _read_toml(decoded, name)
    try:
        return rules_of(read, name, read_file=read_file, max_rules=max_rules)
    except Fault as fault:
        from ws76proxy.rules.reading.places import place_of

        line, column = place_of(decoded, fault.path, at_key=fault.at_key)
        raise RuleError(f"{name}:{line}:{column}: {fault.text}") from None


def rules_of(
    data: dict[str, Any],
    name: str,
    *,
    read_file: Callable[[str], bytes],
    max_rules: int = MAX_RULES,
) -> RuleSet:
    """The rules that the data of a rule file say; raises Fault."""
    left = max_rules
    for kind in ("request", "response", "message"):
        many = data.get(kind)
        if isinstance(many, list):
            if len(many) > left:
                text = f"expected at most {max_rules} rules in one file, found one more"
                raise Fault((kind, left), text)
            left -= len(many)
    try:
        file = msgspec.convert(data, language.RuleFile)
    except msgspec.ValidationError as error:
        from ws76proxy.rules.reading.explaining import explain

        raise explain(data, error) from None
    except RecursionError:
        raise Fault((), "expected tables that are not nested so deep") from None
    _check_tables(file, ())
    names: dict[str, str] = {}
    for kind, index, rule in _all_rules(file):
        if not rule.name.isprintable() or not rule.name.strip():
            text = f"expected a name of printable characters on one line, found {rule.name!r}"
            raise Fault((kind, index, "name"), text)
        if rule.name in names:
            other = names[rule.name]
            text = f"expected a name that no other rule has, found {rule.name!r}, as in {other}"
            raise Fault((kind, index, "name"), text)
        names[rule.name] = f"[[{kind}]] number {index + 1}"
    return _compiled(file, name, Reading(read_file))


def _read_toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise RuleError(f"{name}:1:1: expected tables that are not nested so deep") from None
    except ValueError as error:
        said = str(error)
        at = _AT.search(said)
        last = text.rstrip().rpartition("\n")
        if at is None:
            # A number with thousands of digits.
            line, column = "1", "1"
        elif at[1] is None:
            line, column = str(text.rstrip().count("\n") + 1), str(len(last[2]) + 1)
        else:
            line, column = at[1], at[2]
        what = _AT.sub("", said)
        raise RuleError(f"{name}:{line}:{column}: expected TOML, found: {what}") from None


def _all_rules(file: language.RuleFile) -> Iterator[tuple[str, int, language.AnyRule]]:
    for index, request in enumerate(file.request):
        yield "request", index, request
    for index, response in enumerate(file.response):
        yield "response", index, response
    for index, message in enumerate(file.message):
        yield "message", index, message


def _check_tables(table: Table, path: Path) -> None:
    """See that tables have the one key, or the some keys, that they must have."""
    given = table.given()
    one_of, some_of = type(table).exactly_one, type(table).at_least_one
    chosen = [key for key in given if key in one_of]
    if one_of and len(chosen) != 1:
        found = "none of them" if not chosen else " and ".join(map(repr, chosen))
        expected = ", ".join(map(repr, one_of))
        at = (*path, chosen[1]) if chosen else path
        raise Fault(at, f"expected exactly one of {expected}; found {found}", at_key=bool(chosen))
    if some_of and not set(given) & set(some_of):
        expected = ", ".join(map(repr, some_of))
        raise Fault(path, f"expected at least one of {expected}; found none of them")
    for key, value in given.items():
        _check_value(value, (*path, key))


def _check_value(value: object, path: Path) -> None:
    if isinstance(value, Table):
        _check_tables(value, path)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            if isinstance(one, (Table, list)):
                _check_value(one, (*path, index))
    elif isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, (Table, list)):
                _check_value(one, (*path, key))


def _compiled(file: language.RuleFile, source: str, reading: Reading) -> RuleSet:
    requests, responses, messages = [], [], []
    for index, request in enumerate(file.request):
        path: Path = ("request", index)
        when_path = (*path, "when")
        requests.append(
            RequestRule(
                **_common(path, request, file.seed, source),
                of_request=(
                    *handshake_tests(reading, when_path, request.when),
                    *field_tests(reading, when_path, request.when),
                ),
                deeds=tuple(
                    [
                        request_deed_at((*path, "do", turn), action, turn)
                        for turn, action in enumerate(request.do)
                    ]
                ),
            )
        )
    for index, response in enumerate(file.response):
        path = ("response", index)
        when_path = (*path, "when")
        status = response.when.status
        responses.append(
            ResponseRule(
                **_common(path, response, file.seed, source),
                of_request=handshake_tests(reading, when_path, response.when),
                statuses=None
                if isinstance(status, UnsetType)
                else numbers_at((*when_path, "status"), status),
                fields=field_tests(reading, when_path, response.when),
                deeds=tuple(
                    [
                        response_deed_at((*path, "do", turn), action, turn)
                        for turn, action in enumerate(response.do)
                    ]
                ),
            )
        )
    for index, message in enumerate(file.message):
        path = ("message", index)
        when_path = (*path, "when")
        test = message_test(reading, when_path, message.when)
        deeds = tuple(
            [
                deed_at(reading, (*path, "do", turn), action, turn)
                for turn, action in enumerate(message.do)
            ]
        )
        # Whatever acts first sees the message as it came. A rule that stops others need not act.
        groups = [deed.needles for deed in deeds if deed.needles is not None]
        tells_all = len(groups) == len(deeds) and not message.stop
        of_deeds = (tuple([one for group in groups for one in group]),)
        messages.append(
            MessageRule(
                **_common(path, message, file.seed, source),
                of_request=(
                    *handshake_tests(reading, when_path, message.when),
                    *field_tests(reading, when_path, message.when),
                ),
                test=test,
                deeds=deeds,
                needles=(*test.needles, *(of_deeds if tells_all else ())),
            )
        )
    on = [[rule.enabled for rule in rules] for rules in (file.request, file.response, file.message)]
    return RuleSet(
        [*compress(requests, on[0])],
        [*compress(responses, on[1])],
        [*compress(messages, on[2])],
        Counts(len(on[0]), len(on[1]), len(on[2]), sum([flags.count(False) for flags in on])),
    )


def _common(path: Path, rule: language.AnyRule, seed: int, source: str) -> dict[str, Any]:
    when: HandshakeWhen = rule.when
    return {
        "name": rule.name,
        "source": source,
        "seed": seed,
        "stop": rule.stop,
        "limit": None if isinstance(rule.limit, UnsetType) else rule.limit,
        "probability": None if isinstance(when.probability, UnsetType) else when.probability,
        "of_session": session_tests((*path, "when"), when),
    }
