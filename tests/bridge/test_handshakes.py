"""Opening handshakes across all nine pairs of dialects: asked, answered, accepted by both sides."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from websockets.http11 import Request as LibraryRequest
from websockets.server import ServerProtocol

from ws76proxy.bridge import DIALECTS, BridgeOptions, translate_request, translate_response
from ws76proxy.diagnosis import Severity, check_request, check_response
from ws76proxy.wire import RequestHead, ResponseHead, rfc6455
from ws76proxy.wire.dialect import Dialect, dialect_of

from .pairs import HOST, ORIGIN, PAIRS, RESOURCE, Pair

H76, H75, RFC = DIALECTS


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_both_sides_accept(client: Dialect, server: Dialect) -> None:
    pair = Pair(client, server)
    response = pair.accept(extra=[("Set-Cookie", "s=t; Path=/"), ("X-Odd", "  as it is ")])
    assert response.accepted
    assert response.head.get_all(b"set-cookie")[0].raw == b"Set-Cookie: s=t; Path=/\r\n"
    assert response.head.get_all(b"x-odd")[0].raw == b"X-Odd:   as it is \r\n"
    assert pair.codes == []
    if client is RFC:
        assert pair.client.answer.acceptable
        assert pair.client.compresses
    else:
        problems = [
            one
            for one in check_response(pair.client_leg.head, response.head, client, secure=False)
            if one.finding.severity in (Severity.ERROR, Severity.WARNING)
        ]
        assert problems == []
    if client is H76:
        assert pair.client.digest == pair.client.challenge.answer
    assert pair.server_leg.dialect is server
    if server is H76:
        assert pair.server_leg.digest == pair.request.challenge.answer  # type: ignore[union-attr]


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_the_server_is_asked_in_its_dialect(client: Dialect, server: Dialect) -> None:
    pair = Pair(client, server, protocols=["chat"])
    head = pair.request.head
    assert dialect_of(head) is server
    assert head.start_line == f"GET {RESOURCE} HTTP/1.1".encode()
    assert head.value(b"host") == HOST.encode()
    assert head.value(b"origin") == ORIGIN.encode()
    name = b"websocket-protocol" if server is H75 else b"sec-websocket-protocol"
    assert head.value(name) == b"chat"
    if server is RFC:
        assert rfc6455.request_facts(head).acceptable
    else:
        diagnoses = check_request(head, server)
        assert [one for one in diagnoses if one.finding.severity is Severity.ERROR] == []
        assert head.raw.split(b"\r\n")[1:3] == [b"Upgrade: WebSocket", b"Connection: Upgrade"]


FIELDS = [
    b"Host: tv.example\r\n",
    b"x-first:no space\r\n",
    b"Origin: http://page.example\r\n",
    b"Cookie: a=\xff\xfe; b=c\r\n",
    b"Cookie: second=1\r\n",
    b"User-Agent:  Two  spaces \r\n",
    b"X-Folded: one\r\n",
    b"\ttwo\r\n",
    b"no colon at all\r\n",
    b"Sec-Fetch-Mode: websocket\r\n",
]
ASKED = {
    H76: [
        b"Upgrade: WebSocket\r\n",
        b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n",
        b"Connection: Upgrade\r\n",
        b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n",
        b"Sec-WebSocket-Draft: x\r\n",
    ],
    H75: [b"upgrade: WebSocket\r\n", b"CONNECTION:Upgrade\r\n", b"WebSocket-Protocol: x\r\n"],
    RFC: [
        b"Upgrade: websocket\r\n",
        b"Connection: keep-alive, Upgrade\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        b"Sec-WebSocket-Extensions: permessage-deflate;\r\n",
        b"  client_max_window_bits\r\n",
    ],
}


def raw_request(client: Dialect) -> RequestHead:
    """One with everything that must pass, and what must not among it."""
    lines = list(FIELDS)
    for position, line in enumerate(ASKED[client]):
        # A folded line stays behind its own.
        lines.insert(2 * position if line[:1] != b" " else 2 * position - 1, line)
    return RequestHead(b"GET /a?b=%C3%A4 HTTP/1.1\r\n" + b"".join(lines) + b"\r\n")


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_all_other_fields_pass_to_the_byte_in_order(client: Dialect, server: Dialect) -> None:
    came = raw_request(client)
    request = translate_request(
        came, client, server, random_below=Random(1).randrange, options=BridgeOptions()
    )
    assert b"".join(FIELDS) in request.head.raw
    ours = request.head.raw.replace(b"".join(FIELDS), b"")
    if client is not server:
        foreign = (b"draft", b"key:", b"version") if server is not RFC else (b"draft", b"key1")
        assert not any(word in ours.lower() for word in foreign)
    # Each change of a field is told.
    told = {change.what.lower() for change in request.changes}
    before = {line.partition(b":")[0].strip().decode().lower() for line in ASKED[client]}
    after = {field.name.decode().lower() for field in RequestHead(ours).fields}
    assert (before ^ after) - {""} - {"client_max_window_bits"} <= told


def test_keys_are_fresh_each_time() -> None:
    random_below = Random(1).randrange
    for server in (H76, RFC):
        first, second = (
            translate_request(
                raw_request(server),
                server,
                server,
                random_below=random_below,
                options=BridgeOptions(),
            )
            for _ in range(2)
        )
        assert first.head.raw + first.key3 != second.head.raw + second.key3
        assert first.key != second.key or server is H76
        assert b"dGhlIHNhbXBsZSBub25jZQ" not in first.head.raw


def test_hixie_always_has_an_origin() -> None:
    came = RequestHead(raw_request(RFC).raw.replace(b"Origin: http://page.example\r\n", b""))
    for server, origin in ((H76, b"null"), (H75, b"null"), (RFC, None)):
        request = translate_request(
            came, RFC, server, random_below=Random(1).randrange, options=BridgeOptions()
        )
        assert request.head.value(b"origin") == origin


def test_empty_lines_before_a_request_and_bare_line_feeds() -> None:
    came = RequestHead(b"\r\nGET / HTTP/1.1\nHost: a.test\nUpgrade: WebSocket\n\n")
    request = translate_request(
        came, H75, RFC, random_below=Random(1).randrange, options=BridgeOptions()
    )
    head = RequestHead(request.head.raw)
    assert head.start_line == b"GET / HTTP/1.1"
    assert rfc6455.request_facts(head).acceptable
    assert b"Host: a.test\n" in head.raw


@pytest.mark.parametrize("client", [H76, H75])
def test_a_library_of_today_accepts_what_an_old_client_asks(client: Dialect) -> None:
    pair = Pair(client, RFC)
    peer = ServerProtocol()
    peer.receive_data(pair.request.head.raw)
    (request,) = peer.events_received()
    assert isinstance(request, LibraryRequest)
    response = peer.accept(request)
    assert response.status_code == 101
    peer.send_response(response)
    assert pair.answer(b"".join(peer.data_to_send())).accepted
    pair.client.send_text("hello")
    pair.client_leg.receive_data(pair.client.data_to_send())
    pair.carriers["client"].carry(pair.client_leg.events()[0])
    peer.receive_data(pair.server_leg.data_to_send())
    assert [frame.data for frame in peer.events_received()] == [b"hello"]  # type: ignore[union-attr]


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_another_answer_than_101_passes_unchanged(client: Dialect, server: Dialect) -> None:
    answer = b"HTTP/1.0 403 no\nX: y\r\n\n"
    pair = Pair(client, server)
    response = pair.answer(answer)
    assert not response.accepted
    assert (response.head.raw, response.digest, response.changes) == (answer, b"", ())


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ((b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"), "rfc6455-accept-wrong"),
        ((b"Sec-WebSocket-Accept: ", b"X: "), "rfc6455-accept-wrong"),
        ((b"Upgrade: websocket", b"X: y"), "rfc6455-answer-unusable"),
        ((b"Connection: Upgrade", b"Connection: close"), "rfc6455-answer-unusable"),
        ((b"permessage-deflate", b"permessage-bzip2"), "rfc6455-answer-unusable"),
        ((b"Protocol: chat", b"Protocol: other"), "rfc6455-answer-unusable"),
    ],
)
@pytest.mark.parametrize("client", DIALECTS)
def test_answers_that_no_client_of_rfc_6455_accepts(
    client: Dialect, fault: tuple[bytes, bytes], code: str
) -> None:
    pair = Pair(client, RFC, protocols=["chat"])
    pair.ask()
    pair.server.accept(protocol=b"chat")
    response = pair.answer(pair.server.data_to_send().replace(*fault))
    assert not response.accepted
    assert pair.codes == [code]
    (diagnosis,) = response.diagnoses
    assert diagnosis.evidence in response.head.raw


def test_what_a_101_says_of_a_body_is_left_out() -> None:
    pair = Pair(H76, RFC)
    response = pair.accept(extra=[("Content-Length", "0"), ("Transfer-Encoding", "chunked")])
    assert response.head.get(b"content-length") is None
    gone = {change.what for change in response.changes if change.after is None}
    assert {"Content-Length", "Transfer-Encoding", "Sec-WebSocket-Accept"} <= gone


def test_location_is_what_the_client_expects() -> None:
    for secure, scheme in ((False, b"ws"), (True, b"wss")):
        pair = Pair(H76, RFC)
        pair.ask()
        pair.server.accept()
        answer = ResponseHead(pair.server.data_to_send())
        response = translate_response(
            answer, pair.request, key3=pair.key3, secure=secure, options=pair.options
        )
        expected = scheme + b"://" + f"{HOST}{RESOURCE}".encode()
        assert response.head.value(b"sec-websocket-location") == expected
        assert response.head.value(b"sec-websocket-origin") == ORIGIN.encode()


@pytest.mark.parametrize(("deflate", "dialects"), list(product((True, False), PAIRS)))
def test_compression_is_each_legs_own(deflate: bool, dialects: tuple[Dialect, Dialect]) -> None:
    pair = Pair(*dialects, deflate=deflate).open()
    if dialects[0] is RFC:
        assert pair.client.compresses is pair.client_leg.compresses is deflate
    if dialects[1] is RFC:
        assert pair.server.compresses is pair.server_leg.compresses is deflate
