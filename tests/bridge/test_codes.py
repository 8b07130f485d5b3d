"""Each finding that only a bridge can make has something that makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.diagnosis.test_samples import BRIDGE_CODES
from ws76proxy.bridge import DIALECTS, Ended, farewell, lacks_dialect, refuse_client
from ws76proxy.diagnosis import CATALOGUE, SUBJECTS, Diagnosis, found
from ws76proxy.wire import RequestHead, ResponseHead

from .pairs import Pair
from .test_refusals import KEY, UPGRADE

H76, H75, RFC = DIALECTS
Made = Callable[[], list[Diagnosis]]


def asked(client: int, server: int, *protocols: str, **options: Any) -> Made:
    """By the request alone."""
    return lambda: Pair(DIALECTS[client], DIALECTS[server], protocols=protocols, **options).told


def answered(old: bytes, new: bytes) -> Made:
    """By the answer of a server of RFC 6455, changed like this."""

    def made() -> list[Diagnosis]:
        pair = Pair(H76, RFC)
        pair.ask()
        pair.server.accept()
        pair.answer(pair.server.data_to_send().replace(old, new))
        return pair.told

    return made


def named(protocol: bytes | None, *protocols: str) -> Made:
    """By what a server says of the subprotocol."""

    def made() -> list[Diagnosis]:
        pair = Pair(RFC, H76) if protocol else Pair(H76, RFC, protocols=protocols)
        pair.accept(protocol)
        return pair.told

    return made


def said(client: int, data: bytes, **options: Any) -> Made:
    """By what a client says."""

    def made() -> list[Diagnosis]:
        pair = Pair(DIALECTS[client], RFC if client < 2 else H76, **options).open()
        pair.pump("client", data)
        return pair.told

    return made


def limited(client: int, data: bytes) -> Made:
    """By what is too large for the bridge."""

    def made() -> list[Diagnosis]:
        pair = Pair(DIALECTS[client], RFC if client < 2 else H76, deflate=False).open()
        pair.client_leg._decoder._max = 4
        pair.pump("client", data)
        return pair.told

    return made


def base64_spoken() -> list[Diagnosis]:
    pair = Pair(H76, RFC, protocols=["base64"], binary="base64").open(b"binary")
    pair.pump("client", b"\x00?\xff")
    return pair.told


def too_late() -> list[Diagnosis]:
    pair = Pair(H76, RFC).open()
    pair.server_leg.send_close()
    pair.pump("client", b"\x00late\xff")
    return pair.told


def reduced() -> list[Diagnosis]:
    diagnosis = farewell(Ended("server", RFC, "closed", 1001), H76).diagnosis
    return [] if diagnosis is None else [diagnosis]


def refused(fields: bytes) -> Made:
    """By a client's request, which has no answer."""

    def made() -> list[Diagnosis]:
        head = RequestHead(UPGRADE + fields + b"\r\n")
        refusal = refuse_client(head, H76 if b"Key1" in fields else RFC)
        return [] if refusal is None else [refusal.diagnosis]

    return made


def lacking() -> list[Diagnosis]:
    why = lacks_dialect(H76, ResponseHead(b"HTTP/1.1 426 Upgrade Required\r\n\r\n"))
    return [found("server-lacks-dialect", why)] if why else []


MASKED_BINARY = b"\x82\x81\0\0\0\0x"
MADE: dict[str, Made] = {
    "bridge-binary-dropped": said(2, MASKED_BINARY, binary="drop"),
    "bridge-binary-refused": said(2, MASKED_BINARY),
    "bridge-close-reduced": reduced,
    "bridge-frame-left-out": said(0, b"\x01x\xff"),
    "bridge-message-too-large": limited(0, b"\x00larger\xff"),
    "bridge-not-base64": base64_spoken,
    "bridge-subprotocol-chosen": asked(2, 0, "a", "b"),
    "bridge-subprotocol-unanswered": named(None, "chat"),
    "bridge-subprotocol-unoffered": asked(2, 0, "a", subprotocol=b"b"),
    "bridge-subprotocol-untranslatable": asked(0, 2, "two words"),
    "bridge-subprotocol-unwanted": named(b"unwanted"),
    "bridge-text-replaced": said(0, b"\x00\xc3\xff"),
    "bridge-too-late": too_late,
    "challenge-unanswerable": refused(b"Sec-WebSocket-Key1: x\r\n"),
    "rfc6455-accept-wrong": answered(b"-Accept: ", b"-Accept: x"),
    "rfc6455-answer-unusable": answered(b"Upgrade: websocket", b"Upgrade: x"),
    "rfc6455-frame-fault": said(2, b"\x83\x80"),
    "rfc6455-message-too-large": limited(2, b"\x82\x85" + b"\0" * 9),
    "rfc6455-request-faulty": refused(KEY),
    "rfc6455-text-not-utf8": said(2, b"\x81\x81\0\0\0\0\xff"),
    "server-lacks-dialect": lacking,
    "version-not-supported": refused(KEY + b"Sec-WebSocket-Version: 8\r\n"),
}


@pytest.mark.parametrize("code", MADE)
def test_finding(code: str) -> None:
    (diagnosis,) = MADE[code]()
    assert diagnosis.finding.code == code
    assert CATALOGUE[code].title == diagnosis.finding.title
    assert diagnosis.detail
    assert not diagnosis.detail.endswith(".")


def test_every_finding_of_the_bridge_is_made() -> None:
    assert MADE.keys() == BRIDGE_CODES
    assert {one.code for one in SUBJECTS["Two dialects, and RFC 6455"]} == BRIDGE_CODES
