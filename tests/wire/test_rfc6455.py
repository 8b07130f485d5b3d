"""RFC 6455 as conversations with either side, the bytes of the peer cut in several ways."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire import (
    EndOfStream,
    Message,
    Ping,
    Reading,
    RequestHead,
    ResponseHead,
    TextMessages,
    rfc6455,
)

from .rfc6455_frames import (
    ACCEPT,
    KEY,
    MASK,
    REQUEST,
    RESPONSE,
    below,
    client,
    masked,
    plain,
    server,
)
from .transcript import CUTS, Cut, Talk


def test_the_examples_of_the_rfc(cut: Cut) -> None:
    """5.7."""
    talk = client(cut)
    talk.peer(bytes.fromhex("810548656c6c6f"), "text 'Hello'")
    talk.peer(bytes.fromhex("010348656c80026c6f"), "text 'Hello' in 2 frames")
    talk.peer(bytes.fromhex("890548656c6c6f"), "ping b'Hello'")
    pong = talk.leg.data_to_send()
    talk.peer(b"\x82\x7e\x01\x00" + bytes(256), f"binary {bytes(256)!r} in 1 frames")
    talk.over()
    answering = server(cut)
    answering.peer(bytes.fromhex("818537fa213d7f9f4d5158"), "text 'Hello'")
    answering.peer(pong, "pong b'Hello'")
    answering.over()


def test_conversation_with_a_client(cut: Cut) -> None:
    talk = server(cut)
    talk.peer(masked(0x81, b"one") + masked(0x81, "zwö".encode()), "text 'one'", "text 'zwö'")
    talk.peer(masked(0x81) + masked(0x82), "text ''", "binary b'' in 1 frames")
    talk.leg.send_text("wörld")
    talk.leg.send_text(b"bytes")
    talk.leg.send_binary(b"\xff\x00")
    talk.leg.send_texts([b"a", b"b"])
    talk.we_send(
        plain(0x81, "wörld".encode())
        + plain(0x81, b"bytes")
        + plain(0x82, b"\xff\x00")
        + plain(0x81, b"a")
        + plain(0x81, b"b")
    )
    talk.leg.send_ping(b"?")
    talk.we_send(plain(0x89, b"?"))
    talk.peer(masked(0x8A, b"?"), "pong b'?'")
    talk.peer(masked(0x88, b"\x03\xe9bye"), "close 1001 bye")
    assert talk.leg.received_close
    talk.leg.send_close(1001, "bye")
    talk.leg.send_close(1000)
    talk.we_send(plain(0x88, b"\x03\xe9bye"))
    talk.we_may_not("closing handshake has been sent", lambda: talk.leg.send_text("late"))
    talk.peer_ends("end")
    talk.over()


def test_conversation_with_a_server(cut: Cut) -> None:
    talk = client(cut)
    talk.leg.send_text("hello")
    mask = talk.leg.data_to_send()[2:6]
    again = Talk(rfc6455.ClientConnection(), cut)
    assert mask != MASK
    talk.leg.send_texts([b"x" * 5, b"y" * 200])
    sent = talk.leg.data_to_send()
    assert sent == masked(0x81, b"xxxxx", sent[2:6]) + masked(0x81, b"y" * 200, sent[15:19])
    assert len({mask, sent[2:6], sent[15:19]}) == 3
    talk.peer(plain(0x88), "close None")
    talk.leg.send_close(None)
    sent = talk.leg.data_to_send()
    assert sent == masked(0x88, b"", sent[2:6])
    assert again.leg.reading is Reading.HEAD


def test_our_masks_change_nothing_that_a_peer_reads(cut: Cut) -> None:
    talk, answering = client(cut), server(cut)
    for text in ("", "a", "12345", "x" * 125, "y" * 126, "ü" * 40_000):
        talk.leg.send_text(text)
        answering.peer(talk.leg.data_to_send(), f"text {text!r}")
    answering.over()


@pytest.mark.parametrize("size", [125, 126, 127, 65_535, 65_536, 70_000])
def test_lengths(size: int) -> None:
    for cut in (CUTS["whole"], CUTS["in thirds"]):
        text = "x" * size
        talk = server(cut)
        talk.peer(masked(0x81, text.encode()) * 2, f"text {text!r}", f"text {text!r}")
        talk.leg.send_text(text)
        talk.we_send(plain(0x81, text.encode()))
        talk.over()


def test_a_burst_is_told_at_once() -> None:
    leg = server(CUTS["whole"]).leg
    data = b"".join(masked(0x81, b"%d" % number) for number in range(1000))
    (burst,) = leg.receive_messages(data + masked(0x81, b"begun")[:5])
    assert isinstance(burst, TextMessages)
    assert burst.texts == [str(number) for number in range(1000)]
    assert (burst.raw, burst.count) == (data, 1000)
    assert not leg.at_frame_boundary
    (rest,) = leg.receive_messages(masked(0x81, b"begun")[5:])
    assert rest == TextMessages(len(REQUEST) + len(data), masked(0x81, b"begun"), [b"begun"])
    assert leg.at_frame_boundary


def test_fragments_with_control_frames_between_them(cut: Cut) -> None:
    talk = server(cut)
    first, second = "añ".encode()[:2], "añ".encode()[2:]
    talk.peer(
        masked(0x01, first) + masked(0x89, b"p") + masked(0x00, second) + masked(0x8A),
        "ping b'p'",
        "pong b''",
    )
    assert not talk.leg.at_frame_boundary
    talk.we_send(plain(0x8A, b"p"))
    talk.leg.receive_data(masked(0x80, b"!") + masked(0x81, b"next"))
    fragments, following = talk.leg.events()
    assert isinstance(fragments, Message)
    assert fragments.text == "añ!"
    assert fragments.raw == masked(0x01, first) + masked(0x00, second) + masked(0x80, b"!")
    assert (fragments.offset, fragments.frames) == (len(REQUEST), 3)
    assert isinstance(following, TextMessages)
    assert following.texts == ["next"]


def test_messages_in_fragments_of_a_size(cut: Cut) -> None:
    talk = server(cut, fragment=3)
    talk.leg.send_text("1234567")
    talk.we_send(plain(0x01, b"123") + plain(0x00, b"456") + plain(0x80, b"7"))
    talk.leg.send_texts([b"123", b"1234"])
    talk.we_send(plain(0x81, b"123") + plain(0x01, b"123") + plain(0x80, b"4"))
    talk.leg.send_binary(b"")
    talk.we_send(plain(0x82))


def test_early_frames_wait_until_it_is_open(cut: Cut) -> None:
    talk = Talk(rfc6455.ServerConnection(), cut)
    talk.peer(REQUEST + masked(0x81, b"early"), "request /chat")
    assert talk.leg.trailing_data == masked(0x81, b"early")
    talk.leg.accept(protocol=b"chat")
    talk.told("text 'early'")
    talk.we_send(RESPONSE)
    talk.over()


def test_ends(cut: Cut) -> None:
    talk = server(cut)
    talk.peer(masked(0x81, b"whole") + masked(0x81, b"not whole")[:-3], "text 'whole'")
    talk.peer_ends(f"end in {masked(0x81, b'not whole')[:-3]!r}, 3 missing")
    talk.peer_ends()
    talk.over()


def test_the_end_within_a_message_of_several_frames(cut: Cut) -> None:
    talk = server(cut)
    data = masked(0x01, b"begun") + masked(0x00, b"and")
    talk.peer(data + b"\x80")
    talk.peer_ends(f"end in {data + bytes([0x80])!r}, 1 missing")
    talk.over()


def test_what_comes_behind_a_close_is_not_read(cut: Cut) -> None:
    talk = server(cut)
    talk.peer(
        masked(0x88, b"\x03\xe8") + masked(0x81, b"late"),
        "close 1000",
        f"unread {masked(0x81, b'late')!r}",
    )
    talk.over()


def test_no_pong_after_our_close() -> None:
    talk = server(CUTS["whole"])
    talk.leg.send_close(1000)
    talk.leg.data_to_send()
    talk.peer(masked(0x89, b"?"), "ping b'?'")
    talk.we_send(b"")


def test_what_we_may_not(cut: Cut) -> None:
    talk = server(cut)
    talk.we_may_not("UTF-8", lambda: talk.leg.send_text(b"\xff"))
    talk.we_may_not("UTF-8", lambda: talk.leg.send_text("\ud800"))
    talk.we_may_not("at most 125", lambda: talk.leg.send_ping(bytes(126)))
    talk.we_may_not("may not be sent", lambda: talk.leg.send_close(1006))
    talk.we_may_not("may not be sent", lambda: talk.leg.send_close(999))
    talk.we_may_not("needs a code", lambda: talk.leg.send_close(None, "why"))
    unopened = Talk(rfc6455.ServerConnection(), cut)
    unopened.we_may_not("not done", lambda: unopened.leg.send_text("x"))
    unopened.we_may_not("comes next", lambda: unopened.leg.receive_messages(b""))
    assert unopened.leg.decoder is None


def test_a_long_reason_is_cut_at_a_character() -> None:
    talk = server(CUTS["whole"])
    talk.leg.send_close(4000, "x" * 122 + "ü")
    talk.we_send(plain(0x88, b"\x0f\xa0" + b"x" * 122))


def test_a_client_that_has_not_asked_itself_cannot_send(cut: Cut) -> None:
    """Its masks come with the request: where that was sent by others, it only reads."""
    talk = Talk(rfc6455.ClientConnection(), cut)
    talk.peer(RESPONSE, "response 101")
    assert talk.leg.answer is None
    talk.leg.open()
    talk.peer(plain(0x81, b"x") + plain(0x89, b"?"), "text 'x'", "ping b'?'")
    talk.we_may_not("not done", lambda: talk.leg.send_text("x"))
    talk.over()


# The opening handshake


def test_the_request_of_a_client() -> None:
    leg = rfc6455.ClientConnection()
    key = leg.connect(
        resource="/chat?a=1",
        host="server.example.com",
        random_below=below(),
        origin="http://example.com",
        protocols=["chat", "superchat"],
        extra=[("Cookie", b"a=\xff")],
    )
    head = RequestHead(leg.data_to_send())
    facts = rfc6455.request_facts(head)
    assert facts.acceptable
    assert (facts.key, facts.protocols) == (key, (b"chat", b"superchat"))
    assert (head.target, head.value(b"host")) == (b"/chat?a=1", b"server.example.com")
    assert head.value(b"cookie") == b"a=\xff"
    assert facts.extensions == (b"permessage-deflate; client_max_window_bits",)
    with pytest.raises(LocalProtocolError, match="has been sent"):
        leg.connect_as(head, below())
    assert rfc6455.generate_key(below(1)) != key


def test_our_answer(cut: Cut) -> None:
    talk = Talk(rfc6455.ServerConnection(), cut)
    assert talk.leg.asked is None
    talk.peer(REQUEST, "request /chat")
    talk.we_may_not("not offered", lambda: talk.leg.accept(protocol=b"other"))
    talk.leg.accept(extra=[("Set-Cookie", "a=b")])
    talk.we_send(
        RESPONSE.replace(b"Sec-WebSocket-Protocol: chat\r\n", b"Set-Cookie: a=b\r\n"),
    )


@pytest.mark.parametrize(
    "fault",
    [
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8"),
        (b"Sec-WebSocket-Version: 13", b"X: 13"),
        (b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Key: bm90IDE2IGJ5dGVz"),
        (b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Key: no base64!"),
        (b"Sec-WebSocket-Key: ", b"X: "),
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Connection: Upgrade", b"Connection: close"),
    ],
)
def test_requests_that_have_no_answer(cut: Cut, fault: tuple[bytes, bytes]) -> None:
    talk = Talk(rfc6455.ServerConnection(), cut)
    talk.peer(REQUEST.replace(*fault), "request /chat")
    talk.we_may_not("is none of RFC 6455", talk.leg.accept)
    talk.leg.reject(400, "Bad Request")
    assert talk.leg.data_to_send().startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("fault", "fact"),
    [
        ((b"101", b"200"), {"status": 200}),
        ((ACCEPT, ACCEPT.lower()), {"accept": ACCEPT.lower(), "proved": False}),
        ((b"Sec-WebSocket-Accept: ", b"X: "), {"accept": None, "proved": False}),
        ((b"Upgrade: websocket", b"Upgrade: h2c"), {"upgrades": False}),
        ((b": chat", b": other"), {"protocol": b"other", "protocol_was_offered": False}),
        ((b": chat", b": chat, superchat"), {"protocol_was_offered": False}),
        (
            (b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Extensions: x-webkit-foo"),
            {"extensions_refused": "x-webkit-foo was not offered"},
        ),
    ],
)
def test_facts_of_an_answer(cut: Cut, fault: tuple[bytes, bytes], fact: dict[str, object]) -> None:
    talk = Talk(rfc6455.ClientConnection(deflate=False), cut)
    talk.leg.connect_as(RequestHead(REQUEST), below())
    talk.peer(RESPONSE.replace(*fault), f"response {fact.get('status', 101)}")
    answer = talk.leg.answer
    assert answer is not None
    assert {name: getattr(answer, name) for name in fact} == fact
    assert not answer.acceptable
    assert answer.accept_expected == ACCEPT


def test_facts_of_a_right_answer(cut: Cut) -> None:
    talk = client(cut)
    assert talk.leg.answer is not None
    assert talk.leg.answer.acceptable
    assert (talk.leg.answer.protocol, talk.leg.answer.proved) == (b"chat", True)


# Compression (RFC 7692)

OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"


def deflated(text: bytes) -> bytes:
    """A payload as 7.2.1 makes it."""
    deflate = zlib.compressobj(wbits=-12)
    return (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(
        b"\x00\x00\xff\xff"
    )


def compressing(cut: Cut, offer: bytes = OFFER, **options: Any) -> Talk[rfc6455.ServerConnection]:
    """A talk whose client has offered compression."""
    talk = Talk(rfc6455.ServerConnection(**options), cut)
    talk.peer(REQUEST[:-2] + offer, "request /chat")
    talk.leg.accept()
    return talk


def test_the_example_of_rfc_7692(cut: Cut) -> None:
    """7.2.3.1 and 7.2.3.2: one message, in fragments, and again with what went before."""
    talk = compressing(cut)
    assert talk.leg.compresses
    assert (
        b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12; "
        b"client_max_window_bits=12\r\n" in talk.leg.data_to_send()
    )
    hello = bytes.fromhex("f248cdc9c90700")
    talk.peer(masked(0xC1, hello), "compressed text 'Hello' in 1 frames")
    talk.peer(
        masked(0x41, bytes.fromhex("f200")) + masked(0x80, b"\x11\x00\x00"),
        "compressed text 'Hello' in 2 frames",
    )
    talk.peer(masked(0x81, b"plain"), "text 'plain'")
    talk.leg.send_text("Hello")
    talk.we_send(plain(0xC1, hello))


def test_control_frames_within_a_compressed_message() -> None:
    leg = compressing(CUTS["whole"]).leg
    leg.receive_data(
        masked(0x41, bytes.fromhex("f248"))
        + masked(0x89, b"?")
        + masked(0x80, b"\xcd\xc9\xc9\x07\0")
    )
    ping, message = leg.events()
    assert isinstance(ping, Ping)
    assert isinstance(message, Message)
    assert (message.text, message.frames) == ("Hello", 2)


def test_compression_can_be_refused(cut: Cut) -> None:
    talk = compressing(cut, deflate=False)
    assert not talk.leg.compresses
    assert b"Extensions" not in talk.leg.data_to_send()
    talk.leg.send_text("Hello")
    talk.we_send(plain(0x81, b"Hello"))


@pytest.mark.parametrize(
    ("offer", "accepted"),
    [
        (b"permessage-deflate", True),
        (b"permessage-bzip2, permessage-deflate; client_no_context_takeover", True),
        (b"permessage-deflate; no_such=1", False),
        (b"permessage-deflate; no_such=1, permessage-deflate", True),
        (b"permessage-deflate; server_max_window_bits=99", False),
        (b'x"', False),
        (b"x-webkit-deflate-frame", False),
    ],
)
def test_offers(offer: bytes, accepted: bool) -> None:
    request = RequestHead(REQUEST[:-2] + b"Sec-WebSocket-Extensions: " + offer + b"\r\n\r\n")
    assert (rfc6455.accept_deflate(request) is not None) is accepted


def test_an_offer_that_is_no_list_does_not_hide_the_next() -> None:
    offers = b"Sec-WebSocket-Extensions: ,;\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    assert rfc6455.accept_deflate(RequestHead(REQUEST[:-2] + offers)) is not None


def test_an_answer_of_others_says_how_it_is_compressed(cut: Cut) -> None:
    talk = Talk(rfc6455.ServerConnection(), cut)
    talk.peer(REQUEST[:-2] + OFFER, "request /chat")
    answer = RESPONSE[:-2] + (
        b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n"
    )
    talk.leg.accept_as(answer)
    talk.we_send(answer)
    talk.peer(masked(0xC1, deflated(b"x" * 300)), f"compressed text {'x' * 300!r} in 1 frames")
    for _ in range(2):
        talk.leg.send_text("Hello")
        talk.we_send(plain(0xC1, bytes.fromhex("f248cdc9c90700")))


def test_a_client_agrees_only_to_what_it_has_offered(cut: Cut) -> None:
    for offers, agreed in ((True, True), (False, False)):
        talk = Talk(rfc6455.ClientConnection(deflate=offers), cut)
        key = talk.leg.connect(resource="/", host="a.test", random_below=below())
        talk.leg.data_to_send()
        accept = rfc6455.accept_key(key)
        answer = RESPONSE.replace(ACCEPT, accept).replace(
            b"Sec-WebSocket-Protocol: chat", OFFER.split(b";")[0]
        )
        talk.peer(answer, "response 101")
        assert talk.leg.answer is not None
        assert talk.leg.answer.acceptable is agreed
        talk.leg.open()
        assert talk.leg.compresses is agreed


def test_compressed_fragments_of_ours_are_read(cut: Cut) -> None:
    sending = compressing(cut, fragment=100)
    sending.leg.data_to_send()
    reading = client(cut)
    decoder = rfc6455.MessageDecoder(
        masked=False,
        deflate=rfc6455.answer_facts(
            ResponseHead(RESPONSE[:-2] + OFFER.split(b";")[0] + b"\r\n\r\n"),
            key=KEY,
            deflate_offered=True,
        ).deflate,
    )
    assert reading.leg.answer is not None
    for text in ("short", "long " * 100, "short"):
        sending.leg.send_text(text)
        data = sending.leg.data_to_send()
        (event,) = [one for chunk in cut(data) for one in decoder.feed(chunk)]
        assert isinstance(event, Message)
        assert (event.text, event.compressed) == (text, True)
        assert event.raw == data
    assert decoder.end() == EndOfStream(decoder.offset)
