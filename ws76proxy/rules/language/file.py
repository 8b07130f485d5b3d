"""The rule file as a whole: three kinds of rule and the seed."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ws76proxy.rules.language.actions import RequestAction, ResponseAction
from ws76proxy.rules.language.base import Table
from ws76proxy.rules.language.conditions import MessageWhen, RequestWhen, ResponseWhen
from ws76proxy.rules.language.message_actions import MessageAction

__all__ = ["AnyRule", "MessageRule", "RequestRule", "ResponseRule", "RuleFile"]

MAX_ACTIONS = 100


class Rule(Table, frozen=True, kw_only=True):
    """What every rule has."""

    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)],
        Meta(description="What records call the rule. No other rule has this name."),
    ]
    stop: Annotated[
        bool, Meta(description="No later rule of this kind sees what this one applies to.")
    ] = False
    limit: Annotated[
        Annotated[int, Meta(ge=1, le=2**53)] | UnsetType,
        Meta(description="How often the rule acts in one session, at most."),
    ] = UNSET
    enabled: Annotated[bool, Meta(description="false: the rule is only checked.")] = True


class RequestRule(Rule, frozen=True, kw_only=True):
    """A rule for the client's opening handshake on its way to the server."""

    when: Annotated[RequestWhen, Meta(description="When the rule applies; else always.")] = (
        RequestWhen()
    )
    do: Annotated[
        Annotated[list[RequestAction], Meta(min_length=1, max_length=MAX_ACTIONS)],
        Meta(description="What it does, in this order."),
    ]


class ResponseRule(Rule, frozen=True, kw_only=True):
    """A rule for the server's answer on its way to the client."""

    when: Annotated[ResponseWhen, Meta(description="When the rule applies; else always.")] = (
        ResponseWhen()
    )
    do: Annotated[
        Annotated[list[ResponseAction], Meta(min_length=1, max_length=MAX_ACTIONS)],
        Meta(description="What it does, in this order."),
    ]


class MessageRule(Rule, frozen=True, kw_only=True):
    """A rule for messages of both sides."""

    when: Annotated[MessageWhen, Meta(description="When the rule applies; else always.")] = (
        MessageWhen()
    )
    do: Annotated[
        Annotated[list[MessageAction], Meta(min_length=1, max_length=MAX_ACTIONS)],
        Meta(description="What it does, in this order."),
    ]


AnyRule = RequestRule | ResponseRule | MessageRule


class RuleFile(Table, frozen=True, kw_only=True):
    """Rules that rewrite what passes through ws76proxy."""

    seed: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)],
        Meta(description="The same seed gives the same faults."),
    ] = 0
    request: Annotated[
        list[RequestRule], Meta(description="Rules for the client's opening handshake.")
    ] = msgspec.field(default_factory=list)
    response: Annotated[list[ResponseRule], Meta(description="Rules for the server's answer.")] = (
        msgspec.field(default_factory=list)
    )
    message: Annotated[list[MessageRule], Meta(description="Rules for messages.")] = msgspec.field(
        default_factory=list
    )
