"""What rules, scripts and persons have done, as records."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from ws76proxy.diagnosis import found
from ws76proxy.record import ChangeRecord, NoticeRecord
from ws76proxy.record import Peer as PeerName
from ws76proxy.session.commands import Command, Peer, Tell
from ws76proxy.session.message import HeldMessage

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["By", "Changes", "change_record"]

By = Literal["rule", "script", "person"]


class Changes:
    """Makes the records of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def told(
        self,
        by: By,
        name: str,
        deed: str,
        *,
        peer: Peer,
        number: int = 0,
        before: bytes | None = None,
        after: bytes | None = None,
        detail: str = "",
    ) -> Tell:
        """Something was done to what a peer said; payloads are given where they differ."""
        session = self._session
        record = change_record(
            session.number,
            session.now(),
            by,
            name,
            deed,
            direction=peer.label,
            number=number,
            before=before,
            after=after,
            detail=detail,
        )
        return Tell(record)

    def edited(self, by: By, name: str, message: HeldMessage, before: bytes, after: bytes) -> Tell:
        """A message was given another payload, which is not shown where a rule hides it."""
        peer, number = message.peer, message.number
        if message.is_hidden:
            return self.told(by, name, "edit", peer=peer, number=number, detail="hidden")
        return self.told(by, name, "edit", peer=peer, number=number, before=before, after=after)

    def notice(self, text: str, level: Literal["info", "warning"] = "warning") -> Tell:
        """Something that the session itself has to say."""
        session = self._session
        return Tell(
            NoticeRecord(session=session.number, time=session.now(), level=level, text=text)
        )

    def not_framable(self, text: str) -> Iterator[Command]:
        """Something that was wanted cannot stand in a text frame, and was refused."""
        yield self.notice(text)
        yield from self._session.tell_findings([found("edit-not-framable", text)])


def change_record(
    session: int,
    time: float,
    by: By,
    name: str,
    deed: str,
    *,
    direction: PeerName,
    number: int = 0,
    before: bytes | None = None,
    after: bytes | None = None,
    detail: str = "",
) -> ChangeRecord:
    """Something that was done, as it is told; payloads in bytes, given where they differ."""
    return ChangeRecord(
        session=session,
        time=time,
        direction=direction,
        number=number,
        by=by,
        name=name,
        deed=deed,
        detail=detail,
        before=_text(before),
        after=_text(after),
        before_payload=_payload(before),
        after_payload=_payload(after),
    )


def _text(payload: bytes | None) -> str | None:
    return None if payload is None else payload.decode(errors="replace")


def _payload(payload: bytes | None) -> str | None:
    if payload is None:
        return None
    try:
        payload.decode()
    except UnicodeDecodeError:
        return base64.b64encode(payload).decode()
    return None
