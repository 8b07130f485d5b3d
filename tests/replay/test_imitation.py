"""The answers of broken servers, for clients that ask anew."""

from __future__ import annotations

import hashlib
import struct

import pytest

from tests.session.examples import DIGEST, KEY3, answer, request
from tests.session.playbook import Play
from ws76proxy.diagnosis import Asked
from ws76proxy.errors import UsageError
from ws76proxy.recording import RecordedSession
from ws76proxy.replay.imitation import answer_with, recorded_bug
from ws76proxy.wire import Challenge, read_key

# The draft's example, 1.2: its parts are 829309203 and 259970620.
EXAMPLE = Challenge(read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00"), b"^n:ds[4U")
LITTLE_ENDIAN = hashlib.md5(
    struct.pack("<II", 829309203, 259970620) + KEY3, usedforsecurity=False
).digest()


def session(*digests: bytes) -> RecordedSession:
    recorded = RecordedSession("memory", None)
    for digest in digests:
        play = Play()
        play.client(request() + KEY3)
        play.server(answer() + digest)
        recorded.records += play.records
    return recorded


def test_a_bug_by_its_code() -> None:
    assert answer_with("digest-little-endian")(Asked(EXAMPLE)) == LITTLE_ENDIAN


def test_the_bug_of_a_recorded_server() -> None:
    assert recorded_bug([session(DIGEST, LITTLE_ENDIAN)]) == "digest-little-endian"


@pytest.mark.parametrize(
    ("digests", "said"),
    [((), "none in it"), ((DIGEST,), "none in it"), ((bytes(range(16)),), "known bug")],
)
def test_a_recording_without_a_bug_that_is_known(digests: tuple[bytes, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        recorded_bug([session(*digests)])


def test_a_bug_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match="digest-little-endian"):
        answer_with("digest-litle-endian")
