"""The opening handshake of one hixie flow, from mitmproxy's hooks: read, verified, adjusted."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from mitmproxy import connection, http
from mitmproxy.websocket import WebSocketData

from ws76proxy.diagnosis import (
    Diagnosis,
    Severity,
    check_request,
    check_response,
    check_unfinished,
)
from ws76proxy.mitm.adjusted import adjusted_response
from ws76proxy.mitm.arrivals import Arrivals
from ws76proxy.mitm.edits import FlowEdits
from ws76proxy.mitm.legs import client_side, server_side
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
    head_of,
    set_fields,
    with_fields_of,
)
from ws76proxy.mitm.recording import Run
from ws76proxy.mitm.server_replay import answer_of_plan
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.told import Told
from ws76proxy.record import AnyRecord, Messages, NoticeRecord
from ws76proxy.replay import Plan
from ws76proxy.session import Command, Editing, Peer, Session, SessionOptions, Tell
from ws76proxy.session.adjust import (
    Adjustment,
    adjust_request,
    ask_again,
    repair_response,
)
from ws76proxy.session.answer import Answer
from ws76proxy.session.bridging.decided import DecidedBridge
from ws76proxy.session.held import HeldConversation
from ws76proxy.session.telling import (
    tell_adjustments,
    tell_challenge,
    tell_request,
    tell_response,
)
from ws76proxy.wire import (
    Challenge,
    Dialect,
    RequestHead,
    ResponseHead,
    ServerConnection,
    generate_challenge,
    hixie76,
)
from ws76proxy.wire.challenge import DIGEST_SIZE

__all__ = ["Choose", "Handshake"]

Choose = Callable[[RequestHead, Dialect], Plan | None]
"""Says which recorded session's server answers a request; None: the real one."""


