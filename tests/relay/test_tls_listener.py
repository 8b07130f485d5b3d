"""Clients that speak TLS to the relay, that do not, that speak an old one, or that say nothing."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from ws76proxy.demo import EchoServer
from ws76proxy.errors import UsageError
from ws76proxy.record import FindingRecord, ResponseRecord, SessionStartRecord
from ws76proxy.relay.tls import listener_context

from .certificates import Authority, Certificate
from .ends import End, serving
from .handshakes import DIGEST, KEY3, frame, request
from .harness import relaying

UNUSED = 9
"""A port for an upstream that no client of the test gets to."""


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.certify("127.0.0.1")


@pytest.fixture
def context(certificate: Certificate) -> ssl.SSLContext:
    return listener_context(certificate.chain, certificate.key, legacy=False)


async def test_wss_to_ws(authority: Authority, context: ssl.SSLContext) -> None:
    async with (
        EchoServer() as server,
        relaying(server.port, listener_tls=context) as relay,
        relay.client(tls=authority.client_context()) as client,
    ):
        answer = await client.open(request(host=f"127.0.0.1:{relay.port}"))
        await client.echo("Grüße".encode())
        await client.echo(b"x" * 1_000_000)
        start = relay.recorder.all(SessionStartRecord)[0]
        assert start.listener == f"wss://127.0.0.1:{relay.port}"
    # The server said ws: to this client it is wss.
    assert b"Location: wss://127.0.0.1:%d/demo\r\n" % relay.port in answer
    end = await relay.recorder.ended()
    assert (end.outcome, end.verdict) == ("open", "verified")


async def shake_hands(client: End, context: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.MemoryBIO]:
    """A TLS handshake by hand: its last bytes are left for the caller to send."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    while True:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            if outgoing.pending:
                await client.send(outgoing.read())
            incoming.write(await client.receive_some())
        except ssl.SSLCertVerificationError:
            # What is left to send is the alert.
            return secured, outgoing
        else:
            return secured, outgoing


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)
async def test_what_comes_with_the_last_bytes_of_the_tls_handshake_is_not_lost(
    authority: Authority, context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    trusting = authority.client_context()
    trusting.minimum_version = trusting.maximum_version = version
    async with (
        serving() as server,
        relaying(server.port, listener_tls=context) as relay,
        relay.client() as client,
    ):
        secured, outgoing = await shake_hands(client, trusting)
        secured.write(request() + KEY3)
        # Finished and the whole opening handshake in one segment.
        await client.send(outgoing.read())
        upstream = await server.accept()
        await upstream.receive_head()
        assert await upstream.receive(8) == KEY3


async def test_a_message_in_one_piece_with_the_end_of_tls(
    authority: Authority, context: ssl.SSLContext
) -> None:
    async with (
        serving() as server,
        relaying(server.port, listener_tls=context) as relay,
        relay.client() as client,
    ):
        secured, outgoing = await shake_hands(client, authority.client_context())
        secured.write(request() + KEY3)
        await client.send(outgoing.read())
        upstream = await server.accept()
        await upstream.answer()
        await relay.recorder.until(ResponseRecord)
        secured.write(frame(b"last words"))
        with pytest.raises(ssl.SSLWantReadError):
            secured.unwrap()
        await client.send(outgoing.read())
        assert await upstream.rest() == frame(b"last words")
        await relay.recorder.ended()


async def test_a_client_that_leaves_in_the_middle_of_the_tls_handshake(
    context: ssl.SSLContext,
) -> None:
    async with relaying(UNUSED, listener_tls=context) as relay, relay.client() as client:
        await client.send(b"\x16\x03\x01")
        client.finish()
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("refused", ["tls-handshake-failed"])
    detail = relay.recorder.finding("tls-handshake-failed").detail
    assert detail == "the client closed the connection during the TLS handshake"


async def test_a_client_that_says_nothing_on_the_tls_port(context: ssl.SSLContext) -> None:
    async with (
        relaying(UNUSED, listener_tls=context, handshake_timeout=0.2) as relay,
        relay.client() as client,
    ):
        assert await client.until_dropped() == b""
        end = await relay.recorder.ended()
    assert end.findings == ["tls-handshake-failed"]
    detail = relay.recorder.finding("tls-handshake-failed").detail
    assert detail == "the client did not finish its TLS handshake within 0.2 s"


async def test_a_client_that_does_not_trust_the_certificate(context: ssl.SSLContext) -> None:
    async with relaying(UNUSED, listener_tls=context) as relay, relay.client() as client:
        _, alert = await shake_hands(client, ssl.create_default_context())
        await client.send(alert.read())
        end = await relay.recorder.ended()
    assert end.findings == ["tls-handshake-failed"]
    assert "unknown ca" in relay.recorder.finding("tls-handshake-failed").detail


@pytest.mark.parametrize(
    "opening", [request() + KEY3, b"GET / HTTP/1.0\r\n\r\n", b"\x00hi\xff" * 9]
)
async def test_plain_text_on_the_tls_port(context: ssl.SSLContext, opening: bytes) -> None:
    async with relaying(UNUSED, listener_tls=context) as relay, relay.client() as client:
        await client.send(opening)
        await client.until_dropped()
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("refused", ["plain-on-tls-port"])


async def test_tls_on_the_plain_port_is_refused_at_once(authority: Authority) -> None:
    async with relaying(UNUSED) as relay:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with relay.client(tls=authority.client_context()):
                raise AssertionError("connected")
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("refused", ["tls-on-plain-port"])


def speaks_old_tls(authority: Authority, certificate: Certificate) -> bool:
    """Whether OpenSSL here can do TLS 1.0 at all."""
    server = listener_context(certificate.chain, certificate.key, legacy=True)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        authority.old_client_context().wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            return False
    return ends[0].version() == "TLSv1"


async def test_an_old_device_needs_legacy_tls(
    authority: Authority, certificate: Certificate
) -> None:
    if not speaks_old_tls(authority, certificate):
        pytest.skip("OpenSSL here does not speak TLS 1.0")
    legacy = listener_context(certificate.chain, certificate.key, legacy=True)
    async with (
        EchoServer() as server,
        relaying(server.port, listener_tls=legacy) as relay,
        relay.client(tls=authority.old_client_context()) as client,
    ):
        await client.open()
        await client.echo(b"from 2010")


async def test_an_old_device_without_legacy_tls(
    authority: Authority, context: ssl.SSLContext
) -> None:
    async with relaying(UNUSED, listener_tls=context) as relay:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with relay.client(tls=authority.old_client_context()):
                raise AssertionError("connected")
        end = await relay.recorder.ended()
    assert end.findings == ["tls-handshake-failed"]
    assert "--legacy-tls" in relay.recorder.finding("tls-handshake-failed").detail


async def test_modern_clients_still_get_modern_tls_from_a_legacy_listener(
    authority: Authority, certificate: Certificate
) -> None:
    legacy = listener_context(certificate.chain, certificate.key, legacy=True)
    async with (
        EchoServer() as server,
        relaying(server.port, listener_tls=legacy) as relay,
        relay.client(tls=authority.client_context()) as client,
    ):
        assert client.tls_version == "TLSv1.3"
        await client.open()


async def test_more_tls_clients_than_allowed(authority: Authority, context: ssl.SSLContext) -> None:
    async with (
        EchoServer() as server,
        relaying(server.port, listener_tls=context, max_connections=1) as relay,
        relay.client(tls=authority.client_context()) as first,
    ):
        async with relay.client() as second:
            assert await second.until_dropped() == b""
        end = await relay.recorder.ended(session=2)
        assert end.findings == ["too-many-connections"]
        await first.open()


async def test_stopping_ends_tls_handshakes_that_go_on(context: ssl.SSLContext) -> None:
    async with (
        relaying(UNUSED, listener_tls=context, close_timeout=3600.0) as relay,
        relay.client() as client,
    ):
        await relay.until_pumps(1)
        await relay.stop()
        assert await client.until_dropped() == b""
    told = [type(record).__name__ for record in relay.recorder.records]
    assert told == ["SessionStartRecord", "ClosingRecord", "SessionEndRecord"]


async def test_both_directions_at_once_over_tls(
    authority: Authority, context: ssl.SSLContext
) -> None:
    size = 300_000
    async with (
        serving() as server,
        relaying(server.port, listener_tls=context) as relay,
        relay.client(tls=authority.client_context()) as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.answer()
        await client.receive_head()
        assert await client.receive(16) == DIGEST
        up, down = frame(b"u" * size), frame(b"d" * size)
        async with asyncio.TaskGroup() as group:
            group.create_task(client.send(up))
            group.create_task(upstream.send(down))
            received = group.create_task(client.receive(len(down)))
            arrived = group.create_task(upstream.receive(len(up)))
        assert (received.result(), arrived.result()) == (down, up)
        # TLS cannot close by halves: its end is the client's end.
        await client.close()
        assert await upstream.rest() == b""
        await relay.recorder.ended()
    assert not [one for one in relay.recorder.all(FindingRecord) if one.code == "connection-reset"]


def test_a_legacy_context_takes_no_anonymous_cipher(certificate: Certificate) -> None:
    legacy = listener_context(certificate.chain, certificate.key, legacy=True)
    assert [one["name"] for one in legacy.get_ciphers() if one["auth"] == "auth-null"] == []


def test_files_that_are_no_certificate_and_key(
    authority: Authority, certificate: Certificate, tmp_path: Path
) -> None:
    other = authority.certify("localhost")
    with pytest.raises(UsageError, match="key values mismatch"):
        listener_context(certificate.chain, other.key, legacy=False)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(authority.encrypted_key())
    with pytest.raises(UsageError, match="the key is encrypted"):
        listener_context(certificate.chain, encrypted, legacy=False)
    with pytest.raises(UsageError, match="no such file"):
        listener_context(tmp_path / "none.pem", None, legacy=False)
