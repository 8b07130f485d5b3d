"""What a peer says, held against what it said in the recording, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ws76proxy.record import Peer
from ws76proxy.replay.compare import Rules
from ws76proxy.replay.plan import Plan, Step

__all__ = ["Difference", "Expectation", "Kind"]

Kind = Literal["handshake", "different", "missing", "unexpected", "unsent"]
"""Of the opening handshake; said otherwise; not said; said besides; the recorded answer of our own
side could not be sent any more."""

_LOOK_AHEAD = 8
_ENDINGS = ("closing", "end")
_BEFORE = {"closing": "FF 00 came instead", "end": "the connection ended first"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that went another way than in the recording.

    `by`: who said it, or should have. `where`: the place in the recording, empty where that has
    none. `expected` is the recorded step, `got` the live one; `texts` are both messages as they
    were compared, after the rules. `detail` says what, where there are no steps to show, or why.
    """

    kind: Kind
    by: Peer
    where: str = ""
    expected: Step | None = None
    got: Step | None = None
    texts: tuple[str, str] | None = None
    detail: str = ""


class Expectation:
    """One peer's recorded steps, and how far the live peer has come with them.

    The i-th thing that comes is held against the i-th recorded one. After a difference the next
    few are looked at too: one message left out, or one too many, is one difference and not a row of
    them. Differences are added to `found`. Bytes that never became a whole frame are not compared.
    """

    def __init__(self, plan: Plan, who: Peer, rules: Rules, found: list[Difference]) -> None:
        self.steps = [step for step in plan.steps if step.who == who and step.what != "rest"]
        self.next = 0
        self._plan = plan
        self._closing = plan.closing
        self._who: Peer = who
        self._rules = rules
        self._found = found
        # Where in `found` it says that something else came for the step before the next.
        self._doubtful: int | None = None

    @property
    def is_met(self) -> bool:
        """Whether nothing more is expected."""
        return self.next >= len(self.steps)

    def take(self, got: Step) -> None:
        """The peer said this."""
        if got.what == "closing" and not self._closing:
            return
        if self.is_met:
            surplus = self._plan.complete and got.what != "end"
            if not self._resolve_doubt(got) and surplus:
                self._tell("unexpected", got=got)
            return
        if self._same(self.steps[self.next], got):
            self._move(self.next + 1)
        elif not self._resolve_doubt(got):
            self._take_another(got)

    def miss(self, count: int, why: str) -> None:
        """The next `count` steps will not come any more."""
        for step in self.steps[self.next : self.next + count]:
            self._tell("missing", step, detail=why)
        self._move(self.next + count)

    def _take_another(self, got: Step) -> None:
        """What came is not what comes next in the recording."""
        expected = self.steps[self.next]
        ahead = range(self.next + 1, min(self.next + _LOOK_AHEAD, len(self.steps)))
        place = next((one for one in ahead if self._same(self.steps[one], got)), None)
        if got.what in _ENDINGS:
            kinds = [step.what for step in self.steps[self.next :]]
            if got.what in kinds:
                self._skip_to(self.next + kinds.index(got.what), _BEFORE[got.what])
            elif got.what == "end":
                self.miss(len(self.steps) - self.next, _BEFORE["end"])
            else:
                self._tell("unexpected", got=got)
        elif place is not None:
            self._skip_to(place, "the next ones came")
        elif expected.what in _ENDINGS:
            self._tell("unexpected", got=got)
        else:
            self._tell("different", expected, got)
            self._move(self.next + 1)
            self._doubtful = len(self._found) - 1

    def _skip_to(self, place: int, why: str) -> None:
        self.miss(place - self.next, why)
        self._move(place + 1)

    def _resolve_doubt(self, got: Step) -> bool:
        """Whether this is what had been awaited when something else came: then that one was too
        many, and nothing else is wrong."""
        if self._doubtful is None or not self._same(self.steps[self.next - 1], got):
            return False
        was = self._found[self._doubtful]
        self._found[self._doubtful] = Difference("unexpected", self._who, was.where, got=was.got)
        self._doubtful = None
        return True

    def _same(self, expected: Step, got: Step) -> bool:
        if expected.what != got.what:
            return False
        if expected.what == "message":
            if expected.raw == got.raw:
                return True
            compared = self._rules.compared
            return compared(expected.text) == compared(got.text)
        if expected.what == "frame" and not self._rules.count_only:
            if expected.whole and got.whole:
                return expected.raw == got.raw
            common = min(len(expected.raw), len(got.raw))
            return expected.size == got.size and expected.raw[:common] == got.raw[:common]
        return True

    def _move(self, place: int) -> None:
        self.next = place
        self._doubtful = None

    def _tell(
        self, kind: Kind, expected: Step | None = None, got: Step | None = None, detail: str = ""
    ) -> None:
        texts = None
        if expected is not None and got is not None and expected.what == got.what == "message":
            texts = self._rules.compared(expected.text), self._rules.compared(got.text)
        place = expected
        if place is None and self.steps:
            place = self.steps[min(self.next, len(self.steps) - 1)]
        where = self._plan.where(place)
        self._found.append(Difference(kind, self._who, where, expected, got, texts, detail))
