"""What rules and scripts make of a flow's opening handshake, in mitmproxy's hooks."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from mitmproxy import http

from ws76proxy.mitm.pristine import set_fields
from ws76proxy.session import Command, Peer, Session
from ws76proxy.session.adjust import Adjustment
from ws76proxy.session.asking import by_rule, tell_notes
from ws76proxy.session.changes import Changes
from ws76proxy.wire import Dialect, RequestHead, ResponseHead

__all__ = ["FlowEdits", "response_of"]

Tell = Callable[[Iterable[Command]], None]


class FlowEdits:
    """The rules and scripts of one session, as far as they concern its handshake.

    mitmproxy writes heads itself: they can be delayed, but not cut.
    """

    def __init__(self, session: Session) -> None:
        assert session.edits is not None  # noqa: S101 - who makes this has seen to it
        self._edits = session.edits
        self._changes = Changes(session)
        self._seconds = 0.0
        self._kills = False
        self.key3_bytes: int | None = None
        """So much of key3 is to go on; None: all of it."""

    async def request(
        self,
        flow: http.HTTPFlow,
        dialect: Dialect,
        came: RequestHead,
        went: RequestHead,
        tell: Tell,
    ) -> list[Adjustment]:
        """Change the request as rules and scripts want it, or answer it; what was changed."""
        edits = self._edits
        edits.begin(dialect, came)
        changes: list[Adjustment] = []
        seconds, closes, answer, head = 0.0, False, None, went
        decision = edits.decide_request(went)
        if decision is not None:
            head, seconds, answer = decision.head, decision.delay, decision.answer
            closes = decision.closing is not None
            changes += [by_rule(change) for change in decision.changes]
            tell(tell_notes(self._changes, Peer.CLIENT, decision))
            self._refuse_split(decision.split is not None, tell)
        waiting = edits.script_request(head)
        if waiting is not None:
            await waiting
        head, changed, answered = edits.script_request_done(head)
        changes += changed
        answer = answered or answer
        tell(edits.tell_faults())
        if head is not went:
            set_fields(flow.request, head)
            flow.request.data.path = head.target
        if decision is not None and decision.key3_bytes is not None:
            self.key3_bytes = decision.key3_bytes
        await asyncio.sleep(seconds)
        if answer is not None:
            flow.response = response_of(answer.data)
            tell([self._changes.notice(f"answered for the server by {answer.rule}", "info")])
        elif closes and flow.killable:
            flow.kill()
        return changes

    async def response(
        self, head: ResponseHead, tell: Tell
    ) -> tuple[ResponseHead, list[Adjustment]]:
        """What the client gets instead of this head, and what that changes."""
        edits = self._edits
        changes: list[Adjustment] = []
        decision = edits.decide_response(head)
        if decision is not None:
            head, self._seconds = decision.head, decision.delay
            self._kills = decision.closing is not None
            changes += [by_rule(change) for change in decision.changes]
            tell(tell_notes(self._changes, Peer.SERVER, decision))
            self._refuse_split(decision.split is not None, tell)
        waiting = edits.script_response(head)
        if waiting is not None:
            await waiting
        head, changed = edits.script_response_done(head)
        tell(edits.tell_faults())
        return head, changes + changed

    async def wait(self, flow: http.HTTPFlow) -> None:
        """Let the answer wait as long as a rule wants, or never come."""
        await asyncio.sleep(self._seconds)
        if self._kills and flow.killable:
            flow.kill()

    def _refuse_split(self, wanted: bool, tell: Tell) -> None:
        if wanted:
            text = "a head cannot be cut in mitmproxy, which writes it: it goes on in one piece"
            tell([self._changes.notice(text)])


def response_of(data: bytes) -> http.Response:
    """A whole answer in bytes as mitmproxy has it."""
    raw, _, body = data.partition(b"\r\n\r\n")
    head = ResponseHead(raw + b"\r\n\r\n")
    response = http.Response.make(head.status or 500)
    response.data.reason = head.reason
    set_fields(response, head)
    # Not as a content, which mitmproxy would code as the fields say, once more.
    response.raw_content = body
    return response
