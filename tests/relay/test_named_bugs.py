"""Broken servers and intermediaries, started for real around a relay: each is named."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from ws76proxy.diagnosis import HYPOTHESES, explain_together
from ws76proxy.diagnosis.causes import within_a_sentence
from ws76proxy.record import ChallengeRecord, FindingRecord, SessionEndRecord
from ws76proxy.recording import read_sessions
from ws76proxy.recording.challenges import answers_in
from ws76proxy.recording.writer import Recorder, RecordingOptions
from ws76proxy.relay.tls import upstream_context
from ws76proxy.wire import Challenge, generate_challenge

from .broken import (
    Answer,
    clamping,
    forwarding,
    rightly,
    serving,
    skipping_empty_lines,
    stopping_at_nul,
    trimming,
    wrapping,
)
from .certificates import Authority
from .ends import End, connecting
from .handshakes import request
from .harness import Running, relaying

SHORT = 1.0
"""The time of a handshake that hangs; what must happen before it is over takes far less."""
TRIMMED = "digest-key3-trimmed"
EATEN = (b"\r2345678", b"\n2345678", b"\r\n345678", b"\n\r\r\n5678")


def challenges(count: int, seed: int = 76) -> list[Challenge]:
    random = Random(seed)
    return [generate_challenge(random.randrange) for _ in range(count)]


def with_key3(key3: bytes) -> Challenge:
    (challenge,) = challenges(1)
    return Challenge(challenge.key1, challenge.key2, key3)


async def ask(client: End, challenge: Challenge) -> None:
    """Send an opening handshake with this challenge."""
    head = request()
    for name, key in ((b"Key1: ", challenge.key1), (b"Key2: ", challenge.key2)):
        before, _, behind = head.partition(name)
        head = before + name + key.text + behind[behind.index(b"\r\n") :]
    await client.send(head + challenge.key3)


async def meet(relay: Running, asked: Sequence[Challenge]) -> None:
    """One handshake after the other, each in a session of its own, read to the digest."""
    for number, challenge in enumerate(asked, 1):
        async with relay.client() as client:
            await ask(client, challenge)
            await client.receive_head()
            await client.receive(16)
        await relay.recorder.ended(number)


async def hang(port: int, challenge: Challenge) -> None:
    """A handshake that does not come to an end."""
    async with connecting(port) as client:
        await ask(client, challenge)
        await client.rest()


def codes(relay: Running, session: int = 0) -> set[str]:
    return {finding.code for finding in relay.recorder.all(FindingRecord, session)}


def failures(relay: Running) -> list[int]:
    """The sessions whose digest was wrong."""
    told = relay.recorder.all(ChallengeRecord)
    return [one.session for one in told if one.verdict != "verified"]


def together(relay: Running) -> list[FindingRecord]:
    """What was said of several handshakes, time after time."""
    return [one for one in relay.recorder.all(FindingRecord) if one.code == "digests-together"]


def named_in(finding: FindingRecord) -> set[str]:
    """The bugs whose titles stand in it."""
    return {
        code for code, bug in HYPOTHESES.items() if within_a_sentence(bug.title) in finding.detail
    }


async def test_a_server_that_trims_key3() -> None:
    asked = challenges(300)
    async with serving(trimming) as port, relaying(port) as relay:
        await meet(relay, asked)
    wrong = failures(relay)
    assert wrong == [n for n, one in enumerate(asked, 1) if one.key3 != one.key3.strip()]
    assert 0.03 < len(wrong) / len(asked) < 0.07
    for number in range(1, len(asked) + 1):
        named = codes(relay, number) & HYPOTHESES.keys()
        # One alone may fit other bugs as well: then it is named among them.
        assert (TRIMMED in named) is bool(named) is (number in wrong)
    told = together(relay)
    assert [finding.session for finding in told] == wrong
    assert all(TRIMMED in named_in(finding) for finding in told)
    assert named_in(told[-1]) == {TRIMMED}
    last = wrong[-1]
    assert f"right in {last - len(wrong)} of {last}" in told[-1].detail
    assert HYPOTHESES[TRIMMED].shows in told[-1].detail


async def test_its_recording_says_the_same(tmp_path: Path) -> None:
    disk = Recorder(RecordingOptions(path=tmp_path), vantage="relay")
    async with serving(trimming) as port, relaying(port, listeners=[disk]) as relay:
        # The last one fails, so that the relay speaks of them all.
        await meet(relay, [*challenges(80), with_key3(b" 234567\n")])
    sessions = list(read_sessions([tmp_path], pytest.fail))
    answers = [answer for one in sessions for answer in answers_in(one.records)]
    assert len(answers) == 81
    verdict = explain_together(answers)
    assert verdict.wrong == len(failures(relay)) > 1
    assert verdict.verdict == together(relay)[-1].detail


@pytest.mark.parametrize(
    ("answer", "code"),
    [(clamping, "digest-number-clamped"), (wrapping, "digest-number-wrapped")],
)
async def test_a_server_with_32_bit_numbers(answer: Answer, code: str) -> None:
    asked = challenges(40)
    async with serving(answer) as port, relaying(port) as relay:
        await meet(relay, asked)
    wrong = failures(relay)
    large = [max(one.key1.number or 0, one.key2.number or 0) > 2**31 - 1 for one in asked]
    # A quotient may be cut to the same, but hardly ever is.
    assert len(wrong) >= sum(large) - 2 > 20
    for number in range(1, len(asked) + 1):
        assert codes(relay, number) & HYPOTHESES.keys() == ({code} if number in wrong else set())
    assert named_in(together(relay)[-1]) == {code}


async def test_a_server_whose_digest_ends_at_a_nul() -> None:
    asked = [(one, (one.answer or b"").find(0)) for one in challenges(200)]
    whole = [one for one, nul in asked if nul < 0][:50]
    cut = [one for one, nul in asked if nul >= 0]
    # A few bytes may have come in any other way too.
    telling = [one for one, nul in asked if nul >= 4]
    assert len(cut) > len(telling) > 5
    async with (
        serving(stopping_at_nul) as port,
        relaying(port, handshake_timeout=SHORT) as relay,
    ):
        await meet(relay, whole)
        await asyncio.gather(*[hang(relay.port, challenge) for challenge in cut])
        await relay.recorder.until(SessionEndRecord, count=len(whole) + len(cut))
    told = together(relay)
    assert len(told) == len(telling)
    assert all(named_in(finding) == {"digest-sent-until-nul"} for finding in told)
    assert f"right in {len(whole)} of {len(whole) + len(telling)}" in told[-1].detail


async def test_what_eats_line_ends_between_relay_and_server() -> None:
    sound = challenges(5)
    async with (
        serving(rightly) as port,
        forwarding(port, skipping_empty_lines) as between,
        relaying(between, handshake_timeout=SHORT) as relay,
    ):
        await meet(relay, sound)
        assert codes(relay).isdisjoint({"key3-line-end-eaten", "response-missing"})
        await asyncio.gather(*[hang(relay.port, with_key3(key3)) for key3 in EATEN])
    for number in range(len(sound) + 1, len(sound) + len(EATEN) + 1):
        assert {"key3-line-end-eaten", "response-missing"} <= codes(relay, number)


async def test_what_eats_line_ends_between_client_and_relay() -> None:
    async with (
        serving(rightly) as port,
        relaying(port, handshake_timeout=SHORT) as relay,
        forwarding(relay.port, skipping_empty_lines) as between,
    ):
        await asyncio.gather(*[hang(between, with_key3(key3)) for key3 in EATEN])
        for number in range(1, len(EATEN) + 1):
            assert "key3-short" in (await relay.recorder.ended(number)).findings
    # More than two are rarely line ends: so many are not said to be.
    assert [one.code for one in relay.recorder.all(FindingRecord)].count("key3-trimmed") == 3


async def test_a_server_that_knows_nothing_of_the_tls_before_it(authority: Authority) -> None:
    certificate = authority.certify("127.0.0.1")
    trusted = upstream_context(authority.file, insecure=False, legacy=False)
    async with (
        serving(rightly) as port,
        forwarding(port, tls=certificate.server_context()) as secured,
        relaying(secured, upstream_tls=trusted) as relay,
    ):
        await meet(relay, challenges(1))
    assert failures(relay) == []
    finding = relay.recorder.finding("location-scheme-differs")
    assert f'expected "wss://127.0.0.1:{secured}/' in finding.detail
    assert f'found "ws://127.0.0.1:{secured}/' in finding.detail
