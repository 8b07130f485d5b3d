"""mitmproxy for these tests, imported without what its libraries say of each other."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import mitmproxy.addons  # noqa: F401
    from mitmproxy import flow, http, tcp
    from mitmproxy.addons.savehar import SaveHar
    from mitmproxy.io import FlowReader, FlowWriter
    from mitmproxy.test import tflow

__all__ = [
    "FlowReader",
    "SaveHar",
    "flow",
    "http",
    "load",
    "save",
    "tcp",
    "tflow",
    "websocket_flow",
]


def websocket_flow(**options: Any) -> Any:
    """A stock WebSocket flow: a binary message and a text of the client's, a text of the server's.

    As it has parts that may be missing from others, it is of any type.
    """
    return tflow.twebsocketflow(**options)


def load(path: Path) -> list[flow.Flow]:
    """The flows of a file, as a stock mitmproxy reads them."""
    with path.open("rb") as file:
        return list(FlowReader(file).stream())


def save(path: Path, *flows: Any) -> Path:
    """A file of flows, as mitmproxy writes it."""
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for one in flows:
            writer.add(one)
    return path
