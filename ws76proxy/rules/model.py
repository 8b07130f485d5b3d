"""Rules that have been read, as they are for every session."""

from __future__ import annotations

from dataclasses import dataclass

from ws76proxy.rules.contents import MessageTest, Needles
from ws76proxy.rules.facts import Facts, HeadTest, NumberSet, SessionTest
from ws76proxy.rules.heads import RequestDeed, ResponseDeed
from ws76proxy.rules.work import Deed

__all__ = ["MessageRule", "RequestRule", "ResponseRule", "Rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has. `source`: what its file is called. `probability` None: always.

    `of_session` and `of_request` are conditions on the session and on the request.
    """

    name: str
    source: str
    seed: int
    stop: bool
    limit: int | None
    probability: float | None
    of_session: tuple[SessionTest, ...]
    of_request: tuple[HeadTest, ...]

    def is_of(self, facts: Facts) -> bool:
        """Whether the conditions on session and request hold."""
        return self.is_of_session(facts) and all(test(facts.request) for test in self.of_request)

    def is_of_session(self, facts: Facts) -> bool:
        """Whether the conditions on the session hold."""
        return all(test(facts) for test in self.of_session)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRule(Rule):
    """A rule for requests."""

    deeds: tuple[RequestDeed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRule(Rule):
    """A rule for answers. `fields`: conditions on the answer's fields."""

    statuses: NumberSet | None
    fields: tuple[HeadTest, ...]
    deeds: tuple[ResponseDeed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRule(Rule):
    """A rule for messages.

    `needles`: groups of expressions; the rule does nothing to a message in which no expression of
    some group matches.
    """

    test: MessageTest
    deeds: tuple[Deed, ...]
    needles: tuple[Needles, ...]
