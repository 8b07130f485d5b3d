"""Whole sessions through the relay: each challenge, each dialect, several at once, over IPv6."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from ws76proxy.demo import EchoServer, converse
from ws76proxy.record import (
    AdjustmentRecord,
    ChallengeRecord,
    FindingRecord,
    SessionEndRecord,
    SessionStartRecord,
)

from .ends import opened, serving
from .handshakes import ANSWER, CLOSING, DIGEST, KEY3, SWITCHING, frame, request, request_75
from .harness import relaying

MESSAGES = ["Hello, 2010!", "Grüße, 世界, ☃", "", "x" * 70_000]


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"challenge": "own"},
        {"repair": True},
        {"challenge": "own", "repair": True},
        {"host": "keep"},
        {"messages": False, "good_findings": False},
    ],
    ids=lambda options: "-".join(map(str, options.values())) or "forward",
)
async def test_a_conversation_comes_back_as_it_was_said(options: dict[str, Any]) -> None:
    async with EchoServer() as server, relaying(server.port, session=options) as relay:
        assert await converse(relay.host, relay.port, MESSAGES, protocol="demo") == MESSAGES
        end = await relay.recorder.ended()
    assert (end.outcome, end.verdict, end.dialect) == ("open", "verified", "hixie-76")
    assert (end.client.messages, end.server.messages) == (4, 4)
    assert (end.client.frames, end.server.frames) == (1, 1)
    assert end.findings == []
    told = options.get("messages", True)
    for side in ("client", "server"):
        assert relay.recorder.texts(side) == (MESSAGES if told else [])
    assert relay.recorder.closings()[:2] == [
        ("client", "closing-handshake"),
        ("server", "closing-handshake"),
    ]


async def test_start_tells_where_the_relay_really_listens() -> None:
    async with EchoServer() as server, relaying(server.port) as relay, relay.client():
        start = await relay.recorder.until(SessionStartRecord)
        assert start.listener == f"ws://127.0.0.1:{relay.port}"
        assert start.upstream == f"ws://127.0.0.1:{server.port}"


async def test_an_own_challenge_asks_and_answers_twice() -> None:
    async with (
        EchoServer() as server,
        relaying(server.port, session={"challenge": "own"}) as relay,
        relay.client() as client,
    ):
        await client.open()
        await relay.recorder.until(ChallengeRecord, count=2)
    asked, answered = relay.recorder.all(ChallengeRecord)
    assert (asked.asked_by, asked.answered_by, asked.verdict) == ("relay", "server", "verified")
    assert (answered.asked_by, answered.answered_by) == ("client", "relay")
    assert answered.received == DIGEST.hex()
    assert asked.key3 != KEY3.hex()


@pytest.mark.parametrize("repair", [False, True])
async def test_a_wrong_answer(repair: bool) -> None:
    wrong = b"sixteen bytes... "[:16]
    async with (
        serving() as server,
        relaying(server.port, session={"repair": repair}) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        await upstream.send(SWITCHING + wrong)
        await client.receive_head()
        assert await client.receive(16) == (DIGEST if repair else wrong)
        challenge = await relay.recorder.until(ChallengeRecord)
        assert (challenge.verdict, challenge.received) == ("wrong", wrong.hex())
        assert challenge.expected == DIGEST.hex()
        repairs = [one for one in relay.recorder.all(AdjustmentRecord) if one.cause == "repair"]
        assert bool(repairs) == repair


async def test_frames_in_one_piece_with_the_handshakes_arrive_once_and_in_order() -> None:
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        await client.send(request() + KEY3 + frame(b"early") + frame(b"still early"))
        upstream = await server.accept()
        await upstream.receive_head()
        assert await upstream.receive(8) == KEY3
        await relay.recorder.until(FindingRecord)
        await upstream.send(ANSWER + frame(b"first"))
        await client.receive_head()
        assert await client.receive(16 + 7) == DIGEST + frame(b"first")
        early = frame(b"early") + frame(b"still early")
        assert await upstream.receive(len(early)) == early
        assert relay.recorder.finding("early-client-frames")


async def test_a_digest_that_comes_byte_by_byte_goes_on_byte_by_byte() -> None:
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        await upstream.send(SWITCHING)
        await client.receive_head()
        for byte in DIGEST:
            await upstream.send(bytes([byte]))
            assert await client.receive(1) == bytes([byte])
        challenge = await relay.recorder.until(ChallengeRecord)
        assert challenge.verdict == "verified"


async def test_key3_in_a_later_segment_after_the_servers_head() -> None:
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        await client.send(request())
        upstream = await server.accept()
        await upstream.receive_head()
        await upstream.send(SWITCHING)
        await client.receive_head()
        await client.send(KEY3)
        assert await upstream.receive(8) == KEY3
        await upstream.send(DIGEST)
        assert await client.receive(16) == DIGEST


async def test_hixie_75() -> None:
    async with (
        EchoServer() as server,
        relaying(server.port) as relay,
        relay.client() as client,
    ):
        await client.send(request_75())
        assert (await client.receive_head()).startswith(b"HTTP/1.1 101 ")
        await client.echo("Grüße".encode())
        client.finish()
        await client.rest()
        end = await relay.recorder.ended()
    assert (end.dialect, end.outcome, end.verdict) == ("hixie-75", "open", None)
    assert relay.recorder.texts("server") == ["Grüße"]


async def test_several_at_once_are_kept_apart() -> None:
    async with EchoServer() as server, relaying(server.port) as relay:

        async def talk(number: int) -> None:
            said = [f"{number} says {word}" for word in range(20)]
            assert await converse(relay.host, relay.port, said) == said

        async with asyncio.TaskGroup() as group:
            for number in range(25):
                group.create_task(talk(number))
        await relay.recorder.until(SessionEndRecord, count=25)
    ends = relay.recorder.all(SessionEndRecord)
    assert sorted(end.session for end in ends) == list(range(1, 26))
    assert {end.verdict for end in ends} == {"verified"}
    for session in range(1, 26):
        said = relay.recorder.texts("client", session)
        assert said == relay.recorder.texts("server", session)
        assert len({text.partition(" ")[0] for text in said}) == 1


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on loopback here")
async def test_ipv6_on_both_sides() -> None:
    async with (
        EchoServer(host="::1") as server,
        relaying(server.port, "::1", listen="::1") as relay,
        relay.client() as client,
    ):
        answer = await client.open(request(host=f"[::1]:{relay.port}"))
        await client.echo(b"six")
        start = relay.recorder.all(SessionStartRecord)[0]
        assert start.upstream == f"ws://[::1]:{server.port}"
    assert b"Sec-WebSocket-Location: ws://[::1]:%d/demo\r\n" % relay.port in answer
    assert start.client.startswith("[::1]:")
    assert start.listener == f"ws://[::1]:{relay.port}"


async def test_rfc_6455_passes_through_undecoded() -> None:
    head = (
        b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    async with (
        serving() as server,
        relaying(server.port, session={"host": "keep"}) as relay,
        relay.client() as client,
    ):
        await client.send(head)
        upstream = await server.accept()
        assert await upstream.receive_head() == head
        await upstream.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi")
        assert (await client.receive_head()).startswith(b"HTTP/1.1 101")
        assert await client.receive(4) == b"\x81\x02hi"
        await client.send(b"\x88\x00")
        assert await upstream.receive(2) == b"\x88\x00"
        client.finish()
        upstream.finish()
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("passed-on", ["rfc6455-client"])


async def test_flash_policy_passes_through() -> None:
    policy = b'<cross-domain-policy><allow-access-from domain="*"/></cross-domain-policy>\0'
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        await client.send(b"<policy-file-request/>\0")
        upstream = await server.accept()
        assert await upstream.receive(23) == b"<policy-file-request/>\0"
        await upstream.send(policy)
        upstream.finish()
        assert await client.rest() == policy
        client.finish()
        end = await relay.recorder.ended()
    assert end.findings == ["flash-policy-request"]


async def test_the_closing_handshake_passes_both_ways() -> None:
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        upstream = await opened(client, server)
        await upstream.send(CLOSING)
        assert await client.receive(2) == CLOSING
        await client.send(CLOSING)
        client.finish()
        assert await upstream.rest() == CLOSING
        upstream.finish()
        assert await client.rest() == b""
        await relay.recorder.ended()
    assert relay.recorder.closings() == [
        ("server", "closing-handshake"),
        ("client", "closing-handshake"),
        ("client", "end-of-stream"),
        ("server", "end-of-stream"),
    ]
