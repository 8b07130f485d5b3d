"""Servers that speak TLS: trusted, not trusted, of another name, or of no TLS at all."""

from __future__ import annotations

import ssl

import pytest

from ws76proxy.record import FindingRecord
from ws76proxy.relay.tls import upstream_context

from .certificates import Authority, Certificate
from .ends import End, Server, serving
from .handshakes import ANSWER, DIGEST, KEY3, frame, request
from .harness import Running, relaying


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.certify("127.0.0.1")


async def converse(client: End, server: Server) -> None:
    await client.send(request() + KEY3)
    upstream = await server.accept()
    await upstream.answer()
    await client.receive_head()
    assert await client.receive(16) == DIGEST
    await client.send(frame(b"up"))
    assert await upstream.receive(4) == frame(b"up")
    await upstream.send(frame(b"down"))
    assert await client.receive(6) == frame(b"down")


async def refused(client: End, relay: Running) -> str:
    """What a client reads whose server's TLS fails; the finding must say the same."""
    head = await client.ask()
    assert head.startswith(b"HTTP/1.1 502 ")
    text = (await client.rest()).decode()
    end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("failed", ["upstream-tls-failed"])
    assert relay.recorder.finding("upstream-tls-failed").detail == text.strip()
    return text


async def test_ws_to_wss(authority: Authority, certificate: Certificate) -> None:
    trusted = upstream_context(authority.file, insecure=False, legacy=False)
    async with (
        serving(tls=certificate.server_context()) as server,
        relaying(server.port, upstream_tls=trusted) as relay,
        relay.client() as client,
    ):
        await converse(client, server)
        assert relay.recorder.all(FindingRecord)


async def test_wss_to_wss(authority: Authority, certificate: Certificate) -> None:
    trusted = upstream_context(authority.file, insecure=False, legacy=False)
    async with (
        serving(tls=certificate.server_context()) as server,
        relaying(
            server.port, upstream_tls=trusted, listener_tls=certificate.server_context()
        ) as relay,
        relay.client(tls=authority.client_context()) as client,
    ):
        await converse(client, server)
        await client.close()
        await relay.recorder.ended()


async def test_the_servers_last_words_arrive_when_it_closes(
    authority: Authority, certificate: Certificate
) -> None:
    trusted = upstream_context(authority.file, insecure=False, legacy=False)
    last = frame(b"x" * 500_000)
    async with (
        serving(tls=certificate.server_context()) as server,
        relaying(server.port, upstream_tls=trusted) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        await upstream.send(ANSWER + last)
        await upstream.close()
        assert await client.rest() == ANSWER + last
        await relay.recorder.ended()


async def test_an_unknown_authority(certificate: Certificate) -> None:
    strict = upstream_context(None, insecure=False, legacy=False)
    async with (
        serving(tls=certificate.server_context()) as server,
        relaying(server.port, upstream_tls=strict) as relay,
        relay.client() as client,
    ):
        text = await refused(client, relay)
    assert "not trusted" in text
    assert "unable to get local issuer certificate" in text


async def test_another_name(authority: Authority) -> None:
    other = authority.certify("example.com")
    trusted = upstream_context(authority.file, insecure=False, legacy=False)
    async with (
        serving(tls=other.server_context()) as server,
        relaying(server.port, upstream_tls=trusted) as relay,
        relay.client() as client,
    ):
        text = await refused(client, relay)
    assert "127.0.0.1" in text
    assert "mismatch" in text


async def test_insecure_asks_nothing(authority: Authority) -> None:
    other = authority.certify("example.com")
    careless = upstream_context(None, insecure=True, legacy=False)
    async with (
        serving(tls=other.server_context()) as server,
        relaying(server.port, upstream_tls=careless) as relay,
        relay.client() as client,
    ):
        await converse(client, server)


async def test_a_server_without_tls(authority: Authority) -> None:
    trusted = upstream_context(authority.file, insecure=False, legacy=False)
    async with (
        serving() as server,
        relaying(server.port, upstream_tls=trusted) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        assert (await upstream.receive(3))[:2] == b"\x16\x03"
        await upstream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        head = await client.receive_head()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert "TLS handshake failed: wrong version number" in (await client.rest()).decode()
        end = await relay.recorder.ended()
    assert end.findings == ["upstream-tls-failed"]


async def test_a_server_that_drops_the_tls_handshake(authority: Authority) -> None:
    trusted = upstream_context(authority.file, insecure=False, legacy=False)
    async with (
        serving() as server,
        relaying(server.port, upstream_tls=trusted) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive(3)
        await upstream.close()
        head = await client.receive_head()
        assert head.startswith(b"HTTP/1.1 502 ")
        text = (await client.rest()).decode()
        end = await relay.recorder.ended()
    assert "TLS handshake" in text
    assert end.findings == ["upstream-tls-failed"]


async def test_an_old_server_needs_legacy_tls(
    authority: Authority, certificate: Certificate
) -> None:
    old = certificate.server_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers("AES128-SHA:@SECLEVEL=0")
    for legacy in (False, True):
        trusted = upstream_context(authority.file, insecure=False, legacy=legacy)
        async with (
            serving(tls=old) as server,
            relaying(server.port, upstream_tls=trusted) as relay,
            relay.client() as client,
        ):
            if legacy:
                await converse(client, server)
            else:
                assert "handshake" in await refused(client, relay)


def test_a_legacy_context_takes_no_anonymous_cipher(authority: Authority) -> None:
    # With one, no certificate is asked for: whoever is in between could be the server.
    legacy = upstream_context(authority.file, insecure=False, legacy=True)
    assert [one["name"] for one in legacy.get_ciphers() if one["auth"] == "auth-null"] == []
