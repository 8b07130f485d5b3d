"""A session of ours inside a file of another format: what that format has no place for."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ws76proxy.record import AnyRecord, MessageRecord, Peer, RecordingRecord
from ws76proxy.recording.foreign import message_record
from ws76proxy.recording.model import Entry, RecordedSession, message_payload

__all__ = ["Carried", "Extra", "Headers", "extra_of", "message_of", "put_together", "take_apart"]


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a message's record says beyond its sender and its bytes.

    `record` is all of it, where it cannot be made of the rest.
    """

    time: float
    number: int
    offset: int
    binary: bool = False
    record: MessageRecord | None = None


class Carried(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session's records, its messages left out, and the header of its recording.

    `order` says how they follow each other: so many records, so many messages, and so on.
    """

    session: int
    order: list[int]
    records: list[AnyRecord]
    recording: RecordingRecord | None = None


def take_apart(session: RecordedSession) -> tuple[Carried, list[MessageRecord]]:
    """A session as what is carried, and the messages that the other format has a place for."""
    order: list[int] = []
    messages: list[MessageRecord] = []
    records: list[AnyRecord] = []
    for record in session.records:
        is_message = isinstance(record, MessageRecord)
        # An odd number of counts: the last one counts records.
        if not order or is_message == bool(len(order) % 2):
            order += [0] if order or not is_message else [0, 0]
        order[-1] += 1
        if isinstance(record, MessageRecord):
            messages.append(record)
        else:
            records.append(record)
    return Carried(session.number, order, records, session.recording), messages


def put_together(carried: Carried, messages: list[MessageRecord]) -> Iterator[AnyRecord]:
    """The session's records in order; messages that were added or taken away since are no fault."""
    records = 0
    told = 0
    for index, count in enumerate(carried.order):
        count = max(count, 0)
        if index % 2:
            yield from messages[told : told + count]
            told += count
        else:
            yield from carried.records[records : records + count]
            records += count
    yield from messages[told:]
    yield from carried.records[records:]


def extra_of(record: MessageRecord) -> Extra:
    """What must be kept beside a message's bytes."""
    extra = Extra(record.time, record.number, record.offset, record.binary)
    made = message_of(record.session, record.direction, message_payload(record), extra)
    return extra if made == record else msgspec.structs.replace(extra, record=record)


def message_of(session: int, direction: Peer, payload: bytes, extra: Extra) -> MessageRecord:
    """The message's record again."""
    if extra.record is not None:
        return extra.record
    return message_record(
        session,
        extra.time,
        direction,
        extra.number,
        extra.offset,
        payload,
        binary=extra.binary,
    )


class Headers:
    """Puts a recording's header before its records, each time that another one begins."""

    def __init__(self) -> None:
        self._latest: RecordingRecord | None = None

    def before(self, header: RecordingRecord) -> Iterator[Entry]:
        """The header, unless it is the one that holds already."""
        if header != self._latest:
            self._latest = header
            yield Entry(header)
