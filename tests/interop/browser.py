"""QtWebKit 534.34, a browser engine that speaks hixie-76 of its own, driven through wkhtmltopdf."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from .peer import QTWEBKIT
from .process import PATIENCE, Process, ProcessError
from .threads import in_thread

PAGES = Path(__file__).parent / "pages"
PAGE_LIMIT = 20.0
"""Seconds after which the page gives up of itself, so that the browser can end and tell."""

OPTIONS = ("--debug-javascript", "--no-stop-slow-scripts", "--window-status", "done")

# What --debug-javascript prints: where the line was logged, then the text.
CONSOLE_LINE = re.compile(r"Warning: (?:https?://\S*?:\d+|undefined:\d+) (.*)$")
PAGE_EVENT = "page: "


@dataclass(frozen=True, slots=True)
class Visit:
    """What a browser did with a page."""

    console: tuple[str, ...]
    """Every console line, the engine's own included."""
    origin: str
    """The origin of the page."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the page itself told, in order."""
        return [
            json.loads(line.removeprefix(PAGE_EVENT))
            for line in self.console
            if line.startswith(PAGE_EVENT)
        ]

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    @property
    def complaints(self) -> list[str]:
        """What the engine said of itself: it names each field of a handshake that it refuses."""
        return [line for line in self.console if not line.startswith(PAGE_EVENT)]

    def messages(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == "message"]


class PageHandler(SimpleHTTPRequestHandler):
    """Serves the pages of this folder."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=str(PAGES))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the browser's own output is what a failure needs."""


class PlanPage(PageHandler):
    """The same, with the plan that a page plays."""

    plan: bytes

    def do_GET(self) -> None:
        if self.path == "/plan.json":
            self.answer(self.plan)
        else:
            super().do_GET()

    def answer(self, body: bytes = b"") -> None:
        """200, with this."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving_pages(
    handler: type[PageHandler] = PageHandler, host: str = "127.0.0.1", **members: object
) -> Iterator[str]:
    """The origin, with this host, under which the pages of this folder are served; `members` are
    what the handler's class is given."""
    made = type("Page", (handler,), members)
    with in_thread(ThreadingHTTPServer(("127.0.0.1", 0), made)) as port:
        yield f"http://{host}:{port}"


def visit(
    origin: str,
    url: str,
    *,
    messages: Sequence[str] = (),
    size: int | None = None,
    protocol: str | None = None,
    close: bool = True,
    limit: float = PAGE_LIMIT,
) -> Visit:
    """Open a page that holds one WebSocket session, and wait until the page is done with it."""
    query: list[tuple[str, str]] = [("url", url), *(("message", text) for text in messages)]
    if size is not None:
        query.append(("size", str(size)))
    if protocol is not None:
        query.append(("protocol", protocol))
    if close:
        query.append(("close", "client"))
    query.append(("limit", str(int(limit * 1000))))
    page = f"{origin}/session.html?{urlencode(query, quote_via=quote)}"
    return open_page(origin, page, limit=limit)


def open_page(origin: str, page: str, *, limit: float) -> Visit:
    """Open a page of that origin, and wait until it says that it is done; `limit` in seconds."""
    # Proxy settings are for the page and not for its socket: they would only lose the page.
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    with (
        tempfile.TemporaryDirectory() as scratch,
        Process(
            "qtwebkit",
            [QTWEBKIT, *OPTIONS, page, "page.pdf"],
            env=environment,
            cwd=Path(scratch),
        ) as process,
    ):
        status = process.wait(limit + PATIENCE)
        if status:
            raise ProcessError(f"the browser ended with status {status}")
        found = (CONSOLE_LINE.search(line) for line in process.lines("stderr"))
        return Visit(tuple(match[1] for match in found if match), origin)
