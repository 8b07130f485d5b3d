"""What a run never does: hang, hurry, read without end, or leave a connection behind."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.relay.certificates import Authority
from ws76proxy.endpoint import Endpoint
from ws76proxy.probe import RunOptions, Target, UnreachableError, Verdict, choose, probe, runner
from ws76proxy.probe.pace import Pace

from .serving import Connection, Running, listening, machine
from .strict import AbortError, StrictServer

# Pace


@given(
    st.floats(0.1, 1000),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=2, max_size=50),
)
def test_pace_is_never_exceeded(rate: float, waits: list[tuple[float, float]]) -> None:
    """Somebody comes after a while, and sleeps too long."""
    pace = Pace(rate)
    now = 1000.0
    starts = []
    for later, overslept in waits:
        now += later
        ahead = pace.ahead(now)
        now += ahead + (overslept if ahead else 0)
        assert pace.ahead(now) <= 1e-9
        pace.start(now)
        starts.append(now)
    assert min(later - start for start, later in pairwise(starts)) >= 1 / rate - 1e-9


def test_pace_does_not_make_anybody_wait_for_nothing() -> None:
    pace = Pace(10)
    assert pace.ahead(5.0) == 0
    pace.start(5.0)
    assert pace.ahead(5.0) == pytest.approx(0.1)
    assert pace.ahead(5.06) == pytest.approx(0.04)
    assert pace.ahead(7.0) == 0


@pytest.mark.parametrize("concurrency", [1, 8])
def test_connections_are_opened_at_the_rate(
    monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    rate = 100.0
    times: list[float] = []

    class Timed(Pace):
        def start(self, now: float) -> None:
            times.append(now)
            super().start(now)

    monkeypatch.setattr(runner, "Pace", Timed)

    async def work() -> None:
        async with listening(machine(StrictServer)) as running:
            options = RunOptions(rate=rate, concurrency=concurrency)
            await probe(running.target, choose(["76.fields.[c-m]*"]), options)
            assert running.accepted == len(times)

    asyncio.run(work())
    assert len(times) > 10
    assert min(later - start for start, later in pairwise(times)) >= 1 / rate - 1e-9


@pytest.mark.parametrize("concurrency", [1, 3])
def test_so_many_are_open_at_once(concurrency: int) -> None:
    async def work() -> int:
        async with listening(machine(StrictServer)) as running:
            options = RunOptions(rate=1000, concurrency=concurrency)
            # Each of these takes half a second or more.
            only = ["7?.answer.nothing-behind", "76.segments.key3-late", "76.key3.never"]
            await probe(running.target, choose(only), options)
            return running.most_at_once

    assert asyncio.run(work()) == concurrency


# Servers that do too much, or nothing


class _Flood(Connection):
    """Sends for ever once it is asked for anything, as fast as it is read."""

    flowing = False

    def data_received(self, data: bytes) -> None:
        if not self.flowing:
            self.flowing = True
            self.resume_writing()

    def pause_writing(self) -> None:
        self.flowing = False

    def resume_writing(self) -> None:
        self.flowing = True
        while self.flowing and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 101 X\r\n" * 4096)


class _Drip(Connection):
    """Sends a byte whenever the event loop has time for it, and never a line end."""

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self.drip)

    def drip(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"a")
            asyncio.get_running_loop().call_later(0.01, self.drip)


class _Silence(Connection):
    """Accepts, reads, and says nothing."""

    def data_received(self, data: bytes) -> None:
        return

    def eof_received(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [_Flood, _Drip, _Silence])
def test_a_server_that_never_answers(kind: type[Connection]) -> None:
    async def work() -> None:
        async with listening(lambda running: kind(running, StrictServer())) as running:
            with pytest.raises(UnreachableError, match="expected 101"):
                await probe(running.target, choose(), RunOptions(rate=1000, timeout=0.2))

    began = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - began < 10


class _FloodsWhenOpen(StrictServer):
    """Echoes each message 100 times more than anybody wants."""

    def text(self, payload: bytes) -> None:
        if len(payload) > 60_000:
            self.out += b"\x00" + b"a" * 1_000_000 + b"\xff"
        super().text(payload)


def test_what_is_read_has_a_limit() -> None:
    async def work() -> str:
        async with listening(machine(_FloodsWhenOpen)) as running:
            only = ["76.frames.size-65535"]
            report = await probe(running.target, choose(only), RunOptions(rate=1000, timeout=2))
        (result,) = report.results
        assert result.verdict is Verdict.FAILED
        return result.judgement.came

    assert "sent more than" in asyncio.run(work())


class _StopsReading(Connection):
    """Opens, and reads nothing any more once messages come."""

    def data_received(self, data: bytes) -> None:
        if self.server.open and b"does this server echo?" not in data:
            self.transport.pause_reading()
            return
        super().data_received(data)


def test_a_server_that_does_not_read() -> None:
    def make(running: Running) -> _StopsReading:
        host = b"127.0.0.1:%d" % running.port
        return _StopsReading(running, StrictServer(host=host))

    async def work() -> None:
        async with listening(make) as running:
            options = RunOptions(rate=1000, timeout=0.3)
            report = await probe(running.target, choose(["76.frames.size-1048576"]), options)
        (result,) = report.results
        assert result.verdict is Verdict.FAILED

    asyncio.run(work())


def test_a_cancelled_run_leaves_nothing_behind() -> None:
    async def work() -> None:
        accepted = asyncio.Event()

        def make(running: Running) -> Connection:
            accepted.set()
            return _Silence(running, StrictServer())

        async with listening(make) as running:
            options = RunOptions(rate=1000, timeout=60)
            task = asyncio.create_task(_swallow(running.target, options))
            await accepted.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert others == set()

    asyncio.run(work())


async def _swallow(target: Target, options: RunOptions) -> None:
    await probe(target, choose(), options)


# Where there is nothing to probe


def unreachable(target: Target, options: RunOptions | None = None) -> str:
    async def work() -> str:
        with pytest.raises(UnreachableError) as caught:
            await probe(target, choose(), options or RunOptions(rate=1000, timeout=2))
        return str(caught.value)

    return asyncio.run(work())


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = unreachable(Target(Endpoint(False, "127.0.0.1", port), "/x"))
    assert said == (
        f"ws://127.0.0.1:{port}/x: expected a server there, found none: Connection refused"
    )


def test_no_such_name() -> None:
    said = unreachable(Target(Endpoint(False, "no-such-host.invalid", 80)))
    assert said.startswith("ws://no-such-host.invalid/: expected a server there, found none: ")


class _Page(StrictServer):
    """An ordinary web server."""

    def handshake(self) -> None:
        if b"\r\n\r\n" in self.buffer:
            self.out += b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            self.closed = True


def _against(
    server: type[StrictServer],
    target: Callable[[Running], Target] = lambda running: running.target,
    context: ssl.SSLContext | None = None,
    options: RunOptions | None = None,
) -> str:
    async def work() -> str:
        async with listening(machine(server), context) as running:
            wanted = options or RunOptions(rate=1000, timeout=2)
            with pytest.raises(UnreachableError) as caught:
                await probe(target(running), choose(), wanted)
            return str(caught.value)

    return asyncio.run(work())


def test_a_server_that_opens_nothing() -> None:
    said = _against(_Page)
    assert "expected 101 to a right opening handshake, found: to hixie-76 the server" in said
    assert 'answered "HTTP/1.1 404 Not Found"' in said


def test_plain_text_to_a_tls_port(tmp_path: Path) -> None:
    context = Authority(tmp_path).certify("127.0.0.1").server_context()

    def plain(running: Running) -> Target:
        return Target(Endpoint(False, "127.0.0.1", running.port))

    said = _against(StrictServer, plain, context)
    assert "expected 101" in said
    assert said.endswith("expected wss:// for this port") or "closed the connection" in said


def test_tls_to_a_plain_port() -> None:
    def secure(running: Running) -> Target:
        return Target(Endpoint(True, "127.0.0.1", running.port))

    options = RunOptions(rate=1000, timeout=2, context=ssl.create_default_context())
    said = _against(StrictServer, secure, options=options)
    assert "expected a server there, found none: " in said


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    context = Authority(tmp_path).certify("127.0.0.1").server_context()
    options = RunOptions(rate=1000, timeout=2, context=ssl.create_default_context())
    said = _against(StrictServer, context=context, options=options)
    assert "the server's certificate is not trusted" in said


# Servers that end


class _Mortal(Connection):
    """Belongs to a process that dies of key1 without digits, and may be started again."""

    returns_after: int | None = None
    """How many connections are dropped before it is there again; None: it stays away."""
    missed = 0
    dead = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        kind = type(self)
        if not kind.dead:
            return
        kind.missed += 1
        if kind.returns_after is not None and kind.missed > kind.returns_after:
            kind.dead = False
            return
        cast("asyncio.Transport", transport).abort()

    def data_received(self, data: bytes) -> None:
        if b"x Qz-kW ab" in data:
            kind = type(self)
            kind.dead, kind.missed = True, 0
            for transport in list(self.running.transports):
                transport.abort()
            return
        super().data_received(data)


def mortal(after: int | None) -> type[_Mortal]:
    return cast("type[_Mortal]", type("_Mortal", (_Mortal,), {"returns_after": after}))


def _with(kind: type[_Mortal], concurrency: int) -> dict[str, tuple[Verdict, str]]:
    def make(running: Running) -> _Mortal:
        host = b"127.0.0.1:%d" % running.port
        return kind(running, StrictServer(host=host))

    async def work() -> dict[str, tuple[Verdict, str]]:
        async with listening(make) as running:
            options = RunOptions(rate=1000, timeout=0.5, concurrency=concurrency)
            report = await probe(running.target, choose(["76.key.*"]), options)
        return {
            result.case.name: (result.verdict, result.judgement.came) for result in report.results
        }

    return asyncio.run(work())


class _WantsKey3Apart(StrictServer):
    """Reads the head first, and loses what came with it."""

    def handshake(self) -> None:
        if not self.fields and not self.is_75 and not self.buffer.endswith(b"\r\n\r\n"):
            raise AbortError
        super().handshake()


def test_a_server_that_wants_key3_apart_is_not_taken_for_gone() -> None:
    async def work() -> dict[str, Verdict]:
        async with listening(machine(_WantsKey3Apart)) as running:
            only = ["76.handshake.*", "76.segments.key3-apart"]
            report = await probe(running.target, choose(only), RunOptions(rate=1000, timeout=2))
        return {result.case.name: result.verdict for result in report.results}

    verdicts = asyncio.run(work())
    assert verdicts.pop("76.segments.key3-apart") is Verdict.OK
    assert set(verdicts.values()) == {Verdict.FAILED}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_case_that_ends_a_server_is_named(concurrency: int) -> None:
    results = _with(mortal(3), concurrency)
    verdict, came = results.pop("76.key.no-digits")
    assert verdict is Verdict.FAILED
    assert "then the server was gone: " in came
    assert {verdict for verdict, _ in results.values()} == {Verdict.OK}, results


def test_what_a_server_that_stays_away_was_not_asked() -> None:
    results = _with(mortal(None), 1)
    names = list(results)
    at = names.index("76.key.no-digits")
    assert {results[name][0] for name in names[:at]} == {Verdict.OK}
    assert results["76.key.no-digits"][0] is Verdict.FAILED
    for name in names[at + 1 :]:
        verdict, came = results[name]
        assert verdict is Verdict.NOT_APPLICABLE
        assert came.startswith("not tried: the server was gone")


def test_with_several_at_once_a_server_that_stays_away_fails_the_run() -> None:
    results = _with(mortal(None), 4)
    verdict, came = results["76.key.no-digits"]
    assert verdict is Verdict.FAILED
    assert re.search(r"then the server was gone after one of \d cases: ", came)
    assert Verdict.NOT_APPLICABLE in {verdict for verdict, _ in results.values()}
