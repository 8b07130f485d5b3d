"""What a relay counts for Prometheus: a listener of its records, and a look at its sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

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
_WEBSOCKETS = {dialect.value for dialect in Dialect if dialect.is_websocket}
_PASSED_ON = ("rfc6455-client", "hybi-draft-client", "pipelined-upgrade")
"""What is told of a handshake whose end is not seen."""
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
            "Messages that came, by who sent them.",
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
        self._takes = {
            SessionStartRecord: self._start,
            RequestRecord: self._request,
            ChallengeRecord: self._challenge,
            ResponseRecord: self._response,
            FindingRecord: self._finding,
            SessionEndRecord: self._end,
        }
        self._asked: dict[int, _Asked] = {}
        self._switched: dict[int, float] = {}
        self._open_now = 0
        # Counting here and telling the library at a look costs a tenth of telling it each time.
        self._new: dict[Counter, int] = {}
        self._latencies: list[tuple[str, str, float]] = []
        self._by_code: dict[str, Counter] = {}
        self._by_verdict: dict[tuple[str, str, str], Counter] = {}
        self._over = _Said()
        self._counted = _Said()
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
        switched, self._switched = self._switched, {}
        for session, when in switched.items():
            self._settle(session, "none", when)
        new, self._new = self._new, {}
        for counter, number in new.items():
            counter.inc(number)
        latencies, self._latencies = self._latencies, []
        for client, server, seconds in latencies:
            self._answered.labels(client, server).observe(seconds)
        self._open.set(self._open_now)
        self._count_said()
        for other in self._others:
            more = other.dropped - self._lost.get(other.name, 0)
            self._dropped.labels(other.name).inc(more)
            self._lost[other.name] = other.dropped

    def _count_said(self) -> None:
        client_bytes, client_messages, server_bytes, server_messages = self._over
        for session in self._sessions():
            if not session.ended:
                # One name for each: this is done for ten thousand sessions at once.
                client, server = session.traffic[Peer.CLIENT], session.traffic[Peer.SERVER]
                client_bytes += client.bytes
                client_messages += client.messages
                server_bytes += server.bytes
                server_messages += server.messages
        before = self._counted
        said = _Said(client_bytes, client_messages, server_bytes, server_messages)
        self._bytes_of[Peer.CLIENT].inc(said.client_bytes - before.client_bytes)
        self._bytes_of[Peer.SERVER].inc(said.server_bytes - before.server_bytes)
        self._messages_of[Peer.CLIENT].inc(said.client_messages - before.client_messages)
        self._messages_of[Peer.SERVER].inc(said.server_messages - before.server_messages)
        self._counted = said

    def waited(self, seconds: float) -> None:
        """Something that was due has waited for so long."""
        self._delay.observe(seconds)

    # As a listener

    def start(self, drained: Callable[[], None]) -> None:
        """Nothing is needed."""

    def tell(self, record: AnyRecord | Messages) -> None:
        """Count a record."""
        take = self._takes.get(type(record))  # type: ignore[arg-type]
        if take is not None:
            take(record)  # type: ignore[operator]

    def settle(self) -> None:
        """Nothing is kept back."""

    def complaints(self) -> list[AnyRecord]:
        """None."""
        return []

    def stop(self) -> None:
        """Count what is left."""
        self.look()

    def _count(self, counter: Counter) -> None:
        self._new[counter] = self._new.get(counter, 0) + 1

    def _start(self, record: SessionStartRecord) -> None:
        self._count(self._started)
        self._open_now += 1

    def _request(self, record: RequestRecord) -> None:
        if record.dialect not in _WEBSOCKETS:
            return
        # Of a server that is asked again, in another dialect, the last one counts.
        self._switched.pop(record.session, None)
        before = self._asked.get(record.session)
        self._asked[record.session] = _Asked(
            record.dialect,
            record.server_dialect or record.dialect,
            record.time if before is None else before.time,
        )

    def _challenge(self, record: ChallengeRecord) -> None:
        if record.answered_by == "server":
            self._settle(record.session, record.verdict, record.time)

    def _response(self, record: ResponseRecord) -> None:
        asked = self._asked.get(record.session)
        if asked is None or record.status != 101 or asked.server == Dialect.HIXIE_76:
            return
        # Not settled before a look: it may be asked again in the same breath.
        self._switched[record.session] = record.time

    def _finding(self, record: FindingRecord) -> None:
        if record.code in _PASSED_ON:
            self._settle(record.session, "none", None)
        if record.severity is Severity.GOOD:
            return
        counter = self._by_code.get(record.code)
        if counter is None:
            counter = self._findings.labels(record.code, record.severity.value)
            self._by_code[record.code] = counter
        self._count(counter)

    def _end(self, record: SessionEndRecord) -> None:
        self._open_now -= 1
        self._count(self._ended_as[record.outcome])
        switched = self._switched.pop(record.session, None)
        self._settle(record.session, record.verdict or "none", switched)
        over, client, server = self._over, record.client, record.server
        self._over = _Said(
            over.client_bytes + client.bytes,
            over.client_messages + client.messages,
            over.server_bytes + server.bytes,
            over.server_messages + server.messages,
        )

    def _settle(self, session: int, verdict: str, time: float | None) -> None:
        """A handshake has come to its end; `time` None: without an answer."""
        asked = self._asked.pop(session, None)
        if asked is None:
            return
        key = (asked.client, asked.server, verdict)
        counter = self._by_verdict.get(key)
        if counter is None:
            counter = self._by_verdict[key] = self._handshakes.labels(*key)
        self._count(counter)
        if time is not None:
            self._latencies.append((asked.client, asked.server, time - asked.time))


class _Asked(NamedTuple):
    """A handshake that has not come to its end: what both sides speak, and when it began."""

    client: str
    server: str
    time: float


class _Said(NamedTuple):
    """Totals of what came."""

    client_bytes: int = 0
    client_messages: int = 0
    server_bytes: int = 0
    server_messages: int = 0


async def keep_looking(metrics: Metrics) -> None:
    """Look again and again, and measure how late each look comes, until cancelled."""
    pause = LOOK_EVERY
    while True:
        # Not the loop's own clock: uvloop's stands still while something blocks it.
        began = time.perf_counter()
        await asyncio.sleep(pause)
        now = time.perf_counter()
        metrics.waited(max(0.0, now - began - pause))
        metrics.look()
        # Of very many sessions a look takes its time: no more than a hundredth is spent on it.
        pause = max(LOOK_EVERY, 100 * (time.perf_counter() - now))
