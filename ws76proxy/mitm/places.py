"""Who talks to whom: addresses as the session core wants them, from mitmproxy's flows."""

from __future__ import annotations

from typing import Literal

from mitmproxy import connection, http
from mitmproxy.proxy.mode_specs import ReverseMode

from ws76proxy.endpoint import Endpoint, in_text
from ws76proxy.mitm.pristine import head_of
from ws76proxy.wire import RequestHead

__all__ = ["address_of", "host_of", "host_treatment", "listener_of", "upstream_of"]


def host_treatment(flow: http.HTTPFlow) -> Literal["upstream", "keep"]:
    """What mitmproxy has done to the Host field."""
    if isinstance(flow.client_conn.proxy_mode, ReverseMode):
        came = head_of(flow.request).value(b"host")
        return "keep" if came == host_of(flow.request) else "upstream"
    return "keep"


def host_of(request: http.Request) -> bytes | None:
    """The Host field as it is now."""
    return next((value for name, value in request.headers.fields if name.lower() == b"host"), None)


def listener_of(flow: http.HTTPFlow, came: RequestHead) -> Endpoint:
    """Where the client thinks that it has connected to."""
    secure = flow.client_conn.tls or came.target.lower().startswith(b"wss:")
    host, port, *_ = flow.client_conn.sockname
    return Endpoint(bool(secure), host, port)


def upstream_of(flow: http.HTTPFlow) -> Endpoint:
    """Where the request goes."""
    request = flow.request
    return Endpoint(request.scheme == "https", request.host, request.port)


def address_of(conn: connection.Client) -> str:
    """Who the client is."""
    return in_text(*conn.peername[:2])
