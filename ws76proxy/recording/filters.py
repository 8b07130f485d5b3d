"""Which sessions of a recording, and which of their records, somebody wants to see."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from sys import getsizeof

import msgspec

from ws76proxy.patterns import Glob, Regex
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    FindingRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    NoticeRecord,
    Peer,
    RequestRecord,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording.sources import Told
from ws76proxy.wire.head import RequestHead

__all__ = ["Criterion", "Decision", "RecordFilter", "SessionFilter", "Sieve"]

Criterion = Callable[[AnyRecord], bool | None]
"""Looks at a session's records, one after the other: True or False decides, None does not yet.
It decides at the session's end at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Records within a session.

    `direction`: of what peers said (messages, frames, bytes) only what this one did. `grep`:
    nothing but text messages in which it matches.
    """

    direction: Peer | None = None
    grep: Regex | None = None

    def wants(self, record: AnyRecord) -> bool:
        """Whether a record is to be shown."""
        if self.grep is not None:
            return (
                isinstance(record, MessageRecord)
                and not record.binary
                and self.direction in (None, record.direction)
                and self.grep.is_in(record.text)
            )
        if isinstance(record, MessageRecord | FrameRecord | BytesRecord | SegmentRecord):
            return self.direction in (None, record.direction)
        return True

    def is_said(self, record: AnyRecord) -> bool | None:
        """A criterion: the session has a message or frame that this filter wants."""
        if isinstance(record, MessageRecord | FrameRecord) and self.wants(record):
            return True
        return _at_the_end(record)

    def __bool__(self) -> bool:
        return self.direction is not None or self.grep is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Sessions that have all of this; what is empty is not asked for.

    `numbers`: one of these. `path`: the resource asked for, with or without its query. `origin`:
    the Origin field of the request. `findings`: one of these codes. `failed`: the opening handshake
    did not come to a right end. `said`: a message that this filter wants.
    """

    numbers: frozenset[int] = frozenset()
    path: Glob | None = None
    origin: Glob | None = None
    findings: tuple[Glob, ...] = ()
    failed: bool = False
    said: RecordFilter | None = None

    def criteria(self) -> tuple[Criterion, ...]:
        """What is asked for; all of it has to be so."""
        asked: list[Criterion] = []
        if self.numbers:
            asked.append(lambda record: record.session in self.numbers)
        if self.path is not None:
            asked.append(self._has_path)
        if self.origin is not None:
            asked.append(self._has_origin)
        if self.findings:
            asked.append(self._has_finding)
        if self.failed:
            asked.append(_has_failed)
        if self.said:
            asked.append(self.said.is_said)
        return tuple(asked)

    def _has_path(self, record: AnyRecord) -> bool | None:
        if isinstance(record, RequestRecord | HttpRecord) and self.path is not None:
            whole = record.target
            if self.path.matches(whole) or self.path.matches(whole.partition("?")[0]):
                return True
        return _once_open(record)

    def _has_origin(self, record: AnyRecord) -> bool | None:
        if isinstance(record, RequestRecord) and self.origin is not None:
            origin = _origin(record)
            if origin is not None and self.origin.matches(origin):
                return True
        return _once_open(record)

    def _has_finding(self, record: AnyRecord) -> bool | None:
        if isinstance(record, FindingRecord) and self._is_asked_for(record.code):
            return True
        if isinstance(record, SessionEndRecord):
            # Of a session that goes on from elsewhere only this record may know.
            return any(self._is_asked_for(code) for code in record.findings)
        return None

    def _is_asked_for(self, code: str) -> bool:
        return any(pattern.matches(code) for pattern in self.findings)


def _has_failed(record: AnyRecord) -> bool | None:
    if isinstance(record, ChallengeRecord) and record.answered_by == "server":
        return None if record.verdict == "verified" else True
    if isinstance(record, SessionEndRecord):
        return record.outcome in ("failed", "refused") or record.verdict not in (None, "verified")
    return _once_open(record)


def _once_open(record: AnyRecord) -> bool | None:
    """No: there are no more requests once the conversation has begun."""
    if isinstance(record, MessageRecord | FrameRecord):
        return False
    return _at_the_end(record)


def _at_the_end(record: AnyRecord) -> bool | None:
    return False if isinstance(record, SessionEndRecord) else None


