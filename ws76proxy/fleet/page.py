"""The small web server for whoever watches a relay: `/metrics` and `/healthz`, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import platform
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder

from ws76proxy import __version__
from ws76proxy.wire.connection import plain_response
from ws76proxy.wire.head import Head, HeadLimits, HeadReader, RequestHead

__all__ = ["StatusPage", "tell_build"]

_SECONDS = 10.0
_MOST_AT_ONCE = 32
_LIMITS = HeadLimits(size=16_384)


def tell_build(registry: CollectorRegistry) -> None:
    """The metric that says what is running."""
    build = Gauge(
        "ws76proxy_build_info",
        "Always 1: its labels say which program this is.",
        ["version", "python"],
        registry=registry,
    )
    build.labels(__version__, platform.python_version()).set(1)


class StatusPage:
    """Serves a registry's figures, and 200 or 503 for whether all is `well`.

    `well` gives None, or why no more clients are wanted here. Use it as an asynchronous context
    manager. At most 32 readers are answered at once, each within 10 s.
    """

    def __init__(
        self, registry: CollectorRegistry, host: str, port: int, well: Callable[[], str | None]
    ) -> None:
        self._registry = registry
        self._host = host
        self._port = port
        self._well = well
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> StatusPage:
        """Raises OSError where it cannot listen."""
        self._server = await asyncio.start_server(
            self._arrive, self._host or None, self._port, limit=_LIMITS.size
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101 - set on the way in
        self._server.close()
        tasks, writers = list(self._tasks), list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        # The loop closes them in its next turn.
        await asyncio.sleep(0)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first socket that is listened on."""
        assert self._server is not None  # noqa: S101 - set on the way in
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    def _arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= _MOST_AT_ONCE:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_SECONDS):
                answer = await self._answer(reader)
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        heads = HeadReader(RequestHead, _LIMITS)
        while True:
            data = await reader.read(_LIMITS.size)
            if not data:
                return b""
            head = heads.feed(data)
            if heads.refusal is not None:
                return plain_response(400, "Bad Request", f"{heads.refusal}\n")
            if head is not None:
                return self._response(head)

    def _response(self, head: RequestHead) -> bytes:
        if head.method not in (b"GET", b"HEAD"):
            return plain_response(405, "Method Not Allowed", "expected GET\n")
        path = head.target.partition(b"?")[0]
        if path == b"/metrics":
            response = self._metrics(head)
        elif path == b"/healthz":
            why = self._well()
            response = (
                plain_response(200, "OK", "ok\n")
                if why is None
                else plain_response(503, "Service Unavailable", f"{why}\n")
            )
        else:
            response = plain_response(404, "Not Found", "expected /metrics or /healthz\n")
        if head.method == b"HEAD":
            return response[: response.index(b"\r\n\r\n") + 4]
        return response

    def _metrics(self, head: RequestHead) -> bytes:
        accept = head.get(b"accept")
        encode, content_type = choose_encoder(
            "" if accept is None else accept.stripped.decode("latin-1")
        )
        body = encode(self._registry)
        fields = [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        return Head.build("HTTP/1.1 200 OK", fields).raw + body
