"""Echo server on top of eventlet: hixie-76, hixie-75 and RFC 6455, as the client asks.

`order: close` is done, not echoed.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eventlet
from eventlet import websocket, wsgi

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def echo(socket: Any) -> None:
    # The empty string is a message; only None means that the client has gone.
    while (message := socket.wait()) is not None:
        if message == "order: close":
            socket.close()
            return
        socket.send(message)


def application(pages: Path | None) -> Callable[..., Any]:
    """Sockets, and the files of a folder beside them: one port for both, as devices have it."""
    sockets = websocket.WebSocketWSGI(echo)
    files = {} if pages is None else {f"/{path.name}": path for path in pages.iterdir()}

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if "HTTP_UPGRADE" in environ:
            return sockets(environ, start_response)
        path = files.get(environ["PATH_INFO"])
        if path is None:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        body = path.read_bytes()
        length = ("Content-Length", str(len(body)))
        start_response("200 OK", [("Content-Type", TYPES[path.suffix]), length])
        return [body]

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pages", type=Path, help="also serve the files of this folder")
    options = parser.parse_args()
    listener = eventlet.listen(("127.0.0.1", options.port))
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    # eventlet's access log goes to stderr, where the test shows it on failure.
    wsgi.server(listener, application(options.pages))


if __name__ == "__main__":
    main()
