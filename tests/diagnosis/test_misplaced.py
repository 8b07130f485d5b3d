"""A right digest in the wrong place is found there, and never where there is none."""

from __future__ import annotations

from random import Random

import pytest

from ws76proxy.diagnosis import Diagnosis, check_digest
from ws76proxy.diagnosis.checks.misplaced import misplaced_digest
from ws76proxy.wire.challenge import DIGEST_SIZE, Challenge, generate_challenge, read_key

EXAMPLE = Challenge(read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00"), b"^n:ds[4U")
ANSWER = b"8jKS'y:G*Co,Wxa-"


def looked_at(sent: bytes, together: int = DIGEST_SIZE) -> list[Diagnosis]:
    """What is said when so many bytes have come together behind the head."""
    size = max(DIGEST_SIZE, together)
    return check_digest(EXAMPLE, sent[:DIGEST_SIZE], followed=sent[DIGEST_SIZE:size], base=9)


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (b"\x00hi\xff", "frames-before-digest"),
        (b"\x00\xff\x00\xff", "frames-before-digest"),
        (b"\xef\xbb\xbf", "bytes-before-digest"),
        (b"\n", "bytes-before-digest"),
        (b"X: y\r\n\r\n", "bytes-before-digest"),
        (b"\x00hi", "bytes-before-digest"),
        (b"\x80\x00", "bytes-before-digest"),
    ],
)
@pytest.mark.parametrize("together", [16, 20, 32, 200])
def test_what_stands_in_front_is_named_however_much_has_come(
    before: bytes, code: str, together: int
) -> None:
    verdict, found = looked_at(before + ANSWER + b"\x00behind\xff", together)
    assert (verdict.finding.code, found.finding.code) == ("digest-wrong", code)
    assert (found.offset, found.evidence) == (9, before)
    assert f"{len(before)} byte" in found.detail
    assert found.detail in verdict.detail


def test_far_behind_many_messages() -> None:
    sent = b"\x00message\xff" * 50 + ANSWER
    assert looked_at(sent, len(sent))[1].finding.code == "frames-before-digest"


def test_messages_and_never_a_digest() -> None:
    for sent in (
        b"\x00hello, who is there?\xff",
        b"\x00hello\xff\x00and again\xff",
        b"\x00h\xc3\xa9llo\xff" * 3,
    ):
        for together in (16, len(sent)):
            assert looked_at(sent, together)[1].finding.code == "frames-before-digest"


def test_a_known_bug_is_named_instead() -> None:
    codes = [one.finding.code for one in looked_at(b"\r\n" + ANSWER, 18)]
    assert codes == ["digest-wrong", "digest-behind-line-end"]


def test_nothing_is_made_of_random_bytes() -> None:
    random = Random(76)
    for number in range(5000):
        challenge = generate_challenge(random.randrange)
        sent = random.randbytes(40)
        assert misplaced_digest(challenge.answer, sent) is None
        # Whether a known bug makes them is asked too, and takes a thousand times as long.
        if number % 50 == 0:
            found = check_digest(challenge, sent[:16], followed=sent[16:])
            assert [one.finding.code for one in found] == ["digest-wrong"]
