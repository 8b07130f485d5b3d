"""The actions of rules for messages: tables told apart by their key `action`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ws76proxy.rules.language.actions import Action, Close, Delay, Mark
from ws76proxy.rules.language.base import (
    HexText,
    JsonPathText,
    JsonText,
    LongText,
    PatternText,
    PeerName,
    Seconds,
)
from ws76proxy.rules.language.conditions import Until

__all__ = [
    "Corrupt",
    "Drop",
    "Duplicate",
    "Hide",
    "Hold",
    "Inject",
    "JsonRemove",
    "JsonSet",
    "MessageAction",
    "Pause",
    "Replace",
    "SetText",
    "StopReading",
    "Swap",
    "Throttle",
    "Truncate",
]

Count = Annotated[int, Meta(ge=0, le=2**53)]


class Replace(Action, frozen=True, kw_only=True, tag="replace"):
    """Put other text in the place of what is found. Exactly one of `text` and `regex`."""

    exactly_one: ClassVar[tuple[str, ...]] = ("text", "regex")

    text: Annotated[
        Annotated[str, Meta(min_length=1, max_length=10_000)] | UnsetType,
        Meta(description="What is replaced, as it stands."),
    ] = UNSET
    regex: Annotated[
        PatternText | UnsetType,
        Meta(description="What is replaced: a regular expression of RE2."),
    ] = UNSET
    with_: Annotated[
        LongText,
        Meta(
            description="What is put there. With regex, \\1 and \\g<name> stand for groups, \\0"
            " for all that was found, \\n for a line end, \\\\ for one backslash."
        ),
    ] = msgspec.field(name="with")
    count: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType,
        Meta(description="How many of them, from the left; else all."),
    ] = UNSET
    ignore_case: Annotated[bool, Meta(description="Capitals and small letters are the same.")] = (
        False
    )


class SetText(Action, frozen=True, kw_only=True, tag="set-text"):
    """Send this text in the message's place."""

    text: Annotated[LongText, Meta(description="The text.")]


class JsonSet(Action, frozen=True, kw_only=True, tag="json-set"):
    """Give the values at a place of the message another value. All other bytes stay."""

    exactly_one: ClassVar[tuple[str, ...]] = ("value", "json")

    path: Annotated[JsonPathText, Meta(description="Where: a JSONPath, such as $.price.")]
    value: Annotated[Any, Meta(description="The value.")] = UNSET
    json: Annotated[
        JsonText | UnsetType,
        Meta(description="The value as JSON text: for null, or where the spelling matters."),
    ] = UNSET


class JsonRemove(Action, frozen=True, kw_only=True, tag="json-remove"):
    """Take the values at a place of the message away. All other bytes stay."""

    path: Annotated[JsonPathText, Meta(description="Where: a JSONPath, such as $.price.")]


class Drop(Action, frozen=True, kw_only=True, tag="drop"):
    """Do not send the message. No later action or rule sees it."""


class Duplicate(Action, frozen=True, kw_only=True, tag="duplicate"):
    """Send the message again, right behind itself."""

    times: Annotated[
        Annotated[int, Meta(ge=1, le=100)], Meta(description="How many times more.")
    ] = 1


class Swap(Action, frozen=True, kw_only=True, tag="swap"):
    """Send the message behind the next one of the same peer."""


class Hold(Action, frozen=True, kw_only=True, tag="hold"):
    """Keep the message until another one comes."""

    until: Annotated[Until, Meta(description="The message that ends the wait.")]
    at_most: Annotated[Seconds, Meta(description="How many seconds to wait at most.")] = 30.0


class Truncate(Action, frozen=True, kw_only=True, tag="truncate"):
    """Keep only the beginning of the message. Exactly one of `characters` and `bytes`."""

    exactly_one: ClassVar[tuple[str, ...]] = ("characters", "bytes")

    characters: Annotated[Count | UnsetType, Meta(description="How many characters are kept.")] = (
        UNSET
    )
    bytes: Annotated[
        Count | UnsetType,
        Meta(description="How many bytes are kept; this may cut a character in two."),
    ] = UNSET


class Corrupt(Action, frozen=True, kw_only=True, tag="corrupt"):
    """Give some bytes of the message other values, never FF. The seed says which."""

    bytes: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)], Meta(description="How many bytes.")
    ] = 1


class Inject(Action, frozen=True, kw_only=True, tag="inject"):
    """Say something of your own. Exactly one of `text`, `file` and `hex`."""

    exactly_one: ClassVar[tuple[str, ...]] = ("text", "file", "hex")

    to: Annotated[PeerName, Meta(description="To whom.")]
    text: Annotated[LongText | UnsetType, Meta(description="A text message.")] = UNSET
    file: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4_096)] | UnsetType,
        Meta(
            description="A file, seen from the rule file's folder, whose content is sent as one"
            " text message."
        ),
    ] = UNSET
    hex: Annotated[
        HexText | UnsetType,
        Meta(description="Bytes for the wire as they are, framing included, in hexadecimal."),
    ] = UNSET
    place: Annotated[
        Literal["before", "after"],
        Meta(description="Before or after the message that the rule applies to."),
    ] = "after"


class StopReading(Action, frozen=True, kw_only=True, tag="stop-reading"):
    """Read nothing more from a peer, so that it notices that nobody takes what it sends."""

    from_: Annotated[PeerName, Meta(description="From whom.")] = msgspec.field(name="from")
    seconds: Annotated[
        Seconds | UnsetType, Meta(description="For how many seconds; else for good.")
    ] = UNSET


class Throttle(Action, frozen=True, kw_only=True, tag="throttle"):
    """Send in this direction at most so fast from now on. The last throttle counts."""

    bytes_per_second: Annotated[
        Annotated[float, Meta(ge=0, le=1e12)], Meta(description="How fast; 0: no limit any more.")
    ]


class Hide(Action, frozen=True, kw_only=True, tag="hide"):
    """Show something else in the records. What is sent does not change."""

    regex: Annotated[
        PatternText | UnsetType,
        Meta(description="What is hidden: a regular expression of RE2; else the whole text."),
    ] = UNSET
    with_: Annotated[
        Annotated[str, Meta(max_length=1_000)], Meta(description="What is shown in its place.")
    ] = msgspec.field(default="(hidden)", name="with")


class Pause(Action, frozen=True, kw_only=True, tag="pause"):
    """A breakpoint: the message waits until somebody decides about it."""


MessageAction = (
    Replace
    | SetText
    | JsonSet
    | JsonRemove
    | Drop
    | Duplicate
    | Delay
    | Swap
    | Hold
    | Truncate
    | Corrupt
    | Inject
    | Close
    | StopReading
    | Throttle
    | Mark
    | Hide
    | Pause
)