def _origin(request: RequestRecord) -> str | None:
    raw = request.head.encode("latin-1", "replace")
    if b"\n" not in raw.lstrip(b"\r\n"):
        return None
    head = RequestHead(raw)
    value = head.value(b"origin") or head.value(b"sec-websocket-origin")
    return None if value is None else value.decode("latin-1")


class Decision:
    """Whether one session is wanted, as far as its records have told."""

    __slots__ = ("_open", "wanted")

    def __init__(self, criteria: tuple[Criterion, ...]) -> None:
        self._open = criteria
        self.wanted: bool | None = None if criteria else True
        """None: not known yet. A session without an end, of which this never is, is not."""

    def look(self, record: AnyRecord) -> bool | None:
        """Look at the session's next record; return `wanted`."""
        if self.wanted is None:
            answers = [(criterion, criterion(record)) for criterion in self._open]
            self._open = tuple(criterion for criterion, answer in answers if answer is None)
            if any(answer is False for _, answer in answers):
                self.wanted = False
            elif not self._open:
                self.wanted = True
        return self.wanted


class _Session:
    """A session, and what is held of it until it is known to be wanted."""

    __slots__ = ("decision", "held", "left_out", "weight")

    def __init__(self, criteria: tuple[Criterion, ...]) -> None:
        self.decision = Decision(criteria)
        self.held: list[Told] = []
        self.weight = 0
        self.left_out = 0


class Sieve:
    """Lets the records of wanted sessions through, as soon as it is known that they are.

    Until then a session's records are held: at most `most_held` bytes of one session and
    `most_held_in_all` of all. What does not fit is left out, and a notice in its place says how
    much. Of more than `most_sessions` at once the oldest is forgotten.
    """

    def __init__(
        self,
        sessions: SessionFilter,
        records: RecordFilter,
        *,
        most_held: int = 16 << 20,
        most_held_in_all: int = 128 << 20,
        most_sessions: int = 100_000,
    ) -> None:
        self._criteria = sessions.criteria()
        self._records = records
        self._most_held = most_held
        self._most_held_in_all = most_held_in_all
        self._most_sessions = most_sessions
        self._sessions: OrderedDict[tuple[str, int], _Session] = OrderedDict()
        self._weight = 0

    @property
    def held(self) -> int:
        """How many bytes are held, about."""
        return self._weight

    def take(self, told: Told) -> Iterator[Told]:
        """The next record; yields what can be shown now."""
        record = told.record
        if not self._criteria:
            if self._records.wants(record):
                yield told
            return
        if not record.session:
            return
        key = (told.source.run, record.session)
        session = self._sessions.get(key)
        if session is None or isinstance(record, SessionStartRecord):
            session = self._begin(key)
        wanted = session.decision.look(record)
        if wanted is None:
            self._hold(session, told)
            return
        if wanted:
            yield from self._held_of(session, told)
            if self._records.wants(record):
                yield told
        self._drop(session)
        if isinstance(record, SessionEndRecord):
            del self._sessions[key]

    def _begin(self, key: tuple[str, int]) -> _Session:
        if key in self._sessions:
            self._drop(self._sessions.pop(key))
        elif len(self._sessions) >= self._most_sessions:
            self._drop(self._sessions.popitem(last=False)[1])
        session = self._sessions[key] = _Session(self._criteria)
        return session

    def _drop(self, session: _Session) -> None:
        self._weight -= session.weight
        session.weight = session.left_out = 0
        session.held = []

    def _hold(self, session: _Session, told: Told) -> None:
        if not self._records.wants(told.record):
            return
        weight = _weight(told.record)
        fits = session.weight + weight <= self._most_held
        if session.left_out or not fits or self._weight + weight > self._most_held_in_all:
            session.left_out += 1
            return
        session.held.append(told)
        session.weight += weight
        self._weight += weight

    def _held_of(self, session: _Session, told: Told) -> Iterator[Told]:
        yield from session.held
        if session.left_out:
            number = told.record.session
            notice = NoticeRecord(
                session=number,
                time=told.record.time,
                level="warning",
                text=f"{session.left_out:,} records are left out here: too many to be held until it"
                f" was known that this session is wanted; --session {number} shows them",
            )
            yield Told(told.source, notice)


_RECORD_SIZE = 300


def _weight(record: AnyRecord) -> int:
    """About how many bytes of memory a record takes."""
    texts = [value for value in msgspec.structs.astuple(record) if isinstance(value, str)]
    return _RECORD_SIZE + sum(map(getsizeof, texts))
