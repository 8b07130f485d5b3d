"""The opening handshake of hixie-76: challenges forwarded and asked anew, bytes in any pieces."""

from __future__ import annotations

import pytest

from ws76proxy.record import ChallengeRecord
from ws76proxy.session import Peer
from ws76proxy.wire import RequestHead, hixie76

from .examples import DIGEST, KEY3, answer, plain, request
from .playbook import Play

REQUEST, ANSWER = request(), answer()
OPEN = (
    "hixie-76 request /chat?room=1",
    "response 101",
    "client's challenge, server's answer: verified",
)
EARLY = "client: early-client-frames"
TARGET = "hixie-76 request /chat?room=1"


def one_by_one(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def test_bytes_pass_as_they_come_and_are_told_afterwards() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3)
    play.did("connect")
    play.to_server(REQUEST + KEY3)
    play.server(ANSWER + DIGEST)
    play.to_client(ANSWER + DIGEST)
    play.told(*OPEN)
    play.client(b"\x00h\xc3\xa9llo\xff")
    play.to_server(b"\x00h\xc3\xa9llo\xff")
    play.server(b"\x00one\xff\x00two\xff")
    play.to_client(b"\x00one\xff\x00two\xff")
    play.told("client says #1 'héllo'", "server says #1 'one'", "server says #2 'two'")
    play.client(b"\xff\x00")
    play.server(b"\xff\x00")
    play.client_ends()
    play.server_ends()
    play.to_server(b"\xff\x00")
    play.to_client(b"\xff\x00")
    play.did("end to server", "close client", "close server")
    play.told(
        "client: closing-handshake",
        "server: closing-handshake",
        "client: end-of-stream",
        "server: end-of-stream",
        "session-end open",
    )
    end = play.over("open")
    assert (end.dialect, end.verdict) == ("hixie-76", "verified")
    assert (end.client.bytes, end.client.messages) == (len(REQUEST) + 8 + 8 + 2, 1)
    assert (end.server.messages, end.server.frames) == (2, 1)


def test_forward_first_look_second() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3)
    play.server(ANSWER + DIGEST)
    commands = list(play.session.receive_data(Peer.CLIENT, b"\x00hello\xff"))
    assert [type(command).__name__ for command in commands] == ["Send", "Tell"]


@pytest.mark.parametrize(
    "key3", [b"\r\n\0\r\n\r\n\0", b"\n\n\n\n\n\n\n\n", b"\0\0\0\0\0\0\0\0", b"\r\n345678"]
)
@pytest.mark.parametrize("together", [True, False])
def test_key3_of_any_bytes(key3: bytes, together: bool) -> None:
    play = Play(host="keep")
    challenge = hixie76.challenge_of(RequestHead(REQUEST), key3)
    assert challenge is not None
    assert challenge.answer is not None
    if together:
        play.client(REQUEST + key3)
        play.to_server(REQUEST + key3)
    else:
        play.client(REQUEST, *one_by_one(key3))
        play.to_server(REQUEST, *one_by_one(key3))
    play.server(ANSWER + challenge.answer)
    play.to_client(ANSWER + challenge.answer)
    play.told(*OPEN)


@pytest.mark.parametrize("cut", [1, 30, len(REQUEST) - 1, len(REQUEST), len(REQUEST) + 3])
def test_a_head_leaves_whole_with_what_came_with_its_end(cut: int) -> None:
    play = Play(host="keep")
    everything = REQUEST + KEY3
    play.client(everything[:cut], everything[cut:])
    whole = [everything] if cut < len(REQUEST) else [everything[:cut], everything[cut:]]
    play.to_server(*whole)


def test_digest_byte_by_byte() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3)
    play.to_server(REQUEST + KEY3)
    play.server(ANSWER, *one_by_one(DIGEST))
    play.to_client(ANSWER, *one_by_one(DIGEST))
    play.told(*OPEN)


def test_digest_cut_in_two_with_the_first_frame_behind_it() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3)
    play.server(ANSWER + DIGEST[:7], DIGEST[7:] + b"\x00hello\xff")
    play.to_client(ANSWER + DIGEST[:7], DIGEST[7:] + b"\x00hello\xff")
    play.told(*OPEN, "server says #1 'hello'")


@pytest.mark.parametrize("repair", [True, False])
def test_digest_and_first_frames_in_one_segment(repair: bool) -> None:
    play = Play(host="keep", repair=repair)
    play.client(REQUEST + KEY3)
    play.server(ANSWER + DIGEST + b"\x00one\xff\x00tw")
    play.to_client(ANSWER + DIGEST + b"\x00one\xff\x00tw")
    play.told(*OPEN, "server says #1 'one'")
    play.server(b"o\xff")
    play.to_client(b"o\xff")
    play.told("server says #2 'two'")
    message = play.records[-1]
    assert getattr(message, "offset", None) == len(ANSWER + DIGEST) + 5


def test_head_before_key3() -> None:
    play = Play(host="keep")
    play.client(REQUEST)
    play.server(ANSWER)
    play.to_client(ANSWER)
    play.client(KEY3)
    play.to_server(REQUEST, KEY3)
    play.server(DIGEST)
    play.to_client(DIGEST)
    play.told(*OPEN)


