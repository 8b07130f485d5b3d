"""Generated connections: what both sides say, right or wrong, and how it is cut and interleaved."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import NamedTuple

from ws76proxy.session import Peer
from ws76proxy.wire import RequestHead, encode_discarded, encode_length, hixie76
from ws76proxy.wire.challenge import generate_challenge

__all__ = ["Exchange", "Traffic", "exchange", "steps"]


class Traffic(NamedTuple):
    """One direction: the head, key3 or digest, and all that follows."""

    head: bytes
    tail: bytes
    rest: bytes

    @property
    def all(self) -> bytes:
        """The whole stream."""
        return self.head + self.tail + self.rest


class Exchange(NamedTuple):
    """A connection's two streams, and what kind it is."""

    kind: str
    client: Traffic
    server: Traffic


def exchange(random: Random) -> Exchange:
    """Any connection."""
    kind = random.choice(list(_KINDS))
    return Exchange(kind, *_KINDS[kind](random))


def steps(random: Random, said: Exchange) -> list[tuple[Peer, bytes]]:
    """Both streams in chunks, in a random order; a server says nothing before it has been asked.

    The client's first chunks come first until its head is whole: without that there is no server.
    """
    client, server = _cut(random, said.client.all), _cut(random, said.server.all)
    order: list[tuple[Peer, bytes]] = []
    heard = 0
    while client and heard < len(said.client.head):
        heard += len(client[0])
        order.append((Peer.CLIENT, client.pop(0)))
    while client or server:
        peer, chunks = random.choice([(Peer.CLIENT, client), (Peer.SERVER, server)])
        if chunks:
            order.append((peer, chunks.pop(0)))
    return order


# Heads


def _spelt(random: Random, name: str) -> str:
    return random.choice([name, name, name.lower(), name.upper(), name.swapcase()])


def _head(random: Random, start: str, fields: list[tuple[str, str]]) -> bytes:
    """A head in any order and spelling; mostly with CR LF, and sometimes odd lines between."""
    random.shuffle(fields)
    lines = [
        f"{_spelt(random, name)}:{random.choice(['', ' ', ' ', ' ', '  ', chr(9)])}{value}"
        for name, value in fields
    ]
    for odd in ("no colon here", ": no name", "X-Odd : spaces ", "Cookie: a=\xe9\xff", " folded"):
        if random.random() < 0.06:
            lines.insert(random.randrange(len(lines) + 1), odd)
    line_ends = random.choice([["\r\n"], ["\r\n"], ["\r\n"], ["\n"], ["\r\n", "\n"]])
    text = random.choice(["", "", "", "\r\n"])
    for line in [start, *lines, ""]:
        text += line + random.choice(line_ends)
    return text.encode("latin-1")


def _address(random: Random) -> tuple[str, str, str]:
    """Host, origin and resource of a request."""
    host = random.choice(["proxy.test:8076", "Proxy.TEST:8076", "proxy.test", "server.test:9000"])
    origin = random.choice(["null", f"http://{host}", f"http://{host.lower()}", "http://x.test"])
    return host, origin, random.choice(["/", "/chat?room=1", "*", "//x", "/\xe9"])


def _echoes(random: Random, prefix: str, address: tuple[str, str, str]) -> list[tuple[str, str]]:
    host, origin, target = address
    host = random.choice([host, host, host.swapcase(), "inner.test:81", ""])
    fields = [
        ("Upgrade", random.choice(["WebSocket", "websocket", "x"])),
        ("Connection", random.choice(["Upgrade", "keep-alive, Upgrade"])),
        (f"{prefix}Location", random.choice([f"ws://{host}{target}", f"wss://{host}", "//", ""])),
        (f"{prefix}Origin", random.choice([origin, origin, "http://server.test:9000", ""])),
        ("Content-Length", "16"),
        ("Upgrade", "WebSocket"),
    ]
    return fields[: random.choice([0, 3, 4, 4, 4, 5, 6])]


# The kinds of connection


def _hixie_76(random: Random) -> tuple[Traffic, Traffic]:
    address = host, origin, target = _address(random)
    challenge = generate_challenge(random.randrange)
    key1, key2 = challenge.key1.text.decode(), challenge.key2.text.decode()
    key1 = random.choice([key1, key1, key1, key1.replace(" ", ""), "", "99999999999 9"])
    fields = [
        ("Host", host),
        ("Origin", origin),
        ("Upgrade", "WebSocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key1", key1),
        ("Sec-WebSocket-Key2", key2),
        ("Host", "second.test"),
    ]
    if random.random() < 0.9:
        del fields[6]
    if random.random() < 0.1:
        del fields[random.randrange(len(fields) - 1)]
    head = _head(random, f"GET {target} HTTP/1.1", fields)
    key3 = random.choice(
        [challenge.key3, b"\r\n\r\n\r\n\r\n", b"\0" * 8, b"\n" + b"\xff\0" * 3 + b"x"]
    )
    asked = hixie76.challenge_of(RequestHead(head), key3)
    right = asked.answer if asked is not None else None
    digest = random.choice([right, right, right, None]) or random.randbytes(16)
    answer, after = _answer(random, "Sec-WebSocket-", address)
    client = Traffic(head, key3[: 8 if random.random() < 0.95 else 3], _frames(random))
    if after is None:
        return client, Traffic(answer, digest, _frames(random))
    return client, Traffic(answer, b"", after)


