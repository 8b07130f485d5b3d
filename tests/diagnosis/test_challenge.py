"""The digest's verdict, and what is said of a handshake that ended too early."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from ws76proxy.diagnosis import (
    Asked,
    Diagnosis,
    Side,
    Stream,
    check_digest,
    check_unfinished,
)
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
    wrong = b"0123456789abcdef"
    (found,) = check_digest(CHALLENGE, wrong, base=200)
    assert found.finding.code == "digest-wrong"
    assert found.detail == (
        f"expected {DIGEST.hex(' ')}, found {wrong.hex(' ')}; none of the known bugs gives these "
        "bytes"
    )
    assert (found.offset, found.evidence) == (200, wrong)


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


def unfinished(**changes: Any) -> list[Diagnosis]:
    """What is said of a handshake in which the server was silent for too long, and of changes."""
    came: dict[str, Any] = {
        "request": REQUEST,
        "key3": KEY3,
        "response": None,
        "digest": b"",
        "ended_by": "timeout",
        "client_base": 100,
        "server_base": 200,
    }
    return check_unfinished(Dialect.HIXIE_76, **{**came, **changes})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x46", "response-tls"),
        (b"\x16\x03\x00", "response-tls"),
        (b"HT", "response-incomplete"),
        (b"\r\n", "response-incomplete"),
        (b"\r\nHTTP/1.0 200 OK\r\nServer: x\r\n", "response-incomplete"),
        (b"HTML", "response-not-http"),
        (b"<cross-domain-policy/>\0", "response-not-http"),
        (b"\x00hi\xff", "response-not-http"),
        (b"220 mail.example.com ESMTP\r\n", "response-not-http"),
    ],
)
def test_an_answer_that_is_no_head(answer: bytes, code: str) -> None:
    (found,) = unfinished(answer=answer)
    assert (found.finding.code, found.offset, found.evidence) == (code, 200, answer)
    assert found.finding.side is Side.SERVER


def test_a_long_answer_that_is_no_head_is_cut() -> None:
    (found,) = unfinished(answer=b"x" * 5000)
    assert found.evidence == b"x" * 64


@pytest.mark.parametrize(
    ("key3", "codes"),
    [
        (b"\x00bcdefg", ["key3-short", "key3-trimmed"]),
        (b"345678", ["key3-short", "key3-trimmed"]),
        (b"45678", ["key3-short"]),
        # Who skips line ends would have skipped this one.
        (b"\n234567", ["key3-short"]),
    ],
)
def test_what_of_key3_may_have_been_trimmed(key3: bytes, codes: list[str]) -> None:
    found = unfinished(key3=key3)
    assert [one.finding.code for one in found] == codes
    assert {(one.offset, one.evidence) for one in found} == {(100 + len(REQUEST.raw), key3)}
    assert ("NUL" in found[0].detail) is (b"\0" not in key3)


@pytest.mark.parametrize("response", [None, ANSWER])
def test_line_ends_of_key3_that_the_server_may_not_have_got(response: ResponseHead | None) -> None:
    verdict, cause = unfinished(key3=b"\r\n\n45678", response=response)
    assert verdict.finding.code in ("response-missing", "digest-missing")
    assert cause.finding.code == "key3-line-end-eaten"
    assert (cause.offset, cause.evidence) == (100 + len(REQUEST.raw), b"\r\n\n")
    assert "5 bytes of 8" in cause.detail


def test_line_ends_of_a_key3_that_the_client_has_not_sent() -> None:
    challenge = Challenge(read_key(b"1 2"), read_key(b"3 4"), b"\n2345678")
    _, cause = unfinished(asked=Asked(challenge))
    assert (cause.finding.code, cause.stream, cause.evidence) == (
        "key3-line-end-eaten",
        None,
        b"\n",
    )
    (alone,) = unfinished(key3=b"\n2345678", asked=Asked(structs.replace(challenge, key3=KEY3)))
    assert alone.finding.code == "response-missing"


def test_a_client_that_leaves_is_not_said_to_wait() -> None:
    (found,) = unfinished(key3=b"\n2345678", ended_by="client")
    assert found.finding.code == "client-left-early"


def test_closing_on_faulty_keys_is_right() -> None:
    faulty = request((b"4 @1  46546xW%0l 1 5", b"415"))
    (found,) = unfinished(request=faulty, ended_by="server")
    assert found.finding.code == "faulty-keys-refused"
    (silent,) = unfinished(request=faulty)
    assert silent.finding.code == "response-missing"


def test_a_proxy_that_left_its_name_is_named() -> None:
    (found,) = unfinished(request=REQUEST.add_field(b"Via", b"1.1 cache"), key3=b"")
    assert found.finding.code == "key3-missing"
    assert "Via: 1.1 cache" in found.detail


def test_a_short_digest_is_explained() -> None:
    right = unfinished(key3=CHALLENGE.key3, response=ANSWER, digest=DIGEST[:7])
    assert [one.finding.code for one in right] == ["digest-short"]
    assert "they are right" in right[0].detail
    verdict, message = unfinished(response=ANSWER, digest=b"\x00hello\xff")
    assert (verdict.finding.code, message.finding.code) == ("digest-short", "frames-before-digest")
    assert message.offset == 200 + len(ANSWER.raw)
