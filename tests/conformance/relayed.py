"""The suite's cases through a relay: `python -m tests.conformance.relayed [--whole] [CASE…]`.

The side that is tested speaks RFC 6455, the other one hixie-76, and is an echo of our own: as a
server, the relay stands between the suite's client and a hixie server; as a client, between a hixie
client and the suite's server. Cases of a thousand messages are played with a few of them, unless
`--whole` is given: that may take more than a quarter of an hour.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tests.interop.relay import Relay, relaying
from ws76proxy.demo import EchoServer
from ws76proxy.endpoint import parse_address
from ws76proxy.wire import ClosingHandshake, TextFrames, hixie76
from ws76proxy.wire.events import DigestBytes, EndOfStream

from .cases import cases, identifier, missing
from .fuzzer import Fuzzer, Verdict
from .network import play, play_client

__all__ = ["EXPLAINED", "Explained", "Outcome", "outcomes", "representative", "table"]

Role = Literal["server", "client"]
ROLES: tuple[Role, ...] = ("server", "client")
_BINARY = ("1.2", "9.2", "9.4", "9.6", "9.8", "12.2", "12.3", "12.5")
"""Whose messages are binary: hixie has none, so these are carried in the subprotocol `binary`."""
_OPTIONS = ("--quiet",)
FEW = 4
"""Messages of a case that has thousands of them, where it is not played as it is."""
_AT_ONCE = 32
_PACE = 3.0
"""Most cases wait: so many can be played side by side."""
_READ = 1 << 18


class Explained(NamedTuple):
    """Why the suite would like something else; `is_race`: it gets it now and then."""

    why: str
    is_race: bool


_LATE = Explained(
    "a message, then a wrong frame at once: the Close with 1002 leaves before the message's echo"
    " has come from the hixie side; if that was quicker, OK",
    is_race=True,
)
_WHOLE = Explained(
    "bad UTF-8 in the middle of a frame: a frame's text is looked at when it is whole",
    is_race=False,
)
EXPLAINED = {
    **dict.fromkeys(
        ("3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"), _LATE
    ),
    **dict.fromkeys(("6.4.3", "6.4.4"), _WHOLE),
}
"""The cases that are not strict through a relay, in either role; all others are fine."""


class Outcome(NamedTuple):
    """What came of a case with the relay in that role."""

    role: Role
    verdict: Verdict

    @property
    def is_fine(self) -> bool:
        """Whether the suite has nothing to say."""
        fine = ("OK", "INFORMATIONAL")
        return self.verdict.behaviour in fine and self.verdict.closing in fine

    @property
    def is_as_expected(self) -> bool:
        """Whether that is what the table says."""
        explained = EXPLAINED.get(self.verdict.case)
        if explained is None or (explained.is_race and self.is_fine):
            return self.is_fine
        return (self.verdict.behaviour, self.verdict.closing) == ("NON-STRICT", "OK")


def table() -> str:
    """The cases that are not strict, and why, as Markdown."""
    by_reason: dict[str, list[str]] = {}
    for case, explained in EXPLAINED.items():
        by_reason.setdefault(explained.why, []).append(case)
    lines = ["| cases | as server, as client | why |", "| --- | --- | --- |"]
    lines += (f"| {', '.join(names)} | NON-STRICT | {why} |" for why, names in by_reason.items())
    return "\n".join(lines) + "\n"


def select(names: Sequence[str]) -> list[type[Any]]:
    """The cases of these names, and of the groups of these names; without any, all."""
    return [
        case
        for case in cases()
        if not names
        or any(f"{identifier(case)}.".startswith(f"{name.rstrip('.')}.") for name in names)
    ]


def representative() -> list[type[Any]]:
    """What is played in each run of the tests.

    All but most of the large ones, and of the eighteen sizes and fragmentations of each kind of
    compression the first, one in the middle, and the last; with a few messages each.
    """
    return [_reduced(case) for case in cases() if _stands_for_others(identifier(case))]


def _stands_for_others(name: str) -> bool:
    group, *_, last = map(int, name.split("."))
    if group == 9:
        return last == 3
    return group < 12 or last in (1, 10, 18)


def _reduced(case: type[Any]) -> type[Any]:
    if getattr(case, "COUNT", 0) <= FEW:
        return case
    return type(case.__name__, (case,), {"COUNT": FEW})


def _subprotocol(case: type[Any], name: str) -> str | None:
    return name if f"{identifier(case)}.".startswith(tuple(f"{one}." for one in _BINARY)) else None


async def outcomes(
    played: Sequence[type[Any]], roles: Sequence[Role] = ROLES, *, binary: str = "base64"
) -> list[Outcome]:
    """Play cases with the relay in these roles, many at once."""
    options = (*_OPTIONS, "--binary", binary)
    found: list[Outcome] = []
    gate = asyncio.Semaphore(_AT_ONCE)
    if "server" in roles:
        async with EchoServer() as echo:
            with _relay(echo.port, "hixie-76", *options) as relay:
                host, port = parse_address(relay.netloc)

                async def ask(case: type[Any]) -> Verdict:
                    async with gate:
                        return await play_client(
                            case,
                            host,
                            port,
                            subprotocol=_subprotocol(case, "binary"),
                            pace=_PACE,
                        )

                verdicts = await _all(ask, played)
                found += (Outcome("server", verdict) for verdict in verdicts)
    if "client" in roles:
        async with _fuzzing_server(played) as fuzzing:
            with _relay(fuzzing.port, "rfc6455", *options) as relay:
                host, port = parse_address(relay.netloc)

                async def answer(case: type[Any]) -> Verdict:
                    async with gate:
                        await _hixie_echo(case, host, port)
                        return await fuzzing.verdicts[identifier(case)]

                verdicts = await _all(answer, played)
                found += (Outcome("client", verdict) for verdict in verdicts)
    return found


async def _all(
    judge: Callable[[type[Any]], Awaitable[Verdict]], played: Sequence[type[Any]]
) -> list[Verdict]:
    # Those that wait a second for something must not wait for megabytes of the others.
    large = [case for case in played if identifier(case).startswith(("9.", "12.", "13."))]
    small = [case for case in played if case not in large]
    return [
        *await asyncio.gather(*map(judge, small)),
        *await asyncio.gather(*map(judge, large)),
    ]


@contextmanager
def _relay(port: int, dialect: str, *options: str) -> Iterator[Relay]:
    arguments = ("--server-dialect", dialect, *options)
    # It tells a person, who wants little: all that the suite sends is not worth a line.
    with relaying(f"ws://127.0.0.1:{port}", *arguments, json_lines=False) as relay:
        yield relay


@dataclass
class _Fuzzing:
    """The suite's server; each client says by its path which case it wants."""

    cases: Mapping[str, type[Any]]
    verdicts: dict[str, asyncio.Future[Verdict]] = field(default_factory=dict)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        name = head.split(b" ", 2)[1].decode().removeprefix("/")
        fuzzer = Fuzzer(self.cases[name], is_server=True, subprotocol="binary")
        fuzzer.tick(asyncio.get_running_loop().time() / _PACE)
        fuzzer.receive(head)
        await play(fuzzer, reader, writer, _PACE)
        self.verdicts[name].set_result(fuzzer.verdict)


