"""What is counted: that it is right, that it is bounded, and that a dead worker's share remains."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.recording.disks import small_disk
from ws76proxy.demo import EchoServer, converse
from ws76proxy.fleet.metrics import Metrics, keep_looking
from ws76proxy.fleet.page import StatusPage
from ws76proxy.record import SessionEndRecord

from .ends import opened, serving
from .handshakes import ANSWER, KEY3, SWITCHING, frame, request, request_75
from .harness import Running, relaying
from .process import Process, one_loop, running
from .talking import H75, H76
from .web import Samples, fetch, health, metrics

__all__ = ["small_disk"]

PAIR = {"client_dialect": "hixie-76", "server_dialect": "hixie-76"}


class Counting:
    """Metrics that a test reads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)

    def get(self, name: str, **labels: str) -> float:
        """A figure, after a look."""
        self.metrics.look()
        value = self.registry.get_sample_value(f"ws76proxy_{name}", labels)
        return 0.0 if value is None else value

    def watch(self, relay: Running) -> None:
        self.metrics.watch(lambda: relay.relay.sessions)


async def test_a_session_from_start_to_end() -> None:
    counting = Counting()
    async with (
        serving() as server,
        relaying(server.port, listeners=[counting.metrics], session={"host": "keep"}) as relay,
        relay.client() as client,
    ):
        counting.watch(relay)
        upstream = await opened(client, server)
        assert counting.get("handshakes_total", **PAIR, verdict="verified") == 1
        assert counting.get("handshake_seconds_count", **PAIR) == 1
        assert (counting.get("sessions_total"), counting.get("sessions_open")) == (1, 1)
        await client.send(frame(b"one") + frame(b"two"))
        assert await upstream.receive(10)
        await upstream.send(frame(b"three"))
        assert await client.receive(7)
        # Open, and counted all the same; looking twice does not count twice.
        for _ in range(2):
            assert counting.get("messages_total", direction="client") == 2
            assert counting.get("messages_total", direction="server") == 1
            assert counting.get("bytes_total", direction="server") == len(ANSWER) + 7
        client.finish()
        upstream.finish()
        end = await relay.recorder.ended()
        await relay.until_pumps(0)
        assert counting.get("bytes_total", direction="client") == end.client.bytes
        assert counting.get("messages_total", direction="client") == 2
        assert counting.get("sessions_ended_total", outcome="open") == 1
        assert (counting.get("sessions_total"), counting.get("sessions_open")) == (1, 0)
        code = "closed-without-handshake"
        assert counting.get("findings_total", code=code, severity="info") == 2
        assert counting.get("handshakes_total", **PAIR, verdict="verified") == 1


REQUEST_RFC = request_75().replace(
    b"Host",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nHost",
)
SWITCHING_75 = SWITCHING.replace(b"Sec-", b"")
SWITCHING_RFC = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "asked_in", "answers", "counted"),
    [
        (
            request() + KEY3,
            "same",
            [SWITCHING + b"x" * 16],
            ("hixie-76", "hixie-76", "wrong"),
        ),
        (
            request() + KEY3,
            "same",
            [SWITCHING + b"x" * 5],
            ("hixie-76", "hixie-76", "missing"),
        ),
        (
            request() + KEY3,
            "same",
            [b"HTTP/1.1 403 Forbidden\r\n\r\n"],
            ("hixie-76", "hixie-76", "none"),
        ),
        (request() + KEY3, "same", [b""], ("hixie-76", "hixie-76", "none")),
        (request_75(), "same", [SWITCHING_75], ("hixie-75", "hixie-75", "none")),
        (REQUEST_RFC, "same", [b""], ("rfc6455", "rfc6455", "none")),
        # Translated
        (request() + KEY3, H75, [SWITCHING_75], ("hixie-76", "hixie-75", "none")),
        (
            REQUEST_RFC,
            H76,
            [SWITCHING + b"x" * 16],
            ("rfc6455", "hixie-76", "wrong"),
        ),
        (
            REQUEST_RFC,
            "auto",
            [REFUSED, SWITCHING + b"x" * 16],
            ("rfc6455", "hixie-76", "wrong"),
        ),
        # The first one has switched, but to something else.
        (
            request_75(),
            "auto",
            [SWITCHING_RFC, b"", SWITCHING + b"x" * 16],
            ("hixie-75", "hixie-76", "wrong"),
        ),
    ],
)
async def test_handshakes_are_counted_once(
    sent: bytes, asked_in: Any, answers: list[bytes], counted: tuple[str, str, str]
) -> None:
    counting = Counting()
    session = {"host": "keep", "server_dialect": asked_in}
    async with (
        serving() as server,
        relaying(server.port, listeners=[counting.metrics], session=session) as relay,
        relay.client() as client,
    ):
        await client.send(sent)
        for answered in answers:
            upstream = await server.accept()
            await upstream.receive_head()
            await upstream.send(answered)
            upstream.finish()
        client.finish()
        await relay.recorder.ended()
    handshakes = {
        tuple(sample.labels.values()): sample.value
        for family in counting.registry.collect()
        for sample in family.samples
        if sample.name == "ws76proxy_handshakes_total"
    }
    assert handshakes == {counted: 1}
    pair = {"client_dialect": counted[0], "server_dialect": counted[1]}
    has_switched = answers[-1].startswith(b"HTTP/1.1 101 ")
    assert counting.get("handshake_seconds_count", **pair) == has_switched


