"""What rules would have made of recorded sessions, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ws76proxy.record import AdjustmentRecord, ChangeRecord, Peer
from ws76proxy.recording.model import RecordedSession

__all__ = ["Hunk", "Loss", "Trial"]


class Hunk(NamedTuple):
    """What would become of a head or a message; or what would be said in its `place`.

    `direction` is who said it, or in whose name it would be said, `number` a message's. `shown` is
    a message's text as records would show it. `records` are those that a relay with these rules
    would tell, `rules` names who did each.
    """

    what: Literal["request", "answer", "message", "injection"]
    direction: Peer
    number: int
    time: float
    shown: str = ""
    records: tuple[AdjustmentRecord | ChangeRecord, ...] = ()
    rules: tuple[str, ...] = ()
    place: str = ""


class Loss(NamedTuple):
    """What was recorded and would never have been said, since `rule` had ended the session.

    `what`: what it did, and when.
    """

    messages: int
    rule: str
    what: str


@dataclass(slots=True)
class Trial:
    """What rules would have made of a session.

    `heads` and `messages` count what was recorded, `heads_changed` and `messages_changed` those of
    them that would not have gone on as they came; `losses` are among `messages`. `acts`: how often
    each rule acted; `meant`: the rules whose conditions on session and request held. `notes` tell
    a person where the real thing might go another way.
    """

    session: RecordedSession
    hunks: list[Hunk] = field(default_factory=list)
    heads: int = 0
    messages: int = 0
    heads_changed: int = 0
    messages_changed: int = 0
    injected: int = 0
    losses: list[Loss] = field(default_factory=list)
    acts: dict[str, int] = field(default_factory=dict)
    meant: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The session in a few words, for a person."""
        return f"session {self.session.number} of {self.session.source}"

    @property
    def changes(self) -> bool:
        """Whether anything in it would have gone another way."""
        return bool(self.heads_changed or self.messages_changed or self.injected or self.losses)

    @property
    def lost(self) -> int:
        """How many messages would never have been said."""
        return sum(loss.messages for loss in self.losses)
