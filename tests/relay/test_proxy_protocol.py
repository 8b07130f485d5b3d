"""The PROXY protocol: read from a balancer in any pieces, before TLS; sent to the server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.record import NoticeRecord, SessionStartRecord
from ws76proxy.relay.behind import is_trusted, receive_proxy_header
from ws76proxy.relay.proxy_header import (
    ProxyHeader,
    ProxyHeaderError,
    ProxyHeaderReader,
    build_proxy_header,
)
from ws76proxy.wire import HeadLimits

from .certificates import Authority
from .ends import End, connecting, serving
from .handshakes import KEY3, frame, request
from .harness import relaying

V2 = b"\r\n\r\n\x00\r\nQUIT\n"
TV, SERVICE = ("192.0.2.7", 4711), ("198.51.100.1", 80)
V1_LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n"
V2_TV = V2 + bytes.fromhex("2111000c c0000207 c6336401 1267 0050")
V2_LOCAL = V2 + bytes.fromhex("20000000")
V2_WITH_EXTRAS = V2 + bytes.fromhex("21110013 c0000207 c6336401 1267 0050 040004") + b"abcd"
V2_UNIX = V2 + bytes.fromhex("213100d8") + b"/run/a".ljust(108, b"\0") + b"/b".ljust(108, b"\0")
LIMIT = 4096

HEADERS: dict[str, tuple[bytes, ProxyHeader]] = {
    "v1": (V1_LINE, ProxyHeader("v1", TV, SERVICE)),
    "v1 IPv6": (
        b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n",
        ProxyHeader("v1", ("2001:db8::1", 1), ("::1", 65535)),
    ),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", ProxyHeader("v1", None, None)),
    "v1 unknown with more": (b"PROXY UNKNOWN ff:: :: 1 2\r\n", ProxyHeader("v1", None, None)),
    "v2": (V2_TV, ProxyHeader("v2", TV, SERVICE)),
    "v2 with extras": (V2_WITH_EXTRAS, ProxyHeader("v2", TV, SERVICE)),
    "v2 of a health check": (V2_LOCAL, ProxyHeader("v2", None, None)),
    "v2 of a local socket": (V2_UNIX, ProxyHeader("v2", None, None)),
}
MISSING, MALFORMED = "proxy-header-missing", "proxy-header-malformed"
WRONG: dict[str, tuple[bytes, str]] = {
    "a request": (request(), MISSING),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00", MISSING),
    "almost version 1": (b"PROXX TCP4", MISSING),
    "almost version 2": (V2[:-1] + b"\r" + bytes(4), MISSING),
    "lower case": (V1_LINE.lower(), MISSING),
    "line feed alone": (V1_LINE.replace(b"\r", b""), MALFORMED),
    "endless": (b"PROXY " + b"x" * 200, MALFORMED),
    "too long": (b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n", MALFORMED),
    "three addresses": (V1_LINE.replace(b" 80", b" 80 81"), MALFORMED),
    "a family of neither": (V1_LINE.replace(b"TCP4", b"UDP4"), MALFORMED),
    "a port too large": (V1_LINE.replace(b" 80", b" 65536"), MALFORMED),
    "a port with a sign": (V1_LINE.replace(b" 80", b" +80"), MALFORMED),
    "a port with an underline": (V1_LINE.replace(b" 80", b" 8_0"), MALFORMED),
    "the other family": (V1_LINE.replace(b"TCP4", b"TCP6"), MALFORMED),
    "no address": (V1_LINE.replace(b"192.0.2.7", b"192.0.2.777"), MALFORMED),
    "version 3": (V2 + bytes.fromhex("31110000"), MALFORMED),
    "no command": (V2 + bytes.fromhex("2f110000"), MALFORMED),
    "too short for its addresses": (V2 + bytes.fromhex("21110003616263"), MALFORMED),
    "larger than allowed": (V2 + bytes.fromhex("2111ffff"), MALFORMED),
}


def feed_in_pieces(reader: ProxyHeaderReader, data: bytes, size: int) -> None:
    for begin in range(0, len(data), size):
        reader.feed(data[begin : begin + size])


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("behind", [b"", request() + KEY3, b"\n", V1_LINE])
def test_a_whole_header(name: str, behind: bytes) -> None:
    data, expected = HEADERS[name]
    reader = ProxyHeaderReader(LIMIT)
    assert reader.feed(data + behind) == len(data)
    assert reader.header == expected
    assert reader.feed(behind) == 0


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("size", [1, 2, 5, 13, 17])
def test_a_header_in_pieces(name: str, size: int) -> None:
    data, expected = HEADERS[name]
    reader, whole, at = ProxyHeaderReader(LIMIT), data + b"behind", 0
    while reader.header is None:
        piece = whole[at : at + size]
        taken = reader.feed(piece)
        assert taken == len(piece) or reader.header is not None
        at += taken
    assert (at, reader.header) == (len(data), expected)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_wrong_header(name: str, size: int) -> None:
    data, code = WRONG[name]
    reader = ProxyHeaderReader(LIMIT)
    with pytest.raises(ProxyHeaderError) as caught:
        feed_in_pieces(reader, data, size)
    assert caught.value.code == code
    assert reader.header is None


ports = st.integers(0, 65535)
addresses = st.tuples(st.ip_addresses().map(str), ports)


@given(st.sampled_from(["v1", "v2"]), addresses, addresses, st.integers(1, 20))
def test_what_is_built_is_read(
    version: Literal["v1", "v2"], source: Any, destination: Any, size: int
) -> None:
    data = build_proxy_header(version, source, destination)
    reader = ProxyHeaderReader(LIMIT)
    feed_in_pieces(reader, data, size)
    assert reader.header is not None
    assert reader.header.version == version
    for told, asked in zip(reader.header[1:], (source, destination), strict=True):
        assert isinstance(told, tuple)
        assert told[1] == asked[1]
        # Of two families both become IPv6.
        one, other = ipaddress.ip_address(told[0]), ipaddress.ip_address(asked[0])
        assert one == other or getattr(one, "ipv4_mapped", None) == other


@given(st.binary(max_size=300), st.integers(1, 300))
def test_any_bytes_are_read_or_refused(data: bytes, size: int) -> None:
    reader = ProxyHeaderReader(LIMIT)
    with contextlib.suppress(ProxyHeaderError):
        feed_in_pieces(reader, data, size)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("source", [None, ("unknown", 0)])
def test_an_unknown_client(version: Literal["v1", "v2"], source: Any) -> None:
    reader = ProxyHeaderReader(LIMIT)
    data = build_proxy_header(version, source, SERVICE)
    assert reader.feed(data) == len(data)
    assert reader.header == ProxyHeader(version, None, None)


def test_whom_to_trust() -> None:
    networks = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))
    trusted = {host: is_trusted(host, networks) for host in ("10.1.2.3", "2001:db8::7%eth0")}
    others = {host: is_trusted(host, networks) for host in ("11.0.0.1", "::1", "unknown")}
    assert set(trusted.values()) == {True}
    assert set(others.values()) == {False}
    assert is_trusted("203.0.113.9", ())


# Behind a balancer


@pytest.mark.parametrize("name", ["v1", "v2", "v1 IPv6", "v2 with extras"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_the_client_is_whom_the_header_names(name: str, at_once: bool) -> None:
    data, header = HEADERS[name]
    async with (
        serving() as server,
        relaying(server.port, session={"host": "keep"}, proxy_protocol=True) as relay,
        relay.client() as client,
    ):
        opening = data + request() + KEY3
        if at_once:
            await client.send(opening)
        else:
            # Each byte leaves alone, and is there before the next one is sent.
            for begin in range(len(opening)):
                await client.send(opening[begin : begin + 1])
        upstream = await server.accept()
        # Not a byte of the header goes on, and none behind it is lost.
        assert await upstream.answer() == request()
        assert (await client.receive_head()).startswith(b"HTTP/1.1 101 ")
        await client.receive(16)
        await client.send(frame(b"on"))
        assert await upstream.receive(4) == frame(b"on")
        start = await relay.recorder.until(SessionStartRecord)
        notice = await relay.recorder.until(NoticeRecord)
    assert header.source is not None
    host, port = header.source
    assert start.client == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    assert "127.0.0.1:" in notice.text
    assert relay.recorder.records.index(start) + 1 == relay.recorder.records.index(notice)


@pytest.mark.parametrize("name", ["v1 unknown", "v2 of a health check", "v2 of a local socket"])
async def test_the_client_is_the_balancer_itself(name: str) -> None:
    async with (
        serving() as server,
        relaying(server.port, proxy_protocol=True) as relay,
        relay.client() as client,
    ):
        await client.send(HEADERS[name][0] + request() + KEY3)
        await (await server.accept()).receive_head()
        start = await relay.recorder.until(SessionStartRecord)
    assert start.client.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["v1", "v2"])
async def test_the_header_comes_before_tls(name: str, authority: Authority) -> None:
    certificate = authority.certify("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    async with (
        serving() as server,
        relaying(server.port, listener_tls=context, proxy_protocol=True) as relay,
    ):
        reader, writer = await asyncio.open_connection(relay.host, relay.port)
        # One write behind the other: the beginning of TLS may come in one piece with the header.
        writer.write(HEADERS[name][0])
        await writer.start_tls(authority.client_context(), server_hostname="127.0.0.1")
        client = End(reader, writer)
        await client.send(request() + KEY3)
        await (await server.accept()).answer()
        assert (await client.receive_head()).startswith(b"HTTP/1.1 101 ")
        start = await relay.recorder.until(SessionStartRecord)
        await client.close()
    assert start.client == "192.0.2.7:4711"


@pytest.mark.parametrize("name", ["a request", "TLS", "endless", "a port with a sign", "version 3"])
async def test_a_wrong_header_ends_the_connection(name: str) -> None:
    data, code = WRONG[name]
    async with (
        serving() as server,
        relaying(server.port, proxy_protocol=True) as relay,
        relay.client() as client,
    ):
        await client.send(data)
        assert await client.until_dropped() == b""
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("refused", [code])
    assert relay.recorder.finding(code).detail
    assert server.ends == []


@pytest.mark.parametrize(("sent", "code"), [(b"", MISSING), (V2_TV[:20], MALFORMED)])
async def test_a_header_that_takes_too_long(sent: bytes, code: str) -> None:
    async with (
        relaying(9, proxy_protocol=True, handshake_timeout=0.05) as relay,
        relay.client() as client,
    ):
        await client.send(sent)
        assert await client.until_dropped() == b""
        await relay.recorder.ended()
    assert relay.recorder.finding(code).detail.startswith("within 0.05 s ")


async def test_a_header_that_is_cut_off() -> None:
    async with relaying(9, proxy_protocol=True) as relay, relay.client() as client:
        await client.send(V1_LINE[:20])
        client.finish()
        await client.until_dropped()
        end = await relay.recorder.ended()
    assert end.findings == [MALFORMED]


async def test_a_probe_that_says_nothing_is_no_fault() -> None:
    async with relaying(9, proxy_protocol=True) as relay, relay.client() as client:
        client.finish()
        await client.until_dropped()
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("nothing", [])


async def test_a_header_from_anybody_else() -> None:
    networks = (ipaddress.ip_network("10.0.0.0/8"),)
    async with (
        relaying(9, proxy_protocol=True, trusted_proxies=networks) as relay,
        relay.client() as client,
    ):
        await client.send(V1_LINE + request() + KEY3)
        await client.until_dropped()
        end = await relay.recorder.ended()
    assert end.findings == ["proxy-header-untrusted"]
    start = relay.recorder.all(SessionStartRecord)[0]
    assert start.client.startswith("127.0.0.1:")


async def test_a_header_is_not_larger_than_a_head() -> None:
    limits = {"head_limits": HeadLimits(size=200)}
    async with (
        relaying(9, session=limits, proxy_protocol=True) as relay,
        relay.client() as client,
    ):
        await client.send(V2 + bytes.fromhex("211100ff"))
        await client.until_dropped()
        await relay.recorder.ended()
    assert "--max-head" in relay.recorder.finding(MALFORMED).detail


async def test_whoever_has_no_session_yet_counts() -> None:
    async with (
        relaying(9, proxy_protocol=True, max_connections=1) as relay,
        relay.client() as first,
    ):
        await first.send(V2[:3])
        async with relay.client() as second:
            assert (await second.until_dropped()).startswith(b"HTTP/1.1 503 ")
        await first.send(V2_LOCAL[3:] + b"GET / HTTP/1.1\r\n\r\n")
        assert (await first.until_dropped()).startswith(b"HTTP/1.1 502 ")


# To the server


@contextlib.asynccontextmanager
async def behind_tls(authority: Authority) -> AsyncIterator[tuple[int, asyncio.Queue[bytes]]]:
    """A server that reads a line of version 1, then speaks TLS; what it got of both."""
    certificate = authority.certify("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    got: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(connection: socket.socket) -> None:
        connection.setblocking(False)
        line = b""
        while not line.endswith(b"\n"):
            line += await loop.sock_recv(connection, 1)
        got.put_nowait(line)
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_accepted_socket(
            lambda: asyncio.StreamReaderProtocol(reader), connection, ssl=context
        )
        got.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        transport.close()

    async def accept(listening: socket.socket) -> None:
        connection, _ = await loop.sock_accept(listening)
        await serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        task = loop.create_task(accept(listening))
        tasks.add(task)
        yield listening.getsockname()[1], got
        await task


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("behind", [True, False])
async def test_the_server_gets_a_header(version: Literal["v1", "v2"], behind: bool) -> None:
    async with (
        serving() as server,
        relaying(
            server.port,
            session={"host": "keep"},
            proxy_protocol=behind,
            send_proxy_protocol=version,
        ) as relay,
        relay.client() as client,
    ):
        await client.send((V2_TV if behind else b"") + request() + KEY3)
        start = await relay.recorder.until(SessionStartRecord)
        upstream = await server.accept()
        if behind:
            source, destination = TV, SERVICE
        else:
            source = ("127.0.0.1", int(start.client.rpartition(":")[2]))
            destination = ("127.0.0.1", relay.port)
        header = build_proxy_header(version, source, destination)
        assert await upstream.receive(len(header)) == header
        assert await upstream.answer() == request()
        assert (await client.receive_head()).startswith(b"HTTP/1.1 101 ")
    notices = relay.recorder.all(NoticeRecord)
    assert notices[-1].text.endswith(f"{version} header for {start.client}")


async def test_the_server_gets_a_header_before_tls(authority: Authority) -> None:
    async with behind_tls(authority) as (port, got):
        context = authority.client_context()
        async with (
            relaying(
                port, upstream_tls=context, session={"host": "keep"}, send_proxy_protocol="v1"
            ) as relay,
            connecting(relay.port) as client,
        ):
            await client.send(request() + KEY3)
            assert (await got.get()).startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")
            assert await got.get() == request()


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_there_is_no_server_to_get_a_header(version: Literal["v1", "v2"]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    async with relaying(port, send_proxy_protocol=version) as relay, relay.client() as client:
        assert (await client.ask()).startswith(b"HTTP/1.1 502 ")
        end = await relay.recorder.ended()
    assert end.findings == ["upstream-unreachable"]


async def test_a_client_that_is_gone_behind_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a connection that was reset the system does not even say whose it was."""
    clients: list[End] = []

    async def and_reset(*arguments: Any) -> ProxyHeader | None:
        header = await receive_proxy_header(*arguments)
        clients[0].reset()
        await clients[0].close()
        return header

    monkeypatch.setattr("ws76proxy.relay.relay.receive_proxy_header", and_reset)
    async with relaying(9, proxy_protocol=True) as relay, relay.client() as client:
        clients.append(client)
        await client.send(V2_TV)
        end = await relay.recorder.ended()
    assert end.outcome == "nothing"
    assert relay.recorder.all(SessionStartRecord)[0].client == "192.0.2.7:4711"
