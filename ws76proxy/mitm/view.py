"""The content view "hixie-76 handshake": the console's report, in mitmproxy 11 and in 12."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from mitmproxy import contentviews
from mitmproxy import flow as flows

from ws76proxy.console import handshake_text
from ws76proxy.mitm.told import METADATA, records_of
from ws76proxy.record import RequestRecord
from ws76proxy.wire import Dialect

__all__ = ["NAME", "add_view"]

NAME = "hixie-76 handshake"
_COLUMNS = 84
"""What mitmweb shows of a line beside its list on a screen of usual width."""
_FIRST_CHOICE = 100.0
_UNFIT = -1.0


def _text(flow: flows.Flow | None) -> str:
    records = records_of(flow) if flow is not None else []
    if not records:
        raise ValueError("this flow carries no hixie handshake")
    # Of two dialects the flow itself has but one head of each: the one that went on.
    is_bridged = any(
        isinstance(one, RequestRecord) and one.server_dialect is not None for one in records
    )
    text = handshake_text(records, width=_COLUMNS, raw=is_bridged)
    values = {} if flow is None else flow.metadata.get(METADATA, {})
    if values.get("server_dialect") == Dialect.RFC_6455 and values.get("verdict"):
        sign = "✓" if values["verdict"] == "verified" else "✗"
        text += f"\n     Sec-WebSocket-Accept, the server's proof: {sign} {values['verdict']}\n"
    return text


def _priority(flow: flows.Flow | None, message: object) -> float:
    """The first choice for the head of a hixie flow; no choice for anything else."""
    return _FIRST_CHOICE if flow and message is not None and METADATA in flow.metadata else _UNFIT


def add_view() -> Callable[[], None]:
    """Register the view; returns what takes it away again."""
    return _add_new() if hasattr(contentviews, "Contentview") else _add_old()


def _add_new() -> Callable[[], None]:
    """mitmproxy 12: one text from data and metadata."""
    api: Any = contentviews

    class HixieHandshake(api.Contentview):  # type: ignore[misc]
        @property
        def name(self) -> str:
            return NAME

        def prettify(self, data: bytes, metadata: Any) -> str:
            return _text(metadata.flow)

        def render_priority(self, data: bytes, metadata: Any) -> float:
            return _priority(metadata.flow, metadata.http_message)

    api.add(HixieHandshake())

    def remove() -> None:
        # There is no way to take a view back; nobody must see one whose addon has gone.
        getattr(api.registry, "_by_name", {}).pop(NAME, None)

    return remove


def _add_old() -> Callable[[], None]:
    """mitmproxy 11: a description, and lines of styled pieces."""
    base: Any = importlib.import_module("mitmproxy.contentviews.base")
    api: Any = contentviews

    class HixieHandshake(base.View):  # type: ignore[misc]
        name = NAME

        def __call__(
            self, data: bytes, *, flow: flows.Flow | None = None, **_metadata: Any
        ) -> tuple[str, Iterator[list[tuple[str, str]]]]:
            lines = _text(flow).splitlines()
            return NAME, iter([[("text", line)] for line in lines])

        def render_priority(
            self,
            data: bytes,
            *,
            flow: flows.Flow | None = None,
            http_message: object = None,
            **_metadata: Any,
        ) -> float:
            return _priority(flow, http_message)

    view = HixieHandshake()
    api.add(view)
    return lambda: api.remove(view)
