"""A challenge alone: what the server must send, with the bytes at each step, and what it sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ws76proxy.diagnosis import check_digest, check_request
from ws76proxy.diagnosis.checks.digest import check_short_digest
from ws76proxy.errors import UsageError
from ws76proxy.explain.explained import Explained
from ws76proxy.record import ChallengeRecord, Verdict, finding_record, key_reading
from ws76proxy.wire import Dialect, RequestHead
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE, Challenge, read_key

__all__ = ["challenge_record", "explain_challenge"]

_MOST_RECEIVED = 4096


def challenge_record(
    number: int, challenge: Challenge | None, key3: bytes, received: bytes, verdict: Verdict
) -> ChallengeRecord:
    """A challenge of the client and the server's answer, as far as it came."""
    answer = challenge.answer if challenge is not None and len(key3) == KEY3_SIZE else None
    return ChallengeRecord(
        session=number,
        time=0.0,
        asked_by="client",
        answered_by="server",
        key1=None if challenge is None else key_reading(challenge.key1),
        key2=None if challenge is None else key_reading(challenge.key2),
        key3=key3.hex(),
        expected=None if answer is None else answer.hex(),
        received=received.hex(),
        verdict=verdict,
    )


def explain_challenge(
    key1: bytes, key2: bytes, key3: bytes, response: bytes | None, ignored: Collection[str]
) -> Explained:
    """What is to be said of two keys and the 8 bytes of key3.

    `response` is what the server sent behind its head, None where that is not known. `ignored` are
    codes of findings that are left out. Raises UsageError for what no handshake can have.
    """
    for name, key in (("key1", key1), ("key2", key2)):
        if b"\n" in key or b"\r" in key:
            raise UsageError(f"--{name}: expected a field's value, found a line end in it")
    if len(key3) != KEY3_SIZE:
        raise UsageError(f"--key3: expected {KEY3_SIZE} bytes in hexadecimal, found {len(key3)}")
    if response is not None and not 0 < len(response) <= _MOST_RECEIVED:
        raise UsageError(
            f"--response: expected {DIGEST_SIZE} bytes in hexadecimal, found {len(response)}"
        )
    challenge = Challenge(read_key(key1), read_key(key2), key3)
    explained = Explained("", 0, "keys", asked=challenge)
    diagnoses = [
        # There is no request whose bytes could be counted.
        replace(diagnosis, stream=None, offset=None)
        for diagnosis in check_request(_request(challenge), Dialect.HIXIE_76)
    ]
    if response is not None:
        received, followed = response[:DIGEST_SIZE], response[DIGEST_SIZE:]
        if len(received) < DIGEST_SIZE:
            verdict: Verdict = "missing"
            checked = check_short_digest(
                challenge, received, how="in what was given", base=0, head=b""
            )
        else:
            if challenge.answer is None:
                verdict = "unanswerable"
            else:
                verdict = "verified" if received == challenge.answer else "wrong"
            checked = check_digest(challenge, received, followed=followed)
        diagnoses += [replace(one, stream=None, offset=None) for one in checked]
        explained.add(challenge_record(0, challenge, key3, received, verdict), ignored)
    for diagnosis in diagnoses:
        explained.add(finding_record(0, 0.0, diagnosis), ignored)
    return explained


def _request(challenge: Challenge) -> RequestHead:
    """A request with these keys, and nothing else in it to remark on."""
    fields = [
        (b"Upgrade", b"WebSocket"),
        (b"Connection", b"Upgrade"),
        (b"Host", b"example.com"),
        (b"Origin", b"http://example.com"),
        (b"Sec-WebSocket-Key1", challenge.key1.text),
        (b"Sec-WebSocket-Key2", challenge.key2.text),
    ]
    lines = [b"GET / HTTP/1.1", *[name + b": " + value for name, value in fields]]
    return RequestHead(b"\r\n".join([*lines, b"", b""]))
