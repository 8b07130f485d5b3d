"""What conditions and actions are made of: tables without unknown keys, texts, numbers, ranges."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

__all__ = [
    "MAX_PATTERN",
    "AnyText",
    "HexText",
    "JsonPathText",
    "JsonText",
    "LongText",
    "Number",
    "NumberRange",
    "Numbers",
    "OneText",
    "PeerName",
    "Seconds",
    "SecondsOrRange",
    "Table",
    "TextPattern",
]

MAX_PATTERN = 10_000
"""How many characters a pattern may have."""

PeerName = Literal["client", "server"]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of a rule file. `exactly_one` and `at_least_one` name keys of which a table must have
    one, or some; the schema says so too."""

    exactly_one: ClassVar[tuple[str, ...]] = ()
    at_least_one: ClassVar[tuple[str, ...]] = ()

    def given(self) -> dict[str, Any]:
        """What the table says, by its keys as a file spells them; and what it says by default."""
        fields = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        values = {key: getattr(self, field) for field, key in fields}
        return {key: value for key, value in values.items() if value is not UNSET}


# Constraints stand on the members of a union, never on the union. And no tuple of fixed length may
# stand in a union beside them: msgspec 0.22 reads the limits from the wrong place then.
PatternText = Annotated[str, Meta(max_length=MAX_PATTERN)]
LongText = Annotated[str, Meta(max_length=1_048_576)]
HexText = Annotated[str, Meta(max_length=1_048_576, min_length=2)]
JsonPathText = Annotated[str, Meta(min_length=1, max_length=1_000)]
JsonText = Annotated[str, Meta(min_length=1, max_length=1_048_576)]
Number = Annotated[int, Meta(ge=1, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
SecondsOrRange = Seconds | Annotated[list[Seconds], Meta(min_length=2, max_length=2)]


class TextPattern(Table, frozen=True, kw_only=True):
    """How a text must look. Exactly one of `exact`, `glob`, `regex` and `contains`."""

    exactly_one: ClassVar[tuple[str, ...]] = ("exact", "glob", "regex", "contains")

    exact: Annotated[PatternText | UnsetType, Meta(description="The whole text is this.")] = UNSET
    glob: Annotated[
        PatternText | UnsetType,
        Meta(description="The whole text is this, where * is any characters and ? is one."),
    ] = UNSET
    regex: Annotated[
        PatternText | UnsetType,
        Meta(description="This regular expression (of RE2) matches somewhere in the text."),
    ] = UNSET
    contains: Annotated[
        PatternText | UnsetType, Meta(description="This stands somewhere in the text.")
    ] = UNSET
    ignore_case: Annotated[bool, Meta(description="Capitals and small letters are the same.")] = (
        False
    )


OneText = PatternText | TextPattern
AnyText = (
    PatternText
    | TextPattern
    | Annotated[list[PatternText | TextPattern], Meta(min_length=1, max_length=1_000)]
)


class NumberRange(Table, frozen=True, kw_only=True):
    """Numbers from one to another, both included; without `to`, all from there on."""

    at_least_one: ClassVar[tuple[str, ...]] = ("from", "to")

    from_: Annotated[Number | UnsetType, Meta(description="The first number.")] = msgspec.field(
        default=UNSET, name="from"
    )
    to: Annotated[Number | UnsetType, Meta(description="The last number.")] = UNSET


Numbers = Number | Annotated[list[Number], Meta(min_length=1, max_length=1_000)] | NumberRange
