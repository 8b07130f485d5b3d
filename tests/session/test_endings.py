"""How sessions end by their peers or by the clock, at each moment."""

from __future__ import annotations

import pytest

from ws76proxy.session import Peer

from .examples import DIGEST, KEY3, answer, plain, request
from .playbook import Play, opened

REQUEST, ANSWER = request(), answer()
MISSING = "client's challenge, server's answer: missing"
LATE = "between: idle-timeout"


# Closing in order


def test_either_side_may_start_to_close() -> None:
    for first, second in (("client", "server"), ("server", "client")):
        play = opened()
        for label in (first, second):
            getattr(play, label)(b"\xff\x00")
            getattr(play, f"{label}_ends")()
        play.settle()
        play.over("open")


def test_close_unanswered() -> None:
    play = opened()
    play.client(b"\xff\x00")
    play.server_ends()
    play.told("client: closing-handshake", "server: end-of-stream", "server: close-unanswered")
    play.did("end to client")
    play.client_ends()
    play.settle()
    play.over("open", "close-unanswered")


def test_a_half_open_connection_goes_on() -> None:
    play = opened()
    play.client_ends()
    play.told("client: end-of-stream", "client: closed-without-handshake")
    play.did("end to server")
    assert play.session.half_closed
    play.server(b"\x00still\xff")
    play.to_client(b"\x00still\xff")
    play.client_ends()
    play.did()
    play.server_ends()
    play.over("open", "closed-without-handshake")


def test_unfinished_frames_at_the_end() -> None:
    play = opened()
    play.server(b"\x00half")
    play.server_ends()
    play.told(
        "server: frame-unfinished", "server: end-of-stream", "server: closed-without-handshake"
    )


# The end of the client


def test_a_client_that_says_nothing() -> None:
    play = Play()
    play.client_ends()
    play.did("close client")
    play.told("client: end-of-stream", "session-end nothing")


def test_a_client_that_ends_in_its_head() -> None:
    play = Play()
    play.client(REQUEST[:50])
    play.client_ends()
    play.told("client: request-incomplete", "client: end-of-stream", "session-end nothing")
    play.to_server()


def test_a_client_that_ends_without_key3() -> None:
    play = Play(host="keep")
    play.client(REQUEST, KEY3[:3])
    play.client_ends()
    play.to_server(REQUEST, KEY3[:3])
    assert play.codes == ["key3-short"]
    play.server_ends()
    play.over("failed", "key3-short")


def test_early_frames_leave_before_the_end_of_the_client() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3 + b"\x00early\xff")
    play.client_ends()
    play.to_server(REQUEST + KEY3, b"\x00early\xff")
    play.did("connect", "pause client", "end to server")
    play.server(ANSWER + DIGEST)
    play.to_client(ANSWER + DIGEST)
    play.to_server()
    assert play.session.outcome == "open"
    assert getattr(play.records[-1], "text", None) == "early"


# The end of the server


@pytest.mark.parametrize("repair", [True, False])
@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "response-missing"),
        (b"HTTP/1.1 101 Web", "response-incomplete"),
        (b"\x15\x03\x01\0\2\2\x46", "response-tls"),
        (b"SSH-2.0-OpenSSH_5.1\r\n", "response-not-http"),
        (ANSWER, "digest-missing"),
        (ANSWER + DIGEST[:5], "digest-short"),
    ],
)
def test_a_server_that_ends_before_its_answer_is_whole(
    said: bytes, code: str, repair: bool
) -> None:
    play = Play(host="keep", repair=repair)
    play.client(REQUEST + KEY3)
    play.server(said)
    play.server_ends()
    assert b"".join(play.sent("client")) == said
    play.did("connect", "end to client")
    play.client(b"\x00too late\xff")
    play.to_server(REQUEST + KEY3, b"\x00too late\xff")
    play.times_out()
    play.to_client()
    end = play.over("failed", code, "idle-timeout")
    assert end.verdict == ("missing" if said.startswith(ANSWER) else None)


