"""Recorded challenges and their answers, to be judged again."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from tests.session.examples import DIGEST, KEY3, answer, request
from tests.session.playbook import Play
from ws76proxy.diagnosis import explain_together
from ws76proxy.record import AnyRecord, ChallengeRecord, RequestRecord
from ws76proxy.recording.challenges import answers_in
from ws76proxy.wire import Challenge, read_key

# The draft's example, 1.2.
EXAMPLE = Challenge(read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00"), b"^n:ds[4U")
PARTS = b"\x31\x6e\x41\x13\x0f\x7e\xd6\x3c"


def told(digest: bytes = DIGEST) -> list[AnyRecord]:
    play = Play(host="keep")
    play.client(request() + KEY3)
    play.server(answer() + digest)
    play.server_ends()
    return play.records


def changed(**fields: object) -> list[AnyRecord]:
    """The records of a session, of which the challenge's is another one."""
    return [replace(one, **fields) if isinstance(one, ChallengeRecord) else one for one in told()]


def test_a_challenge_with_its_request_and_its_answer() -> None:
    ((asked, received),) = answers_in(told())
    assert (asked.challenge, asked.head, received) == (EXAMPLE, request(), DIGEST)


def test_a_bug_that_takes_bytes_of_the_head() -> None:
    digest = hashlib.md5(PARTS + request()[-8:], usedforsecurity=False).digest()
    together = explain_together(answers_in(told(digest)))
    assert [cause.code for cause in together.causes] == ["digest-key3-end-of-head"]


def test_the_head_is_the_one_that_the_server_got() -> None:
    records = [
        replace(one, sent="GET / HTTP/1.1\r\n\r\n") if isinstance(one, RequestRecord) else one
        for one in told()
    ]
    ((asked, _),) = answers_in(records)
    assert asked.head == b"GET / HTTP/1.1\r\n\r\n"


def test_a_redacted_head_is_none() -> None:
    records = [
        replace(one, redacted=True) if isinstance(one, RequestRecord) else one for one in told()
    ]
    ((asked, _),) = answers_in(records)
    assert (asked.challenge, asked.head) == (EXAMPLE, b"")


def test_what_cannot_be_judged_is_left_out() -> None:
    assert not [*answers_in(told(b""))]
    assert not [*answers_in(changed(key1=None))]
    assert not [*answers_in(changed(key3="5e6e"))]
    assert not [*answers_in(changed(answered_by="relay"))]


def test_records_from_elsewhere_may_hold_anything() -> None:
    assert not [*answers_in(changed(received="not hexadecimal"))]
    assert not [*answers_in(changed(key3="not hexadecimal"))]
    (challenge,) = [one for one in told() if isinstance(one, ChallengeRecord)]
    assert challenge.key1 is not None
    ((asked, _),) = answers_in(changed(key1=replace(challenge.key1, text="1 \u20ac")))
    assert asked.challenge.key1.text == b"1 ?"
