"""A message that rules work on, and what an action is made into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ws76proxy.patterns import Clock
from ws76proxy.rules.chance import Chance
from ws76proxy.rules.contents import Message, Needles
from ws76proxy.rules.decisions import Change, MessageDecision

__all__ = ["Deed", "Work"]


@dataclass(slots=True)
class Work:
    """A message, what rules have decided about it so far, and the rule whose turn it is.

    `clock`: what bounds the time that an action may take; None: nothing does. `hiding`: what makes
    payloads fit to be shown, in the order in which it is applied.
    """

    message: Message
    decision: MessageDecision
    rule: str
    chance: Chance
    clock: Clock | None = None
    hiding: list[Callable[[bytes], bytes]] = field(default_factory=list)

    def put(self, deed: str, content: bytes, detail: str = "") -> bool:
        """Give the message another payload; False where it is the same."""
        before = self.message.content
        if content == before:
            return False
        self.message.content = self.decision.content = content
        self.decision.changes.append(Change(self.rule, deed, before, content, detail))
        return True

    def tell(self, deed: str, detail: str = "") -> bool:
        """Note what does not change the payload; always True."""
        self.decision.changes.append(Change(self.rule, deed, detail=detail))
        return True


class Deed(NamedTuple):
    """An action, ready to be done: `act` says whether it did something.

    `needles`: expressions such that it does nothing to a message in which none of them matches;
    None: there is no telling. `hides`: it changes what is shown, and not what goes on.
    """

    act: Callable[[Work], bool]
    needles: Needles | None = None
    hides: bool = False
