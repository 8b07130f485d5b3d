"""mitmproxy's hooks on a flow, passed to the handshake that the flow is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

from mitmproxy import http
from mitmproxy.flow import Error

from ws76proxy.mitm.handshake import Choose, Handshake
from ws76proxy.mitm.handshakes import begin, forget, handshake_of
from ws76proxy.mitm.kill import make_killable
from ws76proxy.mitm.recording import Run
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.waking import waker_of
from ws76proxy.session import Editing

__all__ = ["Hooks"]


class Hooks:
    """The hooks that follow a flow.

    For each new one is asked: `settings`; `websocket`, whether frames are to be read; `run`, who
    records it; `choose`, who answers in place of its server; `editing`, who may change it.

    A hook gives back what is still to be awaited, where rules or scripts have a say.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        websocket: Callable[[], bool],
        run: Callable[[], Run | None] = lambda: None,
        choose: Choose = lambda _request, _dialect: None,
        editing: Callable[[], Editing | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._websocket = websocket
        self._run = run
        self._choose = choose
        self._editing = editing
        self._numbers = count(1)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request's head has been read."""
        handshake = begin(
            flow,
            self._settings(),
            self._numbers,
            self._run(),
            self._editing(),
            websocket=self._websocket(),
        )
        if handshake is not None:
            make_killable(flow)
            if handshake.session.edits is not None:
                handshake.session.edits.call_owner = waker_of(flow)
            handshake.requestheaders(flow)

    def request(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """A request has been read, its key3 too."""
        handshake = handshake_of(flow)
        if handshake is None:
            return None
        if handshake.edits is not None:
            return self._edit_request(flow, handshake)
        self._request(flow, handshake)
        return None

    async def _edit_request(self, flow: http.HTTPFlow, handshake: Handshake) -> None:
        await handshake.edit_request(flow)
        self._request(flow, handshake)

    def _request(self, flow: http.HTTPFlow, handshake: Handshake) -> None:
        handshake.request(flow)
        if flow.response is None:
            handshake.stand_in(flow, self._choose)

    def responseheaders(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """An answer's head has been read."""
        handshake = handshake_of(flow)
        if handshake is None:
            return None
        handshake.responseheaders(flow)
        return None if handshake.edits is None else handshake.edit_response(flow)

    def response(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """An answer has been read, its digest too."""
        handshake = handshake_of(flow)
        if handshake is None:
            return None
        if handshake.edits is not None:
            return self._edit_answer(flow, handshake)
        self._response(flow, handshake)
        return None

    async def _edit_answer(self, flow: http.HTTPFlow, handshake: Handshake) -> None:
        if handshake.edits is not None:
            await handshake.edits.wait(flow)
        self._response(flow, handshake)

    def _response(self, flow: http.HTTPFlow, handshake: Handshake) -> None:
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
