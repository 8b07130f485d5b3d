"""Actions that change a message's payload, or what is shown of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from msgspec import UnsetType

from ws76proxy.errors import UsageError
from ws76proxy.patterns import MAX_SECONDS, Clock, Regex, Template, escaped
from ws76proxy.rules.contents import compiled_path, json_needle
from ws76proxy.rules.errors import Fault, Path, found_text
from ws76proxy.rules.inputs import Reading
from ws76proxy.rules.jsontext import Location, read_json, remove_values, set_values, write_json
from ws76proxy.rules.language import message_actions as language
from ws76proxy.rules.texts import regex_at
from ws76proxy.rules.work import Deed, Work

if TYPE_CHECKING:
    from ws76proxy.rules.jsonpath import JsonPath

__all__ = ["Edit", "edit_at"]

Edit = (
    language.Replace
    | language.SetText
    | language.JsonSet
    | language.JsonRemove
    | language.Truncate
    | language.Corrupt
    | language.Hide
)


def edit_at(reading: Reading, path: Path, action: Edit, purpose: str) -> Deed:
    """The action at a path; raises Fault. `purpose`: what chance is asked for."""
    match action:
        case language.Replace():
            return _replace(reading, path, action)
        case language.SetText():
            content = action.text.encode()
            return Deed(lambda work: work.put("set-text", content))
        case language.JsonSet():
            return _json_set(path, action)
        case language.JsonRemove():
            return _json_remove(path, action)
        case language.Truncate():
            return _truncate(action)
        case language.Corrupt():
            return _corrupt(action.bytes, purpose)
        case language.Hide():
            return _hide(reading, path, action)
        case _:
            assert_never(action)


def _replace(reading: Reading, path: Path, action: language.Replace) -> Deed:
    if isinstance(action.regex, UnsetType):
        assert isinstance(action.text, str)  # noqa: S101 - exactly one of them is there
        expression = escaped(action.text)
        wanted, put = action.text.encode(), action.with_.encode()
        if not action.ignore_case:
            many = -1 if isinstance(action.count, UnsetType) else action.count
            return Deed(
                lambda work: work.put("replace", work.message.content.replace(wanted, put, many)),
                (expression,),
            )
        regex = regex_at(reading, (*path, "text"), expression, ignore_case=True)
        template = Template((put,))
    else:
        expression = action.regex
        regex = regex_at(
            reading, (*path, "regex"), expression, captures=True, ignore_case=action.ignore_case
        )
        try:
            template = regex.template(action.with_)
        except UsageError as error:
            raise Fault((*path, "with"), str(error)) from None
    count = None if isinstance(action.count, UnsetType) else action.count

    def act(work: Work) -> bool:
        replaced = regex.replace(work.message.content, template, count, clock=work.clock)
        if replaced is None:
            return work.tell("replace", f"given up after {MAX_SECONDS:g} s: too many places")
        return work.put("replace", replaced)

    return Deed(act, (f"(?i){expression}" if action.ignore_case else expression,))


def _json_set(path: Path, action: language.JsonSet) -> Deed:
    where = compiled_path((*path, "path"), action.path)
    if isinstance(action.json, UnsetType):
        try:
            put = write_json(action.value)
        except (ValueError, TypeError):
            text = f"expected a value that JSON has, found {found_text(action.value)}"
            raise Fault((*path, "value"), text) from None
    else:
        put = action.json.strip(" \t\r\n")
        try:
            read_json(put.encode())
        except ValueError as error:
            text = f"expected JSON, found {found_text(put)} ({error})"
            raise Fault((*path, "json"), text) from None

    def edit(text: str, locations: list[Location]) -> str:
        return set_values(text, locations, put)

    return _json_edit("json-set", where, edit)


def _json_remove(path: Path, action: language.JsonRemove) -> Deed:
    where = compiled_path((*path, "path"), action.path)
    if where.is_root:
        text = "expected a JSONPath to something within the message, such as $.price, found '$'"
        raise Fault((*path, "path"), text)
    return _json_edit("json-remove", where, remove_values)


def _json_edit(deed: str, where: JsonPath, edit: Callable[[str, list[Location]], str]) -> Deed:
    def act(work: Work) -> bool:
        document = work.message.json
        if document is None:
            return False
        text, value = document
        locations = [location for location, _ in where.hits(value) or ()]
        if not locations:
            return False
        return work.put(deed, edit(text, locations).encode(), f"{where.text}: {len(locations)}")

    return Deed(act, json_needle(where))


def _truncate(action: language.Truncate) -> Deed:
    by_bytes = isinstance(action.characters, UnsetType)
    size = action.bytes if isinstance(action.characters, UnsetType) else action.characters
    assert isinstance(size, int)  # noqa: S101 - exactly one of them is there

    def act(work: Work) -> bool:
        content = work.message.content
        if by_bytes:
            return work.put("truncate", content[:size], f"{size} bytes")
        # What is not UTF-8 counts byte by byte, and stays what it is.
        text = content.decode("utf-8", "surrogateescape")[:size]
        return work.put("truncate", text.encode("utf-8", "surrogateescape"), f"{size} characters")

    return Deed(act)


def _corrupt(count: int, purpose: str) -> Deed:
    def act(work: Work) -> bool:
        message = work.message
        content = bytearray(message.content)

        def below(limit: int, what: str) -> int:
            return work.chance.below(limit, message.side, message.number, f"{purpose} {what}")

        size = len(content)
        chosen: dict[int, int] = {}
        for turn in range(min(count, size)):
            # A place is drawn from those that are left: what was drawn is moved to the front.
            drawn = turn + below(size - turn, f"place {turn}")
            place = chosen.get(drawn, drawn)
            chosen[drawn] = chosen.get(turn, turn)
            value = below(0xFE, f"value {turn}")
            content[place] = value + (value >= content[place])
        return work.put("corrupt", bytes(content), f"{min(count, size)} bytes")

    return Deed(act)


def _hide(reading: Reading, path: Path, action: language.Hide) -> Deed:
    put = action.with_.encode()
    if isinstance(action.regex, UnsetType):
        needles, hide = None, _always(put)
    else:
        regex = regex_at(reading, (*path, "regex"), action.regex, captures=True)
        needles, hide = (action.regex,), _hiding(regex, put)

    def act(work: Work) -> bool:
        def hiding(payload: bytes) -> bytes:
            return hide(payload, work.clock)

        if hiding(work.message.content) == work.message.content:
            return False
        work.hiding.append(hiding)
        return work.tell("hide")

    return Deed(act, needles, hides=True)


def _always(put: bytes) -> Callable[[bytes, Clock | None], bytes]:
    return lambda _payload, _clock: put


def _hiding(regex: Regex, put: bytes) -> Callable[[bytes, Clock | None], bytes]:
    template = Template((put,))

    def hidden(payload: bytes, clock: Clock | None) -> bytes:
        replaced = regex.replace(payload, template, clock=clock)
        # What could not be looked through is hidden whole.
        return put if replaced is None else replaced

    return hidden
