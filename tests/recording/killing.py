"""Relays that record and are killed under load: run as a program, for `test_kill`.

    python -m tests.recording.killing PLACE ROUNDS SEED

Each round forks a relay that records to a PLACE of its own, has messages echoed through it, and
kills it at a random moment. A line of JSON on standard output says for each round what had been
echoed so long before that it must be in the files.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn

from tests.relay.handshakes import KEY3, frame, request
from ws76proxy.demo import EchoServer
from ws76proxy.endpoint import Endpoint
from ws76proxy.recording.writer import Recorder, RecordingOptions
from ws76proxy.relay import Relay, RelayOptions
from ws76proxy.session import SessionOptions

# The promise is 100 ms; the rest is for a machine that has other things to do.
MARGIN = 0.25
LIFE = 0.5
PACES = 0.0, 0.01
BURST = 25
CLIENTS = 3

Serve = Callable[[int], Coroutine[Any, Any, None]]


def fork(serve: Serve) -> tuple[int, int]:
    """Have a child serve; its process id and the port that it has told."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        run(serve, writer)
    os.close(writer)
    with os.fdopen(reader) as told:
        port = told.readline()
    assert port, "the child has died"
    return child, int(port)


def run(serve: Serve, writer: int) -> NoReturn:
    try:
        asyncio.run(serve(writer))
    finally:
        os._exit(1)


async def echo(writer: int) -> None:
    async with EchoServer() as server:
        os.write(writer, b"%d\n" % server.port)
        await asyncio.Event().wait()


def recording_relay(place: Path, upstream: int) -> Serve:
    async def serve(writer: int) -> None:
        recorder = Recorder(RecordingOptions(path=place), vantage="relay")
        session = SessionOptions(
            upstream=Endpoint(False, "127.0.0.1", upstream),
            listener=Endpoint(False, "127.0.0.1", 0),
            lossless=True,
        )
        async with Relay(RelayOptions(session=session, port=0), [recorder]) as relay:
            os.write(writer, b"%d\n" % relay.addresses[0][1])
            await asyncio.Event().wait()

    return serve


class Client:
    """Sends numbered messages, and knows when each came back."""

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.echoed: list[tuple[float, int]] = []
        self._number = 0
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.sendall(request() + KEY3)
        self._receive(
            lambda data: b"\r\n\r\n" in data and len(data.partition(b"\r\n\r\n")[2]) == 16
        )

    def burst(self) -> None:
        numbers = range(self._number + 1, self._number + BURST + 1)
        said = b"".join(frame(b"%s %d" % (self.name.encode(), number)) for number in numbers)
        self._socket.sendall(said)
        self._receive(lambda data: len(data) == len(said))
        self._number = numbers[-1]
        self.echoed.append((time.monotonic(), self._number))

    def close(self) -> None:
        self._socket.close()

    def before(self, moment: float) -> int:
        """The number of the last message that had come back by then; 0: none."""
        return max((number for when, number in self.echoed if when <= moment), default=0)

    def _receive(self, enough: Callable[[bytes], bool]) -> None:
        data = b""
        while not enough(data):
            more = self._socket.recv(1 << 16)
            assert more, "the relay has gone"
            data += more


def one_round(place: Path, upstream: int, life: float, pace: float) -> dict[str, int]:
    """For each client, how many of its messages must be in the files."""
    relay, port = fork(recording_relay(place, upstream))
    try:
        clients = [Client(port, f"client{number}") for number in range(CLIENTS)]
        until = time.monotonic() + life
        bursts = 0
        while time.monotonic() < until:
            clients[bursts % CLIENTS].burst()
            bursts += 1
            # Where there is little to write, it is not written any later.
            time.sleep(pace)
            if bursts % 20 == 0:
                # Sessions come and go.
                clients.append(Client(port, f"client{len(clients)}"))
                clients[-1].burst()
                clients[-1].close()
    finally:
        killed = time.monotonic()
        os.kill(relay, signal.SIGKILL)
        os.waitpid(relay, 0)
    for client in clients:
        client.close()
    return {client.name: client.before(killed - MARGIN) for client in clients}


def main(place: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    server, upstream = fork(echo)
    try:
        for number in range(rounds):
            where = place.with_name(f"{number}-{place.name}")
            must = one_round(where, upstream, chance.uniform(0.0, LIFE), PACES[number % 2])
            print(json.dumps({"place": str(where), "must": must}), flush=True)
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