class Handshake:
    """What is known of one handshake; it never holds its flow, which is given to each method.

    A method belongs to the hook whose name it has. `is_open` says that a 101 has been answered and
    that frames come next; `plan`, whose server answers in place of the real one.
    """

    def __init__(
        self,
        flow: http.HTTPFlow,
        dialect: Dialect,
        settings: Settings,
        number: int,
        run: Run | None = None,
        editing: Editing | None = None,
        *,
        server_dialect: Dialect | None = None,
    ) -> None:
        self.settings = settings
        self.dialect = dialect
        self.server_dialect = server_dialect or dialect
        self.is_open = False
        self.is_in_layer = False
        self.is_killed = False
        self.plan: Plan | None = None
        self.told = Told(dialect, server_dialect)
        self._came = head_of(flow.request)
        self._went = self._came
        self._key3 = b""
        self._asked_key3 = b""
        self._response: ResponseHead | None = None
        self._digest = b""
        self._stood_in: ResponseHead | None = None
        self._changes: list[Adjustment] = []
        self._looked_at_request = False
        self._failures: list[Diagnosis] = []
        self._run = run
        if run is not None:
            run.watch(flow.client_conn)
        self._request_told = b""
        listener = listener_of(flow, self._came)
        self.session = Session(
            number,
            SessionOptions(
                upstream=upstream_of(flow),
                listener=listener,
                challenge=settings.challenge,
                host=host_treatment(flow),
                repair=settings.repair,
                lossless=run is not None,
            ),
            client=address_of(flow.client_conn),
            # By both clocks now, so that the times of messages and of records fit together.
            started=datetime.now(UTC).isoformat(),
            clock=time.monotonic,
            random_below=secrets.randbelow,
            editing=editing,
        )
        self.edits = None if editing is None else FlowEdits(self.session)
        self.session.dialect = dialect
        self._arrivals = Arrivals(self.session)
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
        else:
            diagnoses += self._ask(flow)
            self._cut_key3(flow)
        self._tell_request(assembled_request(flow.request))
        self.tell(tell_adjustments(session, "server", self._changes))
        self.tell(session.tell_findings(diagnoses))
        self._looked_at_request = True

    def _ask(self, flow: http.HTTPFlow) -> list[Diagnosis]:
        """Ask the server otherwise than the client did, where that is wanted; what is to be told
        of that."""
        if self.settings.challenge == "own" and self._client_challenge is not None:
            own = generate_challenge(self.session.random_below)
            asked, changes = ask_again(assembled_request(flow.request), own)
            set_fields(flow.request, asked)
            flow.request.raw_content = own.key3
            self._changes += changes
        return []

    def _cut_key3(self, flow: http.HTTPFlow) -> None:
        """Ask with less of key3 than all, whoever has made it, where a rule wants that."""
        most = None if self.edits is None else self.edits.key3_bytes
        if most is not None and flow.response is None:
            flow.request.raw_content = (flow.request.raw_content or b"")[:most]

    def stand_in(self, flow: http.HTTPFlow, choose: Choose) -> None:
        """Have a recorded server answer, if `choose` has one for this request."""
        went, key3 = assembled_request(flow.request), flow.request.raw_content or b""
        plan = choose(went, self.server_dialect)
        if plan is None:
            return
        secure = upstream_of(flow).secure
        flow.response = answer_of_plan(plan, went, key3, self.server_dialect, secure=secure)
        flow.is_replay = "response"
        self.plan = plan
        self._stood_in = assembled_response(flow.response)
        text = f"the server is not asked: {plan.name} answers"
        session = self.session
        self.tell(
            [
                Tell(
                    NoticeRecord(
                        session=session.number, time=session.now(), level="info", text=text
                    )
                )
            ]
        )

    async def edit_request(self, flow: http.HTTPFlow) -> None:
        """Have rules and scripts look at the request, before `request` does."""
        if self.edits is not None:
            self._changes += await self.edits.request(
                flow, self.dialect, self._came, assembled_request(flow.request), self.tell
            )

    async def edit_response(self, flow: http.HTTPFlow) -> None:
        """Have rules and scripts look at the answer's head, behind `responseheaders`."""
        if self.edits is None or flow.response is None or self._response is None:
            return
        head = assembled_response(flow.response)
        edited, changes = await self.edits.response(head, self.tell)
        if edited is not head:
            set_fields(flow.response, edited)
            flow.response.status_code = edited.status or flow.response.status_code
            flow.response.data.reason = edited.reason
            self.tell(tell_response(self.session, self._response, edited, 0))
        self.tell(tell_adjustments(self.session, "client", changes))

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The server has answered: make a 101 speak of the address that this client knows."""
        session = self.session
        if flow.response is None:
            return
        self._went = assembled_request(flow.request)
        self._asked_key3 = flow.request.raw_content or b""
        session.options = replace(session.options, upstream=upstream_of(flow))
        if self._went.raw != self._request_told:
            # Somebody has changed it since.
            self._tell_request(self._went)
        came = answer_of(flow.request) or self._stood_in
        if came is None:
            return
        self._response = came
        diagnoses = self._check_response(came)
        if flow.response.status_code != 101:
            session.outcome = "refused"
            self.tell(tell_response(session, came, assembled_response(flow.response), 0))
            self.tell(session.tell_findings(diagnoses))
            self._comment_on(flow, diagnoses)
            self._arrivals.is_unread = True
            return
        self._pass_on(flow.response, came)
        self.tell(session.tell_findings(diagnoses))
        self._failures = [one for one in diagnoses if one.finding.severity is Severity.ERROR]

    def _check_response(self, response: ResponseHead) -> list[Diagnosis]:
        secure, came = self.session.options.upstream.secure, self._came
        return check_response(self._went, response, self.dialect, secure=secure, came=came)

    def _pass_on(self, response: http.Response, came: ResponseHead) -> None:
        """Make a 101 right for the client, and tell it."""
        session = self.session
        with_fields_of(response, came)
        adjusted, changes = adjusted_response(
            assembled_response(response), self._came, self._went, session.options
        )
        if self.settings.repair:
            adjusted, repairs = repair_response(
                adjusted, self._came, self.dialect, session.options.listener
            )
            changes += repairs
        set_fields(response, adjusted)
        self.tell(tell_response(session, came, adjusted, 0))
        self.tell(tell_adjustments(session, "client", changes))

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
        else:
            self.session.outcome = "passed-on"

    def error(self, flow: http.HTTPFlow) -> None:
        """It did not come to an end: say what was still to come."""
        session = self.session
        if session.outcome != "refused":
            session.outcome = "failed"
        if not self._looked_at_request:
            self._tell_request(self._came)
            self.tell(session.tell_findings(check_request(self._came, self.dialect)))
        response = self._response or answer_of(flow.request)
        if response is not None and self._response is None:
            # mitmproxy has refused what it could read of the answer; the client gets none of it.
            self.tell(tell_response(session, response, response, 0))
            self._went = assembled_request(flow.request)
            self.tell(session.tell_findings(self._check_response(response)))
        ended_by: Literal["client", "server"] = "server"
        if not flow.client_conn.state & connection.ConnectionState.CAN_READ:
            ended_by = "client"
        self._tell_how_it_ended(flow, ended_by)
        if self._response is not None and self.server_dialect is Dialect.HIXIE_76:
            self._tell_half_a_digest()
        diagnoses = self._check_unfinished(response, ended_by)
        self.tell(session.tell_findings(diagnoses))
        self._comment_on(flow, diagnoses)

    def _check_unfinished(
        self, response: ResponseHead | None, ended_by: Literal["client", "server"]
    ) -> list[Diagnosis]:
        return check_unfinished(
            self.dialect,
            request=self._came,
            key3=self._key3,
            response=response,
            digest=self._digest,
            ended_by=ended_by,
        )

    def finish(self) -> None:
        """Nothing more will come of it, and no conversation: sum up."""
        self._arrivals.finish()
        self.tell(self.session.end())

    def break_off(self) -> None:
        """mitmproxy ends, and the session with it: it is told so."""
        self.tell(self.session.tell_closing("relay", "shutdown", "mitmproxy has ended"))
        self.tell(self.session.end())

    # For the layer

    def converse(self) -> HeldConversation | DecidedBridge:
        """Both streams, read up to the first frame, and held from there on."""
        assert self._response is not None  # noqa: S101 - is_open says so
        session = self.session
        client = client_side(self.dialect, self._came, self._key3, session.options)
        server = server_side(self.dialect, self._response, self._digest, session.options)
        session.wants_server = session.is_connected = True
        self._arrivals.converse()
        conversation = HeldConversation(session, client, server, asks_owner=True)
        session.enter(conversation)
        return conversation

    @property
    def is_bridged(self) -> bool:
        """Whether both sides speak different dialects."""
        return self.server_dialect is not self.dialect

    def server_leg(self) -> ServerConnection:
        """The server's side of it, for who plays that: it reads what the client sends next."""
        options = self.session.options
        leg = client_side(self.server_dialect, self._went, self._asked_key3, options)
        leg.open()
        return leg

    def tell(self, commands: Iterable[Command]) -> None:
        """Keep what is told, and record it."""
        for command in commands:
            if isinstance(command, Tell):
                self.record(command.record)
                self.told.add(command.record)

    def record(self, record: AnyRecord | Messages) -> None:
        """Write it to the recording, where there is one."""
        if self._run is not None:
            self._run.tell(record)

    # For the patches

    def received(self, peer: Peer, data: bytes) -> None:
        """A peer has sent this, before there was a conversation; asked only for a recording."""
        if not self.is_open:
            self.tell(self._arrivals.add(peer, data))

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
        corrupted: list[Adjustment] = []
        if session.edits is not None:
            sent, corrupted = session.edits.corrupted(self._client_challenge, sent)
        self.tell(answer.tell(session, sent, corrupted))
        self._look_at(answer)
        return sent

    def _look_at(self, answer: Answer) -> None:
        """Say what is wrong with the server's digest."""
        base = 0 if self._response is None else len(self._response.raw)
        diagnoses = answer.diagnoses(base, head=self._went.raw)
        self.tell(self.session.tell_findings(diagnoses))
        self._failures += [one for one in diagnoses if one.finding.severity is Severity.ERROR]

    def _tell_request(self, went: RequestHead) -> None:
        self._request_told = went.raw
        went = self._came if went.raw == self._came.raw else went
        other = self.session.server_dialect
        self.tell(tell_request(self.session, self.dialect, self._came, went, 0, other))

    def _tell_how_it_ended(self, flow: http.HTTPFlow, by: Literal["client", "server"]) -> None:
        if self.is_killed:
            self.tell(self.session.tell_closing("relay", "shutdown", "killed by the user"))
        elif by == "client" or flow.server_conn.timestamp_tcp_setup is not None:
            self.tell(self.session.tell_closing(by, "end-of-stream", ""))

    def _tell_half_a_digest(self) -> None:
        session = self.session
        asked = hixie76.challenge_of(self._went, self._asked_key3)
        session.verdict = "missing" if len(self._digest) < DIGEST_SIZE else "unanswerable"
        self.tell(
            tell_challenge(
                session,
                asked,
                self._asked_key3,
                asked_by="client" if asked == self._client_challenge else "relay",
                answered_by="server",
                received=self._digest,
                verdict=session.verdict,
            )
        )
        assert self._response is not None  # noqa: S101 - only then there can be a digest
        self._arrivals.told(Peer.SERVER, len(self._response.raw) + len(self._digest))
        if asked == self._client_challenge:
            self._arrivals.told(Peer.CLIENT, len(self._came.raw) + len(self._key3))

    def _comment_on(self, flow: http.HTTPFlow, diagnoses: list[Diagnosis]) -> None:
        errors = [one for one in diagnoses if one.finding.severity is Severity.ERROR]
        failed = self.session.verdict not in (None, "verified")
        if failed or errors:
            self.told.mark(flow, ":x:" if failed else ":warning:")
        if errors:
            # The digest is what nobody else tells: it comes last, only its cause comes behind it,
            # and is said first.
            worst = [one for one in errors if not one.finding.cause][-1]
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            text = f"{worst.finding.code}: {worst.finding.title}: {worst.detail}{more}"
            self.told.comment(flow, "handshake", text)
