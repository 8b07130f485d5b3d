"""What msgspec refuses, in the words of the rule file: what was expected there, what was found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from ws76proxy.rules.errors import Fault, Path, found_text, nearest
from ws76proxy.rules.language.actions import FieldValue
from ws76proxy.rules.language.conditions import FieldTest
from ws76proxy.rules.language.file import RuleFile

__all__ = ["explain"]

_KINDS = ("request", "response", "message")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\[(\.\.\.)\]")


@cache
def _file_type() -> inspect.Type:
    return inspect.type_info(RuleFile)


def explain(data: dict[str, Any], error: msgspec.ValidationError) -> Fault:
    """The fault that msgspec found, with its path and in our words."""
    said = str(error)
    _, _, where = said.rpartition(" - at ")
    is_name = where.startswith("`key` in ")
    value: Any = data
    kind: inspect.Type = _file_type()
    path: Path = ()
    for step in _STEP.finditer(where):
        name, index, _ = step.groups()
        if name == "action" and _tags(kind):
            # It says which of several tables this is: the fault is that table's.
            break
        kind = _member(kind, value)
        if name is not None:
            if not isinstance(value, dict) or name not in value:
                break
            kind = _field_types(kind)[name]
            path, value = (*path, name), value[name]
        elif index is not None:
            kind = kind.item_type if isinstance(kind, inspect.ListType) else kind
            path, value = (*path, int(index)), value[int(index)]
        elif isinstance(kind, inspect.DictType) and isinstance(value, dict):
            kind = kind.value_type
            key = _wrong_key(value, str(path[-1]))
            path, value = (*path, key), value[key]
    return _fault(kind, value, path, is_name=is_name)


def _fault(kind: inspect.Type, value: Any, path: Path, *, is_name: bool) -> Fault:
    member = _member(kind, value)
    if is_name and isinstance(value, dict):
        key = next((key for key in value if not 1 <= len(key) <= 200), next(iter(value)))
        text = f"expected a name of 1 to 200 characters, found {found_text(key)}"
        return Fault((*path, key), text, at_key=True)
    if isinstance(value, dict):
        if _tags(kind) and value.get("action") not in _tags(kind):
            return _wrong_action(kind, value, path)
        if isinstance(member, inspect.StructType):
            fault = _wrong_keys(member, value, path)
            if fault is not None:
                return fault
    expected = _described(kind, value)
    hint = nearest(value, _choices(kind)) if isinstance(value, str) else ""
    if len(path) == 1 and path[0] in _KINDS and isinstance(value, dict):
        hint = f" (did you mean [[{path[0]}]]?)"
    return Fault(path, f"expected {expected}, found {_with_size(value)}{hint}")


def _wrong_keys(struct: inspect.StructType, table: dict[str, Any], path: Path) -> Fault | None:
    known = _field_types(struct)
    if struct.tag_field is not None:
        known = {struct.tag_field: inspect.StrType(), **known}
    for key in table:
        if key not in known:
            hint = nearest(key, known) or _elsewhere(key, path)
            what = f"one of {', '.join(known)}" if len(known) > 1 else f"only {''.join(known)}"
            return Fault(
                (*path, key), f"expected {what}; found the key {found_text(key)}{hint}", at_key=True
            )
    for field in struct.fields:
        if field.required and field.encode_name not in table:
            here = "here" if path else "in the file"
            return Fault(path, f"expected the key {field.encode_name!r} {here}, found none")
    return None


def _wrong_action(kind: inspect.Type, table: dict[str, Any], path: Path) -> Fault:
    tags = _tags(kind)
    if "action" not in table:
        return Fault(
            path, f"expected the key 'action' here, found none; it is one of {_list(tags)}"
        )
    action = table["action"]
    if not isinstance(action, str):
        text = f"expected the name of an action, found {found_text(action)}"
        return Fault((*path, "action"), text)
    hint = nearest(action, tags)
    if not hint:
        others = [other for other in _KINDS if action in _tags(_actions_of(other))]
        if others:
            hint = f" (an action of [[{others[0]}]] rules)"
    return Fault(
        (*path, "action"), f"expected one of {_list(tags)}; found {found_text(action)}{hint}"
    )


def _elsewhere(key: str, path: Path) -> str:
    """Where a key that is wrong here would be right."""
    if not (path and path[-1] == "when") or path[0] not in _KINDS:
        return ""
    for kind in _KINDS:
        if kind != path[0] and key in _field_types(_rule_type(kind, "when")):
            return f" (a condition of [[{kind}]] rules)"
    return ""


def _rule_type(kind: str, field: str) -> inspect.Type:
    rules = _member(_field_types(_file_type())[kind], [])
    assert isinstance(rules, inspect.ListType)  # noqa: S101 - RuleFile says so
    return _bare(_field_types(rules.item_type)[field])


def _actions_of(kind: str) -> inspect.Type:
    actions = _rule_type(kind, "do")
    assert isinstance(actions, inspect.ListType)  # noqa: S101 - the rules say so
    return actions.item_type


def _wrong_key(table: dict[str, Any], field: str) -> str:
    """Which value of a table with free keys msgspec means: it does not say."""
    kind: Any = FieldTest if field == "field" else FieldValue
    for key, value in table.items():
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return key
    return next(iter(table))


def _bare(kind: inspect.Type) -> inspect.Type:
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _options(kind: inspect.Type) -> list[inspect.Type]:
    """The members of a union; a type that is none is its only one."""
    kind = _bare(kind)
    if not isinstance(kind, inspect.UnionType):
        return [kind]
    return [_bare(one) for one in kind.types]


def _member(kind: inspect.Type, value: Any) -> inspect.Type:
    """The member of a union that a value of this shape is meant for; the union where none is."""
    options = _options(kind)
    wanted: tuple[type[inspect.Type], ...] = ()
    if isinstance(value, bool):
        wanted = (inspect.BoolType,)
    elif isinstance(value, str):
        wanted = (inspect.StrType, inspect.LiteralType)
    elif isinstance(value, int):
        wanted = (inspect.IntType, inspect.FloatType)
    elif isinstance(value, float):
        wanted = (inspect.FloatType,)
    elif isinstance(value, list):
        wanted = (inspect.ListType,)
    elif isinstance(value, dict):
        wanted = (inspect.StructType, inspect.DictType)
        action = value.get("action")
        tagged = [one for one in _structs(kind) if one.tag is not None and one.tag == action]
        options = [*tagged, *options]
    for one in options:
        if isinstance(one, wanted):
            return one
    return options[0] if len(options) == 1 else kind


def _structs(kind: inspect.Type) -> list[inspect.StructType]:
    return [one for one in _options(kind) if isinstance(one, inspect.StructType)]


def _tags(kind: inspect.Type) -> list[str]:
    """The words that tell of which of several kinds a table is; none where there is one kind."""
    return [str(one.tag) for one in _structs(kind) if one.tag is not None]


def _field_types(kind: inspect.Type) -> dict[str, inspect.Type]:
    kind = _bare(kind)
    if not isinstance(kind, inspect.StructType):
        return {}
    return {field.encode_name: field.type for field in kind.fields}


def _choices(kind: inspect.Type) -> list[str]:
    """The words that may stand where only certain ones may."""
    return [
        str(value)
        for one in _options(kind)
        if isinstance(one, inspect.LiteralType)
        for value in one.values
    ]


def _described(kind: inspect.Type, value: Any) -> str:
    """What may stand there, in words; where the found value is nearly right, only its like."""
    member = _member(kind, value)
    if not isinstance(_bare(member), inspect.UnionType):
        return _one_described(member)
    names = [
        _one_described(one) if isinstance(one, inspect.LiteralType) else _plainly(one)
        for one in _options(kind)
    ]
    return " or ".join(dict.fromkeys(names))


def _plainly(kind: inspect.Type) -> str:
    """The sort of value, without its limits."""
    return _one_described(kind).partition(" of ")[0]


def _one_described(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.LiteralType):
        return f"one of {_list([str(one) for one in kind.values])}"
    if isinstance(kind, inspect.StrType):
        return f"a text{_bounds(kind.min_length, kind.max_length, ' of', ' characters')}"
    if isinstance(kind, inspect.IntType):
        return f"a whole number{_bounds(kind.ge, kind.le, ' of', '')}"
    if isinstance(kind, inspect.FloatType):
        return f"a number{_bounds(kind.ge, kind.le, ' of', '')}"
    if isinstance(kind, inspect.ListType):
        return f"a list{_bounds(kind.min_length, kind.max_length, ' of', '')}"
    if isinstance(kind, (inspect.StructType, inspect.DictType)):
        return "a table"
    return "a value"


def _bounds(low: float | None, high: float | None, before: str, unit: str) -> str:
    if low is not None and low == high:
        return f"{before} {low:g}{unit}"
    if low is not None and high is not None and high < 2**53:
        return f"{before} {_number(low)} to {_number(high)}{unit}"
    if low is not None:
        return f"{before} {_number(low)}{unit} or more"
    return "" if high is None else f"{before} at most {_number(high)}{unit}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _list(words: Iterable[str]) -> str:
    return ", ".join(map(repr, words))


def _with_size(value: object) -> str:
    """The found value, with its size where that may be what is wrong."""
    if isinstance(value, str) and len(value) > 60:
        return f"{found_text(value)} of {len(value)} characters"
    if isinstance(value, list) and value:
        return f"a list of {len(value)}"
    return found_text(value)