@pytest.mark.parametrize("repair", [True, False])
def test_a_server_that_ends_before_key3_is_whole(repair: bool) -> None:
    play = Play(host="keep", repair=repair)
    play.client(REQUEST + KEY3[:2])
    play.server(ANSWER + DIGEST + b"\x00x\xff")
    play.server_ends()
    assert b"".join(play.sent("client")) == ANSWER + DIGEST + b"\x00x\xff"
    play.did("connect", "pause server", "resume server", "end to client")
    play.client(KEY3[2:])
    play.to_server(REQUEST + KEY3[:2], KEY3[2:])
    play.client_ends()
    assert play.over("failed", "key3-short").verdict == "unanswerable"


def test_a_server_that_ends_while_early_frames_wait() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3 + b"\x00early\xff")
    play.server_ends()
    play.to_server(REQUEST + KEY3, b"\x00early\xff")
    play.did("connect", "pause client", "resume client", "end to client")


# Time-outs


@pytest.mark.parametrize(
    ("said", "outcome", "text"),
    [
        ([], "nothing", None),
        ([b"\r\n"], "failed", "No whole request head within 30 s"),
        ([REQUEST[:40]], "failed", "No whole request head within 30 s"),
    ],
)
def test_no_request_in_time(said: list[bytes], outcome: str, text: str | None) -> None:
    play = Play()
    play.client(*said)
    play.handshaking_since(0.0)
    play.times_out()
    if text is not None:
        play.answered(408, text)
    play.told("relay: timeout", "client: request-incomplete", f"session-end {outcome}")
    play.did("close client")
    play.over(outcome, "request-incomplete")


def test_no_key3_in_time() -> None:
    play = Play(host="keep")
    play.time_passes(2)
    play.client(REQUEST, KEY3[:3])
    play.handshaking_since(0.0)
    play.settle()
    play.times_out()
    play.answered(408, "8 bytes must follow the head; 3 came in 30 s.")
    play.told("relay: timeout", "between: key3-short", "session-end failed")
    play.over("failed", "key3-short")


@pytest.mark.parametrize("connects", [True, False])
def test_no_answer_in_time(connects: bool) -> None:
    play = Play(connects=connects)
    play.client(REQUEST + KEY3)
    play.settle()
    play.times_out()
    play.answered(504, "ws://server.test:9000 did not answer within 30 s.")
    play.told("relay: timeout", "server: response-missing", "session-end failed")
    play.over("failed", "response-missing")


@pytest.mark.parametrize("repair", [True, False])
@pytest.mark.parametrize("said", [b"HTTP/1.1 101 We", ANSWER, ANSWER + DIGEST[:15]])
def test_what_was_kept_of_a_slow_answer_leaves_with_nothing_of_ours(
    said: bytes, repair: bool
) -> None:
    play = Play(host="keep", repair=repair)
    play.client(REQUEST + KEY3)
    play.server(said)
    play.sent("server")
    play.times_out()
    assert b"".join(play.sent("client")) == said
    play.over("failed", *play.codes)


def test_a_second_request_has_its_own_time() -> None:
    page = plain("GET / HTTP/1.1")
    play = Play()
    play.client(page)
    play.handshaking_since(None)
    play.server(plain("HTTP/1.1 204 No Content"))
    play.time_passes(100)
    play.client(b"GET /second")
    play.handshaking_since(100.0)
    play.settle()
    play.times_out()
    play.answered(408)
    play.told("relay: timeout", "client: request-incomplete", "session-end failed")


def test_no_408_into_an_answer_on_its_way() -> None:
    play = Play()
    play.client(plain("GET / HTTP/1.1"), b"GET /second")
    play.times_out()
    play.to_client()


def test_an_open_session_is_not_a_handshake_and_may_be_idle() -> None:
    play = opened()
    play.handshaking_since(None)
    play.client(b"\x00half")
    play.sent("server")
    play.times_out(60)
    play.told("relay: timeout", LATE, "client: frame-unfinished", "session-end open")
    play.over("open", "idle-timeout", "frame-unfinished")


