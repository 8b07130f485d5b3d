"""A server whose bug is real, through the relay: named at once, or by several handshakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from ws76proxy.diagnosis import HYPOTHESES
from ws76proxy.diagnosis.causes import within_a_sentence
from ws76proxy.wire import Challenge, generate_challenge

from .cases import ORIGIN, WRONG_DIGEST_SERVER
from .client import connected
from .peer import Server
from .relay import Record, of_type, relaying

BUG = "digest-of-text"
TOGETHER = "digests-together"


def challenges(fits: Callable[[bytes, bytes], bool]) -> Iterator[Challenge]:
    """Challenges of which both parts and key3 are such."""
    random = Random(76)
    while True:
        made = generate_challenge(random.randrange)
        hashed = made.concatenation
        assert hashed is not None
        if fits(hashed[:8], hashed[8:]):
            yield made


def through_a_relay(server: Server, asked: list[Challenge]) -> list[Record]:
    """What a relay tells of a handshake with each of these challenges."""
    with relaying(server.url) as relay:
        for one in asked:
            sent = (one.key1.text, one.key2.text, one.key3)
            with connected(relay.url) as client:
                client.open(relay.url, origin=ORIGIN, challenge=sent)
        return relay.finish(len(asked))


def named(records: list[Record], session: int) -> set[str]:
    """The bugs that the digest of one handshake alone may come from."""
    told = {one["code"] for one in of_type(records, "finding") if one["session"] == session}
    return told & HYPOTHESES.keys()


def named_in(detail: str) -> set[str]:
    """The bugs whose titles stand in a text."""
    return {code for code, bug in HYPOTHESES.items() if within_a_sentence(bug.title) in detail}


@WRONG_DIGEST_SERVER
def test_ws_on_a_node_of_today_is_named_at_once(server: Server) -> None:
    from_0x80 = challenges(lambda parts, key3: not parts.isascii() and not key3.isascii())
    asked = [next(from_0x80) for _ in range(5)]
    records = through_a_relay(server, asked)
    assert [one["verdict"] for one in of_type(records, "challenge")] == ["wrong"] * 5
    assert [named(records, number) for number in range(1, 6)] == [{BUG}] * 5


@WRONG_DIGEST_SERVER
def test_it_is_named_by_several_where_one_does_not_tell(server: Server) -> None:
    asked = [
        next(challenges(lambda parts, key3: not parts.isascii() and key3.isascii())),
        next(challenges(lambda parts, key3: parts.isascii() and not key3.isascii())),
        next(challenges(lambda parts, key3: parts.isascii() and key3.isascii())),
    ]
    records = through_a_relay(server, asked)
    verdicts = [one["verdict"] for one in of_type(records, "challenge")]
    assert verdicts == ["wrong", "wrong", "verified"]
    # It may be bytes of the parts that are lost, or of key3.
    first, second = named(records, 1), named(records, 2)
    assert first & second == {BUG}
    assert first != {BUG} != second
    (together,) = [one for one in of_type(records, "finding") if one["code"] == TOGETHER]
    assert together["session"] == 2
    assert named_in(together["detail"]) == {BUG}
