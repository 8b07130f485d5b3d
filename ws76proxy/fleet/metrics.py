"""What a relay counts for Prometheus: a listener of its records, and a look at its sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

import prometheus_client.values
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ws76proxy.diagnosis import Severity
from ws76proxy.record import (
    AnyRecord,
    ChallengeRecord,
    FindingRecord,
    Messages,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.session import Peer, Session
from ws76proxy.wire.dialect import Dialect

__all__ = ["LOOK_EVERY", "MayDrop", "Metrics", "count_for_all", "keep_looking"]

LOOK_EVERY = 1.0
"""How many seconds the figures of open sessions may be old."""

_HANDSHAKE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_DELAY = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_OUTCOMES = ("open", "refused", "failed", "passed-on", "http", "nothing")


@runtime_checkable
class MayDrop(Protocol):
    """A listener that gives records up, where it cannot go on, and counts them."""

    @property
    def dropped(self) -> int:
        """How many records it has not kept."""

    @property
    def name(self) -> str:
        """What it is, in a word."""


def count_for_all(worker: int) -> Callable[[], None]:
    """Keep what this process counts where its supervisor adds it to what the others do.

    The folder is in the environment, as `PROMETHEUS_MULTIPROC_DIR`. A worker's successor goes on
    with its files, so that nothing is lost and their number does not grow. Returns what closes
    them.
    """
    by_worker = prometheus_client.values.MultiProcessValue(  # type: ignore[no-untyped-call]
        process_identifier=lambda: worker
    )
    prometheus_client.values.ValueClass = by_worker
    close: Callable[[], None] = prometheus_client.values.close_all_multiprocess_files
    return close


class Metrics:
    """Counts what a relay tells; `look` brings what open sessions have said up to date.

    Of no label are there more values than this package has words: nothing that a peer sends
    becomes one.
    """

    wants_messages = False
    is_full = False

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "ws76proxy_sessions_open",
            "Sessions that have a connection.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._started = Counter(
            "ws76proxy_sessions", "Sessions that have begun.", registry=registry
        )
        self._ended = Counter(
            "ws76proxy_sessions_ended",
            "Sessions that have ended, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self._handshakes = Counter(
            "ws76proxy_handshakes",
            "Opening handshakes that came to their end, by what both sides speak and whether the "
            "challenge was answered rightly.",
            ["client_dialect", "server_dialect", "verdict"],
            registry=registry,
        )
        self._messages = Counter(
            "ws76proxy_messages",
            "Text messages that came, by who sent them.",
            ["direction"],
            registry=registry,
        )
        self._bytes = Counter(
            "ws76proxy_bytes",
            "Bytes that came, handshakes included, by who sent them.",
            ["direction"],
            registry=registry,
        )
        self._findings = Counter(
            "ws76proxy_findings",
            "Findings that were told, good ones left out, by their code.",
            ["code", "severity"],
            registry=registry,
        )
        self._answered = Histogram(
            "ws76proxy_handshake_seconds",
            "From a client's whole request to the server's whole answer.",
            ["client_dialect", "server_dialect"],
            registry=registry,
            buckets=_HANDSHAKE,
        )
        self._delay = Histogram(
            "ws76proxy_relay_delay_seconds",
            "How long something that is due waits for its turn in the relay.",
            registry=registry,
            buckets=_DELAY,
        )
        self._dropped = Counter(
            "ws76proxy_records_dropped",
            "Records that were not written, by where they should have gone.",
            ["listener"],
            registry=registry,
        )
        # A series that is not there yet cannot be told from one that is 0.
        self._ended_as = {outcome: self._ended.labels(outcome) for outcome in _OUTCOMES}
        self._messages_of = {peer: self._messages.labels(peer.label) for peer in Peer}
        self._bytes_of = {peer: self._bytes.labels(peer.label) for peer in Peer}
        self._asked: dict[int, RequestRecord] = {}
        self._sums = {(peer, what): 0 for peer in Peer for what in ("bytes", "messages")}
        self._counted = dict(self._sums)
        self._lost: dict[str, int] = {}
        self._sessions: Callable[[], Iterable[Session]] = tuple
        self._others: list[MayDrop] = []

    def watch(
        self, sessions: Callable[[], Iterable[Session]], listeners: Sequence[object] = ()
    ) -> None:
        """Whose sessions, and which listeners, `look` asks."""
        self._sessions = sessions
        self._others = [one for one in listeners if isinstance(one, MayDrop)]

    def look(self) -> None:
        """Count what open sessions have said since the last look, and what listeners dropped."""
        sums = dict(self._sums)
        for session in self._sessions():
            if session.ended:
                continue
            for peer, traffic in session.traffic.items():
                sums[peer, "bytes"] += traffic.bytes
                sums[peer, "messages"] += traffic.messages
        for (peer, what), total in sums.items():
            counter = (self._bytes_of if what == "bytes" else self._messages_of)[peer]
            counter.inc(total - self._counted[peer, what])
        self._counted = sums
        for other in self._others:
            more = other.dropped - self._lost.get(other.name, 0)
            self._dropped.labels(other.name).inc(more)
            self._lost[other.name] = other.dropped

    def waited(self, seconds: float) -> None:
        """Something that was due has waited for so long."""
        self._delay.observe(seconds)

    # As a listener

    def start(self, drained: Callable[[], None]) -> None:
        """Nothing is needed."""

    def tell(self, record: AnyRecord | Messages) -> None:
        """Count a record."""
        match record:
            case SessionStartRecord():
                self._started.inc()
                self._open.inc()
            case RequestRecord():
                self._request(record)
            case ChallengeRecord(answered_by="server"):
                self._settle(record.session, record.verdict, record.time)
            case ResponseRecord(status=101):
                asked = self._asked.get(record.session)
                if asked is not None and asked.dialect == Dialect.HIXIE_75:
                    self._settle(record.session, "none", record.time)
            case FindingRecord():
                if record.severity is not Severity.GOOD:
                    self._findings.labels(record.code, record.severity.value).inc()
            case SessionEndRecord():
                self._end(record)
            case _:
                return

    def settle(self) -> None:
        """Nothing is kept back."""

    def complaints(self) -> list[AnyRecord]:
        """None."""
        return []

    def stop(self) -> None:
        """Count what is left."""
        self.look()

    def _request(self, record: RequestRecord) -> None:
        dialect = Dialect(record.dialect)
        if dialect.is_hixie:
            self._asked[record.session] = record
        elif dialect.is_websocket:
            # Passed on unread: how it ends is not seen.
            self._handshakes.labels(dialect.value, dialect.value, "none").inc()

    def _settle(self, session: int, verdict: str, time: float | None) -> None:
        """A handshake has come to its end; `time` None: without an answer."""
        asked = self._asked.pop(session, None)
        if asked is None:
            return
        self._handshakes.labels(asked.dialect, asked.dialect, verdict).inc()
        if time is not None:
            self._answered.labels(asked.dialect, asked.dialect).observe(time - asked.time)

    def _end(self, record: SessionEndRecord) -> None:
        self._open.dec()
        self._ended_as[record.outcome].inc()
        self._settle(record.session, record.verdict or "none", None)
        for peer, counts in ((Peer.CLIENT, record.client), (Peer.SERVER, record.server)):
            self._sums[peer, "bytes"] += counts.bytes
            self._sums[peer, "messages"] += counts.messages


async def keep_looking(metrics: Metrics) -> None:
    """Look again and again, and measure how late each look comes, until cancelled."""
    while True:
        # Not the loop's own clock: uvloop's stands still while something blocks it.
        began = time.perf_counter()
        await asyncio.sleep(LOOK_EVERY)
        metrics.waited(max(0.0, time.perf_counter() - began - LOOK_EVERY))
        metrics.look()
