"""Records on their way to disk: gathered, written by a thread, and never in a session's way."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal

import msgspec

from ws76proxy.diagnosis import found
from ws76proxy.errors import RecordingError
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    Messages,
    RequestRecord,
    ResponseRecord,
    finding_record,
)
from ws76proxy.recording.model import new_header
from ws76proxy.recording.remembered import Remembered, lines_of
from ws76proxy.recording.store import RecordingOptions, Store
from ws76proxy.redaction import redact
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import TextMessages

__all__ = ["Recorder", "RecordingOptions"]

_PLAIN = 384
"""What a record without a message is taken to weigh while it waits, in bytes."""
_BATCH = 1 << 20
_MOST_ENDED = 1000


class Recorder:
    """Takes the records of all sessions, from one thread, and writes them to files.

    After `start`, give it each record with `tell`; `stop` writes what is left. When it cannot go on
    (the disk is full, the folder is gone, nothing is written for too long) it takes nothing more,
    `broken` says why, and `complaints` has a finding: for all who listen but the recorder itself.
    """

    def __init__(
        self,
        options: RecordingOptions,
        *,
        vantage: Literal["relay", "mitmproxy"],
        listener: str | None = None,
        upstream: str | None = None,
    ) -> None:
        """Raises RecordingError where nothing can be written there."""
        self._options = options
        self._is_folder = options.is_folder
        self._run = secrets.token_hex(8)
        self._about = (vantage, listener, upstream)
        self._encoder = msgspec.json.Encoder()
        self._store = Store(options, self._header, clock=time.monotonic)
        self._sessions: dict[int, Remembered] = {}
        self._ended: deque[int] = deque(maxlen=_MOST_ENDED)
        self._waiting: deque[AnyRecord | Messages] = deque()
        self._told = 0
        self._written = 0
        self._refused = 0
        self._lost = 0
        self._complaints: deque[AnyRecord] = deque()
        self._something = threading.Event()
        self._hurry = threading.Event()
        self._stopping = False
        self._awaited = False
        self._awake = False
        self._drained: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._watch: threading.Timer | None = None
        self._breaking = threading.Lock()
        self.broken: str | None = None
        self._store.prepare()

    # For whoever has records

    wants_messages = True
    name = "recording"

    @property
    def dropped(self) -> int:
        """How many records have not been written, since it broke."""
        # One figure for each thread.
        return self._refused + self._lost

    @property
    def is_full(self) -> bool:
        """Whether sessions should wait, until `drained` is called, before they tell more."""
        if self._told - self._written <= self._options.waiting or self.broken is not None:
            return False
        # The thread may have written everything by now, and must not go to sleep before it has
        # seen that somebody waits.
        self._awaited = True
        self._hurry.set()
        self._something.set()
        if self._watch is None:
            self._watch_disk()
        return True

    def start(self, drained: Callable[[], None]) -> None:
        """Begin; `drained` is called from the writing thread when there is room, or a complaint."""
        self._drained = drained
        self._thread.start()

    def tell(self, record: AnyRecord | Messages) -> None:
        """Take a record."""
        if self.broken is not None:
            self._refused += lines_of(record)
            return
        self._told += _weight(record)
        self._waiting.append(record)
        if not self._awake:
            self._awake = True
            self._something.set()
        if self._told - self._written > _BATCH:
            self._hurry.set()

    def settle(self) -> None:
        """A batch is complete; the thread looks for itself."""

    def complaints(self) -> list[AnyRecord]:
        """What is to be told to the user, once."""
        told = []
        while self._complaints:
            told.append(self._complaints.popleft())
        return told

    def stop(self, seconds: float = 5.0) -> None:
        """Write what is left, and close the files; wait for so long at most.

        With 0 nobody waits, and it is written all the same.
        """
        self._stopping = True
        self._hurry.set()
        self._something.set()
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(seconds)
        if seconds and self._thread.is_alive():
            self._give_up(f"what came last could not be written within {seconds:g} s")
        if self._watch is not None:
            self._watch.cancel()

    # A disk that takes nothing: it must not hold the sessions for ever

    def _watch_disk(self) -> None:
        self._watch = threading.Timer(self._options.patience, self._look_at_disk, [self._written])
        self._watch.daemon = True
        self._watch.start()

    def _look_at_disk(self, written: int) -> None:
        self._watch = None
        if self._told - self._written <= self._options.waiting:
            return
        if self._written == written:
            self._give_up(f"nothing could be written for {self._options.patience:g} s")
        else:
            self._watch_disk()

    def _give_up(self, why: str) -> None:
        """Take nothing more, and say so, once: the files are closed by the thread that writes."""
        with self._breaking:
            if self.broken is not None:
                return
            # A path need not be UTF-8, a record must.
            why = f"{self._options.path}: {why}".encode("utf-8", "backslashreplace").decode()
            self._complaints.append(finding_record(0, 0.0, found("recording-stopped", why)))
            self.broken = why
        self._drained()

    # The writing thread

    def _work(self) -> None:
        while not self._stopping or self._waiting:
            self._something.wait()
            # A wake-up for each record would cost more than the records do.
            self._hurry.wait(self._options.gather)
            if not self._stopping:
                self._something.clear()
                self._hurry.clear()
                # Before the first look at what waits: what comes after it wakes us again.
                self._awake = False
            self._write_all()
            if self._awaited or self._complaints:
                self._awaited = False
                self._drained()
        self._close()

    def _write_all(self) -> None:
        """Write what waits, in batches: little is encoded at once, and each session in one go."""
        while self._waiting:
            batch: dict[int, list[AnyRecord | Messages]] = {}
            weight = 0
            while self._waiting and weight < _BATCH:
                record = self._waiting.popleft()
                weight += _weight(record)
                batch.setdefault(record.session, []).append(record)
            if self.broken is None:
                try:
                    self._write(batch)
                except RecordingError as error:
                    self._give_up(str(error).removeprefix(f"{self._options.path}: "))
                except OSError as error:
                    self._give_up(error.strerror or str(error))
                except Exception as error:  # noqa: BLE001 - whatever it is, sessions go on
                    kind = type(error).__name__
                    self._give_up(f"a fault of ws76proxy itself: {kind}: {error}")
            if self.broken is not None:
                self._lost += sum(lines_of(one) for records in batch.values() for one in records)
                self._close()
            self._written += weight

    def _write(self, batch: dict[int, list[AnyRecord | Messages]]) -> None:
        if self._is_folder:
            for number, records in batch.items():
                # What concerns no session has no file there.
                if number:
                    self._write_file(number, records)
            return
        lines = []
        for number, records in batch.items():
            session = self._session(number)
            session.look(records)
            lines.append(self._lines(session, records))
            self._forget_if_ended(number)
        self._store.append(None, b"".join(lines), datetime.now(UTC))

    def _write_file(self, number: int, records: list[AnyRecord | Messages]) -> None:
        """In a folder: a session that was only plain HTTP, or nothing, gets no file."""
        session = self._session(number)
        held = session.hold(records)
        if held:
            self._store.append(number, self._lines(session, held), session.started)
        if self._forget_if_ended(number):
            self._store.finish(number)

    def _session(self, number: int) -> Remembered:
        session = self._sessions.get(number)
        if session is None:
            # What comes behind a session's end is written, and nothing more is waited for.
            session = Remembered(has_ended=number in self._ended)
            self._sessions[number] = session
        return session

    def _forget_if_ended(self, number: int) -> bool:
        if not self._sessions[number].has_ended:
            return False
        del self._sessions[number]
        self._ended.append(number)
        return True

    def _lines(self, session: Remembered, records: list[AnyRecord | Messages]) -> bytes:
        """Records as lines, or what may still be said of a session that is above its limit."""
        if session.is_cut:
            return self._encoder.encode_lines(self._each(session.kept(records)))
        lines = self._encoder.encode_lines(self._each(records))
        limit = self._options.session_limit
        room = max(0, limit - session.size)
        session.size += len(lines)
        if not limit or len(lines) <= room:
            return lines
        within = lines[: lines.rfind(b"\n", 0, room) + 1]
        finding, rest = session.cut(records, within.count(b"\n"), limit)
        if finding is None:
            return lines
        self._complaints.append(finding)
        return within + self._encoder.encode_lines(self._each(rest))

    def _each(self, records: list[AnyRecord | Messages]) -> Iterator[msgspec.Struct]:
        keep = self._options.secrets
        for record in records:
            if isinstance(record, Messages):
                yield from record.lines()
            else:
                yield record if keep else redact(record)

    def _close(self) -> None:
        self._sessions.clear()
        try:
            self._store.close()
        except OSError as error:
            # Some file systems say only now that they could not keep what they took.
            self._give_up(error.strerror or str(error))

    def _header(self, continues: str | None) -> bytes:
        vantage, listener, upstream = self._about
        header = new_header(
            run=self._run,
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            vantage=vantage,
            dialects=[Dialect.HIXIE_76, Dialect.HIXIE_75],
            redacted=not self._options.secrets,
            listener=listener,
            upstream=upstream,
            # A name need not be UTF-8, a record must.
            continues=continues and continues.encode("utf-8", "backslashreplace").decode(),
        )
        return self._encoder.encode(header if self._options.secrets else redact(header)) + b"\n"


def _weight(record: AnyRecord | Messages) -> int:
    """What a record takes of memory while it waits, roughly: the same each time it is asked."""
    if isinstance(record, Messages):
        size = len(record.event.raw)
        # Of RFC 6455, the messages are kept beside the frames.
        return _PLAIN + (2 * size if isinstance(record.event, TextMessages) else size)
    if isinstance(record, MessageRecord):
        return _PLAIN + len(record.text) + len(record.payload or "")
    if isinstance(record, FrameRecord | BytesRecord):
        return _PLAIN + len(record.raw)
    if isinstance(record, RequestRecord | ResponseRecord):
        return _PLAIN + len(record.head)
    if isinstance(record, HttpRecord):
        return _PLAIN + len(record.target)
    return _PLAIN
