"""The messages that wait for a person: which they are, who wants to know, and what is decided."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Callable, Iterable
from math import inf
from typing import Literal, NamedTuple, Protocol

import msgspec

from ws76proxy.control.messages import (
    GoneEvent,
    GoneHow,
    HeldMessage,
    OpenSession,
    RefusedError,
)
from ws76proxy.errors import LocalProtocolError
from ws76proxy.record import (
    AnyRecord,
    ChangeRecord,
    Messages,
    RequestRecord,
    SessionEndRecord,
)
from ws76proxy.redaction import redact
from ws76proxy.session import HeldView, Peer, Session

__all__ = ["PREVIEW", "Breakpoints", "Interceptor", "Watcher"]

PREVIEW = 4096
"""How many bytes of a message are shown where not all of it is asked for."""

_NAME = re.compile(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,17})\Z")


class Interceptor(Protocol):
    """What holds the messages: a relay."""

    def held(self) -> list[tuple[int, HeldView, float]]:
        """The messages that wait: the session's number, the message, the session's age."""

    def answer(
        self, session: int, number: int, content: bytes | None = None, *, drop: bool = False
    ) -> bool:
        """Decide about one; False: it does not wait. Raises LocalProtocolError."""

    @property
    def sessions(self) -> Iterable[Session]:
        """The sessions that are open."""


class Watcher(Protocol):
    """Somebody who wants to know at once."""

    wants_records: bool

    def waits(self, message: HeldMessage) -> None:
        """A message begins to wait."""

    def gone(self, event: GoneEvent) -> None:
        """It waits no longer."""

    def told(self, lines: list[bytes]) -> None:
        """Records, each as a line of JSON without its end; only to those who want them."""


class _Waiting(NamedTuple):
    """A message by its name among those that wait."""

    session: int
    number: int


class _Said(NamedTuple):
    """The same message as records call it."""

    session: int
    direction: str
    number: int


class Breakpoints:
    """Lists, watches and decides; a listener of the relay, so that it hears what happens.

    `relay` has to be set before anything is asked. What is decided is told to watchers a turn of
    the event loop later, together with what has happened besides.
    """

    wants_messages = True
    is_full = False

    def __init__(self, *, show_secrets: bool = False) -> None:
        self.relay: Interceptor | None = None
        self._show_secrets = show_secrets
        self._watchers: list[Watcher] = []
        self._record_watchers: list[Watcher] = []
        self._known: dict[_Waiting, _Said] = {}
        self._said: set[_Said] = set()
        self._how: dict[_Said, tuple[GoneHow, _By]] = {}
        self._paths: dict[int, str] = {}
        self._is_looking = False
        self._encoder = msgspec.json.Encoder()

    # What waits

    def held(self) -> list[HeldMessage]:
        """What waits, with the beginning of each content; by session, the oldest first."""
        return [
            _message(session, view, age, PREVIEW) for session, view, age in self._interceptor.held()
        ]

    def show(self, name: str) -> HeldMessage:
        """One of them, with all of its content. Raises `RefusedError`."""
        return _message(*self._find(name), None)

    def content(self, name: str) -> bytes:
        """The content of one of them. Raises `RefusedError`."""
        return self._find(name)[1].content

    def sessions(self) -> list[OpenSession]:
        """The sessions that are open."""
        waiting = [session for session, _, _ in self._interceptor.held()]
        return [
            OpenSession(
                session=session.number,
                dialect=session.dialect,
                path=self._paths.get(session.number, ""),
                age=session.now(),
                client_messages=session.traffic[Peer.CLIENT].messages,
                client_bytes=session.traffic[Peer.CLIENT].bytes,
                server_messages=session.traffic[Peer.SERVER].messages,
                server_bytes=session.traffic[Peer.SERVER].bytes,
                waiting=waiting.count(session.number),
            )
            for session in sorted(self._interceptor.sessions, key=lambda one: one.number)
        ]

    # Decisions

    def release(self, name: str) -> None:
        """It goes on as it is. Raises `RefusedError`."""
        session, number = _read_name(name)
        if not self._interceptor.answer(session, number):
            raise self._unknown(name)

    def edit(self, name: str, content: bytes) -> None:
        """It goes on with another content. Raises `RefusedError`: one that cannot be framed
        leaves it waiting."""
        session, number = _read_name(name)
        try:
            done = self._interceptor.answer(session, number, content)
        except LocalProtocolError as error:
            raise RefusedError(
                "cannot-be-framed", f"content that cannot be sent: {error}", "other content"
            ) from None
        if not done:
            raise self._unknown(name)

    def drop(self, name: str) -> None:
        """It does not go on. Raises `RefusedError`."""
        session, number = _read_name(name)
        if not self._interceptor.answer(session, number, drop=True):
            raise self._unknown(name)

    @property
    def _interceptor(self) -> Interceptor:
        if self.relay is None:
            raise RuntimeError("the relay has not been set")
        return self.relay

    def _find(self, name: str) -> tuple[int, HeldView, float]:
        wanted = _read_name(name)
        for session, view, age in self._interceptor.held():
            if (session, view.number) == wanted:
                return session, view, age
        raise self._unknown(name)

    def _unknown(self, name: str) -> RefusedError:
        waiting = [f"{session}.{view.number}" for session, view, _ in self._interceptor.held()[:5]]
        expected = f"one that waits, such as {', '.join(waiting)}" if waiting else "one that waits"
        return RefusedError("no-such-message", f"{name}, which does not wait (any more)", expected)

    # Who wants to know

    def watch(self, watcher: Watcher) -> list[HeldMessage]:
        """Tell this one from now on; what waits already."""
        messages = self.held()
        self._look()
        self.unwatch(watcher)
        self._watchers.append(watcher)
        if watcher.wants_records:
            self._record_watchers.append(watcher)
        return messages

    def unwatch(self, watcher: Watcher) -> None:
        """Tell this one no more."""
        for watchers in (self._watchers, self._record_watchers):
            if watcher in watchers:
                watchers.remove(watcher)

    # A listener of the relay

    def start(self, drained: Callable[[], None]) -> None:
        """Nothing is ever full here: who does not keep up is dropped."""

    def tell(self, record: AnyRecord | Messages) -> None:
        """Take a record."""
        if self._record_watchers:
            lines = self._lines(record)
            for watcher in [*self._record_watchers]:
                watcher.told(lines)
        if isinstance(record, Messages):
            return
        if isinstance(record, RequestRecord):
            shown = record if self._show_secrets else redact(record)
            assert isinstance(shown, RequestRecord)  # noqa: S101 - what it was
            self._paths[record.session] = shown.target
        elif isinstance(record, ChangeRecord):
            self._note(record)
        elif isinstance(record, SessionEndRecord):
            self._paths.pop(record.session, None)
            if self._known:
                self._look_soon()

    def settle(self) -> None:
        """Whoever watches is told a turn later."""

    def complaints(self) -> list[AnyRecord]:
        """None."""
        return []

    def stop(self) -> None:
        """Nothing is kept back."""

    def _lines(self, record: AnyRecord | Messages) -> list[bytes]:
        if isinstance(record, Messages):
            return [self._encoder.encode(one) for one in record.lines()]
        return [self._encoder.encode(record if self._show_secrets else redact(record))]

    def _note(self, record: ChangeRecord) -> None:
        if record.deed == "pause":
            self._look_soon()
        elif record.deed in _HOW:
            said = _Said(record.session, record.direction, record.number)
            if said in self._said:
                self._how[said] = _HOW[record.deed], "person" if record.by == "person" else "time"
                self._look_soon()

    def _look_soon(self) -> None:
        # Later: the session is in the middle of what it tells of.
        if not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Compare what waits with what is known to wait, and tell the differences."""
        self._is_looking = False
        held = {
            _Waiting(session, view.number): (session, view, age)
            for session, view, age in self._interceptor.held()
        }
        gone = [key for key in self._known if key not in held]
        ended = {key.session for key in gone}
        if gone:
            ended -= {one.number for one in self._interceptor.sessions if not one.ended}
        for key in gone:
            said = self._known.pop(key)
            self._said.discard(said)
            how, by = self._how.get(
                said, ("session-ended" if key.session in ended else "released", "relay")
            )
            event = GoneEvent(
                name=f"{key.session}.{key.number}", session=key.session, how=how, by=by
            )
            for watcher in [*self._watchers]:
                watcher.gone(event)
        self._how.clear()
        for key, (session, view, age) in held.items():
            if key not in self._known:
                said = _Said(session, view.peer.label, view.message)
                self._known[key] = said
                self._said.add(said)
                if self._watchers:
                    message = _message(session, view, age, PREVIEW)
                    for watcher in [*self._watchers]:
                        watcher.waits(message)


_By = Literal["person", "time", "relay"]
_HOW: dict[str, GoneHow] = {"release": "released", "edit": "edited", "drop": "dropped"}


def _read_name(name: str) -> tuple[int, int]:
    match = _NAME.match(name)
    if match is None:
        shown = repr(name if len(name) <= 60 else f"{name[:60]}…")
        raise RefusedError("bad-name", shown, "SESSION.NUMBER, such as 3.17")
    return int(match[1]), int(match[2])


def _message(session: int, view: HeldView, age: float, most: int | None) -> HeldMessage:
    content = view.content if most is None else view.content[:most]
    whole = len(content) == len(view.content)
    payload = None
    try:
        # A character that is cut in two is no fault of the message.
        text = codecs.getincrementaldecoder("utf-8")().decode(content, final=whole)
    except UnicodeDecodeError:
        text = content.decode(errors="replace")
        payload = content
    return HeldMessage(
        name=f"{session}.{view.number}",
        session=session,
        direction=view.peer.label,
        number=view.message,
        rule=view.rule,
        size=len(view.content),
        text=text,
        payload=payload,
        whole=whole,
        left=None if view.until == inf else max(0.0, round(view.until - age, 3)),
    )
