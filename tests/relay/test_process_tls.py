"""The command line with certificates: the session of an old device, from start to end."""

from __future__ import annotations

import pytest

from ws76proxy.demo import EchoServer

from .certificates import Authority
from .ends import connecting
from .process import running
from .test_tls_listener import speaks_old_tls


@pytest.mark.parametrize("old", [False, True])
async def test_wss_on_the_command_line(loop_name: str, authority: Authority, old: bool) -> None:
    certificate = authority.certify("127.0.0.1")
    files = ["--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key)]
    if old and not speaks_old_tls(authority, certificate):
        pytest.skip("OpenSSL here does not speak TLS 1.0")
    trusting = authority.old_client_context() if old else authority.client_context()
    async with (
        EchoServer() as server,
        running(loop_name, server.port, *files, *["--legacy-tls"] * old, "--json") as relay,
    ):
        relay.expected = "warning: --legacy-tls" if old else ""
        async with connecting(relay.port, tls=trusting) as client:
            assert client.tls_version == ("TLSv1" if old else "TLSv1.3")
            await client.open()
            await client.echo(b"hello")
        records = await relay.stop()
    assert any(relay.expected in line for line in relay.errors)
    assert records[0]["listener"] == f"wss://127.0.0.1:{relay.port}"
    assert records[-1]["outcome"] == "open"


@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_a_chain_and_its_key_in_one_file(loop_name: str, authority: Authority) -> None:
    certificate = authority.certify("127.0.0.1")
    both = certificate.chain.with_name("both.pem")
    both.write_bytes(certificate.key.read_bytes() + certificate.chain.read_bytes())
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "--tls-cert", str(both), "--json") as relay,
        connecting(relay.port, tls=authority.client_context()) as client,
    ):
        await client.open()
