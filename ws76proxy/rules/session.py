"""The rules in one session: what they decide about its heads and messages."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from ws76proxy.patterns import Clock, RegexIndex
from ws76proxy.rules.chance import Chance
from ws76proxy.rules.contents import Message
from ws76proxy.rules.decisions import MessageDecision, RequestDecision, ResponseDecision, Side
from ws76proxy.rules.facts import Facts
from ws76proxy.rules.heads import HeadWork
from ws76proxy.rules.model import MessageRule, RequestRule, ResponseRule, Rule
from ws76proxy.rules.work import Work
from ws76proxy.wire.head import RequestHead, ResponseHead
from ws76proxy.wire.utf8 import is_utf8

_Work = TypeVar("_Work", HeadWork[RequestDecision], HeadWork[ResponseDecision], Work)

__all__ = ["Placed", "SessionRules"]


class Placed(NamedTuple):
    """A rule for messages with its place in the order, and where the index has its needles.

    `groups`: in each, one of these expressions of the index must be found.
    """

    rule: MessageRule
    place: int
    groups: tuple[frozenset[int], ...]

    def may_be_among(self, hits: set[int]) -> bool:
        """Whether what the index has found leaves it possible that the rule acts."""
        return not any(group.isdisjoint(hits) for group in self.groups)


class SessionRules:
    """What the rules of a `RuleSet` decide in one session, and how often each has acted in it."""

    def __init__(
        self,
        facts: Facts,
        *,
        requests: tuple[RequestRule, ...],
        responses: tuple[ResponseRule, ...],
        messages: tuple[Placed, ...],
        index: RegexIndex | None,
        acts: dict[str, int],
        clock: Clock | None = None,
    ) -> None:
        """`acts`: how often each rule has acted in this session, by its name. `clock`: what bounds
        the time that an action may take."""
        self._facts = facts
        self._requests = requests
        self._responses = responses
        self._index = index
        self.acts = acts
        self._clock = clock
        self._placed: dict[Side, tuple[Placed, ...]] = {}
        self._untold: dict[Side, tuple[Placed, ...]] = {}
        self._choose(messages)

    def _choose(self, messages: tuple[Placed, ...]) -> None:
        """Keep the rules for messages that can still act, in order, for each side by itself."""
        sides: tuple[Side, Side] = ("client", "server")
        self._hides = any(deed.hides for one in messages for deed in one.rule.deeds)
        self._lasting = tuple([one for one in messages if not self._is_exhausted(one.rule)])
        for side in sides:
            placed = tuple([one for one in self._lasting if one.rule.test.side in (None, side)])
            self._placed[side] = placed
            # Those that the index cannot rule out.
            self._untold[side] = tuple([one for one in placed if not one.groups])

    @property
    def hides(self) -> bool:
        """Whether a rule may want something else to be shown of a message than what came."""
        return self._hides

    @property
    def touches_messages(self) -> bool:
        """Whether a rule for messages can still act in this session."""
        return any(self._placed.values())

    def request(self, head: RequestHead) -> RequestDecision | None:
        """What is to become of the request; None where no rule acts."""
        work = HeadWork(RequestDecision(head), "client", self._facts.dialect, "", self._chance(""))
        acted = False
        for rule in self._requests:
            facts = self._facts._replace(request=work.decision.head)
            if not (rule.is_of(facts) and self._may_act(rule, "client", 0)):
                continue
            acted |= self._do(rule, rule.deeds, work)
            if rule.stop or work.decision.answer is not None:
                break
        return work.decision if acted else None

    def response(self, head: ResponseHead) -> ResponseDecision | None:
        """What is to become of the answer; None where no rule acts."""
        work = HeadWork(ResponseDecision(head), "server", self._facts.dialect, "", self._chance(""))
        acted = False
        for rule in self._responses:
            head = work.decision.head
            if (
                (rule.statuses is None or rule.statuses.has(head.status or 0))
                and all(test(head) for test in rule.fields)
                and self._may_act(rule, "server", 0)
            ):
                acted |= self._do(rule, rule.deeds, work)
                if rule.stop:
                    break
        return work.decision if acted else None

    def message(
        self, side: Side, content: bytes, number: int, age: float
    ) -> MessageDecision | None:
        """What is to become of a message; None where no rule acts.

        `side` has said it, `number` counts its messages from 1, `age` is the seconds since the
        session opened.
        """
        if not self._placed[side]:
            return None
        message = Message(side, content, number, age)
        work: Work | None = None
        acted = False
        for rule in self._candidates(message):
            if not (rule.test.holds(message) and self._may_act(rule, side, number)):
                continue
            if work is None:
                work = Work(message, MessageDecision(content), "", self._chance(""), self._clock)
            acted |= self._do(rule, [deed.act for deed in rule.deeds], work)
            if rule.stop or not work.decision.copies:
                break
        if work is None or not acted:
            return None
        if work.hiding:
            _hide(work, content)
        return work.decision

    def may_match(self, side: Side, frames: bytes, first: int, count: int, age: float) -> bool:
        """Whether `message` may decide anything about one of these messages.

        `frames`: whole text frames of that side, 00 … FF each, `count` of them; `first` is the
        number of the first. False is sure; True is not.
        """
        placed = self._placed[side]
        if not placed:
            return False
        hits: set[int] = set()
        if self._index is not None:
            hits = self._index.hits(frames, lambda: frames[1:-1].replace(b"\xff\x00", b"\n"))
        if not hits:
            placed = self._untold[side]
        last, total = first + count - 1, len(frames) - 2 * count
        return any(
            one.may_be_among(hits)
            and one.rule.test.may_hold(side, first, last, age)
            and one.rule.test.may_hold_by_size(total, count)
            and (one.rule.test.valid is not False or not is_utf8(frames.replace(b"\xff", b"")))
            for one in placed
        )

    def _candidates(self, message: Message) -> Iterator[MessageRule]:
        """The rules that may act on a message, in order; each sees what those before it made."""
        side, place = message.side, -1
        while True:
            content = message.content
            hits: set[int] = set()
            if self._index is not None:
                hits = self._index.hits(content, lambda: content)  # noqa: B023 - at once
            placed = self._placed[side] if hits else self._untold[side]
            for one in placed[bisect_right(placed, place, key=_place) :]:
                if one.may_be_among(hits):
                    place = one.place
                    yield one.rule
                    if message.content is not content:
                        break
            else:
                return

    def _do(self, rule: Rule, deeds: Iterable[Callable[[_Work], bool]], work: _Work) -> bool:
        """Do what a rule does; return whether that was anything."""
        work.rule, work.chance = rule.name, self._chance(rule.name, rule.seed)
        acted = False
        for deed in deeds:
            acted |= deed(work)
            if _is_over(work.decision):
                break
        if acted:
            self.acts[rule.name] = self.acts.get(rule.name, 0) + 1
            if isinstance(rule, MessageRule) and self._is_exhausted(rule):
                self._choose(self._lasting)
        return acted

    def _may_act(self, rule: Rule, side: Side, number: int) -> bool:
        """Whether its limit and chance allow it."""
        if self._is_exhausted(rule):
            return False
        if rule.probability is None:
            return True
        chance = self._chance(rule.name, rule.seed)
        return chance.fraction(side, number, "probability") < rule.probability

    def _is_exhausted(self, rule: Rule) -> bool:
        return rule.limit is not None and self.acts.get(rule.name, 0) >= rule.limit

    def _chance(self, rule: str, seed: int = 0) -> Chance:
        return Chance(seed, rule, self._facts.number)


def _place(one: Placed) -> int:
    return one.place


def _is_over(decision: RequestDecision | ResponseDecision | MessageDecision) -> bool:
    """Whether nothing more can be done: there is no message, or no request, any more."""
    if isinstance(decision, MessageDecision):
        return not decision.copies
    return isinstance(decision, RequestDecision) and decision.answer is not None


def _hide(work: Work, content: bytes) -> None:
    """Let nothing that is shown have what is hidden in it."""

    def shown(payload: bytes) -> bytes:
        for hide in work.hiding:
            payload = hide(payload)
        return payload

    decision = work.decision
    decision.shown = shown(content)
    decision.changes = [
        change._replace(
            before=None if change.before is None else shown(change.before),
            after=None if change.after is None else shown(change.after),
        )
        for change in decision.changes
    ]
