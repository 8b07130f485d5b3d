"""The cases over sockets: a library of today passes them, as a server and as a client."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from .cases import cases, identifier, missing
from .network import play_client, play_server

# One or two of each kind, none that waits.
_PLAYED = (
    "1.1.2",
    "1.2.8",
    "2.10",
    "3.1",
    "4.1.1",
    "5.3",
    "5.9",
    "6.3.1",
    "7.1.1",
    "7.9.1",
    "9.1.1",
)


def played() -> list[type]:
    """These cases."""
    if missing() is not None:
        pytest.skip("no cases")
    return [case for case in cases() if identifier(case) in _PLAYED]


def test_a_server_passes() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def run() -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            for case in played():
                verdict = await play_client(case, "127.0.0.1", port)
                assert verdict.is_as_expected, verdict

    asyncio.run(run())


def test_a_client_passes() -> None:
    async def run() -> None:
        async with play_server(played()) as (port, verdicts):
            for _ in _PLAYED:
                async with connect(f"ws://127.0.0.1:{port}") as connection:
                    try:
                        async for message in connection:
                            await connection.send(message)
                    except ConnectionClosed:
                        pass
                verdict = await verdicts.get()
                assert verdict.is_as_expected, verdict

    asyncio.run(run())
