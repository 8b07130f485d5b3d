"""Who may change what passes in a session: the rules in force, the scripts, a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, Protocol

from ws76proxy.diagnosis import answer_like
from ws76proxy.errors import LocalProtocolError
from ws76proxy.rules import RuleSet, SessionRules
from ws76proxy.rules.decisions import (
    Closing,
    Injection,
    MadeAnswer,
    MessageDecision,
    RequestDecision,
    ResponseDecision,
)
from ws76proxy.scripting import (
    Close,
    Edit,
    Mark,
    Message,
    Request,
    Response,
    ScriptFault,
    Scripts,
    SessionScripts,
    Waiting,
)
from ws76proxy.scripting import Closing as ScriptClosing
from ws76proxy.scripting import Injection as ScriptInjection
from ws76proxy.session.adjust import Adjustment, corrupted_digest
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import NOBODY_WAITS, Await, Command, Peer
from ws76proxy.session.message import HeldMessage
from ws76proxy.wire.challenge import Challenge
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead, ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session
    from ws76proxy.session.outgoing import Outgoing

__all__ = [
    "DEFAULT_MAX_HELD",
    "DEFAULT_PAUSE",
    "ClosingHow",
    "Editing",
    "RuleBook",
    "SessionEdits",
    "Who",
]

_NOT_FRAMABLE = f"{LocalProtocolError.__name__}: "
DEFAULT_MAX_HELD = 16 * 1024 * 1024
DEFAULT_PAUSE = 300.0

Who = Literal["client", "server", "relay"]
ClosingHow = Literal["closing-handshake", "end-of-stream", "reset", "timeout", "shutdown"]


class RuleBook(Protocol):
    """Where the rules that are in force stand: another set each time they change."""

    @property
    def current(self) -> RuleSet:
        """The rules in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Editing:
    """What all sessions of a relay share; sizes in bytes, times in seconds.

    `asks`: whether there is a person who can be asked about what a rule pauses, for `pause` at
    most. `max_held`: how much of one direction may wait before its peer is not read any more.
    """

    rules: RuleBook | None = None
    scripts: Scripts | None = None
    asks: bool = False
    pause: float = DEFAULT_PAUSE
    max_held: int = DEFAULT_MAX_HELD


