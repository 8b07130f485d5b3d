"""A session as a conversation: who says what, what reaches the other side, what is told."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from random import Random
from typing import Any

from ws76proxy.diagnosis import HandshakeHistory
from ws76proxy.endpoint import Endpoint
from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    ChangeRecord,
    ClosingRecord,
    FindingRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    NoticeRecord,
    RecordingRecord,
    RequestRecord,
    ResponseRecord,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.rules import RuleSet, read_rules
from ws76proxy.scripting import Running, Script, Scripts
from ws76proxy.session import Command, DialectMemory, Editing, Peer, Session, SessionOptions

from .examples import DIGEST, KEY3, answer, answer_75, request, request_75
from .owner import Owner

__all__ = [
    "LISTENER",
    "UPSTREAM",
    "Book",
    "Clock",
    "Play",
    "editing",
    "in_words",
    "new_session",
    "opened",
    "opened_75",
]

LISTENER = Endpoint(False, "proxy.test", 8076)
UPSTREAM = Endpoint(False, "server.test", 9000)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Book:
    """Rules that can be replaced while sessions go by them; a file that they name says "file"."""

    def __init__(self, text: str) -> None:
        self.current: RuleSet
        self.rewrite(text)

    def rewrite(self, text: str) -> None:
        """Other rules are in force from now on."""
        self.current = read_rules(text, "rules.toml", read_file=lambda _name: b"file")


def editing(
    rules: str | Book | None = None,
    scripts: Sequence[Script] = (),
    on_error: Any = "pass",
    **changes: Any,
) -> Editing | None:
    """Who edits: these rules, these scripts; `changes` are fields of Editing. None: nobody."""
    if rules is None and not scripts and not changes:
        return None
    running = Running(lambda _seconds: nullcontext(), lambda _error: False)
    return Editing(
        rules=Book(rules) if isinstance(rules, str) else rules,
        scripts=Scripts(scripts, running, on_error=on_error) if scripts else None,
        **changes,
    )


def new_session(
    clock: Clock,
    *,
    history: HandshakeHistory | None = None,
    editing: Editing | None = None,
    dialects: DialectMemory | None = None,
    **changes: Any,
) -> Session:
    """A session between LISTENER and UPSTREAM; `changes` are fields of SessionOptions."""
    fields = {"listener": LISTENER, "upstream": UPSTREAM, "good_findings": False, **changes}
    return Session(
        1,
        SessionOptions(**fields),
        client="192.0.2.1:51234",
        started="2010-06-01T12:00:00+00:00",
        clock=clock,
        random_below=Random(76).randrange,
        history=history,
        editing=editing,
        dialects=dialects,
    )


class Play:
    """A conversation through a session.

    Deeds come first (`client`, `server`, …); then `to_server`, `to_client`, `told` and `did` say
    exactly what came of them since each was last asked. The server's connection opens at once
    unless `connects` is false. `rules`, `scripts` and `edits` (fields of Editing) say who changes
    what passes. `looks_afterwards` is as for Owner.
    """

    def __init__(
        self,
        *,
        connects: bool = True,
        rules: str | Book | None = None,
        scripts: Sequence[Script] = (),
        on_error: str = "pass",
        edits: dict[str, Any] | None = None,
        looks_afterwards: bool = False,
        **changes: Any,
    ) -> None:
        self.clock = Clock()
        editor = editing(rules, scripts, on_error, **(edits or {}))
        self.session = new_session(self.clock, editing=editor, **changes)
        self._calls = 0
        if self.session.edits is not None:
            self.session.edits.call_owner = self._called
        self._owner = Owner(self.session, looks_afterwards=looks_afterwards)
        self._connects = connects
        self._asked = 0
        self._run(self.session.start())
        self.told("session-start")

    # What happens

    def client(self, *chunks: bytes) -> None:
        """The client sends bytes, in these chunks."""
        for data in chunks:
            self._receive(Peer.CLIENT, data)

    def server(self, *chunks: bytes) -> None:
        """The server sends bytes, in these chunks."""
        for data in chunks:
            self._receive(Peer.SERVER, data)

    def _receive(self, peer: Peer, data: bytes) -> None:
        self._owner.receive(peer, data)
        self._run(())

    def client_ends(self) -> None:
        """The client sends no more."""
        self._run(self.session.receive_eof(Peer.CLIENT))

    def server_ends(self) -> None:
        """The server sends no more."""
        self._run(self.session.receive_eof(Peer.SERVER))

    def lost(self, peer: Peer, reason: str | None = "Connection reset by peer") -> None:
        """The connection to a peer is gone."""
        self._owner.lost(peer, reason)
        self._run(())

    def connects(self) -> None:
        """The connection to the server opens."""
        self._owner.connect()

    def connect_fails(
        self, reason: str = "Connection refused", code: str = "upstream-unreachable"
    ) -> None:
        """The connection to the server cannot be opened."""
        self._run(self.session.connect_failed(reason, code))

    def time_passes(self, seconds: float) -> None:
        """The clock moves."""
        self.clock.seconds += seconds

    def wakes(self, seconds: float = 0.0) -> None:
        """So much time passes, and the session is woken each time that it wants to be."""
        clock = self.clock
        until = clock.seconds + seconds
        for _ in range(10_000):
            if self.due > until - clock.seconds:
                break
            clock.seconds += max(0.0, self.due)
            while self.due > 0.0:
                clock.seconds = math.nextafter(clock.seconds, math.inf)
            self._run(self.session.wake())
        else:
            raise AssertionError("it wants to be woken again and again")
        clock.seconds = max(clock.seconds, until)

    def answers(self, number: int, content: bytes | None = None, *, drop: bool = False) -> None:
        """A person decides about the message that is held under this number."""
        commands = self.session.answer_held(number, content, drop=drop)
        assert commands is not None, f"nothing is held as {number}"
        self._run(commands)

    def scripts_go_on(self) -> None:
        """What scripts await runs on, and so does the session behind it."""
        self._owner.goes_on()
        self._run(())

    def scripts_fail(self, error: BaseException) -> None:
        """The first that is awaited is given up by the owner."""
        self._owner.fails(error)
        self._run(())

    def is_called(self) -> None:
        """A script has called for the owner since this was last asked: it wakes the session."""
        assert self._calls
        self._calls = 0
        self._run(self.session.wake())

    def times_out(self, seconds: float = 30.0) -> None:
        """That much time is over, and was all that was allowed."""
        self.time_passes(seconds)
        self._run(self.session.timed_out(seconds))

    def shuts_down(self) -> None:
        """The relay stops."""
        self._run(self.session.shut_down())

    def refuses(self, code: str, detail: str) -> None:
        """The owner will not serve this client."""
        self._run(self.session.refuse(code, detail))

    # What came of it

    @property
    def due(self) -> float:
        """In how many seconds the session wants to be woken; infinity: never."""
        return self.session.due - self.session.age()

    @property
    def held(self) -> list[tuple[int, str, int, bytes, str]]:
        """What waits for a person: its number, who said it, the how-manieth, what, and why."""
        return [
            (one.number, one.peer.label, one.message, one.content, one.rule)
            for one in self.session.held()
        ]

    @property
    def paused(self) -> set[str]:
        """Who is not read."""
        return {peer.label for peer in self._owner.paused}

    @property
    def notices(self) -> list[str]:
        """What the session has had to say itself."""
        return [record.text for record in self.records if isinstance(record, NoticeRecord)]

    @property
    def changes(self) -> list[str]:
        """What was done by rules, scripts and persons, in words."""
        return [in_words(one) for one in self.records if isinstance(one, ChangeRecord)]

    def to_server(self, *writes: bytes) -> None:
        """Exactly these writes went to the server."""
        assert self.sent("server") == list(writes)

    def to_client(self, *writes: bytes) -> None:
        """Exactly these writes went to the client."""
        assert self.sent("client") == list(writes)

    def sent(self, label: str) -> list[bytes]:
        """What went to the peer of that name."""
        writes = self._owner.sent[Peer(label)]
        self._owner.sent[Peer(label)] = []
        return writes

    def answered(self, status: int, *texts: str) -> None:
        """One write went to the client: a whole answer of our own, with these texts in it."""
        writes = self.sent("client")
        assert len(writes) == 1
        head, _, body = writes[0].partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"Content-Length: %d\r\n" % len(body) in head
        assert b"Connection: close" in head
        for text in texts:
            assert text in body.decode()

    def told(self, *records: str) -> None:
        """Exactly these records were told, in words."""
        new = self.records[self._asked :]
        self._asked += len(new)
        assert [in_words(record) for record in new] == list(records)

    def ask_no_more(self) -> None:
        """What has been told and done so far is not asked for."""
        self._asked = len(self.records)
        self._owner.deeds.clear()

    def settle(self) -> None:
        """Nothing of what has been is asked for any more."""
        self.sent("client")
        self.sent("server")
        self.ask_no_more()

    def handshaking_since(self, seconds: float | None) -> None:
        """This is when the request or handshake that is on its way began; None: there is none."""
        assert self.session.handshaking_since == seconds

    def nothing_from(self, commands: Iterable[Command]) -> None:
        """These are no commands at all."""
        assert list(commands) == []

    def did(self, *deeds: str) -> None:
        """Exactly these other commands were given."""
        assert self.deeds == list(deeds)

    def over(self, outcome: str, *codes: str) -> SessionEndRecord:
        """The session has ended like this, with these findings; and all bytes were asked for."""
        end = self._owner.records[-1]
        assert isinstance(end, SessionEndRecord)
        assert (end.outcome, *end.findings) == (outcome, *codes)
        assert not any(self._owner.sent.values()), self._owner.sent
        return end

    @property
    def deeds(self) -> list[str]:
        """What else was done since this, or `did`, was last asked."""
        done, self._owner.deeds = self._owner.deeds, []
        return done

    @property
    def records(self) -> list[AnyRecord]:
        """Everything told so far."""
        return self._owner.records

    @property
    def codes(self) -> list[str]:
        """The findings told so far."""
        return [record.code for record in self.records if isinstance(record, FindingRecord)]

    def _called(self) -> None:
        self._calls += 1

    def _run(self, commands: Iterable[Command]) -> None:
        self._owner.run(commands)
        if self._owner.connecting and self._connects:
            self._owner.connect()


def opened(**changes: Any) -> Play:
    """A conversation whose handshake is done and looked at."""
    play = Play(host="keep", **changes)
    play.client(request() + KEY3)
    play.server(answer() + DIGEST)
    play.settle()
    return play


def opened_75(**changes: Any) -> Play:
    """The same in hixie-75."""
    play = Play(host="keep", **changes)
    play.client(request_75())
    play.server(answer_75())
    play.settle()
    return play


def in_words(record: AnyRecord) -> str:
    """A record as a line of a transcript."""
    match record:
        case SessionStartRecord():
            return "session-start"
        case RequestRecord(dialect=dialect, target=target, sent=sent):
            return f"{dialect} request {target}" + _changed(sent)
        case ResponseRecord(status=status, sent=sent):
            return f"response {status}" + _changed(sent)
        case ChallengeRecord(asked_by=asker, answered_by=answerer, verdict=verdict, sent=sent):
            return f"{asker}'s challenge, {answerer}'s answer: {verdict}" + _changed(sent)
        case AdjustmentRecord(toward=peer, what=what, before=before, after=after, cause=cause):
            return f"{cause}, to {peer}: {what} {before!r} -> {after!r}"
        case FindingRecord(side=side, code=code):
            return f"{side}: {code}"
        case MessageRecord(direction=direction, number=number, text=text, redacted=redacted):
            return f"{direction} says #{number} {text!r}" + (", redacted" if redacted else "")
        case ChangeRecord():
            return _change(record)
        case FrameRecord(direction=direction, frame_type=kind, size=size):
            return f"{direction} sends a frame {kind:02x} of {size} bytes"
        case ClosingRecord(by=by, how=how):
            return f"{by}: {how}"
        case SessionEndRecord(outcome=outcome):
            return f"session-end {outcome}"
        case HttpRecord(method=method, target=target, status=status):
            return f"{method} {target} {status}"
        case SegmentRecord(direction=direction, offset=offset, size=size):
            return f"{direction} segment of {size} bytes at {offset}"
        case BytesRecord(direction=direction, offset=offset, raw=raw, of=of):
            return f"{direction} bytes at {offset}, {of}: {base64.b64decode(raw)!r}"
        case RecordingRecord():
            return "recording"
        case NoticeRecord(text=text):
            return text


def _change(record: ChangeRecord) -> str:
    text = f"{record.by} {record.name!r}" if record.name else record.by
    text += f": {record.deed}, {record.direction}"
    if record.number:
        text += f" #{record.number}"
    if record.before is not None or record.after is not None:
        text += f" {record.before!r} -> {record.after!r}"
    return text + (f" ({record.detail})" if record.detail else "")


def _changed(sent: str | None) -> str:
    return "" if sent is None else ", changed"
