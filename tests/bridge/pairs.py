"""A client and a server of any two dialects with the bridge between them: all pure, one process."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, Literal

from ws76proxy.bridge import (
    DIALECTS,
    BridgedRequest,
    BridgedResponse,
    BridgeOptions,
    Carried,
    Carrier,
    Ended,
    farewell,
    translate_request,
    translate_response,
)
from ws76proxy.diagnosis import Diagnosis
from ws76proxy.wire import Connection, Event, Message, TextFrames, TextMessages
from ws76proxy.wire import hixie75 as h75
from ws76proxy.wire import hixie76 as h76
from ws76proxy.wire import rfc6455 as rfc
from ws76proxy.wire.dialect import Dialect

__all__ = ["PAIRS", "Pair", "in_words"]

PAIRS = [(client, server) for client in DIALECTS for server in DIALECTS]
HOST = "tv.example:8080"
RESOURCE = "/chat?room=1&x=%20"
ORIGIN = f"http://{HOST}"
_WIRE: dict[Dialect, Any] = {
    Dialect.HIXIE_76: h76,
    Dialect.HIXIE_75: h75,
    Dialect.RFC_6455: rfc,
}


class Pair:
    """The session, from the client's request on; `open` goes as far as messages.

    `client` and `server` are the two who talk; what the bridge holds between them are
    `client_leg`, which the client talks to, and `server_leg`.
    """

    def __init__(
        self,
        client: Dialect,
        server: Dialect,
        *,
        protocols: Iterable[str] = (),
        extra: Iterable[tuple[str, str | bytes]] = (("Cookie", "a=b"),),
        **options: Any,
    ) -> None:
        self.dialects = client, server
        self.options = BridgeOptions(**options)
        self.random_below = Random(76).randrange
        self.client: Any = _WIRE[client].ClientConnection()
        self.server: Any = _WIRE[server].ServerConnection()
        self.client_leg: Any = _WIRE[client].ServerConnection()
        self.server_leg: Any = _WIRE[server].ClientConnection()
        self.told: list[Diagnosis] = []
        self.ended: Ended | None = None
        asked: dict[str, Any] = {
            "resource": RESOURCE,
            "host": HOST,
            "origin": ORIGIN,
            "extra": tuple(extra),
        }
        if client is Dialect.RFC_6455:
            asked["protocols"] = tuple(protocols)
        else:
            asked["protocol"] = next(iter(protocols), None)
        if client is not Dialect.HIXIE_75:
            asked["random_below"] = self.random_below
        self.client.connect(**asked)
        self.client_leg.receive_data(self.client.data_to_send())
        self.request: BridgedRequest = translate_request(
            self.client_leg.head,
            client,
            server,
            random_below=self.random_below,
            options=self.options,
        )
        self.told += self.request.diagnoses

    @property
    def key3(self) -> bytes:
        """The client's."""
        challenge = getattr(self.client, "challenge", None)
        return b"" if challenge is None else challenge.key3

    def ask(self) -> None:
        """The server gets the request."""
        self.server.receive_data(self.request.head.raw + self.request.key3)

    def accept(self, protocol: bytes | None = None, **more: Any) -> BridgedResponse:
        """The server accepts it, and the client gets the answer."""
        self.ask()
        if self.dialects[1] is not Dialect.RFC_6455:
            more["location"] = f"ws://{HOST}{RESOURCE}"
        self.server.accept(protocol=protocol, **more)
        return self.answer(self.server.data_to_send())

    def answer(self, data: bytes) -> BridgedResponse:
        """The client gets what became of this answer."""
        if isinstance(self.server_leg, rfc.ClientConnection):
            self.server_leg.connect_as(self.request.head, self.random_below)
            self.server_leg.data_to_send()
        self.server_leg.receive_data(data)
        response = translate_response(
            self.server_leg.head,
            self.request,
            key3=self.key3,
            secure=False,
            options=self.options,
        )
        self.told += response.diagnoses
        if response.accepted:
            self.client_leg.accept_as(response.head.raw + response.digest)
            self.server_leg.open()
            self.client.receive_data(self.client_leg.data_to_send())
            self.client.open()
            for leg in (self.client, self.server, self.client_leg, self.server_leg):
                leg.events()
        self.carriers = {
            "client": self._carrier("client", response.base64),
            "server": self._carrier("server", response.base64),
        }
        return response

    def _carrier(self, speaker: Literal["client", "server"], base64: bool) -> Carrier:
        return Carrier(
            self.server_leg if speaker == "client" else self.client_leg,
            came=self.dialects[speaker == "server"],
            speaker=speaker,
            binary=self.options.binary,
            base64=base64,
        )

    def open(self, protocol: bytes | None = None) -> Pair:
        """As far as messages."""
        assert self.accept(protocol).accepted
        return self

    def pump(self, speaker: Literal["client", "server"], data: bytes | None = None) -> list[Event]:
        """What one has said reaches the other; return what that one hears."""
        talker, near, far, listener = (
            (self.client, self.client_leg, self.server_leg, self.server)
            if speaker == "client"
            else (self.server, self.server_leg, self.client_leg, self.client)
        )
        near.receive_data(talker.data_to_send() if data is None else data)
        self._carry(speaker, near)
        listener.receive_data(far.data_to_send())
        heard: list[Event] = listener.events()
        return heard

    def ends(self, speaker: Literal["client", "server"]) -> None:
        """One sends no more."""
        near = self.client_leg if speaker == "client" else self.server_leg
        near.receive_eof()
        self._carry(speaker, near)

    def _carry(self, speaker: Literal["client", "server"], near: Connection[Any]) -> None:
        for event in near.events():
            carried: Carried = self.carriers[speaker].carry(event)
            self.told += carried.diagnoses
            if carried.ended is not None and self.ended is None:
                self.ended = carried.ended

    def farewells(self) -> dict[str, str]:
        """What both are told once one has ended, and hear of it."""
        assert self.ended is not None
        heard = {}
        for side, leg, listener in (
            ("client", self.client_leg, self.client),
            ("server", self.server_leg, self.server),
        ):
            said = farewell(self.ended, leg.dialect, itself=side == self.ended.by)
            if said.diagnosis is not None:
                self.told.append(said.diagnosis)
            leg.data_to_send()
            if not said.handshake:
                heard[side] = "end"
                continue
            if isinstance(leg, rfc.ServerConnection | rfc.ClientConnection):
                leg.send_close(said.code, said.reason)
            else:
                leg.send_close()
            listener.receive_data(leg.data_to_send())
            (event,) = listener.events()
            code = getattr(event, "code", None)
            reason = getattr(event, "reason", "")
            heard[side] = "FF 00" if event.raw == b"\xff\x00" else f"{code} {reason}".rstrip()
        return heard

    @property
    def codes(self) -> list[str]:
        """The findings so far."""
        return [diagnosis.finding.code for diagnosis in self.told]


def in_words(events: Iterable[Event]) -> list[str | bytes]:
    """What messages say; anything else by its name."""
    said: list[str | bytes] = []
    for event in events:
        match event:
            case TextFrames() | TextMessages():
                said += event.texts
            case Message(binary=True):
                said.append(event.payload)
            case Message():
                said.append(event.text)
            case _:
                said.append(f"<{type(event).__name__}>")
    return said
