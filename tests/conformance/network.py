"""The Autobahn suite's cases over sockets: `python -m tests.conformance.network HOST:PORT [CASE…]`.

They are played against an echo server at that address, one connection a case, in real time: many
wait a second, so all of them take some minutes. `play_server` is the other way round.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ws76proxy.endpoint import parse_address

from .cases import cases, identifier, missing
from .fuzzer import Fuzzer, Verdict

__all__ = ["play", "play_client", "play_server"]

_READ = 1 << 16
_SILENCE = 15.0
"""A peer that has neither said anything nor gone for so long will do neither."""


async def play_client(
    case: type[Any], host: str, port: int, *, subprotocol: str | None = None, pace: float = 1.0
) -> Verdict:
    """One case against an echo server; `pace` as for `play`."""
    reader, writer = await asyncio.open_connection(host, port)
    fuzzer = Fuzzer(case, is_server=False, host=f"{host}:{port}", subprotocol=subprotocol)
    await play(fuzzer, reader, writer, pace)
    return fuzzer.verdict


@asynccontextmanager
async def play_server(
    played: Sequence[type[Any]],
) -> AsyncIterator[tuple[int, asyncio.Queue[Verdict]]]:
    """A server that plays the next case with each client that comes; its port, and the verdicts.

    The clients must echo what they hear, and close when they are told to.
    """
    verdicts: asyncio.Queue[Verdict] = asyncio.Queue()
    waiting = iter(played)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        case = next(waiting, None)
        if case is None:
            writer.close()
            return
        fuzzer = Fuzzer(case, is_server=True)
        await play(fuzzer, reader, writer)
        verdicts.put_nowait(fuzzer.verdict)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], verdicts


async def play(
    fuzzer: Fuzzer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pace: float = 1.0
) -> None:
    """One case on a connection, to its end.

    What is a second in the suite lasts `pace` seconds: where many cases are played side by side,
    on a busy machine, a second is no time.
    """
    loop = asyncio.get_running_loop()
    reading = asyncio.ensure_future(reader.read(_READ))
    try:
        while True:
            fuzzer.tick(loop.time() / pace)
            # Each piece in a write of its own: that is what some cases are about.
            for piece in fuzzer.take():
                writer.write(piece)
                await writer.drain()
            if fuzzer.dropped:
                return
            due = fuzzer.due
            wait = _SILENCE if due is None else max(0.0, due * pace - loop.time())
            done, _ = await asyncio.wait([reading], timeout=wait)
            if not done and due is not None:
                continue
            data = reading.result() if done else b""
            if not data:
                return
            fuzzer.receive(data)
            reading = asyncio.ensure_future(reader.read(_READ))
    except ConnectionError:
        pass
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        fuzzer.eof()
        writer.transport.abort()


async def _main(address: str, names: Sequence[str]) -> int:
    host, port = parse_address(address)
    wrong = 0
    for case in cases():
        name = identifier(case)
        if names and not any(name == one or name.startswith(f"{one}.") for one in names):
            continue
        verdict = await play_client(case, host, port)
        wrong += not verdict.is_as_expected
        mark = " " if verdict.is_as_expected else "!"
        print(f"{mark} {name:8} {verdict.behaviour:14} {verdict.closing:14} {verdict.result}")
    print(f"{wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    why = missing()
    if why is not None or len(sys.argv) < 2:
        print(why or __doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(asyncio.run(_main(sys.argv[1], sys.argv[2:])))
