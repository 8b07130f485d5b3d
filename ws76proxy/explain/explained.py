"""What is kept of a session to explain it: its opening handshake and its findings, no messages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from ws76proxy.diagnosis import Severity
from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    ChallengeRecord,
    ClosingRecord,
    FindingRecord,
    HttpRecord,
    NoticeRecord,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording.sources import Told
from ws76proxy.redaction import redact
from ws76proxy.wire.challenge import Challenge

__all__ = ["RANKS", "Explained", "gather"]

RANKS = {Severity.GOOD: 0, Severity.INFO: 1, Severity.WARNING: 2, Severity.ERROR: 3}
"""Severities, the more serious the higher."""

_KEPT = (
    SessionStartRecord,
    RequestRecord,
    ResponseRecord,
    ChallengeRecord,
    AdjustmentRecord,
    FindingRecord,
    ClosingRecord,
    HttpRecord,
    SessionEndRecord,
)
# A peer decides how much there is of each kind.
_MOST_OF_A_KIND = 256
# Of so many sessions without an end, the oldest is done with.
_MOST_OPEN = 100_000


@dataclass(slots=True)
class Explained:
    """A session, explained.

    `source` is the file; `kind` what it was taken for, empty for a recording. `server` is an
    address that tells servers apart, empty where none is known. `asked` is a challenge whose steps
    are worth showing: it has no answer, or there is nothing but it. `left_out` counts records that
    were too many to be kept.
    """

    source: str
    number: int
    kind: str = ""
    server: str = ""
    notes: list[str] = field(default_factory=list)
    records: list[AnyRecord] = field(default_factory=list)
    asked: Challenge | None = None
    left_out: int = 0

    def add(self, record: AnyRecord, ignored: Collection[str]) -> None:
        """Keep a record, if it says something about the handshake or what is wrong."""
        if isinstance(record, NoticeRecord):
            if len(self.notes) < _MOST_OF_A_KIND:
                self.notes.append(record.text)
        elif isinstance(record, _KEPT) and not (
            isinstance(record, FindingRecord) and record.code in ignored
        ):
            if sum(type(kept) is type(record) for kept in self.records) >= _MOST_OF_A_KIND:
                self.left_out += 1
                return
            self.records.append(record)
            if isinstance(record, SessionStartRecord):
                self.server = record.upstream

    @property
    def findings(self) -> list[FindingRecord]:
        """The findings, in the order in which they were told."""
        return [record for record in self.records if isinstance(record, FindingRecord)]

    @property
    def request(self) -> RequestRecord | None:
        """The client's head, where it asked for a WebSocket."""
        return next((one for one in self.records if isinstance(one, RequestRecord)), None)

    @property
    def worst(self) -> Severity:
        """The most serious severity of its findings; good where there are none."""
        severities = [finding.severity for finding in self.findings]
        return max(severities, key=RANKS.__getitem__, default=Severity.GOOD)

    def redacted(self) -> Explained:
        """The same without cookies, credentials and tokens."""
        return Explained(
            self.source,
            self.number,
            self.kind,
            self.server,
            self.notes,
            [redact(record) for record in self.records],
            self.asked,
            self.left_out,
        )


def gather(stream: Iterable[Told], ignored: Collection[str]) -> Iterator[Explained | str]:
    """The sessions of recordings, each when it has ended, those without an end at the end.

    A text between them is what the recording says of itself. `ignored` are codes of findings that
    are left out.
    """
    open_sessions: OrderedDict[tuple[str, int], Explained] = OrderedDict()
    for told in stream:
        source, record = told.source, told.record
        if not record.session:
            if isinstance(record, NoticeRecord):
                yield f"{source.path}: {record.text}"
            continue
        key = (source.run, record.session)
        session = open_sessions.get(key)
        if session is None:
            if len(open_sessions) >= _MOST_OPEN:
                yield open_sessions.popitem(last=False)[1]
            session = open_sessions[key] = Explained(str(source.path), record.session)
        session.add(record, ignored)
        if isinstance(record, SessionEndRecord):
            yield open_sessions.pop(key)
    for session in open_sessions.values():
        session.notes.append("the recording ends before this session does")
        yield session
