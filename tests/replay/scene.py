"""A player on a stage without a network: what it does, in words, by a clock of our own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ws76proxy.record import Peer
from ws76proxy.recording import RecordedSession
from ws76proxy.replay import Command, Difference, Done, Player, Send, SendEof, WaitUntil, plan_of
from ws76proxy.wire import ClosingHandshake, EndOfStream, FrameDecoder
from ws76proxy.wire.events import Event

__all__ = ["Scene", "in_words"]


class Scene:
    """Plays one side; the test is the other. `did` says what came of the deeds since last asked."""

    def __init__(self, session: RecordedSession, role: Peer = "client", **options: Any) -> None:
        self.player = Player(plan_of(session), role, **options)
        self.now = 100.0
        self.deadline: float | None = None
        self._decoder = FrameDecoder()
        self._done: list[str] = []
        self._run(self.player.opened(self.now))

    def hears(self, *texts: str) -> None:
        """The peer says these messages, in one piece."""
        data = b"".join(b"\0" + text.encode() + b"\xff" for text in texts)
        self.receives(*self._decoder.feed(data))

    def hears_close(self) -> None:
        """The peer sends FF 00."""
        self.receives(ClosingHandshake(0))

    def hears_end(self) -> None:
        """The peer ends its stream."""
        self.receives(EndOfStream(0))

    def receives(self, *events: Event) -> None:
        """The peer's bytes were these."""
        self._run(self.player.receive(events, self.now))

    def waits(self, seconds: float) -> None:
        """That much time passes; the player is woken when it wants to be."""
        until = self.now + seconds
        while self.deadline is not None and self.deadline <= until and not self.player.done:
            self.now = self.deadline
            self._run(self.player.wake(self.now))
        self.now = until

    def loses(self) -> None:
        """The connection is gone."""
        self._run(self.player.lost())

    def stalls(self) -> None:
        """The peer does not read any more."""
        self.player.pause()

    def reads_on(self) -> None:
        """The peer reads again."""
        self._run(self.player.resume(self.now))

    def did(self, *deeds: str) -> None:
        """Exactly this was done."""
        done, self._done = self._done, []
        assert done == list(deeds)

    @property
    def found(self) -> list[str]:
        """The differences, in words."""
        return [in_words(one) for one in self.player.differences]

    def _run(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case Send(data):
                    self._done.append(data[1:-1].decode() if data[0] == 0 else data.hex())
                case SendEof():
                    self._done.append("end")
                case WaitUntil(deadline):
                    self.deadline = deadline
                case Done():
                    self._done.append("done")


def in_words(difference: Difference) -> str:
    """A difference as a line: what kind, by whom, what of the recording, what instead."""
    steps = [step for step in (difference.expected, difference.got) if step is not None]
    said = [step.text if step.what == "message" else step.what for step in steps]
    return " ".join([difference.kind, difference.by, *said])