def test_an_answer_to_ff_00_that_never_comes() -> None:
    play = opened()
    play.client(b"\xff\x00")
    play.server(b"\x00late\xff\x00\xff")
    play.settle()
    play.times_out(60)
    play.told(
        "relay: timeout",
        LATE,
        "server: close-reversed",
        "server: close-unanswered",
        "session-end open",
    )


def test_an_idle_session_that_nobody_has_begun_to_close() -> None:
    play = opened()
    play.client(b"\x00\xff")
    play.settle()
    play.times_out(60)
    play.told("relay: timeout", LATE, "session-end open")


@pytest.mark.parametrize("said", [b"\x00\x01\x02", plain("GET / HTTP/1.1")])
def test_idle_bytes_and_pages(said: bytes) -> None:
    play = Play()
    play.client(said)
    play.sent("server")
    play.times_out(60)
    assert play.codes[-1] == "idle-timeout"
    play.to_client()


# Resets


@pytest.mark.parametrize("peer", list(Peer))
def test_an_open_session_is_reset(peer: Peer) -> None:
    play = opened()
    play.lost(peer)
    play.told(f"{peer.label}: reset", f"{peer.label}: connection-reset", "session-end open")
    play.did("close client", "close server")
    play.over("open", "connection-reset")


def test_a_reset_in_a_frame_and_after_ff_00() -> None:
    play = opened()
    play.client(b"\xff\x00")
    play.server(b"\x00half")
    play.lost(Peer.SERVER)
    play.settle()
    play.over("open", "frame-unfinished", "close-unanswered", "connection-reset")


def test_a_reset_behind_the_end() -> None:
    play = opened()
    play.server_ends()
    play.ask_no_more()
    play.lost(Peer.SERVER)
    play.told("server: reset", "server: connection-reset", "session-end open")


def test_a_connection_that_is_gone_without_a_reason_has_ended() -> None:
    play = opened()
    play.lost(Peer.SERVER, None)
    play.told("server: end-of-stream", "server: closed-without-handshake", "session-end open")


@pytest.mark.parametrize("repair", [True, False])
def test_a_server_resets_in_its_answer(repair: bool) -> None:
    play = Play(host="keep", repair=repair)
    play.client(REQUEST + KEY3)
    play.server(ANSWER + DIGEST[:5])
    play.ask_no_more()
    play.lost(Peer.SERVER)
    assert b"".join(play.sent("client")) == ANSWER + DIGEST[:5]
    play.told(
        "server: reset",
        MISSING,
        "server: digest-short",
        "server: connection-reset",
        "session-end failed",
    )


@pytest.mark.parametrize(
    ("said", "outcome", "codes"),
    [
        (b"", "nothing", ["connection-reset"]),
        (REQUEST[:9], "nothing", ["request-incomplete", "connection-reset"]),
        (REQUEST + KEY3, "failed", ["client-left-early", "connection-reset"]),
        (plain("GET / HTTP/1.1"), "http", ["connection-reset"]),
        (b"\0\1\2", "passed-on", ["unknown-protocol", "connection-reset"]),
    ],
)
def test_a_client_resets(said: bytes, outcome: str, codes: list[str]) -> None:
    play = Play()
    play.client(said) if said else None
    play.lost(Peer.CLIENT)
    play.sent("server")
    play.over(outcome, *codes)


@pytest.mark.parametrize("said", [b"", answer(), answer() + DIGEST[:5]])
def test_a_server_that_leaves_after_the_client_is_not_blamed(said: bytes) -> None:
    play = Play()
    play.client(request() + KEY3)
    if said:
        play.server(said)
    play.client_ends()
    play.server_ends()
    assert play.codes.count("client-left-early") == 1
    assert not {"response-missing", "digest-missing", "digest-short"} & set(play.codes)