def test_digest_and_frames_before_key3_is_complete() -> None:
    play = Play(host="keep")
    play.client(REQUEST, KEY3[:5])
    play.to_server(REQUEST, KEY3[:5])
    play.server(ANSWER + DIGEST, b"\x00fra", b"me\xff")
    play.to_client(ANSWER + DIGEST)
    play.did("connect", "pause server")
    play.client(KEY3[5:])
    play.to_server(KEY3[5:])
    play.to_client(b"\x00frame\xff")
    play.did("resume server")
    play.told(*OPEN, "server says #1 'frame'")


def test_early_client_frames_wait_for_the_answer() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3 + b"\x00ear", b"ly\xff")
    play.to_server(REQUEST + KEY3)
    play.did("connect", "pause client")
    play.told(TARGET, EARLY)
    play.server(ANSWER, DIGEST[:8])
    play.to_server()
    play.server(DIGEST[8:])
    play.to_client(ANSWER, DIGEST[:8], DIGEST[8:])
    play.to_server(b"\x00early\xff")
    play.did("resume client")
    play.told(*OPEN[1:], "client says #1 'early'")


def test_early_frames_are_pointed_at() -> None:
    play = Play(host="keep")
    play.client(REQUEST, KEY3[:4], KEY3[4:] + b"\x00early\xff")
    finding = play.records[-1]
    assert getattr(finding, "offset", None) == len(REQUEST) + 8
    assert getattr(finding, "evidence", None) == "\x00early\xff"


def test_wrong_digest_goes_to_the_client_as_it_came() -> None:
    play = Play(host="keep")
    play.client(REQUEST + KEY3)
    play.server(ANSWER + DIGEST[::-1] + b"\x00on\xff")
    play.to_client(ANSWER + DIGEST[::-1] + b"\x00on\xff")
    play.told(
        TARGET,
        "response 101",
        "client's challenge, server's answer: wrong",
        "server: digest-wrong",
        "server says #1 'on'",
    )
    challenge = next(one for one in play.records if isinstance(one, ChallengeRecord))
    assert challenge.expected == DIGEST.hex()
    assert challenge.received == DIGEST[::-1].hex()
    assert (challenge.key1 and challenge.key1.part, challenge.sent) == (829309203, None)


def test_a_missing_key_is_unanswerable() -> None:
    head = request(keys="Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n")
    play = Play(host="keep")
    play.client(head + KEY3)
    play.to_server(head + KEY3)
    play.server(ANSWER + DIGEST)
    play.to_client(ANSWER + DIGEST)
    play.told(
        TARGET,
        "client: key-missing",
        "response 101",
        "client's challenge, server's answer: unanswerable",
        "server: faulty-keys-accepted",
    )


class Own:
    """A session that has asked a challenge of its own: what went to the server, taken apart."""

    def __init__(self, client_bytes: bytes, repair: bool = False) -> None:
        self.play = Play(host="keep", challenge="own", repair=repair)
        self.play.client(client_bytes)
        (sent,) = self.play.sent("server")
        self.head, self.key3 = RequestHead(sent[:-8]), sent[-8:]
        challenge = hixie76.challenge_of(self.head, self.key3)
        assert challenge is not None
        assert challenge.answer is not None
        self.digest = challenge.answer


def test_own_challenge_proves_the_server_and_answers_the_client() -> None:
    own = Own(REQUEST)
    theirs = RequestHead(REQUEST)
    assert [field.name for field in own.head.fields] == [field.name for field in theirs.fields]
    assert own.digest != DIGEST
    play = own.play
    play.server(ANSWER + own.digest[:9], own.digest[9:])
    play.to_client(ANSWER)
    play.client(KEY3[:5], KEY3[5:])
    play.to_server()
    play.to_client(DIGEST)
    changes = [
        f"challenge, to server: Sec-WebSocket-Key{number} "
        f"{theirs.value(name).decode()!r} -> {own.head.value(name).decode()!r}"  # type: ignore[union-attr]
        for number, name in ((1, b"sec-websocket-key1"), (2, b"sec-websocket-key2"))
    ]
    play.told(
        "hixie-76 request /chat?room=1, changed",
        *changes,
        "response 101",
        "relay's challenge, server's answer: verified",
        "client's challenge, relay's answer: verified",
    )


def test_own_challenge_answered_wrongly_lets_the_client_fail_too() -> None:
    own = Own(REQUEST + KEY3)
    own.play.server(ANSWER + DIGEST[::-1] + b"\x00x\xff")
    own.play.to_client(ANSWER + DIGEST[::-1] + b"\x00x\xff")
    assert own.play.codes == ["digest-wrong"]
    assert own.play.session.verdict == "wrong"


def test_own_challenge_answered_wrongly_and_repaired() -> None:
    own = Own(REQUEST + KEY3, repair=True)
    own.play.server(ANSWER + b"0123456789abcdef")
    own.play.to_client(ANSWER + DIGEST)
    assert own.play.codes == ["digest-wrong"]


