"""The conditions that a rule file can state: `when` of each kind of rule."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ws76proxy.rules.language.base import (
    AnyText,
    JsonPathText,
    Number,
    Numbers,
    PatternText,
    PeerName,
    Seconds,
    Table,
    TextPattern,
)

__all__ = [
    "HandshakeWhen",
    "JsonWhen",
    "MessageWhen",
    "RequestWhen",
    "ResponseWhen",
    "SizeRange",
    "StatusRange",
    "Until",
]

DialectName = Literal["hixie-76", "hixie-75", "rfc6455", "hybi-04..12"]
FieldTest = (
    bool
    | PatternText
    | TextPattern
    | Annotated[list[PatternText | TextPattern], Meta(min_length=1, max_length=1_000)]
)
FieldName = Annotated[str, Meta(min_length=1, max_length=200)]
Status = Annotated[int, Meta(ge=100, le=999)]
Size = Annotated[int, Meta(ge=0, le=2**53)]


class HandshakeWhen(Table, frozen=True, kw_only=True):
    """Conditions that the client's opening handshake decides."""

    dialect: Annotated[
        DialectName | Annotated[list[DialectName], Meta(min_length=1, max_length=10)] | UnsetType,
        Meta(description="What the client speaks."),
    ] = UNSET
    path: Annotated[
        AnyText | UnsetType,
        Meta(description="The resource that the client asks for, up to the first question mark."),
    ] = UNSET
    query: Annotated[
        AnyText | UnsetType,
        Meta(description="What follows the first question mark of the resource; else empty."),
    ] = UNSET
    host: Annotated[AnyText | UnsetType, Meta(description="The field Host.")] = UNSET
    origin: Annotated[AnyText | UnsetType, Meta(description="The field Origin.")] = UNSET
    subprotocol: Annotated[
        AnyText | UnsetType, Meta(description="The subprotocol that the client asks for.")
    ] = UNSET
    session: Annotated[
        Numbers | UnsetType,
        Meta(description="The number of the session, counted from 1: one, a list, or a range."),
    ] = UNSET
    probability: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | UnsetType,
        Meta(
            description="How often the rule applies where all else holds: 0 never, 1 always."
            " The same seed decides alike."
        ),
    ] = UNSET
    field: Annotated[
        dict[FieldName, FieldTest] | UnsetType,
        Meta(
            description="Fields by name: true for present, false for absent, or how the value"
            " must look."
        ),
    ] = UNSET


class RequestWhen(HandshakeWhen, frozen=True, kw_only=True):
    """When a rule for requests applies: all that is said here holds."""


class StatusRange(Table, frozen=True, kw_only=True):
    """Status codes from one to another, both included."""

    at_least_one: ClassVar[tuple[str, ...]] = ("from", "to")

    from_: Annotated[Status | UnsetType, Meta(description="The lowest status.")] = msgspec.field(
        default=UNSET, name="from"
    )
    to: Annotated[Status | UnsetType, Meta(description="The highest status.")] = UNSET


class ResponseWhen(HandshakeWhen, frozen=True, kw_only=True):
    """When a rule for answers applies: all that is said here holds. `field` is of the answer."""

    status: Annotated[
        Status
        | Annotated[list[Status], Meta(min_length=1, max_length=100)]
        | StatusRange
        | UnsetType,
        Meta(description="The status of the server's answer: one, a list, or a range."),
    ] = UNSET


class JsonWhen(Table, frozen=True, kw_only=True):
    """What must stand at a place of a message that is JSON. With several places, at one of them."""

    exactly_one: ClassVar[tuple[str, ...]] = (
        "equals",
        "not",
        "less",
        "at-most",
        "greater",
        "at-least",
        "matches",
        "exists",
    )

    path: Annotated[JsonPathText, Meta(description="Where: a JSONPath, such as $.price.")]
    equals: Annotated[Any, Meta(description="The value is this.")] = UNSET
    not_: Annotated[Any, Meta(description="There is a value, and it is another one.")] = (
        msgspec.field(default=UNSET, name="not")
    )
    less: Annotated[
        int | float | UnsetType, Meta(description="The value is a number below this.")
    ] = UNSET
    at_most: Annotated[
        int | float | UnsetType, Meta(description="The value is a number, this or below.")
    ] = UNSET
    greater: Annotated[
        int | float | UnsetType, Meta(description="The value is a number above this.")
    ] = UNSET
    at_least: Annotated[
        int | float | UnsetType, Meta(description="The value is a number, this or above.")
    ] = UNSET
    matches: Annotated[
        AnyText | UnsetType, Meta(description="The value is a text that looks so.")
    ] = UNSET
    exists: Annotated[
        bool | UnsetType, Meta(description="true: there is a value. false: there is none.")
    ] = UNSET


class SizeRange(Table, frozen=True, kw_only=True):
    """Sizes in bytes."""

    at_least_one: ClassVar[tuple[str, ...]] = ("at-least", "at-most")

    at_least: Annotated[Size | UnsetType, Meta(description="So many bytes, or more.")] = UNSET
    at_most: Annotated[Size | UnsetType, Meta(description="So many bytes, or fewer.")] = UNSET


# The conditions that a message decides: those of a rule, and those of the message waited for.
_From = Annotated[PeerName | UnsetType, Meta(description="Who said it.")]
_Text = Annotated[
    AnyText | UnsetType,
    Meta(description="The message's text; a plain string stands somewhere in it."),
]
_Json = Annotated[
    JsonWhen | Annotated[list[JsonWhen], Meta(min_length=1, max_length=100)] | UnsetType,
    Meta(description="What a message that is JSON says; of a list, all must hold."),
]
_Size = Annotated[Size | SizeRange | UnsetType, Meta(description="Bytes of the payload.")]
_Number = Annotated[
    Numbers | UnsetType,
    Meta(description="The n-th message of that peer, from 1: one, a list, or a range."),
]
_Every = Annotated[
    Number | UnsetType,
    Meta(description="Every n-th message of that peer: numbers n, 2n, 3n, …"),
]
_After = Annotated[
    Seconds | UnsetType, Meta(description="Seconds since the session opened, or later.")
]
_Before = Annotated[
    Seconds | UnsetType, Meta(description="Earlier than so many seconds after it opened.")
]
_Valid = Annotated[
    bool | UnsetType, Meta(description="true: the payload is UTF-8. false: it is not.")
]


class Until(Table, frozen=True, kw_only=True):
    """The message that another one is held for. At least one condition."""

    at_least_one: ClassVar[tuple[str, ...]] = (
        "from",
        "text",
        "json",
        "size",
        "number",
        "every",
        "after",
        "before",
        "valid",
    )

    from_: _From = msgspec.field(default=UNSET, name="from")
    text: _Text = UNSET
    json: _Json = UNSET
    size: _Size = UNSET
    number: _Number = UNSET
    every: _Every = UNSET
    after: _After = UNSET
    before: _Before = UNSET
    valid: _Valid = UNSET


class MessageWhen(HandshakeWhen, frozen=True, kw_only=True):
    """When a rule for messages applies: all that is said here holds. `field` is of the request."""

    from_: _From = msgspec.field(default=UNSET, name="from")
    text: _Text = UNSET
    json: _Json = UNSET
    size: _Size = UNSET
    number: _Number = UNSET
    every: _Every = UNSET
    after: _After = UNSET
    before: _Before = UNSET
    valid: _Valid = UNSET
