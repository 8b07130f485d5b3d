"""The digest's verdict, and what is said of a handshake that ended too early."""

from __future__ import annotations

import pytest

from ws76proxy.diagnosis import Side, Stream, check_digest, check_unfinished
from ws76proxy.diagnosis.checks.challenge import EndedBy
from ws76proxy.wire import Challenge, ResponseHead, read_key
from ws76proxy.wire.dialect import Dialect

from .heads import answer, request

# draft -76, 1.2
KEY1, KEY2 = read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00")
CHALLENGE = Challenge(KEY1, KEY2, b"^n:ds[4U")
DIGEST = b"8jKS'y:G*Co,Wxa-"


def test_published_digest_is_verified() -> None:
    (found,) = check_digest(CHALLENGE, DIGEST, base=200)
    assert found.finding.code == "digest-verified"
    assert (found.stream, found.offset, found.evidence) == (Stream.SERVER, 200, DIGEST)
    assert check_digest(CHALLENGE, DIGEST, good=False) == []


def test_wrong_digest_shows_both() -> None:
    (found,) = check_digest(CHALLENGE, bytes(16), base=200)
    assert found.finding.code == "digest-wrong"
    assert found.detail == f"expected {DIGEST.hex(' ')}, found {bytes(16).hex(' ')}"
    assert (found.offset, found.evidence) == (200, bytes(16))


def test_answer_to_faulty_keys_is_the_servers_fault() -> None:
    challenge = Challenge(read_key(b"12x"), KEY2, bytes(8))
    (found,) = check_digest(challenge, DIGEST)
    assert found.finding.code == "faulty-keys-accepted"
    assert found.finding.side is Side.SERVER
    assert "Key1: no-spaces" in found.detail


def test_answer_without_a_challenge() -> None:
    (found,) = check_digest(None, DIGEST)
    assert found.finding.code == "faulty-keys-accepted"
    assert "a key is missing" in found.detail


REQUEST, ANSWER, REFUSAL = request(), answer(), answer((b"101", b"403"))
KEY3 = b"12345678"


@pytest.mark.parametrize(
    ("key3", "response", "digest", "ended_by", "codes"),
    [
        (b"", None, b"", "timeout", ["key3-missing"]),
        (b"", None, b"", "client", ["key3-missing"]),
        (b"", ANSWER, b"", "timeout", ["key3-missing"]),
        (b"", REFUSAL, b"", "server", []),
        (b"123", None, b"", "timeout", ["key3-short"]),
        (KEY3, None, b"", "timeout", ["response-missing"]),
        (KEY3, None, b"", "server", ["response-missing"]),
        (KEY3, None, b"", "client", ["client-left-early"]),
        (KEY3, ANSWER, b"", "timeout", ["digest-missing"]),
        (KEY3, ANSWER, DIGEST[:15], "server", ["digest-short"]),
        (KEY3, ANSWER, DIGEST[:15], "client", ["client-left-early"]),
        (KEY3, ANSWER, DIGEST, "server", []),
        (KEY3, REFUSAL, b"", "server", []),
    ],
)
def test_what_was_still_to_come(
    key3: bytes,
    response: ResponseHead | None,
    digest: bytes,
    ended_by: EndedBy,
    codes: list[str],
) -> None:
    diagnoses = check_unfinished(
        Dialect.HIXIE_76,
        request=REQUEST,
        key3=key3,
        response=response,
        digest=digest,
        ended_by=ended_by,
    )
    assert [one.finding.code for one in diagnoses] == codes


@pytest.mark.parametrize("dialect", [Dialect.HIXIE_75, Dialect.HIXIE_76, Dialect.UNKNOWN])
def test_unfinished_request(dialect: Dialect) -> None:
    (found,) = check_unfinished(
        dialect, request=None, key3=b"", response=None, digest=b"", ended_by="timeout"
    )
    assert found.finding.code == "request-incomplete"


def test_hixie_75_waits_for_heads_only() -> None:
    def codes(response: ResponseHead | None) -> list[str]:
        diagnoses = check_unfinished(
            Dialect.HIXIE_75,
            request=REQUEST,
            key3=b"",
            response=response,
            digest=b"",
            ended_by="timeout",
        )
        return [one.finding.code for one in diagnoses]

    assert codes(None) == ["response-missing"]
    assert codes(ANSWER) == []


def test_pieces_are_evidence_at_their_place() -> None:
    def found_in(key3: bytes, digest: bytes) -> tuple[Stream | None, int | None, bytes]:
        (found,) = check_unfinished(
            Dialect.HIXIE_76,
            request=REQUEST,
            key3=key3,
            response=ANSWER,
            digest=digest,
            ended_by="server",
            client_base=100,
            server_base=200,
        )
        return found.stream, found.offset, found.evidence

    assert found_in(b"abc", b"") == (Stream.CLIENT, 100 + len(REQUEST.raw), b"abc")
    assert found_in(KEY3, b"xyz") == (Stream.SERVER, 200 + len(ANSWER.raw), b"xyz")
