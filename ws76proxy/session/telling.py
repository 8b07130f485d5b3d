"""Heads, adjustments and challenges as records."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol

from ws76proxy.diagnosis import Diagnosis, found
from ws76proxy.record import (
    AdjustmentRecord,
    BytesRecord,
    ChallengeRecord,
    FrameRecord,
    RequestRecord,
    ResponseRecord,
    Verdict,
    key_reading,
)
from ws76proxy.record import Peer as PeerName
from ws76proxy.session.adjust import Adjustment
from ws76proxy.session.commands import Command, Peer, Tell
from ws76proxy.wire.challenge import KEY3_SIZE, Challenge
from ws76proxy.wire.events import (
    Close,
    EndOfStream,
    FrameEvent,
    OversizedFrame,
    Ping,
    Pong,
    UnreadBytes,
)
from ws76proxy.wire.head import RequestHead, ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session, Traffic

__all__ = [
    "Heard",
    "adjustment_record",
    "moved",
    "tell_adjustments",
    "tell_bytes",
    "tell_challenge",
    "tell_end_of_stream",
    "tell_frame",
    "tell_own_answer",
    "tell_request",
    "tell_response",
    "tell_unanswered_close",
    "tell_unfinished",
    "tell_unread",
]


class Heard(Protocol):
    """What one peer says, counted. `unread_from`: where its stream is lost, behind a length that
    cannot be understood; None: it is not."""

    peer: Peer
    traffic: Traffic
    unread_from: int | None


def moved(diagnoses: Iterable[Diagnosis], base: int) -> Iterator[Diagnosis]:
    """Diagnoses of a head, at its place in the stream."""
    for one in diagnoses:
        yield one if not base or one.offset is None else replace(one, offset=one.offset + base)


def tell_request(
    session: Session,
    dialect: str,
    came: RequestHead,
    went: RequestHead,
    offset: int,
    server_dialect: str | None = None,
) -> Iterator[Command]:
    """Tell a request, as it came and as it went on; `offset`: where in the client's stream."""
    if session.untold is not None:
        session.untold.told(Peer.CLIENT, offset + len(came.raw))
    record = RequestRecord(
        session=session.number,
        time=session.now(),
        dialect=dialect,
        target=came.target.decode("latin-1"),
        head=came.raw.decode("latin-1"),
        offset=offset,
        sent=None if went is came else went.raw.decode("latin-1"),
        server_dialect=server_dialect,
    )
    yield Tell(record)


def tell_response(
    session: Session, came: ResponseHead, went: ResponseHead, offset: int
) -> Iterator[Command]:
    """Tell a response, as it came and as it went on; `offset`: where in the server's stream."""
    if session.untold is not None:
        session.untold.told(Peer.SERVER, offset + len(came.raw))
    record = ResponseRecord(
        session=session.number,
        time=session.now(),
        status=came.status,
        reason=came.reason.decode("latin-1"),
        head=came.raw.decode("latin-1"),
        offset=offset,
        sent=None if went is came else went.raw.decode("latin-1"),
    )
    yield Tell(record)


def tell_adjustments(
    session: Session, toward: PeerName, changes: Iterable[Adjustment]
) -> Iterator[Command]:
    """Tell what was changed on the way, with before and after, where anybody listens."""
    if not session.options.adjustments:
        return
    for change in changes:
        yield Tell(adjustment_record(session.number, session.now(), toward, change))


def adjustment_record(
    session: int, time: float, toward: PeerName, change: Adjustment
) -> AdjustmentRecord:
    """Something that was changed on the way, as it is told; `time` in seconds."""
    return AdjustmentRecord(
        session=session,
        time=time,
        toward=toward,
        what=change.what,
        before=None if change.before is None else change.before.decode("latin-1"),
        after=None if change.after is None else change.after.decode("latin-1"),
        cause=change.cause,
        why=change.why,
    )


