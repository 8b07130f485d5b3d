"""mitmweb's replay button, which its page keeps from every WebSocket flow: enabled for them."""

from __future__ import annotations

import re
from pathlib import Path

from mitmproxy import ctx
from tornado import web

__all__ = ["enable_replay_button", "with_replay_button"]

# How the page asks, minified: is this a flow of HTTP, and no WebSocket?
_CAN_REPLAY = re.compile(r"""\b(\w+)\.type===(["'`])http\2&&!\1\.websocket\b""")


def with_replay_button(script: str) -> str | None:
    """A script of the page with the button enabled; None where the button is not in it."""
    changed, count = _CAN_REPLAY.subn(r"\1.type===\2http\2", script)
    return changed if count == 1 else None


def enable_replay_button() -> None:
    """Where this is mitmweb: serve its page with the button, if the page is as known.

    Whether a flow can be replayed is then decided where it is asked to be, as in the console.
    """
    application = getattr(ctx.master, "app", None)
    if not isinstance(application, web.Application):
        return
    folder = Path(str(application.settings.get("static_path")))
    for path in folder.glob("*.js"):
        changed = with_replay_button(path.read_text(encoding="utf-8"))
        if changed is not None:
            name = re.escape(path.name)
            application.add_handlers(".*", [(f"/static/{name}", _Script, {"script": changed})])


class _Script(web.RequestHandler):
    def initialize(self, script: str) -> None:
        self._script = script

    def get(self) -> None:
        """The whole script; not to be kept, for the next mitmweb may be one without this."""
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.write(self._script)
