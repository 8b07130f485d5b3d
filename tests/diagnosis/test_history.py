"""Handshakes of one server, judged together: bugs that show now and then, two servers as one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from random import Random

import pytest

from ws76proxy.diagnosis import (
    HYPOTHESES,
    Asked,
    HandshakeHistory,
    Together,
    all_causes,
    answer_like,
    explain_digest,
    explain_together,
)
from ws76proxy.wire import Challenge, read_key

from .challenges import asked, faulty, peculiar, usual

ServerUnderTest = Callable[[Challenge], bytes]


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def with_part(number: Callable[[int], int]) -> ServerUnderTest:
    """A server that makes something else of key-numbers."""

    def answer(challenge: Challenge) -> bytes:
        hashed = b""
        for key in (challenge.key1, challenge.key2):
            value = number(int(key.digits))
            part = abs(value) // key.spaces * (1 if value >= 0 else -1)
            hashed += part.to_bytes(4, "big", signed=part < 0)
        return md5(hashed + challenge.key3)

    return answer


def with_key3(change: Callable[[bytes], bytes]) -> ServerUnderTest:
    """A server that makes something else of key3."""

    def answer(challenge: Challenge) -> bytes:
        parts = [int(key.digits) // key.spaces for key in (challenge.key1, challenge.key2)]
        hashed = b"".join([part.to_bytes(4, "big") for part in parts])
        return md5(hashed + change(challenge.key3))

    return answer


right = with_key3(lambda key3: key3)


def like(code: str) -> ServerUnderTest:
    """A server with a known bug."""

    def answer(challenge: Challenge) -> bytes:
        sent = answer_like(code, challenge)
        assert sent is not None
        return sent

    return answer


def met(server: ServerUnderTest, count: int, seed: int = 76) -> Iterable[tuple[Challenge, bytes]]:
    random = Random(seed)
    for _ in range(count):
        challenge = usual(random)
        yield challenge, server(challenge)


def codes(together: Together) -> list[str]:
    return [cause.code for cause in together.causes]


def test_a_trimmed_key3_is_named_from_its_few_failures() -> None:
    together = explain_together(met(with_key3(bytes.strip), 1000))
    # 6 of 256 bytes are white space, at either end: 4.6 %
    assert 30 <= together.wrong <= 65
    assert together.right + together.wrong == 1000
    assert codes(together) == ["digest-key3-trimmed"]
    assert not together.contradicted
    assert together.verdict == (
        f"right in {together.right} of 1000; every failure has white space at an end of key3: "
        "key3 is stripped of white space at both ends"
    )


@pytest.mark.parametrize(
    ("server", "code", "shows"),
    [
        (
            with_part(lambda number: min(number, 2**31 - 1)),
            "digest-number-clamped",
            "a key-number above 2147483647",
        ),
        (
            with_part(lambda number: number - 2**32 if number >= 2**31 else number),
            "digest-number-wrapped",
            "a key-number above 2147483647",
        ),
        (
            with_key3(lambda key3: key3.split(b"\0")[0]),
            "digest-key3-cut-at-nul",
            "a NUL in key3",
        ),
        (
            with_key3(bytes.lstrip),
            "digest-key3-trimmed-left",
            "white space at the beginning of key3",
        ),
        (
            like("digest-parts-shortest"),
            "digest-parts-shortest",
            "a part below 16777216",
        ),
    ],
    ids=["clamped", "wrapped", "cut at NUL", "left-trimmed", "shortest"],
)
def test_bugs_that_show_now_and_then(server: ServerUnderTest, code: str, shows: str) -> None:
    together = explain_together(met(server, 300))
    assert together.right
    assert together.wrong == together.explained
    assert codes(together) == [code]
    assert f"right in {together.right} of 300; every failure has {shows}: " in together.verdict


def test_several_handshakes_tell_what_one_does_not() -> None:
    """npm ws 0.4 on a current Node: where key3 is ASCII, the parts alone could be the text."""
    parts = bytes.fromhex("316e41130f7ed63c")
    key1, key2 = read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00")
    history = HandshakeHistory()
    for key3, known in (
        (b"^n:ds[4U", ["digest-of-text", "digest-parts-utf8"]),
        (b"^n:ds[4V", ["digest-of-text", "digest-parts-utf8"]),
        (b"^n:\xe9s[4U", ["digest-of-text"]),
        (b"^n:ds[4W", ["digest-of-text"]),
    ):
        history.add(
            Challenge(key1, key2, key3), md5((parts + key3).decode("latin-1").encode("utf-8"))
        )
        assert codes(history.together()) == known
    assert history.together().verdict == "wrong in all 4; the challenge is hashed as UTF-8 text"


def test_what_one_failure_leaves_open_the_successes_settle() -> None:
    """White space at the end is all that fails; what did not fail tells what does not strip it."""
    key1, key2 = read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00")
    history = HandshakeHistory()
    server = with_key3(bytes.rstrip)
    for key3 in (b" eythree", b"\0eythree", b"\x01eythree", b"keythre\0", b"key\nhree"):
        history.add(Challenge(key1, key2, key3), server(Challenge(key1, key2, key3)))
    assert history.together().verdict == "right in all 5"
    history.add(Challenge(key1, key2, b"keythre "), server(Challenge(key1, key2, b"keythre ")))
    assert codes(history.together()) == ["digest-key3-trimmed-right"]
    alone = Challenge(key1, key2, b"keythre ")
    assert len(explain_digest(alone, server(alone)).causes) == 4


def test_a_pair_shows_where_either_bug_does() -> None:
    together = explain_together(met(like("digest-parts-shortest+digest-key3-trimmed"), 600))
    assert codes(together) == ["digest-parts-shortest+digest-key3-trimmed"]
    assert together.verdict.startswith(
        f"right in {together.right} of 600; every failure has a part below 16777216 or white space "
        "at an end of key3: "
    )


def test_each_bug_is_among_the_causes_of_its_handshakes() -> None:
    """Right answers are from the same server: they contradict nothing."""
    random = Random(76)
    challenges = [asked(peculiar(random), random) for _ in range(40)]
    for code, bug in HYPOTHESES.items():
        sent = [(here, bug.server.answer(here) or b"") for here in challenges]
        together = explain_together([(here, answer) for here, answer in sent if answer])
        if not together.wrong:
            assert bug.shows
            continue
        named = codes(together)
        assert code in named or together.causes[0].complexity < 1, code
        assert not together.contradicted
        assert together.explained == together.wrong
        assert len(named) <= 2, named


def test_two_servers_behind_one_address() -> None:
    swapped = like("digest-keys-swapped")
    turns = Random(1)
    together = explain_together(met(lambda one: turns.choice((right, swapped))(one), 60))
    assert together.contradicted
    assert codes(together) == ["digest-keys-swapped"]
    assert together.verdict == (
        f"right in {together.right} of 60; each failure comes from one bug that would have shown "
        "in others too, so that another server must have answered those: the parts are hashed in "
        "the wrong order, part 2 first"
    )


def test_two_bugs_behind_one_address() -> None:
    servers = [like("digest-keys-swapped"), like("digest-little-endian"), like("digest-by-sha1")]
    handshakes = [
        (challenge, servers[min(place % 4, 2)](challenge))
        for place, (challenge, _) in enumerate(met(right, 40))
    ]
    together = explain_together(handshakes)
    assert (together.wrong, together.explained) == (40, 20)
    assert together.verdict == (
        "wrong in all 40; no one bug explains all failures; 20 of 40 are explained by: SHA-1 is "
        "used in place of MD5"
    )
    together = explain_together(handshakes[:2])
    assert together.verdict == (
        "wrong in all 2; no one bug explains all failures; 1 of 2 each are explained by: the parts "
        "are hashed in the wrong order, part 2 first; the parts are packed little-endian"
    )


def test_nothing_known() -> None:
    noise = Random(5)
    together = explain_together(met(lambda _: noise.randbytes(16), 30))
    assert (together.wrong, together.explained, together.causes) == (30, 0, ())
    assert together.verdict == "wrong in all 30; none of the known bugs gives these bytes"


def test_random_answers_among_right_ones_have_no_name() -> None:
    noise = Random(5)
    together = explain_together(
        met(lambda one: noise.choice((right(one), noise.randbytes(16))), 100)
    )
    assert together.right
    assert together.verdict == (
        f"right in {together.right} of 100; none of the known bugs gives these bytes"
    )


@pytest.mark.parametrize(
    ("count", "verdict"),
    [(0, "no handshake to judge by"), (1, "right in the only one"), (2, "right in all 2")],
)
def test_right_servers(count: int, verdict: str) -> None:
    together = explain_together(met(right, count))
    assert together.verdict == verdict
    assert not together.causes


def test_one_wrong_answer() -> None:
    together = explain_together(met(like("digest-little-endian"), 1))
    assert together.verdict == "wrong in the only one; the parts are packed little-endian"


def test_faulty_keys_are_counted_apart() -> None:
    random = Random(76)
    history = HandshakeHistory()
    for _ in range(20):
        challenge = faulty(random)
        history.add(challenge, answer_like("digest-keys-unchecked", challenge) or bytes(16))
    together = history.together()
    assert (together.right, together.wrong, together.unanswerable) == (0, 0, 20)
    assert together.verdict == "no handshake to judge by"


def test_memory_is_bounded() -> None:
    random = Random(76)
    history = HandshakeHistory(keep=10)
    codes_of_all = list(HYPOTHESES)
    for number in range(300):
        challenge = peculiar(random)
        sent = answer_like(codes_of_all[number % len(codes_of_all)], challenge)
        history.add(challenge, sent or bytes(16))
    assert len(history._tallies) <= len(all_causes())
    assert len(history._successes) <= 10
    together = history.together()
    assert len(together.failures) == 10
    assert together.right + together.wrong == 300


def test_what_followed_counts_as_well() -> None:
    key1, key2 = read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00")
    here = Asked(Challenge(key1, key2, b"^n:ds[4U"))
    text = b"386a4b5327793a472a436f2c5778612d"
    assert codes(explain_together([(here, text[:16])])) == ["digest-hex", "digest-hex-half"]
    assert codes(explain_together([(here, text[:16]), (here, text)])) == ["digest-hex"]


def test_too_few_bytes_prove_nothing() -> None:
    server = like("digest-sent-until-nul")
    handshakes = [*met(server, 400)]
    short = [received for _, received in handshakes if len(received) < 4]
    assert short
    together = explain_together(handshakes)
    assert together.right + together.wrong == len(handshakes) - len(short)
    assert [cause.code for cause in together.causes] == ["digest-sent-until-nul"]
    assert together.explained == together.wrong
