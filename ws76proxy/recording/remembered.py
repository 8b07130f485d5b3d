"""What the recorder remembers of a session: whether it is worth a file, and whether it is cut."""

from __future__ import annotations

from datetime import UTC, datetime

from ws76proxy.diagnosis import found
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ClosingRecord,
    FindingRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    Messages,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
    finding_record,
)

__all__ = ["Remembered", "lines_of"]

_MOST_PAGES = 16
# What is no reason for a file; and what a session that is too large has too much of.
_DULL = (SessionStartRecord, SegmentRecord, HttpRecord, ClosingRecord)
_MUCH = (Messages, MessageRecord, FrameRecord, BytesRecord, HttpRecord, SegmentRecord)


class Remembered:
    """The state of one session that is recorded.

    `size` is how many bytes its lines have; once it `is_cut` only what is not much is `kept`.
    """

    __slots__ = ("_held", "_is_worth_a_file", "has_ended", "is_cut", "size", "started")

    def __init__(self, *, has_ended: bool) -> None:
        self._held: list[AnyRecord | Messages] = []
        self._is_worth_a_file = False
        self.has_ended = has_ended
        self.is_cut = False
        self.size = 0
        self.started = datetime.now(UTC)

    def look(self, records: list[AnyRecord | Messages]) -> None:
        """See when it began, and whether it ends."""
        for record in records:
            if isinstance(record, SessionEndRecord):
                self.has_ended = True
            elif isinstance(record, SessionStartRecord):
                self.started = datetime.fromisoformat(record.started)

    def hold(self, records: list[AnyRecord | Messages]) -> list[AnyRecord | Messages]:
        """Take records; return what is to be written: nothing while all of it was ordinary HTTP.

        Of many pages before a handshake only the last are remembered.
        """
        self.look(records)
        if not self._is_worth_a_file:
            self._is_worth_a_file = any(map(_is_worth_a_file, records))
            self._held += records
            if not self._is_worth_a_file:
                self._forget_pages()
                return []
            records, self._held = self._held, []
        return records

    def cut(
        self, records: list[AnyRecord | Messages], lines: int, limit: int
    ) -> tuple[FindingRecord | None, list[AnyRecord | Messages]]:
        """It is larger than it may be with more than the first `lines` lines of these records.

        Returns a finding that says so and what is still recorded behind those lines; no finding
        where there is not much behind them.
        """
        behind: list[AnyRecord | Messages] = []
        for place, record in enumerate(records):
            lines -= lines_of(record)
            if lines >= 0:
                continue
            if isinstance(record, _MUCH):
                self.is_cut = True
                text = f"session {record.session} has reached {limit:,} bytes: its messages are"
                diagnosis = found("recording-limit", f"{text} left out from here on")
                finding = finding_record(record.session, record.time, diagnosis)
                return finding, [*behind, finding, *self.kept(records[place:])]
            behind.append(record)
        return None, []

    def kept(self, records: list[AnyRecord | Messages]) -> list[AnyRecord | Messages]:
        """What is recorded of a session that has been cut."""
        return [record for record in records if not isinstance(record, _MUCH)]

    def _forget_pages(self) -> None:
        held = self._held
        pages = [n for n, record in enumerate(held) if isinstance(record, HttpRecord)]
        if len(pages) > _MOST_PAGES:
            begin = 1 if isinstance(held[0], SessionStartRecord) else 0
            del held[begin : pages[-_MOST_PAGES]]


def _is_worth_a_file(record: AnyRecord | Messages) -> bool:
    """Whether it shows more than a connection, or pages."""
    if isinstance(record, SessionEndRecord):
        return record.outcome not in ("http", "nothing")
    return not isinstance(record, _DULL)


def lines_of(record: AnyRecord | Messages) -> int:
    """How many lines it becomes."""
    return record.event.count if isinstance(record, Messages) else 1
