"""The browser, and the rule for a machine that has none: the same as for the other peers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.mitmweb import VIEW_HEIGHT, VIEW_WIDTH
from tests.interop.chromium import chromium_running
from tests.interop.conftest import (  # noqa: F401 - hooks and fixtures that pytest finds here
    pages,
    pytest_configure,
    pytest_runtest_setup,
    server,
)
from tests.interop.process import PATIENCE


# No longer than its module: while it lives, no event loop can be run in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """Headless Chromium with a new profile; imported here, because it may not be installed."""
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE * 1000)
    viewport = {"width": VIEW_WIDTH, "height": VIEW_HEIGHT}
    with chromium_running(viewport=viewport) as context:
        context.set_default_timeout(PATIENCE * 1000)
        yield context