async def test_no_peer_can_make_a_series() -> None:
    """The number of series depends on this package's words only."""
    counting = Counting()

    async def one_of_each(relay: Running, word: str) -> None:
        hostile = (
            request(host=word, origin=f"http://{word}", extra=f"X-{word}: {word}\r\n") + KEY3,
            request(extra=f"Sec-WebSocket-Protocol: {word}\r\n") + KEY3,
            request_75().replace(b"/demo", f"/{word}".encode()),
            f"{word} / HTTP/1.1\r\nUpgrade: {word}\r\n\r\n".encode(),
            f"GET /{word} HTTP/1.1\r\n\r\n".encode(),
            word.encode(),
        )
        for sent in hostile:
            async with relay.client() as client:
                await client.send(sent)
                client.finish()
                await client.until_dropped()

    def series() -> int:
        return sum(len(family.samples) for family in counting.registry.collect())

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with relaying(port, listeners=[counting.metrics]) as relay:
        await one_of_each(relay, "first")
        await relay.recorder.until(SessionEndRecord, count=6)
        before = series()
        for number in range(10):
            await one_of_each(relay, f"word{number}")
        await relay.recorder.until(SessionEndRecord, count=66)
        assert series() == before


async def test_messages_that_nobody_wants_are_not_made() -> None:
    """Counting must not cost what showing does."""
    assert Metrics(CollectorRegistry()).wants_messages is False


async def test_how_long_what_is_due_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ws76proxy.fleet.metrics.LOOK_EVERY", 0.001)
    counting = Counting()
    looking = asyncio.create_task(keep_looking(counting.metrics))
    await asyncio.sleep(0)
    blocked = time.perf_counter() + 0.05
    while time.perf_counter() < blocked:
        pass
    while not counting.get("relay_delay_seconds_count"):  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0)
    looking.cancel()
    assert counting.get("relay_delay_seconds_sum") > 0.04


# The page


@contextlib.asynccontextmanager
async def page(well: str | None = None) -> AsyncIterator[int]:
    registry = CollectorRegistry()
    Metrics(registry)
    async with StatusPage(registry, "127.0.0.1", 0, lambda: well) as served:
        yield served.address[1]


async def test_the_page() -> None:
    async with page() as port:
        status, head, body = await fetch(port, "/metrics?x=y")
        assert status == 200
        assert "Content-Type: text/plain; version=" in head
        families = {family.name: family for family in text_string_to_metric_families(body)}
        assert families["ws76proxy_sessions"].type == "counter"
        assert all(family.documentation for family in families.values())
        assert await fetch(port, "/metrics", "HEAD") == (200, head, "")
        _, modern, body = await fetch(port, "/metrics", accept="application/openmetrics-text")
        assert "application/openmetrics-text" in modern
        assert body.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/metricsx", 404),
        ("POST", "/metrics", 405),
        ("GET", "/" + "x" * 20_000, 400),
    ],
)
async def test_what_the_page_refuses(method: str, path: str, status: int) -> None:
    async with page() as port:
        assert (await fetch(port, path, method))[0] == status


