"""The opening handshake of one hixie flow, from mitmproxy's hooks: read, verified, adjusted."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from weakref import WeakKeyDictionary

from mitmproxy import connection, http
from mitmproxy.websocket import WebSocketData

from ws76proxy.diagnosis import (
    Diagnosis,
    Severity,
    check_request,
    check_response,
    check_unfinished,
    expected_location,
)
from ws76proxy.mitm.places import (
    address_of,
    host_of,
    host_treatment,
    listener_of,
    upstream_of,
)
from ws76proxy.mitm.pristine import (
    answer_of,
    assembled_request,
    assembled_response,
    dialect_of_request,
    head_of,
    with_fields_of,
)
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.told import Told
from ws76proxy.session import Command, Peer, Session, SessionOptions, Tell
from ws76proxy.session.adjust import (
    Adjustment,
    adjust_request,
    adjust_response,
    ask_again,
    repair_response,
)
from ws76proxy.session.answer import Answer
from ws76proxy.session.held import HeldConversation
from ws76proxy.session.telling import (
    tell_adjustments,
    tell_request,
    tell_response,
)
from ws76proxy.wire import (
    Challenge,
    Dialect,
    RequestHead,
    ResponseHead,
    generate_challenge,
    hixie75,
    hixie76,
)

__all__ = ["Handshake", "begin", "forget", "handshake_of"]

_handshakes: WeakKeyDictionary[http.HTTPFlow, Handshake] = WeakKeyDictionary()


def handshake_of(flow: http.HTTPFlow) -> Handshake | None:
    """The handshake that a flow is about; None for all other flows."""
    return _handshakes.get(flow)


def begin(flow: http.HTTPFlow, settings: Settings, numbers: Iterator[int]) -> Handshake | None:
    """A request's head has come: its handshake, if it is one of hixie; it takes a number then."""
    # A flow that is read from a file goes through the same hooks, and has been told of.
    dialect = dialect_of_request(flow.request) if flow.live else Dialect.HTTP
    if not dialect.is_hixie:
        return None
    handshake = Handshake(flow, dialect, settings, next(numbers))
    _handshakes[flow] = handshake
    return handshake


def forget(flow: http.HTTPFlow) -> None:
    """The flow is over."""
    _handshakes.pop(flow, None)
    vars(flow).pop("kill", None)


