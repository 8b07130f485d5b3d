"""The actions of rules for heads, and those that all rules have: tables told apart by `action`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ws76proxy.rules.language.base import LongText, Seconds, SecondsOrRange, Table
from ws76proxy.rules.language.conditions import FieldName, Status

__all__ = [
    "Action",
    "Answer",
    "Close",
    "CorruptDigest",
    "CutKey3",
    "Delay",
    "Mark",
    "RemoveField",
    "RenameField",
    "RequestAction",
    "ResponseAction",
    "SetField",
    "SetInRequest",
    "SetInResponse",
    "Split",
]

FieldValue = Annotated[str, Meta(max_length=32_768)]
Offset = Annotated[int, Meta(ge=1, le=1_048_576)]


class Action(Table, frozen=True, kw_only=True, tag_field="action"):
    """Something that a rule does."""


class Delay(Action, frozen=True, kw_only=True, tag="delay"):
    """Send it later. Several delays add up."""

    seconds: Annotated[
        SecondsOrRange,
        Meta(description="How many seconds, or [from, to]: some time between, as the seed says."),
    ]


class Close(Action, frozen=True, kw_only=True, tag="close"):
    """End the connection once this has been sent."""

    how: Annotated[
        Literal["closing-handshake", "fin", "reset"],
        Meta(description="The bytes FF 00, or the end of the stream, or a TCP reset."),
    ]
    to: Annotated[Literal["client", "server", "both"], Meta(description="On whose connection.")] = (
        "both"
    )


class Mark(Action, frozen=True, kw_only=True, tag="mark"):
    """Put a note into the records; what is sent does not change."""

    text: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1_000)], Meta(description="The note.")
    ]


class SetField(Action, frozen=True, kw_only=True, tag="set-field"):
    """Give a field this value; add it where there is none."""

    name: Annotated[FieldName, Meta(description="The field's name.")]
    value: Annotated[FieldValue, Meta(description="Its value.")]


class RemoveField(Action, frozen=True, kw_only=True, tag="remove-field"):
    """Take every field of this name away."""

    name: Annotated[FieldName, Meta(description="The field's name.")]


class RenameField(Action, frozen=True, kw_only=True, tag="rename-field"):
    """Give every field of this name another name."""

    name: Annotated[FieldName, Meta(description="The field's name.")]
    to: Annotated[FieldName, Meta(description="The other name.")]


class Split(Action, frozen=True, kw_only=True, tag="split"):
    """Send the head, and the bytes that belong to it, in pieces."""

    at: Annotated[
        Annotated[list[Offset], Meta(min_length=1, max_length=100)],
        Meta(description="Where to cut: offsets from the head's first byte, ascending."),
    ]
    pause: Annotated[Seconds, Meta(description="Seconds between the pieces.")] = 0.1


class SetInRequest(Action, frozen=True, kw_only=True, tag="set"):
    """Change what the request asks for."""

    at_least_one: ClassVar[tuple[str, ...]] = ("path", "query", "origin", "host", "subprotocol")

    path: Annotated[
        FieldValue | UnsetType, Meta(description="The path; the query stays as it is.")
    ] = UNSET
    query: Annotated[
        FieldValue | UnsetType,
        Meta(description="The query, without its question mark; empty: none."),
    ] = UNSET
    origin: Annotated[FieldValue | UnsetType, Meta(description="The field Origin.")] = UNSET
    host: Annotated[FieldValue | UnsetType, Meta(description="The field Host.")] = UNSET
    subprotocol: Annotated[
        FieldValue | UnsetType,
        Meta(description="Sec-WebSocket-Protocol, or WebSocket-Protocol in hixie-75."),
    ] = UNSET


class Answer(Action, frozen=True, kw_only=True, tag="answer"):
    """Answer in the server's place; the request goes no further."""

    status: Annotated[Status, Meta(description="The status, such as 403.")]
    reason: Annotated[
        FieldValue | UnsetType, Meta(description="The text behind it; else the usual one.")
    ] = UNSET
    fields: Annotated[
        dict[FieldName, FieldValue], Meta(description="Fields of the answer, by name.")
    ] = msgspec.field(default_factory=dict)
    body: Annotated[LongText, Meta(description="What follows the head.")] = ""


class CutKey3(Action, frozen=True, kw_only=True, tag="cut-key3"):
    """Send only the first bytes of key3 to the server."""

    bytes: Annotated[
        Annotated[int, Meta(ge=0, le=7)], Meta(description="How many of the 8 bytes are sent.")
    ]


class SetInResponse(Action, frozen=True, kw_only=True, tag="set"):
    """Change what the answer says."""

    at_least_one: ClassVar[tuple[str, ...]] = ("location", "origin", "subprotocol", "status-line")

    location: Annotated[
        FieldValue | UnsetType,
        Meta(description="Sec-WebSocket-Location, or WebSocket-Location in hixie-75."),
    ] = UNSET
    origin: Annotated[
        FieldValue | UnsetType,
        Meta(description="Sec-WebSocket-Origin, or WebSocket-Origin in hixie-75."),
    ] = UNSET
    subprotocol: Annotated[
        FieldValue | UnsetType,
        Meta(description="Sec-WebSocket-Protocol, or WebSocket-Protocol in hixie-75."),
    ] = UNSET
    status_line: Annotated[
        FieldValue | UnsetType, Meta(description="The whole first line of the answer.")
    ] = UNSET


class CorruptDigest(Action, frozen=True, kw_only=True, tag="corrupt-digest"):
    """Answer the challenge as a server with a known bug does."""

    bug: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)],
        Meta(description="The finding's code, or two of them joined with +."),
    ]


RequestAction = (
    SetInRequest
    | SetField
    | RemoveField
    | RenameField
    | Answer
    | CutKey3
    | Delay
    | Split
    | Close
    | Mark
)
ResponseAction = (
    SetInResponse
    | SetField
    | RemoveField
    | RenameField
    | CorruptDigest
    | Delay
    | Split
    | Close
    | Mark
)