def tell_challenge(
    session: Session,
    challenge: Challenge | None,
    key3: bytes,
    *,
    asked_by: Literal["client", "relay"],
    answered_by: Literal["server", "relay"],
    received: bytes,
    verdict: Verdict,
    sent: bytes | None = None,
) -> Iterator[Command]:
    """Tell a challenge, its derivation and its answer."""
    # Of a key3 that has not come as a whole there is no answer yet, unless no more was sent.
    is_whole = len(key3) >= KEY3_SIZE or verdict in ("verified", "wrong")
    answer = challenge.answer if challenge is not None and is_whole else None
    record = ChallengeRecord(
        session=session.number,
        time=session.now(),
        asked_by=asked_by,
        answered_by=answered_by,
        key1=None if challenge is None else key_reading(challenge.key1),
        key2=None if challenge is None else key_reading(challenge.key2),
        key3=key3.hex(),
        expected=None if answer is None else answer.hex(),
        received=received.hex(),
        verdict=verdict,
        sent=None if sent is None or sent == received else sent.hex(),
    )
    yield Tell(record)


def tell_own_answer(
    session: Session,
    challenge: Challenge | None,
    key3: bytes,
    digest: bytes,
    corrupted: Iterable[Adjustment],
) -> Iterator[Command]:
    """Tell the answer to a client's challenge that is ours; `corrupted`: how somebody has made it
    wrong."""
    right = None if challenge is None else challenge.answer
    yield from tell_challenge(
        session,
        challenge,
        key3,
        asked_by="client",
        answered_by="relay",
        received=digest,
        verdict="verified" if digest == right else "wrong",
    )
    yield from tell_adjustments(session, "client", corrupted)


def tell_bytes(
    session: Session, peer: Peer, offset: int, data: bytes, of: Literal["head", "rest"] = "rest"
) -> Iterator[Command]:
    """Tell bytes that no other record holds."""
    record = BytesRecord(
        session=session.number,
        time=session.now(),
        direction=peer.label,
        offset=offset,
        size=len(data),
        raw=base64.b64encode(data).decode(),
        of=of,
    )
    yield Tell(record)


def tell_frame(
    session: Session, peer: Peer, event: FrameEvent | Close | Ping | Pong
) -> Iterator[Command]:
    """Tell a frame that is not a text message."""
    record = FrameRecord(
        session=session.number,
        time=session.now(),
        direction=peer.label,
        frame_type=event.raw[0],
        offset=event.offset,
        size=event.size if isinstance(event, OversizedFrame) else len(event.raw),
        raw=base64.b64encode(event.raw).decode(),
        whole=not isinstance(event, OversizedFrame),
    )
    yield Tell(record)


def tell_unread(session: Session, heard: Heard, data: bytes) -> Iterator[Command]:
    """Tell what of a chunk, which has been counted, is not decoded any more, where the record is to
    be lossless."""
    begin = heard.unread_from
    if begin is None or not session.options.lossless:
        return
    came = heard.traffic.bytes
    unread = data[max(0, len(data) - (came - begin)) :]
    if unread:
        yield from tell_bytes(session, heard.peer, came - len(unread), unread)


def tell_unfinished(
    session: Session, heard: Heard, event: EndOfStream | UnreadBytes
) -> Iterator[Command]:
    """Tell what is no whole frame, where the record is to be lossless."""
    if session.options.lossless and event.raw and heard.unread_from is None:
        yield from tell_bytes(session, heard.peer, event.offset, event.raw)


def tell_end_of_stream(
    session: Session, peer: Peer, reset: str | None, *, other_closed: bool
) -> Iterator[Command]:
    """Tell what it means that a hixie-76 peer ended its stream without FF 00.

    `reset` says why, where it was not in order; `other_closed`: the other had sent FF 00.
    """
    if other_closed:
        code = "close-unanswered"
        detail = f"the {peer.label} ended its stream instead of answering FF 00"
    elif reset is None:
        code = "closed-without-handshake"
        detail = f"the {peer.label} ended its stream without FF 00"
    else:
        return
    yield from session.tell_findings([found(code, detail, stream=peer.stream)])


def tell_unanswered_close(session: Session, peer: Peer, seconds: float) -> Iterator[Command]:
    """Tell that a hixie-76 peer has not answered FF 00 for so long."""
    detail = f"the {peer.label} sent no FF 00 of its own within {seconds:g} s"
    yield from session.tell_findings([found("close-unanswered", detail, stream=peer.stream)])
