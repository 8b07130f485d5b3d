"""Plays the server of recorded sessions for any clients that come."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ws76proxy.diagnosis import Asked
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.endpoint import in_text
from ws76proxy.errors import UsageError
from ws76proxy.redaction import REDACTED
from ws76proxy.replay.compare import EXACT, Rules
from ws76proxy.replay.expect import Difference
from ws76proxy.replay.heads import answer_for, asked_protocol
from ws76proxy.replay.plan import Plan, plan_of
from ws76proxy.replay.player import LOCKSTEP, MAX_DIFFERENCES, Player, Timing
from ws76proxy.replay.stage import Stage
from ws76proxy.wire import hixie75, hixie76
from ws76proxy.wire.connection import Reading, ServerConnection, plain_response
from ws76proxy.wire.dialect import Dialect, dialect_of
from ws76proxy.wire.frames import DEFAULT_MAX_MESSAGE
from ws76proxy.wire.head import HeadReader, RequestHead

__all__ = ["Answer", "ReplayServer", "ServerOptions", "Visit", "right_answer"]

Answer = Callable[[Asked], bytes | None]
"""What a client's challenge is answered: the bytes behind the head, 16 where all is right, or None
where the client must be refused."""

_STOP_TIMEOUT = 3.0
_LAST_TURNS = 20


def right_answer(asked: Asked) -> bytes | None:
    """The digest that the draft wants (5.2); None for keys that have none."""
    return asked.challenge.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server is played; times in seconds, sizes in bytes.

    `port` 0 picks a free one. `loose`: go on when a client deviates. `timeout`: for an opening
    handshake, and how much longer than in the recording a client may take. `clients`: after so many
    WebSockets `ReplayServer.finished` is set and no more are served; None: no limit. `answer` is
    what a challenge is answered with.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    loose: bool = False
    timing: Timing = LOCKSTEP
    timeout: float = 10.0
    rules: Rules = EXACT
    clients: int | None = None
    max_connections: int = 1000
    max_message: int = DEFAULT_MAX_MESSAGE
    write_buffer: int = 262_144
    answer: Answer = right_answer


@dataclass(slots=True)
class Visit:
    """One client: where it came from, what it was played (None: it was refused), and how it
    deviated."""

    number: int
    client: str
    target: str = ""
    plan: Plan | None = None
    differences: list[Difference] = field(default_factory=list)
    sent: int = 0
    received: int = 0


class ReplayServer:
    """Serves recorded sessions. An asynchronous context manager; leaving it closes everything.

    A client is played the session whose resource it asks for, and, of several, that whose
    subprotocol; several such take turns. `differences` are those of all clients, the first
    thousand; `tell` is called for each client that asked for a WebSocket, when it is over.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        options: ServerOptions | None = None,
        tell: Callable[[Visit], None] = lambda _: None,
    ) -> None:
        """Raises UsageError for no plans."""
        if not plans:
            raise UsageError("expected a recorded session to play, found none")
        self.plans = list(plans)
        self.options = options or ServerOptions()
        self.differences: list[Difference] = []
        self.finished = asyncio.Event()
        self._tell = tell
        self._turns: dict[int, int] = {}
        self._translated: dict[tuple[int, Dialect], Plan] = {}
        self._stages: set[_Client] = set()
        self._visits = 0
        self._over = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> ReplayServer:
        """Listen. Raises OSError where that cannot be."""
        options = self.options
        loop = asyncio.get_running_loop()
        timeout = None if options.tls is None else options.timeout
        self._server = await loop.create_server(
            lambda: _Client(self),
            options.host or None,
            options.port,
            ssl=options.tls,
            ssl_handshake_timeout=timeout,
        )
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._server is not None  # noqa: S101 - set on the way in
        self._server.close()
        for _ in range(_LAST_TURNS):
            # What clients had sent by now, a FIN too, still counts.
            await asyncio.sleep(0)
        stages = list(self._stages)
        for stage in stages:
            stage.stop()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                for stage in stages:
                    await stage.gone.wait()
        except TimeoutError:
            for stage in stages:
                stage.transport.abort()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket that is listened on."""
        sockets = self._server.sockets if self._server is not None else ()
        return [one.getsockname()[:2] for one in sockets]

    def choose(self, request: RequestHead, dialect: Dialect) -> tuple[Plan | None, str]:
        """The session for a client, to be played in its dialect, and how its request is unlike all
        recorded ones (empty: it is like one). Without `loose`, no session where it is unlike them.
        """
        plan, unlike = self._choose(request)
        if plan is None or plan.dialect is dialect:
            return plan, unlike
        key = id(plan), dialect
        if key not in self._translated:
            self._translated[key] = plan_of(plan.session, dialect)
        return self._translated[key], unlike

    # For its connections

    def joins(self, stage: _Client) -> bool:
        """A client has connected; whether there is room for it."""
        if len(self._stages) >= self.options.max_connections:
            return False
        self._stages.add(stage)
        return True

    def leaves(self, stage: _Client) -> None:
        """A client's connection is gone."""
        self._stages.discard(stage)

    def begins(self) -> int | None:
        """A client asks for a WebSocket: its number; None where enough have been served."""
        if self.options.clients is not None and self._visits >= self.options.clients:
            return None
        self._visits += 1
        return self._visits

    def ends(self, visit: Visit) -> None:
        """All that there is to know of a client is known."""
        room = MAX_DIFFERENCES - len(self.differences)
        self.differences += visit.differences[: max(0, room)]
        self._over += 1
        self._tell(visit)
        if self._over == self.options.clients:
            self.finished.set()

    def _choose(self, request: RequestHead) -> tuple[Plan | None, str]:
        fitting = [plan for plan in self.plans if _asks_for(plan, request.target)]
        if not fitting:
            known = ", ".join(sorted({quoted(plan.request.target) for plan in self.plans}))
            unlike = f"asked for {quoted(request.target)}; recorded: {known}"
            return (self._in_turn(self.plans) if self.options.loose else None), unlike
        protocol = asked_protocol(request)
        speaking = [plan for plan in fitting if asked_protocol(plan.request) == protocol]
        if not speaking:
            recorded = sorted({_in_quotes(asked_protocol(plan.request)) for plan in fitting})
            unlike = f"asked for {_in_quotes(protocol)}; recorded: {', '.join(recorded)}"
            return (self._in_turn(fitting) if self.options.loose else None), unlike
        return self._in_turn(speaking), ""

    def _in_turn(self, plans: list[Plan]) -> Plan:
        key = id(plans[0])
        turn = self._turns.get(key, 0)
        self._turns[key] = turn + 1
        return plans[turn % len(plans)]


