"""Echo server on top of websockets: RFC 6455 and nothing else.

`order: close CODE REASON` and `order: binary` are done, not echoed.
"""

import argparse
import asyncio
from collections.abc import Sequence

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol


async def echo(connection: ServerConnection) -> None:
    try:
        async for message in connection:
            if message == "order: binary":
                await connection.send(b"\x00\xff\x80")
            elif isinstance(message, str) and message.startswith("order: close "):
                code, _, reason = message.removeprefix("order: close ").partition(" ")
                await connection.close(int(code), reason)
            else:
                await connection.send(message)
    except ConnectionClosed:
        pass
    print(f"closed {connection.close_code} {connection.close_reason}", flush=True)


def choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    # What the library does of its own refuses clients that offer none.
    return next((one for one in offered if one in ("chat", "binary")), None)


async def serve_on(port: int) -> None:
    async with serve(echo, "127.0.0.1", port, select_subprotocol=choose, max_size=None) as server:
        listening = next(iter(server.sockets)).getsockname()[1]
        print(f"listening on {listening}", flush=True)
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve_on(parser.parse_args().port))


if __name__ == "__main__":
    main()
