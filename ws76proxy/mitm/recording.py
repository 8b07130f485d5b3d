"""The recorder that the options ask for: made, replaced, waited for and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from weakref import WeakKeyDictionary

from mitmproxy import connection

from ws76proxy.errors import RecordingError
from ws76proxy.record import (
    AnyRecord,
    FindingRecord,
    Messages,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording.writer import Recorder, RecordingOptions

__all__ = ["Recording", "Run", "wait_for_room"]

logger = logging.getLogger(__name__)

_LOOK_AGAIN = 0.2
_runs: WeakKeyDictionary[connection.Client, Run] = WeakKeyDictionary()


class Run:
    """One recorder, and the sessions that it still has to see the end of."""

    def __init__(self, options: RecordingOptions) -> None:
        """Raises RecordingError where nothing can be written there."""
        self.options = options
        self._recorder = Recorder(options, vantage="mitmproxy")
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._sessions: set[int] = set()
        self._is_retired = False
        self._recorder.start(self._drained)

    @property
    def is_busy(self) -> bool:
        """Whether sessions that have begun are still to be recorded."""
        return bool(self._sessions) and self._recorder.broken is None

    def tell(self, record: AnyRecord | Messages) -> None:
        """Record this; the file is written by another thread."""
        self._recorder.tell(record)
        if isinstance(record, SessionStartRecord):
            self._sessions.add(record.session)
        elif isinstance(record, SessionEndRecord):
            self._sessions.discard(record.session)
            if self._is_retired and not self._sessions:
                self.stop(0.0)

    def watch(self, client: connection.Client) -> None:
        """Read no more from this client and its servers than the disk can take."""
        _runs[client] = self

    async def has_room(self) -> None:
        """Wait until the disk has caught up."""
        while self._recorder.is_full:
            self._room.clear()
            # Looking again by itself: the call from the other thread may have come just before.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), _LOOK_AGAIN)

    def retire(self) -> None:
        """Record no new sessions, only those that have begun."""
        self._is_retired = True
        if not self._sessions:
            self.stop(0.0)

    def revive(self) -> None:
        """Record new sessions again."""
        self._is_retired = False

    def stop(self, seconds: float = 5.0) -> None:
        """Write what is left, and wait for so long; what is not written then is written later."""
        self._recorder.stop(seconds)
        self._complain()

    def _drained(self) -> None:
        # Called by the thread that writes; the loop may have gone at the very end.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._room.set()
        self._complain()

    def _complain(self) -> None:
        for record in self._recorder.complaints():
            if isinstance(record, FindingRecord):
                logger.error("ws76: %s: %s: %s", record.code, record.title, record.detail)


class Recording:
    """What `ws76_record` and its companions ask for at the moment."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._retired: list[Run] = []

    @property
    def run(self) -> Run | None:
        """Who records the sessions that begin now; None: nobody."""
        return self._run

    def configure(self, options: RecordingOptions | None) -> None:
        """Record new sessions as these options say; those that have begun go on as they began.

        Raises RecordingError where that cannot be, and changes nothing then.
        """
        if options == (None if self._run is None else self._run.options):
            return
        run = None if options is None else self._begin(options)
        if self._run is not None:
            self._run.retire()
            self._retired.append(self._run)
        self._run = run

    def stop(self) -> None:
        """Write everything that has been told, and stop."""
        self.configure(None)
        for run in self._retired:
            run.stop()
        self._retired.clear()

    def _begin(self, options: RecordingOptions) -> Run:
        for run in [*self._retired, *([self._run] if self._run else [])]:
            if run.options.path != options.path:
                continue
            if run.options == options and run.is_busy:
                self._retired.remove(run)
                run.revive()
                return run
            if run.is_busy:
                raise RecordingError(
                    f"{options.path}: sessions are still recorded there with other settings;"
                    " expected another path, or that they have ended"
                )
            # What it has not written yet must not follow the new header.
            run.stop()
        self._retired = [run for run in self._retired if run.is_busy]
        return Run(options)


async def wait_for_room(client: connection.Client) -> None:
    """Wait while this client's session is recorded on a disk that cannot keep up."""
    run = _runs.get(client)
    if run is not None:
        await run.has_room()
