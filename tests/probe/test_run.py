"""Whole runs over real sockets: right servers, faulty ones, and both event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.relay.certificates import Authority
from ws76proxy.demo import EchoServer
from ws76proxy.endpoint import Endpoint
from ws76proxy.probe import (
    CASES,
    Report,
    Result,
    RunOptions,
    Target,
    Verdict,
    choose,
    probe,
)
from ws76proxy.wire.dialect import Dialect

from . import faulty, faulty_frames
from .serving import listening, machine
from .strict import StrictServer

FAST = RunOptions(rate=1000, timeout=2)
Run = Callable[[Coroutine[Any, Any, Report]], Report]


@pytest.fixture(
    params=[
        "asyncio",
        pytest.param(
            "uvloop",
            marks=pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is missing"),
        ),
    ]
)
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a coroutine on each of the event loops that the command line may have."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if request.param == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner.run


def verdicts(report: Report) -> dict[str, Verdict]:
    return {result.case.name: result.verdict for result in report.results}


def not_ok(report: Report) -> dict[str, str]:
    """For the reader of a failure: what came in each case that is not ok."""
    return {
        result.case.name: f"{result.verdict}: {result.judgement.came}"
        for result in report.results
        if result.verdict is not Verdict.OK
    }


async def probed(server: type[StrictServer], *only: str) -> Report:
    async with listening(machine(server)) as running:
        return await probe(running.target, choose(only), FAST)


def test_a_strict_server_passes_every_case(run: Run) -> None:
    report = run(probed(StrictServer))
    assert not_ok(report) == {}
    assert [result.case for result in report.results] == list(CASES)
    assert report.facts.opens == report.facts.echoes == {Dialect.HIXIE_76, Dialect.HIXIE_75}
    assert report.passed(strict=True)


LENIENT = {
    "76.fields.bare-line-feeds",
    "76.fields.no-colon",
    "76.fields.no-connection",
    "76.fields.no-name",
    "76.fields.no-upgrade",
    "76.fields.other-connection",
    "76.fields.other-upgrade",
    "76.fields.post",
    "76.host.absent",
    "76.host.foreign",
    "76.host.twice",
    "76.origin.absent",
    "76.origin.foreign",
    "76.origin.twice",
}


def test_the_echo_server_of_the_demo_fails_no_case(run: Run) -> None:
    async def work() -> Report:
        async with EchoServer() as server:
            target = Target(Endpoint(False, "127.0.0.1", server.port), "/chat?room=1")
            return await probe(target, CASES, FAST)

    report = run(work())
    assert {name for name, verdict in verdicts(report).items() if verdict is not Verdict.OK} == (
        LENIENT
    )
    assert set(not_ok(report).values()) == {
        "non-strict: the server answered 101 with the right digest"
    }


def test_over_tls(run: Run, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.certify("127.0.0.1").server_context()
    patterns = ["76.handshake.*", "76.answer.*", "76.key3.*", "76.frames.*", "7?.end.*", "75.a*"]

    async def work() -> Report:
        async with listening(machine(StrictServer), context) as running:
            options = RunOptions(rate=1000, context=authority.client_context())
            return await probe(running.target, choose(patterns), options)

    report = run(work())
    left_out = {"76.key3.seven-bytes", "76.end.", "75.end.tcp"}
    for name, verdict in verdicts(report).items():
        skipped = any(name.startswith(one) for one in left_out)
        assert verdict is (Verdict.NOT_APPLICABLE if skipped else Verdict.OK), not_ok(report)


SHOWN: list[tuple[type[StrictServer], str, str]] = [
    # The server, what is tried, and what of that must fail or be non-strict.
    (faulty.TrimsKey3, "76.key3.leading-*", "76.key3.leading-[clst]*"),
    (faulty.NeedsOneSegment, "76.segments.*", "76.segments.[!w]*"),
    (faulty.AnswersWithoutKey3, "76.key3.[no]*", "76.key3.never"),
    (faulty.LineEndBehindDigest, "76.answer.*", "76.answer.nothing-behind"),
    (faulty.NoDigest, "76.handshake.plain", "*"),
    (faulty.DropsEarlyFrames, "76.frames.[e]*", "76.frames.early"),
    (faulty_frames.WholeFramesOnly, "76.frames.*-apart", "*"),
    (faulty_frames.EchoesLengthFrames, "76.discard.80-*", "*"),
    (faulty_frames.AnswersHttp, "76.discard.type-*", "*"),
    (faulty_frames.ClosesWithoutAnswer, "76.closing.*", "*"),
    (faulty_frames.ClosesBackwards, "76.closing.*", "*"),
    (faulty_frames.LingersAfterEnd, "76.end.w*", "*"),
    (faulty.DigestIn75, "75.frames.*", "*"),
    (faulty.DigestIn75, "75.answer.*", "75.answer.nothing-behind"),
]


@pytest.mark.parametrize(
    ("server", "only", "named"),
    SHOWN,
    ids=[f"{server.__name__}-{only}" for server, only, _ in SHOWN],
)
def test_a_faulty_server_is_named(server: type[StrictServer], only: str, named: str) -> None:
    async def work() -> Report:
        async with listening(machine(server)) as running:
            options = RunOptions(rate=1000, timeout=1)
            return await probe(running.target, choose([only]), options)

    report = asyncio.run(work())
    expected = {case.name for case in choose([only]) if fnmatchcase(case.name, named)}
    assert expected
    assert not_ok(report).keys() == expected, not_ok(report)


def test_each_result_is_told_as_it_comes() -> None:
    told: list[Result] = []

    async def work() -> Report:
        async with listening(machine(StrictServer)) as running:
            return await probe(running.target, choose(["76.host.*"]), FAST, told.append)

    report = asyncio.run(work())
    assert tuple(told) == report.results


def test_what_went_over_the_wire_is_kept() -> None:
    (result,) = asyncio.run(probed(StrictServer, "76.frames.ascii")).results
    assert result.sent.startswith(b"GET /echo?room=1 HTTP/1.1\r\n")
    assert b"\xff\x00the end of 76.frames.ascii\xff" in result.sent
    assert result.received.startswith(b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n")
    assert result.received.endswith(b"the end of 76.frames.ascii\xff")
    assert result.seconds > 0


class _SetsACookie(StrictServer):
    """Gives everybody a session."""

    def answer_fields(self) -> list[bytes]:
        return [*super().answer_fields(), b"set-cookie: session=secret; HttpOnly"]


@pytest.mark.parametrize("shown", [False, True])
def test_secrets_are_not_kept(shown: bool) -> None:
    async def work() -> Report:
        async with listening(machine(_SetsACookie)) as running:
            own = (("Authorization", "Basic c2VjcmV0"), ("X-Empty", ""))
            target = replace(running.target, extra=own)
            options = RunOptions(rate=1000, show_secrets=shown)
            return await probe(target, choose(["76.frames.ascii"]), options)

    (result,) = asyncio.run(work()).results
    assert result.verdict is Verdict.OK
    assert (b"session=secret" in result.received) is shown
    assert (b"c2VjcmV0" in result.sent) is shown
    assert (b"Authorization: [redacted]\r\n" in result.sent) is not shown
    assert b"Sec-WebSocket-Key1: " in result.sent


class _Greets(StrictServer):
    """Speaks first."""

    def opened(self) -> None:
        self.out += b"\x00welcome\xff"


def test_a_greeting_is_no_fault() -> None:
    report = asyncio.run(probed(_Greets, "76.frames.*", "76.closing.*", "76.answer.nothing-behind"))
    assert report.facts.greetings == {b"welcome"}
    assert not_ok(report) == {}


class _Mute(StrictServer):
    """Opens, and does not echo."""

    def text(self, payload: bytes) -> None:
        return


def test_a_server_without_echo_is_not_judged_by_frames() -> None:
    async def work() -> Report:
        async with listening(machine(_Mute)) as running:
            options = RunOptions(rate=1000, timeout=0.2)
            return await probe(running.target, choose(["76.frames.*", "76.closing.*"]), options)

    report = asyncio.run(work())
    for result in report.results:
        if result.case.group == "76.frames":
            assert result.judgement.came == "the server does not echo"
        assert result.verdict in (Verdict.NOT_APPLICABLE, Verdict.OK)
    assert report.passed(strict=True)


def test_no_echo_asks_for_none() -> None:
    async def work() -> Report:
        async with listening(machine(StrictServer)) as running:
            options = RunOptions(rate=1000, echo=False)
            return await probe(running.target, choose(["76.frames.*"]), options)

    report = asyncio.run(work())
    assert report.facts.echoes == frozenset()
    assert set(verdicts(report).values()) == {Verdict.NOT_APPLICABLE}


class _Only75(StrictServer):
    """Knows no keys."""

    def has_key(self) -> bool:
        return False


def test_a_server_of_draft_75_alone() -> None:
    async def work() -> Report:
        async with listening(machine(_Only75)) as running:
            options = RunOptions(rate=1000, timeout=0.2)
            only = ["76.handshake.plain", "76.key.*", "75.*"]
            return await probe(running.target, choose(only), options)

    report = asyncio.run(work())
    assert report.facts.opens == {Dialect.HIXIE_75}
    for result in report.results:
        expected = {
            "76.handshake": Verdict.FAILED,
            "76.key": Verdict.NOT_APPLICABLE,
        }.get(result.case.group, Verdict.OK)
        assert result.verdict is expected, not_ok(report)
