"""A listener that keeps what a relay tells, and lets a test wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ws76proxy.record import (
    AnyRecord,
    ClosingRecord,
    FindingRecord,
    MessageRecord,
    Messages,
    Record,
    SessionEndRecord,
)

RecordType = TypeVar("RecordType", bound=Record)


class Recorder:
    """Keeps records; `is_full` may be set by a test, and `drained` called."""

    wants_messages = True

    def __init__(self) -> None:
        self.records: list[AnyRecord] = []
        self.is_full = False
        self.is_stopped = False
        self.breaks_on: type[Record] | type[Messages] | None = None
        self.drained: Callable[[], None]
        self._changed = asyncio.Event()

    def start(self, drained: Callable[[], None]) -> None:
        self.drained = drained

    def tell(self, record: AnyRecord | Messages) -> None:
        assert not self.is_stopped
        if self.breaks_on is not None and isinstance(record, self.breaks_on):
            raise RuntimeError("the test broke the listener")
        if isinstance(record, Messages):
            self.records += record.records()
        else:
            self.records.append(record)
        self._changed.set()

    def settle(self) -> None:
        """Nothing is kept back."""

    def complaints(self) -> list[AnyRecord]:
        """None."""
        return []

    def stop(self) -> None:
        self.is_stopped = True

    def all(self, kind: type[RecordType], session: int = 0) -> list[RecordType]:
        """The records of a kind so far; `session` 0 is all of them."""
        return [
            record
            for record in self.records
            if isinstance(record, kind) and session in (0, record.session)
        ]

    async def until(self, kind: type[RecordType], session: int = 0, count: int = 1) -> RecordType:
        """Wait for so many records of a kind; the last of them."""
        while len(found := self.all(kind, session)) < count:
            self._changed.clear()
            await self._changed.wait()
        return found[count - 1]

    async def ended(self, session: int = 1) -> SessionEndRecord:
        """Wait for a session's end, which must be its last word."""
        end = await self.until(SessionEndRecord, session)
        assert self.all(Record, session)[-1] is end
        return end

    def finding(self, code: str) -> FindingRecord:
        """The one finding of that code."""
        (found,) = (finding for finding in self.all(FindingRecord) if finding.code == code)
        return found

    def texts(self, direction: str, session: int = 0) -> list[str]:
        """The messages of one side."""
        messages = self.all(MessageRecord, session)
        return [message.text for message in messages if message.direction == direction]

    def closings(self, session: int = 0) -> list[tuple[str, str]]:
        """How it ended, step by step: by whom, how."""
        return [(closing.by, closing.how) for closing in self.all(ClosingRecord, session)]