def test_own_challenge_and_early_frames() -> None:
    own = Own(REQUEST + KEY3 + b"\x00early\xff")
    own.play.server(ANSWER + own.digest)
    own.play.to_client(ANSWER + DIGEST)
    own.play.to_server(b"\x00early\xff")
    own.play.did("connect", "pause client", "resume client")


def test_key3_is_not_for_a_server_that_has_refused_another() -> None:
    own = Own(REQUEST + KEY3[:2])
    refusal = plain("HTTP/1.1 400 Bad Request", "Content-Length: 0")
    own.play.server(refusal)
    own.play.to_client(refusal)
    own.play.client(KEY3[2:5], KEY3[5:] + b"GET /", b" HTTP/1.1\r\n\r\n")
    own.play.to_server(b"GET /", b" HTTP/1.1\r\n\r\n")


def test_key3_is_not_for_a_server_that_has_ended() -> None:
    own = Own(REQUEST)
    own.play.server_ends()
    own.play.client(KEY3, b"\x00late\xff")
    own.play.to_server(b"\x00late\xff")


def test_no_own_challenge_in_place_of_half_a_one() -> None:
    head = request(keys="Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n")
    play = Play(host="keep", challenge="own")
    play.client(head + KEY3)
    play.to_server(head + KEY3)


def test_repair_corrects_the_digest() -> None:
    play = Play(host="keep", repair=True)
    play.client(REQUEST + KEY3)
    play.server(ANSWER + DIGEST[::-1][:4])
    play.to_client(ANSWER)
    play.server(DIGEST[::-1][4:] + b"\x00x\xff")
    play.to_client(DIGEST + b"\x00x\xff")
    play.told(
        TARGET,
        "response 101",
        "client's challenge, server's answer: wrong, changed",
        f"repair, to client: digest '{DIGEST[::-1].hex()}' -> '{DIGEST.hex()}'",
        "server: digest-wrong",
        "server says #1 'x'",
    )


def test_repair_has_no_answer_where_there_is_none() -> None:
    keys = "Sec-WebSocket-Key1: 12345\r\nSec-WebSocket-Key2: 1 2\r\n"
    play = Play(host="keep", repair=True)
    play.client(request(keys=keys) + KEY3)
    play.server(ANSWER + DIGEST)
    play.to_client(ANSWER + DIGEST)
    assert play.session.verdict == "unanswerable"


@pytest.mark.parametrize("challenge", ["forward", "own"])
def test_refusal_passes_to_the_byte_with_what_was_held(challenge: str) -> None:
    refusal = plain("HTTP/1.1 400 Bad Request", "Content-Length: 9") + b"not today"
    play = Play(host="keep", challenge=challenge, repair=True)
    play.client(REQUEST + KEY3 + b"\x00early\xff")
    play.sent("server")
    play.server(refusal[:20], refusal[20:-4], refusal[-4:])
    play.to_client(refusal[:-4], refusal[-4:])
    play.to_server(b"\x00early\xff")
    play.did("connect", "pause client", "resume client")
    play.client(b"\x00more\xff")
    play.to_server(b"\x00more\xff")
    play.server_ends()
    play.client_ends()
    play.over("refused", "early-client-frames", "answered-bad-request")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("HTTP/1.1 426 Upgrade Required", "answered-rfc6455-only"),
        ("HTTP/1.1 407 Proxy Authentication Required", "answered-proxy-authentication"),
        ("HTTP/1.1 302 Found", "answered-redirect"),
        ("HTTP/1.1 200 OK", "answered-ordinary-page"),
        ("HTTP/1.1 100 Continue", "answered-other-status"),
        ("SSH-2.0-OpenSSH_9.2", "status-line-malformed"),
    ],
)
def test_other_answers(line: str, code: str) -> None:
    refusal = plain(line, "X: 1") + b"\0\xff\x00 whatever"
    play = Play(host="keep")
    play.client(REQUEST + KEY3)
    play.to_server(REQUEST + KEY3)
    play.server(refusal)
    play.to_client(refusal)
    play.server_ends()
    play.client_ends()
    play.over("refused", code)


def test_server_head_above_the_limit_passes_unread() -> None:
    large = b"HTTP/1.1 101 X\r\n" + b"X: " + b"a" * 70_000
    play = Play(host="keep")
    play.client(REQUEST + KEY3 + b"\x00early\xff")
    play.to_server(REQUEST + KEY3)
    play.server(large[:30], large[30:])
    play.to_client(large)
    play.to_server(b"\x00early\xff")
    play.did("connect", "pause client", "resume client")
    play.server(b"more")
    play.to_client(b"more")
    play.server_ends()
    play.client_ends()
    play.over("failed", "early-client-frames", "head-refused")


def test_good_findings_only_where_somebody_listens() -> None:
    play = Play(host="keep", good_findings=True)
    play.client(REQUEST + KEY3)
    play.server(ANSWER + DIGEST)
    assert play.codes == [
        "keys-well-formed",
        "upgrade-ok",
        "origin-matches",
        "location-matches",
        "digest-verified",
    ]
    play.client_ends()
    play.server_ends()
    play.sent("client")
    play.sent("server")
    play.over("open", "closed-without-handshake")
