"""The servers of recorded sessions, who answer in place of the real one."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from mitmproxy import http

from ws76proxy.replay import Plan, ReplayServer
from ws76proxy.replay.heads import answer_for
from ws76proxy.wire import Dialect, RequestHead, hixie76

__all__ = ["ServerReplay", "answer_of_plan"]

logger = logging.getLogger(__name__)


class ServerReplay:
    """Which recorded session a client gets; the first that it asks for, and by turns."""

    def __init__(self) -> None:
        self._servers: ReplayServer | None = None

    def play(self, plans: Iterable[Plan]) -> int:
        """Answer for the servers of these sessions, and no others; how many there are."""
        playable = []
        for plan in plans:
            if plan.response is None:
                logger.warning("ws76: %s: its server did not answer; left out", plan.name)
            else:
                playable.append(plan)
        # Only its choice is wanted: it is never opened.
        self._servers = ReplayServer(playable) if playable else None
        return len(playable)

    @property
    def plans(self) -> list[Plan]:
        """The sessions that are played."""
        return [] if self._servers is None else list(self._servers.plans)

    def choose(self, request: RequestHead, dialect: Dialect) -> Plan | None:
        """The session for a client that asks so; None: the real server is to answer."""
        if self._servers is None:
            return None
        plan, unlike = self._servers.choose(request, dialect)
        if plan is None:
            logger.info("ws76: not replayed, goes to the server: %s", unlike)
        return plan


def answer_of_plan(
    plan: Plan, request: RequestHead, key3: bytes, dialect: Dialect, *, secure: bool
) -> http.Response:
    """The recorded server's answer to this very request: 400 where its keys have no answer."""
    head = answer_for(plan, request, dialect, secure=secure)
    content = plan.body
    if head.status == 101:
        content = b""
        if dialect is Dialect.HIXIE_76:
            challenge = hixie76.challenge_of(request, key3)
            digest = None if challenge is None else challenge.answer
            if digest is None:
                return http.Response.make(400, "The keys of this challenge have no answer (5.2).\n")
            content = digest
    fields = [(field.name, field.value) for field in head.fields]
    if head.status != 101 and head.get(b"transfer-encoding") is not None:
        # The body was recorded as it was on the wire, cut into chunks.
        coded = (b"transfer-encoding", b"content-length")
        fields = [(name, value) for name, value in fields if name.lower() not in coded]
        fields.append((b"Content-Length", b"0"))
        content = b""
    now = time.time()
    return http.Response(
        http_version=b"HTTP/1.1",
        status_code=head.status or 500,
        reason=head.reason,
        headers=http.Headers(fields),
        content=content,
        trailers=None,
        timestamp_start=now,
        timestamp_end=now,
    )
