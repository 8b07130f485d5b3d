"""A relay made of the Python library `websockets`, as one writes it: message by message."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from functools import partial

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin

MESSAGE_LIMIT = 64 << 20


async def pass_on(
    source: ServerConnection | ClientConnection, to: ServerConnection | ClientConnection
) -> None:
    """Messages until one side closes, then the same closing handshake with the other one."""
    try:
        async for message in source:
            await to.send(message)
    except ConnectionClosed:
        pass  # without a closing handshake, or while there was still something to send
    code = source.close_code
    # 1005 and 1006 stand for no code and no closing handshake; they cannot be sent.
    await to.close(1000 if code in {None, 1005, 1006} else code or 1000, source.close_reason or "")


async def relay(upstream: int, client: ServerConnection) -> None:
    request = client.request
    assert request is not None  # there is a connection because there was one
    origin = request.headers.get("Origin")
    try:
        async with connect(
            f"ws://127.0.0.1:{upstream}{request.path}",
            origin=None if origin is None else Origin(origin),
            # As the load generator, the server and the other relays: none compresses or pings.
            compression=None,
            ping_interval=None,
            max_size=MESSAGE_LIMIT,
            proxy=None,
        ) as server:
            await asyncio.gather(pass_on(client, server), pass_on(server, client))
    except (OSError, WebSocketException) as error:
        print(f"upstream: {error}", file=sys.stderr)
        await client.close(1014)


async def serve_until_stopped(upstream: int) -> None:
    """Listen on a free port of the loopback address until a signal comes."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(
        partial(relay, upstream),
        "127.0.0.1",
        0,
        backlog=1024,
        compression=None,
        ping_interval=None,
        max_size=MESSAGE_LIMIT,
    ) as server:
        host, port = next(iter(server.sockets)).getsockname()
        print(f"listening on ws://{host}:{port}", file=sys.stderr, flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("upstream", type=int, help="the port on 127.0.0.1 to connect to")
    parser.add_argument("--uvloop", action="store_true", help="uvloop instead of the stock loop")
    arguments = parser.parse_args()
    if arguments.uvloop:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve_until_stopped(arguments.upstream))
    else:
        asyncio.run(serve_until_stopped(arguments.upstream))


if __name__ == "__main__":
    main()