class Handshake:
    """What is known of one handshake; it never holds its flow, which is given to each method.

    A method belongs to the hook whose name it has. `is_open` says that a 101 has been answered and
    that frames come next.
    """

    def __init__(
        self, flow: http.HTTPFlow, dialect: Dialect, settings: Settings, number: int
    ) -> None:
        self.settings = settings
        self.dialect = dialect
        self.is_open = False
        self.is_in_layer = False
        self.is_killed = False
        self.told = Told(dialect)
        self._came = head_of(flow.request)
        self._went = self._came
        self._key3 = b""
        self._asked_key3 = b""
        self._response: ResponseHead | None = None
        self._digest = b""
        self._changes: list[Adjustment] = []
        self._looked_at_request = False
        self._failures: list[Diagnosis] = []
        listener = listener_of(flow, self._came)
        self.session = Session(
            number,
            SessionOptions(
                upstream=upstream_of(flow),
                listener=listener,
                challenge=settings.challenge,
                host=host_treatment(flow),
                repair=settings.repair,
            ),
            client=address_of(flow.client_conn),
            started=datetime.fromtimestamp(flow.request.timestamp_start, UTC).isoformat(),
            clock=time.monotonic,
            random_below=secrets.randbelow,
        )
        self.session.dialect = dialect
        self.told.put(flow)

    # One method a hook

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Give the head its spaces back, and the server an Origin that it knows."""
        self.tell(self.session.start())
        with_fields_of(flow.request, self._came)
        if self.session.options.host == "keep":
            return
        for change in adjust_request(self._came, self.session.options)[1]:
            if change.what == "Host":
                # mitmproxy has seen to it, in its own spelling.
                change = change._replace(after=host_of(flow.request))
            elif change.after is not None:
                flow.request.headers[change.what] = change.after.decode("latin-1")
            self._changes.append(change)

    def request(self, flow: http.HTTPFlow) -> None:
        """All of the client's handshake is here: look at it, and ask anew where that is wanted."""
        session = self.session
        self._key3 = flow.request.raw_content or b""
        session.traffic[Peer.CLIENT].bytes = len(self._came.raw) + len(self._key3)
        diagnoses = check_request(self._came, self.dialect)
        errors = [one for one in diagnoses if one.finding.severity is Severity.ERROR]
        if self.settings.strict and errors and flow.response is None:
            session.outcome = "refused"
            lines = [f"{one.finding.title}: {one.detail}\n" for one in errors]
            flow.response = http.Response.make(
                400,
                "".join(["This is not a handshake that a server may accept.\n", *lines]),
                {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"},
            )
            self._comment_on(flow, errors)
        elif self.settings.challenge == "own" and self._client_challenge is not None:
            own = generate_challenge(session.random_below)
            asked, changes = ask_again(assembled_request(flow.request), own)
            _set_fields(flow.request, asked)
            flow.request.raw_content = own.key3
            self._changes += changes
        self.tell(tell_request(session, self.dialect, self._came, assembled_request(flow.request)))
        self.tell(tell_adjustments(session, "server", self._changes))
        self.tell(session.tell_findings(diagnoses))
        self._looked_at_request = True

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The server has answered: make a 101 speak of the address that this client knows."""
        session = self.session
        if flow.response is None:
            return
        self._went = assembled_request(flow.request)
        self._asked_key3 = flow.request.raw_content or b""
        session.options = replace(session.options, upstream=upstream_of(flow))
        self.tell(tell_request(session, self.dialect, self._came, self._went))
        came = answer_of(flow.request)
        if came is None:
            return
        self._response = came
        diagnoses = check_response(
            self._went, came, self.dialect, secure=session.options.upstream.secure
        )
        if flow.response.status_code != 101:
            session.outcome = "refused"
            self.tell(tell_response(session, came, assembled_response(flow.response)))
            self.tell(session.tell_findings(diagnoses))
            self._comment_on(flow, diagnoses)
            return
        with_fields_of(flow.response, came)
        adjusted, changes = self._adjusted(assembled_response(flow.response))
        if self.settings.repair:
            adjusted, repairs = repair_response(
                adjusted, self._came, self.dialect, session.options.listener
            )
            changes += repairs
        _set_fields(flow.response, adjusted)
        self.tell(tell_response(session, came, adjusted))
        self.tell(tell_adjustments(session, "client", changes))
        self.tell(session.tell_findings(diagnoses))
        self._failures = [one for one in diagnoses if one.finding.severity is Severity.ERROR]

    def response(self, flow: http.HTTPFlow, *, websocket: bool = True) -> None:
        """All of the server's handshake is here: verify it, and answer the client."""
        response, head = flow.response, self._response
        if response is None or head is None or response.status_code != 101:
            return
        if self.dialect is Dialect.HIXIE_76:
            self._digest = response.raw_content or b""
            answer = self._verify()
            if answer != self._digest:
                response.raw_content = answer
        self.session.traffic[Peer.SERVER].bytes = len(head.raw) + len(self._digest)
        self._comment_on(flow, self._failures)
        if websocket:
            self.is_open = True
            self.session.outcome = "open"
            flow.websocket = WebSocketData()

    def error(self, flow: http.HTTPFlow) -> None:
        """It did not come to an end: say what was still to come."""
        session = self.session
        session.outcome = "failed"
        if not self._looked_at_request:
            self.tell(tell_request(session, self.dialect, self._came, self._came))
            self.tell(session.tell_findings(check_request(self._came, self.dialect)))
        response = self._response or answer_of(flow.request)
        if response is not None and self._response is None:
            # mitmproxy has refused what it could read of the answer; the client gets none of it.
            self.tell(tell_response(session, response, response))
            self.tell(
                session.tell_findings(
                    check_response(
                        assembled_request(flow.request),
                        response,
                        self.dialect,
                        secure=session.options.upstream.secure,
                    )
                )
            )
        ended_by: Literal["client", "server"] = "server"
        if not flow.client_conn.state & connection.ConnectionState.CAN_READ:
            ended_by = "client"
        diagnoses = check_unfinished(
            self.dialect,
            request=self._came,
            key3=self._key3,
            response=response,
            digest=self._digest,
            ended_by=ended_by,
        )
        self.tell(session.tell_findings(diagnoses))
        self._comment_on(flow, diagnoses)

    # For the layer

    def converse(self) -> HeldConversation:
        """Both streams, read up to the first frame, and held from there on."""
        wire = hixie76 if self.dialect is Dialect.HIXIE_76 else hixie75
        limit = self.session.options.max_message
        client = wire.ServerConnection(max_message=limit)
        server = wire.ClientConnection(max_message=limit)
        assert self._response is not None  # noqa: S101 - is_open says so
        client.receive_head(self._came)
        client.receive_data(self._key3)
        server.receive_head(self._response)
        server.receive_data(self._digest)
        for leg in (client, server):
            leg.events()
        session = self.session
        session.wants_server = session.is_connected = True
        conversation = HeldConversation(session, client, server)
        session.enter(conversation)
        return conversation

    def tell(self, commands: Iterable[Command]) -> None:
        """Keep what is told."""
        for command in commands:
            if isinstance(command, Tell):
                self.told.add(command.record)

    # For the patches

    def note_key3(self, data: bytes) -> None:
        """So much of key3 has come."""
        self._key3 = data

    def note_digest(self, data: bytes) -> None:
        """So much of the digest has come."""
        self._digest = data

    # The challenge

    @property
    def _client_challenge(self) -> Challenge | None:
        return hixie76.challenge_of(self._came, self._key3)

    def _verify(self) -> bytes:
        """Judge the server's digest; the 16 bytes that the client gets."""
        session = self.session
        # Asked anew by us, or changed on the way by a user or another addon: that is all one.
        asked = hixie76.challenge_of(self._went, self._asked_key3)
        answer = Answer(self._client_challenge, self._key3, asked, self._asked_key3, self._digest)
        session.verdict = answer.verdict
        sent = answer.for_client(repair=self.settings.repair)
        self.tell(answer.tell(session, sent))
        diagnoses = answer.diagnoses(0 if self._response is None else len(self._response.raw))
        self.tell(session.tell_findings(diagnoses))
        self._failures += [one for one in diagnoses if one.finding.severity is Severity.ERROR]
        return sent

    def _adjusted(self, head: ResponseHead) -> tuple[ResponseHead, list[Adjustment]]:
        options = self.session.options
        adjusted, changes = adjust_response(head, self._came, self._went, options)
        # A location that is wholly right for the server is made wholly right for the client: a
        # request that was sent to another path (map_remote) differs there too.
        theirs = expected_location(self._went, options.upstream.secure)
        ours = expected_location(self._came, options.listener.secure)
        for name in (b"sec-websocket-location", b"websocket-location"):
            field, before = adjusted.get(name), head.value(name)
            if field is not None and before == theirs and field.value != ours:
                why = "the client knows this address"
                label = field.name.decode("latin-1")
                changes = [one for one in changes if one.what != label]
                changes.append(Adjustment(label, before, ours, "proxy", why))
                adjusted = adjusted.replace_field(field, ours)
        return adjusted, changes

    def _comment_on(self, flow: http.HTTPFlow, diagnoses: list[Diagnosis]) -> None:
        errors = [one for one in diagnoses if one.finding.severity is Severity.ERROR]
        failed = self.session.verdict not in (None, "verified")
        if failed or errors:
            self.told.mark(flow, ":x:" if failed else ":warning:")
        if errors:
            # The digest is what nobody else tells: it comes last, and is said first.
            worst = errors[-1]
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            text = f"{worst.finding.code}: {worst.finding.title}: {worst.detail}{more}"
            self.told.comment(flow, "handshake", text)


def _set_fields(message: http.Message, head: RequestHead | ResponseHead) -> None:
    message.headers.fields = tuple((field.name, field.value) for field in head.fields)
