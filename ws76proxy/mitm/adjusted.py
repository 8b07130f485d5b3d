"""A 101 made to speak of the address that the client knows."""

from __future__ import annotations

from ws76proxy.diagnosis import expected_location
from ws76proxy.session import SessionOptions
from ws76proxy.session.adjust import Adjustment, adjust_response
from ws76proxy.wire import RequestHead, ResponseHead

__all__ = ["adjusted_response"]


def adjusted_response(
    head: ResponseHead, came: RequestHead, went: RequestHead, options: SessionOptions
) -> tuple[ResponseHead, list[Adjustment]]:
    """What the client gets instead of `head`; `came` and `went` are the request before and after
    mitmproxy."""
    adjusted, changes = adjust_response(head, came, went, options)
    # A location that is wholly right for the server is made wholly right for the client: a
    # request that was sent to another path (map_remote) differs there too.
    theirs = expected_location(went, options.upstream.secure)
    ours = expected_location(came, options.listener.secure)
    for name in (b"sec-websocket-location", b"websocket-location"):
        field, before = adjusted.get(name), head.value(name)
        if field is not None and before == theirs and field.value != ours:
            why = "the client knows this address"
            label = field.name.decode("latin-1")
            changes = [one for one in changes if one.what != label]
            changes.append(Adjustment(label, before, ours, "proxy", why))
            adjusted = adjusted.replace_field(field, ours)
    return adjusted, changes
