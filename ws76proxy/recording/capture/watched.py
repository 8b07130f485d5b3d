"""One captured connection as a session: the relay's own machine, that only looks on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from errno import ECONNRESET
from typing import Literal

from ws76proxy.endpoint import Endpoint, in_text
from ws76proxy.record import AnyRecord, Messages, NoticeRecord
from ws76proxy.recording.rfc6455 import Rfc6455Reader
from ws76proxy.session import (
    Command,
    Connect,
    PauseReading,
    Peer,
    ResumeReading,
    Session,
    SessionOptions,
    Tell,
)

__all__ = ["Watched", "wall_clock"]

_SECOND = 10**9
_LATEST = 253_402_300_799 * _SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a relay would not read while it waits for the other side: here it has been sent already.
_MAX_EARLY = 1 << 20


class Watched:
    """Takes what both peers sent and tells it as records, which the relay would have told.

    Times are in nanoseconds since 1970, as captured; where they run backwards, the session's clock
    stands still.
    """

    def __init__(self, number: int, began: int, client: tuple[str, int], server: Endpoint) -> None:
        self._time = began
        # Nobody is between the two: no address needs to be translated, and none is.
        options = SessionOptions(upstream=server, listener=server, host="keep", lossless=True)
        self._session = Session(
            number,
            options,
            client=in_text(*client),
            started=wall_clock(began),
            clock=lambda: (self._time - began) / _SECOND,
            random_below=_no_entropy,
        )
        self._rfc6455 = Rfc6455Reader(options.max_message)
        self._paused: dict[Peer, int] = {}

    @property
    def ended(self) -> bool:
        """Whether everything has been told."""
        return self._session.ended

    def start(self) -> Iterator[AnyRecord]:
        """The client has connected."""
        return self._run(self._session.start())

    def receive(self, peer: Peer, data: bytes, time: int) -> Iterator[AnyRecord]:
        """A peer has sent these bytes, in one segment."""
        if time > self._time:
            self._time = time
        conversation = self._session.conversation
        if conversation is not None:
            told = conversation.look(peer, data)
            return told.records() if isinstance(told, Messages) else self._run(told)
        return self._receive(peer, data)

    def end_of_stream(self, peer: Peer, time: int) -> Iterator[AnyRecord]:
        """A peer has sent FIN."""
        self._time = max(self._time, time)
        return self._run(self._session.receive_eof(peer))

    def reset(self, peer: Peer, time: int) -> Iterator[AnyRecord]:
        """A peer has sent RST."""
        self._time = max(self._time, time)
        return self._run(self._session.connection_lost(peer, os.strerror(ECONNRESET)))

    def break_off(
        self, level: Literal["info", "warning", "error"], text: str, time: int
    ) -> Iterator[AnyRecord]:
        """Nothing more can be told of this connection: say why, and sum up."""
        self._time = max(self._time, time)
        if not self.ended:
            yield NoticeRecord(
                session=self._session.number, time=self._session.now(), level=level, text=text
            )
            yield from self._run(self._session.end())

    def notice(self, text: str) -> NoticeRecord:
        """Something that a reader of this session has to know."""
        number, now = self._session.number, self._session.now()
        return NoticeRecord(session=number, time=now, level="info", text=text)

    def _receive(self, peer: Peer, data: bytes) -> Iterator[AnyRecord]:
        if peer in self._paused:
            self._paused[peer] += len(data)
            if self._paused[peer] > _MAX_EARLY:
                text = f"the {peer.label} sent {self._paused[peer]:,} bytes before the handshake"
                yield from self.break_off("error", f"{text} was done", self._time)
                return
        yield from self._run(self._session.receive_data(peer, data))

    def _run(self, commands: Iterable[Command]) -> Iterator[AnyRecord]:
        """Whatever is to be sent has been sent already; what is told is passed on."""
        connect = False
        for command in commands:
            if isinstance(command, Tell):
                record = command.record
                if isinstance(record, Messages):
                    yield from record.records()
                else:
                    yield from self._rfc6455.read(record)
            elif isinstance(command, Connect):
                connect = True
            elif isinstance(command, PauseReading):
                self._paused[command.peer] = 0
            elif isinstance(command, ResumeReading):
                self._paused.pop(command.peer, None)
        if connect:
            yield from self._run(self._session.connected())


def wall_clock(time: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 in UTC."""
    moment = _EPOCH + timedelta(microseconds=min(max(time, 0), _LATEST) // 1000)
    return moment.isoformat(timespec="microseconds")


def _no_entropy(bound: int) -> int:
    raise AssertionError(bound)  # asked only for a challenge of our own