@pytest.mark.parametrize(("well", "status"), [(None, 200), ("draining", 503)])
async def test_health(well: str | None, status: int) -> None:
    async with page(well) as port:
        assert await health(port) == (status, f"{well or 'ok'}\n")


async def test_readers_that_say_nothing_are_not_many(monkeypatch: pytest.MonkeyPatch) -> None:
    # None of them is let go for its silence.
    monkeypatch.setattr("ws76proxy.fleet.page._SECONDS", 3600.0)
    async with page() as port, contextlib.AsyncExitStack() as stack:
        for _ in range(32):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""


# As processes


def total(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((f"ws76proxy_{name}", tuple(sorted(labels.items()))), 0.0)


async def until(relay: Process, name: str, value: float, **labels: str) -> Samples:
    """Read the page until a figure is there: it may be a second late."""
    while True:
        samples = await metrics(relay.metrics_port)
        if total(samples, name, **labels) == value:
            return samples
        assert total(samples, name, **labels) < value


@one_loop
async def test_what_a_dead_worker_counted_remains(loop_name: str) -> None:
    options = "-q", "--workers", "2", "--metrics", "127.0.0.1:0"
    sessions, said = 12, ["one", "two", "three"]
    async with (
        EchoServer() as server,
        running(loop_name, server.port, *options) as relay,
        relay.client() as open_one,
    ):
        relay.expected = "its successor starts"
        for _ in range(sessions):
            assert await converse("127.0.0.1", relay.port, said) == said
        await open_one.open()
        await until(relay, "sessions_ended_total", sessions, outcome="open")
        before = await until(relay, "handshakes_total", sessions + 1, **PAIR, verdict="verified")
        assert total(before, "sessions_open") == 1
        assert total(before, "workers") == 2
        messages = sessions * len(said)
        for direction in ("client", "server"):
            await until(relay, "messages_total", messages, direction=direction)
        for worker in relay.workers:
            os.kill(worker, signal.SIGKILL)
        await open_one.until_dropped()
        after = await until(relay, "worker_restarts_total", 2)
        while total(after, "workers") < 2:
            after = await metrics(relay.metrics_port)
        # The one that was open is gone with its worker, and what was counted is not.
        assert total(after, "sessions_open") == 0
        assert total(after, "sessions_total") == sessions + 1
        assert total(after, "handshakes_total", **PAIR, verdict="verified") == sessions + 1
        # Their successors count on.
        assert await converse("127.0.0.1", relay.port, said) == said
        await until(relay, "sessions_ended_total", sessions + 1, outcome="open")
        await until(relay, "messages_total", messages + len(said), direction="client")
        await relay.stop()


@one_loop
async def test_one_process_alone(loop_name: str) -> None:
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "--json", "--metrics", "127.0.0.1:0") as relay,
    ):
        assert await converse("127.0.0.1", relay.port, ["a"]) == ["a"]
        samples = await until(relay, "messages_total", 1, direction="server")
        assert total(samples, "sessions_total") == 1
        assert any(name == "ws76proxy_build_info" for name, _ in samples)
        await relay.stop()


@one_loop
async def test_records_that_are_lost_are_counted(loop_name: str, small_disk: Path) -> None:
    options = "-q", "--record", str(small_disk), "--metrics", "127.0.0.1:0"
    async with (
        EchoServer() as server,
        running(loop_name, server.port, *options) as relay,
        relay.client() as client,
    ):
        await client.open()
        dropped = 0.0
        while not dropped:
            await client.echo(b"x" * 10_000)
            samples = await metrics(relay.metrics_port)
            dropped = total(samples, "records_dropped_total", listener="recording")
        relay.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0


@one_loop
async def test_a_page_that_cannot_be_served(loop_name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        for workers in ("1", "2"):
            with pytest.raises(AssertionError, match="cannot serve metrics"):
                async with running(loop_name, 9, "--metrics", where, "--workers", workers):
                    pass
