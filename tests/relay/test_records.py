"""What `--json` prints: each line as the schema has it, each session with an end, no secrets."""

from __future__ import annotations

import asyncio

import jsonschema
import pytest

from ws76proxy.demo import EchoServer, converse
from ws76proxy.record import json_schema

from .ends import serving
from .handshakes import KEY3, SWITCHING, frame, request
from .process import Line, Process, running

SECRETS = "Cookie: session=s3cret\r\nAuthorization: Basic s3cret\r\n"
HEADS = [
    request(extra=SECRETS),
    request(),
    b"GET / HTTP/1.1\r\nHost: example.com\r\nCookie: a=s3cret\r\n\r\n",
    b"<policy-file-request/>\0",
    b"\x16\x03\x01\x00\x05hello",
    b"\x00\x01\x02 nothing known",
    request(extra="Sec-WebSocket-Version: 6\r\n").replace(b"Sec-WebSocket-Key", b"X-Key"),
]


async def visit(relay: Process, head: bytes) -> None:
    """A client that says one thing, and leaves when it likes."""
    async with relay.client() as client:
        await client.send(head)
        client.finish()
        await client.until_dropped()


async def every_kind(loop_name: str, *arguments: str) -> list[Line]:
    """The records of sessions of all kinds."""
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "--json", *arguments) as relay,
    ):
        said = ["Grüße", "", "x" * 100_000]
        assert await converse("127.0.0.1", relay.port, said, protocol="demo") == said
        async with relay.client() as client:
            await client.open(request(extra=SECRETS))
            await client.send(frame(b"\xc3\x28") + b"\x81\x05hello" + b"\x05x\xff")
            # The echo of what is no UTF-8.
            await client.receive(2 + len("\ufffd(".encode()))
            client.reset()
        for head in HEADS:
            await visit(relay, head)
        return await relay.stop()


async def test_each_line_is_as_the_schema_says(loop_name: str) -> None:
    records = await every_kind(loop_name)
    validator = jsonschema.Draft202012Validator(json_schema())
    for record in records:
        validator.validate(record)
    kinds = {record["type"] for record in records}
    assert kinds >= {"request", "response", "challenge", "adjustment", "finding", "message"}
    assert kinds >= {"frame", "closing", "http"}
    sessions = range(1, 2 + len(HEADS) + 1)
    for session in sessions:
        told = [record["type"] for record in records if record["session"] == session]
        assert (told[0], told[-1]) == ("session-start", "session-end")
        assert told.count("session-start") == told.count("session-end") == 1
    assert {record["session"] for record in records} == set(sessions)


@pytest.mark.parametrize("loop_name", ["asyncio"])
@pytest.mark.parametrize("show", [False, True])
async def test_secrets(loop_name: str, show: bool) -> None:
    records = await every_kind(loop_name, *(["--show-secrets"] if show else []))
    assert ("s3cret" in str(records)) == show
    assert ("not-for-your-eyes" in str(records)) == show
    asked = [record for record in records if record["type"] == "request"]
    assert any(record.get("redacted") for record in asked) != show


@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_secrets_of_a_server(loop_name: str) -> None:
    fields = b"Set-Cookie: session=s3cret\r\n\r\n"
    async with (
        serving() as server,
        running(loop_name, server.port, "--json") as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        await upstream.send(SWITCHING.removesuffix(b"\r\n") + fields + b"x" * 16)
        # The client gets it as it is.
        assert fields in await client.receive_head()
        records = await relay.stop()
    assert any(record["type"] == "response" for record in records)
    assert "s3cret" not in str(records)


@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_sessions_are_told_while_they_go_on(loop_name: str) -> None:
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "--json") as relay,
        relay.client() as client,
    ):
        await client.open()
        await client.echo(b"now")
        async with asyncio.timeout(30):
            async for record in relay.records():
                if record["type"] == "message" and record["direction"] == "server":
                    break
        assert record["text"] == "now"