def _hixie_75(random: Random) -> tuple[Traffic, Traffic]:
    address = host, origin, target = _address(random)
    fields = [("Host", host), ("Origin", origin), ("Upgrade", "WebSocket")]
    head = _head(random, f"GET {target} HTTP/1.1", fields)
    answer, after = _answer(random, "WebSocket-", address)
    return (
        Traffic(head, b"", _frames(random)),
        Traffic(answer, b"", _frames(random) if after is None else after),
    )


def _answer(
    random: Random, prefix: str, address: tuple[str, str, str]
) -> tuple[bytes, bytes | None]:
    """A server's head, and what follows where that is not the rest of a handshake."""
    if random.random() < 0.75:
        status = random.choice(["HTTP/1.1 101 WebSocket Protocol Handshake", "HTTP/1.0 101"])
        return _head(random, status, _echoes(random, prefix, address)), None
    after = random.randbytes(random.randrange(40))
    status = random.choice(["HTTP/1.1 400 No", "HTTP/1.1 302", "HTTP/1.1 100 Go on", "What?"])
    whole = _head(random, status, [("Content-Length", str(len(after))), ("Location", "ws://x/")])
    return (whole, after) if random.random() < 0.8 else (whole[:-3], b"")


def _rfc6455(random: Random) -> tuple[Traffic, Traffic]:
    host, origin, target = _address(random)
    version = random.choice(["13", "8", "4", "99"])
    fields = [
        ("Host", host),
        ("Origin", origin),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", version),
    ]
    head = _head(random, f"GET {target} HTTP/1.1", fields)
    answer = _head(random, "HTTP/1.1 101 Switching Protocols", [("Upgrade", "websocket")])
    return (
        Traffic(head, b"", random.randbytes(random.randrange(100))),
        Traffic(answer, b"", random.randbytes(random.randrange(100))),
    )


def _web(random: Random) -> tuple[Traffic, Traffic]:
    """Several requests on one connection, pipelined or not; at last, sometimes, an upgrade."""
    requests, answers = [], []
    for _ in range(random.randrange(1, 4)):
        request, answer = _web_exchange(random)
        requests.append(request)
        answers.append(answer)
    if random.random() < 0.4:
        client, server = random.choice([_hixie_76, _hixie_75, _rfc6455])(random)
        requests.append(client.all)
        answers.append(server.all)
    if random.random() < 0.2:
        requests.append(b"GET /unfinished HT")
    first, rest = requests[0], b"".join(requests[1:])
    return Traffic(first, b"", rest), Traffic(b"", b"", b"".join(answers))


def _web_exchange(random: Random) -> tuple[bytes, bytes]:
    body = random.randbytes(random.randrange(60))
    host, _, target = _address(random)
    fields = [("Host", host)]
    method = random.choice(["GET", "POST", "HEAD", "OPTIONS"])
    if method == "POST" and random.random() < 0.7:
        fields.append(("Content-Length", str(len(body))))
    elif method == "POST":
        fields.append(("Transfer-Encoding", "chunked"))
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        body = b""
    if random.random() < 0.1:
        fields.append(("Upgrade", "h2c"))
    content = random.randbytes(random.randrange(60))
    status = random.choice(["HTTP/1.1 200 OK", "HTTP/1.1 404", "HTTP/1.1 101 X", "nonsense"])
    answer = _head(random, status, [("Content-Length", str(len(content)))]) + content
    if random.random() < 0.2:
        answer = b"HTTP/1.1 100 Continue\r\n\r\n" + answer
    return _head(random, f"{method} {target} HTTP/1.1", fields) + body, answer


def _anything(random: Random) -> tuple[Traffic, Traffic]:
    """Bytes of a protocol that nobody here knows; the first settles that it is no head."""
    first = random.choice([b"<policy-file-request/>\0", b"\x00", b"\x80\x01", b"\xff", b"{}"])
    return (
        Traffic(first, b"", random.randbytes(random.randrange(100))),
        Traffic(b"", b"", random.randbytes(random.randrange(100))),
    )


_KINDS: dict[str, Callable[[Random], tuple[Traffic, Traffic]]] = {
    "hixie-76": _hixie_76,
    "hixie-75": _hixie_75,
    "rfc6455": _rfc6455,
    "web": _web,
    "anything": _anything,
}


# Frames, and where to cut


def _frames(random: Random) -> bytes:
    return b"".join(_frame(random) for _ in range(random.choice([0, 1, 2, 5, 20])))


def _frame(random: Random) -> bytes:
    payload = random.randbytes(random.choice([0, 1, 5, 130])).replace(b"\xff", b"\xfe")
    text = "héllo \0 wörld"[: random.randrange(14)].encode()
    return random.choice(
        [
            b"\x00" + text + b"\xff",
            b"\x00" + text + b"\xff",
            b"\x00" + payload + b"\xff",
            encode_discarded(random.randrange(1, 0x80), payload),
            encode_discarded(random.randrange(0x80, 0xFF), payload),
            b"\x81" + encode_length(len(payload), random.randrange(4)) + payload,
            b"\xff\x00",
            b"\x00\xff",
            b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            b"\x90" + b"\xff" * 11,
            random.randbytes(9),
        ]
    )


def _cut(random: Random, data: bytes) -> list[bytes]:
    if random.random() < 0.1:
        return [data[i : i + 1] for i in range(len(data))]
    count = random.choice([0, 1, 2, 4, 12])
    edges = [0, *sorted(random.randrange(len(data) + 1) for _ in range(count)), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(edges)]
    return [piece for piece in pieces if piece]
