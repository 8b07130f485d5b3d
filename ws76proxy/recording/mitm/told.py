"""A hixie flow of the addon's: the records that it kept, and the flow's messages between them."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from math import isfinite
from typing import Any

import msgspec
from mitmproxy import http
from mitmproxy.websocket import WebSocketMessage

from ws76proxy.record import (
    PEERS,
    AnyRecord,
    ChallengeRecord,
    ClosingRecord,
    Counts,
    MessageRecord,
    NoticeRecord,
    Peer,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording.foreign import message_record
from ws76proxy.recording.mitm.metadata import METADATA
from ws76proxy.wire import Dialect

__all__ = ["retell_told"]

_BINARY = 2


def retell_told(flow: http.HTTPFlow, number: int) -> Iterator[AnyRecord]:
    """The session of a flow that the addon has seen, under that number.

    Raises msgspec.ValidationError where its metadata are of another shape.
    """
    values = flow.metadata[METADATA]
    told = msgspec.convert(values["records"], list[AnyRecord])
    told = [msgspec.structs.replace(record, session=number) for record in told]
    messages = _Messages(flow, told, values.get("messages_let_go", 0), number)
    time = 0.0
    for record in told:
        for one in messages.before(record):
            time = max(time, one.time)
            yield msgspec.structs.replace(one, time=time)
        if isinstance(record, SessionEndRecord):
            for text in messages.faults(record, values):
                yield NoticeRecord(session=number, time=time, level="warning", text=text)
        # Of what is told anew as more is known, only the last is kept, at the place of the first.
        time = max(time, record.time)
        yield msgspec.structs.replace(record, time=time)
    for one in messages.rest():
        time = max(time, one.time)
        yield msgspec.structs.replace(one, time=time)


class _Messages:
    """The messages of a flow as records, each peer's in order."""

    def __init__(
        self, flow: http.HTTPFlow, told: list[AnyRecord], let_go: int, number: int
    ) -> None:
        self._number = number
        self._injected = 0
        self._sizes = dict.fromkeys(PEERS, 0)
        self._counts = dict.fromkeys(PEERS, 0)
        start = next((one for one in told if isinstance(one, SessionStartRecord)), None)
        end = next((one for one in told if isinstance(one, SessionEndRecord)), None)
        spoken = _spoken(told)
        began = flow.request.timestamp_start
        if start is not None:
            began = datetime.fromisoformat(start.started).timestamp()
        self._heads = _size_of_handshake(told)
        came: list[WebSocketMessage] = []
        self._is_open = flow.websocket is not None
        if flow.websocket is not None:
            # What somebody put in was said by no peer.
            came = [one for one in flow.websocket.messages if not one.injected]
            self._injected = len(flow.websocket.messages) - len(came)
        for one in came:
            peer: Peer = "client" if one.from_client else "server"
            self._counts[peer] += 1
            self._sizes[peer] += len(one.content) + 2
        offsets = dict(self._heads)
        numbers = dict.fromkeys(PEERS, 0)
        if let_go and end is not None:
            # Those that are left are the last ones.
            for peer, counts in _counts(end):
                closed = 2 * sum(
                    isinstance(one, ClosingRecord)
                    and (one.by, one.how) == (peer, "closing-handshake")
                    for one in told
                )
                offsets[peer] = max(offsets[peer], counts.bytes - closed - self._sizes[peer])
                numbers[peer] = max(0, counts.messages - self._counts[peer])
        self._waiting: deque[MessageRecord] = deque()
        for one in came:
            peer = "client" if one.from_client else "server"
            numbers[peer] += 1
            record = message_record(
                number,
                round(max(one.timestamp - began, 0.0), 6) if isfinite(one.timestamp) else 0.0,
                peer,
                numbers[peer],
                offsets[peer],
                one.content,
            )
            if int(one.type) == _BINARY and spoken[peer] == Dialect.RFC_6455:
                record = msgspec.structs.replace(record, binary=True, text="", payload=_raw(one))
            offsets[peer] += record.size + 2
            self._waiting.append(record)

    def before(self, record: AnyRecord) -> Iterator[MessageRecord]:
        """The messages that came before a record was told."""
        if isinstance(record, SessionEndRecord):
            yield from self.rest()
            return
        while self._waiting and self._waiting[0].time <= record.time:
            yield self._waiting.popleft()
        if isinstance(record, ClosingRecord):
            # mitmproxy's clock and the session's are not the same; a peer's end is its end.
            waiting, self._waiting = self._waiting, deque()
            for one in waiting:
                if one.direction == record.by:
                    yield one
                else:
                    self._waiting.append(one)

    def rest(self) -> Iterator[MessageRecord]:
        """All that are left."""
        while self._waiting:
            yield self._waiting.popleft()

    def faults(self, end: SessionEndRecord, values: dict[str, Any]) -> Iterator[str]:
        """What this flow does not hold of its session, in words."""
        let_go, left_out = values.get("messages_let_go", 0), values.get("records_left_out", 0)
        if let_go:
            yield f"{let_go} earlier messages were let go by mitmproxy and are not in the flow"
        if left_out:
            yield f"{left_out} more findings and notices are not in the flow"
        if self._injected:
            yield f"{self._injected} messages that were injected in mitmproxy are left out"
        for peer, counts in _counts(end) if self._is_open and not let_go else ():
            known = self._heads[peer] + self._sizes[peer]
            # Each FF 00 is told by a record.
            if counts.bytes != known + 2 * counts.frames:
                yield (
                    f"the {peer} sent {counts.bytes} bytes, of which the flow holds {known}: frames"
                    " that are no text messages are not in it, and of messages that were changed"
                    " only what they became; offsets behind those are not right"
                )


def _counts(end: SessionEndRecord) -> tuple[tuple[Peer, Counts], tuple[Peer, Counts]]:
    return ("client", end.client), ("server", end.server)


def _spoken(told: list[AnyRecord]) -> dict[Peer, str]:
    """What each peer speaks."""
    request = next((one for one in told if isinstance(one, RequestRecord)), None)
    if request is None:
        return {"client": "", "server": ""}
    return {"client": request.dialect, "server": request.server_dialect or request.dialect}


def _raw(message: WebSocketMessage) -> str:
    return base64.b64encode(message.content).decode()


def _size_of_handshake(told: list[AnyRecord]) -> dict[Peer, int]:
    """How many bytes each peer's handshake had."""
    sizes: dict[Peer, int] = dict.fromkeys(PEERS, 0)
    for record in told:
        if isinstance(record, RequestRecord):
            sizes["client"] = record.offset + len(record.head)
        elif isinstance(record, ResponseRecord):
            sizes["server"] = record.offset + len(record.head)
    for record in told:
        if isinstance(record, ChallengeRecord):
            if record.asked_by == "client":
                sizes["client"] += len(record.key3) // 2
            if record.answered_by == "server":
                sizes["server"] += len(record.received) // 2
    return sizes