class SessionEdits:
    """The same for one session, from its request on.

    `call_owner` is called, from any thread, when a script has done something while nobody looked:
    the session wants to be woken soon.
    """

    def __init__(self, session: Session, editing: Editing, client: str) -> None:
        self.editing = editing
        self.rules: SessionRules | None = None
        self.scripts: SessionScripts | None = None
        self.call_owner: Callable[[], None] = lambda: None
        self._session = session
        self._changes = Changes(session)
        self._client = client
        self._set: RuleSet | None = None
        self._opened = 0.0
        self._dialect = Dialect.UNKNOWN
        self._came: RequestHead | None = None
        self._bug: tuple[str, str] | None = None
        self._request: Request | None = None
        self._response: Response | None = None
        self._messages: dict[Peer, Message] = {}
        self._faults: list[ScriptFault] = []

    def begin(self, dialect: Dialect, request: RequestHead) -> None:
        """The client has asked for this."""
        self._dialect, self._came = dialect, request
        self._set = self.rules = None
        self.refresh()
        if self.editing.scripts is not None:
            self.scripts = self.editing.scripts.for_session(
                self._session.number,
                dialect,
                self._client,
                request,
                report=self._faults.append,
                wake=lambda: self.call_owner(),
            )

    def opens(self) -> None:
        """The conversation begins: the rules count their seconds from now."""
        self._opened = self._session.age()

    @property
    def age(self) -> float:
        """Seconds since the conversation began."""
        return self._session.age() - self._opened

    # Rules

    def refresh(self) -> None:
        """Go by the rules that are in force now."""
        book = self.editing.rules
        if book is None or self._came is None:
            return
        current = book.current
        if current is not self._set:
            self._set = current
            number = self._session.number
            self.rules = current.for_session(
                number, self._dialect, self._came, self.rules, self._session.age
            )

    def may_match(self, peer: Peer, frames: bytes, first: int, count: int) -> bool:
        """Whether a rule may match one of these whole text frames."""
        rules = self.rules
        if rules is None or not rules.touches_messages:
            return False
        return rules.may_match(peer.label, frames, first, count, self.age)

    def decide(self, peer: Peer, content: bytes, number: int) -> MessageDecision | None:
        """What the rules make of a message; None: nothing."""
        if self.rules is None:
            return None
        return self.rules.message(peer.label, content, number, self.age)

    def decide_request(self, head: RequestHead) -> RequestDecision | None:
        """What the rules make of a request that is to go on like this."""
        return None if self.rules is None else self.rules.request(head)

    def decide_response(self, head: ResponseHead) -> ResponseDecision | None:
        """What the rules make of an answer that is to go on like this."""
        decision = None if self.rules is None else self.rules.response(head)
        if decision is not None and decision.bug is not None:
            self._bug = decision.bug_by, decision.bug
        return decision

    @property
    def corrupts_digest(self) -> bool:
        """Whether a rule wants the client to get a wrong digest."""
        return self._bug is not None

    def corrupted(
        self, challenge: Challenge | None, digest: bytes
    ) -> tuple[bytes, list[Adjustment]]:
        """The wrong digest that goes on in the place of this one, and what that changes.

        `challenge` is the client's own. Where the bug that a rule wants makes no other answer to
        it, the digest stays.
        """
        if self._bug is None or challenge is None:
            return digest, []
        rule, code = self._bug
        wrong = answer_like(code, challenge)
        if wrong is None or wrong == digest:
            return digest, []
        return wrong, [corrupted_digest(rule, code, digest.hex(), wrong.hex())]

    # Scripts

    def script_request(self, head: RequestHead) -> Waiting | None:
        """Show a request to the scripts; what must be awaited before `script_request_done`."""
        if self.scripts is None:
            return None
        self._request = Request(self.scripts.session, head)
        return self.scripts.request(self._request)

    def script_request_done(
        self, head: RequestHead
    ) -> tuple[RequestHead, list[Adjustment], MadeAnswer | None]:
        """What the scripts made of it, and what they answered for the server."""
        request, self._request = self._request, None
        if request is None:
            return head, [], None
        changes = [change for edit in request.edits for change in _differences(edit, RequestHead)]
        answered = request.answered
        answer = None
        if answered is not None:
            answer = MadeAnswer(f"script {answered.script!r}", answered.data, answered.status)
        return request.headers.head, changes, answer

    def script_response(self, head: ResponseHead) -> Waiting | None:
        """Show an answer to the scripts; what must be awaited before `script_response_done`."""
        if self.scripts is None:
            return None
        self._response = Response(self.scripts.session, head)
        return self.scripts.response(self._response)

    def script_response_done(self, head: ResponseHead) -> tuple[ResponseHead, list[Adjustment]]:
        """What the scripts made of it."""
        response, self._response = self._response, None
        if response is None:
            return head, []
        changes = [change for edit in response.edits for change in _differences(edit, ResponseHead)]
        return response.headers.head, changes

    @property
    def scripts_want_messages(self) -> bool:
        """Whether messages are shown to any script."""
        return self.scripts is not None and self.scripts.wants_messages

    def script_message(self, message: HeldMessage) -> Waiting | None:
        """Show a message; what must be awaited before `script_message_done`."""
        scripts = self.scripts
        if scripts is None or not scripts.wants_messages:
            return None
        shown = Message(scripts.session, message.peer.label, message.number, message.payload)
        self._messages[message.peer] = shown
        return scripts.message(shown)

    def script_has(self, message: HeldMessage, shown: Message) -> None:
        """Scripts have been shown this message already."""
        self._messages[message.peer] = shown

    def script_message_done(self, message: HeldMessage) -> Iterator[Command]:
        """Take over what the scripts made of it, and tell it."""
        shown = self._messages.pop(message.peer, None)
        if shown is None:
            return
        message.content = shown.content
        if shown.dropped:
            message.dropped = True
        if self._session.options.messages:
            for edit in shown.edits:
                yield self._changes.edited("script", edit.script, message, edit.before, edit.after)
            if shown.dropped:
                yield self._changes.told(
                    "script", shown.dropped_by, "drop", peer=message.peer, number=message.number
                )

    def edit_told(self, peer: Peer, number: int, edit: Edit) -> Command:
        """A script's change of a message that nobody hides, as it is told."""
        return self._changes.told(
            "script",
            edit.script,
            "edit",
            peer=peer,
            number=number,
            before=edit.before,
            after=edit.after,
        )

    def do_deeds(self, outgoing: Outgoing) -> Iterator[Command]:
        """Carry out what scripts want done, and tell their faults."""
        yield from self.tell_faults()
        if self.scripts is None:
            return
        for deed in self.scripts.take_deeds():
            match deed:
                case ScriptInjection(script, to, content, is_raw, place):
                    injection = Injection(script, to, content, is_raw, place)
                    yield from outgoing.inject(injection, "script")
                case ScriptClosing(script, how, to):
                    yield from outgoing.close(Closing(script, how, to), "script")
                case Mark(script, text):
                    yield self._changes.told(
                        "script", script, "mark", peer=Peer.CLIENT, detail=text
                    )

    def tell_faults(self) -> Iterator[Command]:
        """Tell what failed in scripts."""
        faults, self._faults[:] = [*self._faults], []
        for fault in faults:
            if fault.function == "on_message" and fault.text.startswith(_NOT_FRAMABLE):
                yield from self._changes.not_framable(f"script {fault}")
            else:
                yield self._changes.notice(f"script {fault}")

    def close(self, by: Who, how: ClosingHow) -> Iterator[Command]:
        """The session ends: the scripts are told."""
        scripts, self.scripts = self.scripts, None
        if scripts is None:
            return
        waiting = scripts.close(Close(scripts.session, by, how))
        yield from self.tell_faults()
        if waiting is not None:
            yield Await(waiting, NOBODY_WAITS)


def _differences(
    edit: Edit, head_type: type[RequestHead] | type[ResponseHead]
) -> Iterator[Adjustment]:
    """What a script changed of a head, field by field."""
    before, after = head_type(edit.before), head_type(edit.after)
    why = f"script {edit.script!r}"
    if before.start_line != after.start_line:
        what = "request line" if head_type is RequestHead else "status line"
        yield Adjustment(what, before.start_line, after.start_line, "script", why)
    names = {field.name.lower(): field.name for head in (before, after) for field in head.fields}
    for lower, name in names.items():
        old = [field.value for field in before.get_all(lower)]
        new = [field.value for field in after.get_all(lower)]
        for was, now in zip_longest(old, new):
            if was != now:
                yield Adjustment(name.decode("latin-1"), was, now, "script", why)
