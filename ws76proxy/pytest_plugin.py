"""A pytest plugin: the fixture `ws76_server` plays recorded servers for somebody else's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ws76proxy.replay.background import ServerFactory

__all__ = ["ws76_server"]


@pytest.fixture
def ws76_server() -> Iterator[ServerFactory]:
    """Starts replay servers: ``ws76_server("session.ws76.jsonl").url`` is where a client connects.

    See `ws76proxy.replay.background.ServerFactory` for what it takes. At the end of the test all
    servers are stopped, and the test fails where a client did not do as in the recording.
    """
    # Not above: a plugin is loaded in every run of pytest, whether or not it is used.
    from ws76proxy.replay.background import ServerFactory

    factory = ServerFactory()
    try:
        yield factory
    finally:
        deviations = factory.stop()
    if deviations:
        pytest.fail(deviations, pytrace=False)
