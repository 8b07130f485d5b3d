"""mitmproxy's hooks on a flow, passed to the handshake that the flow is about."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from mitmproxy import http
from mitmproxy.flow import Error

from ws76proxy.mitm.handshake import Choose
from ws76proxy.mitm.handshakes import begin, forget, handshake_of
from ws76proxy.mitm.kill import make_killable
from ws76proxy.mitm.recording import Run
from ws76proxy.mitm.settings import Settings

__all__ = ["Hooks"]


class Hooks:
    """The hooks that follow a flow.

    For each new one is asked: `settings`; `websocket`, whether frames are to be read; `run`, who
    records it; `choose`, who answers in place of its server.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        websocket: Callable[[], bool],
        run: Callable[[], Run | None] = lambda: None,
        choose: Choose = lambda _request, _dialect: None,
    ) -> None:
        self._settings = settings
        self._websocket = websocket
        self._run = run
        self._choose = choose
        self._numbers = count(1)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request's head has been read."""
        handshake = begin(flow, self._settings(), self._numbers, self._run())
        if handshake is not None:
            make_killable(flow)
            handshake.requestheaders(flow)

    def request(self, flow: http.HTTPFlow) -> None:
        """A request has been read, its key3 too."""
        handshake = handshake_of(flow)
        if handshake is not None:
            handshake.request(flow)
            if flow.response is None:
                handshake.stand_in(flow, self._choose)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """An answer's head has been read."""
        handshake = handshake_of(flow)
        if handshake is not None:
            handshake.responseheaders(flow)

    def response(self, flow: http.HTTPFlow) -> None:
        """An answer has been read, its digest too."""
        handshake = handshake_of(flow)
        if handshake is not None:
            handshake.response(flow, websocket=self._websocket())
            if not handshake.is_open:
                handshake.finish()
                forget(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """It came to nothing."""
        handshake = handshake_of(flow)
        if handshake is not None:
            if handshake.is_killed:
                # Hanging up looks to mitmproxy as if the client had done it.
                flow.error = Error(Error.KILLED_MESSAGE)
            handshake.error(flow)
            handshake.finish()
            forget(flow)
