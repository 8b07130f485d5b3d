"""Rules that have been read, and what they are in a session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ws76proxy.patterns import Clock, RegexIndex
from ws76proxy.rules.errors import RuleError
from ws76proxy.rules.facts import Facts
from ws76proxy.rules.model import MessageRule, RequestRule, ResponseRule
from ws76proxy.rules.session import Placed, SessionRules
from ws76proxy.wire.head import RequestHead

__all__ = ["Counts", "RuleSet"]


class Counts(NamedTuple):
    """How many rules there are of each kind, and how many of them are not enabled."""

    request: int
    response: int
    message: int
    disabled: int = 0


class RuleSet:
    """The rules of a file, or of several, in order. It never changes; sessions share it."""

    def __init__(
        self,
        requests: Sequence[RequestRule] = (),
        responses: Sequence[ResponseRule] = (),
        messages: Sequence[MessageRule] = (),
        counts: Counts | None = None,
    ) -> None:
        """`counts`: of what the file has; else of what is given."""
        self.requests = tuple(requests)
        self.responses = tuple(responses)
        self.messages = tuple(messages)
        self.counts = counts or Counts(len(requests), len(responses), len(messages))
        numbers: dict[str, int] = {}
        placed = []
        for place, rule in enumerate(messages):
            groups = [
                frozenset([numbers.setdefault(one, len(numbers)) for one in group])
                for group in rule.needles
            ]
            placed.append(Placed(rule, place, tuple(groups)))
        self._placed = tuple(placed)
        self._index = RegexIndex([*numbers]) if numbers else None

    def for_session(
        self,
        number: int,
        dialect: str,
        request: RequestHead,
        earlier: SessionRules | None = None,
        clock: Clock | None = None,
    ) -> SessionRules:
        """The rules in the session of this number (from 1), whose client speaks `dialect`.

        `request`: the client's own head, as it came. `earlier`: what was there for the same session
        before the rules were read anew; rules of the same name go on counting.
        `clock`, in seconds, bounds the time that an action may take.
        """
        facts = Facts(number, dialect, request)
        return SessionRules(
            facts,
            requests=tuple([one for one in self.requests if one.is_of_session(facts)]),
            responses=tuple([one for one in self.responses if one.is_of(facts)]),
            messages=tuple([one for one in self._placed if one.rule.is_of(facts)]),
            index=self._index,
            acts={} if earlier is None else dict(earlier.acts),
            clock=clock,
        )

    @classmethod
    def merged(cls, sets: Iterable[RuleSet]) -> RuleSet:
        """The rules of several files as if they stood in one, in this order.

        Raises RuleError where two of them have a rule of the same name.
        """
        sets = [*sets]
        if len(sets) == 1:
            return sets[0]
        sources: dict[str, str] = {}
        for one in sets:
            for rule in (*one.requests, *one.responses, *one.messages):
                if rule.name in sources:
                    raise RuleError(
                        f"{rule.source}: expected names that no other rule has, found the rule"
                        f" {rule.name!r}, which {sources[rule.name]} has too"
                    )
                sources[rule.name] = rule.source
        counts = [one.counts for one in sets]
        return cls(
            [rule for one in sets for rule in one.requests],
            [rule for one in sets for rule in one.responses],
            [rule for one in sets for rule in one.messages],
            Counts(*[sum(column) for column in zip(*counts, strict=True)]) if counts else None,
        )
