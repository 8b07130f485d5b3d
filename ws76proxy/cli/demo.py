"""`ws76proxy demo`: one whole session through the relay, with nothing else installed."""

from __future__ import annotations

import asyncio

import click

from ws76proxy.cli.serving import listening, output, run, until_stopped
from ws76proxy.cli.types import ADDRESS
from ws76proxy.demo import EchoServer, converse
from ws76proxy.demo.client import DemoError
from ws76proxy.endpoint import Endpoint
from ws76proxy.relay import RelayOptions
from ws76proxy.relay.outlet import Listener
from ws76proxy.session import SessionOptions
from ws76proxy.words import in_words

__all__ = ["command"]

_MESSAGES = ("Hello, 2010!", "Grüße, 世界, ☃", '{"sensor": 7, "value": 21.5}')


@click.command("demo")
@click.option("--serve", is_flag=True, help="Stay up, and print the URL of a page to open.")
@click.option(
    "--listen",
    type=ADDRESS,
    default="127.0.0.1:0",
    help="Where the relay listens.  [default: 127.0.0.1, any free port]",
)
@click.option("--json", "as_json", is_flag=True, help="Print records as JSON Lines.")
@click.option("-v", "--verbose", is_flag=True, help="Print raw bytes too.")
def command(serve: bool, listen: tuple[str, int], as_json: bool, verbose: bool) -> None:
    """Show the relay at work: an echo server, the relay, and a hixie-76 client, in one process.

    With --serve nothing ends: open the printed page in an old browser and watch its session here.
    """
    listeners, messages, good = output(
        quiet=False, verbose=verbose, as_json=as_json, show_secrets=False
    )

    async def work() -> None:
        async with EchoServer() as server:
            options = RelayOptions(
                session=SessionOptions(
                    upstream=Endpoint(False, "127.0.0.1", server.port),
                    listener=Endpoint(False, *listen),
                    messages=messages,
                    good_findings=good,
                ),
                host=listen[0],
                port=listen[1],
                close_timeout=2.0,
            )
            await _relay(options, listeners, serve)

    run(work())


async def _relay(options: RelayOptions, listeners: list[Listener], serve: bool) -> None:
    async with listening(options, listeners) as relay:
        host, port = relay.addresses[0]
        if serve:
            await _serve(Endpoint(False, host, port))
        else:
            await _converse(host, port)
            await relay.idle()


async def _serve(where: Endpoint) -> None:
    async with until_stopped() as stopped:
        click.echo(f"listening on {where}", err=True)
        click.echo(f"open {where.web_origin}/demo.html in an old browser", err=True)
        await stopped.wait()


async def _converse(host: str, port: int) -> None:
    try:
        async with asyncio.timeout(20):
            answers = await converse(host, port, _MESSAGES, protocol="demo")
        if answers != list(_MESSAGES):
            raise DemoError(f"sent {_MESSAGES}, got back {answers}")
    except TimeoutError:
        raise click.ClickException("the demo failed: no end within 20 s") from None
    except (DemoError, OSError) as error:
        raise click.ClickException(f"the demo failed: {in_words(error)}") from None
