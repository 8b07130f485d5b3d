"""Behind a real HAProxy with the configuration of samples/deploy: who dies, and who is drained."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.relay.ends import End, connecting
from tests.relay.handshakes import CLOSING, DIGEST, KEY3, frame, request
from tests.relay.harness import turn_until
from tests.relay.process import Process, running
from tests.relay.web import health, metrics
from ws76proxy.demo import EchoServer

pytestmark = pytest.mark.peer("haproxy")

CONFIGURATION = Path(__file__).parents[2] / "samples" / "deploy" / "haproxy.cfg"
PATIENCE = 60
BEHIND = "--json", "--proxy-protocol", "--proxy-protocol-from", "127.0.0.0/8"
NOBODY = "127.0.0.3:9"


class Balancer:
    """HAProxy, and what it has said."""

    def __init__(self, child: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._child = child
        self.lines: list[str] = []
        self._said = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            self.lines.append(line.decode(errors="replace"))
            self._said.set()
        self._said.set()

    async def until_said(self, text: str) -> None:
        while not any(text in line for line in self.lines):
            assert not self._reading.done(), self.lines
            self._said.clear()
            await self._said.wait()

    @property
    def has_ended(self) -> bool:
        return self._reading.done()

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        await self._child.wait()
        await self._reading


@contextlib.asynccontextmanager
async def balancing(first: str, second: str, metrics_port: int) -> AsyncIterator[Balancer]:
    """HAProxy before two addresses, one of which may be nobody's."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    environment = {
        **os.environ,
        "HAPROXY_LISTEN": f"127.0.0.1:{port}",
        "HAPROXY_MAXCONN": "1000",
        "RELAY_1": first,
        "RELAY_2": second,
        "METRICS_PORT": str(metrics_port),
    }
    child = await asyncio.create_subprocess_exec(
        *("haproxy", "-db", "-f", str(CONFIGURATION)),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    balancer = Balancer(child, port)
    try:
        if second == NOBODY:
            # So that no session waits for somebody who is not there.
            await balancer.until_said("relays/relay2 is DOWN")
        while not await _accepts(port):
            assert not balancer.has_ended, balancer.lines
        yield balancer
    finally:
        await balancer.stop()


async def _accepts(port: int) -> bool:
    with contextlib.suppress(ConnectionError):
        async with connecting(port):
            return True
    return False


class Talker:
    """A client that says numbers, one after the other, and checks every byte of the echo."""

    def __init__(self, end: End) -> None:
        self.end = end
        connection: socket.socket = end._writer.get_extra_info("socket")
        host, port = connection.getsockname()
        self.address = f"{host}:{port}"
        self.said = 0

    async def open(self) -> None:
        await self.end.send(request() + KEY3)
        assert (await self.end.receive_head()).startswith(b"HTTP/1.1 101 ")
        assert await self.end.receive(16) == DIGEST

    async def say(self, count: int) -> None:
        """So many more messages, several on their way at once."""
        for _ in range(count):
            sent = b"".join(frame(b"%d" % number) for number in range(self.said, self.said + 5))
            await self.end.send(sent)
            assert await self.end.receive(len(sent)) == sent
            self.said += 5


class Records:
    """What a relay tells, read while it runs."""

    def __init__(self, relay: Process) -> None:
        self.all: list[dict[str, Any]] = []
        self._relay = relay
        self._more = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for record in self._relay.records():
            self.all.append(record)
            self._more.set()

    def has(self, talker: Talker) -> bool:
        """Whether it has told of a client."""
        return any(record.get("client") == talker.address for record in self.all)

    async def number_of(self, talker: Talker) -> int:
        """The session of a client, found by the address that only the PROXY header tells."""
        while True:
            for record in self.all:
                if record["type"] == "session-start" and record["client"] == talker.address:
                    return int(record["session"])
            self._more.clear()
            await self._more.wait()

    async def end(self) -> None:
        await self._reading


def worker_process(relay: Process, worker: int) -> int:
    """The process of a worker, by what its supervisor has told it."""
    for process in relay.workers:
        for variable in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
            name, _, value = variable.partition(b"=")
            if name == b"WS76PROXY_WORKER" and json.loads(value)["worker"] == worker:
                return process
    raise AssertionError(f"no process of worker {worker}")


def asynchronously(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await work()

    asyncio.run(bounded())


def test_one_of_two_workers_is_killed_under_load() -> None:
    asynchronously(_one_of_two_is_killed)


async def _one_of_two_is_killed() -> None:
    options = *BEHIND, "--workers", "2", "--metrics", "127.0.0.1:0"
    async with (
        EchoServer() as server,
        running("auto", server.port, *options) as relay,
        balancing(f"127.0.0.1:{relay.port}", NOBODY, relay.metrics_port) as balancer,
        contextlib.AsyncExitStack() as stack,
    ):
        relay.expected = "was ended by SIGKILL"
        records = Records(relay)
        talkers: dict[int, list[Talker]] = {1: [], 2: []}
        # The kernel deals clients to workers by their ports.
        while len(talkers[1]) < 6 or len(talkers[2]) < 6:
            talker = Talker(await stack.enter_async_context(connecting(balancer.port)))
            await talker.open()
            number = await records.number_of(talker)
            talkers[1 if number % 2 else 2].append(talker)

        survivors = [asyncio.create_task(talker.say(400)) for talker in talkers[2]]
        victims = [asyncio.create_task(talker.say(1_000_000)) for talker in talkers[1]]
        everybody = (*talkers[1], *talkers[2])
        await turn_until(lambda: all(talker.said >= 25 for talker in everybody))
        await _until_verified(relay, len(everybody))
        os.kill(worker_process(relay, 1), signal.SIGKILL)
        await relay.until_said("worker 1 was ended by SIGKILL")

        # New ones land at once, while the others go on.
        newcomers = [
            Talker(await stack.enter_async_context(connecting(balancer.port))) for _ in range(8)
        ]
        for newcomer in newcomers:
            await newcomer.open()
            await newcomer.say(10)
        await asyncio.gather(*survivors)
        assert all(talker.said == 2000 for talker in talkers[2])
        for victim in victims:
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await victim
        assert await health(relay.metrics_port) == (200, "ok\n")
        # What the killed one had counted is still there.
        await _until_verified(relay, len(newcomers) + len(everybody))
        relay.send_signal(signal.SIGTERM)
        await records.end()
        assert await relay.ended() == 0
    # One session more: whoever looked whether HAProxy listens said nothing.
    starts = [record for record in records.all if record["type"] == "session-start"]
    assert (
        len({record["session"] for record in starts})
        == len(starts)
        == len(newcomers) + len(everybody) + 1
    )
    assert not [record for record in records.all if record["type"] == "finding" and _is_bad(record)]


_VERIFIED = (
    "ws76proxy_handshakes_total",
    (
        ("client_dialect", "hixie-76"),
        ("server_dialect", "hixie-76"),
        ("verdict", "verified"),
    ),
)


async def _until_verified(relay: Process, handshakes: int) -> None:
    """Read the metrics until they say so: they may be a second late."""
    while (counted := (await metrics(relay.metrics_port)).get(_VERIFIED, 0)) < handshakes:
        pass
    assert counted == handshakes


def _is_bad(record: dict[str, Any]) -> bool:
    return bool(record["severity"] == "error")


def test_one_of_two_relays_is_drained() -> None:
    asynchronously(_one_of_two_is_drained)


async def _one_of_two_is_drained() -> None:
    options = *BEHIND, "--drain", "3600", "--drain-quiet", "0.2"
    async with EchoServer() as server, contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            running("auto", server.port, *options, "--metrics", "127.0.0.1:0")
        )
        # At the same port of another address, as in two containers.
        second = await stack.enter_async_context(
            running(
                "auto",
                server.port,
                *(*options, "--listen", "127.0.0.2:0"),
                *("--metrics", f"127.0.0.2:{first.metrics_port}"),
            )
        )
        balancer = await stack.enter_async_context(
            balancing(f"127.0.0.1:{first.port}", f"127.0.0.2:{second.port}", first.metrics_port)
        )
        records = [Records(one) for one in (first, second)]
        talkers: dict[int, Talker] = {}
        while len(talkers) < 2:
            talker = Talker(await stack.enter_async_context(connecting(balancer.port)))
            await talker.open()
            await talker.say(1)
            await turn_until(partial(_is_told, records, talker))
            talkers[0 if records[0].has(talker) else 1] = talker
        busy = asyncio.create_task(_talk(talkers[1]))
        first.send_signal(signal.SIGTERM)
        assert await talkers[0].end.rest() == CLOSING
        await talkers[0].end.close()
        # Refused by one, or known to drain: the other one takes all.
        for _ in range(4):
            async with connecting(balancer.port) as end:
                talker = Talker(end)
                await talker.open()
                await talker.say(3)
                await turn_until(partial(records[1].has, talker))
        assert not busy.done()
        busy.cancel()
        second.send_signal(signal.SIGINT)
        for relay, told in zip((first, second), records, strict=True):
            await told.end()
            assert await relay.ended() == 0


def _is_told(records: list[Records], talker: Talker) -> bool:
    return any(one.has(talker) for one in records)


async def _talk(talker: Talker) -> None:
    while True:
        await talker.say(1)
