"""The servers and the mitmdumps that the cases share, each started when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.interop.tls import make_certificate
from tests.mitm.client import Client
from tests.mitm.peers import Peer, RawServer, connect_proxy, serve
from tests.mitm.process import Mitmdump

__all__ = ["World"]


class World:
    """A context manager; one for a run of the matrix."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        self._folder = folder
        self._running: dict[str, Mitmdump] = {}

    def __enter__(self) -> World:
        import ssl

        certificate = make_certificate(self._folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        self.plain = self._stack.enter_context(RawServer(serve))
        self.secure = self._stack.enter_context(RawServer(serve, context))
        self.proxy, self.asked = self._stack.enter_context(connect_proxy())
        reverse = f"reverse:http://127.0.0.1:{self.plain.port}"
        self._modes: dict[str, tuple[str, ...]] = {
            "reverse": (reverse,),
            "reverse-tls": (f"reverse:https://127.0.0.1:{self.secure.port}", "--ssl-insecure"),
            "keep-host": (reverse, "--set", "keep_host_header=true"),
            "own": (reverse, "--set", "ws76_challenge=own"),
            "repair": (reverse, "--set", "ws76_repair=true"),
            "strict": (reverse, "--set", "ws76_strict=true"),
            "few": (reverse, "--set", "ws76_max_messages=3"),
            "streaming": (reverse, "--set", "stream_large_bodies=1"),
            "limit": (reverse, "--set", "body_size_limit=4"),
            "modify": (
                reverse,
                "--set",
                "modify_headers=/~q/X-Added/yes",
                "--set",
                "map_remote=|/mapped|/landed",
            ),
            "no-websocket": (reverse, "--set", "websocket=false"),
            "regular": ("regular", "--ssl-insecure"),
            "lazy": ("regular", "--set", "connection_strategy=lazy"),
            "auth": ("regular", "--set", "proxyauth=user:word"),
            "upstream": (f"upstream:http://127.0.0.1:{self.proxy.port}", "--ssl-insecure"),
            "socks5": ("socks5",),
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def mitm(self, mode: str) -> Mitmdump:
        """The mitmdump of that mode."""
        if mode not in self._running:
            spec, *arguments = self._modes[mode]
            started = Mitmdump(spec, *arguments, home=self._folder)
            self._running[mode] = self._stack.enter_context(started)
        return self._running[mode]

    @property
    def here(self) -> str:
        """The plain server's authority."""
        return f"127.0.0.1:{self.plain.port}"

    @property
    def there(self) -> str:
        """The TLS server's authority."""
        return f"127.0.0.1:{self.secure.port}"

    def reversed(self, mode: str, target: str, **options: object) -> Client:
        """A client of a reverse proxy, not opened yet."""
        port = self.mitm(mode).port
        make: Callable[..., Client] = Client
        return make(Peer.connect(port), target, f"127.0.0.1:{port}", **options)
