"""Several handshakes with one server, judged together as they come."""

from __future__ import annotations

from random import Random

from tests.session.examples import answer, request
from tests.session.playbook import Play
from ws76proxy.diagnosis import Asked, HandshakeHistory, answer_like
from ws76proxy.record import FindingRecord
from ws76proxy.wire import Challenge, generate_challenge, read_key

KEYS = "Sec-WebSocket-Key1: {}\r\nSec-WebSocket-Key2: {}\r\n"


def handshake(history: HandshakeHistory, challenge: Challenge, digest: bytes) -> list[str]:
    """The details of what is told about this handshake beside the others."""
    return told(answered(history, challenge, digest))


def answered(history: HandshakeHistory, challenge: Challenge, digest: bytes) -> Play:
    """A session in which the server has answered so."""
    play = Play(history=history)
    keys = [key.text.decode("latin-1") for key in (challenge.key1, challenge.key2)]
    play.client(request(keys=KEYS.format(*keys)) + challenge.key3)
    play.server(answer() + digest)
    return play


def told(play: Play) -> list[str]:
    return [
        record.detail
        for record in play.records
        if isinstance(record, FindingRecord) and record.code == "digests-together"
    ]


def challenges(random: Random, count: int, key3: bytes | None = None) -> list[Challenge]:
    made = [generate_challenge(random.randrange) for _ in range(count)]
    if key3 is None:
        return made
    return [Challenge(read_key(one.key1.text), read_key(one.key2.text), key3) for one in made]


def trimmed(challenge: Challenge) -> bytes:
    digest = answer_like("digest-key3-trimmed", Asked(challenge))
    assert digest is not None
    return digest


def test_a_bug_that_shows_now_and_then() -> None:
    random, history = Random(5), HandshakeHistory()
    plain = [one for one in challenges(random, 40) if trimmed(one) == one.answer]
    for challenge in plain:
        assert handshake(history, challenge, trimmed(challenge)) == []
    spaced = challenges(random, 2, b"\r234567 ")
    (first,) = handshake(history, spaced[0], trimmed(spaced[0]))
    assert f"right in {len(plain)} of {len(plain) + 1}" in first
    (second,) = handshake(history, spaced[1], trimmed(spaced[1]))
    assert f"right in {len(plain)} of {len(plain) + 2}" in second
    assert "white space" in second


def test_one_alone_is_beside_no_other() -> None:
    (challenge,) = challenges(Random(6), 1)
    assert handshake(HandshakeHistory(), challenge, bytes(16)) == []


def test_sessions_without_a_history_say_nothing() -> None:
    play = Play()
    play.client(request() + b"12345678")
    play.server(answer() + bytes(16))
    assert "digests-together" not in play.codes


def test_a_digest_that_the_server_cuts_counts_as_well() -> None:
    random, history = Random(7), HandshakeHistory()
    (whole,) = challenges(random, 1, b"12345678")
    assert handshake(history, whole, whole.answer or b"") == []
    cut = [one for one in challenges(random, 200) if (one.answer or b"").find(0) > 3]
    for number, challenge in enumerate(cut[:3], 2):
        play = answered(history, challenge, (challenge.answer or b"").partition(b"\0")[0])
        assert told(play) == []
        play.server_ends()
        (detail,) = told(play)
        assert f"right in 1 of {number}" in detail
        assert "NUL" in detail


def test_a_digest_that_the_client_does_not_wait_for_does_not_count() -> None:
    history = HandshakeHistory()
    for challenge in challenges(Random(8), 2):
        play = answered(history, challenge, (challenge.answer or b"")[:7])
        play.client_ends()
        play.server_ends()
        assert told(play) == []
    assert not history.together().failures