def _asks_for(plan: Plan, target: bytes) -> bool:
    recorded = plan.request.target
    if recorded == target:
        return True
    redacted = REDACTED.encode()
    if not plan.request_redacted or redacted not in recorded:
        return False
    pattern = b"[^&;]*".join(map(re.escape, recorded.split(redacted)))
    return re.fullmatch(pattern, target) is not None


def _in_quotes(protocol: bytes | None) -> str:
    return "no subprotocol" if protocol is None else f"the subprotocol {quoted(protocol)}"


class _Client(Stage):
    """One client: first a head, then, where it asks for a WebSocket, a session."""

    def __init__(self, server: ReplayServer) -> None:
        super().__init__(server.options.write_buffer)
        self._server = server
        self._options = server.options
        self._reader = HeadReader(RequestHead)
        self._leg: ServerConnection | None = None
        self._dialect = Dialect.UNKNOWN
        self._visit: Visit | None = None
        self._told = False
        self._over = False

    def stop(self) -> None:
        """The server stops: what has not been said by now is no fault of the client."""
        if self.player is not None:
            self._collect()
        self._end()

    def opens(self) -> None:
        if not self._server.joins(self):
            limit = self._options.max_connections
            text = f"There are {limit} connections, the limit of --max-connections.\n"
            self._refuse(503, "Service Unavailable", text)
            return
        self.wait(self.began + self._options.timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._server.leaves(self)

    def receive(self, data: bytes) -> None:
        if self._over:
            return
        if self._leg is None:
            head = self._reader.feed(data)
            if self._reader.refusal is not None:
                self._refuse(431, "Request Header Fields Too Large", f"{self._reader.refusal}\n")
                return
            if head is None:
                return
            self._asked(head)
            data = self._reader.excess
        if self._leg is not None and not self._over:
            self._leg.receive_data(data)
            self._leg.events()
            if self._leg.reading is Reading.PAUSED:
                self._answer(self._leg)

    def broke_off(self, why: str) -> None:
        if not self._over and self._visit is not None:
            missing = 0 if self._leg is None else self._leg.tail_missing
            what = (
                f"{missing} of the 8 bytes of key3 did not come" if missing else "it is not whole"
            )
            self._differs(f"the opening handshake: {what}: {why}")
        self._end()

    def finished(self) -> None:
        self._collect()
        self._end()

    def _asked(self, head: RequestHead) -> None:
        """The client's head is whole."""
        self._dialect = dialect_of(head)
        if not self._dialect.is_websocket:
            text = "This server replays recorded WebSockets, and has no pages.\n"
            self._refuse(404, "Not Found", text)
            return
        number = self._server.begins()
        if number is None:
            self._refuse(503, "Service Unavailable", "As many clients as wanted were served.\n")
            return
        host, port = (self.transport.get_extra_info("peername") or ("unknown", 0))[:2]
        client = in_text(host, port)
        self._visit = Visit(number, client, head.target.decode("latin-1"))
        if not self._dialect.is_hixie:
            self._differs(f"asked in {self._dialect}; only hixie-76 and hixie-75 are spoken")
            self._refuse(400, "Bad Request", "Only hixie-76 and hixie-75 are spoken here.\n")
            return
        self._visit.plan, unlike = self._server.choose(head, self._dialect)
        if unlike:
            self._differs(unlike)
        if self._visit.plan is None:
            self._refuse(404, "Not Found", f"{unlike}\n")
            return
        wire = hixie76 if self._dialect is Dialect.HIXIE_76 else hixie75
        self._leg = self.connection = wire.ServerConnection(max_message=self._options.max_message)
        self._leg.receive_head(head)

    def _answer(self, leg: ServerConnection) -> None:
        """The client's handshake is whole."""
        visit = self._visit
        assert visit is not None  # noqa: S101 - made with the connection
        plan, request = visit.plan, leg.head
        assert plan is not None  # noqa: S101 - the same
        assert request is not None  # noqa: S101 - it has just come
        if plan.response is None:
            # Nor did the recorded server say anything.
            self._end()
            return
        head = answer_for(plan, request, self._dialect, secure=self._options.tls is not None)
        if plan.response.status != 101:
            self.transport.write(head.raw + plan.body)
            self._end()
            return
        digest: bytes | None = b""
        if isinstance(leg, hixie76.ServerConnection):
            challenge = leg.challenge
            asked = None if challenge is None else Asked(challenge, head=request.raw)
            digest = None if asked is None else self._options.answer(asked)
        if digest is None:
            self._differs("the keys of its challenge have no answer (5.2)")
            self._refuse(400, "Bad Request", "No answer to these keys.\n")
            return
        leg.accept_as(head.raw + digest)
        self.transport.write(leg.data_to_send())
        self.play(
            Player(
                plan,
                "server",
                timing=self._options.timing,
                timeout=self._options.timeout,
                rules=self._options.rules,
                go_on=self._options.loose,
            )
        )

    def _differs(self, text: str) -> None:
        if self._visit is not None:
            plan = self._visit.plan
            where = ""
            if plan is not None and plan.session.request is not None:
                where = plan.session.where(plan.session.records.index(plan.session.request))
            self._visit.differences.append(Difference("handshake", "client", where, detail=text))

    def _refuse(self, status: int, reason: str, text: str) -> None:
        self.transport.write(plain_response(status, reason, text))
        self._end()

    def _collect(self) -> None:
        player, visit = self.player, self._visit
        if player is not None and visit is not None and not self._told:
            visit.differences += player.differences
            visit.sent, visit.received = player.sent, player.received

    def _end(self) -> None:
        self._over = True
        self.close()
        if self._visit is not None and not self._told:
            self._told = True
            self._server.ends(self._visit)
