"""What there is to replay: of recordings in files, and of flows in the list."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec
from mitmproxy import flow as flows
from mitmproxy import http

from ws76proxy.endpoint import Endpoint, parse_upstream
from ws76proxy.errors import UsageError
from ws76proxy.mitm.pristine import assembled_request
from ws76proxy.mitm.told import METADATA
from ws76proxy.recording import RecordedSession, read_sessions
from ws76proxy.recording.mitm.told import retell_told
from ws76proxy.replay import Plan, plan_of
from ws76proxy.wire import dialect_of

__all__ = ["is_hixie", "plan_of_flow", "plans_in", "server_of"]

logger = logging.getLogger(__name__)

_SHAPE = (msgspec.ValidationError, KeyError, TypeError, ValueError)


def plans_in(paths: Iterable[str]) -> list[Plan]:
    """The sessions of these files and folders; what cannot be replayed is logged and left out.

    Raises UsageError where nothing is left.
    """
    names = list(paths)
    plans: list[Plan] = []
    files = [Path(name).expanduser() for name in names]
    for session in read_sessions(files, lambda fault: logger.warning("ws76: %s", fault)):
        try:
            plans.append(plan_of(session))
        except UsageError as error:
            logger.warning("ws76: not replayed: %s", error)
    if not plans:
        raise UsageError(f"{', '.join(names)}: expected a session to replay, found none")
    return plans


def is_hixie(flow: flows.Flow) -> bool:
    """Whether a flow, live or loaded, has been seen by this addon."""
    values = flow.metadata.get(METADATA)
    return isinstance(flow, http.HTTPFlow) and isinstance(values, dict)


def plan_of_flow(flow: http.HTTPFlow) -> Plan:
    """What there is to replay of a hixie flow, as the user has left it in the list.

    Raises UsageError.
    """
    try:
        records = list(retell_told(flow, 1))
    except _SHAPE as error:
        raise UsageError(
            f"this flow cannot be replayed: found {error} in what it carries"
        ) from None
    plan = plan_of(RecordedSession(f"the flow of {flow.request.path}", None, records))
    asked = assembled_request(flow.request)
    if dialect_of(asked) is not plan.dialect:
        # The flow has what the server was asked in its dialect; the client is played in its own.
        return plan
    return dataclasses.replace(plan, request=asked)


def server_of(plan: Plan) -> Endpoint:
    """The server that was talked to. Raises UsageError where the recording does not say."""
    start = plan.session.start
    if start is not None:
        try:
            return parse_upstream(start.upstream)
        except UsageError:
            pass
    host = plan.request.value(b"host")
    if not host:
        raise UsageError(f"{plan.name}: expected a server's address, found none")
    return parse_upstream(f"ws://{host.decode('latin-1')}")
