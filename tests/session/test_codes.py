"""Each finding that only a session can make has a transcript that makes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.diagnosis.test_samples import SESSION_CODES
from ws76proxy.diagnosis import CATALOGUE, HandshakeHistory
from ws76proxy.record import FindingRecord
from ws76proxy.scripting import Message, Script
from ws76proxy.session import Peer
from ws76proxy.wire.dialect import Dialect

from .examples import KEY3, answer, answer_75, plain, request
from .playbook import Play, opened

_LATER = ("GET / HTTP/1.1", "Upgrade: websocket", "Sec-WebSocket-Key: x")


def close_unanswered() -> Play:
    play = opened()
    play.server(b"\xff\x00")
    play.client_ends()
    return play


def closed_without_handshake() -> Play:
    play = opened()
    play.client_ends()
    return play


def connection_reset() -> Play:
    play = opened()
    play.lost(Peer.SERVER)
    return play


def not_framable() -> Play:
    def on_message(message: Message) -> None:
        message.content = b"\xff"

    play = opened(scripts=[Script("edit.py", "edit.py", on_message=on_message)])
    play.client(b"\x00a\xff")
    return play


def idle_timeout() -> Play:
    play = opened()
    play.times_out(300)
    return play


def message_too_large() -> Play:
    play = opened(max_message=4)
    play.client(b"\x00hello\xff")
    return play


def taken_for_hixie() -> Play:
    play = Play()
    play.client(plain(*_LATER, "Sec-WebSocket-Version: 13"))
    play.server(answer_75())
    return play


def says(*chunks: bytes, **options: object) -> Callable[[], Play]:
    """A client that says this and nothing else."""

    def transcript() -> Play:
        play = Play(**options)  # type: ignore[arg-type]
        play.client(*chunks)
        return play

    return transcript


def refused(code: str) -> Callable[[], Play]:
    """A client whom the owner of the connections will not serve."""

    def transcript() -> Play:
        play = Play()
        play.refuses(code, "as the owner says")
        play.over("refused", code)
        return play

    return transcript


def no_server(code: str) -> Callable[[], Play]:
    """A server that cannot be reached."""

    def transcript() -> Play:
        play = Play(connects=False)
        play.client(request())
        play.connect_fails("as the owner says", code)
        play.answered(502, "as the owner says")
        play.over("failed", code)
        return play

    return transcript


def wrong_twice() -> Play:
    history = HandshakeHistory()
    for _ in range(2):
        play = Play(history=history)
        play.client(request() + KEY3)
        play.server(answer() + bytes(16))
    return play


TRANSCRIPTS: dict[str, Callable[[], Play]] = {
    "client-dialect-refused": says(request(), client_dialect=Dialect.HIXIE_75),
    "close-unanswered": close_unanswered,
    "closed-without-handshake": closed_without_handshake,
    "connection-reset": connection_reset,
    "digests-together": wrong_twice,
    "edit-not-framable": not_framable,
    "early-client-frames": says(request() + KEY3 + b"\x00early\xff"),
    "flash-policy-request": says(b"<policy-file-request/>\0"),
    "head-refused": says(b"GET / HTTP/1.1\r\n" + b"a" * 70_000),
    "host-refused": says(request(), allow_hosts=("a.test",)),
    "hybi-draft-client": says(plain(*_LATER, "Sec-WebSocket-Version: 8")),
    "idle-timeout": idle_timeout,
    "message-too-large": message_too_large,
    "origin-refused": says(request(), allow_origins=("http://a.test",)),
    "pipelined-upgrade": says(plain("GET / HTTP/1.1") + request()),
    "plain-on-tls-port": refused("plain-on-tls-port"),
    "proxy-header-malformed": refused("proxy-header-malformed"),
    "proxy-header-missing": refused("proxy-header-missing"),
    "proxy-header-untrusted": refused("proxy-header-untrusted"),
    "response-of-hixie": taken_for_hixie,
    "rfc6455-client": says(plain(*_LATER, "Sec-WebSocket-Version: 13")),
    "tls-handshake-failed": refused("tls-handshake-failed"),
    "tls-on-plain-port": says(b"\x16\x03\x01\x02\x00\x01"),
    "too-many-connections": refused("too-many-connections"),
    "unknown-protocol": says(b"\x00\x01\x02"),
    "upstream-tls-failed": no_server("upstream-tls-failed"),
    "upstream-unreachable": no_server("upstream-unreachable"),
}


@pytest.mark.parametrize("code", TRANSCRIPTS)
def test_finding(code: str) -> None:
    play = TRANSCRIPTS[code]()
    told = [one for one in play.records if isinstance(one, FindingRecord) and one.code == code]
    assert len(told) == 1
    entry = CATALOGUE[code]
    assert (told[0].title, told[0].fix, told[0].section) == (entry.title, entry.fix, entry.section)
    assert told[0].detail
    assert told[0].side in ("client", "server", "between")


def test_every_finding_of_the_session_has_a_transcript() -> None:
    assert TRANSCRIPTS.keys() == SESSION_CODES
