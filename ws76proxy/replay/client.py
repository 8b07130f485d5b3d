"""Plays the client of a recorded session against a server."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
import time
from dataclasses import dataclass, field

from ws76proxy.diagnosis import explain_digest
from ws76proxy.endpoint import Endpoint
from ws76proxy.replay.compare import EXACT, Rules
from ws76proxy.replay.expect import Difference
from ws76proxy.replay.heads import Header, compare_answers, request_for
from ws76proxy.replay.plan import Plan
from ws76proxy.replay.player import LOCKSTEP, Player, Timing
from ws76proxy.replay.stage import Stage
from ws76proxy.wire import hixie75, hixie76
from ws76proxy.wire.challenge import Challenge, generate_challenge
from ws76proxy.wire.connection import ClientConnection, Reading
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import HeadRefused
from ws76proxy.wire.frames import DEFAULT_MAX_MESSAGE

__all__ = ["ClientOptions", "Outcome", "replay_client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How a session's client is played; times in seconds, sizes in bytes.

    `tls` None: for a wss server, the system's authorities are trusted. `resource` replaces the
    recorded one (Latin-1), `headers` replace or add fields. `timeout` is how much longer than in
    the recording the server may take. With `go_on` the play does not end at the first difference.
    """

    server: Endpoint
    tls: ssl.SSLContext | None = None
    resource: str | None = None
    headers: tuple[Header, ...] = ()
    ignore_fields: tuple[str, ...] = ()
    rules: Rules = EXACT
    timing: Timing = LOCKSTEP
    timeout: float = 10.0
    go_on: bool = False
    max_message: int = DEFAULT_MAX_MESSAGE
    write_buffer: int = 262_144


@dataclass(slots=True)
class Outcome:
    """What came of one play.

    `error`: why there was no connection; then nothing has been compared. `notes`: what of the
    recording could not be replayed. `handshake` and `answers` are seconds: until the handshake was
    done, and from a step of ours to the recorded one of the server right after it. `sent` and
    `received` count messages and frames.
    """

    plan: Plan
    differences: list[Difference] = field(default_factory=list)
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    handshake: float | None = None
    answers: list[float] = field(default_factory=list)
    seconds: float = 0.0
    sent: int = 0
    received: int = 0

    @property
    def is_equal(self) -> bool:
        """Whether the server did as it did in the recording."""
        return self.error is None and not self.differences


async def replay_client(
    plan: Plan, options: ClientOptions, sock: socket.socket | None = None
) -> Outcome:
    """Play the client once, on a connection of its own; what the server says is compared.

    `sock` is a connection that is there already: it is used as it is, and closed at the end.
    A server that cannot be reached is told in the outcome. Takes no longer than the recording and
    `timeout` for each thing that is waited for. Raises LocalProtocolError for options that do not
    fit into a head.
    """
    outcome = Outcome(plan, notes=list(plan.notes))
    server = options.server
    tls = options.tls
    if server.secure and tls is None and sock is None:
        tls = ssl.create_default_context()
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    client = _Client(plan, options, outcome)
    try:
        async with asyncio.timeout(options.timeout):
            if sock is None:
                await loop.create_connection(lambda: client, server.host, server.port, ssl=tls)
            else:
                await loop.create_connection(lambda: client, sock=sock)
    except TimeoutError:
        outcome.error = f"no connection within {options.timeout:g} s"
    except (OSError, UnicodeError) as error:
        outcome.error = _in_words(error)
    else:
        try:
            await client.gone.wait()
        finally:
            client.transport.abort()
    outcome.seconds = time.monotonic() - began
    return outcome


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        of_its_own = isinstance(error, ssl.SSLError | socket.gaierror)
        if not of_its_own and error.errno is not None:
            # Not its own text: asyncio's says that a call failed, and not why.
            return os.strerror(error.errno)
        return error.strerror or str(error) or type(error).__name__
    return str(error)


class _Client(Stage):
    def __init__(self, plan: Plan, options: ClientOptions, outcome: Outcome) -> None:
        super().__init__(options.write_buffer)
        self._plan = plan
        self._options = options
        self._outcome = outcome
        self._over = False
        self._challenge: Challenge | None = None
        if plan.dialect is Dialect.HIXIE_76:
            self._challenge = generate_challenge(secrets.randbelow)
        wire = hixie76 if plan.dialect is Dialect.HIXIE_76 else hixie75
        self._leg: ClientConnection = wire.ClientConnection(max_message=options.max_message)
        self.connection = self._leg
        new = request_for(
            plan,
            options.server.authority,
            self._challenge,
            resource=options.resource,
            headers=options.headers,
        )
        self._request = new.head
        outcome.notes += new.notes

    def opens(self) -> None:
        key3 = b"" if self._challenge is None else self._challenge.key3
        # In one write, as some servers need it.
        self.transport.write(self._request.raw + key3)
        took = max(0.0, self._plan.opened - self._plan.asked)
        self.wait(self.began + took + self._options.timeout)

    def receive(self, data: bytes) -> None:
        if self._over:
            return
        leg = self._leg
        leg.receive_data(data)
        for event in leg.events():
            if isinstance(event, HeadRefused):
                self._differs(event.why)
                self._stop()
                return
        if leg.reading is Reading.PAUSED:
            self._answered()

    def broke_off(self, why: str) -> None:
        if self._over:
            return
        if self._plan.response is not None:
            begun = "its answer is not whole" if self._leg.head else "it did not answer"
            self._differs(f"{begun}: {why}")
        self._stop()

    def finished(self) -> None:
        player, outcome = self.player, self._outcome
        if player is not None:
            outcome.differences += player.differences
            outcome.answers = player.answers
            outcome.sent, outcome.received = player.sent, player.received

    def _answered(self) -> None:
        """The server's answer is whole."""
        plan, options, outcome = self._plan, self._options, self._outcome
        outcome.handshake = time.monotonic() - self.began
        response = self._leg.head
        assert response is not None  # noqa: S101 - it is what has been answered
        outcome.differences += compare_answers(plan, self._request, response, options.ignore_fields)
        if response.status == 101:
            self._verify()
        if response.status != 101 or (outcome.differences and not options.go_on):
            self._stop()
            return
        self._leg.open()
        self.play(
            Player(
                plan,
                "client",
                timing=options.timing,
                timeout=options.timeout,
                rules=options.rules,
                go_on=options.go_on,
            )
        )

    def _verify(self) -> None:
        """Whether the server proved itself."""
        leg = self._leg
        if not isinstance(leg, hixie76.ClientConnection) or self._challenge is None:
            return
        if leg.digest == self._challenge.answer:
            return
        recorded = self._plan.session.challenge("client") or self._plan.session.challenge("relay")
        as_before = recorded is not None and recorded.verdict == "wrong"
        found = b"" if leg.digest is None else leg.digest
        right = self._challenge.answer or b""
        self._differs(
            f"the answer to the challenge is wrong: expected {right.hex()}, got {found.hex()}:"
            f" {explain_digest(self._challenge, found).verdict}"
            + (" (it was wrong in the recording too)" if as_before else "")
        )

    def _differs(self, text: str) -> None:
        self._outcome.differences.append(Difference("handshake", "server", detail=text))

    def _stop(self) -> None:
        self._over = True
        self.close()
