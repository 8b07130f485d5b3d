"""What the tests have in common: mitmproxy as the addon leaves it, and the matrix as a table."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Iterator

import pytest

from tests.mitm.peers import Peer

with warnings.catch_warnings():
    # What mitmproxy's libraries say about each other while they are imported is not ours to mend.
    warnings.simplefilter("ignore", DeprecationWarning)
    import mitmproxy.addons  # noqa: F401

    from ws76proxy.mitm import patches


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from tests.mitm import matrix

    if matrix.OUTCOMES:
        version = importlib.metadata.version("mitmproxy")
        terminalreporter.write_sep("-", f"the matrix of cases on mitmproxy {version}")
        for line in matrix.lines():
            terminalreporter.write_line(line)


@pytest.fixture
def patched() -> Iterator[None]:
    """mitmproxy as the addon leaves it."""
    patches.install()
    yield
    patches.uninstall()


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Nothing stays open after a test."""
    yield
    Peer.close_all()
