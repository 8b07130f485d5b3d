"""Checks of the digest, and of a handshake that ended before it was whole (4.1, 5.2)."""

from __future__ import annotations

from typing import Literal

from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.diagnosis.raising import found
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE, Challenge
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead, ResponseHead

__all__ = ["EndedBy", "check_digest", "check_unfinished"]

EndedBy = Literal["timeout", "client", "server"]

_HOW = {
    "timeout": "when the time was over",
    "client": "when the client closed",
    "server": "when the server closed",
}


def check_digest(
    challenge: Challenge | None, received: bytes, *, base: int = 0, good: bool = True
) -> list[Diagnosis]:
    """Whether the 16 bytes after a 101 answer this challenge (5.2).

    `challenge` is None where a key was missing. `base` is the digest's offset in the server's
    stream.
    """
    answer = None if challenge is None else challenge.answer
    if answer == received:
        if not good:
            return []
        detail = f"{received.hex(' ')}, as expected"
        return [_at_digest("digest-verified", detail, base, received)]
    if answer is not None:
        detail = f"expected {answer.hex(' ')}, found {received.hex(' ')}"
        return [_at_digest("digest-wrong", detail, base, received)]
    if challenge is None:
        why = "a key is missing"
    else:
        keys = (("Key1", challenge.key1), ("Key2", challenge.key2))
        why = ", ".join(f"{name}: {key.faults[0].value}" for name, key in keys if key.fatal)
    detail = f"no digest is right ({why}), yet {received.hex(' ')} came"
    return [_at_digest("faulty-keys-accepted", detail, base, received)]


def check_unfinished(
    dialect: Dialect,
    *,
    request: RequestHead | None,
    key3: bytes,
    response: ResponseHead | None,
    digest: bytes,
    ended_by: EndedBy,
    client_base: int = 0,
    server_base: int = 0,
) -> list[Diagnosis]:
    """What was still to come when a handshake ended.

    `request` and `response` are None where the head was not whole; `key3` and `digest` are as much
    as had come. `client_base` and `server_base` are the heads' offsets in their streams. A
    handshake that was whole gives nothing.
    """
    how = _HOW[ended_by]
    if request is None:
        return [found("request-incomplete", f"no blank line had come {how}")]
    is_76 = dialect is Dialect.HIXIE_76
    diagnoses = []
    refused = response is not None and response.status != 101
    if is_76 and len(key3) < KEY3_SIZE and not refused:
        diagnoses.append(_key3(key3, how, client_base + len(request.raw)))
    if response is None:
        if ended_by == "client" and not diagnoses:
            diagnoses.append(found("client-left-early", "no whole answer had come"))
        elif not diagnoses:
            diagnoses.append(found("response-missing", f"no whole answer had come {how}"))
    elif is_76 and not refused and len(digest) < DIGEST_SIZE:
        count = f"{len(digest)} of {DIGEST_SIZE} bytes of digest had come"
        if ended_by == "client":
            diagnoses.append(found("client-left-early", count))
        elif digest:
            offset = server_base + len(response.raw)
            diagnoses.append(_at_digest("digest-short", f"{count} {how}", offset, digest))
        # Where key3 never came, a server that waits for it does what it must.
        elif not diagnoses:
            diagnoses.append(found("digest-missing", f"{count} {how}"))
    return diagnoses


def _key3(key3: bytes, how: str, offset: int) -> Diagnosis:
    count = f"{len(key3)} of {KEY3_SIZE} bytes had come {how}"
    if not key3:
        return found("key3-missing", count)
    return found("key3-short", count, stream=Stream.CLIENT, offset=offset, evidence=key3)


def _at_digest(code: str, detail: str, offset: int, received: bytes) -> Diagnosis:
    return found(code, detail, stream=Stream.SERVER, offset=offset, evidence=received)