@asynccontextmanager
async def _fuzzing_server(played: Sequence[type[Any]]) -> AsyncIterator[_Fuzzing]:
    fuzzing = _Fuzzing({identifier(case): case for case in played})
    loop = asyncio.get_running_loop()
    fuzzing.verdicts = {name: loop.create_future() for name in fuzzing.cases}
    async with await asyncio.start_server(fuzzing.serve, "127.0.0.1", 0) as server:
        fuzzing.port = server.sockets[0].getsockname()[1]
        yield fuzzing


async def _hixie_echo(case: type[Any], host: str, port: int) -> None:
    """A hixie-76 client that says what it hears, until somebody closes."""
    reader, writer = await asyncio.open_connection(host, port)
    connection = hixie76.ClientConnection()
    connection.connect(
        resource=f"/{identifier(case)}",
        host=f"{host}:{port}",
        random_below=secrets.randbelow,
        origin="http://page.example",
        protocol=_subprotocol(case, "base64"),
    )
    writer.write(connection.data_to_send())
    try:
        while data := await reader.read(_READ):
            connection.receive_data(data)
            if not _react(connection, writer):
                break
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def _react(connection: hixie76.ClientConnection, writer: asyncio.StreamWriter) -> bool:
    """Answer; whether the session goes on."""
    events: Iterator[object] = iter(connection.events())
    for event in events:
        match event:
            case DigestBytes() if connection.digest is not None and len(connection.digest) == 16:
                connection.open()
                return _react(connection, writer)
            case TextFrames():
                writer.write(event.raw)
            case ClosingHandshake():
                connection.send_close()
                writer.write(connection.data_to_send())
                return False
            case EndOfStream():
                return False
    return True


async def _main(names: Sequence[str]) -> int:
    bad = 0
    played = select([name for name in names if name != "--whole"])
    if "--whole" not in names:
        played = [_reduced(case) for case in played]
    for outcome in await outcomes(played):
        role, verdict = outcome
        bad += not outcome.is_as_expected
        mark = "!" if not outcome.is_as_expected else " " if outcome.is_fine else "-"
        print(
            f"{mark} {role} {verdict.case:8} {verdict.behaviour:14} {verdict.closing:14}"
            f" {verdict.result}"
        )
    print(f"{bad} not as docs/bridge.md says")
    return 1 if bad else 0


if __name__ == "__main__":
    why = missing()
    if why is not None:
        print(why, file=sys.stderr)
        sys.exit(2)
    sys.exit(asyncio.run(_main(sys.argv[1:])))
