"""A relay without connections: holds what a test gives it, and remembers what was decided."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from ws76proxy.control.breakpoints import Breakpoints
from ws76proxy.control.server import ControlLimits, ControlServer
from ws76proxy.control.sockets import private_socket
from ws76proxy.errors import LocalProtocolError
from ws76proxy.record import ChangeRecord
from ws76proxy.session import HeldView, Peer, Session, SessionOptions

AGE = 2.0


class PretendingRelay:
    """Has the part of a relay that `Breakpoints` asks for, and tells it what a relay would."""

    def __init__(self) -> None:
        self.breakpoints = Breakpoints()
        self.breakpoints.relay = self
        self.waiting: dict[tuple[int, int], HeldView] = {}
        self.decided: list[tuple[str, bytes | None, bool]] = []
        self.open: list[Session] = []

    def hold(
        self,
        session: int,
        number: int,
        content: bytes,
        *,
        peer: Peer = Peer.SERVER,
        until: float = 32.0,
        message: int | None = None,
    ) -> HeldView:
        """A message begins to wait."""
        view = HeldView(number, peer, message or number, content, "a rule", until)
        self.waiting[session, number] = view
        self.change(session, view, "pause", "rule")
        return view

    def change(self, session: int, view: HeldView, deed: str, by: Any) -> None:
        """Tell of something that was done to a message."""
        record = ChangeRecord(
            session=session,
            time=1.0,
            direction=view.peer.label,
            number=view.message,
            by=by,
            name="",
            deed=deed,
        )
        self.breakpoints.tell(record)

    def let_go(self, session: int, number: int, deed: str, by: str) -> None:
        """It does not wait any more."""
        self.change(session, self.waiting.pop((session, number)), deed, by)

    # For `Breakpoints`

    def held(self) -> list[tuple[int, HeldView, float]]:
        return [(session, view, AGE) for (session, _), view in sorted(self.waiting.items())]

    def answer(
        self, session: int, number: int, content: bytes | None = None, *, drop: bool = False
    ) -> bool:
        if (session, number) not in self.waiting:
            return False
        if content is not None and 0xFF in content:
            raise LocalProtocolError("a text frame cannot contain 0xFF")
        self.decided.append((f"{session}.{number}", content, drop))
        deed = "drop" if drop else "release" if content is None else "edit"
        self.let_go(session, number, deed, "person")
        return True

    @property
    def sessions(self) -> list[Session]:
        return self.open


def a_session(number: int) -> Session:
    """One that has just begun."""
    return Session(
        number,
        SessionOptions(upstream=cast("Any", "ws://a"), listener=cast("Any", "ws://b")),
        client="127.0.0.1:1",
        started="",
        clock=lambda: 0.0,
        random_below=lambda _: 0,
    )


@contextlib.asynccontextmanager
async def serving(
    path: Path, **limits: int
) -> AsyncIterator[tuple[PretendingRelay, ControlServer]]:
    """A control socket at a path."""
    relay = PretendingRelay()
    with private_socket(path) as listener:
        async with ControlServer(listener, relay.breakpoints, ControlLimits(**limits)) as server:
            await server.begin()
            yield relay, server


def lines_of(*values: Any) -> bytes:
    """Each as a line of JSON."""
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The data, cut."""
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]
