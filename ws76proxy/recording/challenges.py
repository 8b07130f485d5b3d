"""What servers were asked in a recorded session, and what they answered: to be judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ws76proxy.diagnosis import Asked
from ws76proxy.record import AnyRecord, ChallengeRecord, KeyReading, RequestRecord
from ws76proxy.wire.challenge import KEY3_SIZE, Challenge, Key, read_key

__all__ = ["answers_in", "read_hexadecimal"]


def answers_in(records: Iterable[AnyRecord]) -> Iterator[tuple[Asked, bytes]]:
    """Each challenge that a server answered, and the bytes of the answer, in the order told.

    `records` are those of one session. Nothing is given where a key was missing, or where nothing
    was answered; a head that secrets were taken from is left out. `explain_together` takes these.
    """
    head = b""
    for record in records:
        if isinstance(record, RequestRecord):
            text = "" if record.redacted else record.sent or record.head
            head = text.encode("latin-1", "replace")
        elif isinstance(record, ChallengeRecord) and record.answered_by == "server":
            challenge, received = _challenge(record), read_hexadecimal(record.received)
            if challenge is not None and received:
                yield Asked(challenge, head), received


def _challenge(record: ChallengeRecord) -> Challenge | None:
    key3 = read_hexadecimal(record.key3)
    if record.key1 is None or record.key2 is None or len(key3) != KEY3_SIZE:
        return None
    return Challenge(_key(record.key1), _key(record.key2), key3)


def _key(reading: KeyReading) -> Key:
    return read_key(reading.text.encode("latin-1", "replace"))


def read_hexadecimal(text: str) -> bytes:
    """Bytes from hexadecimal; none where a record from elsewhere has something else."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
