"""The opening handshake of a flow whose server is asked in another dialect than its client's."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from mitmproxy import http
from mitmproxy.websocket import WebSocketData
from msgspec import structs

from ws76proxy.bridge import (
    BridgedRequest,
    BridgedResponse,
    refuse_client,
    translate_request,
    translate_response,
)
from ws76proxy.diagnosis import Diagnosis, Severity, check_response, check_unfinished, found
from ws76proxy.mitm.edits import response_of
from ws76proxy.mitm.handshake import Choose, Handshake
from ws76proxy.mitm.legs import client_side
from ws76proxy.mitm.pristine import (
    assembled_request,
    assembled_response,
    mark_bridged,
    set_fields,
    speaks_another,
)
from ws76proxy.mitm.recording import Run
from ws76proxy.mitm.settings import Settings
from ws76proxy.session import Editing, Peer
from ws76proxy.session.adjust import Adjustment, by_bridge
from ws76proxy.session.answer import Answer
from ws76proxy.session.bridging.decided import DecidedBridge
from ws76proxy.session.bridging.legs import server_leg
from ws76proxy.session.lane import Lane
from ws76proxy.session.telling import (
    tell_adjustments,
    tell_challenge,
    tell_own_answer,
    tell_response,
)
from ws76proxy.wire import Dialect, ResponseHead, hixie76, rfc6455
from ws76proxy.wire.challenge import KEY3_SIZE
from ws76proxy.wire.connection import plain_response

__all__ = ["BridgedHandshake"]


class BridgedHandshake(Handshake):
    """The same, translated both ways: `server_dialect` is what the server is asked in.

    From the `request` hook on the flow's request is the one that the server gets, with its key3 for
    a content; from `responseheaders` on its response is the one that the client gets, with its
    digest. What came is in the records.
    """

    def __init__(
        self,
        flow: http.HTTPFlow,
        dialect: Dialect,
        server_dialect: Dialect,
        settings: Settings,
        number: int,
        run: Run | None = None,
        editing: Editing | None = None,
    ) -> None:
        super().__init__(
            flow, dialect, settings, number, run, editing, server_dialect=server_dialect
        )
        session = self.session
        session.server_dialect = server_dialect
        session.options = replace(
            session.options, server_dialect=server_dialect, bridge=settings.bridge
        )
        self._asked: BridgedRequest | None = None
        self._translated: BridgedResponse | None = None
        self._answer: ResponseHead | None = None
        mark_bridged(flow.request)

    # One method a hook

    def _ask(self, flow: http.HTTPFlow) -> list[Diagnosis]:
        """Ask the server in its dialect, with a challenge or a key of our own."""
        request, session = flow.request, self.session
        if flow.response is not None:
            return []
        refusal = refuse_client(self._came, self.dialect)
        if refusal is not None:
            session.outcome = "refused"
            flow.response = response_of(refusal.raw)
            self._comment_on(flow, [refusal.diagnosis])
            return [refusal.diagnosis]
        if len(self._key3) != (KEY3_SIZE if self.dialect is Dialect.HIXIE_76 else 0):
            session.outcome = "refused"
            text = f"A request in {self.dialect} has no body; {len(self._key3)} bytes came.\n"
            flow.response = response_of(plain_response(400, "Bad Request", text))
            return []
        asked = self._asked = translate_request(
            assembled_request(request),
            self.dialect,
            self.server_dialect,
            random_below=session.random_below,
            options=self.settings.bridge,
            original=self._came,
        )
        set_fields(request, asked.head)
        request.raw_content = asked.key3
        self._changes += by_bridge(asked)
        return list(asked.diagnoses)

    def stand_in(self, flow: http.HTTPFlow, choose: Choose) -> None:
        # Recorded servers answer in hixie only.
        if self.server_dialect.is_hixie:
            super().stand_in(flow, choose)

    def _check_response(self, response: ResponseHead) -> list[Diagnosis]:
        if not self.server_dialect.is_hixie:
            return []
        secure = self.session.options.upstream.secure
        return check_response(self._went, response, self.server_dialect, secure=secure)

    def _pass_on(self, response: http.Response, came: ResponseHead) -> None:
        """Make a 101 one that the client's dialect has, where the server can be understood."""
        session, asked = self.session, self._asked
        if asked is None:
            # Somebody else has answered.
            return
        # Somebody may have changed the request on its way.
        key = rfc6455.request_facts(self._went).key or b""
        self._asked = asked = structs.replace(asked, head=self._went, key=key)
        translated = self._translated = translate_response(
            came,
            asked,
            key3=self._key3,
            secure=session.options.listener.secure,
            options=self.settings.bridge,
        )
        if translated.accepted:
            set_fields(response, translated.head)
            response.data.http_version = b"HTTP/1.1"
            response.data.reason = translated.head.reason
        self.tell(tell_response(session, came, translated.head, 0))
        self.tell(tell_adjustments(session, "client", by_bridge(translated)))
        self.tell(session.tell_findings(translated.diagnoses))

    def response(self, flow: http.HTTPFlow, *, websocket: bool = True) -> None:
        """All of the server's handshake is here: verify it, and answer the client."""
        response, head, translated = flow.response, self._response, self._translated
        if response is None or head is None or translated is None:
            return
        session = self.session
        words = speaks_another(flow.request, self.server_dialect)
        if self.server_dialect is Dialect.HIXIE_76 and not words:
            self._digest = response.raw_content or b""
            self._judge()
        session.traffic[Peer.SERVER].bytes = len(head.raw) + len(self._digest)
        why = ""
        if words:
            why = words
            detail = f"asked in {self.server_dialect}: {why}"
            finding = found("server-lacks-dialect", detail, stream=Peer.SERVER.stream)
            self.tell(session.tell_findings([finding]))
            self._failures.append(finding)
        elif session.verdict not in (None, "verified") and not self.settings.repair:
            why = "it did not answer the challenge"
        elif not translated.accepted:
            why = "no client can accept its answer"
            self._failures += [
                one for one in translated.diagnoses if one.finding.severity is Severity.ERROR
            ]
        if self.server_dialect is Dialect.RFC_6455:
            # What a digest is to hixie-76: whether the server has read our key.
            is_proved = not any(
                one.finding.code == "rfc6455-accept-wrong" for one in translated.diagnoses
            )
            self.told.values["verdict"] = "verified" if is_proved and not words else "wrong"
        self._comment_on(flow, self._failures)
        if why:
            self._fail(flow, why)
            return
        response.raw_content = self._digest_for_client(translated)
        self._answer = assembled_response(response)
        self.is_open = True
        session.outcome = "open"
        # mitmproxy makes one itself where the server speaks RFC 6455.
        flow.websocket = flow.websocket or WebSocketData()

    def _check_unfinished(
        self, response: ResponseHead | None, ended_by: Literal["client", "server"]
    ) -> list[Diagnosis]:
        missing = KEY3_SIZE if self.dialect is Dialect.HIXIE_76 else 0
        if len(self._key3) < missing or self._asked is None:
            return super()._check_unfinished(response, ended_by)
        return check_unfinished(
            self.server_dialect,
            request=self._asked.head,
            key3=self._asked.key3,
            response=response,
            digest=self._digest,
            ended_by=ended_by,
        )

    # For the layer

    def converse(self) -> DecidedBridge:
        """Both connections, open, and what one says said to the other once it is decided."""
        translated, response, answer = self._translated, self._response, self._answer
        assert translated and response and answer  # noqa: S101, PT018 - is_open says so
        session, options = self.session, self.session.options
        client = client_side(self.dialect, self._came, self._key3, options)
        server = server_leg(self.server_dialect, options, 0)
        if isinstance(server, rfc6455.ClientConnection):
            server.connect_as(self._went, session.random_below)
        server.receive_head(response)
        server.receive_data(self._digest)
        # What both have to say of the handshake has been said.
        client.accept_as(answer.raw)
        server.open()
        for leg in (client, server):
            leg.events()
            leg.data_to_send()
        session.wants_server = session.is_connected = True
        self._arrivals.converse()
        conversation = DecidedBridge(
            session,
            client,
            server,
            base64=translated.base64,
            lanes={peer: Lane(peer) for peer in Peer},
            asks_owner=True,
        )
        session.enter(conversation)
        return conversation

    # The challenges

    def _judge(self) -> None:
        """Verify the server's digest."""
        session = self.session
        asked = hixie76.challenge_of(self._went, self._asked_key3)
        answer = Answer(None, b"", asked, self._asked_key3, self._digest)
        session.verdict = answer.verdict
        self.tell(
            tell_challenge(
                session,
                asked,
                self._asked_key3,
                asked_by="relay",
                answered_by="server",
                received=self._digest,
                verdict=answer.verdict,
            )
        )
        self._look_at(answer)

    def _digest_for_client(self, translated: BridgedResponse) -> bytes:
        """The 16 bytes behind the head that a client of hixie-76 gets; none for others."""
        session, digest = self.session, translated.digest
        if not digest:
            return b""
        corrupted: list[Adjustment] = []
        challenge = self._client_challenge
        if session.edits is not None:
            digest, corrupted = session.edits.corrupted(challenge, digest)
        self.tell(tell_own_answer(session, challenge, self._key3, digest, corrupted))
        return digest

    def _fail(self, flow: http.HTTPFlow, why: str) -> None:
        """Nobody can accept what the server said: answer in its place."""
        session = self.session
        session.outcome = "failed"
        upstream = session.options.upstream
        text = f"{upstream}, asked in {self.server_dialect}: {why}.\n"
        flow.response = response_of(plain_response(502, "Bad Gateway", text))
        flow.websocket = None
