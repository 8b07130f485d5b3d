"""What readers of another format will not see of a session, counted and said in words."""

from __future__ import annotations

from dataclasses import dataclass, field

from ws76proxy.record import AnyRecord, BytesRecord, FrameRecord, MessageRecord, SegmentRecord
from ws76proxy.recording.model import RecordedSession

__all__ = ["Losses"]


@dataclass
class Losses:
    """Counts what a format has no place for.

    `target` is the format's name. `is_kept`: what is counted is there all the same, in fields that
    only we read. `no_request` counts sessions that never became a request.
    """

    target: str
    is_kept: bool = True
    no_request: int = 0
    _counts: dict[str, int] = field(default_factory=dict)

    def look(self, session: RecordedSession) -> None:
        """Count a session's records."""
        for record in session.records:
            self.add(record)

    def add(self, record: AnyRecord) -> None:
        """Count a record."""
        what = ""
        if isinstance(record, FrameRecord):
            what = "frames that are no messages"
        elif isinstance(record, BytesRecord):
            what = "stretches of bytes that were not decoded"
        elif isinstance(record, MessageRecord) and not self.is_kept and record.payload is not None:
            what = "messages that are not UTF-8"
        elif isinstance(record, SegmentRecord) and not self.is_kept:
            what = "pieces in which a handshake came"
        if what:
            self._counts[what] = self._counts.get(what, 0) + 1

    def lines(self) -> list[str]:
        """What is to be told to the user, one line for each kind."""
        where = "in fields that only ws76proxy reads" if self.is_kept else "not to the byte"
        counts = dict(self._counts)
        if self.no_request:
            counts["sessions without a request"] = self.no_request
        return [f"{self.target} has {count:,} {what} {where}" for what, count in counts.items()]
